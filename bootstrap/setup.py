"""The steps of set-up, in order, each done only where it is due."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from bootstrap import acceptance, cache, gcp_plugin, pulumi, venv, zetasql
from bootstrap.checkout import Checkout
from bootstrap.progress import duration
from bootstrap.stamp import Facts, Stamp

# Formatting, types and imports need no Pulumi: `make check` waits for no more than it uses.
FOR_CHECKS = (venv.NAME, zetasql.NAME)
WHOLE = (venv.NAME, zetasql.NAME, pulumi.NAME, gcp_plugin.NAME, acceptance.NAME)


class Setup:
    """Set-up of one checkout.

    Args:
        checkout: The checkout.
        environ: The environment of this process.
        refresh: Whether steps are done again though their stamp says that they are done.
    """

    def __init__(
        self, checkout: Checkout, environ: Mapping[str, str], *, refresh: bool = False
    ) -> None:
        self._checkout = checkout
        self._environ = environ
        self._refresh = refresh
        self._file = checkout.tools / "setup.json"
        self._author = checkout.digest(*sorted((checkout.root / "bootstrap").glob("*.py")))
        self._facts: dict[str, Facts] = {}

    def ensure(self, names: tuple[str, ...]) -> dict[str, Facts]:
        """Does what is due of some steps, in their order.

        Args:
            names: The steps: `FOR_CHECKS` or `WHOLE`.

        Returns:
            What each found out, by its name.

        Raises:
            SetupError: A step cannot be done.
        """
        if not self._refresh and self._current(Stamp.load(self._file, self._author), names):
            return self._facts
        began = time.monotonic()
        print("bqvertex set-up", file=sys.stderr, flush=True)
        with cache.lock(self._checkout.tools / "setup.lock", "sets up this checkout"):
            stamp = Stamp.load(self._file, self._author)
            for name in names:
                self._do(stamp, name)
        print(f"  ready after {duration(time.monotonic() - began)}", file=sys.stderr, flush=True)
        return self._facts

    def _current(self, stamp: Stamp, names: tuple[str, ...]) -> bool:
        return all(self._done(stamp, name) for name in names)

    def _done(self, stamp: Stamp, name: str) -> bool:
        facts = stamp.facts(name, self._key(name))
        present: dict[str, Callable[[Checkout, Facts], bool]] = {
            venv.NAME: venv.present,
            zetasql.NAME: zetasql.present,
            pulumi.NAME: pulumi.present,
            gcp_plugin.NAME: gcp_plugin.present,
            acceptance.NAME: acceptance.present,
        }
        if facts is None or not present[name](self._checkout, facts):
            return False
        self._facts[name] = facts
        return True

    def _key(self, name: str) -> str:
        if name == venv.NAME:
            return venv.key(self._checkout)
        if name == zetasql.NAME:
            return zetasql.key(self._checkout)
        if name == pulumi.NAME:
            return pulumi.key(self._checkout)
        if name == gcp_plugin.NAME:
            return gcp_plugin.key(self._checkout, self._facts[pulumi.NAME])
        return acceptance.key(self._checkout, self._environ, self._facts[pulumi.NAME])

    def _do(self, stamp: Stamp, name: str) -> None:
        if not self._refresh and self._done(stamp, name):
            return
        key = self._key(name)
        # Half done is not done: where this run ends, the next one must begin it again.
        stamp.forget(name)
        facts = self._make(name)
        stamp.keep(name, key, facts)
        self._facts[name] = facts

    def _make(self, name: str) -> Facts:
        checkout, environ = self._checkout, self._environ
        if name == venv.NAME:
            return venv.make(checkout, environ)
        if name == zetasql.NAME:
            return zetasql.make(checkout, environ)
        if name == pulumi.NAME:
            tool = Path(self._facts[venv.NAME]["uv"])
            return pulumi.make(checkout, environ, tool, checkout.python)
        if name == gcp_plugin.NAME:
            return gcp_plugin.make(checkout, environ, self._facts[pulumi.NAME])
        return acceptance.make(checkout, environ, self._facts[pulumi.NAME])
