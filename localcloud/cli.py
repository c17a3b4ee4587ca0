"""The local cloud's command line: start, stop, status, reset, logs; serve, in the foreground."""

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import click
from click.core import ParameterSource

from localcloud import process
from localcloud.process import (
    DEFAULT_GRPC_PORT,
    DEFAULT_PORT,
    DEFAULT_STATE,
    Running,
    StartError,
)

LOG = "cloud.log"
LARGEST_LOG = 20 * 1024 * 1024
STOP_SECONDS = 10.0
START_SECONDS = 300.0
"""How long a start may last: the first one compiles ZetaSQL, minutes on a slow machine."""


def _state(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--state",
        type=click.Path(path_type=Path, file_okay=False),
        default=DEFAULT_STATE,
        show_default=True,
        envvar="BQVERTEX_LOCAL_STATE",
        help="Directory that holds everything the local cloud keeps.",
    )(command)


def _serving(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option(
            "--port",
            type=click.IntRange(0, 65535),
            default=DEFAULT_PORT,
            show_default=True,
            help="Port; 0 takes a free one.",
        ),
        click.option(
            "--grpc-port",
            type=click.IntRange(0, 65535),
            default=None,
            help="Port of gRPC; 0 takes a free one. "
            f"[default: {DEFAULT_GRPC_PORT} beside port {DEFAULT_PORT}, else a free one]",
        ),
        click.option(
            "--tls",
            is_flag=True,
            help="Serve gRPC with TLS too, for clients that know no other; writes the file that "
            "they have to trust.",
        ),
        click.option(
            "--operation-seconds",
            type=click.FloatRange(0),
            default=0.0,
            show_default=True,
            help="How long a long-running operation lasts; 0: done in the first reply.",
        ),
        click.option(
            "--ephemeral",
            is_flag=True,
            help="Delete the state when it ends; without --state it is a new temporary directory, "
            "and without --port the port is a free one.",
        ),
    ):
        command = option(command)
    return _state(command)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """An embedded local Google Cloud: BigQuery with ML, Vertex AI, and what they need."""


@main.command()
@_serving
def serve(
    port: int,
    grpc_port: int | None,
    tls: bool,
    state: Path,
    operation_seconds: float,
    ephemeral: bool,
) -> None:
    """Run in the foreground."""
    from localcloud import serving

    if ephemeral:
        state, port = _ephemeral(state, port)
    try:
        serving.serve(
            state.absolute(),
            port,
            operation_seconds,
            state / LOG,
            grpc_port=grpc_port,
            tls=tls,
            ephemeral=ephemeral,
        )
    except StartError as error:
        _refuse(error)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print what `status --json` prints.")
@_serving
def start(
    port: int,
    grpc_port: int | None,
    tls: bool,
    state: Path,
    operation_seconds: float,
    ephemeral: bool,
    as_json: bool,
) -> None:
    """Run in the background; returns when it is ready."""
    began = time.monotonic()
    if ephemeral:
        state, port = _ephemeral(state, port)
    state = state.absolute()
    found = process.running(state)
    if found is not None:
        asked = click.get_current_context().get_parameter_source("port")
        if asked is not ParameterSource.DEFAULT and port not in (0, found.port):
            _refuse(
                StartError(
                    f"the local cloud of {state} runs already on port {found.port}: stop it to "
                    f"move it to port {port}."
                )
            )
        _wait(state, found.pid, began)
        if as_json:
            click.echo(json.dumps(_report(state), indent=2))
        else:
            click.echo(f"The local cloud is running already at {found.url} (pid {found.pid}).")
        return
    try:
        process.prepare(state)
        # Tried here too, so that the sentence comes at once; the server then opens it itself.
        process.bind(port).close()
    except StartError as error:
        _refuse(error)
    log = state / LOG
    if log.exists() and log.stat().st_size > LARGEST_LOG:
        log.replace(log.with_suffix(".log.1"))
    with log.open("ab") as output:
        server = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "localcloud",
                "serve",
                "--port",
                str(port),
                "--state",
                str(state),
                "--operation-seconds",
                str(operation_seconds),
                *(() if grpc_port is None else ("--grpc-port", str(grpc_port))),
                *(("--tls",) if tls else ()),
                *(("--ephemeral",) if ephemeral else ()),
            ],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
    ready = _wait(state, server.pid, began, server)
    seconds = time.monotonic() - began
    if as_json:
        click.echo(json.dumps(_report(state), indent=2))
        return
    click.echo(f"The local cloud is ready at {ready.url} (pid {ready.pid}, {seconds:.1f} s).")
    for line in _grpc(_get(f"{ready.url}/") or {}):
        click.echo(line)
    if ephemeral:
        click.echo(f"Its state is deleted when it ends: bqvertex local stop --state {state}")


def _ephemeral(state: Path, port: int) -> tuple[Path, int]:
    """State directory and port of a local cloud that leaves nothing."""
    given = click.get_current_context().get_parameter_source
    if given("state") is ParameterSource.DEFAULT:
        state = Path(tempfile.mkdtemp(prefix="bqvertex-local-"))
    return state, 0 if given("port") is ParameterSource.DEFAULT else port


