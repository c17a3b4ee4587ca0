"""The step `acceptance`: the official programs that prove more, where a folder with them is given.

A folder in the environment variable BQVERTEX_ACCEPTANCE_TOOLS holds xz-compressed programs, named
``pulumi-resource-gcp-vVERSION.xz`` and ``pulumi-language-python-vVERSION.xz``, with a SHA256SUMS.
Tests that use them are told where they are by two further variables (`environment`).
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path

from bootstrap import cache
from bootstrap import pulumi as cli
from bootstrap.checkout import Checkout
from bootstrap.progress import step
from bootstrap.stamp import Facts
from bootstrap.way import SetupError

NAME = "acceptance"
VARIABLE = "BQVERTEX_ACCEPTANCE_TOOLS"
PROGRAMS = {
    "BQVERTEX_OFFICIAL_GCP_PLUGIN": "pulumi-resource-gcp",
    "BQVERTEX_OFFICIAL_LANGUAGE_HOST": "pulumi-language-python",
}


def key(checkout: Checkout, environ: Mapping[str, str], pulumi: Facts) -> str:
    """What the step depends on: the folder that is given, and its checksums."""
    given = environ.get(VARIABLE)
    if not given:
        return "none given"
    sums = Path(given, "SHA256SUMS")
    digest = checkout.digest(sums) if sums.is_file() else "no checksums"
    return f"{given} {digest} {pulumi['folder']}"


def present(checkout: Checkout, facts: Facts) -> bool:
    """Whether what the step made is still there."""
    return all(Path(path).is_file() for path in facts.values())


def make(checkout: Checkout, environ: Mapping[str, str], pulumi: Facts) -> Facts:
    """Unpacks the programs into the cache.

    Args:
        checkout: Whose cache it is.
        environ: The environment of this process.
        pulumi: What the step `pulumi` found out; the language host's scripts are taken from it.

    Returns:
        By environment variable, the program that it shall name; none where no folder is given.

    Raises:
        SetupError: A folder is given that is none, or a program in it is damaged.
    """
    given = environ.get(VARIABLE)
    if not given:
        return {}
    sums = Path(given, "SHA256SUMS")
    if not sums.is_file():
        raise SetupError(
            f"{VARIABLE} is {given!r}, a folder without SHA256SUMS. Name the folder with the "
            "acceptance tools of this platform, or unset the variable."
        )
    rows = [line.split() for line in sums.read_text(encoding="utf-8").splitlines()]
    published = {row[1].lstrip("*"): row[0] for row in rows if len(row) == 2}
    found: Facts = {}
    for variable, program in PROGRAMS.items():
        for name, sha256 in sorted(published.items()):
            if name.startswith(f"{program}-v") and name.endswith(".xz"):
                packed = Path(given, name)
                kept = checkout.cache / "acceptance" / sha256[:16]
                _install(packed, sha256, kept, program, Path(pulumi["folder"]))
                found[variable] = str(kept / program)
    return found


def _install(packed: Path, sha256: str, kept: Path, program: str, pulumi: Path) -> None:
    def build(folder: Path) -> None:
        try:
            import lzma
        except ImportError as error:
            raise SetupError(
                f"{packed} cannot be unpacked: the Python that runs set-up has no module lzma. "
                "Name another with `make PYTHON=/path/to/python3`."
            ) from error
        with step(f"unpacking {packed.name}"):
            try:
                content = packed.read_bytes()
            except OSError as error:
                raise SetupError(f"cannot read {packed}: {error.strerror}") from error
            digest = hashlib.sha256(content).hexdigest()
            if digest != sha256:
                raise SetupError(f"{packed} is damaged: its SHA-256 is {digest}, not {sha256}")
            (folder / program).write_bytes(lzma.decompress(content))
            (folder / program).chmod(0o755)
            if program == cli.HOST:
                for script in cli.SCRIPTS:
                    shutil.copy2(pulumi / script, folder / script)

    cache.install(kept, program, build)
