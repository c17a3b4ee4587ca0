"""Model Monitoring v1: skew and drift of logged requests, by a clock that a test moves."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from localcloud.vertex import deployment_monitoring
from tests.localcloud.conftest import LOCATION, Cloud, FakeEngine, OpenCloud
from tests.localcloud.test_schedules import START, Clock

JOBS = f"{LOCATION}/modelDeploymentMonitoringJobs"
ENDPOINT = f"{LOCATION}/endpoints/e"
TRAINING = pa.table({"x": [1.0, 2.0, 3.0, 4.0], "carrier": ["AA", "AA", "UA", "UA"]})


@dataclass
class RememberingEngine(FakeEngine):
    """Keeps inserted requests, and gives those of a window."""

    rows: list[dict[str, Any]] = field(default_factory=list)

    def predict(
        self, artifact_uri: str, instances: Sequence[Mapping[str, Any]]
    ) -> list[dict[str, Any]]:
        return [{"late": 0.5} for _ in instances]

    def run_job(
        self, project: str, job_id: str, location: str, configuration: Mapping[str, Any]
    ) -> dict[str, Any]:
        for parameter in configuration["query"].get("queryParameters", []):
            values = parameter["parameterValue"]["arrayValues"]
            self.rows += [json.loads(value["value"]) for value in values]
        return super().run_job(project, job_id, location, configuration)

    def query(self, project: str, sql: str) -> pa.Table:
        if "serving_predict" not in sql:
            return super().query(project, sql)
        start, end = (datetime.fromisoformat(t) for t in re.findall(r"TIMESTAMP\('(.+?)'\)", sql))
        [deployed] = re.findall(r"`deployed_model_id` = '(\d+)'", sql)
        found = [
            row["request_payload"]
            for row in self.rows
            if row["deployed_model_id"] == deployed
            and start <= datetime.fromisoformat(row["logging_time"]) < end
        ]
        return pa.table({"request_payload": pa.array(found, pa.list_(pa.string()))})


@pytest.fixture
def engine() -> RememberingEngine:
    return RememberingEngine({"training": TRAINING})


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cloud(open_cloud: OpenCloud, engine: RememberingEngine, clock: Clock) -> Cloud:
    cloud = open_cloud(engine=engine, clock=clock)
    cloud.server.vertex.ticker.stop()
    cloud.register()
    cloud.endpoint()
    assert cloud.deploy(ENDPOINT, "7", {"0": 100}).status == 200
    return cloud


def skew(**more: Any) -> dict[str, Any]:
    return {
        "trainingDataset": {"bigquerySource": {"inputUri": "bq://local-project.ds.training"}},
        "trainingPredictionSkewDetectionConfig": more,
    }


def job(cloud: Cloud, config: dict[str, Any] | None = None, **more: Any) -> Any:
    body = {
        "displayName": "watch",
        "endpoint": ENDPOINT,
        "modelDeploymentMonitoringObjectiveConfigs": [
            {
                "deployedModelId": "7",
                "objectiveConfig": config or {"predictionDriftDetectionConfig": {}},
            }
        ],
        "loggingSamplingStrategy": {"randomSampleConfig": {"sampleRate": 1}},
        "modelDeploymentMonitoringScheduleConfig": {"monitorInterval": "3600s"},
        "samplePredictInstance": {"x": 1.0, "carrier": "AA"},
        **more,
    }
    return cloud.call("POST", JOBS, {k: v for k, v in body.items() if v is not None})


def ask(cloud: Cloud, *instances: dict[str, Any]) -> None:
    reply = cloud.call("POST", f"{ENDPOINT}:predict", {"instances": list(instances)})
    assert reply.status == 200, reply


def tick(cloud: Cloud) -> datetime | None:
    due = cloud.server.vertex.deployment_monitoring.tick()
    cloud.server.vertex.deployment_monitoring.join()
    return due


def stats(cloud: Cloud, name: str, kind: str, **more: Any) -> Any:
    body = {"deployedModelId": "7", "objectives": [{"type": kind}], **more}
    reply = cloud.call("POST", f"{name}:searchModelDeploymentMonitoringStatsAnomalies", body)
    assert reply.status == 200, reply
    [found] = reply.body["monitoringStats"]
    return found


def deviations(found: Any) -> dict[str, list[float | None]]:
    return {
        each["featureDisplayName"]: [
            point.get("distributionDeviation") for point in each["predictionStats"]
        ]
        for each in found.get("featureStats", [])
    }


@pytest.mark.covers("aiplatform.projects.locations.modelDeploymentMonitoringJobs.create")
def test_a_job_with_a_sample_runs_at_the_hours_of_its_interval(cloud: Cloud) -> None:
    schedule = {"monitorInterval": "3601s"}

    made = job(cloud, modelDeploymentMonitoringScheduleConfig=schedule).body

    assert (made["state"], made["scheduleState"]) == ("JOB_STATE_RUNNING", "OFFLINE")
    assert made["nextScheduleTime"] == "2026-03-02T10:30:00.000000Z"
    assert made["bigqueryTables"] == [
        {
            "logSource": "SERVING",
            "logType": "PREDICT",
            "bigqueryTablePath": "bq://local-project.model_deployment_monitoring_e.serving_predict",
            "requestResponseLoggingSchemaVersion": "v1",
        }
    ]


def test_requests_are_logged_with_their_answers(cloud: Cloud, engine: RememberingEngine) -> None:
    job(cloud)

    ask(cloud, {"x": 1.0, "carrier": "AA"}, {"x": 2.0, "carrier": "UA"})
    cloud.server.vertex.deployment_monitoring.requests.flush()

    [row] = engine.rows
    assert {key: value for key, value in row.items() if key != "request_id"} == {
        "endpoint": ENDPOINT,
        "deployed_model_id": "7",
        "logging_time": START.isoformat(),
        "request_payload": ['{"x": 1.0, "carrier": "AA"}', '{"x": 2.0, "carrier": "UA"}'],
        "response_payload": ['{"late": 0.5}', '{"late": 0.5}'],
    }


@pytest.mark.covers(
    "aiplatform.projects.locations.modelDeploymentMonitoringJobs"
    ".searchModelDeploymentMonitoringStatsAnomalies"
)
def test_skew_is_the_distance_from_the_training_data(cloud: Cloud, clock: Clock) -> None:
    config = skew(skewThresholds={"carrier": {"value": 0.5}}, defaultSkewThreshold={"value": 0.9})
    name = job(cloud, config).body["name"]
    ask(cloud, {"x": 90.0, "carrier": "AA"})
    clock.move(hours=1)

    due = tick(cloud)

    found = stats(cloud, name, "RAW_FEATURE_SKEW")
    assert deviations(found) == {"carrier": [0.5], "x": [1.0]}
    assert [each["threshold"]["value"] for each in found["featureStats"]] == [0.5, 0.9]
    # The carrier is as far away as its threshold, not farther.
    assert found["anomalyCount"] == 1
    assert due == START + timedelta(hours=2)
    shown = cloud.get(f"/v1/{name}")
    assert shown["latestMonitoringPipelineMetadata"] == {
        "runTime": "2026-03-02T09:30:00.000000Z",
        "status": {"code": 0},
    }
    assert (shown["state"], shown["scheduleState"]) == ("JOB_STATE_RUNNING", "OFFLINE")


def test_drift_is_the_distance_from_the_window_before(cloud: Cloud, clock: Clock) -> None:
    name = job(cloud).body["name"]
    ask(cloud, {"x": 1.0, "carrier": "AA"}, {"x": 2.0, "carrier": "UA"})
    clock.move(hours=1)
    tick(cloud)
    ask(cloud, {"x": 90.0, "carrier": "AA"})
    clock.move(hours=1)
    tick(cloud)

    found = stats(cloud, name, "RAW_FEATURE_DRIFT")

    # The latest first; there was nothing before the first window.
    assert deviations(found) == {"carrier": [0.5, None], "x": [1.0, None]}
    assert found["anomalyCount"] == 2


def test_results_are_found_by_feature_and_time(cloud: Cloud, clock: Clock) -> None:
    name = job(cloud, skew()).body["name"]
    for _ in range(2):
        ask(cloud, {"x": 90.0, "carrier": "AA"})
        clock.move(hours=1)
        tick(cloud)

    found = stats(
        cloud,
        name,
        "RAW_FEATURE_SKEW",
        featureDisplayName="x",
        startTime="2026-03-02T10:00:00Z",
    )

    [each] = found["featureStats"]
    assert each["predictionStats"] == [
        {
            "startTime": "2026-03-02T09:30:00+00:00",
            "endTime": "2026-03-02T10:30:00+00:00",
            "anomalyDetectionThreshold": 0.3,
            "distributionDeviation": 1.0,
        }
    ]


def test_a_window_without_requests_has_no_results(cloud: Cloud, clock: Clock) -> None:
    name = job(cloud, skew()).body["name"]
    clock.move(hours=1)

    tick(cloud)

    assert deviations(stats(cloud, name, "RAW_FEATURE_SKEW")) == {}
    assert cloud.get(f"/v1/{name}")["latestMonitoringPipelineMetadata"]["status"] == {"code": 0}


def test_files_are_training_data_too(cloud: Cloud, clock: Clock) -> None:
    cloud.call("POST", "/storage/v1/b?project=local-project", {"name": "data"})
    path = "/upload/storage/v1/b/data/o?uploadType=media&name=t.csv"
    cloud.send("POST", path, content=b"x,carrier\n1,AA\n2,UA\n")
    dataset = {"gcsSource": {"uris": ["gs://data/t.csv"]}, "dataFormat": "csv"}
    name = job(cloud, {**skew(), "trainingDataset": dataset}).body["name"]
    ask(cloud, {"x": 90.0, "carrier": "AA"})
    clock.move(hours=1)

    tick(cloud)

    assert deviations(stats(cloud, name, "RAW_FEATURE_SKEW")) == {"carrier": [0.5], "x": [1.0]}


def test_training_data_that_is_not_there_is_told_in_the_metadata(
    cloud: Cloud, clock: Clock, engine: RememberingEngine
) -> None:
    del engine.tables["training"]
    name = job(cloud, skew()).body["name"]
    ask(cloud, {"x": 90.0, "carrier": "AA"})
    clock.move(hours=1)

    tick(cloud)

    status = cloud.get(f"/v1/{name}")["latestMonitoringPipelineMetadata"]["status"]
    assert (status["code"], "training" in status["message"]) == (3, True)


def test_without_a_sample_the_schema_comes_from_the_first_requests(
    cloud: Cloud, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deployment_monitoring, "FIRST_REQUESTS", 2)
    made = job(cloud, skew(), samplePredictInstance=None).body
    ask(cloud, {"x": 90.0})
    waiting = cloud.get(f"/v1/{made['name']}")["state"]
    ask(cloud, {"x": 90.0, "carrier": "AA"})
    running = cloud.get(f"/v1/{made['name']}")["state"]
    clock.move(hours=1)
    tick(cloud)

    assert (made["state"], waiting, running) == (
        "JOB_STATE_PENDING",
        "JOB_STATE_PENDING",
        "JOB_STATE_RUNNING",
    )
    assert set(deviations(stats(cloud, made["name"], "RAW_FEATURE_SKEW"))) == {"x", "carrier"}


@pytest.mark.covers(
    "aiplatform.projects.locations.modelDeploymentMonitoringJobs.pause",
    "aiplatform.projects.locations.modelDeploymentMonitoringJobs.resume",
)
def test_a_paused_job_logs_nothing_and_runs_nothing(
    cloud: Cloud, clock: Clock, engine: RememberingEngine
) -> None:
    name = job(cloud, skew()).body["name"]
    cloud.call("POST", f"{name}:pause", {})
    ask(cloud, {"x": 90.0, "carrier": "AA"})
    clock.move(hours=5)
    while_paused = tick(cloud)
    paused = cloud.get(f"/v1/{name}")

    again = cloud.call("POST", f"{name}:pause", {})
    cloud.call("POST", f"{name}:resume", {})

    assert (while_paused, engine.rows, paused["state"]) == (None, [], "JOB_STATE_PAUSED")
    assert again.error == (400, "FAILED_PRECONDITION")
    resumed = cloud.get(f"/v1/{name}")
    assert (resumed["state"], resumed["nextScheduleTime"]) == (
        "JOB_STATE_RUNNING",
        "2026-03-02T14:30:00.000000Z",
    )


@pytest.mark.covers("aiplatform.projects.locations.modelDeploymentMonitoringJobs.patch")
def test_another_interval_moves_the_next_run(cloud: Cloud) -> None:
    name = job(cloud).body["name"]
    config = "modelDeploymentMonitoringScheduleConfig"

    reply = cloud.call(
        "PATCH", f"{name}?updateMask={config}", {config: {"monitorInterval": "7200s"}}
    )

    assert reply.status == 200, reply
    assert cloud.get(f"/v1/{name}")["nextScheduleTime"] == "2026-03-02T10:30:00.000000Z"


@pytest.mark.covers("aiplatform.projects.locations.modelDeploymentMonitoringJobs.delete")
def test_an_endpoint_goes_after_its_job_and_a_job_after_its_pause(
    cloud: Cloud, clock: Clock
) -> None:
    name = job(cloud).body["name"]
    ask(cloud, {"x": 1.0, "carrier": "AA"})
    clock.move(hours=1)
    tick(cloud)
    assert cloud.call("POST", f"{ENDPOINT}:undeployModel", {"deployedModelId": "7"}).status == 200

    endpoint_refused = cloud.call("DELETE", ENDPOINT)
    job_refused = cloud.call("DELETE", name)
    cloud.call("POST", f"{name}:pause", {})
    gone = [cloud.call("DELETE", each).status for each in (name, ENDPOINT)]

    assert [endpoint_refused.error, job_refused.error] == [(400, "FAILED_PRECONDITION")] * 2
    assert gone == [200, 200]


def test_an_endpoint_has_one_job(cloud: Cloud) -> None:
    job(cloud)

    assert job(cloud).error == (409, "ALREADY_EXISTS")


@pytest.mark.parametrize(
    ("config", "more", "status"),
    [
        ({"trainingDataset": {}}, {}, "INVALID_ARGUMENT"),
        ({"trainingPredictionSkewDetectionConfig": {}}, {}, "INVALID_ARGUMENT"),
        ({**skew(), "trainingDataset": {"dataset": "d"}}, {}, "UNIMPLEMENTED"),
        (
            {
                **skew(),
                "trainingDataset": {"gcsSource": {"uris": ["gs://b/f"]}, "dataFormat": "tf-record"},
            },
            {},
            "UNIMPLEMENTED",
        ),
        ({**skew(), "explanationConfig": {"enableFeatureAttributes": True}}, {}, "UNIMPLEMENTED"),
        (
            None,
            {"loggingSamplingStrategy": {"randomSampleConfig": {"sampleRate": 1.5}}},
            "INVALID_ARGUMENT",
        ),
        (None, {"analysisInstanceSchemaUri": "gs://b/schema.yaml"}, "UNIMPLEMENTED"),
        (None, {"samplePredictInstance": [1, 2]}, "INVALID_ARGUMENT"),
    ],
    ids=[
        "no objective",
        "no training data",
        "managed dataset",
        "records",
        "attributions",
        "rate",
        "schema",
        "no names",
    ],
)
def test_a_job_that_cannot_be_computed_is_refused(
    cloud: Cloud, config: dict[str, Any] | None, more: dict[str, Any], status: str
) -> None:
    assert job(cloud, config, **more).body["error"]["status"] == status


def test_an_analysis_that_a_crash_cut_off_is_run_again(
    open_cloud: OpenCloud, cloud: Cloud, clock: Clock, engine: RememberingEngine
) -> None:
    name = job(cloud, skew()).body["name"]
    ask(cloud, {"x": 90.0, "carrier": "AA"})
    cloud.server.vertex.deployment_monitoring.requests.flush()
    stored = name.replace("1234567890", "local-project")
    begun = cloud.server.store.get(stored)
    assert begun is not None
    clock.move(hours=1)
    cloud.server.store.put(stored, {**begun, "localRunning": clock().isoformat()})

    cloud = open_cloud(engine=engine, clock=clock)
    cloud.server.vertex.deployment_monitoring.join()

    assert deviations(stats(cloud, name, "RAW_FEATURE_SKEW"))["x"][0] == 1.0
