"""Tells the user of work that takes its time."""

import threading
import time

from bqvertex.resources.engine import tell_in_passing

INTERVAL_S = 5.0

_last: dict[str, float] = {}
_lock = threading.Lock()


def report(sentence: str) -> None:
    """Print a sentence to where the engine takes it from, of one subject every few seconds.

    Args:
        sentence: Begins with its subject and a colon, such as `model p.d.m: iteration 3 of 20`.
    """
    subject = sentence.partition(":")[0]
    now = time.monotonic()
    with _lock:
        first = _last.setdefault(subject, now)
        if now - first < INTERVAL_S:
            return
        _last[subject] = now
    tell_in_passing(sentence)
