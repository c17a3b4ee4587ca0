"""From SQL to an online prediction and to drift, on the running local cloud."""

from typing import Any

import pytest
import requests
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from tests.conftest import LocalCloud

PROJECT = "main-path"
LOCATION = f"projects/{PROJECT}/locations/us-central1"
TRAIN = """
CREATE OR REPLACE MODEL ds.late OPTIONS(
  model_type='LOGISTIC_REG', input_label_cols=['late'],
  model_registry='VERTEX_AI', vertex_ai_model_id='late',
  vertex_ai_model_version_aliases=['champion']) AS
SELECT * FROM ds.flights WHERE minutes >= {least}
"""


@pytest.fixture(scope="module")
def client(local_cloud: LocalCloud) -> bigquery.Client:
    client = bigquery.Client(
        project=PROJECT,
        credentials=AnonymousCredentials(),
        client_options=ClientOptions(api_endpoint=local_cloud.url),
    )
    dataset = bigquery.Dataset(f"{PROJECT}.ds")
    dataset.location = "US"
    client.create_dataset(dataset)
    client.query(
        "CREATE TABLE ds.flights AS SELECT CAST(n AS FLOAT64) AS minutes, "
        "IF(MOD(n, 3) = 0, 'AA', 'UA') AS carrier, n > 500 AS late "
        "FROM UNNEST(GENERATE_ARRAY(1, 1000)) AS n"
    ).result()
    client.query(TRAIN.format(least=0)).result()
    return client


def call(cloud: LocalCloud, http: str, path: str, body: Any = None) -> Any:
    reply = requests.request(http, f"{cloud.url}/{path}", json=body, timeout=60)
    assert reply.status_code == 200, reply.text
    return reply.json()


def predict(cloud: LocalCloud, minutes: float) -> str:
    body = {"instances": [{"minutes": minutes, "carrier": "AA"}]}
    reply = call(cloud, "POST", f"v1/{LOCATION}/endpoints/e:predict", body)
    answer: str = reply["predictions"][0]["predicted_late"]
    return answer


def test_a_model_trained_in_sql_answers_online_through_retraining_and_crash(
    local_cloud: LocalCloud, client: bigquery.Client
) -> None:
    call(local_cloud, "POST", f"v1/{LOCATION}/endpoints?endpointId=e", {"displayName": "e"})
    deployed = {
        "id": "7",
        "model": f"{LOCATION}/models/late@champion",
        "dedicatedResources": {
            "machineSpec": {"machineType": "n1-standard-2"},
            "minReplicaCount": 1,
        },
    }
    call(
        local_cloud,
        "POST",
        f"v1/{LOCATION}/endpoints/e:deployModel",
        {"deployedModel": deployed, "trafficSplit": {"0": 100}},
    )
    before = [predict(local_cloud, 1), predict(local_cloud, 999)]

    client.query(TRAIN.format(least=100)).result()
    versions = call(local_cloud, "GET", f"v1/{LOCATION}/models/late:listVersions")["models"]
    local_cloud.kill()
    local_cloud.start()
    after = [predict(local_cloud, 1), predict(local_cloud, 999)]

    assert before == after == ["false", "true"]
    assert [version["versionId"] for version in versions] == ["2"]
    with pytest.raises(Exception, match="undeploy it first"):
        client.query("DROP MODEL ds.late").result()
    call(local_cloud, "POST", f"v1/{LOCATION}/endpoints/e:undeployModel", {"deployedModelId": "7"})


def test_a_monitoring_job_reads_bigquery(local_cloud: LocalCloud, client: bigquery.Client) -> None:
    def dataset(condition: str) -> dict[str, Any]:
        query = f"SELECT * FROM `{PROJECT}.ds.flights` WHERE {condition}"
        return {"columnizedDataset": {"bigquerySource": {"query": query}}}

    monitors = f"v1beta1/{LOCATION}/modelMonitors"
    call(
        local_cloud,
        "POST",
        f"{monitors}?modelMonitorId=drift",
        {
            "modelMonitoringTarget": {"vertexModel": {"model": f"{LOCATION}/models/late"}},
            "tabularObjective": {"featureDriftSpec": {"features": ["minutes", "carrier"]}},
            "trainingDataset": dataset("minutes <= 500"),
        },
    )
    job = f"{monitors}/drift/modelMonitoringJobs"
    target = dataset("minutes > 500")
    call(
        local_cloud,
        "POST",
        f"{job}?modelMonitoringJobId=run",
        {"modelMonitoringSpec": {"objectiveSpec": {"targetDataset": target}}},
    )

    unfinished = ("JOB_STATE_PENDING", "JOB_STATE_RUNNING")
    finished = Retrying(
        retry=retry_if_result(lambda found: found["state"] in unfinished),
        wait=wait_fixed(0.05),
        stop=stop_after_delay(60),
    )(call, local_cloud, "GET", f"{job}/run")
    search = f"{monitors}/drift:searchModelMonitoringStats"
    found = call(local_cloud, "POST", search, {})["monitoringStats"]

    points = {s["tabularStats"]["statsName"]: s["tabularStats"]["dataPoints"][0] for s in found}
    assert finished["state"] == "JOB_STATE_SUCCEEDED"
    assert {name: point["hasAnomaly"] for name, point in points.items()} == {
        "minutes": True,
        "carrier": False,
    }
