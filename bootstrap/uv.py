"""uv, which makes the virtual environment."""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urljoin

from bootstrap import cache, download, version
from bootstrap.checkout import Checkout, architecture, system
from bootstrap.command import CommandFailed, ask, work
from bootstrap.progress import Step, step
from bootstrap.way import Way, WayFailed, first_that_works

OLDEST = (0, 9)
PINNED = "0.13.9"
_INDEX = "https://pypi.org/simple"
# https://packaging.python.org/en/latest/specifications/simple-repository-api/
_JSON = "application/vnd.pypi.simple.v1+json"


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment for uv and pip: this one, less what would lead them astray."""
    # PYTHONDONTWRITEBYTECODE costs every later start of Pulumi four seconds (docs/traps.md).
    astray = ("VIRTUAL_ENV", "PYTHONHOME", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "UV_PYTHON")
    return {name: value for name, value in environ.items() if name not in astray}


def _on_path(environ: Mapping[str, str]) -> Path:
    found = shutil.which("uv", path=environ.get("PATH", ""))
    if found is None:
        raise WayFailed("not there")
    try:
        printed = ask([found, "--version"], env=environ)
        if not version.at_least(version.find(printed), OLDEST):
            raise WayFailed(f"{found} is {printed.strip()}, needed is {version.text(OLDEST)}")
    except (CommandFailed, version.NoVersion) as failure:
        raise WayFailed(f"{found} does not work ({failure})") from failure
    return Path(found)


def _keep(binary: Path, folder: Path) -> None:
    shutil.copy2(binary, folder / "uv")
    (folder / "uv").chmod(0o755)
    ask([str(folder / "uv"), "--version"])


def _by_pip(folder: Path, environ: Mapping[str, str], shown: Step) -> None:
    room = folder / "venv"
    work([sys.executable, "-m", "venv", str(room)], shown, env=environ)
    pip = [str(room / "bin" / "python"), "-m", "pip", "install", "--no-deps", "--no-input"]
    work([*pip, "--only-binary", ":all:", f"uv=={PINNED}"], shown, env=environ)
    _keep(room / "bin" / "uv", folder)
    cache.remove(room)


def _by_own_pip(folder: Path, environ: Mapping[str, str], shown: Step) -> None:
    room = folder / "packages"
    pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-input"]
    pip += ["--only-binary", ":all:", "--target", str(room), f"uv=={PINNED}"]
    work(pip, shown, env=environ)
    _keep(room / "bin" / "uv", folder)
    cache.remove(room)


def _by_hand(folder: Path, shown: Step, index: str) -> None:
    processor = {"amd64": "x86_64", "arm64": "aarch64" if system() == "linux" else "arm64"}
    published = json.loads(download.read(f"{index}/uv/", accept=_JSON))
    fitting = [
        file
        for file in published["files"]
        if file["filename"].startswith(f"uv-{PINNED}-")
        and file["filename"].endswith(f"{processor[architecture()]}.whl")
        and ("manylinux" if system() == "linux" else "macosx") in file["filename"]
    ]
    if not fitting:
        raise WayFailed(f"PyPI has no wheel of uv {PINNED} for this machine")
    wheel = folder / "uv.whl"
    url = urljoin(f"{index}/uv/", fitting[0]["url"])
    download.fetch(url, wheel, fitting[0]["hashes"]["sha256"], shown)
    with zipfile.ZipFile(io.BytesIO(wheel.read_bytes())) as archive:
        name = next(n for n in archive.namelist() if n.endswith(".data/scripts/uv"))
        (folder / "unpacked").write_bytes(archive.read(name))
    (folder / "unpacked").chmod(0o755)
    _keep(folder / "unpacked", folder)
    (folder / "unpacked").unlink()
    wheel.unlink()


def find(checkout: Checkout, environ: Mapping[str, str], *, index: str = _INDEX) -> Path:
    """Finds uv, or fetches the pinned version into the cache.

    Args:
        checkout: Whose cache it goes to.
        environ: The environment: PATH, and what pip and proxies read.
        index: The package index, for the way that needs neither pip nor venv.

    Returns:
        The uv executable.

    Raises:
        SetupError: No way worked.
    """
    kept = checkout.cache / "uv" / f"{PINNED}-{system()}-{architecture()}"
    clean = environment(environ)

    def cached() -> Path:
        if not os.access(kept / "uv", os.X_OK):
            raise WayFailed("not there yet")
        return kept / "uv"

    def by_pip() -> Path:
        try:
            with step(f"fetching uv {PINNED} with pip") as shown:
                cache.install(kept, "uv", lambda folder: _by_pip(folder, clean, shown))
        except CommandFailed as failure:
            raise WayFailed(failure.reason) from failure
        return kept / "uv"

    def by_own_pip() -> Path:
        try:
            with step(f"fetching uv {PINNED} with {Path(sys.executable).name} -m pip") as shown:
                cache.install(kept, "uv", lambda folder: _by_own_pip(folder, clean, shown))
        except CommandFailed as failure:
            raise WayFailed(failure.reason) from failure
        return kept / "uv"

    def by_hand() -> Path:
        try:
            with step(f"fetching uv {PINNED} from PyPI") as shown:
                cache.install(kept, "uv", lambda folder: _by_hand(folder, shown, index))
        except (CommandFailed, KeyError, ValueError, StopIteration, zipfile.BadZipFile) as failure:
            raise WayFailed(f"{type(failure).__name__}: {failure}") from failure
        return kept / "uv"

    _, uv = first_that_works(
        "uv",
        [
            Way("uv on PATH", lambda: _on_path(clean)),
            Way("uv in the cache", cached),
            Way("from PyPI with pip in a private virtual environment", by_pip),
            Way(f"from PyPI with {sys.executable} -m pip", by_own_pip),
            Way("from PyPI without pip", by_hand),
        ],
        f"Install uv {version.text(OLDEST)} or newer so that it is on PATH "
        "(https://docs.astral.sh/uv/), and run it again.",
    )
    return uv
