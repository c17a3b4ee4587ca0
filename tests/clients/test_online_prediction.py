"""Online predictions over real HTTP, asked of a server on this machine."""

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from bqvertex.clients import errors
from bqvertex.clients.online_prediction import predict
from bqvertex.clients.settings import CloudSettings
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

PATH = "/v1/projects/acme/locations/europe-west4/endpoints/1234567890:predict"
REQUEST = {"instances": [{"carrier": "UA", "scheduled_hour": 18}]}
ANSWER = {"predictions": [{"predicted_is_late": "true"}], "deployedModelId": "1"}
GOOGLE = CloudSettings()


class Server(ThreadingHTTPServer):
    """An endpoint, and the server that gives tokens out.

    Attributes:
        status: Status of the endpoint's answers.
        answer: Body of the endpoint's answers.
        silent: Whether it answers nothing until the test is over.
        requests: Path, headers and body of what the endpoint was asked.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status = 200
        self.answer: object = ANSWER
        self.silent = False
        self.over = threading.Event()
        self.requests: list[tuple[str, dict[str, str], Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def predict_url(self) -> str:
        return self.url + PATH


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/token":
            self._send(200, {"access_token": "ya29.x", "expires_in": 3600, "token_type": "Bearer"})
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.requests.append((self.path, headers, json.loads(body)))
        if self.server.silent:
            self.server.over.wait(30)
            return
        self._send(self.server.status, self.server.answer)

    def _send(self, status: int, answer: object) -> None:
        data = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.over.set()
        running.shutdown()
        thread.join()


@pytest.fixture
def local(server: Server) -> CloudSettings:
    return CloudSettings(server.url)


@pytest.fixture
def service_account(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Application default credentials of a service account whose tokens the server gives out."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    file = tmp_path / "account.json"
    account = {
        "type": "service_account",
        "project_id": "acme",
        "client_email": "test@acme.iam.gserviceaccount.com",
        "private_key": key.decode(),
        "token_uri": f"{server.url}/token",
    }
    file.write_text(json.dumps(account))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))


def test_an_endpoint_is_asked_what_an_application_would_ask(server, local):
    answer = predict(local, server.predict_url, REQUEST)

    ((path, headers, body),) = server.requests
    assert answer == ANSWER
    assert (path, body) == (PATH, REQUEST)
    assert headers["content-type"] == "application/json"


@pytest.mark.usefixtures("service_account")
def test_a_local_cloud_is_sent_no_credentials(server, local):
    predict(local, server.predict_url, REQUEST)

    ((_, headers, _),) = server.requests
    assert "authorization" not in headers


@pytest.mark.usefixtures("service_account")
def test_google_is_sent_the_application_default_credentials(server):
    predict(GOOGLE, server.predict_url, REQUEST)

    ((_, headers, _),) = server.requests
    assert headers["authorization"] == "Bearer ya29.x"


def test_without_credentials_it_says_how_to_sign_in(server, tmp_path, monkeypatch):
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "nothing.json"))

    with pytest.raises(errors.PermissionDenied, match="gcloud auth application-default login"):
        predict(GOOGLE, server.predict_url, REQUEST)

    assert server.requests == []


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        (400, "INVALID_ARGUMENT", errors.InvalidRequest),
        (403, "PERMISSION_DENIED", errors.PermissionDenied),
        (404, "NOT_FOUND", errors.NotFound),
        (429, "RESOURCE_EXHAUSTED", errors.QuotaExceeded),
        (503, "UNAVAILABLE", errors.Unavailable),
    ],
)
def test_a_refusal_has_the_address_and_the_endpoints_own_words(server, local, code, status, kind):
    server.status = code
    server.answer = {"error": {"code": code, "status": status, "message": "No column 'carier'."}}

    with pytest.raises(kind) as refused:
        predict(local, server.predict_url, REQUEST)

    assert type(refused.value) is kind
    assert server.predict_url in str(refused.value)
    assert "No column 'carier'" in str(refused.value)
    assert len(server.requests) == 1


def test_a_refusal_that_is_no_json_is_told_as_it_is(server, local):
    server.status, server.answer = 502, "<html>bad gateway</html>"

    with pytest.raises(errors.Unavailable, match="bad gateway"):
        predict(local, server.predict_url, REQUEST)


def test_nobody_at_the_address_is_told_with_what_to_start():
    with socket.socket() as taken:
        # Bound and not listened on: nobody else gets the port, and nobody answers.
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"

        with pytest.raises(errors.Unavailable) as refused:
            predict(CloudSettings(url), url + PATH, REQUEST)

    assert f"the local cloud at {url} does not answer" in str(refused.value)
    assert "bqvertex local start" in str(refused.value)


def test_an_endpoint_that_stays_silent_is_given_up(server, local, monkeypatch):
    monkeypatch.setattr("bqvertex.clients.online_prediction.CALL_TIMEOUT_S", 0.05)
    server.silent = True

    with pytest.raises(errors.Unavailable, match="no answer within"):
        predict(local, server.predict_url, REQUEST)
