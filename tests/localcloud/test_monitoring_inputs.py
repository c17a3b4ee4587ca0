"""What Model Monitoring v2 reads: logged requests, files, batch predictions."""

from typing import Any

import pyarrow as pa
import pytest

from localcloud.vertex import payload
from tests.localcloud.conftest import LOCATION, Cloud, FakeEngine, OpenCloud

MONITOR = f"/v1beta1/{LOCATION}/modelMonitors/mon"
BASELINE = "gs://data/training.csv"
CSV = "speed,carrier,late,at\n" + "".join(
    f"{speed},{carrier},{late},2026-01-0{day}T00:00:00Z\n"
    for day in (1, 2)
    for speed, carrier, late in ((1, "AA", 0.1), (2, "AA", 0.2), (3, "UA", 0.3), (4, "UA", 0.4))
)
SCHEMA = {
    "featureFields": [
        {"name": "speed", "dataType": "float"},
        {"name": "carrier", "dataType": "categorical"},
    ],
    "predictionFields": [{"name": "late", "dataType": "float"}],
}
DRIFT = {
    "speed": ("jensen_shannon_divergence", 1.0),
    "carrier": ("l_infinity", 0.5),
    "late": ("jensen_shannon_divergence", 1.0),
}
"""Speeds and lateness without a common bucket; all of one carrier instead of half."""


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine({})


@pytest.fixture
def cloud(open_cloud: OpenCloud, engine: FakeEngine) -> Cloud:
    cloud = open_cloud(engine=engine)
    cloud.call("POST", "/storage/v1/b?project=local-project", {"name": "data"})
    put(cloud, "training.csv", CSV)
    cloud.register()
    made = cloud.call(
        "POST",
        f"/v1beta1/{LOCATION}/modelMonitors?modelMonitorId=mon",
        {
            "modelMonitoringTarget": {
                "vertexModel": {"model": f"{LOCATION}/models/m", "modelVersionId": "1"}
            },
            "modelMonitoringSchema": SCHEMA,
            "tabularObjective": {"featureDriftSpec": {}, "predictionOutputDriftSpec": {}},
            "trainingDataset": files(BASELINE),
        },
    )
    assert made.status == 200, made
    return cloud


def put(cloud: Cloud, name: str, text: str) -> None:
    path = f"/upload/storage/v1/b/data/o?uploadType=media&name={name.replace('/', '%2F')}"
    assert cloud.send("POST", path, content=text.encode()).status_code == 200


def files(uri: str, kind: str = "CSV", **more: Any) -> dict[str, Any]:
    return {"columnizedDataset": {"gcsSource": {"gcsUri": uri, "format": kind}, **more}}


def run(cloud: Cloud, target: dict[str, Any]) -> Any:
    body = {"modelMonitoringSpec": {"objectiveSpec": {"targetDataset": target}}}
    reply = cloud.call("POST", f"{MONITOR}/modelMonitoringJobs?modelMonitoringJobId=run", body)
    if reply.status != 200:
        return reply
    cloud.server.vertex.monitors.join()
    job = cloud.get(f"{MONITOR}/modelMonitoringJobs/run")
    assert job["state"] == "JOB_STATE_SUCCEEDED", job
    return job


def distances(cloud: Cloud) -> dict[str, tuple[str, float]]:
    found = cloud.call("POST", f"{MONITOR}:searchModelMonitoringStats", {}).body["monitoringStats"]
    shown = {}
    for stats in (entry["tabularStats"] for entry in found):
        [point] = stats["dataPoints"]
        deviation = point["currentStats"]["distributionValue"]["distributionDeviation"]
        shown[stats["statsName"]] = (point["algorithm"], round(deviation, 6))
    return shown


def serving(cloud: Cloud, engine: FakeEngine, request: list[str], response: list[str]) -> str:
    """An endpoint that logs, and what its table holds."""
    name = cloud.endpoint()
    assert cloud.deploy(name, "7", {"0": 100}).status == 200
    cloud.register("other")
    assert cloud.deploy(name, "8", {}, model="other").status == 200
    enabled = {
        "enabled": True,
        "samplingRate": 1.0,
        "bigqueryDestination": {"outputUri": "bq://local-project.logs.requests"},
    }
    cloud.call(
        "PATCH",
        f"{name}?updateMask=predictRequestResponseLoggingConfig",
        {"predictRequestResponseLoggingConfig": enabled},
    )
    engine.tables["logs.requests"] = pa.table(
        {"request_payload": [request], "response_payload": [response]}
    )
    return name


def test_files_with_a_header_are_compared_over_a_range_of_time(cloud: Cloud) -> None:
    put(cloud, "day/1.csv", "late,speed,carrier,at\n0.9,90,AA,2026-02-01T00:00:00Z\n")
    put(cloud, "day/2.csv", "late,speed,carrier,at\n0.1,1,UA,2026-03-01T00:00:00Z\n")
    target = files("gs://data/day/*.csv", timestampField="at")
    target["timeInterval"] = {
        "startTime": "2026-02-01T00:00:00Z",
        "endTime": "2026-03-01T00:00:00Z",
    }

    job = run(cloud, target)

    assert distances(cloud) == DRIFT
    detail = job["jobExecutionDetail"]
    assert detail["baselineDatasets"] == [{"location": BASELINE}]
    assert detail["targetDatasets"] == [
        {"location": "gs://data/day/*.csv", "timeRange": target["timeInterval"]}
    ]


