"""A BigQuery of its own for these tests: served on a free port, used through Google's client."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from localcloud.bigquery.app import BigQueryService, create_app
from localcloud.errors import ApiError
from localcloud.ports import BigQueryModelVersion
from tests.localcloud import shape

PROJECT = "local-project"


@dataclass
class MemoryRegistry:
    """A Model Registry in memory: numbers versions and knows what is deployed."""

    versions: dict[str, list[tuple[str, BigQueryModelVersion]]] = field(default_factory=dict)
    aliases: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    deployed: set[str] = field(default_factory=set)

    def register(
        self, version: BigQueryModelVersion, *, vertex_ai_model_id: str, aliases: Sequence[str]
    ) -> str:
        kept = self.versions.setdefault(vertex_ai_model_id, [])
        number = str(int(kept[-1][0]) + 1) if kept else "1"
        self.versions[vertex_ai_model_id] = [(number, version)]
        self.aliases[vertex_ai_model_id, number] = list(aliases)
        return number

    def unregister(self, project: str, dataset_id: str, model_id: str) -> None:
        for name, versions in list(self.versions.items()):
            for _, version in versions:
                if (version.project, version.dataset_id, version.model_id) == (
                    project,
                    dataset_id,
                    model_id,
                ):
                    if version.artifact_uri in self.deployed:
                        raise ApiError("FAILED_PRECONDITION", f"model {name} is deployed")
                    del self.versions[name]

    def artifacts_in_use(self) -> frozenset[str]:
        return frozenset(self.deployed)


@dataclass
class Endpoints:
    """Endpoints over HTTP: each answers with a function of the instances, and keeps what it got."""

    answers: dict[str, Callable[[list[Any]], Any]] = field(default_factory=dict)
    requests: dict[str, list[list[Any]]] = field(default_factory=dict)

    async def predict(self, request: Request) -> JSONResponse:
        name = request.path_params["endpoint"]
        instances = (await request.json())["instances"]
        self.requests.setdefault(name, []).append(instances)
        if name not in self.answers:
            return JSONResponse({"error": {"code": 404, "message": "no such endpoint"}}, 404)
        answer = await run_in_threadpool(self.answers[name], instances)
        return JSONResponse(answer) if isinstance(answer, Mapping) else answer


@dataclass
class Server:
    """The running server, what it is made of, and the objects in its buckets."""

    url: str
    service: BigQueryService
    registry: MemoryRegistry
    endpoints: Endpoints
    objects: dict[str, dict[str, bytes]]
    misshapen: list[str]


@pytest.fixture(autouse=True)
def shapes(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every answer that a test gets has the shape of its Discovery document."""
    yield
    if "server" in request.fixturenames:
        misshapen = request.getfixturevalue("server").misshapen
        found = list(dict.fromkeys(misshapen))
        misshapen.clear()
        assert found == []


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    registry, endpoints = MemoryRegistry(), Endpoints()
    misshapen: list[str] = []
    state: Path = tmp_path_factory.mktemp("bigquery")
    url: list[str] = []
    service = create_app(state, registry=registry, base_url=lambda: url[0])

    connections = {"ok"}

    async def connection(request: Request) -> JSONResponse:
        if request.method == "DELETE":
            connections.remove(request.path_params["id"])
            return JSONResponse({})
        return JSONResponse({}, 200 if request.path_params["id"] in connections else 404)

    async def make_connection(request: Request) -> JSONResponse:
        assert (await request.json())["cloudResource"] == {}
        connections.add(request.query_params["connectionId"])
        return JSONResponse({})

    objects: dict[str, dict[str, bytes]] = {}

    async def list_objects(request: Request) -> JSONResponse:
        bucket = objects.get(request.path_params["bucket"])
        if bucket is None:
            return JSONResponse({"error": {"code": 404, "message": "no such bucket"}}, 404)
        names = sorted(n for n in bucket if n.startswith(request.query_params["prefix"]))
        # Two a page, so that pages are asked for.
        start = int(request.query_params.get("pageToken") or 0)
        items = [{"name": n, "size": str(len(bucket[n]))} for n in names[start : start + 2]]
        more = {"nextPageToken": str(start + 2)} if len(names) > start + 2 else {}
        return JSONResponse({"items": items, **more})

    async def read_object(request: Request) -> Response:
        bucket = objects[request.path_params["bucket"]]
        if request.method == "DELETE":
            del bucket[request.path_params["name"]]
            return Response(status_code=204)
        assert request.query_params["alt"] == "media"
        return Response(bucket[request.path_params["name"]])

    async def write_object(request: Request) -> JSONResponse:
        assert request.query_params["uploadType"] == "media"
        bucket = objects[request.path_params["bucket"]]
        bucket[request.query_params["name"]] = await request.body()
        return JSONResponse({})

    async def project(request: Request) -> JSONResponse:
        return JSONResponse({"projectNumber": "1234567890"})

    async def generate(request: Request) -> JSONResponse:
        body = await request.json()
        prompt = body["contents"][0]["parts"][0]["text"]
        if prompt == "unsafe":
            return JSONResponse({"candidates": [{"content": {}, "finishReason": "SAFETY"}]})
        text = f"[stand-in] {request.path_params['model']} {body.get('generationConfig')}: {prompt}"
        return JSONResponse({"candidates": [{"content": {"parts": [{"text": text}]}}]})

    async def embed(request: Request) -> JSONResponse:
        body = await request.json()
        width = body.get("parameters", {}).get("outputDimensionality", 3)
        texts = [instance["content"] for instance in body["instances"]]
        if "too many" in texts:
            return JSONResponse({"error": {"code": 400, "message": "too many"}}, 400)
        return JSONResponse(
            {
                "predictions": [
                    {
                        "embeddings": {
                            "values": [float(len(text))] * width,
                            "statistics": {"token_count": len(text.split()), "truncated": False},
                        }
                    }
                    for text in texts
                ]
            }
        )

    app = Starlette(
        routes=[
            Route(
                "/v1/projects/{p}/locations/us-central1/publishers/google/models/{model}"
                ":generateContent",
                generate,
                methods=["POST"],
            ),
            Route(
                "/v1/projects/{p}/locations/us-central1/publishers/google/models/{model}:predict",
                embed,
                methods=["POST"],
            ),
            Route("/v1/projects/{p}", project),
            Route("/storage/v1/b/{bucket}/o", list_objects),
            Route("/storage/v1/b/{bucket}/o/{name:path}", read_object, methods=["GET", "DELETE"]),
            Route("/upload/storage/v1/b/{bucket}/o", write_object, methods=["POST"]),
            Route(
                "/v1/projects/{p}/locations/{l}/connections/{id}",
                connection,
                methods=["GET", "DELETE"],
            ),
            Route("/v1/projects/{p}/locations/{l}/connections", make_connection, methods=["POST"]),
            Route(
                "/v1/projects/{p}/locations/{l}/endpoints/{endpoint}:predict",
                endpoints.predict,
                methods=["POST"],
            ),
            Mount("/", shape.checked(service.app, misshapen)),
        ]
    )
    listening = uvicorn.Config(app, port=0, log_level="warning")
    socket = listening.bind_socket()
    url.append(f"http://127.0.0.1:{socket.getsockname()[1]}")
    running = uvicorn.Server(listening)
    thread = threading.Thread(target=running.run, args=([socket],), daemon=True)
    thread.start()
    yield Server(url[0], service, registry, endpoints, objects, misshapen)
    running.should_exit = True
    thread.join(10)
    service.close()


