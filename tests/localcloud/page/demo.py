"""A project with something of everything that pages show, made through REST as clients do."""

from typing import Any

import requests
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

PROJECT = "page-demo"
LOCATION = f"projects/{PROJECT}/locations/us-central1"
HOSTILE = "<script>document.title = 'broken in'</script><img src=x onerror=alert(1)>"
TRAIN = """
CREATE OR REPLACE MODEL flights.{name} OPTIONS(
  {options}, input_label_cols=['late'],
  model_registry='VERTEX_AI', vertex_ai_model_id='{name}',
  vertex_ai_model_version_aliases=['champion']) AS
SELECT minutes, carrier, night, late FROM flights.departures
"""
MODELS = {
    "late": "model_type='LOGISTIC_REG', max_iterations=12, early_stop=FALSE, "
    "learn_rate_strategy='CONSTANT', learn_rate=0.3, "
    "optimize_strategy='BATCH_GRADIENT_DESCENT'",
    "late_trees": "model_type='BOOSTED_TREE_CLASSIFIER', max_iterations=15, early_stop=FALSE",
}
DEPARTURES = """
CREATE TABLE flights.departures
  (minutes FLOAT64 OPTIONS(description='Delay at the last stop'), carrier STRING, night BOOL,
   late BOOL) OPTIONS(description='One row a departure') AS
SELECT CAST(MOD(n * 7919, 1000) AS FLOAT64) AS minutes,
  CASE MOD(n, 3) WHEN 0 THEN 'AA' WHEN 1 THEN 'UA' ELSE 'DL' END AS carrier,
  MOD(n, 5) = 0 AS night,
  MOD(n * 7919, 1000) + MOD(n * 104729, 400) - 200 + IF(MOD(n, 3) = 0, 120, 0) > 500 AS late
FROM UNNEST(GENERATE_ARRAY(1, 3000)) AS n
"""


def make(url: str) -> None:
    """Make it in a running local cloud that has none of it."""
    client = bigquery.Client(
        project=PROJECT,
        credentials=AnonymousCredentials(),
        client_options=ClientOptions(api_endpoint=url),
    )
    dataset = bigquery.Dataset(f"{PROJECT}.flights")
    dataset.location = "US"
    dataset.description = HOSTILE
    client.create_dataset(dataset)
    client.query(DEPARTURES).result()
    for name, options in MODELS.items():
        client.query(TRAIN.format(name=name, options=options)).result()
    client.close()
    _deploy(url)
    _monitor(url)
    _features(url)


def call(url: str, http: str, path: str, body: Any = None) -> Any:
    """One request that succeeds."""
    reply = requests.request(http, f"{url}/{path}", json=body, timeout=60)
    assert reply.status_code == 200, reply.text
    return reply.json()


def _deploy(url: str) -> None:
    call(url, "POST", f"v1/{LOCATION}/endpoints?endpointId=late", {"displayName": "Late flights"})
    for identifier, model, split in (
        ("1", "late", {"0": 100}),
        ("2", "late_trees", {"1": 70, "0": 30}),
    ):
        deployed = {
            "id": identifier,
            "displayName": model,
            "model": f"{LOCATION}/models/{model}@champion",
            "dedicatedResources": {
                "machineSpec": {"machineType": "n1-standard-2"},
                "minReplicaCount": 1,
            },
        }
        body = {"deployedModel": deployed, "trafficSplit": split}
        call(url, "POST", f"v1/{LOCATION}/endpoints/late:deployModel", body)


def _monitor(url: str) -> None:
    def rows(condition: str) -> dict[str, Any]:
        query = f"SELECT * FROM `{PROJECT}.flights.departures` WHERE {condition}"
        return {"columnizedDataset": {"bigquerySource": {"query": query}}}

    monitors = f"v1beta1/{LOCATION}/modelMonitors"
    body = {
        "displayName": "Drift of flights",
        "modelMonitoringTarget": {"vertexModel": {"model": f"{LOCATION}/models/late"}},
        "tabularObjective": {
            "featureDriftSpec": {"features": ["minutes", "carrier", "night"]},
        },
        "trainingDataset": rows("minutes <= 600"),
    }
    call(url, "POST", f"{monitors}?modelMonitorId=drift", body)
    for name, condition in (("monday", "minutes > 100"), ("tuesday", "minutes > 550")):
        target = {"objectiveSpec": {"targetDataset": rows(condition)}}
        path = f"{monitors}/drift/modelMonitoringJobs"
        call(
            url,
            "POST",
            f"{path}?modelMonitoringJobId={name}",
            {"displayName": name, "modelMonitoringSpec": target},
        )
        done = Retrying(
            retry=retry_if_result(
                lambda job: job["state"] in ("JOB_STATE_PENDING", "JOB_STATE_RUNNING")
            ),
            wait=wait_fixed(0.05),
            stop=stop_after_delay(60),
        )(call, url, "GET", f"{path}/{name}")
        assert done["state"] == "JOB_STATE_SUCCEEDED", done


def _features(url: str) -> None:
    source = {"bigQuerySource": {"inputUri": f"bq://{PROJECT}.flights.departures"}}
    body = {"bigQuery": {**source, "entityIdColumns": ["carrier"]}}
    call(url, "POST", f"v1/{LOCATION}/featureGroups?featureGroupId=carriers", body)
    features = f"v1/{LOCATION}/featureGroups/carriers/features"
    call(url, "POST", f"{features}?featureId=minutes", {})
    stores = f"v1/{LOCATION}/featureOnlineStores?featureOnlineStoreId=serving"
    call(url, "POST", stores, {"optimized": {}})
