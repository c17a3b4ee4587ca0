import os
import sys
from pathlib import Path

import pytest

from bootstrap import interpreter
from bootstrap.way import SetupError, WayFailed

# Tests run on the series that set-up looks for.
REAL = Path(sys.base_prefix, "bin", "python3.13")
GOOD = f'exec "{REAL}" "$@"'
# What pyenv's shim of a version that is installed, but not selected, does.
UNSELECTED = "echo 'pyenv: python3.13: command not found' >&2; exit 127"
NO_UV = "exit 2"


def prints(text: str) -> str:
    return f"echo '{text}'"


@pytest.fixture
def room(tmp_path, program):
    """An environment with one folder on PATH, an empty home, and a uv that has no Python."""

    class Room:
        bin = tmp_path / "bin"
        pyenv = tmp_path / "home" / ".pyenv" / "versions"
        uv = program(tmp_path / "uv", NO_UV)

        def __init__(self) -> None:
            home = str(tmp_path / "home")
            self.environ = {"PATH": f"{self.bin}:/usr/bin:/bin", "HOME": home}

        def find(self) -> Path:
            found = interpreter.find(self.uv, self.environ, outside=tmp_path / ".venv")
            return Path(os.path.realpath(found))

    return Room()


def test_the_interpreter_behind_a_shim_is_found(room, program) -> None:
    program(room.bin / "python3.13", GOOD)

    assert room.find() == REAL.resolve()


def test_a_shim_that_refuses_is_passed_over(room, program) -> None:
    program(room.bin / "python3.13", UNSELECTED)
    program(room.bin / "python3", GOOD)

    assert room.find() == REAL.resolve()


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (UNSELECTED, "does not work (pyenv: python3.13: command not found)"),
        (prints("3.11.7 final /usr/bin/python3"), "is Python 3.11.7, not 3.13"),
        (prints("3.13.0 candidate /usr/bin/python3.13"), "is a pre-release (3.13.0 candidate)"),
        (prints("hello"), "is no Python"),
        ("echo \"ModuleNotFoundError: No module named '_ssl'\" >&2; exit 1", "No module named"),
    ],
)
def test_what_is_not_a_whole_python_of_the_series_is_refused(
    script: str, reason: str, tmp_path, program
) -> None:
    lying = program(tmp_path / "python3.13", script)

    with pytest.raises(WayFailed) as refused:
        interpreter.verify(lying)

    assert reason in str(refused.value)


def test_a_pyenv_version_is_found_though_its_shim_answers_with_another(room, program) -> None:
    program(room.bin / "python3.13", prints("3.11.7 final /usr/bin/python3.11"))
    program(room.bin / "python3", prints("3.11.7 final /usr/bin/python3.11"))
    program(room.pyenv / "3.13.0" / "bin" / "python3.13", GOOD)

    assert room.find() == REAL.resolve()


def test_the_newest_pyenv_version_comes_first(tmp_path, program) -> None:
    for number in ("3.13.9", "3.13.10", "3.13-dev", "3.12.1"):
        program(
            tmp_path / "versions" / number / "bin" / f"python{number[:4]}",
            prints("any"),
        )

    found = [path.parts[-3] for path in interpreter.of_pyenv({"PYENV_ROOT": str(tmp_path)})]

    assert found == ["3.13.10", "3.13.9", "3.13-dev"]


def test_the_environment_to_be_made_is_not_made_of_itself(tmp_path, program) -> None:
    program(tmp_path / ".venv" / "bin" / "python3.13", GOOD)
    other = program(tmp_path / "bin" / "python3.13", GOOD)

    path = f"{tmp_path / '.venv' / 'bin'}:{tmp_path / 'bin'}"
    found = list(interpreter.on_path(path, outside=tmp_path / ".venv"))

    assert found == [other]


def test_a_virtual_environment_stands_for_the_python_that_it_was_made_of() -> None:
    assert sys.prefix != sys.base_prefix, "the tests run in a virtual environment"

    assert interpreter.verify(Path(sys.executable)) == REAL


def test_uv_is_asked_for_its_own_before_it_fetches_one(room, program) -> None:
    program(room.uv, f'echo "$*" >> "{room.bin}.log"; case "$2" in find) echo "{REAL}";; esac')

    found = room.find()

    asked = Path(f"{room.bin}.log").read_text()
    assert (found, "install" in asked) == (REAL.resolve(), False)


def test_where_none_is_to_be_had_the_message_names_every_try(room, program) -> None:
    program(room.bin / "python3.13", UNSELECTED)
    program(room.bin / "python3", prints("3.9.2 final /usr/bin/python3"))
    program(room.bin / "python", prints("2.7.18 final /usr/bin/python"))
    room.environ["PATH"] = f"{room.bin}"
    program(room.uv, '[ "$2" = install ] && echo "error: no network" >&2; exit 2')

    with pytest.raises(SetupError) as refused:
        room.find()

    lines = str(refused.value).splitlines()
    assert lines == [
        "no way to get Python 3.13 works here. Tried, in this order:",
        f"  1. Python 3.13 on PATH: {room.bin}/python3.13 does not work "
        "(pyenv: python3.13: command not found); "
        f"{room.bin}/python3 is Python 3.9.2, not 3.13; "
        f"{room.bin}/python is Python 2.7.18, not 3.13",
        "  2. Python of uv's: ended with status 2",
        "  3. Python of pyenv's: none there",
        "  4. `uv python install 3.13`: error: no network",
        "Install Python 3.13 so that `python3.13` is on PATH "
        "(https://www.python.org/downloads/), and run it again.",
    ]
