"""What can be known of set-up's own source: it must start where nothing is installed yet."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "bootstrap").glob("*.py"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_set_up_imports_nothing_but_the_standard_library_and_itself(file: Path) -> None:
    imported = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(str(node.module).split(".")[0])

    assert imported - set(sys.stdlib_module_names) <= {"bootstrap"}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_set_up_is_written_for_python_3_9(file: Path) -> None:
    ast.parse(file.read_text(), feature_version=(3, 9))


def oldest() -> str | None:
    found = shutil.which("python3.9")
    candidates = [found] if found else []
    candidates += [str(path) for path in Path.home().glob(".pyenv/versions/3.9*/bin/python3.9")]
    for candidate in candidates:
        if subprocess.run([candidate, "-c", ""], capture_output=True).returncode == 0:
            return candidate
    return None


def test_set_up_runs_on_python_3_9() -> None:
    python = oldest()
    if python is None:
        pytest.skip("no python3.9 on this machine")
    modules = ", ".join(f"bootstrap.{file.stem}" for file in FILES if file.stem[:2] != "__")

    done = subprocess.run(
        [python, "-I", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); import {modules}"],
        capture_output=True,
        text=True,
    )

    assert (done.returncode, done.stderr) == (0, "")


def unmade() -> dict[str, str]:
    """The environment without what an outer `make test ARGS=…` hands to every make in it."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS", "ARGS"))}


def test_make_without_a_target_lists_every_target(tmp_path: Path) -> None:
    done = subprocess.run(
        ["make", "-C", str(ROOT)], capture_output=True, text=True, check=True, env=unmade()
    )

    listed = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("make ")]
    assert listed[-6:] == ["help", "up", "preview", "down", "test", "check"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["preview", "ARGS=--diff 'a b'"], "bootstrap|preview|--stack|local|--|--diff|a b"),
        (["preview", "STACK=dev"], "bootstrap|preview|--stack|dev|--"),
        (["up"], "bootstrap|up|--stack|local|--"),
        (["down", "FORCE=1"], "bootstrap|down|--stack|local|--force|--"),
        (["down"], "bootstrap|down|--stack|local|--"),
        (["test", "ARGS=tests/specs -x"], "bootstrap|run|--|pytest|tests/specs|-x"),
        (["check"], "bootstrap|check"),
    ],
)
def test_make_hands_its_arguments_on(arguments, expected, tmp_path, program) -> None:
    python = program(tmp_path / "python3", 'IFS="|"; echo "$*"')

    done = subprocess.run(
        ["make", "-C", str(ROOT), "--no-print-directory", *arguments, f"PYTHON={python}"],
        capture_output=True,
        text=True,
        check=True,
        env=unmade(),
    )

    assert done.stdout == f"{expected}\n"


def test_make_fails_where_pulumi_fails_and_says_its_status(tmp_path, program) -> None:
    python = program(tmp_path / "python3", "exit 7")

    done = subprocess.run(
        ["make", "-C", str(ROOT), "preview", f"PYTHON={python}"],
        capture_output=True,
        text=True,
        env=unmade(),
    )

    # GNU make's own exit status is 2 for whatever fails; the program's it only prints.
    assert (done.returncode, "Error 7" in done.stderr) == (2, True)
