"""Scheduled queries: when they run, what they run, what is told of it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.localcloud.conftest import Cloud, FakeEngine, OpenCloud, Reply

PARENT = "projects/local-project/locations/us/transferConfigs"
START = datetime(2024, 2, 27, 10, 7, tzinfo=UTC)


@dataclass
class Time:
    now: datetime = START

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Transfers:
    """The service with a clock that stands still until a test moves it."""

    cloud: Cloud
    time: Time

    def create(self, params: dict[str, str], **fields: Any) -> Reply:
        body = {"displayName": "nightly", "dataSourceId": "scheduled_query", "params": params}
        return self.cloud.call("POST", PARENT, {**body, **fields})

    def pass_time(self, length: timedelta) -> None:
        self.time.now += length
        self.cloud.server.data_transfer.tick()
        self.cloud.server.data_transfer.join()

    def settle(self) -> None:
        self.pass_time(timedelta())

    def runs(self, config: str, query: str = "") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.cloud.get(f"{config}/runs{query}").get(
            "transferRuns", []
        )
        return found


@pytest.fixture
def transfers(open_cloud: OpenCloud) -> Transfers:
    time = Time()
    return Transfers(open_cloud(clock=time), time)


@pytest.mark.covers("bigquerydatatransfer.projects.locations.transferConfigs.create")
@pytest.mark.covers("scheduled queries")
def test_a_scheduled_query_runs_at_once_and_then_on_schedule(transfers: Transfers) -> None:
    made = transfers.create({"query": "SELECT 1"}, schedule="every 12 hours").body
    transfers.settle()
    transfers.pass_time(timedelta(hours=11))
    transfers.pass_time(timedelta(hours=1))

    found = transfers.cloud.get(made["name"])
    runs = [(run["runTime"][:16], run["state"]) for run in transfers.runs(made["name"])]
    assert (runs, found["state"], found["nextRunTime"][:16]) == (
        [("2024-02-27T22:07", "SUCCEEDED"), ("2024-02-27T10:07", "SUCCEEDED")],
        "SUCCEEDED",
        "2024-02-28T10:07",
    )


@pytest.mark.covers("scheduled queries")
def test_a_run_is_a_job_with_its_time_destination_and_layout(transfers: Transfers) -> None:
    transfers.create(
        {
            "query": "SELECT @run_date AS day",
            "destination_table_name_template": 't_{run_date}_{run_time-1h|"%Y%m%d%H"}',
            "write_disposition": "WRITE_TRUNCATE",
            "partitioning_field": "day",
        },
        destinationDatasetId="ds",
    )

    transfers.settle()

    assert transfers.cloud.engine.jobs == [
        (
            "local-project",
            "US",
            {
                "query": {
                    "query": "SELECT @run_date AS day",
                    "useLegacySql": False,
                    "priority": "BATCH",
                    "parameterMode": "NAMED",
                    "queryParameters": [
                        {
                            "name": "run_time",
                            "parameterType": {"type": "TIMESTAMP"},
                            "parameterValue": {"value": "2024-02-27 10:07:00.000000+00:00"},
                        },
                        {
                            "name": "run_date",
                            "parameterType": {"type": "DATE"},
                            "parameterValue": {"value": "2024-02-27"},
                        },
                    ],
                    "destinationTable": {
                        "projectId": "local-project",
                        "datasetId": "ds",
                        "tableId": "t_20240227_2024022709",
                    },
                    "writeDisposition": "WRITE_TRUNCATE",
                    "createDisposition": "CREATE_IF_NEEDED",
                    "timePartitioning": {"type": "DAY", "field": "day"},
                },
                "labels": {"data_source_id": "scheduled_query"},
            },
        )
    ]


@pytest.mark.covers("scheduled queries")
@pytest.mark.covers(
    "bigquerydatatransfer.projects.locations.transferConfigs.runs.transferLogs.list"
)
def test_a_run_that_fails_says_why_and_the_next_one_runs(transfers: Transfers) -> None:
    failure = {"reason": "notFound", "message": "Not found: Table ds.t"}
    transfers.cloud.engine.failures["SELECT * FROM ds.t"] = failure
    made = transfers.create({"query": "SELECT * FROM ds.t"}).body
    transfers.settle()

    error = transfers.cloud.get(made["name"])["error"]
    transfers.cloud.engine.failures.clear()
    transfers.pass_time(timedelta(days=1))

    last, first = transfers.runs(made["name"])
    logs = transfers.cloud.get(f"{first['name']}/transferLogs?messageTypes=ERROR")
    told = first["state"], first["errorStatus"], error, last["state"]
    expected = {"code": 5, "message": "Not found: Table ds.t"}
    assert (told, [message["messageText"] for message in logs["transferMessages"]]) == (
        ("FAILED", expected, expected, "SUCCEEDED"),
        ["Not found: Table ds.t"],
    )
    assert "error" not in transfers.cloud.get(made["name"])


@pytest.mark.covers("bigquerydatatransfer.projects.locations.transferConfigs.patch")
def test_a_disabled_query_does_not_run_until_it_is_enabled(transfers: Transfers) -> None:
    made = transfers.create({"query": "SELECT 1"}, schedule="every day 09:00").body
    off = transfers.cloud.call(
        "PATCH", f"{made['name']}?updateMask=disabled", {"disabled": True}
    ).body
    transfers.pass_time(timedelta(days=3))
    on = transfers.cloud.call(
        "PATCH", f"{made['name']}?updateMask=disabled", {"disabled": False}
    ).body

    told = made["nextRunTime"][:16], off.get("nextRunTime"), on["nextRunTime"][:16]
    assert (told, transfers.runs(made["name"])) == (
        ("2024-02-28T09:00", None, "2024-03-02T09:00"),
        [],
    )


@pytest.mark.covers("bigquerydatatransfer.projects.locations.transferConfigs.startManualRuns")
@pytest.mark.parametrize(
    ("body", "times"),
    [
        ({"requestedRunTime": "2024-02-20T00:00:00Z"}, ["2024-02-20T00:00"]),
        (
            {
                "requestedTimeRange": {
                    "startTime": "2024-02-20T00:00:00Z",
                    "endTime": "2024-02-22T09:00:00Z",
                }
            },
            ["2024-02-21T09:00", "2024-02-20T09:00"],
        ),
    ],
    ids=["time", "range"],
)
def test_manual_runs_have_the_times_asked_for(
    transfers: Transfers, body: dict[str, Any], times: list[str]
) -> None:
    made = transfers.create({"query": "SELECT 1"}, schedule="every day 09:00").body

    begun = transfers.cloud.call("POST", f"{made['name']}:startManualRuns", body).body["runs"]
    transfers.settle()

    found = transfers.runs(made["name"], "?states=SUCCEEDED")
    assert (len(begun), [run["runTime"][:16] for run in found]) == (len(times), times)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "either requested_run_time or requested_time_range"),
        ({"requestedRunTime": "2024-03-20T00:00:00Z"}, "must not be in the future"),
        ({"requestedTimeRange": {"startTime": "2024-02-20T00:00:00Z"}}, "a later end_time"),
    ],
)
def test_manual_runs_that_cannot_be_are_refused(
    transfers: Transfers, body: dict[str, Any], message: str
) -> None:
    made = transfers.create({"query": "SELECT 1"}).body

    reply = transfers.cloud.call("POST", f"{made['name']}:startManualRuns", body)

    assert (reply.status, message in reply.body["error"]["message"]) == (400, True)


@pytest.mark.covers("bigquerydatatransfer.projects.locations.transferConfigs.create")
@pytest.mark.parametrize(
    ("params", "fields", "message"),
    [
        ({}, {}, "Parameter query of a scheduled query must be set"),
        ({"query": "SELECT 1", "table": "t"}, {}, "Unknown parameter 'table'"),
        ({"query": "SELECT 1", "write_disposition": "APPEND"}, {}, "allowed: WRITE_APPEND"),
        ({"query": "SELECT 1"}, {"schedule": "hourly"}, "Invalid schedule: 'hourly'"),
        (
            {"query": "SELECT 1", "destination_table_name_template": "t"},
            {},
            "needs destination_dataset_id",
        ),
        (
            {"query": "SELECT 1", "destination_table_name_template": "t_{day}"},
            {"destinationDatasetId": "ds"},
            "has a parameter that is none",
        ),
    ],
)
def test_a_wrong_configuration_is_refused(
    transfers: Transfers, params: dict[str, str], fields: dict[str, Any], message: str
) -> None:
    reply = transfers.create(params, **fields)

    assert (reply.status, message in reply.body["error"]["message"]) == (400, True)


@pytest.mark.covers("scheduled queries")
def test_schedule_options_bound_the_runs(transfers: Transfers) -> None:
    options = {"startTime": "2024-02-27T12:00:00Z", "endTime": "2024-02-27T15:00:00Z"}
    made = transfers.create(
        {"query": "SELECT 1"}, schedule="every 2 hours", scheduleOptions=options
    ).body
    by_hand = transfers.create(
        {"query": "SELECT 2"}, scheduleOptions={"disableAutoScheduling": True}
    ).body

    for _ in range(8):
        transfers.pass_time(timedelta(hours=1))

    runs = [run["runTime"][11:16] for run in transfers.runs(made["name"])]
    found = transfers.cloud.get(made["name"])
    assert (runs, found.get("nextRunTime"), transfers.runs(by_hand["name"])) == (
        ["14:00", "12:00"],
        None,
        [],
    )


@pytest.mark.covers("scheduled queries")
def test_what_was_due_while_the_server_was_down_runs_once_after_the_restart(
    open_cloud: OpenCloud,
) -> None:
    time, engine = Time(), FakeEngine()
    before = Transfers(open_cloud(clock=time, engine=engine), time)
    made = before.create({"query": "SELECT 1"}, schedule="every day 09:00").body

    time.now += timedelta(days=3)
    after = Transfers(open_cloud(clock=time, engine=engine), time)
    after.settle()

    runs = [(run["runTime"][:16], run["state"]) for run in after.runs(made["name"])]
    assert (runs, after.cloud.get(made["name"])["nextRunTime"][:16]) == (
        [("2024-02-28T09:00", "SUCCEEDED")],
        "2024-03-02T09:00",
    )


def test_another_data_source_is_kept_and_not_run(transfers: Transfers) -> None:
    body = {"displayName": "copy", "dataSourceId": "cross_region_copy", "params": {"x": "y"}}
    made = transfers.cloud.call("POST", f"{PARENT}?serviceAccountName=a@b.co", body).body

    run = transfers.cloud.call("POST", f"{made['name']}:startManualRuns", {})

    kept = {**body, "state": "PENDING", "ownerInfo": {"email": "a@b.co"}}
    assert (kept.items() <= made.items(), run.error) == (True, (501, "UNIMPLEMENTED"))


@pytest.mark.covers("bigquerydatatransfer.projects.locations.transferConfigs.delete")
def test_deleting_a_configuration_takes_its_runs(transfers: Transfers) -> None:
    made = transfers.create({"query": "SELECT 1"}).body
    transfers.settle()
    [run] = transfers.runs(made["name"])

    transfers.cloud.call("DELETE", made["name"])

    assert transfers.cloud.call("GET", run["name"]).status == 404
