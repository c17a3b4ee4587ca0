"""The server process: state directory, port, uvicorn, and a tidy end."""

import datetime
import logging
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from localcloud import process
from localcloud.grpc.server import GrpcServer
from localcloud.server import LocalCloud

GRACE_SECONDS = 5
"""How long requests under way may last when the server is asked to end."""

log = logging.getLogger("localcloud")


def serve(
    state: Path,
    port: int,
    operation_seconds: float,
    log_file: Path,
    *,
    grpc_port: int | None = None,
    tls: bool = False,
    ephemeral: bool = False,
) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        state: The state directory.
        port: The port; 0 takes a free one.
        operation_seconds: How long a long-running operation lasts.
        log_file: Where the log goes.
        grpc_port: The port of gRPC; None takes the default one beside the default port, and a free
            one beside any other.
        tls: Whether gRPC is served with TLS too.
        ephemeral: Whether the state directory is deleted in the end.

    Raises:
        StartError: The state directory or the port is not to be had.
    """
    process.prepare(state)
    held = process.lock(state)
    listening = process.bind(port)
    _log_to(log_file)
    address = f"http://{process.HOST}:{listening.getsockname()[1]}"
    cloud = LocalCloud(
        state,
        base_url=lambda: address,
        operation_seconds=operation_seconds,
        on_progress=log.info,
    )
    remote_calls = _grpc(cloud, port, grpc_port, tls)
    process.write(state, listening.getsockname()[1])
    log.info("serving %s from %s", address, state)
    threading.Thread(target=cloud.open, name="open", daemon=True).start()
    remote_calls.start()
    server = _Server(
        uvicorn.Config(
            cloud.app,
            # Said, since uvicorn takes a bound method for an application of the older interface.
            interface="asgi3",
            lifespan="off",
            access_log=False,
            log_config=None,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )
    try:
        server.run(sockets=[listening])
    finally:
        remote_calls.close()
        cloud.close()
        held.close()
        log.info("stopped")
        if ephemeral:
            process.wipe(state)


def _grpc(cloud: LocalCloud, port: int, grpc_port: int | None, tls: bool) -> GrpcServer:
    if grpc_port is None:
        grpc_port = process.DEFAULT_GRPC_PORT if port == process.DEFAULT_PORT else 0
    shown = None
    if tls:
        from localcloud.grpc.certificate import certificate

        shown = certificate(cloud.state / "tls", datetime.datetime.now(datetime.UTC))
    server = GrpcServer(
        base_url=cloud.base_url,
        wait_for_bigquery=cloud.bigquery,
        port=grpc_port,
        certificate=shown,
    )
    cloud.grpc = {"address": server.address}
    if shown is not None:
        cloud.grpc |= {"tls_address": server.tls_address, "ca_file": str(shown.authority)}
    log.info("serving gRPC at %s", server.address)
    return server


def _log_to(file: Path) -> None:
    # `start` sends standard error to the same file; a terminal gets the lines as well.
    handlers: list[logging.Handler] = []
    if sys.stderr.isatty():
        handlers.append(logging.FileHandler(file))
    handlers.append(logging.StreamHandler())
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
        handlers=handlers,
    )
    logging.getLogger("httpx").setLevel(logging.WARNING)


class _Server(uvicorn.Server):
    """Uvicorn's server, which would send itself the signal again and so end before the tidying."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Begin the graceful end on SIGTERM and SIGINT."""
        before = {
            number: signal.signal(number, self.handle_exit)
            for number in (signal.SIGTERM, signal.SIGINT)
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
