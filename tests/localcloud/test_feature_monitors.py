"""Feature monitors: drift between runs over a group's table, by a clock that a test moves."""

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from tests.localcloud.conftest import LOCATION, Cloud, FakeEngine, OpenCloud
from tests.localcloud.test_schedules import Clock

GROUP = f"/v1beta1/{LOCATION}/featureGroups/visitors"
MONITOR = f"{GROUP}/featureMonitors/mon"


def visits(clicks: list[float], page: list[str]) -> pa.Table:
    return pa.table(
        {
            "who": [str(index) for index in range(len(clicks))],
            "feature_timestamp": [datetime(2026, 1, 1, tzinfo=UTC)] * len(clicks),
            "clicks_v2": clicks,
            "page": page,
        }
    )


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine({"visits": visits([1, 2, 3, 4], ["x", "x", "y", "y"])})


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cloud(open_cloud: OpenCloud, engine: FakeEngine, clock: Clock) -> Cloud:
    cloud = open_cloud(engine=engine, clock=clock)
    cloud.server.vertex.ticker.stop()
    source = {"inputUri": "bq://local-project.ds.visits"}
    body = {"bigQuery": {"bigQuerySource": source, "entityIdColumns": ["who"]}}
    made = cloud.call("POST", f"/v1beta1/{LOCATION}/featureGroups?featureGroupId=visitors", body)
    assert made.status == 200, made
    for feature, more in (("clicks", {"versionColumnName": "clicks_v2"}), ("page", {})):
        cloud.call("POST", f"{GROUP}/features?featureId={feature}", more)
    return cloud


def monitor(cloud: Cloud, *configs: dict[str, Any], cron: str = "0 9 * * *") -> Any:
    body = {
        "featureSelectionConfig": {
            "featureConfigs": list(configs)
            or [{"featureId": "clicks", "driftThreshold": 0.6}, {"featureId": "page"}]
        },
        "scheduleConfig": {"cron": cron},
    }
    return cloud.call("POST", f"{GROUP}/featureMonitors?featureMonitorId=mon", body)


def run(cloud: Cloud, clock: Clock) -> Any:
    clock.move(minutes=1)
    reply = cloud.call("POST", f"{MONITOR}/featureMonitorJobs", {})
    assert reply.status == 200, reply
    cloud.server.vertex.feature_monitors.join()
    return cloud.get(f"/v1beta1/{reply.body['name']}")


def drift(job: Any) -> dict[str, tuple[float | None, float, bool]]:
    return {
        each["featureId"]: (
            each.get("distributionDeviation"),
            each["driftDetectionThreshold"],
            each["driftDetected"],
        )
        for each in job["jobSummary"]["featureStatsAndAnomalies"]
    }


@pytest.mark.covers(
    "aiplatform.projects.locations.featureGroups.featureMonitors.create",
    "aiplatform.projects.locations.featureGroups.featureMonitors.featureMonitorJobs.create",
)
def test_a_job_is_compared_with_the_one_before(
    cloud: Cloud, clock: Clock, engine: FakeEngine
) -> None:
    monitor(cloud)
    first = run(cloud, clock)
    engine.tables["visits"] = visits([90, 90, 90, 90], ["x", "x", "x", "x"])
    second = run(cloud, clock)

    assert drift(first) == {"clicks": (None, 0.6, False), "page": (None, 0.3, False)}
    assert drift(second) == {"clicks": (1.0, 0.6, True), "page": (0.5, 0.3, True)}
    assert (second["finalStatus"], second["triggerType"]) == (
        {"code": 0},
        "FEATURE_MONITOR_JOB_TRIGGER_ON_DEMAND",
    )
    assert "driftBaseFeatureMonitorJobId" not in first
    assert second["driftBaseFeatureMonitorJobId"] == first["name"].rsplit("/", 1)[1]
    assert second["driftBaseSnapshotTime"] == first["createTime"] == "2026-03-02T08:31:00.000000Z"


