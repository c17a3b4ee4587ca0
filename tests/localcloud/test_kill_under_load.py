"""kill -9 while clients write: whatever was acknowledged is there after the restart."""

import json
import random
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.conftest import LocalCloud

pytestmark = pytest.mark.covers("restart after kill -9")

PROJECT = "local-project"
LOCATION = f"v1/projects/{PROJECT}/locations/us-central1"
DATASET = f"bigquery/v2/projects/{PROJECT}/datasets/written"
KILLS = 3
LEAST_WRITES, MOST_WRITES = 40, 120
"""The process is killed after this many acknowledged writes, at random between the two."""


class NotAcknowledged(Exception):
    """The server died before it answered, or did not take the write."""


@dataclass
class Client:
    """Writes one kind of thing, one after another, and remembers what was acknowledged.

    Attributes:
        url: The server's address.
        acknowledged: By name, what was written last.
    """

    url: str
    acknowledged: dict[str, str] = field(default_factory=dict)

    def call(self, method: str, path: str, **options: Any) -> Any:
        """One request.

        Raises:
            NotAcknowledged: It was not answered, or refused.
        """
        try:
            response = requests.request(method, f"{self.url}/{path}", timeout=60, **options)
        except requests.RequestException as error:
            raise NotAcknowledged from error
        if response.status_code >= 300:
            raise NotAcknowledged(response.text)
        return response.json() if response.content else None

    def query(self, sql: str) -> list[list[str]]:
        """The rows of a query."""
        answer = self.call(
            "POST",
            f"bigquery/v2/projects/{PROJECT}/queries",
            json={"query": sql, "useLegacySql": False, "timeoutMs": 60_000},
        )
        return [[cell["v"] for cell in row["f"]] for row in answer.get("rows") or []]

    def write(self, name: str) -> str:
        """Write something under a name and return what."""
        raise NotImplementedError

    def read(self) -> dict[str, str]:
        """What is there, by name."""
        raise NotImplementedError


class Inserts(Client):
    """Rows by INSERT."""

    table = "inserted"

    def write(self, name: str) -> str:
        self.query(f"INSERT INTO written.{self.table} VALUES ('{name}', 'row')")
        return "row"

    def read(self) -> dict[str, str]:
        return dict(self.query(f"SELECT name, value FROM written.{self.table}"))  # type: ignore[arg-type]


class Streams(Inserts):
    """Rows by insertAll."""

    table = "streamed"

    def write(self, name: str) -> str:
        rows = [{"insertId": name, "json": {"name": name, "value": "row"}}]
        self.call("POST", f"{DATASET}/tables/{self.table}/insertAll", json={"rows": rows})
        return "row"


class Loads(Inserts):
    """Rows by load jobs, which are acknowledged when they are done."""

    table = "loaded"

    def write(self, name: str) -> str:
        reference = {"projectId": PROJECT, "datasetId": "written", "tableId": self.table}
        load = {"destinationTable": reference, "sourceFormat": "NEWLINE_DELIMITED_JSON"}
        job = self.call(
            "POST",
            f"upload/bigquery/v2/projects/{PROJECT}/jobs",
            params={"uploadType": "multipart"},
            files=[
                ("job", (None, json.dumps({"configuration": {"load": load}}), "application/json")),
                ("data", (None, json.dumps({"name": name, "value": "row"}), "text/plain")),
            ],
        )
        while job["status"]["state"] != "DONE":
            job_id = job["jobReference"]["jobId"]
            job = self.call("GET", f"bigquery/v2/projects/{PROJECT}/jobs/{job_id}")
        assert "errorResult" not in job["status"], job["status"]
        return "row"


class Tables(Client):
    """Tables with a description."""

    def write(self, name: str) -> str:
        reference = {"projectId": PROJECT, "datasetId": "written", "tableId": name}
        body = {
            "tableReference": reference,
            "schema": {"fields": [{"name": "n", "type": "INTEGER"}]},
        }
        self.call("POST", f"{DATASET}/tables", json=body)
        self.call("PATCH", f"{DATASET}/tables/{name}", json={"description": f"of {name}"})
        return f"of {name}"

    def read(self) -> dict[str, str]:
        return {
            name: self.call("GET", f"{DATASET}/tables/{name}")["description"]
            for name in self.acknowledged
        }


