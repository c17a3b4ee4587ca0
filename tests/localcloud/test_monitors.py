"""Model Monitoring v2: drift that is really computed."""

from typing import Any

import pyarrow as pa
import pytest

from localcloud.vertex import distribution
from tests.localcloud.conftest import LOCATION, Cloud, FakeEngine, OpenCloud

MONITORS = f"/v1beta1/{LOCATION}/modelMonitors"
FIRST_HALF = pa.table(
    {
        "distance": pa.array([100.0, 110, 120, 130, 140, 150, 160, 170, 180, 190]),
        "carrier": ["AA"] * 5 + ["UA"] * 5,
        "night": [True, False] * 5,
    }
)
SECOND_HALF = pa.table(
    {
        "distance": pa.array([900.0, 910, 920, 930, 940, 950, 960, 970, 980, 990]),
        "carrier": ["AA"] * 4 + ["UA"] * 6,
        "night": [True, False] * 5,
    }
)
SCHEMA = {
    "featureFields": [
        {"name": "distance", "dataType": "float"},
        {"name": "carrier", "dataType": "categorical"},
        {"name": "night", "dataType": "boolean"},
    ]
}


def table(name: str) -> dict[str, Any]:
    return {"columnizedDataset": {"bigquerySource": {"tableUri": f"bq://local-project.ds.{name}"}}}


def objective(**conditions: float) -> dict[str, Any]:
    return {
        "featureDriftSpec": {
            "features": ["distance", "carrier", "night"],
            "defaultNumericAlertCondition": {"threshold": 0.5},
            "defaultCategoricalAlertCondition": {"threshold": 0.2},
            "featureAlertConditions": {k: {"threshold": v} for k, v in conditions.items()},
        }
    }


def monitor(cloud: Cloud, **more: Any) -> str:
    cloud.register()
    body = {
        "displayName": "drift",
        "modelMonitoringTarget": {
            "vertexModel": {"model": f"{LOCATION}/models/m", "modelVersionId": "1"}
        },
        "modelMonitoringSchema": SCHEMA,
        "tabularObjective": objective(),
        "trainingDataset": table("first_half"),
        **more,
    }
    reply = cloud.call("POST", f"{MONITORS}?modelMonitorId=mon", body)
    assert reply.status == 200, reply
    return f"{MONITORS}/mon"


def run(cloud: Cloud, name: str, job_id: str = "run", **spec: Any) -> Any:
    """Run one job to its end."""
    body = {
        "modelMonitoringSpec": {"objectiveSpec": {"targetDataset": table("second_half"), **spec}}
    }
    path = f"{name}/modelMonitoringJobs"
    reply = cloud.call("POST", f"{path}?modelMonitoringJobId={job_id}", body)
    if reply.status != 200:
        return reply
    cloud.server.vertex.monitors.join()
    return cloud.get(f"{path}/{job_id}")


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine({"first_half": FIRST_HALF, "second_half": SECOND_HALF})


@pytest.fixture
def halves(open_cloud: OpenCloud, engine: FakeEngine) -> Cloud:
    return open_cloud(engine=engine)


def points(cloud: Cloud, name: str, **wanted: str) -> dict[str, tuple[float, float, bool]]:
    body = {"statsFilter": {"tabularStatsFilter": wanted}}
    found = cloud.call("POST", f"{name}:searchModelMonitoringStats", body).body["monitoringStats"]
    shown = {}
    for stats in (entry["tabularStats"] for entry in found):
        point = stats["dataPoints"][0]
        deviation = point["currentStats"]["distributionValue"]["distributionDeviation"]
        shown[stats["statsName"]] = (
            round(deviation, 6),
            point["thresholdValue"],
            point["hasAnomaly"],
        )
    return shown


def test_drift_is_computed_feature_by_feature(halves: Cloud) -> None:
    name = monitor(halves)

    job = run(halves, name)

    assert job["state"] == "JOB_STATE_SUCCEEDED"
    assert job["jobExecutionDetail"] == {
        "baselineDatasets": [{"location": "bq://local-project.ds.first_half"}],
        "targetDatasets": [{"location": "bq://local-project.ds.second_half"}],
        "objectiveStatus": {"raw-feature-drift": {"code": 0}},
    }
    # Numbers without a common bucket are 1 apart; of ten rows one changed its carrier.
    assert points(halves, name) == {
        "distance": (1.0, 0.5, True),
        "carrier": (0.1, 0.2, False),
        "night": (0.0, 0.2, False),
    }


