"""A server before the local cloud that makes its trainings take their time."""

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests

TRAINING = re.compile(rb"CREATE (OR REPLACE )?MODEL\b", re.IGNORECASE)
DRY_RUN = re.compile(rb'"dryRun":\s*true')
PASSED_ON = ("Content-Type", "If-Match", "Accept")


@dataclass
class SlowCloud:
    """Lets everything through, and says of a training that it runs until its time has passed.

    Attributes:
        cloud_url: The local cloud.
        training_s: Seconds that a training takes from its insertion.
        url: Where this answers.
        inserted: By id of a training's job, when it was inserted (monotonic, seconds).
        running: By id, the job as it is told while it runs.
        dry_run: The answer to the first dry run, given to all: those of models that differ by
            name alone. Google's own takes none of this machine's time either.
        evaluation: The first answer of ML.EVALUATE, given to all for the same reason.
        session: To the local cloud.
    """

    cloud_url: str
    training_s: float
    url: str = ""
    inserted: dict[str, float] = field(default_factory=dict)
    running: dict[str, bytes] = field(default_factory=dict)
    dry_run: bytes | None = None
    evaluation: bytes | None = None
    session: requests.Session = field(default_factory=requests.Session)

    def answer(
        self, method: str, path: str, body: bytes, headers: dict[str, str]
    ) -> tuple[int, bytes]:
        """Answer a request as the local cloud does, but for trainings that still run."""
        job_id = path.partition("?")[0].rpartition("/")[2]
        if method == "GET" and self._runs(job_id):
            return 200, self.running[job_id]
        is_dry_run = method == "POST" and DRY_RUN.search(body) is not None
        if is_dry_run and self.dry_run is not None:
            return 200, self.dry_run
        is_evaluation = method == "POST" and b"ML.EVALUATE" in body
        if is_evaluation and self.evaluation is not None:
            return 200, self.evaluation
        arrived = time.monotonic()
        response = self.session.request(
            method, self.cloud_url + path, data=body, headers=headers, timeout=60
        )
        if method == "POST" and response.ok and TRAINING.search(body):
            job = response.json()
            if is_dry_run:
                self.dry_run = response.content
                return 200, self.dry_run
            job_id = job["jobReference"]["jobId"]
            times = {"creationTime": job["statistics"]["creationTime"]}
            runs = {**job, "status": {"state": "RUNNING"}, "statistics": times}
            self.running[job_id] = json.dumps(runs).encode()
            self.inserted[job_id] = arrived
            return 200, self.running[job_id]
        if is_evaluation and response.ok and b'"rows"' in response.content:
            self.evaluation = response.content
        return response.status_code, response.content

    def _runs(self, job_id: str) -> bool:
        inserted = self.inserted.get(job_id)
        return inserted is not None and time.monotonic() - inserted < self.training_s


@contextmanager
def slowed(cloud_url: str, training_s: float) -> Iterator[SlowCloud]:
    """Serve a `SlowCloud` on a port of its own."""
    cloud = SlowCloud(cloud_url, training_s)
    cloud.session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=64))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body are written apart: the second would wait for the first to be acknowledged.
        disable_nagle_algorithm = True

        def pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name: self.headers[name] for name in PASSED_ON if name in self.headers}
            status, payload = cloud.answer(self.command, self.path, body, headers)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = pass_on  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    cloud.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield cloud
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
