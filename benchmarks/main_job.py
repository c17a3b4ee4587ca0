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
from typing import Any

import requests

ROOT = Path(__file__).parents[1]
PROGRAM = ("Pulumi.yaml", "__main__.py", "stacks", "sql")
REPEATS = 3
PREDICTIONS = 200
LONGEST_S = 600
"""Seconds after which a command is given up."""
ROWS = 10_000
PREDICT = f"""
SELECT predicted_is_late, COUNT(*) AS flights
FROM ML.PREDICT(MODEL arrival_delay, (SELECT * FROM departures LIMIT {ROWS}))
GROUP BY predicted_is_late
"""


def main() -> None:
    """Measure and print."""
    print("| step | command | runs | median | p95 | most |")
    print("| --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch)
        state = directory / "cloud"
        row("set-up, nothing due", "python3 bootstrap run -- true", repeated(set_up))
        row("local cloud: start, ZetaSQL compiled", "bqvertex local start", starts(state))
        with local_cloud(state) as url:
            program = copy(directory, url)
            run(program, "stack", "select", "--create", "local")
            steps(program, url)


def steps(program: Path, url: str) -> None:
    """Measure what a stack goes through, from nothing to nothing."""

    def pulumi(step: str, *arguments: str, repeats: int = 1) -> None:
        seconds = repeated(lambda: run(program, *arguments), repeats)
        row(step, f"pulumi {' '.join(arguments)}", seconds)

    no_op = ("preview", "--expect-no-changes")
    pulumi("from nothing, 26 resources", "up", "--yes", "--skip-preview")
    first, others = predictions(program)
    predict = f"POST …:predict, {PREDICTIONS} one after another"
    row("first online prediction", "POST …:predict", [first])
    row("online predictions after it", predict, others)
    row(f"{ROWS:,} predictions in SQL", "SELECT … FROM ML.PREDICT(…)", scored(url))
    pulumi("nothing to do", *no_op, repeats=REPEATS)
    pulumi("nothing to find", "refresh", "--yes", "--skip-preview", repeats=REPEATS)
    comment(program)
    pulumi("a comment added to the model's SQL", *no_op, repeats=REPEATS)
    pulumi("to nothing", "destroy", "--yes", "--skip-preview")


def row(step: str, command: str, seconds: list[float]) -> None:
    """Print one row of the table."""
    # Of a few runs the 95th percentile is the largest, or made up.
    p95 = shown(statistics.quantiles(seconds, n=20)[-1]) if len(seconds) >= 20 else ""
    figures = [shown(statistics.median(seconds)), p95, shown(max(seconds))]
    print(f"| {step} | `{command}` | {len(seconds)} | {' | '.join(figures)} |", flush=True)


def shown(seconds: float) -> str:
    """Seconds for a reader."""
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"


def clock(work: Callable[[], object]) -> float:
    """How long it takes, in seconds."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def repeated(work: Callable[[], object], repeats: int = REPEATS) -> list[float]:
    """How long it takes each time, in seconds."""
    return [clock(work) for _ in range(repeats)]


def set_up() -> None:
    """Do the set-up that is due; measured where it was just done, none is."""
    words = ["python3", "bootstrap", "run", "--", "true"]
    subprocess.run(words, check=True, cwd=ROOT, stdout=subprocess.DEVNULL, timeout=LONGEST_S)


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
    return subprocess.run(
        words, check=True, stdout=subprocess.PIPE, text=True, timeout=LONGEST_S
    ).stdout


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
        timeout=LONGEST_S,
    )
    if done.returncode:
        raise SystemExit(f"pulumi {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def predictions(program: Path) -> tuple[float, list[float]]:
    """How long the first online prediction takes, and each of many after it, in seconds."""
    url = json.loads(run(program, "stack", "output", "--json"))["predict_url"]
    body = json.loads((ROOT / "sql/arrival_delay/request.json").read_text())
    with requests.Session() as session:

        def ask() -> None:
            session.post(url, json=body, timeout=LONGEST_S).raise_for_status()

        return clock(ask), repeated(ask, PREDICTIONS)


def scored(url: str) -> list[float]:
    """How long a query takes that scores many rows with the model, each time, in seconds."""
    queries = f"{url}/bigquery/v2/projects/local-project/queries"
    query: dict[str, Any] = {
        "query": PREDICT,
        "useLegacySql": False,
        "useQueryCache": False,
        "timeoutMs": LONGEST_S * 1000,
        "defaultDataset": {"projectId": "local-project", "datasetId": "flights"},
    }

    def ask() -> None:
        response = requests.post(queries, json=query, timeout=LONGEST_S)
        response.raise_for_status()
        answer = response.json()
        rows = sum(int(row["f"][1]["v"]) for row in answer.get("rows", []))
        if not answer["jobComplete"] or rows != ROWS:
            raise SystemExit(f"{rows} rows were scored, not {ROWS}: {answer}")

    return repeated(ask)


def comment(program: Path) -> None:
    """Add a comment to the model's SQL."""
    file = program / "sql/arrival_delay/model.sql"
    file.write_text(f"-- Another comment.\n{file.read_text()}")


if __name__ == "__main__":
    main()