def test_a_feature_has_its_own_threshold(halves: Cloud) -> None:
    name = monitor(halves)

    run(halves, name, tabularObjective=objective(carrier=0.05, distance=1.0))

    assert points(halves, name) == {
        "distance": (1.0, 1.0, False),
        "carrier": (0.1, 0.05, True),
        "night": (0.0, 0.2, False),
    }


def test_an_alert_names_the_feature_and_the_threshold(halves: Cloud) -> None:
    name = monitor(halves)
    run(halves, name)

    found = halves.call("POST", f"{name}:searchModelMonitoringAlerts", {}).body

    assert found["totalNumberAlerts"] == "1"
    (alert,) = found["modelMonitoringAlerts"]
    assert (alert["statsName"], alert["objectiveType"]) == ("distance", "raw-feature-drift")
    assert alert["anomaly"]["tabularAnomaly"]["condition"] == {"threshold": 0.5}


def test_results_are_found_by_job_and_by_feature(halves: Cloud) -> None:
    name = monitor(halves)
    first = run(halves, name, "first")
    run(halves, name, "second", tabularObjective={"featureDriftSpec": {"features": ["night"]}})

    by_job = points(
        halves, name, modelMonitoringJob=first["name"].replace("1234567890", "local-project")
    )
    by_number = points(halves, name, modelMonitoringJob=first["name"])
    body: dict[str, Any] = {"statsFilter": {"tabularStatsFilter": {"statsName": "night"}}}
    night = halves.call("POST", f"{name}:searchModelMonitoringStats", body).body

    assert by_job == by_number
    assert set(by_job) == {"distance", "carrier", "night"}
    jobs = [
        p["modelMonitoringJob"] for p in night["monitoringStats"][0]["tabularStats"]["dataPoints"]
    ]
    assert [job.rsplit("/", 1)[1] for job in jobs] == ["second", "first"]


def test_a_query_and_a_time_range_are_read(halves: Cloud, engine: FakeEngine) -> None:
    name = monitor(halves)
    target = {
        "columnizedDataset": {
            "bigquerySource": {"query": "SELECT * FROM second_half -- all\n;"},
            "timestampField": "day",
        },
        "timeInterval": {"startTime": "2013-07-01T00:00:00Z", "endTime": "2014-01-01T00:00:00Z"},
    }

    job = run(halves, name, targetDataset=target)

    assert job["state"] == "JOB_STATE_SUCCEEDED"
    assert engine.queries[-1] == (
        "SELECT `distance`, `carrier`, `night` FROM (SELECT * FROM second_half -- all\n\n) "
        "WHERE TIMESTAMP(`day`) >= TIMESTAMP('2013-07-01T00:00:00Z') "
        "AND TIMESTAMP(`day`) < TIMESTAMP('2014-01-01T00:00:00Z')"
    )


def test_a_table_that_is_not_there_fails_the_job_with_the_reason(halves: Cloud) -> None:
    name = monitor(halves)

    job = run(halves, name, targetDataset=table("nowhere"))

    assert job["state"] == "JOB_STATE_FAILED"
    assert "nowhere" in job["jobExecutionDetail"]["error"]["message"]


