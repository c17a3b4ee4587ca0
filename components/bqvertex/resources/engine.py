"""Sentences for who watches a run, shown with the resource that they are about."""

import sys
import threading
from functools import cache

import grpc
from pulumi.runtime.proto import engine_pb2
from pulumi.runtime.proto.engine_pb2_grpc import EngineStub

from bqvertex.resources.dynamic_server import engine_address, urn_of_call

LOG_TIMEOUT_S = 5.0

_told: set[tuple[str, str]] = set()
_lock = threading.Lock()


def tell_of_resource(sentence: str) -> None:
    """Show a sentence with its resource, among the diagnostics, once in a run.

    Args:
        sentence: About the resource of the call that this thread serves. Shown after its name,
            which `pulumi preview --diff` would leave out.
    """
    urn = urn_of_call()
    name = urn.rpartition("::")[2]
    message = f"{name}: {sentence}" if name else sentence
    with _lock:
        if (urn, message) in _told:
            return
        _told.add((urn, message))
    _log(message, urn, passing=False)


def tell_in_passing(sentence: str) -> None:
    """Show a sentence in the line of its resource, until the next one.

    Args:
        sentence: About the resource of the call that this thread serves.
    """
    _log(sentence, urn_of_call(), passing=True)


def _log(message: str, urn: str, *, passing: bool) -> None:
    request = engine_pb2.LogRequest(
        severity=engine_pb2.INFO, message=message, urn=urn, ephemeral=passing
    )
    try:
        _engine().Log(request, timeout=LOG_TIMEOUT_S)
    except (grpc.RpcError, LookupError):
        # Without the engine's own way by the terminal: there it is the stack's sentence.
        print(message, file=sys.stderr, flush=True)


@cache
def _engine() -> EngineStub:
    address = engine_address()
    if not address:
        raise LookupError("nobody said where the engine listens")
    return EngineStub(grpc.insecure_channel(address))
