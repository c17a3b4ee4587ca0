"""Whatever docs/check.md shows is what happens, and other repositories can use the hook."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "check.md").read_text()
FENCE = re.compile(r"^```(\w+)(?: (\w+)=(\S+|\"[^\"]*\"))?\n(.*?)^```", re.M | re.S)
BLOCKS = [(m[1], m[2], (m[3] or "").strip('"'), m[4]) for m in FENCE.finditer(PAGE)]
CONSOLE = [body for language, _, _, body in BLOCKS if language == "console"]
OUTPUTS = [(value, body) for _, name, value, body in BLOCKS if name == "output"]


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """The files that the page shows, in a folder of their own."""
    for _, name, value, body in BLOCKS:
        if name == "file":
            path = tmp_path / value
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(body)
    return tmp_path


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command as a shell would, with this environment's own `bqvertex`."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def without_times(text: str) -> str:
    return re.sub(r'(\(|"seconds": )[\d.]+', r"\1T", text)


@pytest.mark.parametrize("block", CONSOLE)
def test_a_command_prints_what_the_page_shows(block: str, example: Path) -> None:
    command, shown = block.split("\n", 1)
    if "late.sql" in command:
        (example / "sql" / "delays.sql").unlink()

    ran = run(command.removeprefix("$ "), example)

    assert without_times(ran.stdout + ran.stderr) == without_times(shown)


@pytest.mark.parametrize(("command", "shown"), OUTPUTS)
def test_a_format_prints_what_the_page_shows(command: str, shown: str, example: Path) -> None:
    assert without_times(run(command, example).stdout) == without_times(shown)


def test_every_option_is_on_the_page_and_every_option_on_the_page_is_there() -> None:
    told = run("bqvertex check --help", ROOT).stdout

    options = set(re.findall(r"--[a-z][a-z-]+", told)) - {"--help"}
    shown = set(re.findall(r"--[a-z][a-z-]+", PAGE))

    assert options - shown == {"--cache"}
    assert shown - options == set()


def test_every_rule_is_on_the_page() -> None:
    from bqvertex.check.finding import DESCRIPTIONS, Rule

    assert set(DESCRIPTIONS) == set(Rule)
    assert [rule for rule in Rule if f"| `{rule.value}` |" not in PAGE] == []


def test_the_hook_runs_a_command_that_is_there(example: Path) -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    config = yaml.safe_load((example / ".pre-commit-config.yaml").read_text())
    (used,) = config["repos"][0]["hooks"]

    ran = run(shlex.join([*hook["entry"].split(), *used["args"]]), example)

    assert used["id"] == hook["id"] == "bqvertex-check"
    assert hook["language"] == "python"
    assert (ran.returncode, "orgin" in ran.stdout) == (1, True)
    files = re.compile(hook["files"])
    assert all(files.search(name) for name in ("sql/a.sql", "sql/t.schema.json"))
    assert not files.search("package.json")


def test_a_workflow_step_of_the_page_is_one_that_a_runner_reads() -> None:
    (steps,) = [body for language, name, _, body in BLOCKS if (language, name) == ("yaml", None)]

    commands = [step["run"] for step in yaml.safe_load(steps)]

    assert commands[-1] == "bqvertex check --format github --strict"
    assert json.loads(run("bqvertex check sql --format json", ROOT).stdout)["version"] == 1