@main.command()
@_state
def stop(state: Path) -> None:
    """Stop it; what it keeps stays."""
    stopped = process.stop(state.absolute(), STOP_SECONDS)
    click.echo("The local cloud is stopped." if stopped else "The local cloud was not running.")


@main.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@_state
def status(as_json: bool, state: Path) -> None:
    """Say whether it runs, where, and how each service is. Exits 1 when it is not ready."""
    report = _report(state.absolute())
    if as_json:
        click.echo(json.dumps(report, indent=2))
    else:
        _print(report)
    sys.exit(0 if report["ready"] else 1)


def _report(state: Path) -> dict[str, Any]:
    found = process.running(state)
    answer = _get(f"{found.url}/") if found else None
    if found is not None and answer is not None:
        return {**answer, "pid": found.pid}
    return {
        "url": found.url if found else None,
        "project": None,
        "ready": False,
        "pid": found.pid if found else None,
        "state": str(state),
        "services": [],
    }


def _print(report: dict[str, Any]) -> None:
    if report["pid"] is None:
        click.echo(f"The local cloud of {report['state']} is not running: start it with `start`.")
        return
    word = "ready" if report["ready"] else report.get("detail") or "starting"
    click.echo(f"{report['url']}  {word}  (pid {report['pid']}, project {report['project']})")
    for row in report["services"]:
        click.echo(f"  {row['name']:<22} {row['status']:<9} {' '.join(row['paths'])}")
    for line in _grpc(report):
        click.echo(line)


def _grpc(report: dict[str, Any]) -> Iterator[str]:
    found = report.get("grpc") or {}
    if found.get("address"):
        yield f"gRPC: {found['address']}"
    if found.get("tls_address"):
        yield f"gRPC with TLS: {found['tls_address']}, signed by {found['ca_file']}"


@main.command()
@_state
def reset(state: Path) -> None:
    """Stop it and delete everything it keeps."""
    state = state.absolute()
    process.stop(state, STOP_SECONDS)
    try:
        process.wipe(state)
    except StartError as error:
        _refuse(error)
    click.echo(f"Nothing is left in {state}.")


@main.command()
@click.option("-f", "--follow", is_flag=True, help="Go on as it is written.")
@click.option("-n", "--lines", type=click.IntRange(0), default=100, show_default=True)
@_state
def logs(follow: bool, lines: int, state: Path) -> None:
    """Show what it wrote: the start, one line a request, errors."""
    log = state / LOG
    if not log.exists():
        _refuse(StartError(f"there is no log in {state}: the local cloud never ran there."))
    with log.open(errors="replace") as text:
        kept = text.readlines()
        click.echo("".join(kept[len(kept) - min(lines, len(kept)) :]), nl=False)
        while follow:
            line = text.readline()
            if line:
                click.echo(line, nl=False)
            else:
                time.sleep(0.2)


def _refuse(error: StartError) -> NoReturn:
    click.echo(f"The local cloud did not start: {error}", err=True)
    sys.exit(1)


def _get(url: str) -> dict[str, Any] | None:
    """The JSON at an address, whatever the status; None when nothing answers in JSON."""
    try:
        try:
            with urllib.request.urlopen(url, timeout=5) as reply:
                text = reply.read()
        except urllib.error.HTTPError as error:
            text = error.read()
        found: dict[str, Any] = json.loads(text)
    except (OSError, ValueError):
        return None
    return found


def _wait(
    state: Path, pid: int, began: float, server: "subprocess.Popen[bytes] | None" = None
) -> Running:
    """Wait until a server is ready, telling on stderr what it does; returns which one is."""
    told = ""
    while time.monotonic() - began < START_SECONDS:
        found = process.running(state)
        if server is not None and server.poll() is not None:
            if found is None or found.pid == pid:
                _refuse(StartError(_last_words(state)))
            # Another start was faster: its server is as good.
            pid, server = found.pid, None
        health = _get(f"{found.url}/healthz") if found and found.pid == pid else None
        if health and found:
            if health.get("status") == "ready":
                return found
            detail = str(health.get("detail", ""))
            if health.get("status") == "failed":
                process.stop(state, STOP_SECONDS)
                _refuse(StartError(f"{detail}; see {state / LOG}."))
            if detail != told:
                told = detail
                click.echo(f"[{time.monotonic() - began:5.1f} s] {detail}", err=True)
        time.sleep(0.05)
    process.stop(state, STOP_SECONDS)
    _refuse(StartError(f"it was not ready after {START_SECONDS:.0f} s; see {state / LOG}."))


def _last_words(state: Path) -> str:
    lines = [line for line in (state / LOG).read_text(errors="replace").splitlines() if line]
    said = lines[-1].removeprefix("The local cloud did not start: ") if lines else "it ended"
    return f"{said} (see {state / LOG})"
