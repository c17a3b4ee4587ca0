"""Data sets that lie in Cloud Storage as CSV or JSON lines."""

import fnmatch
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import csv

from localcloud.storage.stored_file import FOLDER
from localcloud.store import Store
from localcloud.vertex import payload


def files(store: Store, uri: str) -> list[Path]:
    """The files of the objects that a URI names, in the order of their names.

    Args:
        store: Knows the objects.
        uri: `gs://bucket/path`; the path may hold `*`, `?` and `[…]`.

    Raises:
        ValueError: There is none.
    """
    bucket, _, pattern = uri.removeprefix("gs://").partition("/")
    rows = sorted(store.under(f"buckets/{bucket}", "objects"), key=lambda row: str(row["name"]))
    found = [
        store.folder / FOLDER / str(row["localFile"])
        for row in rows
        if fnmatch.fnmatchcase(str(row["name"]), pattern)
    ]
    if not found:
        raise ValueError(f"Not found: no object {uri}.")
    return found


def lines(store: Store, uri: str) -> list[dict[str, Any]]:
    """The objects of JSON lines.

    Raises:
        ValueError: There is no file, or a line is no JSON object.
    """
    found = []
    for file in files(store, uri):
        for number, text in enumerate(file.read_text("utf-8").splitlines(), 1):
            if not text.strip():
                continue
            line = json.loads(text)
            if not isinstance(line, dict):
                raise ValueError(f"{uri}: line {number} is no JSON object: {text[:80]}")
            found.append(line)
    return found


def read(store: Store, uri: str, kind: str) -> pa.Table:
    """The rows of one or several files.

    Args:
        store: Knows the objects.
        uri: See `files`.
        kind: `CSV` or `JSONL`.

    Raises:
        ValueError: They cannot be read.
    """
    if kind == "CSV":
        # Without their own strings CSV has no empty ones, so an empty field is a missing one.
        options = csv.ConvertOptions(strings_can_be_null=True)
        tables = [csv.read_csv(file, convert_options=options) for file in files(store, uri)]
        return pa.concat_tables(tables, promote_options="permissive")
    found = lines(store, uri)
    names = list(dict.fromkeys(name for line in found for name in line))
    return pa.table({name: payload.column([line.get(name) for line in found]) for name in names})


def between(table: pa.Table, column: str, start: str | None, end: str | None) -> pa.Table:
    """The rows of a range of time.

    Raises:
        ValueError: There is no such column, or it holds no times.
    """
    if column not in table.column_names:
        raise ValueError(f"There is no column {column}; there are {', '.join(table.column_names)}.")
    first = datetime.fromisoformat(start) if start else None
    last = datetime.fromisoformat(end) if end else None
    moments = [_moment(value) for value in table.column(column).to_pylist()]
    return table.filter(
        pa.array(
            [
                moment is not None
                and (first is None or moment >= first)
                and (last is None or moment < last)
                for moment in moments
            ],
            pa.bool_(),
        )
    )


def _moment(value: Any) -> datetime | None:
    if value is None:
        return None
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    # Times without a zone are UTC, as BigQuery takes them.
    return moment if moment.tzinfo else datetime.fromisoformat(f"{moment.isoformat()}+00:00")
