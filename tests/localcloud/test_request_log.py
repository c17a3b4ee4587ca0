"""Request-response logging of endpoints into BigQuery."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from tests.conftest import LocalCloud
from tests.localcloud.conftest import LOCATION, Cloud

PROJECT = "request-log"
PLACE = f"projects/{PROJECT}/locations/us-central1"
TRAIN = """
CREATE OR REPLACE MODEL ds.double OPTIONS(model_type='LINEAR_REG', input_label_cols=['y'],
  model_registry='VERTEX_AI', vertex_ai_model_id='double') AS
SELECT CAST(n AS FLOAT64) AS x, 2.0 * n AS y FROM UNNEST(GENERATE_ARRAY(1, 50)) AS n
"""

pytestmark = pytest.mark.covers("predictRequestResponseLoggingConfig of endpoints")


@pytest.fixture(scope="module")
def client(local_cloud: LocalCloud) -> Iterator[bigquery.Client]:
    client = bigquery.Client(
        project=PROJECT,
        credentials=AnonymousCredentials(),
        client_options=ClientOptions(api_endpoint=local_cloud.url),
    )
    dataset = bigquery.Dataset(f"{PROJECT}.ds")
    dataset.location = "US"
    client.create_dataset(dataset)
    client.query(TRAIN).result()
    yield client
    client.close()


def post(cloud: LocalCloud, path: str, body: Any) -> Any:
    reply = requests.post(f"{cloud.url}/v1/{path}", json=body, timeout=60)
    assert reply.status_code == 200, reply.text
    return reply.json()


def logging_to(uri: str, rate: float = 1.0) -> dict[str, Any]:
    return {
        "predictRequestResponseLoggingConfig": {
            "enabled": True,
            "samplingRate": rate,
            "bigqueryDestination": {"outputUri": uri},
        }
    }


@pytest.mark.parametrize(
    ("uri", "table"),
    [
        (f"bq://{PROJECT}", "logging_my_end_point_e0.request_response_logging"),
        (f"bq://{PROJECT}.ds", "ds.request_response_logging"),
        (f"bq://{PROJECT}.ds.asked", "ds.asked"),
    ],
    ids=["project", "dataset", "table"],
)
def test_requests_and_answers_become_rows(
    local_cloud: LocalCloud, client: bigquery.Client, uri: str, table: str
) -> None:
    endpoint = f"{PLACE}/endpoints/e{uri.count('.')}"
    post(
        local_cloud,
        f"{PLACE}/endpoints?endpointId={endpoint[-2:]}",
        {"displayName": "my end-point", **logging_to(uri)},
    )
    model = {
        "id": "7",
        "model": f"{PLACE}/models/double",
        "automaticResources": {"minReplicaCount": 1},
    }
    post(
        local_cloud,
        f"{endpoint}:deployModel",
        {"deployedModel": model, "trafficSplit": {"0": 100}},
    )

    predictions = post(local_cloud, f"{endpoint}:predict", {"instances": [{"x": 1}, {"x": 2}]})
    post(local_cloud, f"{endpoint}:rawPredict", {"instances": [{"x": 3}]})

    def logged() -> list[Any]:
        found = client.query(
            f"SELECT table_name FROM `{table.split('.', maxsplit=1)[0]}`.INFORMATION_SCHEMA.TABLES "
            f"WHERE table_name = '{table.split('.')[1]}'"
        ).result()
        if not list(found):
            return []
        return list(client.query(f"SELECT * FROM `{table}` ORDER BY logging_time").result())

    waiting = Retrying(
        retry=retry_if_result(lambda rows: len(rows) < 2),
        stop=stop_after_delay(20),
        wait=wait_fixed(0.1),
    )
    first, second = waiting(logged)
    assert list(first.keys()) == [
        "endpoint",
        "deployed_model_id",
        "logging_time",
        "request_id",
        "request_payload",
        "response_payload",
    ]
    assert [json.loads(one) for one in first.request_payload] == [{"x": 1}, {"x": 2}]
    assert [json.loads(one) for one in first.response_payload] == predictions["predictions"]
    assert [json.loads(one) for one in second.request_payload] == [{"x": 3}]
    assert (first.endpoint, first.deployed_model_id) == (endpoint, "7")


def test_a_share_of_the_requests_is_logged(cloud: Cloud) -> None:
    cloud.register()
    endpoint = cloud.endpoint(**logging_to("bq://local-project", 0.1))
    cloud.deploy(endpoint, "7", {"0": 100})
    cloud.deploy(endpoint, "8", {"7": 90, "0": 10})

    for _ in range(200):
        cloud.call("POST", f"{endpoint}:predict", {"instances": [{"x": 1}]})

    cloud.server.vertex.deployment_monitoring.requests.flush()
    rows = [
        json.loads(value["value"])
        for _, _, job in cloud.engine.jobs
        for parameter in job["query"].get("queryParameters", [])
        for value in parameter["parameterValue"]["arrayValues"]
    ]
    assert 18 <= len(rows) <= 22
    # Who answers is drawn independently of what is logged.
    assert 0 < sum(row["deployed_model_id"] == "8" for row in rows) < 8


@pytest.mark.parametrize(
    "config",
    [
        logging_to("bq://local-project", 0),
        logging_to("bq://local-project", 1.5),
        logging_to("gs://bucket"),
        logging_to(""),
        {**logging_to("bq://local-project"), "network": "projects/1/global/networks/n"},
    ],
    ids=["no rate", "rate", "bucket", "no table", "peered"],
)
def test_a_wrong_destination_or_rate_is_refused(cloud: Cloud, config: dict[str, Any]) -> None:
    reply = cloud.call("POST", f"{LOCATION}/endpoints", {"displayName": "e", **config})

    assert reply.error == (400, "INVALID_ARGUMENT")


def test_logging_is_turned_off_by_a_patch(cloud: Cloud) -> None:
    cloud.register()
    endpoint = cloud.endpoint(**logging_to("bq://local-project"))
    cloud.deploy(endpoint, "7", {"0": 100})

    cloud.call(
        "PATCH",
        f"{endpoint}?updateMask=predictRequestResponseLoggingConfig.enabled",
        {"predictRequestResponseLoggingConfig": {"enabled": False}},
    )
    cloud.call("POST", f"{endpoint}:predict", {"instances": [{"x": 1}]})

    cloud.server.vertex.deployment_monitoring.requests.flush()
    assert cloud.engine.jobs == []
