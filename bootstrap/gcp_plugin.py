"""The step `gcp`: Pulumi's plugin for Google Cloud, official or the local cloud's stand-in."""

from __future__ import annotations

import os
import shlex
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from bootstrap import cache, download
from bootstrap.checkout import Checkout, architecture, system
from bootstrap.command import CommandFailed, work
from bootstrap.progress import Step, step
from bootstrap.stamp import Facts
from bootstrap.way import Way, WayFailed, first_that_works

NAME = "gcp"
PROGRAM = "pulumi-resource-gcp"
OFFICIAL = "the official download"
STAND_IN = "the stand-in of this checkout"

_ARCHIVES = "https://get.pulumi.com/releases/plugins"
_MODULE = "localcloud.plugin"


def key(checkout: Checkout, pulumi: Facts) -> str:
    """What the step depends on: the locked version, the CLI that installs it, the checkout."""
    return f"{checkout.locked('pulumi-gcp')} {pulumi['folder']} {checkout.root}"


def present(checkout: Checkout, facts: Facts) -> bool:
    """Whether what the step made is still there, and no new try of the download is due."""
    if not os.access(_installed(checkout) / PROGRAM, os.X_OK):
        return False
    return facts["way"] == OFFICIAL or facts["day"] == today()


def today() -> str:
    """The day, as the step notes when it last tried the official download."""
    return time.strftime("%Y-%m-%d")


def make(checkout: Checkout, environ: Mapping[str, str], pulumi: Facts) -> Facts:
    """Installs the plugin into this checkout's own Pulumi home.

    Args:
        checkout: The checkout.
        environ: The environment of this process.
        pulumi: What the step `pulumi` found out.

    Returns:
        The way by which it came, its version, and the day of the last try to download it.

    Raises:
        SetupError: No way worked.
    """
    number = checkout.locked("pulumi-gcp")
    program = Path(pulumi["folder"], "pulumi")
    way, _ = first_that_works(
        f"the Pulumi plugin gcp {number}",
        [
            Way(OFFICIAL, lambda: official(checkout, environ, program)),
            Way(STAND_IN, lambda: stand_in(checkout, environ, program)),
        ],
        f"Install it with `pulumi plugin install resource gcp {number}` where the internet is "
        f"reachable, copy it to {_installed(checkout)}, and run it again.",
    )
    return {"way": way, "version": number, "day": today()}


def _installed(checkout: Checkout) -> Path:
    number = checkout.locked("pulumi-gcp")
    return checkout.pulumi_home / "plugins" / f"resource-gcp-v{number}"


def _pulumi(environ: Mapping[str, str], home: Path) -> dict[str, str]:
    return {**environ, "PULUMI_HOME": str(home), "PULUMI_SKIP_UPDATE_CHECK": "1"}


def official(
    checkout: Checkout,
    environ: Mapping[str, str],
    program: Path,
    *,
    archives: str = _ARCHIVES,
    seconds: float = 8,
) -> None:
    """Has Pulumi download the official plugin into the cache, then install it from there.

    Args:
        checkout: The checkout.
        environ: The environment of this process.
        program: The Pulumi CLI.
        archives: Where Pulumi takes it from, asked first because Pulumi itself tries five times.
        seconds: How long to wait for that to answer.

    Raises:
        WayFailed: It cannot be downloaded.
    """
    number = checkout.locked("pulumi-gcp")
    platform = f"{system()}-{architecture()}"
    kept = checkout.cache / "pulumi-resource-gcp" / f"{number}-{platform}"
    binary = f"plugins/resource-gcp-v{number}/{PROGRAM}"

    def build(folder: Path) -> None:
        with step(f"downloading the Pulumi plugin gcp {number}") as shown:
            archive = f"pulumi-resource-gcp-v{number}-{platform}.tar.gz"
            download.reach(f"{archives}/{archive}", answer_seconds=seconds)
            argv = [str(program), "plugin", "install", "resource", "gcp", number]
            work(argv, shown, env=_pulumi(environ, folder))

    try:
        cache.install(kept, binary, build)
        with step(f"installing the Pulumi plugin gcp {number}") as shown:
            _install(checkout, environ, program, kept / binary, shown)
    except CommandFailed as failure:
        raise WayFailed(failure.reason) from failure


def stand_in(checkout: Checkout, environ: Mapping[str, str], program: Path) -> None:
    """Installs the stand-in: this checkout's own Python code, started by a line of shell.

    Args:
        checkout: The checkout.
        environ: The environment of this process.
        program: The Pulumi CLI.

    Raises:
        WayFailed: The checkout has no stand-in, or Pulumi refused it.
    """
    if not (checkout.root / _MODULE.replace(".", "/") / "__main__.py").is_file():
        raise WayFailed(f"this checkout has no {_MODULE}")
    python = shlex.quote(str(checkout.python))
    with tempfile.TemporaryDirectory() as folder:
        starter = Path(folder, PROGRAM)
        starter.write_text(f'#!/bin/sh\nexec {python} -m {_MODULE} "$@"\n', encoding="utf-8")
        starter.chmod(0o755)
        try:
            with step("installing the stand-in for the Pulumi plugin gcp") as shown:
                _install(checkout, environ, program, Path(folder), shown)
        except CommandFailed as failure:
            raise WayFailed(failure.reason) from failure


def _install(
    checkout: Checkout, environ: Mapping[str, str], program: Path, source: Path, shown: Step
) -> None:
    argv = [str(program), "plugin", "install", "resource", "gcp", checkout.locked("pulumi-gcp")]
    argv += ["--reinstall", "--file", str(source)]
    work(argv, shown, env=_pulumi(environ, checkout.pulumi_home))
