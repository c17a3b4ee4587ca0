"""What the process that serves dynamic providers can do and `pulumi.dynamic` has no way to ask for.

The server of Pulumi's SDK has four threads, ignores that a run is cancelled, and tells a provider
neither which resource it works on nor how to speak to the engine. All four are had here by ways
that are not promised to stay. Where one is not as expected, nothing happens: four trainings go on
at a time, a cancelled run waits for them, and sentences come without the resource's name. The
tests in `tests/engine` notice that.
"""

import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

AT_A_TIME = 64
"""Calls served at a time. Only a ceiling: `--parallel` says how many the engine makes."""

# These wait for Google. Diff computes, and four threads are enough for that.
WAITING_CALLS = ("Check", "Create", "Read", "Update", "Delete")

# grpcio serves a method by the executor in this attribute of it, where it has one: see
# `_select_thread_pool_for_behavior` in its `_server.py`.
POOL_ATTRIBUTE = "experimental_thread_pool"


class _CancelPool(ThreadPoolExecutor):
    """Serves the call that says that the run is cancelled, and passes it on."""

    def __init__(self, cancelled: Callable[[], None]) -> None:
        super().__init__(max_workers=1)
        self._cancelled = cancelled

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self._cancelled()
        return super().submit(fn, *args, **kwargs)


def prepare(cancelled: Callable[[], None]) -> None:
    """Serve more than four calls at a time, and hear of a cancelled run. Once is enough.

    Args:
        cancelled: Called when the engine says that the run is cancelled, and at its end.
    """
    servicer = getattr(sys.modules.get("__main__"), "DynamicResourceProviderServicer", None)
    if servicer is None or hasattr(getattr(servicer, "Cancel", None), POOL_ATTRIBUTE):
        return
    waiting = ThreadPoolExecutor(max_workers=AT_A_TIME)
    for call in WAITING_CALLS:
        _serve(servicer, call, waiting)
    _serve(servicer, "Cancel", _CancelPool(cancelled))


def _serve(servicer: type, call: str, pool: ThreadPoolExecutor) -> None:
    function = getattr(servicer, call, None)
    if function is not None:
        setattr(function, POOL_ATTRIBUTE, pool)


def urn_of_call() -> str:
    """Name the resource of the call that this thread serves.

    Returns:
        Its URN; empty where that cannot be told.
    """
    frame = sys._getframe()
    while (caller := frame.f_back) is not None:
        frame = caller
        if "request" in frame.f_code.co_varnames:
            urn = getattr(frame.f_locals.get("request"), "urn", None)
            if isinstance(urn, str):
                return urn
    return ""


def engine_address() -> str:
    """Say where the engine listens, such as `127.0.0.1:36251`; empty where that is not known."""
    return sys.argv[1] if len(sys.argv) == 2 and ":" in sys.argv[1] else ""
