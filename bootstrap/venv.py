"""The step `venv`: one locked, byte-compiled virtual environment."""

from __future__ import annotations

import os
from collections.abc import Mapping

from bootstrap import cache, interpreter, uv
from bootstrap.checkout import Checkout
from bootstrap.command import CommandFailed, work
from bootstrap.progress import step
from bootstrap.stamp import Facts
from bootstrap.way import SetupError

NAME = "venv"


def key(checkout: Checkout) -> str:
    """What the step depends on: the lock, what it locks, and where the checkout lies."""
    digest = checkout.digest(checkout.root / "uv.lock", checkout.root / "pyproject.toml")
    return f"{digest} {checkout.root}"


def present(checkout: Checkout, facts: Facts) -> bool:
    """Whether what the step made is still there."""
    return os.access(checkout.python, os.X_OK) and os.access(facts["uv"], os.X_OK)


def make(checkout: Checkout, environ: Mapping[str, str]) -> Facts:
    """Makes the virtual environment what uv.lock says.

    Args:
        checkout: The checkout.
        environ: The environment of this process.

    Returns:
        The path of `uv` and of the interpreter.

    Raises:
        SetupError: No uv, no interpreter, or uv could not do it.
    """
    # An environment's scripts hold its absolute path: a checkout that was moved needs another.
    activate = checkout.venv / "bin" / "activate"
    if activate.is_file() and str(checkout.venv) not in activate.read_text(encoding="utf-8"):
        cache.remove(checkout.venv)
    tool = uv.find(checkout, environ)
    env = uv.environment(environ)
    python = interpreter.find(tool, env, outside=checkout.venv)
    argv = [str(tool), "sync", "--locked", "--compile-bytecode", "--no-progress"]
    argv += ["--python", str(python), "--project", str(checkout.root)]
    env["UV_PROJECT_ENVIRONMENT"] = str(checkout.venv)
    try:
        with step("installing the locked Python packages") as shown:
            work(argv, shown, env=env, cwd=checkout.root)
    except CommandFailed as failure:
        raise SetupError(
            f"the locked Python packages could not be installed: {failure}\n"
            "If PyPI was not reachable, run it again once it is. If uv.lock does not fit "
            "pyproject.toml, run `uv lock`."
        ) from failure
    return {"uv": str(tool), "interpreter": str(python)}
