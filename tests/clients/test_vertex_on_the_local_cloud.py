"""The three Vertex lifecycles through Google's clients, against the local cloud's real process."""

from typing import Any

import pytest
import requests
from bqvertex.clients.bigquery.google_client import GoogleBigQuery
from bqvertex.clients.settings import CloudSettings
from bqvertex.clients.vertex.endpoints import VertexEndpoints
from bqvertex.clients.vertex.monitors import VertexModelMonitors
from bqvertex.clients.vertex.registry import VertexModelRegistry
from bqvertex.clients.vertex.rest import VertexRest
from bqvertex.providers.deployed_model import DeployedModelLifecycle
from bqvertex.providers.monitoring_job import MonitoringJobLifecycle
from bqvertex.providers.registered_model import RegisteredModelLifecycle
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

PROJECT = "vertex-clients"
REGION = "europe-west4"
PARENT = f"projects/{PROJECT}/locations/{REGION}"
ENDPOINT = f"{PARENT}/endpoints/1234567890"
PLACE = {"project": PROJECT, "location": REGION}


class Cloud:
    """A local cloud with two tables, a trained model and an empty endpoint."""

    def __init__(self, url: str) -> None:
        self.url = url
        settings = CloudSettings(url)
        self.rest = VertexRest(settings)
        self.endpoints = VertexEndpoints(self.rest)
        registry = self.registry = VertexModelRegistry(self.rest)
        self.registered = RegisteredModelLifecycle(GoogleBigQuery(settings), registry)
        self.deployed = DeployedModelLifecycle(self.endpoints, registry)
        self.monitoring = MonitoringJobLifecycle(VertexModelMonitors(self.rest), registry)
        self.bigquery = bigquery.Client(
            project=PROJECT,
            credentials=AnonymousCredentials(),
            client_options={"api_endpoint": url},
            location=REGION,
        )

    def run(self, sql: str) -> None:
        self.bigquery.query(sql).result()

    def train(self, iterations: int) -> None:
        self.run(
            "CREATE OR REPLACE MODEL d.late OPTIONS (model_type = 'BOOSTED_TREE_CLASSIFIER', "
            f"input_label_cols = ['is_late'], max_iterations = {iterations}) AS SELECT * FROM d.t"
        )

    def predict(self) -> dict[str, Any]:
        body = {"instances": [{"x": 300.0}, {"x": 10.0}]}
        answer = requests.post(f"{self.url}/v1/{ENDPOINT}:predict", json=body, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture(scope="module")
def cloud(local_cloud) -> Cloud:
    made = Cloud(local_cloud.url)
    dataset = bigquery.Dataset(f"{PROJECT}.d")
    dataset.location = REGION
    made.bigquery.create_dataset(dataset)
    numbers = "UNNEST(GENERATE_ARRAY(1, 500)) AS n"
    made.run(
        f"CREATE TABLE d.t AS SELECT CAST(n AS FLOAT64) AS x, n > 250 AS is_late FROM {numbers}"
    )
    made.run(f"CREATE TABLE d.u AS SELECT CAST(n + 300 AS FLOAT64) AS x FROM {numbers}")
    made.train(3)
    client = made.rest.client("v1", "EndpointService", REGION)
    endpoint = {"display_name": "late"}
    client.create_endpoint(
        request={"parent": PARENT, "endpoint_id": "1234567890", "endpoint": endpoint}
    ).result()
    return made


def checked(lifecycle: Any, **news: Any) -> dict[str, Any]:
    result = lifecycle.check({}, {**PLACE, **news})
    assert result.failures == ()
    return result.inputs


def entry(cloud: Cloud, definition_hash: str) -> dict[str, Any]:
    return checked(
        cloud.registered,
        dataset_id="d",
        model_id="late",
        vertex_ai_model_id="late",
        version_aliases=["champion"],
        definition_hash=definition_hash,
    )


def serving(cloud: Cloud, definition_hash: str, **more: Any) -> dict[str, Any]:
    return checked(
        cloud.deployed,
        endpoint_id="1234567890",
        display_name="champion",
        model="late",
        version_alias="champion",
        definition_hash=definition_hash,
        traffic_split={"champion": 100},
        **more,
    )


def watch(cloud: Cloud, definition_hash: str) -> dict[str, Any]:
    return checked(
        cloud.monitoring,
        model_monitor_id="late",
        model="late",
        model_version_alias="champion",
        dataset_id="d",
        baseline={"table": "t"},
        target={"query": "SELECT x FROM u"},
        features={"x": {"type": "numerical", "threshold": 0.1}},
        definition_hash=definition_hash,
    )


def test_a_model_is_registered_served_watched_retrained_and_taken_down(cloud):
    registered = cloud.registered.create(entry(cloud, "one"))
    deployed = cloud.deployed.create(serving(cloud, "one"))
    watched = cloud.monitoring.create(watch(cloud, "one"))

    assert cloud.registry.holders(f"{PARENT}/models/late") == (
        f"endpoint {cloud.endpoints.get(ENDPOINT).name} "
        f"(deployed model {deployed.outs['deployed_model_id']}, version 1)",
    )
    assert cloud.registered.read("", registered.outs).outs == registered.outs
    assert cloud.deployed.read("", deployed.outs).outs == deployed.outs
    assert cloud.monitoring.read("", watched.outs).outs == watched.outs
    assert cloud.predict()["modelVersionId"] == "1"
    assert (watched.outs["state"], watched.outs["anomalies"]) == ("JOB_STATE_SUCCEEDED", ["x"])
    assert watched.outs["drift"]["x"] > 0.1

    cloud.train(6)
    assert cloud.predict()["modelVersionId"] == "1"
    entry_outs = cloud.registered.update("", registered.outs, entry(cloud, "two"))
    news = serving(cloud, "two", max_replica_count=2)
    deployed_outs = cloud.deployed.update("", deployed.outs, news)
    watched_outs = cloud.monitoring.update("", watched.outs, watch(cloud, "two"))

    live = cloud.endpoints.get(ENDPOINT)
    assert entry_outs["version_id"] == cloud.predict()["modelVersionId"] == "2"
    assert [(one.id, one.max_replica_count) for one in live.deployments] == [
        (deployed_outs["deployed_model_id"], 2)
    ]
    assert watched_outs["job_name"] != watched.outs["job_name"]

    cloud.monitoring.delete("", watched_outs)
    cloud.deployed.delete("", deployed_outs)
    cloud.registered.delete("", entry_outs)
    assert cloud.registry.holders(f"{PARENT}/models/late") == ()
    cloud.bigquery.delete_model(f"{PROJECT}.d.late")

    assert cloud.monitoring.read("", watched_outs) is None
    assert cloud.deployed.read("", deployed_outs) is None
    assert cloud.registered.read("", entry_outs) is None
    assert cloud.endpoints.get(ENDPOINT).deployments == ()
    assert cloud.registry.holders(f"{PARENT}/models/late") == ()