def test_a_monitor_runs_when_it_is_due(cloud: Cloud, clock: Clock) -> None:
    monitor(cloud, cron="TZ=Europe/Berlin 0 10 * * *")
    monitors = cloud.server.vertex.feature_monitors

    early = monitors.tick()
    clock.move(minutes=30)
    late = monitors.tick()
    monitors.join()

    [job] = cloud.get(f"{MONITOR}/featureMonitorJobs")["featureMonitorJobs"]
    assert early == datetime(2026, 3, 2, 9, tzinfo=UTC)
    assert late == datetime(2026, 3, 3, 9, tzinfo=UTC)
    assert (job["triggerType"], job["finalStatus"]) == (
        "FEATURE_MONITOR_JOB_TRIGGER_PERIODIC",
        {"code": 0},
    )


@pytest.mark.covers("aiplatform.projects.locations.featureGroups.features.get")
def test_a_feature_shows_its_latest_statistics(cloud: Cloud, clock: Clock) -> None:
    monitor(cloud)
    jobs = [run(cloud, clock)["name"].rsplit("/", 1)[1] for _ in range(3)]

    def shown(query: str) -> list[str]:
        feature = cloud.get(f"{GROUP}/features/clicks?{query}")
        found = feature.get("featureStatsAndAnomaly", [])
        return [each["featureMonitorJobId"] for each in found]

    spec = "featureStatsAndAnomalySpec"
    listed = cloud.get(f"{GROUP}/features?latestStatsCount=1")["features"]
    assert shown("") == []
    assert shown(f"{spec}.latestStatsCount=2") == [jobs[2], jobs[1]]
    assert shown(
        f"{spec}.statsTimeRange.startTime=2026-03-02T08:31:00Z"
        f"&{spec}.statsTimeRange.endTime=2026-03-02T08:33:00Z"
    ) == [jobs[1], jobs[0]]
    assert {
        each["name"].rsplit("/", 1)[1]: len(each["featureStatsAndAnomaly"]) for each in listed
    } == {"clicks": 1, "page": 1}


def test_a_table_that_is_not_there_fails_the_job(
    cloud: Cloud, clock: Clock, engine: FakeEngine
) -> None:
    monitor(cloud)
    engine.tables.clear()

    job = run(cloud, clock)

    assert (job["finalStatus"]["code"], "visits" in job["finalStatus"]["message"]) == (3, True)


@pytest.mark.parametrize(
    ("config", "cron", "status"),
    [
        ({"featureId": "nope"}, "0 9 * * *", "NOT_FOUND"),
        ({"featureId": "page", "driftThreshold": 1.0}, "0 9 * * *", "INVALID_ARGUMENT"),
        ({"featureId": "page"}, "often", "INVALID_ARGUMENT"),
    ],
    ids=["feature", "threshold", "cron"],
)
def test_a_monitor_that_could_not_run_is_refused(
    cloud: Cloud, config: dict[str, Any], cron: str, status: str
) -> None:
    assert monitor(cloud, config, cron=cron).body["error"]["status"] == status


@pytest.mark.covers(
    "aiplatform.projects.locations.featureGroups.featureMonitors.patch",
    "aiplatform.projects.locations.featureGroups.featureMonitors.delete",
)
def test_a_monitor_is_changed_and_deleted_with_its_jobs(cloud: Cloud, clock: Clock) -> None:
    monitor(cloud)
    job = run(cloud, clock)["name"]
    selection = {"featureConfigs": [{"featureId": "page", "driftThreshold": 0.1}]}

    cloud.call(
        "PATCH",
        f"{MONITOR}?updateMask=feature_selection_config",
        {"featureSelectionConfig": selection},
    )
    changed = run(cloud, clock)
    gone = cloud.call("DELETE", MONITOR)

    assert drift(changed) == {"page": (0.0, 0.1, False)}
    assert (gone.status, cloud.call("GET", f"/v1beta1/{job}").status) == (200, 404)
    assert list(cloud.server.vertex.feature_monitors.folder.iterdir()) == []


def test_a_job_that_a_crash_cut_off_is_run_again(
    open_cloud: OpenCloud, cloud: Cloud, clock: Clock, engine: FakeEngine
) -> None:
    monitor(cloud)
    name = run(cloud, clock)["name"]
    stored = cloud.server.cloud.projects.inward(name)
    job = cloud.server.store.get(stored)
    assert job is not None
    del job["finalStatus"], job["jobSummary"]
    cloud.server.store.put(stored, job)

    cloud = open_cloud(engine=engine, clock=clock)
    cloud.server.vertex.feature_monitors.join()

    assert cloud.get(f"/v1beta1/{name}")["finalStatus"] == {"code": 0}
