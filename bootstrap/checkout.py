"""The checkout being set up, the versions that it locks, and where its tools go."""

from __future__ import annotations

import hashlib
import os
import platform
import re
from dataclasses import dataclass
from pathlib import Path

from bootstrap.way import SetupError

_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


@dataclass(frozen=True)
class Checkout:
    """One checkout of the project.

    Attributes:
        root: Its top folder, absolute.
        cache: Folder of tools that all checkouts of this user share.
    """

    root: Path
    cache: Path

    @classmethod
    def here(cls) -> Checkout:
        """The checkout that this code lies in, with the user's cache."""
        home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
        return cls(Path(__file__).resolve().parent.parent, Path(home) / "bqvertex")

    @property
    def venv(self) -> Path:
        """The virtual environment."""
        return self.root / ".venv"

    @property
    def python(self) -> Path:
        """The interpreter of the virtual environment."""
        return self.venv / "bin" / "python"

    @property
    def tools(self) -> Path:
        """What set-up keeps for this checkout alone."""
        return self.root / ".tools"

    @property
    def pulumi_home(self) -> Path:
        """Pulumi's own folder for the stack `local`: its plugins, no credentials."""
        return self.tools / "pulumi-home"

    @property
    def local(self) -> Path:
        """State of the stack `local` and of its cloud."""
        return self.root / ".local"

    @property
    def modules(self) -> Path:
        """Locked Go modules that tools are built from, one folder each."""
        return self.root / "bootstrap" / "gomodules"

    def locked(self, package: str) -> str:
        """The version of a Python package in uv.lock.

        Args:
            package: Its name on PyPI.

        Raises:
            SetupError: It is not there.
        """
        # tomllib came with Python 3.11, and set-up starts with 3.9.
        lock = (self.root / "uv.lock").read_text(encoding="utf-8")
        found = re.search(rf'^name = "{re.escape(package)}"\nversion = "([^"]+)"', lock, re.M)
        if found is None:
            raise SetupError(
                f"uv.lock has no package {package}: it is damaged. Restore it with "
                "`git checkout uv.lock` and run it again."
            )
        return found.group(1)

    def digest(self, *paths: Path) -> str:
        """One short hash over the contents of files and folders, for the keys of stamps."""
        whole = hashlib.sha256()
        for path in paths:
            files = sorted(path.rglob("*")) if path.is_dir() else [path]
            for file in files:
                if file.is_file():
                    whole.update(f"{file.relative_to(path.parent)}\0".encode())
                    whole.update(hashlib.sha256(file.read_bytes()).digest())
        return whole.hexdigest()[:16]


def architecture() -> str:
    """This machine's processor in Go's words: ``amd64`` or ``arm64``.

    Raises:
        SetupError: It is another; Pulumi publishes nothing for it.
    """
    machine = platform.machine().lower()
    if machine not in _ARCHITECTURES:
        raise SetupError(
            f"this machine's processor is {machine}; Pulumi runs on x86_64 and aarch64. "
            "Use such a machine."
        )
    return _ARCHITECTURES[machine]


def system() -> str:
    """This machine's operating system in Go's words: ``linux`` or ``darwin``.

    Raises:
        SetupError: It is another.
    """
    name = platform.system().lower()
    if name not in ("linux", "darwin"):
        raise SetupError(
            f"this machine runs {platform.system()}; set-up runs on Linux and macOS. "
            "On Windows use WSL."
        )
    return name
