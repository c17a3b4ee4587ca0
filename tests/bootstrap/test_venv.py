import sys
from pathlib import Path

import pytest

from bootstrap import interpreter, uv, venv
from bootstrap.way import SetupError

PYTHON = Path(sys.base_prefix, "bin", "python3.13")


@pytest.fixture
def tool(tmp_path, program, monkeypatch):
    """A uv that notes how it was called, and in which environment."""
    made = program(tmp_path / "uv", f'echo "$*" >> "{tmp_path}/log"; env >> "{tmp_path}/env"')
    monkeypatch.setattr(uv, "find", lambda checkout, environ: made)
    monkeypatch.setattr(interpreter, "find", lambda tool, environ, outside: PYTHON)
    return made


def test_the_environment_is_locked_and_byte_compiled(checkout, tool, tmp_path) -> None:
    environ = {"PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"}

    venv.make(checkout, environ)

    assert (tmp_path / "log").read_text() == (
        "sync --locked --compile-bytecode --no-progress "
        f"--python {PYTHON} --project {checkout.root}\n"
    )
    assert "PYTHONDONTWRITEBYTECODE" not in (tmp_path / "env").read_text()


@pytest.mark.parametrize(("lies", "kept"), [("where it was", True), ("elsewhere", False)])
def test_the_environment_of_a_checkout_that_was_moved_is_made_anew(
    lies: str, kept: bool, checkout, tool
) -> None:
    activate = checkout.venv / "bin" / "activate"
    activate.parent.mkdir(parents=True)
    place = checkout.venv if kept else "/before/.venv"
    activate.write_text(f"VIRTUAL_ENV='{place}'\n")

    venv.make(checkout, {"PATH": "/usr/bin:/bin"})

    assert activate.exists() == kept


def test_a_lock_that_does_not_fit_says_what_to_do(checkout, tool, program) -> None:
    program(tool, "echo 'error: The lockfile at `uv.lock` needs to be updated' >&2; exit 1")

    with pytest.raises(SetupError, match=r"(?s)needs to be updated.*run `uv lock`"):
        venv.make(checkout, {"PATH": "/usr/bin:/bin"})
