"""A server before the local cloud that makes its trainings take their time."""

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests

TRAINING = re.compile(r"\s*CREATE (OR REPLACE )?MODEL\b", re.IGNORECASE)
PASSED_ON = ("Content-Type", "If-Match", "Accept")


@dataclass
class SlowCloud:
    """Lets everything through, and says of a training that it runs until its time has passed.

    Attributes:
        cloud_url: The local cloud.
        training_s: Seconds that a training takes from its insertion.
        url: Where this answers.
        inserted: By job id, when it was inserted (monotonic, seconds).
        cancelled: Ids of the jobs that somebody asked to cancel.
    """

    cloud_url: str
    training_s: float
    url: str = ""
    inserted: dict[str, float] = field(default_factory=dict)
    cancelled: list[str] = field(default_factory=list)
    has_inserted: threading.Event = field(default_factory=threading.Event)

    def answer(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Any:
        """Answer a request as the local cloud does, but for trainings that still run."""
        asked = path.partition("?")[0]
        if asked.endswith("/cancel"):
            return self._cancel(asked.split("/")[-2])
        response = requests.request(
            method, self.cloud_url + path, data=body, headers=headers, timeout=60
        )
        if "/jobs" not in asked or not response.ok:
            return response.status_code, response.content
        job = response.json()
        query = job.get("configuration", {}).get("query", {}).get("query", "")
        if method == "POST" and TRAINING.match(query):
            self.inserted[job["jobReference"]["jobId"]] = time.monotonic()
            self.has_inserted.set()
        return response.status_code, json.dumps(self._as_of_now(job)).encode()

    def _as_of_now(self, job: dict[str, Any]) -> dict[str, Any]:
        id_ = job.get("jobReference", {}).get("jobId")
        if id_ in self.cancelled:
            stopped = {"reason": "stopped", "message": "Job execution was cancelled."}
            return {**job, "status": {"state": "DONE", "errorResult": stopped}}
        if time.monotonic() - self.inserted.get(id_, -self.training_s) < self.training_s:
            times = {"creationTime": job["statistics"]["creationTime"]}
            return {**job, "status": {"state": "RUNNING"}, "statistics": times}
        return job

    def _cancel(self, id_: str) -> tuple[int, bytes]:
        self.cancelled.append(id_)
        return 200, json.dumps({"kind": "bigquery#jobCancelResponse", "job": {}}).encode()


@contextmanager
def slowed(cloud_url: str, training_s: float) -> Iterator[SlowCloud]:
    """Serve a `SlowCloud` on a port of its own."""
    cloud = SlowCloud(cloud_url, training_s)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

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
