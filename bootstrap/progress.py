"""What set-up is doing and for how long, on standard error."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

_TICK_SECONDS = 0.25
_QUIET_SECONDS = 15.0


def duration(seconds: float) -> str:
    """A time span as people read it: ``0.4 s``, ``12 s``, ``5 min 03 s``."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if round(seconds) < 60:
        return f"{round(seconds)} s"
    return f"{round(seconds) // 60} min {round(seconds) % 60:02d} s"


class Step:
    """One thing under way.

    On a terminal it is one line that is written anew; elsewhere a line at the start, one every 15
    seconds and one at the end.

    Attributes:
        title: What is being done, such as "building the Pulumi CLI".
    """

    def __init__(self, title: str, stream: TextIO, clock: Callable[[], float]) -> None:
        self.title = title
        self._stream = stream
        self._clock = clock
        self._terminal = stream.isatty()
        self._note = ""
        self._began = clock()
        self._spoke = self._began
        # The ticking thread and the one that does the work both write.
        self._writing = threading.Lock()

    def note(self, text: str) -> None:
        """Says how far it is, shown with the next sign of life.

        Args:
            text: One line, such as the last line of the tool's own output.
        """
        self._note = text.strip()

    def begin(self) -> None:
        """Shows that it starts."""
        with self._writing:
            if self._terminal:
                self._rewrite(f"  … {self.title}")
            else:
                self._line(f"  … {self.title}")

    def tick(self) -> None:
        """Gives a sign of life where one is due."""
        with self._writing:
            now = self._clock()
            passed = duration(now - self._began)
            note = f": {self._note}" if self._note else ""
            if self._terminal:
                self._rewrite(f"  … {self.title} ({passed}){note}")
            elif now - self._spoke >= _QUIET_SECONDS:
                self._spoke = now
                self._line(f"  … {self.title}, {passed} so far{note}")

    def end(self, mark: str, error: BaseException | None = None) -> None:
        """Shows how it ended.

        Args:
            mark: One word or sign, such as "✓".
            error: What ended it; its `reason` is shown, else the first line of its text.
        """
        said = str(getattr(error, "reason", error or "")).strip().splitlines()
        reason = f": {said[0]}" if said else ""
        with self._writing:
            passed = duration(self._clock() - self._began)
            line = f"  {mark} {self.title} ({passed}){reason}"
            if self._terminal:
                self._rewrite(line)
                self._stream.write("\n")
                self._stream.flush()
            else:
                self._line(line)

    def _rewrite(self, text: str) -> None:
        width = shutil.get_terminal_size().columns - 1
        self._stream.write("\r\x1b[K" + (text if len(text) <= width else text[: width - 1] + "…"))
        self._stream.flush()

    def _line(self, text: str) -> None:
        self._stream.write(text + "\n")
        self._stream.flush()


@contextmanager
def step(
    title: str, *, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic
) -> Iterator[Step]:
    """Shows a step for as long as the block runs.

    Args:
        title: What is being done, such as "building the Pulumi CLI".
        stream: Where to; left out, standard error.
        clock: Seconds that only grow.

    Yields:
        The step, to be told how far it is.
    """
    shown = Step(title, sys.stderr if stream is None else stream, clock)
    over = threading.Event()

    def live() -> None:
        while not over.wait(_TICK_SECONDS):
            shown.tick()

    shown.begin()
    ticking = threading.Thread(target=live, daemon=True)
    ticking.start()

    def stop() -> None:
        over.set()
        ticking.join()

    try:
        yield shown
    except BaseException as error:
        stop()
        shown.end("✗", error)
        raise
    stop()
    shown.end("✓")
