"""The control planes in this process, with a BigQuery that only answers what a test tells it."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pytest
from starlette.responses import JSONResponse

from localcloud.data_transfer.service import Clock
from localcloud.ports import BigQueryModelVersion
from localcloud.server import LocalCloud
from tests.localcloud import shape
from tests.localcloud.methods_compared import MethodsCompared

URL = "http://local"
LOCATION = "projects/local-project/locations/us-central1"


def pytest_configure(config: pytest.Config) -> None:
    """See which methods are compared."""
    config.pluginmanager.register(MethodsCompared(), "methods-compared")


@dataclass
class FakeEngine:
    """A BigQuery that predicts the artifact's own name and reads tables from a dict."""

    tables: dict[str, pa.Table] = field(default_factory=dict)
    jobs: list[tuple[str, str, Mapping[str, Any]]] = field(default_factory=list)
    failures: dict[str, dict[str, str]] = field(default_factory=dict)
    queries: list[str] = field(default_factory=list)
    exports: list[tuple[str, str]] = field(default_factory=list)
    written: dict[str, pa.Table] = field(default_factory=dict)
    instances: list[Mapping[str, Any]] = field(default_factory=list)

    def predict(
        self, artifact_uri: str, instances: Sequence[Mapping[str, Any]]
    ) -> list[dict[str, Any]]:
        for instance in instances:
            if instance.get("x") is None:
                raise ValueError("column x is missing")
        self.instances += instances
        return [{"artifact": artifact_uri} for _ in instances]

    def export(self, artifact_uri: str, destination_uri: str) -> int:
        self.exports.append((artifact_uri, destination_uri))
        return 1

    def write_table(self, project: str, dataset_id: str, table_id: str, rows: pa.Table) -> None:
        self.written[f"{project}.{dataset_id}.{table_id}"] = rows

    def features(self, artifact_uri: str) -> list[str]:
        return ["x"]

    def query(self, project: str, sql: str) -> pa.Table:
        self.queries.append(sql)
        for name, table in self.tables.items():
            if name in sql:
                return table
        raise ValueError(f"Not found: Table in {sql}")

    def run_job(
        self, project: str, job_id: str, location: str, configuration: Mapping[str, Any]
    ) -> dict[str, Any]:
        self.jobs.append((project, location, configuration))
        failure = self.failures.get(configuration["query"]["query"])
        status = {"state": "DONE", **({"errorResult": failure} if failure else {})}
        return {"configuration": configuration, "status": status}


@dataclass
class FakeBigQuery:
    engine: FakeEngine

    @property
    def app(self) -> JSONResponse:
        return JSONResponse({"kind": "bigquery"})

    @property
    def reader(self) -> "FakeReader":
        return FakeReader()

    def close(self) -> None:
        pass


class FakeReader:
    """A BigQuery with a dataset, whose description tries to break into a page."""

    def projects(self) -> Sequence[str]:
        return ["local-project"]

    def datasets(self, project: str) -> Sequence[Mapping[str, Any]]:
        found = self.dataset(project, "ds")
        return [found] if found else []

    def dataset(self, project: str, dataset_id: str) -> Mapping[str, Any] | None:
        if (project, dataset_id) != ("local-project", "ds"):
            return None
        reference = {"projectId": project, "datasetId": dataset_id}
        return {
            "datasetReference": reference,
            "description": "<script>alert(1)</script>",
            "creationTime": "1700000000000",
            "location": "US",
        }

    def tables(self, project: str, dataset_id: str) -> Sequence[Mapping[str, Any]]:
        return []

    def models(self, project: str, dataset_id: str) -> Sequence[Mapping[str, Any]]:
        return []

    def model(self, project: str, dataset_id: str, model_id: str) -> Mapping[str, Any] | None:
        return None

    def inspected(self, project: str, dataset_id: str, model_id: str) -> Mapping[str, pa.Table]:
        return {}

    def example(self, artifact_uri: str) -> Mapping[str, Any]:
        return {"x": 1}

    def jobs(self, project: str, most: int) -> Sequence[Mapping[str, Any]]:
        return []


