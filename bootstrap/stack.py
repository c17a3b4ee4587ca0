"""What `make up`, `make preview` and `make down` do with a Pulumi stack."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from bootstrap import cache
from bootstrap.checkout import Checkout
from bootstrap.command import CommandFailed, attend
from bootstrap.environment import LOCAL, backend
from bootstrap.way import SetupError

_ENDPOINT = re.compile(r"""^\s+bqvertex:api_endpoint:\s*["']?([^"'\s#]+)""", re.M)


class Stack:
    """One stack of this checkout.

    Only the stack `local` has a local cloud to be started and stopped, and is changed without
    being asked; with any other, Pulumi itself asks before it changes or destroys anything.

    Args:
        checkout: The checkout.
        name: The stack, one of stacks/Pulumi.NAME.yaml.
        env: The environment made for this stack.
    """

    def __init__(self, checkout: Checkout, name: str, env: Mapping[str, str]) -> None:
        self._checkout = checkout
        self._name = name
        self._env = env
        self._local = name == LOCAL

    def up(self, arguments: Sequence[str]) -> int:
        """Brings the stack up; `local` with its cloud, which is left running.

        Args:
            arguments: Further arguments of `pulumi up`.

        Returns:
            The exit status of the first program that failed, else 0.
        """
        if self._local:
            status = self._start() or self._select()
            if status:
                return status
        yes = ["--yes"] if self._local else []
        status = self._pulumi("up", *yes, *arguments)
        if status == 0 and self._local:
            status = self._attend("python", "-m", "stacks.summary", self._name)
        return status

    def preview(self, arguments: Sequence[str]) -> int:
        """Shows what an `up` would change.

        Args:
            arguments: Further arguments of `pulumi preview`.

        Returns:
            Pulumi's exit status.
        """
        if self._local and not self._exists():
            status = self._select()
            if status:
                return status
        return self._pulumi("preview", *arguments)

    def down(self, arguments: Sequence[str], *, force: bool = False) -> int:
        """Destroys the stack; of `local` nothing is left, its cloud and its state neither.

        Args:
            arguments: Further arguments of `pulumi destroy`.
            force: Whether the local cloud is thrown away though the destroy failed.

        Returns:
            The exit status of the first program that failed, else 0.
        """
        if not self._local:
            return self._pulumi("destroy", *arguments)
        if self._exists():
            # What is to be destroyed can only be destroyed on a cloud that runs.
            status = self._start() or self._pulumi("destroy", "--yes", *arguments)
            if status == 0:
                status = self._pulumi("stack", "rm", "--yes", "--preserve-config")
            if status and not force:
                print(
                    "The stack could not be destroyed, so the local cloud was left as it is. "
                    "`make down FORCE=1` throws both away all the same."
                )
                return status
        status = self._attend("python", "-m", "localcloud", "stop")
        if status:
            return status
        cache.remove(self._checkout.local)
        return 0

    def _attend(self, *argv: str) -> int:
        try:
            return attend(argv, env=self._env, cwd=self._checkout.root)
        except CommandFailed as failure:
            raise SetupError(str(failure)) from failure

    def _pulumi(self, *argv: str) -> int:
        return self._attend("pulumi", *argv, "--stack", self._name)

    def _select(self) -> int:
        backend(self._checkout).mkdir(parents=True, exist_ok=True)
        return self._attend("pulumi", "stack", "select", "--create", self._name)

    def _exists(self) -> bool:
        # A removed stack leaves its last state behind as NAME.json.bak.
        folder = backend(self._checkout) / ".pulumi" / "stacks"
        return any(folder.glob(f"*/{self._name}.json")) or any(
            folder.glob(f"*/{self._name}.json.gz")
        )

    def _start(self) -> int:
        return self._attend("python", "-m", "localcloud", "start", "--port", str(self.port()))

    def port(self) -> int:
        """The port at which this stack's program looks for the local cloud.

        Raises:
            SetupError: The stack's file names none.
        """
        file = self._checkout.root / "stacks" / f"Pulumi.{self._name}.yaml"
        content = file.read_text(encoding="utf-8") if file.is_file() else ""
        found = _ENDPOINT.search(content)
        shown = file.relative_to(self._checkout.root)
        if found is None:
            raise SetupError(
                f"{shown} has no bqvertex:api_endpoint, the address of the local cloud. "
                "Set it to http://127.0.0.1:8470 or another free port."
            )
        try:
            port = urlsplit(found.group(1)).port
        except ValueError:
            port = None
        if not port:
            raise SetupError(
                f"{shown}: bqvertex:api_endpoint is {found.group(1)!r}; allowed is "
                "http://127.0.0.1:PORT with a port from 1 to 65535."
            )
        return port