def test_lines_of_json_are_compared(cloud: Cloud) -> None:
    put(cloud, "new.jsonl", '{"speed": 90, "carrier": "AA", "late": 0.9}\n\n')

    run(cloud, files("gs://data/new.jsonl", "JSONL"))

    assert distances(cloud) == DRIFT


def test_a_file_that_lacks_a_feature_fails_the_job(cloud: Cloud) -> None:
    put(cloud, "new.jsonl", '{"speed": 90}\n')
    body = {
        "modelMonitoringSpec": {
            "objectiveSpec": {"targetDataset": files("gs://data/new.jsonl", "JSONL")}
        }
    }
    cloud.call("POST", f"{MONITOR}/modelMonitoringJobs?modelMonitoringJobId=run", body)
    cloud.server.vertex.monitors.join()

    job = cloud.get(f"{MONITOR}/modelMonitoringJobs/run")

    assert job["state"] == "JOB_STATE_FAILED"
    assert "no column carrier, late" in job["jobExecutionDetail"]["error"]["message"]


@pytest.mark.parametrize(
    ("request_payload", "response_payload"),
    [
        (['{"speed": 90, "carrier": "AA", "x": 1}'], ['{"late": 0.9}']),
        (['[90, "AA"]'], ["0.9"]),
        (['[90, "AA"]'], ["[0.9]"]),
    ],
    ids=["objects", "list and number", "lists"],
)
def test_logged_requests_and_responses_are_compared(
    cloud: Cloud, engine: FakeEngine, request_payload: list[str], response_payload: list[str]
) -> None:
    endpoint = serving(cloud, engine, request_payload, response_payload)

    job = run(
        cloud,
        {
            "vertexEndpointLogs": {"endpoints": [endpoint]},
            "timeInterval": {"startTime": "2026-02-01T00:00:00Z"},
        },
    )

    assert distances(cloud) == DRIFT
    assert job["jobExecutionDetail"]["targetDatasets"] == [
        {
            "location": "bq://local-project.logs.requests",
            "timeRange": {"startTime": "2026-02-01T00:00:00Z"},
        }
    ]
    assert engine.queries == [
        "SELECT `request_payload`, `response_payload` FROM `local-project.logs.requests` "
        "WHERE TIMESTAMP(`logging_time`) >= TIMESTAMP('2026-02-01T00:00:00Z') "
        "AND `deployed_model_id` IN ('7')"
    ]


def test_an_endpoint_must_log_and_serve_the_model(cloud: Cloud, engine: FakeEngine) -> None:
    silent = cloud.endpoint("silent")
    endpoint = serving(cloud, engine, [], [])
    left = {"deployedModelId": "7", "trafficSplit": {"8": 100}}
    assert cloud.call("POST", f"{endpoint}:undeployModel", left).status == 200

    refused = [run(cloud, {"vertexEndpointLogs": {"endpoints": [e]}}) for e in (silent, endpoint)]

    assert [reply.error for reply in refused] == [(400, "FAILED_PRECONDITION")] * 2
    assert [
        "log" in refused[0].body["error"]["message"],
        "not deployed" in str(refused[1].body),
    ] == [
        True,
        True,
    ]


def batch(cloud: Cloud, **more: Any) -> dict[str, Any]:
    """A batch prediction that is over."""
    name = f"{LOCATION}/batchPredictionJobs/1"
    job = {"name": name, "model": f"{LOCATION}/models/m", "state": "JOB_STATE_SUCCEEDED", **more}
    cloud.server.store.put(name, job)
    return {"batchPredictionOutput": {"batchPredictionJob": name}}


def test_the_files_of_a_batch_prediction_are_compared(cloud: Cloud) -> None:
    line = '{"instance": {"speed": 90, "carrier": "AA"}, "prediction": {"late": 0.9}}\n'
    put(cloud, "out/prediction.results-00000-of-00001", line)

    run(cloud, batch(cloud, outputInfo={"gcsOutputDirectory": "gs://data/out"}))

    assert distances(cloud) == DRIFT


def test_the_table_of_a_batch_prediction_is_compared(cloud: Cloud, engine: FakeEngine) -> None:
    engine.tables["predicted"] = pa.table({"speed": [90.0], "carrier": ["AA"], "late": [0.9]})
    written = {
        "bigqueryOutputDataset": "bq://local-project.out",
        "bigqueryOutputTable": "predicted",
    }

    job = run(cloud, batch(cloud, outputInfo=written))

    assert distances(cloud) == DRIFT
    assert job["jobExecutionDetail"]["targetDatasets"] == [
        {"location": "bq://local-project.out.predicted"}
    ]


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"state": "JOB_STATE_RUNNING"}, "FAILED_PRECONDITION"),
        ({"model": f"{LOCATION}/models/other"}, "INVALID_ARGUMENT"),
        ({"modelVersionId": "2"}, "INVALID_ARGUMENT"),
    ],
    ids=["running", "other model", "other version"],
)
def test_a_batch_prediction_is_over_and_of_the_model(
    cloud: Cloud, more: dict[str, Any], status: str
) -> None:
    written = {"gcsOutputDirectory": "gs://data/out"}

    assert run(cloud, batch(cloud, outputInfo=written, **more)).error == (400, status)


def test_what_is_repeated_counts_by_its_elements() -> None:
    found = payload.columns(['{"tags": ["a", "b"]}', '{"tags": ["a"]}'], ["tags"], ["tags"])

    assert found["tags"].to_pylist() == ["a", "b", "a"]


def test_a_nested_feature_is_refused() -> None:
    with pytest.raises(ValueError, match="flatten"):
        payload.columns(['{"a": {"b": 1}}'], ["a"], ["a"])