@dataclass
class Reply:
    status: int
    body: Any

    @property
    def error(self) -> tuple[int, str]:
        return self.status, self.body["error"]["status"]


@dataclass
class Cloud:
    """The local cloud, called in this process."""

    server: LocalCloud
    engine: FakeEngine

    def send(self, http: str, path: str, **options: Any) -> httpx.Response:
        found: list[str] = []

        async def sent() -> httpx.Response:
            transport = httpx.ASGITransport(app=shape.checked(self.server.app, found))
            async with httpx.AsyncClient(transport=transport, base_url=URL) as client:
                return await client.request(http, path, **options)

        response = asyncio.run(sent())
        assert found == []
        return response

    def call(self, http: str, path: str, body: Any = None, **options: Any) -> Reply:
        """One request to `/v1/<path>`, or to a path that begins with a slash."""
        path = path if path.startswith("/") else f"/v1/{path}"
        if body is not None:
            options["json"] = body
        response = self.send(http, path, **options)
        return Reply(response.status_code, response.json() if response.content else None)

    def get(self, path: str) -> Any:
        reply = self.call("GET", path)
        assert reply.status == 200, reply
        return reply.body

    def register(
        self,
        model_id: str = "m",
        training: str = "t1",
        *,
        into: str = "",
        location: str = "US",
        aliases: Sequence[str] = (),
        model_type: str = "LOGISTIC_REGRESSION",
    ) -> str:
        """Register a BigQuery ML model as BigQuery does."""
        version = BigQueryModelVersion(
            project="local-project",
            dataset_id="ds",
            model_id=model_id,
            location=location,
            artifact_uri=f"local-bqml://local-project/ds/{model_id}/{training}",
            model_type=model_type,
            description="",
            labels={},
        )
        return self.server.vertex.register(
            version, vertex_ai_model_id=into or model_id, aliases=aliases
        )

    def endpoint(self, endpoint_id: str = "e", **settings: Any) -> str:
        """Make an endpoint and return its name."""
        reply = self.call(
            "POST",
            f"{LOCATION}/endpoints?endpointId={endpoint_id}",
            {"displayName": endpoint_id, **settings},
        )
        assert reply.status == 200, reply
        return f"{LOCATION}/endpoints/{endpoint_id}"

    def deploy(
        self, endpoint: str, identifier: str, split: Mapping[str, int], model: str = "m"
    ) -> Reply:
        """Deploy a registered model."""
        return self.call(
            "POST",
            f"{endpoint}:deployModel",
            {
                "deployedModel": {
                    "id": identifier,
                    "model": f"{LOCATION}/models/{model}",
                    "dedicatedResources": {
                        "machineSpec": {"machineType": "n1-standard-2"},
                        "minReplicaCount": 1,
                    },
                },
                "trafficSplit": dict(split),
            },
        )


OpenCloud = Callable[..., Cloud]


@pytest.fixture
def open_cloud(tmp_path: Path) -> Iterator[OpenCloud]:
    """Opens the control planes over this test's directory; twice is a restart."""
    opened: list[LocalCloud] = []

    def open_it(
        operation_seconds: float = 0.0,
        engine: FakeEngine | None = None,
        clock: Clock = lambda: datetime.now(UTC),
    ) -> Cloud:
        for server in opened:
            server.close()
        opened.clear()
        fake = engine or FakeEngine()
        server = LocalCloud(
            tmp_path,
            base_url=lambda: URL,
            operation_seconds=operation_seconds,
            bigquery=lambda *_: FakeBigQuery(fake),
            clock=clock,
        )
        server.open()
        opened.append(server)
        return Cloud(server, fake)

    yield open_it
    for server in opened:
        server.close()


@pytest.fixture
def cloud(open_cloud: OpenCloud) -> Cloud:
    """The control planes; operations are done at once."""
    return open_cloud()
