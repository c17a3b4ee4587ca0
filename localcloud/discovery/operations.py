"""Long-running operations (https://google.aip.dev/151), kept in the store.

An operation that lasts is a row with the time it is due and the name of the effect it has then;
effects happen on the first request after that time. Nothing of it lives in memory, so a killed
and restarted server finishes what it had begun.
"""

import json
import secrets
import time
from collections.abc import Callable
from contextvars import ContextVar

from localcloud.errors import ApiError, Json
from localcloud.store import Store, now

failing: ContextVar[tuple[str, str] | None] = ContextVar("failing_operation", default=None)
"""Canonical status and message that operations begun by the request in hand end with."""

explanations_fail: ContextVar[bool] = ContextVar("explanations_fail", default=False)
"""Whether deployments of the request in hand meet what is reported of registered LOGISTIC_REG."""

Effect = Callable[[Json], Json]
"""What an operation does when due: its arguments -> the operation's `response`."""


class Operations:
    """The operations of every service.

    Args:
        store: Where they are kept.
        seconds: How long an operation lasts; 0: done in the first reply.
        clock: Tells the time, in seconds.
    """

    def __init__(
        self, store: Store, seconds: float = 0.0, clock: Callable[[], float] = time.time
    ) -> None:
        self.store = store
        self.seconds = seconds
        self.clock = clock
        self._effects: dict[str, Effect] = {
            "respond": lambda arguments: dict(arguments),
            "fail": _fail,
        }

    def effect(self, name: str, effect: Effect) -> None:
        """Make an effect known under the name that `start` stores."""
        self._effects[name] = effect

    def start(
        self,
        parent: str,
        metadata: Json,
        effect: str,
        arguments: Json,
        *,
        prefix: str = "operations",
    ) -> Json:
        """Begin an operation and return it as it is now.

        Args:
            parent: The operation is named `<parent>/operations/<id>`; empty: `operations/<id>`.
            metadata: Its `metadata`; the times of `genericMetadata` are filled in.
            effect: Name of the effect it has when due; `respond` only answers `arguments`.
            arguments: What the effect is given.
            prefix: Collection of the operation.
        """
        identifier = str(secrets.randbelow(9 * 10**18) + 10**18)
        name = f"{parent}/{prefix}/{identifier}" if parent else f"{prefix}/{identifier}"
        started = now()
        if "@type" in metadata:
            generic = metadata.get("genericMetadata", {})
            metadata = {
                **metadata,
                "genericMetadata": {"createTime": started, "updateTime": started, **generic},
            }
        if fault := failing.get():
            effect, arguments = "fail", {"status": fault[0], "message": fault[1]}
        body = {"name": name, "metadata": metadata}
        due = self.clock() + self.seconds if self.seconds > 0 else 0.0
        with self.store.transaction():
            self.store.db.execute(
                "INSERT INTO operations VALUES(?,?,?,0,?,?)",
                (name, name, due, json.dumps(body), json.dumps([effect, arguments])),
            )
            self.settle()
        return self.get(name)

    def settle(self) -> None:
        """Let every operation that is due have its effect."""
        pending = "SELECT id, body, effect FROM operations WHERE done=0 AND due<=? ORDER BY due"
        with self.store.transaction():
            for identifier, body, effect in self.store.db.execute(
                pending, (self.clock(),)
            ).fetchall():
                operation = json.loads(body)
                name, arguments = json.loads(effect)
                operation["done"] = True
                try:
                    operation["response"] = self._effects[name](arguments)
                except ApiError as error:
                    operation["error"] = error.operation_error()
                if generic := operation["metadata"].get("genericMetadata"):
                    generic["updateTime"] = now()
                self.store.db.execute(
                    "UPDATE operations SET done=1, body=? WHERE id=?",
                    (json.dumps(operation), identifier),
                )

    def get(self, name: str) -> Json:
        """An operation as it is now.

        Raises:
            ApiError: NOT_FOUND.
        """
        with self.store.transaction():
            row = self.store.db.execute(
                "SELECT body FROM operations WHERE name=?", (name,)
            ).fetchone()
        if row is None:
            raise ApiError("NOT_FOUND", f"Operation {name} is not found.")
        found: Json = json.loads(row[0])
        return found

    def of(self, parent: str) -> list[Json]:
        """The operations of one parent, newest first."""
        with self.store.transaction():
            rows = self.store.db.execute(
                "SELECT body FROM operations WHERE name >= ? AND name < ? ORDER BY rowid DESC",
                (f"{parent}/operations/", f"{parent}/operations0"),
            ).fetchall()
        return [json.loads(row[0]) for row in rows]

    def delete(self, name: str) -> None:
        """Forget an operation's result."""
        self.get(name)
        with self.store.transaction():
            self.store.db.execute("DELETE FROM operations WHERE name=? AND done=1", (name,))

    def pending(self, parent: str) -> list[tuple[str, Json]]:
        """Effect and arguments of the unfinished operations of one parent."""
        return [
            (effect, arguments)
            for name, effect, arguments in self._pending()
            if name.startswith(f"{parent}/operations/")
        ]

    def every_pending(self) -> list[tuple[str, Json]]:
        """Effect and arguments of all unfinished operations."""
        return [(effect, arguments) for _, effect, arguments in self._pending()]

    def _pending(self) -> list[tuple[str, str, Json]]:
        with self.store.transaction():
            rows = self.store.db.execute(
                "SELECT name, effect FROM operations WHERE done=0"
            ).fetchall()
        return [(str(name), *json.loads(effect)) for name, effect in rows]


def _fail(arguments: Json) -> Json:
    raise ApiError(arguments["status"], arguments["message"])
