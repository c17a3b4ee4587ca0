"""Batch prediction jobs."""

import json
from typing import Any

import pyarrow as pa
import pytest

from localcloud.vertex.batch_predictions import CHUNK_ROWS
from tests.localcloud.conftest import LOCATION, Cloud, OpenCloud

JOBS = f"{LOCATION}/batchPredictionJobs"
METHOD = "aiplatform.projects.locations.batchPredictionJobs"
ARTIFACT = "local-bqml://local-project/ds/m/t1"
MACHINE = {"machineSpec": {"machineType": "n1-standard-4"}}
FROM_TABLE = {"instancesFormat": "bigquery", "bigquerySource": {"inputUri": "bq://p.ds.source"}}
TO_DATASET = {"predictionsFormat": "bigquery", "bigqueryDestination": {"outputUri": "bq://p.out"}}
TO_LINES = {
    "predictionsFormat": "jsonl",
    "gcsDestination": {"outputUriPrefix": "gs://bucket/out"},
}


def create(cloud: Cloud, **body: Any) -> Any:
    job = {
        "displayName": "job",
        "model": f"{LOCATION}/models/m",
        "inputConfig": FROM_TABLE,
        "outputConfig": TO_DATASET,
        "dedicatedResources": MACHINE,
        **body,
    }
    return cloud.call("POST", JOBS, {key: value for key, value in job.items() if value is not None})


def run(cloud: Cloud, **body: Any) -> Any:
    reply = create(cloud, **body)
    assert reply.status == 200, reply
    assert reply.body["state"] == "JOB_STATE_PENDING"
    cloud.server.vertex.batch_predictions.runs.join()
    return cloud.get(f"{JOBS}/{reply.body['name'].rsplit('/', 1)[1]}")


def source(cloud: Cloud, rows: list[dict[str, Any]]) -> None:
    cloud.register("m")
    cloud.engine.tables["p.ds.source"] = pa.Table.from_pylist(rows)


def bucket(cloud: Cloud, **files: str) -> None:
    assert cloud.call("POST", "/storage/v1/b?project=local-project", {"name": "bucket"}).status
    for name, text in files.items():
        url = f"/upload/storage/v1/b/bucket/o?uploadType=media&name={name}"
        assert cloud.send("POST", url, content=text.encode()).status_code == 200


def read(cloud: Cloud, directory: str, name: str) -> str:
    path = f"{directory}/{name}".removeprefix("gs://bucket/").replace("/", "%2F")
    response = cloud.send("GET", f"/storage/v1/b/bucket/o/{path}?alt=media")
    assert response.status_code == 200, response.text
    return response.text


@pytest.mark.covers(f"{METHOD}.create", f"{METHOD}.get")
def test_rows_of_a_table_come_out_beside_their_predictions(cloud: Cloud) -> None:
    source(cloud, [{"x": 1, "note": "a"}, {"x": 2, "note": "b"}])

    job = run(cloud)

    assert job["state"] == "JOB_STATE_SUCCEEDED"
    assert job["modelVersionId"] == "1"
    assert job["completionStats"] == {
        "successfulCount": "2",
        "failedCount": "0",
        "incompleteCount": "0",
    }
    [(name, table)] = cloud.engine.written.items()
    assert job["outputInfo"]["bigqueryOutputDataset"] == "bq://p.out"
    assert name == f"p.out.{job['outputInfo']['bigqueryOutputTable']}"
    assert name.startswith("p.out.predictions_20")
    assert table.to_pylist() == [
        {"x": 1, "note": "a", "artifact": ARTIFACT},
        {"x": 2, "note": "b", "artifact": ARTIFACT},
    ]


def test_a_destination_table_is_taken_as_it_is_and_a_project_gets_a_dataset(cloud: Cloud) -> None:
    source(cloud, [{"x": 1}])
    table = {"predictionsFormat": "bigquery", "bigqueryDestination": {"outputUri": "bq://p.d.t"}}
    project = {"predictionsFormat": "bigquery", "bigqueryDestination": {"outputUri": "bq://p"}}

    run(cloud, outputConfig=table)
    made = run(cloud, outputConfig=project)["outputInfo"]

    named, of_its_own = cloud.engine.written
    assert named == "p.d.t"
    assert of_its_own == f"{made['bigqueryOutputDataset'].removeprefix('bq://')}.predictions"
    [(_, location, settings)] = cloud.engine.jobs
    assert location == "us-central1"
    assert settings["query"]["query"].startswith("CREATE SCHEMA `p.prediction_m_20")


