"""dbt in the locked environment that `dbt/uv.lock` describes, made once per user and lock."""

import hashlib
import os
import sys
from pathlib import Path

import pytest

from bootstrap import cache, download, uv
from bootstrap.checkout import Checkout
from bootstrap.command import CommandFailed, work
from bootstrap.progress import step
from bootstrap.way import SetupError

FOLDER = Path(__file__).parent / "dbt"
INDEX = "https://pypi.org/simple/dbt-bigquery/"


def installed() -> Path:
    """The `dbt` executable; skips the test when PyPI, which it comes from, cannot be reached."""
    checkout = Checkout.here()
    digest = hashlib.sha256((FOLDER / "uv.lock").read_bytes()).hexdigest()[:16]
    room = checkout.cache / "dbt" / digest
    ready = room / "ready"
    with cache.lock(room.with_suffix(".lock"), "installs dbt"):
        if not ready.exists():
            try:
                _install(checkout, room)
            except (CommandFailed, SetupError):
                _skip_without_pypi()
                raise
            ready.touch()
    return room / "bin" / "dbt"


def _install(checkout: Checkout, room: Path) -> None:
    environment = uv.environment(os.environ) | {"UV_PROJECT_ENVIRONMENT": str(room)}
    tool = uv.find(checkout, os.environ)
    argv = [str(tool), "sync", "--locked", "--compile-bytecode", "--no-progress"]
    argv += ["--python", sys.executable, "--project", str(FOLDER)]
    with step("installing dbt in an environment of its own, 500 MB, once") as shown:
        work(argv, shown, env=environment, cwd=FOLDER)


def _skip_without_pypi() -> None:
    try:
        download.read(INDEX)
    except download.DownloadFailed as failure:
        pytest.skip(f"dbt is not installed yet, and PyPI cannot be reached: {failure}")
