"""Fixtures of every test: the local cloud, as a real process."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
from hypothesis import settings

# A deadline for an example would be a timed test.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

START_TIMEOUT_S = 400.0
"""Seconds for `start`, which the first time on a machine compiles ZetaSQL."""


@dataclass
class LocalCloud:
    """A local cloud of the tests' own, run by its command line.

    Attributes:
        state: Its state directory.
        options: Further options of `start`.
        url: Its address.
        project: Its default project.
        pid: The server's process id.
        grpc: `address` of gRPC; with `--tls` also `tls_address` and `ca_file`.
    """

    state: Path
    options: tuple[str, ...] = ()
    url: str = field(init=False, default="")
    project: str = field(init=False, default="")
    pid: int = field(init=False, default=0)
    grpc: dict[str, str] = field(init=False, default_factory=dict)

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one command of its command line on its state directory."""
        return subprocess.run(
            [sys.executable, "-m", "localcloud", *arguments, "--state", str(self.state)],
            capture_output=True,
            text=True,
            timeout=START_TIMEOUT_S,
            check=False,
        )

    def start(self) -> None:
        """Start it, on the port it had before if it ran before."""
        ports = ["--port", str(self.port if self.url else 0)]
        if self.grpc:
            ports += ["--grpc-port", self.grpc["address"].rsplit(":", 1)[1]]
        started = self.run("start", *ports, *self.options)
        assert started.returncode == 0, started.stderr
        report = json.loads(self.run("status", "--json").stdout)
        self.url, self.project, self.pid = report["url"], report["project"], report["pid"]
        self.grpc = report["grpc"]

    def kill(self) -> None:
        """Kill -9 the server, as a machine's failure would."""
        server = psutil.Process(self.pid)
        os.kill(self.pid, signal.SIGKILL)
        psutil.wait_procs([server], timeout=10)

    def stop(self) -> None:
        """Stop it."""
        stopped = self.run("stop")
        assert stopped.returncode == 0, stopped.stderr


@pytest.fixture(scope="session")
def local_cloud() -> Iterator[LocalCloud]:
    """A running local cloud, shared by the whole session: use project or resource ids of your own.

    A test may `kill()` and `start()` it; it comes back at the same address with what it kept.
    """
    with tempfile.TemporaryDirectory(prefix="local-cloud-") as folder:
        cloud = LocalCloud(Path(folder) / "state", options=("--tls",))
        cloud.start()
        # Read once a process, when its first channel with TLS is made.
        os.environ["GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"] = cloud.grpc["ca_file"]
        yield cloud
        cloud.stop()