def test_rows_that_fail_go_to_the_table_of_errors(cloud: Cloud) -> None:
    bucket(cloud, **{"in.jsonl": '{"x": 1}\n{"y": 2}\n{"x": 3}\n'})
    cloud.register("m")
    given = {"instancesFormat": "jsonl", "gcsSource": {"uris": ["gs://bucket/in.jsonl"]}}

    job = run(cloud, inputConfig=given)

    assert job["state"] == "JOB_STATE_SUCCEEDED"
    assert job["completionStats"]["successfulCount"] == "2"
    assert job["completionStats"]["failedCount"] == "1"
    assert job["partialFailures"] == [{"code": 3, "message": "column x is missing"}]
    good, bad = cloud.engine.written.values()
    assert good["x"].to_pylist() == [1, 3]
    assert bad["errors"].to_pylist() == [{"code": 3, "message": "column x is missing"}]


def test_a_job_whose_rows_all_fail_fails_and_leaves_the_rest(cloud: Cloud) -> None:
    source(cloud, [{"y": place} for place in range(CHUNK_ROWS + 1)])

    job = run(cloud)

    assert job["state"] == "JOB_STATE_FAILED"
    assert "column x is missing" in job["error"]["message"]
    assert job["completionStats"] == {
        "successfulCount": "0",
        "failedCount": str(CHUNK_ROWS),
        "incompleteCount": "1",
    }
    assert cloud.engine.written == {}


def test_json_lines_come_out_with_instance_and_prediction(cloud: Cloud) -> None:
    bucket(cloud, **{"in.jsonl": '{"x": 1, "id": "a"}\n{"x": 2, "id": "b"}\n'})
    cloud.register("m")
    given = {"instancesFormat": "jsonl", "gcsSource": {"uris": ["gs://bucket/*.jsonl"]}}

    job = run(cloud, inputConfig=given, outputConfig=TO_LINES)

    directory = job["outputInfo"]["gcsOutputDirectory"]
    assert directory.startswith("gs://bucket/out/prediction-m-20")
    lines = read(cloud, directory, "prediction.results-00000-of-00001").splitlines()
    assert json.loads(lines[0]) == {
        "instance": {"x": 1, "id": "a"},
        "prediction": {"artifact": ARTIFACT},
    }
    assert read(cloud, directory, "prediction.errors_stats-00000-of-00001") == ""


def test_csv_comes_out_with_a_column_a_field(cloud: Cloud) -> None:
    bucket(cloud, **{"in.csv": "x,city\n1,Bern\n"})
    cloud.register("m")
    given = {"instancesFormat": "csv", "gcsSource": {"uris": ["gs://bucket/in.csv"]}}
    written = {**TO_LINES, "predictionsFormat": "csv"}

    job = run(cloud, inputConfig=given, outputConfig=written)

    text = read(cloud, job["outputInfo"]["gcsOutputDirectory"], "prediction.results-00000-of-00001")
    assert text == f"x,city,artifact\n1,Bern,{ARTIFACT}\n"


def test_a_key_stands_for_the_row_and_is_not_sent_to_the_model(cloud: Cloud) -> None:
    source(cloud, [{"id": "a", "x": 1, "secret": 9}])

    run(cloud, instanceConfig={"keyField": "id", "excludedFields": ["secret"]})

    [table] = cloud.engine.written.values()
    assert table.to_pylist() == [{"key": "a", "artifact": ARTIFACT}]
    assert cloud.engine.instances == [{"x": 1}]


