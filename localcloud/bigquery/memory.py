"""Memory that work leaves behind, given back once nothing runs.

A training of a million rows leaves 800 MB with two keepers: the C library's heap and DuckDB's cache
of table blocks. Neither gives anything back by itself.
"""

import ctypes
import gc
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil
import pyarrow as pa
from local_bigquery.engine import database

IDLE_SECONDS = 1.0
"""How long nothing must have run: those who work on find their tables cached."""
ENOUGH_BYTES = 400 << 20
"""A process that holds less has nothing worth giving back."""
KEPT_CACHE = "64MB"
"""What DuckDB may keep of its cache of table blocks while nothing runs."""


class IdleMemory:
    """Gives memory back when no job has run for a while.

    Args:
        release: Gives it back.
        held_bytes: How much the process holds.
        idle_seconds: How long nothing must have run.
    """

    def __init__(
        self,
        release: Callable[[], None],
        held_bytes: Callable[[], int],
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._release = release
        self._held_bytes = held_bytes
        self._idle_seconds = idle_seconds
        self._changed = threading.Condition()
        self._jobs = 0
        self._has_worked = False
        self._closed = False
        self._thread = threading.Thread(target=self._watch, name="idle-memory", daemon=True)
        self._thread.start()

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """While a job runs; it begins only when nothing is being given back."""
        with self._changed:
            self._jobs += 1
            self._has_worked = True
        try:
            yield
        finally:
            with self._changed:
                self._jobs -= 1
                self._changed.notify_all()

    def close(self) -> None:
        """Give nothing back any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()

    def _watch(self) -> None:
        with self._changed:
            while not self._closed:
                self._changed.wait_for(lambda: self._closed or self._is_due())
                if self._changed.wait_for(lambda: self._closed or self._jobs, self._idle_seconds):
                    # Somebody works again, or all is over.
                    continue
                self._has_worked = False
                if self._held_bytes() > ENOUGH_BYTES:
                    self._release()

    def _is_due(self) -> bool:
        return self._has_worked and not self._jobs


def open_idle_memory() -> IdleMemory:
    """Watch this process.

    Arrow takes its memory from the C library then: its own pool keeps what a thread freed until
    that same thread allocates again, which after a training may be never.
    """
    pa.set_memory_pool(pa.system_memory_pool())
    process = psutil.Process()
    return IdleMemory(release, lambda: int(process.memory_info().rss))


def release() -> None:
    """Give back what this process holds and nobody uses."""
    # Rows that a training leaves in a circle of objects would wait for the collector else.
    gc.collect()
    database.execute(f"SET memory_limit = '{KEPT_CACHE}'")
    database.execute("RESET memory_limit")
    if sys.platform == "linux":
        # Of the GNU C library; others, such as musl, have no such function and hold less.
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
