"""Where every control plane keeps its resources: one SQLite file that survives kill -9."""

import hashlib
import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from localcloud.errors import Json

_TABLES = """
CREATE TABLE IF NOT EXISTS resources(
  name TEXT PRIMARY KEY, parent TEXT NOT NULL, collection TEXT NOT NULL, body TEXT NOT NULL,
  sequence INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS resources_by_parent ON resources(parent, collection);
CREATE TABLE IF NOT EXISTS operations(
  id TEXT PRIMARY KEY, name TEXT NOT NULL, due REAL NOT NULL, done INTEGER NOT NULL,
  body TEXT NOT NULL, effect TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS operations_pending ON operations(done, due);
"""


def timestamp(moment: datetime) -> str:
    """A moment as Google writes timestamps."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def now() -> str:
    """The time as Google writes timestamps."""
    return timestamp(datetime.now(UTC))


class Store:
    """Resources by name, such as `projects/p/locations/l/endpoints/e`.

    One connection under one lock: requests of the control planes are small and must not
    interleave within one change. Committed in WAL mode, so a killed process loses nothing it
    has answered.

    Args:
        path: The SQLite file; its folder exists.
    """

    def __init__(self, path: Path) -> None:
        self.folder = path.parent
        self._lock = threading.RLock()
        self._depth = 0
        self.db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self.db.execute("PRAGMA journal_mode=WAL")
        self.db.execute("PRAGMA synchronous=NORMAL")
        self.db.executescript(_TABLES)

    def close(self) -> None:
        """Close the file; the WAL is folded in."""
        with self._lock:
            self.db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that happens inside is kept together or, on an exception, not at all."""
        with self._lock:
            if self._depth:
                self._depth += 1
                try:
                    yield
                finally:
                    self._depth -= 1
                return
            self.db.execute("BEGIN IMMEDIATE")
            self._depth = 1
            try:
                yield
                self.db.execute("COMMIT")
            finally:
                self._depth = 0
                # SQLite has rolled back by itself when the disk was full.
                if self.db.in_transaction:
                    self.db.execute("ROLLBACK")

    def get(self, name: str) -> Json | None:
        """A resource; None when there is none of that name."""
        with self._lock:
            row = self.db.execute("SELECT body FROM resources WHERE name=?", (name,)).fetchone()
        return json.loads(row[0]) if row else None

    def put(self, name: str, body: Json, *, keep_etag: bool = False) -> Json:
        """Write a resource and return it with its new etag.

        Args:
            name: Its name.
            body: The whole of it.
            keep_etag: Whether its etag stays: what changes is no part that its users write.
        """
        kept = body.get("etag") if keep_etag else None
        parent, collection, _ = (
            name.rsplit("/", 2) if name.count("/") > 1 else ("", *name.split("/"))
        )
        body = {key: value for key, value in body.items() if key != "etag"}
        text = json.dumps(body, sort_keys=True)
        body["etag"] = kept or hashlib.sha256(text.encode()).hexdigest()[:20]
        with self.transaction():
            self.db.execute(
                "INSERT INTO resources VALUES(?,?,?,?,?) "
                "ON CONFLICT(name) DO UPDATE SET body=excluded.body",
                (name, parent, collection, json.dumps(body), time.time_ns()),
            )
        return body

    def delete(self, name: str) -> None:
        """Remove a resource and everything below it."""
        with self.transaction():
            # A range instead of LIKE: ids may hold `_`, which LIKE takes for any character.
            self.db.execute(
                "DELETE FROM resources WHERE name=? OR (name > ? AND name < ?)",
                (name, f"{name}/", f"{name}0"),
            )

    def under(self, parent: str, collection: str) -> list[Json]:
        """The children of one parent, newest first."""
        with self._lock:
            rows = self.db.execute(
                "SELECT body FROM resources WHERE parent=? AND collection=? "
                "ORDER BY sequence DESC, rowid DESC",
                (parent, collection),
            ).fetchall()
        return [json.loads(row[0]) for row in rows]

    def every(self, collection: str) -> list[Json]:
        """All resources of a collection, under whatever parent, oldest first."""
        with self._lock:
            rows = self.db.execute(
                "SELECT body FROM resources WHERE collection=? ORDER BY sequence, rowid",
                (collection,),
            ).fetchall()
        return [json.loads(row[0]) for row in rows]

    def below(self, name: str) -> list[str]:
        """Names of everything below a resource."""
        with self._lock:
            rows = self.db.execute(
                "SELECT name FROM resources WHERE name > ? AND name < ?", (f"{name}/", f"{name}0")
            ).fetchall()
        return [str(row[0]) for row in rows]