def test_only_included_fields_are_sent_to_the_model(cloud: Cloud) -> None:
    source(cloud, [{"id": "a", "x": 1}])

    run(cloud, instanceConfig={"includedFields": ["x"]})

    assert cloud.engine.instances == [{"x": 1}]


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"dedicatedResources": None}, (400, "INVALID_ARGUMENT"), "AUTOMATIC_RESOURCES"),
        ({"model": f"{LOCATION}/models/none"}, (404, "NOT_FOUND"), "none"),
        ({"generateExplanation": True}, (501, "UNIMPLEMENTED"), "generate_explanation"),
        (
            {"instanceConfig": {"includedFields": ["a"], "excludedFields": ["b"]}},
            (400, "INVALID_ARGUMENT"),
            "not both",
        ),
        (
            {"inputConfig": {"instancesFormat": "file-list"}},
            (400, "INVALID_ARGUMENT"),
            "bigquery, csv, jsonl",
        ),
        (
            {"outputConfig": {"predictionsFormat": "bigquery"}},
            (400, "INVALID_ARGUMENT"),
            "output_uri",
        ),
    ],
)
def test_a_job_that_could_not_run_is_refused(
    cloud: Cloud, change: dict[str, Any], error: tuple[int, str], said: str
) -> None:
    source(cloud, [{"x": 1}])

    reply = create(cloud, **change)

    assert reply.error == error
    assert said in reply.body["error"]["message"]


def test_a_kind_that_cannot_be_used_in_batches_is_refused(cloud: Cloud) -> None:
    cloud.register("m", model_type="ARIMA_PLUS")

    reply = create(cloud)

    assert reply.error == (400, "FAILED_PRECONDITION")
    assert "BatchPredictionJob" in reply.body["error"]["message"]
    assert "supportedInputStorageFormats" not in cloud.get(f"{LOCATION}/models/m")


@pytest.mark.covers(f"{METHOD}.list", f"{METHOD}.delete", f"{METHOD}.cancel")
def test_a_job_that_is_over_is_listed_not_cancelled_and_deleted(cloud: Cloud) -> None:
    source(cloud, [{"x": 1}])
    job = run(cloud)
    path = f"{JOBS}/{job['name'].rsplit('/', 1)[1]}"

    assert cloud.call("POST", f"{path}:cancel", {}).status == 200

    listed = cloud.get(f"{JOBS}?filter=state%3DJOB_STATE_SUCCEEDED")["batchPredictionJobs"]
    assert [one["name"] for one in listed] == [job["name"]]
    assert cloud.call("DELETE", path).body["done"]
    assert cloud.call("GET", path).error == (404, "NOT_FOUND")


def test_a_job_that_was_pending_when_the_process_ended_runs_after_it(open_cloud: OpenCloud) -> None:
    cloud = open_cloud()
    source(cloud, [{"x": 1}])
    job = run(cloud)
    name = f"{JOBS}/{job['name'].rsplit('/', 1)[1]}"
    stored = cloud.server.cloud.store
    waiting = {**(stored.get(name) or {}), "state": "JOB_STATE_PENDING"}
    waiting.pop("outputInfo")
    stored.put(name, waiting)

    again = open_cloud(engine=cloud.engine)
    again.server.vertex.batch_predictions.runs.join()

    assert again.get(name)["outputInfo"]["bigqueryOutputDataset"] == "bq://p.out"


def test_the_beta_version_runs_jobs_as_well(cloud: Cloud) -> None:
    source(cloud, [{"x": 1}])
    body = {
        "displayName": "job",
        "model": f"{LOCATION}/models/m",
        "inputConfig": FROM_TABLE,
        "outputConfig": TO_DATASET,
        "dedicatedResources": MACHINE,
    }

    made = cloud.call("POST", f"/v1beta1/{JOBS}", body).body
    cloud.server.vertex.batch_predictions.runs.join()

    path = f"/v1beta1/{JOBS}/{made['name'].rsplit('/', 1)[1]}"
    assert cloud.get(path)["state"] == "JOB_STATE_SUCCEEDED"
    assert cloud.call("POST", f"{path}:cancel", {}).status == 200
    assert len(cloud.get(f"/v1beta1/{JOBS}")["batchPredictionJobs"]) == 1
    assert cloud.call("DELETE", path).body["done"]