def test_a_fault_nobody_foresaw_fails_the_job_and_does_not_leave_it_running(
    halves: Cloud, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Unforeseen(Exception):
        pass

    def broken(project: str, sql: str) -> pa.Table:
        raise Unforeseen("the engine is on fire")

    monkeypatch.setattr(engine, "query", broken)
    name = monitor(halves)

    job = run(halves, name)

    assert job["state"] == "JOB_STATE_FAILED"
    assert "on fire" in job["jobExecutionDetail"]["error"]["message"]


def test_a_dataset_without_rows_fails_the_job(halves: Cloud, engine: FakeEngine) -> None:
    engine.tables["second_half"] = SECOND_HALF.slice(0, 0)
    name = monitor(halves)

    job = run(halves, name)

    assert "no rows" in job["jobExecutionDetail"]["error"]["message"]


@pytest.mark.parametrize(
    ("spec", "status"),
    [
        ({"targetDataset": {}}, "INVALID_ARGUMENT"),
        ({"targetDataset": {"vertexEndpointLogs": {"endpoints": ["e"]}}}, "NOT_FOUND"),
        ({"targetDataset": {"vertexEndpointLogs": {"endpoints": []}}}, "INVALID_ARGUMENT"),
        (
            {"targetDataset": {"batchPredictionOutput": {"batchPredictionJob": "none"}}},
            "NOT_FOUND",
        ),
        (
            {
                "targetDataset": {
                    "columnizedDataset": {
                        "gcsSource": {"gcsUri": "gs://b/x.tfrecord", "format": "TF_RECORD"}
                    }
                }
            },
            "UNIMPLEMENTED",
        ),
        ({"tabularObjective": {"featureDriftSpec": {"features": ["nope"]}}}, "INVALID_ARGUMENT"),
        (
            {"tabularObjective": {"featureDriftSpec": {"categoricalMetricType": "psi"}}},
            "INVALID_ARGUMENT",
        ),
        ({"tabularObjective": {"featureAttributionSpec": {"features": ["a"]}}}, "UNIMPLEMENTED"),
    ],
    ids=[
        "no target",
        "no endpoint",
        "endpoints",
        "no batch",
        "records",
        "unknown feature",
        "unknown metric",
        "attribution",
    ],
)
def test_a_job_that_cannot_be_computed_is_refused_at_once(
    halves: Cloud, spec: dict[str, Any], status: str
) -> None:
    assert run(halves, monitor(halves), **spec).body["error"]["status"] == status


def test_a_monitor_watches_a_model_that_exists(cloud: Cloud) -> None:
    vertex_model = {"model": f"{LOCATION}/models/none"}
    body = {"modelMonitoringTarget": {"vertexModel": vertex_model}}

    assert cloud.call("POST", MONITORS, body).error == (404, "NOT_FOUND")


def test_a_job_that_a_crash_cut_off_is_run_again(open_cloud: OpenCloud, engine: FakeEngine) -> None:
    cloud = open_cloud(engine=engine)
    name = monitor(cloud)
    run(cloud, name)
    job = f"{LOCATION}/modelMonitors/mon/modelMonitoringJobs/run"
    stored = cloud.server.store.get(job)
    assert stored is not None
    del stored["localStats"]
    cloud.server.store.put(job, {**stored, "state": "JOB_STATE_RUNNING"})

    cloud = open_cloud(engine=engine)
    cloud.server.vertex.monitors.join()

    assert cloud.get(f"/v1beta1/{job}")["state"] == "JOB_STATE_SUCCEEDED"
    assert "distance" in points(cloud, name)


def test_a_monitor_with_jobs_is_deleted_by_force(halves: Cloud) -> None:
    name = monitor(halves)
    run(halves, name)

    refused = halves.call("DELETE", name)
    forced = halves.call("DELETE", f"{name}?force=true")

    assert (refused.error, forced.status) == ((400, "FAILED_PRECONDITION"), 200)


def test_both_distributions_are_shown_over_the_same_buckets() -> None:
    shown = distribution.of_numbers(
        "distance", FIRST_HALF.column("distance"), SECOND_HALF.column("distance")
    )

    edges, counts = [], []
    for side in shown:
        (feature,) = side["features"]
        buckets = feature["numStats"]["histograms"][0]["buckets"]
        edges.append([(b["lowValue"], b["highValue"]) for b in buckets])
        counts.append([b["sampleCount"] for b in buckets])
    assert edges[0] == edges[1]
    assert [sum(count) for count in counts] == [10, 10]


def test_the_generated_client_reads_the_results(halves: Cloud) -> None:
    from google.cloud import aiplatform_v1beta1 as v1beta1
    from google.protobuf import json_format

    name = monitor(halves)
    job = run(halves, name)
    found = halves.call("POST", f"{name}:searchModelMonitoringStats", {}).body

    parsed = v1beta1.SearchModelMonitoringStatsResponse()
    json_format.ParseDict(found, v1beta1.SearchModelMonitoringStatsResponse.pb(parsed))
    read = v1beta1.ModelMonitoringJob()
    json_format.ParseDict(job, v1beta1.ModelMonitoringJob.pb(read))

    assert {s.tabular_stats.stats_name for s in parsed.monitoring_stats} == {
        "distance",
        "carrier",
        "night",
    }
    assert read.state == v1beta1.JobState.JOB_STATE_SUCCEEDED
