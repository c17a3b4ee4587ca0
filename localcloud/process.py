"""The local cloud as a process: its state directory, lock, port, and who holds them."""

import contextlib
import errno
import fcntl
import json
import os
import shutil
import signal
import socket
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

import psutil

DEFAULT_PORT = 8470
DEFAULT_GRPC_PORT = 8471
DEFAULT_STATE = Path(".local/cloud")
HOST = "127.0.0.1"
LEAST_FREE_BYTES = 200 * 1024 * 1024
"""Disk space below which a start is refused: a training or a load would fail half-way."""
MARKER = "local-cloud"


class StartError(RuntimeError):
    """The local cloud cannot start; the message is one sentence and what to do."""


@dataclass(frozen=True)
class Running:
    """A running local cloud, as it wrote itself down.

    Attributes:
        pid: Its process id.
        created: When the process began, so that a reused pid is recognised.
        port: Its port.
    """

    pid: int
    created: float
    port: int

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{HOST}:{self.port}"


def prepare(state: Path) -> None:
    """Make the state directory, and see that it can be written and has room.

    Raises:
        StartError: It cannot, or has not.
    """
    try:
        state.mkdir(parents=True, exist_ok=True)
        if any(state.iterdir()) and not (state / MARKER).exists():
            raise StartError(
                f"{state} is not empty and no state of the local cloud: name another with --state."
            )
        (state / MARKER).write_text("State of a bqvertex local cloud. `reset` deletes it.\n")
        free = shutil.disk_usage(state).free
    except OSError as error:
        raise StartError(
            f"the state directory {state} cannot be written ({error.strerror or error}): "
            "name another with --state."
        ) from error
    if free < LEAST_FREE_BYTES:
        raise StartError(
            f"the disk that holds {state} has {free // 2**20} MiB left and the local cloud needs "
            f"{LEAST_FREE_BYTES // 2**20} MiB: make room or name another disk with --state."
        )


def lock(state: Path) -> IO[str]:
    """Take the state directory for this process; given back when the process ends, however.

    Raises:
        StartError: Another process has it.
    """
    held = (state / "lock").open("w")
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        held.close()
        raise StartError(
            f"another local cloud uses {state}: stop it, or name another with --state."
        ) from error
    return held


def bind(port: int) -> socket.socket:
    """Open the port; 0 takes a free one.

    Raises:
        StartError: It is taken or not allowed.
    """
    # The protocol is named because asyncio turns Nagle's algorithm off only where it is; with it
    # on, each reply waits 40 ms for the caller's delayed acknowledgement (measured).
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise StartError(
                f"port {port} is taken{_holder(port)}: stop that, or start with "
                f"--port {_free_port()}."
            ) from error
        raise StartError(
            f"port {port} cannot be opened ({error.strerror}): start with --port {_free_port()}."
        ) from error
    listening.listen(512)
    return listening


def _holder(port: int) -> str:
    try:
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port:
                if connection.pid is None:
                    break
                name = psutil.Process(connection.pid).name()
                return f" by {name} (pid {connection.pid})"
    except psutil.Error:
        # Only the operating system's administrator may see other users' sockets everywhere.
        return ""
    return ""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port


def write(state: Path, port: int) -> None:
    """Write this process down, atomically."""
    pid = os.getpid()
    running = Running(pid, psutil.Process(pid).create_time(), port)
    temporary = state / f"server.json.{pid}"
    temporary.write_text(json.dumps(asdict(running)))
    temporary.replace(state / "server.json")


def last(state: Path) -> Running | None:
    """The process that last ran here, running or not."""
    try:
        return Running(**json.loads((state / "server.json").read_text()))
    except (OSError, ValueError, TypeError):
        # None was written, or a killed process was writing it.
        return None


def running(state: Path) -> Running | None:
    """The process that runs here; None when there is none, also after kill -9."""
    found = last(state)
    return found if found and _process(found) else None


def _process(found: Running) -> psutil.Process | None:
    # A pid alone proves nothing: after a kill it may belong to somebody else.
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(found.pid)
        same = abs(process.create_time() - found.created) < 1.0
        if same and process.status() != psutil.STATUS_ZOMBIE:
            return process
    return None


def stop(state: Path, seconds: float) -> bool:
    """Ask the process here to end, and kill it when it has not after `seconds`.

    Returns:
        Whether one ran.
    """
    found = running(state)
    process = _process(found) if found else None
    if process is None:
        return False
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(seconds)
        except psutil.TimeoutExpired:
            process.kill()
            process.wait(seconds)
    return True


def wipe(state: Path) -> None:
    """Delete a state directory.

    Raises:
        StartError: It is none of the local cloud's.
    """
    if not state.exists():
        return
    if not (state / MARKER).exists():
        raise StartError(f"{state} is no state directory of the local cloud: nothing was deleted.")
    aside = state.with_name(f"{state.name}.deleted-{os.getpid()}-{time.time_ns()}")
    # Renamed first, so that a reset that is killed never leaves half a state behind.
    state.rename(aside)
    shutil.rmtree(aside)