@pytest.fixture(scope="package")
def client(server: Server) -> Iterator[bigquery.Client]:
    with bigquery.Client(
        project=PROJECT,
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": server.url},
    ) as made:
        yield made


@pytest.fixture
def dataset(client: bigquery.Client, request: pytest.FixtureRequest) -> Iterator[str]:
    """A new, empty dataset's id; gone afterwards."""
    name = "d" + format(abs(hash(request.node.nodeid)), "x")
    client.create_dataset(name)
    yield name
    client.delete_dataset(name, delete_contents=True, not_found_ok=True)


Run = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def run(client: bigquery.Client, dataset: str) -> Run:
    """Runs SQL with the dataset as default; the rows as dicts."""

    def query(sql: str, **config: Any) -> list[dict[str, Any]]:
        job_config = bigquery.QueryJobConfig(default_dataset=f"{PROJECT}.{dataset}", **config)
        job = client.query(sql, job_config=job_config, job_retry=None)
        return [dict(row) for row in job.result()]

    return query


@pytest.fixture
def in_parallel() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as pool:
        yield pool


PASSENGERS = """
CREATE TABLE shared.passengers AS
SELECT
  IF(MOD(n, 3) = 0, 'a', IF(MOD(n, 3) = 1, 'b', 'c')) AS class,
  n AS age,
  IF(MOD(n, 10) = 0, NULL, n * 1.5) AS fare,
  n > 150 AS survived,
  n * 2.0 + 1 AS points
FROM UNNEST(GENERATE_ARRAY(1, 300)) AS n
"""
"""Data that models learn without doubt: survived is age > 150, points is 2 * age + 1."""


@pytest.fixture(scope="package")
def passengers(client: bigquery.Client) -> None:
    """The table `shared.passengers`."""
    client.create_dataset("shared")
    client.query(PASSENGERS).result()


@pytest.fixture(scope="package")
def survival(client: bigquery.Client, server: Server, passengers: None) -> str:
    """The model `shared.survival`, trained once; its artifact URI."""
    config = bigquery.QueryJobConfig(default_dataset=f"{PROJECT}.shared")
    client.query(CLASSIFIER, job_config=config).result()
    client.query("ALTER MODEL shared.survival SET OPTIONS (vertex_ai_model_id = 'online')").result()
    [(_, version)] = server.registry.versions["online"]
    return version.artifact_uri


CLASSIFIER = """
CREATE MODEL survival
TRANSFORM (survived, class, ML.STANDARD_SCALER(age) OVER () AS age_scaled,
  ML.IMPUTER(fare, 'mean') OVER () AS fare)
OPTIONS (model_type = 'BOOSTED_TREE_CLASSIFIER', input_label_cols = ['survived'],
  max_iterations = 5, data_split_method = 'NO_SPLIT')
AS SELECT survived, class, age, fare FROM shared.passengers
"""
