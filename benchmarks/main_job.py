"""How long the main job takes, step by step, as a Markdown table.

Run it where nothing else runs: `python3 bootstrap run -- python benchmarks/main_job.py`. It has a
local cloud, a stack and a state of its own in a temporary folder, and leaves nothing.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

ROOT = Path(__file__).parents[1]
PROGRAM = ("Pulumi.yaml", "__main__.py", "stacks", "sql")
REPEATS = 3
PREDICTIONS = 200


def main() -> None:
    """Measure and print."""
    print("| step | median | least | most | runs |")
    print("| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch)
        state = directory / "cloud"
        row("local cloud: start, ZetaSQL compiled", starts(state))
        with local_cloud(state) as url:
            program = copy(directory, url)
            run(program, "stack", "select", "--create", "local")
            row("`pulumi up`, 26 resources, from nothing", [timed(program, "up", "--yes")])
            no_op = [timed(program, "preview", "--expect-no-changes") for _ in range(REPEATS)]
            row("`pulumi preview`, nothing to do", no_op)
            row("`pulumi refresh`, nothing to find", [timed(program, "refresh", "--yes")])
            row("online prediction", predictions(program))
            comment(program)
            row(
                "`pulumi preview` after a comment in the SQL",
                [timed(program, "preview", "--expect-no-changes")],
            )
            row("`pulumi destroy`", [timed(program, "destroy", "--yes")])


def row(step: str, seconds: list[float]) -> None:
    """Print one row of the table."""
    figures = [statistics.median(seconds), min(seconds), max(seconds)]
    print(f"| {step} | {' | '.join(map(shown, figures))} | {len(seconds)} |", flush=True)


def shown(seconds: float) -> str:
    """Seconds for a reader."""
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"


def clock(work: Callable[[], object]) -> float:
    """How long it takes, in seconds."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def starts(state: Path) -> list[float]:
    """Start the local cloud on a new state, several times."""
    seconds = []
    for _ in range(REPEATS):
        seconds.append(clock(lambda: cloud(state, "start", "--port", "0")))
        cloud(state, "stop")
        shutil.rmtree(state)
    return seconds


@contextmanager
def local_cloud(state: Path) -> Iterator[str]:
    """A running local cloud's address."""
    cloud(state, "start", "--port", "0")
    try:
        yield json.loads(cloud(state, "status", "--json"))["url"]
    finally:
        cloud(state, "stop")


def cloud(state: Path, command: str, *arguments: str) -> str:
    """Run a command of the local cloud and return what it printed."""
    words = [sys.executable, "-m", "localcloud", command, *arguments, "--state", str(state)]
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout


def copy(directory: Path, url: str) -> Path:
    """Copy the program, pointed at a local cloud."""
    program = directory / "program"
    program.mkdir()
    for name in PROGRAM:
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, program / name)
    (program / ".venv").symlink_to(sys.prefix)
    stack = program / "stacks" / "Pulumi.local.yaml"
    stack.write_text(stack.read_text().replace("http://127.0.0.1:8470", url))
    (directory / "backend").mkdir()
    return program


def run(program: Path, *arguments: str) -> str:
    """Run Pulumi on the copy's stack and return what it printed."""
    done = subprocess.run(
        ["pulumi", *arguments, "--non-interactive"],
        cwd=program,
        env={
            **os.environ,
            "PULUMI_BACKEND_URL": f"file://{program.parent / 'backend'}",
            "PULUMI_CONFIG_PASSPHRASE": "local",
        },
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(f"pulumi {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def timed(program: Path, *arguments: str) -> float:
    """How long Pulumi takes, in seconds."""
    skip = ["--skip-preview"] if arguments[0] in ("up", "refresh", "destroy") else []
    return clock(lambda: run(program, *arguments, *skip))


def predictions(program: Path) -> list[float]:
    """How long each of many online predictions takes, one after another, the first included."""
    url = json.loads(run(program, "stack", "output", "--json"))["predict_url"]
    body = json.loads((ROOT / "sql/arrival_delay/request.json").read_text())
    with requests.Session() as session:

        def ask() -> None:
            session.post(url, json=body, timeout=60).raise_for_status()

        return [clock(ask) for _ in range(PREDICTIONS)]


def comment(program: Path) -> None:
    """Add a comment to the model's SQL."""
    file = program / "sql/arrival_delay/model.sql"
    file.write_text(f"-- Another comment.\n{file.read_text()}")


if __name__ == "__main__":
    main()
