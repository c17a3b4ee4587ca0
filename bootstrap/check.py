"""The checks of `make check`, side by side."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bootstrap.progress import duration


@dataclass(frozen=True)
class Check:
    """One check.

    Attributes:
        name: As `python3 bootstrap check NAME` takes it.
        argv: The program, found in the virtual environment, and its arguments.
    """

    name: str
    argv: tuple[str, ...]


# The slowest first: it runs beside all the others.
CHECKS = (
    Check("types", ("mypy",)),
    Check("format", ("ruff", "format", "--check", ".")),
    Check("lint", ("ruff", "check", ".")),
    Check("imports", ("lint-imports",)),
    Check("sql", ("python", "-m", "googlesql", "check", "sql")),
)


def run(names: Sequence[str], root: Path, env: Mapping[str, str]) -> int:
    """Runs checks and shows the output of those that fail.

    Args:
        names: Which; none means all.
        root: The checkout.
        env: The environment of the virtual environment.

    Returns:
        0 where every check passed, else 1.
    """
    chosen = [check for check in CHECKS if check.name in names or not names]

    def one(check: Check) -> tuple[int, str, float]:
        began = time.monotonic()
        program = str(Path(env["VIRTUAL_ENV"], "bin", check.argv[0]))
        done = subprocess.run(
            [program, *check.argv[1:]],
            cwd=root,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        return done.returncode, done.stdout, time.monotonic() - began

    failed = 0
    with ThreadPoolExecutor(max_workers=2) as pool:
        for check, (status, output, seconds) in zip(chosen, pool.map(one, chosen)):
            if status != 0:
                failed += 1
                print(output.rstrip())
            mark = "✓" if status == 0 else "✗"
            print(f"  {mark} {check.name} ({duration(seconds)})", flush=True)
    if failed:
        print(f"{failed} of {len(chosen)} checks failed", file=sys.stderr)
    return 1 if failed else 0
