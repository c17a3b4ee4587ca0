"""A run that its user has broken off: whoever waits stops waiting.

One process serves one run of the engine, so this is the process's own.
"""

import threading

from bqvertex.clients.errors import Cancelled

_requested = threading.Event()


def request() -> None:
    """Wake up all who wait, for good."""
    _requested.set()


def sleep(seconds: float) -> None:
    """Wait, unless the run is cancelled.

    Args:
        seconds: How long.

    Raises:
        Cancelled: The run was cancelled before or while this waited.
    """
    if _requested.wait(seconds):
        raise Cancelled("the run was cancelled")
