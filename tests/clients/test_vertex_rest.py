"""Calls to Vertex AI over real HTTP, against a server that answers what a test tells it to."""

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

import pytest
from bqvertex.clients import errors
from bqvertex.clients.settings import CloudSettings
from bqvertex.clients.vertex import rest as module
from bqvertex.clients.vertex.endpoints import LiveDeployment, VertexEndpoints
from bqvertex.clients.vertex.registry import VertexModelRegistry
from bqvertex.clients.vertex.rest import VertexRest

PARENT = "projects/acme/locations/europe-west4"
ENDPOINT = f"{PARENT}/endpoints/1234567890"
MODEL = f"{PARENT}/models/arrival_delay"


class Server(ThreadingHTTPServer):
    """Answers requests one after another with what `answers` holds.

    Attributes:
        answers: Status and body of the next answers, the first first.
        requests: Method, path and body of each request.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[tuple[int, dict[str, Any]]] = []
        self.requests: list[tuple[str, str, dict[str, Any]]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def refuse(self, code: int, status: str, message: str, **detail: str) -> None:
        error: dict[str, Any] = {"code": code, "message": message, "status": status}
        if detail:
            error["details"] = [
                {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "domain": "x", **detail}
            ]
        self.answers.append((code, {"error": error}))


class Handler(BaseHTTPRequestHandler):
    server: Server

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or b"{}")
        path = unquote(self.path.partition("?")[0])
        self.server.requests.append((self.command, path, body))
        status, answer = self.server.answers.pop(0)
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PATCH = do_DELETE = _answer  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def rest(server: Server) -> VertexRest:
    return VertexRest(CloudSettings(server.url))


@pytest.fixture
def endpoints(rest: VertexRest) -> VertexEndpoints:
    return VertexEndpoints(rest)


DEPLOYMENT = LiveDeployment(
    id="1111122222",
    display_name="champion",
    model=MODEL,
    model_version_id="3",
    machine_type="n1-standard-2",
    min_replica_count=1,
    max_replica_count=2,
)


@pytest.mark.parametrize(
    ("code", "status", "detail", "kind"),
    [
        (404, "NOT_FOUND", {}, errors.NotFound),
        (409, "ALREADY_EXISTS", {}, errors.AlreadyExists),
        (400, "INVALID_ARGUMENT", {}, errors.InvalidRequest),
        (400, "FAILED_PRECONDITION", {}, errors.FailedPrecondition),
        (403, "PERMISSION_DENIED", {"reason": "IAM_PERMISSION_DENIED"}, errors.PermissionDenied),
        (403, "PERMISSION_DENIED", {"reason": "RATE_LIMIT_EXCEEDED"}, errors.QuotaExceeded),
        (501, "UNIMPLEMENTED", {}, errors.InvalidRequest),
        (500, "INTERNAL", {}, errors.Unavailable),
    ],
)
def test_a_refusal_is_told_by_reason_then_by_status(server, endpoints, code, status, detail, kind):
    server.refuse(code, status, "No way.", **detail)

    with pytest.raises(errors.CloudError) as caught:
        endpoints.get(ENDPOINT)

    assert type(caught.value) is kind
    assert str(caught.value).startswith(f"could not read endpoint {ENDPOINT}: No way")


def test_a_proxys_page_is_no_answer_of_googles(server, endpoints, monkeypatch):
    monkeypatch.setattr(module, "RETRY_DEADLINE_S", 0.0)
    server.answers.append((502, {"oops": "no error here"}))

    with pytest.raises(errors.Unavailable, match="run it again"):
        endpoints.get(ENDPOINT)


@pytest.mark.parametrize(("code", "status"), [(503, "UNAVAILABLE"), (429, "RESOURCE_EXHAUSTED")])
def test_a_request_is_sent_again_when_the_answer_says_so(server, endpoints, code, status):
    server.refuse(code, status, "Try again.")
    server.answers.append((200, {"name": ENDPOINT}))

    endpoint = endpoints.get(ENDPOINT)

    assert endpoint.name == ENDPOINT
    assert len(server.requests) == 2


def test_it_is_given_up_with_googles_own_words(server, endpoints, monkeypatch):
    monkeypatch.setattr(module, "RETRY_DEADLINE_S", 0.0)
    server.refuse(429, "RESOURCE_EXHAUSTED", "Quota of deployments used up.")

    with pytest.raises(errors.QuotaExceeded, match="Quota of deployments used up; wait a minute"):
        endpoints.get(ENDPOINT)


def test_a_local_cloud_that_does_not_run_is_named_with_what_to_do():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
        endpoints = VertexEndpoints(VertexRest(CloudSettings(url)))

        with pytest.raises(errors.Unavailable) as caught:
            endpoints.get(ENDPOINT)

    assert str(caught.value) == (
        f"could not read endpoint {ENDPOINT}: the local cloud at {url} does not answer; "
        "start it with `bqvertex local start`"
    )


def test_deploy_moves_the_traffic_in_the_same_call_and_waits(server, endpoints):
    operation = f"{ENDPOINT}/operations/1"
    response = {"@type": "type.googleapis.com/google.cloud.aiplatform.v1.DeployModelResponse"}
    server.answers = [
        (200, {"name": operation}),
        (200, {"name": operation}),
        (200, {"name": operation, "done": True, "response": response}),
    ]

    endpoints.deploy(ENDPOINT, DEPLOYMENT, {"0": 90, "22": 10})

    method, path, body = server.requests[0]
    assert (method, path) == ("POST", f"/v1/{ENDPOINT}:deployModel")
    assert body["trafficSplit"] == {"0": 90, "22": 10}
    assert body["deployedModel"] == {
        "id": "1111122222",
        "displayName": "champion",
        "model": f"{MODEL}@3",
        "dedicatedResources": {
            "machineSpec": {"machineType": "n1-standard-2"},
            "minReplicaCount": 1,
            "maxReplicaCount": 2,
        },
    }
    assert [request[0] for request in server.requests[1:]] == ["GET", "GET"]


def test_a_deployment_that_fails_is_a_failed_job_and_not_a_refusal(server, endpoints):
    error = {"code": 9, "message": "Explanation preprocessing failed."}
    server.answers = [
        (200, {"name": f"{ENDPOINT}/operations/1"}),
        (200, {"name": f"{ENDPOINT}/operations/1", "done": True, "error": error}),
    ]

    with pytest.raises(errors.JobFailed, match="Explanation preprocessing failed"):
        endpoints.deploy(ENDPOINT, DEPLOYMENT, {"0": 100})


def test_an_operation_that_takes_too_long_is_given_up(server, endpoints, monkeypatch):
    monkeypatch.setattr(module, "OPERATION_DEADLINE_S", 0.0)
    server.answers = [(200, {"name": f"{ENDPOINT}/operations/1"})] * 3

    with pytest.raises(errors.DeadlineExceeded, match="not done after 0 s"):
        endpoints.deploy(ENDPOINT, DEPLOYMENT, {"0": 100})


def test_settling_waits_for_what_runs_and_for_nothing_else(server, endpoints):
    running, done = f"{ENDPOINT}/operations/1", f"{ENDPOINT}/operations/2"
    server.answers = [
        (200, {"operations": [{"name": done, "done": True}], "nextPageToken": "2"}),
        (200, {"operations": [{"name": running}]}),
        (200, {"name": running}),
        (200, {"name": running, "done": True}),
    ]

    endpoints.settle(ENDPOINT)

    assert [path.rpartition("/v1/")[2] for _, path, _ in server.requests[2:]] == [
        f"/ui/{running}",
        f"/ui/{running}",
    ]


def test_an_empty_split_is_sent_as_such(server, endpoints):
    server.answers = [(200, {"name": ENDPOINT})]

    endpoints.set_traffic(ENDPOINT, {})

    method, path, body = server.requests[0]
    assert (method, path, body.get("trafficSplit", {})) == ("PATCH", f"/v1/{ENDPOINT}", {})


def test_undeploying_what_is_gone_is_success(server, endpoints):
    server.refuse(404, "NOT_FOUND", "No such deployed model.")

    endpoints.undeploy(ENDPOINT, "1", {})


def test_an_endpoint_is_read_whole(server, endpoints):
    server.answers = [
        (
            200,
            {
                "name": "projects/123/locations/europe-west4/endpoints/1234567890",
                "deployedModels": [
                    {
                        "id": "1111122222",
                        "displayName": "champion",
                        "model": "projects/123/locations/europe-west4/models/m",
                        "modelVersionId": "3",
                        "dedicatedResources": {
                            "machineSpec": {"machineType": "n1-standard-2"},
                            "minReplicaCount": 1,
                        },
                    }
                ],
                "trafficSplit": {"1111122222": 100, "5": 0},
            },
        )
    ]

    endpoint = endpoints.get(ENDPOINT)

    assert endpoint.traffic == {"1111122222": 100}
    assert endpoint.deployments[0].max_replica_count == 1


def test_a_version_that_appears_late_is_waited_for(server, rest):
    server.refuse(404, "NOT_FOUND", "Not yet.")
    server.answers.append(
        (
            200,
            {
                "name": MODEL,
                "versionId": "3",
                "versionAliases": ["default", "champion"],
                "modelSourceInfo": {"sourceType": "BQML"},
            },
        )
    )

    version = VertexModelRegistry(rest).wait_for_version(MODEL, "3")

    assert (version.aliases, version.source_type) == (("champion", "default"), "BQML")
    assert server.requests[0][1] == f"/v1/{MODEL}@3"


def test_without_an_api_endpoint_the_region_decides_the_address(monkeypatch):
    import google.auth
    from google.auth.credentials import AnonymousCredentials

    monkeypatch.setattr(google.auth, "default", lambda *_, **__: (AnonymousCredentials(), "acme"))

    client = VertexRest(CloudSettings()).client("v1", "EndpointService", "europe-west4")

    assert client.transport._host == "https://europe-west4-aiplatform.googleapis.com"


def test_missing_credentials_say_how_to_sign_in(monkeypatch):
    import google.auth
    from google.auth.exceptions import DefaultCredentialsError

    def none(*_: Any, **__: Any) -> None:
        raise DefaultCredentialsError("no credentials")

    monkeypatch.setattr(google.auth, "default", none)

    with pytest.raises(errors.PermissionDenied, match="gcloud auth application-default login"):
        VertexRest(CloudSettings()).client("v1", "EndpointService", "europe-west4")


def test_importing_the_resources_loads_no_google_library():
    program = (
        "import sys, bqvertex.resources.deployed_model, bqvertex.resources.monitoring_job, "
        "bqvertex.resources.registered_model; "
        "print([m for m in sys.modules if m.startswith(('google.cloud.', 'google.api_core'))])"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"
