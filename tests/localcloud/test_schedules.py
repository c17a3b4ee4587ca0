"""Schedules of monitoring jobs and of syncs: begun at their times, by a clock that a test moves."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from localcloud.vertex import cron
from tests.localcloud.conftest import LOCATION, Cloud, FakeEngine, OpenCloud

BETA = f"/v1beta1/{LOCATION}"
MONITOR = f"{LOCATION}/modelMonitors/mon"
START = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)


@dataclass
class Clock:
    """A clock that stands until it is moved."""

    moment: datetime = START

    def __call__(self) -> datetime:
        return self.moment

    def move(self, **span: float) -> None:
        self.moment += timedelta(**span)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cloud(open_cloud: OpenCloud, clock: Clock) -> Cloud:
    rows = pa.table({"x": [1.0, 2.0, 3.0]})
    cloud = open_cloud(engine=FakeEngine({"training": rows, "requests": rows}), clock=clock)
    cloud.server.vertex.ticker.stop()
    cloud.register()
    made = cloud.call(
        "POST",
        f"{BETA}/modelMonitors?modelMonitorId=mon",
        {
            "modelMonitoringTarget": {"vertexModel": {"model": f"{LOCATION}/models/m"}},
            "tabularObjective": {"featureDriftSpec": {"features": ["x"]}},
            "trainingDataset": _dataset("training"),
        },
    )
    assert made.status == 200, made
    return cloud


def _dataset(table: str, **more: Any) -> dict[str, Any]:
    source = {"tableUri": f"bq://local-project.ds.{table}"}
    return {"columnizedDataset": {"bigquerySource": source, **more}}


def schedule(cloud: Cloud, **more: Any) -> Any:
    target = _dataset("requests", timestampField="at")
    target["timeOffset"] = {"offset": "0d", "window": "1d"}
    body = {
        "displayName": "daily",
        "cron": "0 9 * * *",
        "maxConcurrentRunCount": "1",
        "createModelMonitoringJobRequest": {
            "parent": MONITOR,
            "modelMonitoringJob": {
                "modelMonitoringSpec": {"objectiveSpec": {"targetDataset": target}}
            },
        },
        **more,
    }
    return cloud.call("POST", f"{BETA}/schedules", body)


def tick(cloud: Cloud) -> datetime | None:
    due = cloud.server.vertex.ticker.tick()
    cloud.server.vertex.monitors.join()
    return due


def jobs(cloud: Cloud) -> list[Any]:
    found: list[Any] = cloud.get(f"/v1beta1/{MONITOR}/modelMonitoringJobs").get(
        "modelMonitoringJobs", []
    )
    return found


@pytest.mark.covers("aiplatform.projects.locations.schedules.create")
def test_a_schedule_begins_its_job_when_it_is_due(cloud: Cloud, clock: Clock) -> None:
    made = schedule(cloud).body

    before = tick(cloud), jobs(cloud)
    clock.move(minutes=30)
    after = tick(cloud)

    assert before == (datetime(2026, 3, 2, 9, tzinfo=UTC), [])
    assert after == datetime(2026, 3, 3, 9, tzinfo=UTC)
    [job] = jobs(cloud)
    assert (job["state"], job["schedule"]) == ("JOB_STATE_SUCCEEDED", made["name"])
    shown = cloud.get(f"/v1beta1/{made['name']}")
    assert shown["startedRunCount"] == "1"
    assert shown["lastScheduledRunResponse"] == {
        "scheduledRunTime": "2026-03-02T09:00:00.000000Z",
        "runResponse": job["name"],
    }


def test_the_window_of_a_scheduled_job_ends_when_it_begins(cloud: Cloud, clock: Clock) -> None:
    schedule(cloud)
    clock.move(minutes=30)

    tick(cloud)

    assert jobs(cloud)[0]["jobExecutionDetail"]["targetDatasets"][0]["timeRange"] == {
        "startTime": "2026-03-01T09:00:00+00:00",
        "endTime": "2026-03-02T09:00:00+00:00",
    }


@pytest.mark.covers("aiplatform.projects.locations.modelMonitors.searchModelMonitoringStats")
def test_statistics_are_found_by_their_schedule(cloud: Cloud, clock: Clock) -> None:
    name = schedule(cloud).body["name"]
    clock.move(minutes=30)
    tick(cloud)

    def found(asked: str) -> int:
        wanted = {"tabularStatsFilter": {"modelMonitoringSchedule": asked}}
        reply = cloud.call(
            "POST", f"/v1beta1/{MONITOR}:searchModelMonitoringStats", {"statsFilter": wanted}
        )
        return len(reply.body["monitoringStats"])

    assert (found(name), found(f"{name}9")) == (1, 0)


@pytest.mark.covers(
    "aiplatform.projects.locations.schedules.pause",
    "aiplatform.projects.locations.schedules.resume",
)
@pytest.mark.parametrize(("catch_up", "begun"), [(False, 0), (True, 2)])
def test_what_was_missed_while_paused_runs_only_with_catch_up(
    cloud: Cloud, clock: Clock, catch_up: bool, begun: int
) -> None:
    name = schedule(cloud, maxConcurrentRunCount="9").body["name"]
    cloud.call("POST", f"/v1beta1/{name}:pause", {})
    clock.move(days=1, hours=1)
    while_paused = tick(cloud)

    cloud.call("POST", f"/v1beta1/{name}:resume", {"catchUp": catch_up})
    tick(cloud)

    shown = cloud.get(f"/v1beta1/{name}")
    assert while_paused is None
    assert (shown["startedRunCount"], shown["nextRunTime"]) == (
        str(begun),
        "2026-03-04T09:00:00.000000Z",
    )


@pytest.mark.parametrize(
    "limit", [{"maxRunCount": "1"}, {"endTime": "2026-03-02T12:00:00Z"}], ids=["count", "end"]
)
def test_a_schedule_ends_by_its_count_or_its_time(cloud: Cloud, clock: Clock, limit: Any) -> None:
    name = schedule(cloud, **limit).body["name"]
    clock.move(days=3)

    tick(cloud)

    shown = cloud.get(f"/v1beta1/{name}")
    assert (shown["state"], shown["startedRunCount"], "nextRunTime" in shown) == (
        "COMPLETED",
        "1",
        False,
    )


def test_no_more_runs_than_allowed_are_active(cloud: Cloud, clock: Clock) -> None:
    name = schedule(cloud, cron="0 * * * *").body["name"]
    busy = f"{MONITOR}/modelMonitoringJobs/busy"
    cloud.server.store.put(
        busy,
        {
            "name": busy,
            "schedule": cloud.server.cloud.projects.inward(name),
            "state": "JOB_STATE_RUNNING",
        },
    )
    clock.move(hours=1)

    tick(cloud)

    assert cloud.get(f"/v1beta1/{name}")["startedRunCount"] == "0"


def test_schedules_go_on_after_a_restart(open_cloud: OpenCloud, cloud: Cloud, clock: Clock) -> None:
    name = schedule(cloud).body["name"]
    clock.move(days=2)

    again = open_cloud(engine=cloud.engine, clock=clock)
    tick(again)

    assert again.get(f"/v1beta1/{name}")["startedRunCount"] == "1"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"cron": "often"}, "five fields"),
        ({"cron": "TZ=Mars/Base 0 9 * * *"}, "time zone"),
        ({"cron": "0 25 * * *"}, "0 to 23"),
        ({"cron": "0 0 30 2 *"}, "never"),
        ({"maxConcurrentRunCount": "0"}, "max_concurrent_run_count"),
        (
            {
                "createModelMonitoringJobRequest": {
                    "parent": f"{LOCATION}/modelMonitors/no",
                    "modelMonitoringJob": {"displayName": "x"},
                }
            },
            "does not exist",
        ),
    ],
)
def test_a_schedule_that_cannot_run_is_refused(cloud: Cloud, wrong: Any, said: str) -> None:
    reply = schedule(cloud, **wrong)

    assert reply.status in (400, 404)
    assert said in reply.body["error"]["message"]


def test_a_view_is_synced_by_its_schedule(cloud: Cloud, clock: Clock) -> None:
    stores = f"{LOCATION}/featureOnlineStores"
    cloud.call(
        "POST",
        f"{stores}?featureOnlineStoreId=s",
        {"bigtable": {"autoScaling": {"minNodeCount": 1, "maxNodeCount": 1}}},
    )
    made = cloud.call(
        "POST",
        f"{stores}/s/featureViews?featureViewId=v",
        {
            "bigQuerySource": {"uri": "bq://p.ds.training", "entityIdColumns": ["x"]},
            "syncConfig": {"cron": "TZ=Europe/Berlin 0 10 * * *"},
        },
    )

    assert made.status == 200, made
    before = cloud.get(f"{stores}/s/featureViews/v/featureViewSyncs")
    clock.move(minutes=30)
    tick(cloud)
    [sync] = cloud.get(f"{stores}/s/featureViews/v/featureViewSyncs")["featureViewSyncs"]

    assert (before, sync["syncSummary"]["rowSynced"]) == ({}, "3")


@pytest.mark.parametrize(
    ("text", "following"),
    [
        ("*/20 * * * *", "2026-03-02T08:40"),
        ("0 9-17/4 * * mon-fri", "2026-03-02T09:00"),
        ("CRON_TZ=America/New_York 0 9 * * *", "2026-03-02T14:00"),
        # The clocks of New York skip 02:30 on 8 March.
        ("TZ=America/New_York 30 2 8,9 3 *", "2026-03-09T06:30"),
        ("0 0 1 jan *", "2027-01-01T00:00"),
        ("0 0 29 2 *", "2028-02-29T00:00"),
        ("0 0 13 * 0", "2026-03-08T00:00"),
        ("0 0 * * 7", "2026-03-08T00:00"),
    ],
)
def test_a_cron_names_its_next_time(text: str, following: str) -> None:
    assert cron.parse(text).after(START) == datetime.fromisoformat(f"{following}+00:00")
