"""The stand-in plugin as the engine meets it: a process that speaks gRPC, and servers that fail."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
import httpx
import pytest
from google.protobuf.empty_pb2 import Empty
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.struct_pb2 import Struct
from google.rpc import status_pb2
from pulumi.runtime.proto import provider_pb2 as proto
from pulumi.runtime.proto.provider_pb2_grpc import ResourceProviderStub

TOKEN = "a-secret-token"
DATASET = "gcp:bigquery/dataset:Dataset"
ENDPOINT = "gcp:vertex/aiEndpoint:AiEndpoint"
MEMBER = "gcp:projects/iAMMember:IAMMember"


def struct(bag: dict[str, Any]) -> Struct:
    made = Struct()
    ParseDict(bag, made)
    return made


def urn(kind: str) -> str:
    return f"urn:pulumi:stack::project::bqvertex:index:Dataset${kind}::name"


@dataclass
class Process:
    """A running plugin."""

    process: subprocess.Popen[bytes]
    stub: Any

    def configure(self, url: str, **inputs: str) -> None:
        bag = {
            "project": "p-one",
            "region": "us-central1",
            "accessToken": TOKEN,
            "bigQueryCustomEndpoint": f"{url}/bigquery/v2/",
            "resourceManagerCustomEndpoint": f"{url}/v1/",
            "vertexAiCustomEndpoint": f"{url}/v1/",
            **inputs,
        }
        self.stub.Configure(proto.ConfigureRequest(args=struct(bag)))

    def check(self, kind: str, inputs: dict[str, Any]) -> dict[str, str]:
        """What is wrong with the inputs, by property."""
        request = proto.CheckRequest(urn=urn(kind), news=struct(inputs), randomSeed=b"0" * 32)
        return {each.property: each.reason for each in self.stub.Check(request).failures}

    def create(self, kind: str, inputs: dict[str, Any], seconds: float = 20) -> Any:
        request = proto.CreateRequest(urn=urn(kind), properties=struct(inputs), timeout=seconds)
        return self.stub.Create(request)


@pytest.fixture
def start() -> Iterator[Callable[[], Process]]:
    """Starts a plugin as the engine does; ended at the end."""
    started: list[Process] = []

    def start() -> Process:
        process = subprocess.Popen(
            [sys.executable, "-m", "localcloud.plugin", "127.0.0.1:1"], stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        port = int(process.stdout.readline())
        channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        started.append(Process(process, ResourceProviderStub(channel)))
        return started[-1]

    yield start
    for each in started:
        each.process.terminate()
        each.process.wait(timeout=10)
        assert each.process.stdout is not None
        assert each.process.stdout.read() == b"", "only the port may be written to stdout"
        each.process.stdout.close()


@pytest.fixture
def plugin(start: Callable[[], Process]) -> Process:
    return start()


@dataclass
class Server:
    """A server that answers what it is told to, and remembers what it was asked.

    Attributes:
        replies: Replies by method and path; the last one is repeated.
        asked: What it was asked, in order.
    """

    replies: dict[str, list[tuple[int, dict[str, Any]]]]
    asked: list[str] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    url: str = ""


@pytest.fixture
def serve() -> Iterator[Callable[[dict[str, list[tuple[int, dict[str, Any]]]]], Server]]:
    running: list[ThreadingHTTPServer] = []

    def serve(replies: dict[str, list[tuple[int, dict[str, Any]]]]) -> Server:
        server = Server(replies)

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                asked = f"{self.command} {self.path.partition('?')[0]}"
                server.asked.append(asked)
                server.tokens.add(self.headers.get("Authorization", ""))
                queue = server.replies[asked]
                status, body = queue.pop(0) if len(queue) > 1 else queue[0]
                raw = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        running.append(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=running[-1].serve_forever, daemon=True).start()
        server.url = f"http://127.0.0.1:{running[-1].server_address[1]}"
        return server

    yield serve
    for each in running:
        each.shutdown()
        each.server_close()


DATASETS = "/bigquery/v2/projects/p-one/datasets"
LIVE = {"datasetReference": {"datasetId": "d", "projectId": "p-one"}, "location": "US"}
ENDPOINTS = "/v1/projects/p-one/locations/us-central1/endpoints"
OPERATION = "projects/p-one/locations/us-central1/operations/1"
NEW_ENDPOINT = {"name": "1", "location": "us-central1", "displayName": "e"}
POLICY = "/v1/projects/p-one"
GRANT = {"project": "p-one", "role": "roles/viewer", "member": "user:a@example.com"}


def error(status: int, reason: str, message: str) -> tuple[int, dict[str, Any]]:
    return status, {"error": {"code": status, "status": reason, "message": message}}


def test_it_starts_fast_and_says_its_version(start: Callable[[], Process]) -> None:
    start().stub.GetPluginInfo(Empty())

    began = time.perf_counter()
    plugin = start()
    seconds = time.perf_counter() - began
    info = plugin.stub.GetPluginInfo(Empty())

    assert info.version.startswith("10.")
    # 0.35 s alone on the machine; others may be busy on it.
    assert seconds < 3


def test_it_ends_at_the_engines_interrupt(plugin: Process) -> None:

    plugin.process.send_signal(signal.SIGINT)

    assert plugin.process.wait(timeout=4) == 0


def test_a_type_that_is_not_served_is_refused_with_what_is(plugin: Process) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        plugin.check("gcp:compute/instance:Instance", {})

    assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED
    message = refused.value.details()
    assert "does not serve the resource type gcp:compute/instance:Instance" in message
    assert DATASET in message
    assert "pulumi plugin install resource gcp 10." in message


def test_an_unknown_property_is_refused_with_the_nearest_known(plugin: Process) -> None:
    failures = plugin.check(DATASET, {"datasetId": "d", "desciption": "x", "project": "p-one"})

    assert list(failures) == ["desciption"]
    assert "did you mean 'description'?" in failures["desciption"]


def test_everything_that_is_wrong_is_said_at_once(plugin: Process) -> None:
    failures = plugin.check(
        "gcp:bigquery/table:Table",
        {
            "datasetId": "d",
            "expirationTime": "soon",
            "view": {"qery": "SELECT 1"},
            "deletionPolicy": "LATER",
        },
    )

    assert {path: reason.split(";")[0] for path, reason in failures.items()} == {
        "tableId": "missing required property 'tableId' of gcp:bigquery/table:Table",
        "expirationTime": ("'expirationTime' of gcp:bigquery/table:Table must be a whole number"),
        "view.qery": (
            "gcp:bigquery/table:Table has no property 'view.qery' that the stand-in for the gcp "
            "plugin serves"
        ),
        "view.query": "missing required property 'view.query' of gcp:bigquery/table:Table",
        "project": ("no project: set 'project' on the resource or on the provider, or gcp:project"),
        "deletionPolicy": "'deletionPolicy' is 'LATER'",
    }


def test_a_provider_property_without_effect_is_refused(plugin: Process) -> None:
    inputs = struct({"project": "p", "impersonateServiceAccount": "a@example.com"})

    checked = plugin.stub.CheckConfig(proto.CheckRequest(news=inputs))

    assert [each.property for each in checked.failures] == ["impersonateServiceAccount"]


def test_the_access_token_becomes_a_secret(plugin: Process) -> None:
    checked = plugin.stub.CheckConfig(proto.CheckRequest(news=struct({"accessToken": TOKEN})))

    token = MessageToDict(checked.inputs)["accessToken"]
    assert token["value"] == TOKEN
    assert len(token) == 2, "the other key is the engine's mark of a secret"


def test_a_server_that_is_not_there_is_said_with_what_to_do(plugin: Process) -> None:
    plugin.configure("http://127.0.0.1:1")

    with pytest.raises(grpc.RpcError) as refused:
        plugin.create(DATASET, {"datasetId": "d", "location": "US"})

    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
    message = refused.value.details()
    assert f"POST http://127.0.0.1:1{DATASETS}: nobody answers" in message
    assert "python -m localcloud start" in message
    assert TOKEN not in message


def test_google_itself_is_not_asked_without_a_token(plugin: Process) -> None:
    plugin.configure("", accessToken="", bigQueryCustomEndpoint="")

    with pytest.raises(grpc.RpcError) as refused:
        plugin.create(DATASET, {"datasetId": "d", "location": "US"})

    assert "https://bigquery.googleapis.com" in refused.value.details()
    assert "no access token" in refused.value.details()


def test_a_busy_server_is_asked_again(plugin: Process, serve: Callable[..., Server]) -> None:
    server = serve(
        {
            f"POST {DATASETS}": [
                error(503, "UNAVAILABLE", "busy"),
                error(429, "", ""),
                (200, LIVE),
            ],
            f"GET {DATASETS}/d": [(200, LIVE)],
        }
    )
    plugin.configure(server.url)

    created = plugin.create(DATASET, {"datasetId": "d", "location": "US"})

    assert created.id == "projects/p-one/datasets/d"
    assert server.asked == [*[f"POST {DATASETS}"] * 3, f"GET {DATASETS}/d"]
    assert server.tokens == {f"Bearer {TOKEN}"}


def test_a_refusal_is_told_in_googles_words(plugin: Process, serve: Callable[..., Server]) -> None:
    refusal = error(403, "PERMISSION_DENIED", "Permission bigquery.datasets.create denied.")
    server = serve({f"POST {DATASETS}": [refusal]})
    plugin.configure(server.url)

    with pytest.raises(grpc.RpcError) as refused:
        plugin.create(DATASET, {"datasetId": "d", "location": "US"})

    assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert "PERMISSION_DENIED: Permission bigquery.datasets.create denied." in (
        refused.value.details()
    )
    assert len(server.asked) == 1


def test_what_was_made_and_cannot_be_read_is_kept_as_half_made(
    plugin: Process, serve: Callable[..., Server]
) -> None:
    server = serve(
        {f"POST {DATASETS}": [(200, LIVE)], f"GET {DATASETS}/d": [error(500, "INTERNAL", "oops")]}
    )
    plugin.configure(server.url)

    with pytest.raises(grpc.RpcError) as refused:
        plugin.create(DATASET, {"datasetId": "d", "location": "US"})

    metadata = dict(refused.value.trailing_metadata())
    status = status_pb2.Status.FromString(metadata["grpc-status-details-bin"])
    failed = proto.ErrorResourceInitFailed()
    assert status.details[0].Unpack(failed)
    assert failed.id == "projects/p-one/datasets/d"
    assert MessageToDict(failed.inputs) == {"datasetId": "d", "location": "US"}
    assert MessageToDict(failed.properties)["location"] == "US"
    assert "INTERNAL: oops" in failed.reasons[0]


def test_a_long_running_operation_is_waited_for(
    plugin: Process, serve: Callable[..., Server]
) -> None:
    pending = {"name": OPERATION, "done": False}
    server = serve(
        {
            f"POST {ENDPOINTS}": [(200, pending)],
            f"GET /v1/{OPERATION}": [(200, pending), (200, {**pending, "done": True})],
            f"GET {ENDPOINTS}/1": [(200, {"displayName": "e"})],
        }
    )
    plugin.configure(server.url)

    plugin.create(ENDPOINT, NEW_ENDPOINT)

    assert server.asked == [
        f"POST {ENDPOINTS}",
        *[f"GET /v1/{OPERATION}"] * 2,
        f"GET {ENDPOINTS}/1",
    ]


def test_an_interrupt_ends_the_wait_for_an_operation(
    plugin: Process, serve: Callable[..., Server]
) -> None:
    pending = {"name": OPERATION, "done": False}
    server = serve(
        {f"POST {ENDPOINTS}": [(200, pending)], f"GET /v1/{OPERATION}": [(200, pending)]}
    )
    plugin.configure(server.url)

    with ThreadPoolExecutor() as pool:
        creating = pool.submit(plugin.create, ENDPOINT, NEW_ENDPOINT, 300)
        plugin.stub.Cancel(Empty())
        with pytest.raises(grpc.RpcError, match="interrupted"):
            creating.result(timeout=30)


def test_a_policy_that_changed_meanwhile_is_read_again(
    plugin: Process, serve: Callable[..., Server]
) -> None:
    server = serve(
        {
            f"POST {POLICY}:getIamPolicy": [(200, {"etag": "a"}), (200, {"etag": "b"})],
            f"POST {POLICY}:setIamPolicy": [error(409, "ABORTED", "changed"), (200, {"etag": "c"})],
        }
    )
    plugin.configure(server.url)

    created = plugin.create(MEMBER, GRANT)

    assert created.id == "p-one/roles/viewer/user:a@example.com"
    assert [asked.rpartition(":")[2] for asked in server.asked] == [
        *["getIamPolicy", "setIamPolicy"] * 2
    ]


def test_members_that_two_deployments_add_at_once_all_survive(
    start: Callable[[], Process], local_cloud: Any
) -> None:
    plugins = [start(), start()]
    emails = [f"user:u{number}@example.com" for number in range(12)]
    for each in plugins:
        each.configure(local_cloud.url, project="two-deployments")
    grant = {"project": "two-deployments", "role": "roles/viewer"}

    with ThreadPoolExecutor(12) as pool:
        added = [
            pool.submit(plugins[number % 2].create, MEMBER, {**grant, "member": email}, 60)
            for number, email in enumerate(emails)
        ]
        for each in added:
            each.result()

    policy = httpx.post(f"{local_cloud.url}/v1/projects/two-deployments:getIamPolicy", json={})
    assert sorted(policy.json()["bindings"][0]["members"]) == sorted(emails)


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ({"deletionProtection": True}, "set 'deletionProtection' to false"),
        ({"deletionProtection": False, "deletionPolicy": "PREVENT"}, "'deletionPolicy' is PREVENT"),
    ],
)
def test_a_protected_table_is_not_deleted(
    plugin: Process, serve: Callable[..., Server], state: dict[str, Any], reason: str
) -> None:
    server = serve({})
    plugin.configure(server.url)
    request = proto.DeleteRequest(
        id="projects/p-one/datasets/d/tables/t",
        urn=urn("gcp:bigquery/table:Table"),
        properties=struct(state),
    )

    with pytest.raises(grpc.RpcError, match=reason):
        plugin.stub.Delete(request)

    assert server.asked == []


def test_an_abandoned_resource_is_left_alone(plugin: Process, serve: Callable[..., Server]) -> None:
    server = serve({})
    plugin.configure(server.url)

    plugin.stub.Delete(
        proto.DeleteRequest(
            id="projects/p-one/datasets/d",
            urn=urn(DATASET),
            properties=struct({"deletionPolicy": "ABANDON"}),
        )
    )

    assert server.asked == []


def test_a_read_that_is_refused_does_not_mean_gone(
    plugin: Process, serve: Callable[..., Server]
) -> None:
    server = serve({f"GET {DATASETS}/d": [error(403, "PERMISSION_DENIED", "no")]})
    plugin.configure(server.url)

    with pytest.raises(grpc.RpcError, match="PERMISSION_DENIED"):
        plugin.stub.Read(proto.ReadRequest(id="projects/p-one/datasets/d", urn=urn(DATASET)))


def test_an_id_of_another_form_is_refused_with_the_forms(plugin: Process) -> None:
    plugin.configure("http://127.0.0.1:1")

    with pytest.raises(grpc.RpcError) as refused:
        plugin.stub.Read(proto.ReadRequest(id="a/b/c/d", urn=urn(DATASET)))

    assert "write 'projects/{project}/datasets/{datasetId}'" in refused.value.details()
