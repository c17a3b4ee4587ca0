"""The Python that the virtual environment is made of."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from bootstrap import version
from bootstrap.command import CommandFailed, ask, work
from bootstrap.progress import step
from bootstrap.way import Way, WayFailed, first_that_works

SERIES = (3, 13)

# A pyenv shim, or a build without OpenSSL, is found out only by running it. A virtual environment
# names the installation that it was made of: one made of another breaks when that one goes.
_PROBE = """
import ctypes, os, sqlite3, ssl, sys, zlib
own = sys.executable
if sys.prefix != sys.base_prefix:
    own = os.path.join(sys.base_prefix, "bin", "python%d.%d" % sys.version_info[:2])
print("%d.%d.%d" % sys.version_info[:3], sys.version_info.releaselevel, own)
"""


def verify(python: Path) -> Path:
    """Runs an interpreter to learn whether it is a whole, released Python of the wanted series.

    Args:
        python: What claims to be it.

    Returns:
        The interpreter itself: behind a shim, or behind a virtual environment.

    Raises:
        WayFailed: It is another version, a pre-release, lacks modules, or does not run.
    """
    wanted = version.text(SERIES)
    try:
        number, level, own = ask([str(python), "-c", _PROBE], seconds=20).split(maxsplit=2)
    except CommandFailed as failure:
        raise WayFailed(f"{python} does not work ({failure.reason})") from failure
    except ValueError as error:
        raise WayFailed(f"{python} is no Python") from error
    if version.find(number)[:2] != SERIES:
        raise WayFailed(f"{python} is Python {number}, not {wanted}")
    if level != "final":
        raise WayFailed(f"{python} is a pre-release ({number} {level})")
    return Path(own.strip())


def _first_verified(candidates: Iterable[Path], none: str) -> Path:
    reasons = []
    for candidate in candidates:
        try:
            return verify(candidate)
        except WayFailed as failure:
            reasons.append(str(failure))
    raise WayFailed("; ".join(reasons) or none)


def on_path(path: str, *, outside: Path) -> Iterator[Path]:
    """Every executable on a PATH that may be the interpreter, best name first.

    Args:
        path: Folders, as in the environment variable PATH.
        outside: A folder that does not count: the virtual environment to be made.
    """
    wanted = version.text(SERIES)
    for name in (f"python{wanted}", "python3", "python"):
        for folder in path.split(os.pathsep):
            candidate = Path(folder, name)
            if folder and os.access(candidate, os.X_OK) and outside not in candidate.parents:
                yield candidate


def of_pyenv(environ: Mapping[str, str]) -> Iterator[Path]:
    """The interpreters among pyenv's versions, newest first, whether or not pyenv selects them."""
    root = Path(environ.get("PYENV_ROOT") or Path(environ.get("HOME", "/"), ".pyenv"))
    wanted = version.text(SERIES)
    found = list(root.glob(f"versions/{wanted}*/bin/python{wanted}"))

    def newest(python: Path) -> tuple[int, ...]:
        try:
            return version.find(python.parent.parent.name)
        except version.NoVersion:
            return ()

    return iter(sorted(found, key=newest, reverse=True))


def find(uv: Path, environ: Mapping[str, str], *, outside: Path) -> Path:
    """Finds, or has uv fetch, the interpreter.

    Args:
        uv: The uv executable.
        environ: The environment: PATH, PYENV_ROOT, HOME and what uv and proxies read.
        outside: The virtual environment to be made, whose own interpreter does not count.

    Returns:
        Its path, verified by running it.

    Raises:
        SetupError: There is none, and uv cannot fetch one.
    """
    wanted = version.text(SERIES)

    def of_uv() -> Path:
        argv = [str(uv), "python", "find", "--managed-python", "--no-python-downloads"]
        argv += ["--no-project", "--no-config", wanted]
        try:
            return verify(Path(ask(argv, env=environ).strip()))
        except CommandFailed as failure:
            raise WayFailed(failure.reason) from failure

    def fetched() -> Path:
        try:
            with step(f"fetching Python {wanted}") as shown:
                # uv's three tries with growing pauses only delay a closed network's answer.
                env = {"UV_HTTP_RETRIES": "1", **environ}
                work([str(uv), "python", "install", "--no-bin", wanted], shown, env=env)
        except CommandFailed as failure:
            raise WayFailed(failure.reason) from failure
        return of_uv()

    _, python = first_that_works(
        f"Python {wanted}",
        [
            Way(
                f"Python {wanted} on PATH",
                lambda: _first_verified(
                    on_path(environ.get("PATH", ""), outside=outside), "none there"
                ),
            ),
            Way("Python of uv's", of_uv),
            Way("Python of pyenv's", lambda: _first_verified(of_pyenv(environ), "none there")),
            Way(f"`uv python install {wanted}`", fetched),
        ],
        f"Install Python {wanted} so that `python{wanted}` is on PATH "
        "(https://www.python.org/downloads/), and run it again.",
    )
    return python
