"""How long `bqvertex check` takes for 200 statements, as a multiple of parsing them.

Run it where nothing else runs: `python3 bootstrap run -- python benchmarks/check.py`. Seconds
differ from machine to machine and from hour to hour; the ratios stay.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from googlesql import module

REPEATS = 5
LONGEST_S = 300
VIEWS, QUERIES, MODELS, PREDICTIONS = 60, 80, 40, 20
COLUMNS = ("carrier", "origin", "dest", "tailnum")
NUMBERS = ("distance", "dep_delay", "arr_delay", "air_time", "hour", "month")
PARSE = """
import pathlib, sys
from googlesql.parser import parse_script
for file in sorted(pathlib.Path(sys.argv[1]).glob("*.sql")):
    parse_script(file.read_text())
"""


def main() -> None:
    """Measure and print."""
    module.ensure()
    with tempfile.TemporaryDirectory() as folder:
        sql, cache = Path(folder, "sql"), Path(folder, "cache")
        write(sql)
        # ZetaSQL is compiled once for a user; what is measured comes after that.
        (cache / "bqvertex").mkdir(parents=True)
        (cache / "bqvertex" / "zetasql").symlink_to(module.cache_path().parent)
        count = len(list(sql.glob("*.sql")))
        command = [str(Path(sys.executable).with_name("bqvertex")), "check", "--strict", str(sql)]
        steps: dict[str, Callable[[], float]] = {
            "parsed, one after another": lambda: took([sys.executable, "-c", PARSE, str(sql)]),
            "checked, nothing kept": lambda: took([*command, "--no-cache"], cache),
            "checked, nothing changed": lambda: took(command, cache),
            "checked, one view in the middle changed": lambda: took_after_change(
                command, cache, sql / "view_30.sql"
            ),
        }
        took(command, cache)
        print(f"| {count} statements | of parsing | median, s | most, s |")
        print("| --- | --- | --- | --- |")
        runs = {step: [measure() for _ in range(REPEATS)] for step, measure in steps.items()}
        parsing = statistics.median(runs["parsed, one after another"])
        for step, seconds in runs.items():
            median = statistics.median(seconds)
            print(f"| {step} | {median / parsing:.2f} | {median:.2f} | {max(seconds):.2f} |")


def took(command: list[str], cache: Path | None = None) -> float:
    """Seconds of a command that finds nothing wrong."""
    environment = dict(os.environ)
    if cache is not None:
        environment["XDG_CACHE_HOME"] = str(cache)
    started = time.perf_counter()
    subprocess.run(command, check=True, env=environment, capture_output=True, timeout=LONGEST_S)
    return time.perf_counter() - started


def took_after_change(command: list[str], cache: Path, file: Path) -> float:
    """Seconds of a command after a column is added to a view that others read."""
    before = file.read_text()
    file.write_text(before.replace("FROM", f", {time.time_ns()} AS changed FROM", 1))
    try:
        return took(command, cache)
    finally:
        file.write_text(before)


def write(folder: Path) -> None:
    """Write a project: a table, views over one another, queries, models and their predictions."""
    folder.mkdir()
    fields = [
        *({"name": name, "type": "STRING"} for name in COLUMNS),
        *({"name": name, "type": "FLOAT"} for name in NUMBERS),
        {"name": "flight_date", "type": "DATE"},
    ]
    (folder / "flights.schema.json").write_text(json.dumps(fields))
    words, numbers = ", ".join(COLUMNS), ", ".join(NUMBERS)
    for n in range(VIEWS):
        # Six layers of ten views.
        source = "flights" if n < VIEWS // 6 else f"view_{n - VIEWS // 6}"
        (folder / f"view_{n}.sql").write_text(
            f"SELECT {words}, {numbers}, flight_date\nFROM {source}\n"
            f"WHERE flight_date > DATE '2013-01-{n % 28 + 1:02}' AND distance > {n}\n"
        )
    for n in range(QUERIES):
        (folder / f"query_{n}.sql").write_text(
            f"WITH late AS (SELECT * FROM view_{n % VIEWS} WHERE arr_delay > {n})\n"
            "SELECT carrier, origin, COUNT(*) AS flights, AVG(late.arr_delay) AS delay,\n"
            "  EXTRACT(MONTH FROM MAX(flight_date)) AS month, CONCAT(carrier, '-', origin) AS id\n"
            "FROM late GROUP BY carrier, origin HAVING COUNT(*) > 10 ORDER BY delay DESC\n"
        )
    for n in range(MODELS):
        (folder / f"model_{n}.sql").write_text(
            f"CREATE MODEL model_{n}\n"
            "TRANSFORM (arr_delay, carrier, ML.MIN_MAX_SCALER(distance) OVER () AS scaled, hour)\n"
            "OPTIONS (model_type = 'LINEAR_REG', input_label_cols = ['arr_delay'])\n"
            f"AS SELECT arr_delay, carrier, distance, hour FROM view_{n} WHERE month < 7\n"
        )
    for n in range(PREDICTIONS):
        (folder / f"predicted_{n}.sql").write_text(
            "SELECT carrier, hour, predicted_arr_delay - arr_delay AS error\n"
            f"FROM ML.PREDICT(MODEL model_{n}, (SELECT * FROM view_{n} WHERE month >= 7))\n"
        )


if __name__ == "__main__":
    main()
