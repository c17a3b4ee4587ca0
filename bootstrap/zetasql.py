"""The step `zetasql`: ZetaSQL's module compiled once, so that no preview waits for it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bootstrap import uv
from bootstrap.checkout import Checkout
from bootstrap.command import CommandFailed, ask, work
from bootstrap.progress import step
from bootstrap.stamp import Facts
from bootstrap.way import SetupError

NAME = "zetasql"


def key(checkout: Checkout) -> str:
    """What the step depends on: the locked versions of ZetaSQL and of what compiles it."""
    return f"{checkout.locked('zetasql')} {checkout.locked('wasmtime')} {checkout.root}"


def present(checkout: Checkout, facts: Facts) -> bool:
    """Whether what the step made is still there."""
    return Path(facts["compiled"]).exists()


def make(checkout: Checkout, environ: Mapping[str, str]) -> Facts:
    """Compiles the module into the user's cache; it takes no time where it lies there already.

    Args:
        checkout: The checkout.
        environ: The environment of this process.

    Returns:
        Where the compiled module lies.

    Raises:
        SetupError: It could not be compiled or stored.
    """
    try:
        with step("compiling ZetaSQL") as shown:
            argv = [str(checkout.python), "-m", "googlesql", "compile"]
            env = uv.environment(environ)
            work(argv, shown, env=env, cwd=checkout.root)
            # Once compiled, the same command only says where.
            compiled = ask(argv, env=env, cwd=checkout.root)
    except CommandFailed as failure:
        raise SetupError(f"ZetaSQL could not be compiled: {failure}") from failure
    return {"compiled": compiled.strip()}
