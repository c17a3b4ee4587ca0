"""Answers kept from one check to the next, by all that they follow from.

ZetaSQL takes 10 to 40 ms for a statement; most statements are those of the last check.
"""

import contextlib
import hashlib
import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

_DAY_S: Final = 86400
_KEPT_DAYS: Final = 30
_BUSY_TIMEOUT_S: Final = 2.0
_AT_ONCE: Final = 500
_PACKAGES: Final = ("bqvertex.specs", "bqvertex.check", "googlesql", "googlesql.analyzer")


class Cache:
    """Answers in a database of the user's cache, for every project and every process.

    A cache that cannot be read or written keeps nothing; one that is damaged is begun anew.

    Args:
        path: The database; None to keep nothing.
    """

    def __init__(self, path: Path | None) -> None:
        self._database = None if path is None else _open(path)

    def answers(
        self, keys: Sequence[str], ask: Callable[[Sequence[int]], Sequence[Any]]
    ) -> list[Any]:
        """Return what is kept, and ask for the rest.

        Args:
            keys: What each answer follows from; see `key`.
            ask: Answers the questions of some numbers in `keys`, as plain JSON.
        """
        kept = self._kept(keys)
        missing = [number for number, key in enumerate(keys) if key not in kept]
        new = dict(zip(missing, ask(missing), strict=True)) if missing else {}
        self._keep({keys[number]: answer for number, answer in new.items()})
        return [new[n] if n in new else kept[key] for n, key in enumerate(keys)]

    def _kept(self, keys: Sequence[str]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for some in _batches(keys):
            marks = ", ".join("?" * len(some))
            rows = self._execute(f"SELECT key, answer FROM answer WHERE key IN ({marks})", some)
            found.update((key, json.loads(answer)) for key, answer in rows)
            today = int(time.time() // _DAY_S)
            self._execute(
                f"UPDATE answer SET day = {today} WHERE day < {today} AND key IN ({marks})", some
            )
        return found

    def _keep(self, answers: Mapping[str, Any]) -> None:
        if self._database is None or not answers:
            return
        today = int(time.time() // _DAY_S)
        rows = [(key, json.dumps(answer), today) for key, answer in answers.items()]
        with contextlib.suppress(sqlite3.OperationalError), self._database:
            self._database.executemany("INSERT OR REPLACE INTO answer VALUES (?, ?, ?)", rows)

    def _execute(self, sql: str, values: Sequence[str]) -> list[Any]:
        if self._database is None:
            return []
        try:
            with self._database:
                return self._database.execute(sql, values).fetchall()
        except sqlite3.OperationalError:
            # Read-only, or another process writes for longer than is worth the wait.
            return []


def cache_path() -> Path:
    """Return where answers are kept: under `$XDG_CACHE_HOME`, by default `~/.cache`."""
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return root / "bqvertex" / "check" / "answers.sqlite"


def key(*parts: Any) -> str:
    """Return the name of an answer: a hash of all that it follows from, the toolkit's code too."""
    text = json.dumps([_toolkit(), *parts], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


@cache
def _toolkit() -> str:
    """Hash the code that answers: versions say too little while it is being worked on."""
    found = hashlib.sha256(version("zetasql").encode())
    for package in _PACKAGES:
        for file in sorted(files(package).iterdir(), key=lambda file: file.name):
            if file.name.endswith((".py", ".json")):
                found.update(file.read_bytes())
    return found.hexdigest()


def _open(path: Path) -> sqlite3.Connection | None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return _prepared(path)
        except sqlite3.OperationalError:
            return None
        except sqlite3.DatabaseError:
            path.unlink()
            return _prepared(path)
    except (OSError, sqlite3.DatabaseError):
        return None


def _prepared(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=_BUSY_TIMEOUT_S)
    with database:
        database.execute(
            "CREATE TABLE IF NOT EXISTS answer (key TEXT PRIMARY KEY, answer TEXT, day INTEGER)"
        )
        oldest = int(time.time() // _DAY_S) - _KEPT_DAYS
        database.execute("DELETE FROM answer WHERE day < ?", (oldest,))
    return database


def _batches(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(keys), _AT_ONCE):
        yield keys[start : start + _AT_ONCE]
