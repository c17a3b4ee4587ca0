import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from bqvertex.cli import main
from click.testing import CliRunner

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def bqvertex(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the installed command: what it hands on takes the place of its process."""
    command = [str(Path(sys.executable).with_name("bqvertex")), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_local_hands_its_arguments_on_to_the_local_cloud(tmp_path):
    asked = bqvertex("local", "status", "--json", "--state", str(tmp_path))

    # 1: it is not ready. The status of the local cloud is that of the command.
    assert (asked.returncode, asked.stderr) == (1, "")
    assert json.loads(asked.stdout) == {
        "url": None,
        "project": None,
        "ready": False,
        "pid": None,
        "state": str(tmp_path),
        "services": [],
    }


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_after_local_is_that_of_the_local_cloud(option):
    told = bqvertex("local", option)

    assert told.returncode == 0
    assert "start" in told.stdout
    assert "reset" in told.stdout


def test_a_wrong_argument_after_local_is_refused_by_the_local_cloud():
    refused = bqvertex("local", "start", "--prot", "8471")

    assert refused.returncode == 2
    assert "No such option '--prot'" in refused.stderr


def test_without_the_local_cloud_it_says_what_to_install():
    # `import` and `find_spec` take None for a package that is not there.
    absent = "import sys; sys.modules['local_bigquery'] = None"
    code = f"{absent}; from bqvertex.cli import main; main(prog_name='bqvertex')"

    refused = subprocess.run(
        [sys.executable, "-c", code, "local", "status"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (refused.returncode, refused.stdout) == (1, "")
    assert "pip install 'bqvertex[local]'" in refused.stderr
    assert "Python 3.13" in refused.stderr


def test_what_is_looked_for_comes_with_the_extra_alone():
    extra = PROJECT["optional-dependencies"]["local"]

    assert [needed for needed in extra if needed.startswith("local-bigquery")] != []
    assert [needed for needed in PROJECT["dependencies"] if "local" in needed] == []


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_lists_the_commands(option):
    told = CliRunner().invoke(main, [option])

    assert told.exit_code == 0
    assert "local" in told.output


def test_version_is_the_projects():
    told = CliRunner().invoke(main, ["--version"])

    assert told.output.split()[-1] == PROJECT["version"]


def test_it_starts_without_pulumi_and_google():
    # The command is typed often; each of them takes a second or more.
    slow = ("pulumi", "google.auth", "zetasql", "localcloud")
    code = f"import sys, bqvertex.cli; print([m for m in {slow} if m in sys.modules])"

    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ran.stdout.strip() == "[]"
