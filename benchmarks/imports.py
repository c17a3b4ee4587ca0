"""How long each part takes to import, as a multiple of `import pulumi` in the same process.

Run it where nothing else runs: `python3 bootstrap run -- python benchmarks/imports.py`. Seconds
differ from machine to machine and from hour to hour; the ratios stay.
"""

import json
import pkgutil
import statistics
import subprocess
import sys

import bqvertex

REPEATS = 5
LONGEST_S = 120
MEASURED = """
import importlib, json, sys, time

def clock(module, then=""):
    started = time.perf_counter()
    exec(then, {"module": importlib.import_module(module)})
    return time.perf_counter() - started

print(json.dumps([clock("pulumi"), clock(*sys.argv[1:])]))
"""
"""Imports a module, after `pulumi` and all that it brings; more may be done with it as `module`."""


def main() -> None:
    """Measure and print."""
    parts = [
        f"bqvertex.{found.name}"
        for found in pkgutil.iter_modules(bqvertex.__path__)
        if not found.ispkg
    ]
    print("| after `import pulumi` | of its time | seconds | `import pulumi`, seconds |")
    print("| --- | --- | --- | --- |")
    for part in ("pulumi_gcp", *parts):
        row(f"`import {part}`", part)
    row(
        "ZetaSQL: load, and parse `SELECT 1`",
        "googlesql.parser",
        "module.parse_statement('SELECT 1')",
    )


def row(step: str, *measured: str) -> None:
    """Print one row of the table: medians of several processes."""
    runs = [both(*measured) for _ in range(REPEATS)]
    ratio = statistics.median(seconds / pulumi for pulumi, seconds in runs)
    pulumi, seconds = (statistics.median(column) for column in zip(*runs, strict=True))
    print(f"| {step} | {ratio:.2f} | {seconds:.2f} | {pulumi:.2f} |", flush=True)


def both(*measured: str) -> tuple[float, float]:
    """Seconds that `import pulumi` takes, and after it the module, in a process of their own."""
    words = [sys.executable, "-c", MEASURED, *measured]
    done = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True, timeout=LONGEST_S)
    pulumi, seconds = json.loads(done.stdout)
    return pulumi, seconds


if __name__ == "__main__":
    main()
