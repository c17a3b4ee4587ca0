"""The whole stack: real engine, real plugin protocol, real HTTP, real flights."""

import json
import threading
from pathlib import Path

import requests
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

MODEL = "sql/arrival_delay/model.sql"
FOLLOWS_A_RETRAIN = {
    "Model": "update",
    "RegisteredModel": "update",
    "DeployedModel": "update",
    "MonitoringJob": "update",
}


def kinds(ops: dict[str, str]) -> dict[str, str]:
    return {name.split()[0]: op for name, op in ops.items()}


def test_the_main_job_from_nothing_to_nothing(stack, local_cloud):
    up = stack.up()

    assert set(up.ops.values()) == {"create"}
    outputs = stack.outputs()
    assert outputs["evaluation"]["roc_auc"] > 0.65
    assert outputs["anomalies"] == ["temperature_f"]

    assert stack.preview().ops == {}
    assert stack.refresh().ops == {}
    assert stack.preview().ops == {}

    stack.edit(MODEL, "-- Grain:", "-- A comment that says nothing new.\n-- Grain:")
    assert stack.preview().ops == {}

    stack.edit(MODEL, "  seats,\n  plane_age_years\n)", "  seats\n)")
    assert kinds(stack.preview().ops) == FOLLOWS_A_RETRAIN
    with Callers(outputs["predict_url"]) as callers:
        assert kinds(stack.up().ops) == FOLLOWS_A_RETRAIN
    assert callers.refused == []
    assert callers.answered > 0
    assert stack.preview().ops == {}

    stack.destroy()
    assert left_over(local_cloud) == []


def test_a_new_description_trains_nothing(stack, local_cloud):
    stack.up()
    jobs = training_jobs(local_cloud)
    stack.edit("__main__.py", '"statement_file"', '"description": "Late?", "statement_file"')

    assert stack.preview().ops == {"Model arrival-delay": "update"}
    assert stack.up().ops == {"Model arrival-delay": "update"}

    assert training_jobs(local_cloud) == jobs


def test_the_endpoint_and_gemini_answer_from_sql(stack, local_cloud):
    stack.up()
    client = bigquery_client(local_cloud, default_dataset="local-project.flights")
    over_endpoint = (stack.directory / "sql/arrival_delay/predict_over_endpoint.sql").read_text()
    notice = (stack.directory / "sql/assistant/write_notice.sql").read_text()

    flights = [dict(row) for row in client.query(over_endpoint).result()]
    (row,) = client.query(notice).result()

    assert len(flights) == 5
    assert {flight["remote_model_status"] for flight in flights} == {""}
    assert {flight["predicted_is_late"] for flight in flights} <= {"true", "false"}
    assert "stand-in" in row["result"]
    assert row["status"] == ""


class Callers:
    """Asks an endpoint for predictions, one after another, until it is left."""

    def __init__(self, predict_url: str) -> None:
        self.answered = 0
        self.refused: list[str] = []
        self._url = predict_url
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._call)

    def __enter__(self) -> "Callers":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _call(self) -> None:
        request = json.loads(Path("sql/arrival_delay/request.json").read_text())
        while not self._stop.is_set():
            response = requests.post(self._url, json=request, timeout=30)
            if response.ok and len(response.json()["predictions"]) == 1:
                self.answered += 1
            else:
                self.refused.append(response.text)


def bigquery_client(local_cloud, default_dataset: str | None = None) -> bigquery.Client:
    config = bigquery.QueryJobConfig(default_dataset=default_dataset) if default_dataset else None
    return bigquery.Client(
        project=local_cloud.project,
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": local_cloud.url},
        default_query_job_config=config,
    )


def training_jobs(local_cloud) -> list[str]:
    jobs = bigquery_client(local_cloud).list_jobs(all_users=True)
    return sorted(
        job.job_id
        for job in jobs
        if job.job_type == "query" and job.statement_type == "CREATE_MODEL"
    )


def left_over(local_cloud) -> list[str]:
    """Name everything that lives on the local cloud."""
    project = f"projects/{local_cloud.project}"
    place = f"{project}/locations/us-central1"
    listings = {
        f"/bigquery/v2/{project}/datasets": "datasets",
        f"/v1/{place}/endpoints": "endpoints",
        f"/v1/{place}/models": "models",
        f"/v1beta1/{place}/modelMonitors": "modelMonitors",
        f"/v1/{place}/connections": "connections",
    }
    found = []
    for path, key in listings.items():
        answer = requests.get(local_cloud.url + path, timeout=30).json()
        found += [f"{path}: {item.get('name') or item['id']}" for item in answer.get(key, [])]
    policy = requests.post(f"{local_cloud.url}/v1/{project}:getIamPolicy", timeout=30).json()
    return found + [f"{b['role']}: {m}" for b in policy.get("bindings", []) for m in b["members"]]