class Models(Client):
    """Trained models, each evaluated."""

    def write(self, name: str) -> str:
        self.query(
            f"CREATE MODEL written.{name} OPTIONS (model_type = 'LINEAR_REG', "
            "input_label_cols = ['y']) AS SELECT x, 2 * x AS y FROM UNNEST([1, 2, 3, 4]) AS x"
        )
        return "1.0"

    def read(self) -> dict[str, str]:
        return {
            name: self.query(f"SELECT ROUND(r2_score, 3) FROM ML.EVALUATE(MODEL written.{name})")[
                0
            ][0]
            for name in self.acknowledged
        }


class Endpoints(Client):
    """Endpoints with a description."""

    def write(self, name: str) -> str:
        body = {"displayName": name}
        self.call("POST", f"{LOCATION}/endpoints", params={"endpointId": name}, json=body)
        self.call(
            "PATCH",
            f"{LOCATION}/endpoints/{name}",
            params={"updateMask": "description"},
            json={"description": f"of {name}"},
        )
        return f"of {name}"

    def read(self) -> dict[str, str]:
        return {
            name: self.call("GET", f"{LOCATION}/endpoints/{name}")["description"]
            for name in self.acknowledged
        }


class Objects(Client):
    """Objects of Cloud Storage."""

    def write(self, name: str) -> str:
        content = name * 100
        self.call(
            "POST",
            "upload/storage/v1/b/written/o",
            params={"uploadType": "media", "name": name},
            data=content.encode(),
        )
        return content

    def read(self) -> dict[str, str]:
        found = {}
        for name in self.acknowledged:
            response = requests.get(
                f"{self.url}/download/storage/v1/b/written/o/{name}?alt=media", timeout=60
            )
            found[name] = response.text
        return found


KINDS: tuple[type[Client], ...] = (Inserts, Streams, Loads, Tables, Models, Endpoints, Objects)


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[LocalCloud]:
    """A local cloud of this test's own, with something to write into."""
    started = LocalCloud(tmp_path / "state")
    started.start()
    client = Client(started.url)
    client.call(
        "POST",
        f"bigquery/v2/projects/{PROJECT}/datasets",
        json={"datasetReference": {"datasetId": "written"}},
    )
    client.call("POST", "storage/v1/b", params={"project": PROJECT}, json={"name": "written"})
    for table in (Inserts.table, Streams.table, Loads.table):
        client.query(f"CREATE TABLE written.{table} (name STRING, value STRING)")
    yield started
    started.run("reset")


def test_kill_9_under_load_loses_no_acknowledged_write(cloud: LocalCloud) -> None:
    chance = random.Random(5)
    clients = [kind(cloud.url) for kind in KINDS]
    lost = []

    for _ in range(KILLS):
        write_until_killed(cloud, clients, chance.randint(LEAST_WRITES, MOST_WRITES))
        cloud.start()
        lost += [missing for client in clients for missing in lost_by(client)]

    assert lost == []
    assert all(client.acknowledged for client in clients)


def lost_by(client: Client) -> list[str]:
    """What was acknowledged to a client and is not there, or not as it was written."""
    found = client.read()
    return [
        f"{type(client).__name__}: {name} is {found.get(name)!r}"
        for name, value in client.acknowledged.items()
        if found.get(name) != value
    ]


def write_until_killed(cloud: LocalCloud, clients: list[Client], writes: int) -> None:
    """Let all clients write at once, and kill the server after so many acknowledged writes."""
    enough = threading.Semaphore(0)

    def write(client: Client) -> None:
        while True:
            name = f"n{uuid.uuid4().hex}"
            try:
                client.acknowledged[name] = client.write(name)
            except NotAcknowledged:
                return
            enough.release()

    with ThreadPoolExecutor(len(clients)) as pool:
        writing = [pool.submit(write, client) for client in clients]
        for _ in range(writes):
            assert enough.acquire(timeout=60)
        cloud.kill()
    for one in writing:
        one.result()
