"""What CI runs."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from bootstrap.checkout import architecture, system

ROOT = Path(__file__).parents[2]


@pytest.fixture
def run(tmp_path, program):
    """Runs a copy of .ci/run whose `make` says what it was asked and given."""
    copy = tmp_path / "checkout" / ".ci" / "run"
    copy.parent.mkdir(parents=True)
    shutil.copy(ROOT / ".ci" / "run", copy)
    program(tmp_path / "bin" / "make", 'echo "$* $BQVERTEX_ACCEPTANCE_TOOLS"; exit "$STATUS"')

    def ci(**environ: str) -> "subprocess.CompletedProcess[str]":
        env = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "STATUS": "0", **environ}
        return subprocess.run(["bash", str(copy)], env=env, capture_output=True, text=True)

    return ci


def test_ci_runs_make_test_and_keeps_its_status(run) -> None:
    done = run(STATUS="7")

    assert (done.returncode, done.stdout, done.stderr) == (7, "test \n", "")


def test_ci_proves_more_where_the_official_programs_lie_beside_the_checkout(run, tmp_path) -> None:
    tools = tmp_path / "shared" / "tools" / f"{system()}-{architecture()}"
    tools.mkdir(parents=True)

    done = run()

    assert done.stdout == f"test {tools}\n"


def test_ci_takes_the_official_programs_that_it_is_told(run) -> None:
    done = run(BQVERTEX_ACCEPTANCE_TOOLS="/elsewhere")

    assert done.stdout == "test /elsewhere\n"
