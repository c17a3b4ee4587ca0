"""A thread that looks at the clock when the next thing is due."""

import threading
from collections.abc import Callable, Sequence
from datetime import datetime

LONGEST_WAIT = 60.0
"""Seconds after which the time is looked at again, whatever the clock said before."""

Tick = Callable[[], datetime | None]
"""Does what is due; tells when the next thing is."""


class Ticker:
    """Calls what has to be done at times.

    Args:
        clock: Tells the time.
        ticks: What is called.
    """

    def __init__(self, clock: Callable[[], datetime], ticks: Sequence[Tick]) -> None:
        self.clock = clock
        self.ticks = ticks
        self._changed = threading.Condition()
        self._stopped = False
        self._woken = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to look."""
        self._thread = threading.Thread(target=self._run, name="ticker", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    def wake(self) -> None:
        """Look now: something new may be due."""
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def tick(self) -> datetime | None:
        """Do all that is due; tells when the next thing is."""
        return min((due for tick in self.ticks if (due := tick()) is not None), default=None)

    def _run(self) -> None:
        while True:
            due = self.tick()
            with self._changed:
                if self._stopped:
                    return
                left = (due - self.clock()).total_seconds() if due else LONGEST_WAIT
                self._changed.wait_for(
                    lambda: self._woken or self._stopped, min(max(left, 0.05), LONGEST_WAIT)
                )
                self._woken = False
