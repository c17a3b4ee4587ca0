"""A checkout, programs and a server as set-up meets them, all real and all small."""

import http.server
import io
import tarfile
import textwrap
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bootstrap.checkout import Checkout

Program = Callable[[Path, str], Path]

_LOCK = """\
version = 1

[[package]]
name = "pulumi"
version = "3.272.0"

[[package]]
name = "pulumi-gcp"
version = "10.2.0"

[[package]]
name = "wasmtime"
version = "50.0.1"

[[package]]
name = "zetasql"
version = "0.1.5"
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A checkout with a lock, one Go module, and an empty cache."""
    root = tmp_path / "checkout"
    for name, version in (("cli", "1.25.11"), ("language_host", "1.25.0"), ("scripts", "1.25.0")):
        module = root / "bootstrap" / "gomodules" / name
        module.mkdir(parents=True)
        (module / "go.mod").write_text(f"module example\n\ngo {version}\n")
    (root / "uv.lock").write_text(_LOCK)
    (root / "pyproject.toml").write_text("[project]\nname = 'example'\n")
    return Checkout(root, tmp_path / "cache")


@pytest.fixture
def program() -> Program:
    """Makes an executable out of a line or more of shell."""

    def make(path: Path, script: str) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#!/bin/sh\n" + textwrap.dedent(script) + "\n")
        path.chmod(0o755)
        return path

    return make


@dataclass
class Server:
    """An HTTP server on loopback.

    Attributes:
        url: Its address.
        answers: By path: the body, the status, and how many bytes are announced.
        asked: The paths that were asked for, in order.
    """

    url: str
    answers: dict[str, tuple[bytes, int, int]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def serve(self, path: str, body: bytes, status: int = 200, announced: int | None = None) -> str:
        """Answers a path with a body; returns its whole address."""
        self.answers[path] = (body, status, len(body) if announced is None else announced)
        return self.url + path


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that answers what it was told, and 404 otherwise."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known.asked.append(self.path)
            body, status, announced = known.answers.get(self.path, (b"", 404, 0))
            self.send_response(status)
            self.send_header("Content-Length", str(announced))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            return

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        known = Server(f"http://127.0.0.1:{listening.server_port}")
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield known
        finally:
            listening.shutdown()
            thread.join()


@pytest.fixture
def archive() -> Callable[[dict[str, str]], bytes]:
    """Makes a .tar.gz of executables out of their paths and contents."""

    def make(members: dict[str, str]) -> bytes:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as packed:
            for name, content in members.items():
                member = tarfile.TarInfo(name)
                member.size = len(content.encode())
                member.mode = 0o755
                packed.addfile(member, io.BytesIO(content.encode()))
        return buffer.getvalue()

    return make


@pytest.fixture
def closed_port() -> str:
    """An address at which nothing listens."""
    with http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as gone:
        return f"http://127.0.0.1:{gone.server_port}"
