"""Transfer configurations, their schedules and runs; a scheduled query runs as a BigQuery job."""

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta
from functools import partial

from localcloud.cloud import Cloud
from localcloud.data_transfer import schedule, scheduled_query
from localcloud.data_transfer.scheduled_query import DATA_SOURCE
from localcloud.discovery.call import Call, Collection, new_uuid
from localcloud.discovery.control_plane import ControlPlane
from localcloud.discovery.page import page
from localcloud.errors import ApiError, Json
from localcloud.ports import BigQueryEngine
from localcloud.store import timestamp
from localcloud.ticker import Ticker

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]
RUNS_AT_A_TIME = 4
DEFAULT_SCHEDULE = "every 24 hours"
TOLD_OF_A_RUN = (
    "dataSourceId",
    "destinationDatasetId",
    "params",
    "schedule",
    "userId",
    "notificationPubsubTopic",
    "emailPreferences",
)
UNFINISHED = ("PENDING", "RUNNING")
MOST_RUNS = 100
"""As many runs one request may begin."""
_CODES = {"notFound": 5, "invalid": 3, "invalidQuery": 3, "accessDenied": 7, "duplicate": 6}


class DataTransfer:
    """BigQuery Data Transfer.

    Args:
        cloud: What all services share.
        clock: Tells the time.
    """

    def __init__(self, cloud: Cloud, clock: Clock) -> None:
        self.cloud = cloud
        self.store = cloud.store
        self.clock = clock
        self._engine: BigQueryEngine | None = None
        self._lock = threading.Lock()
        self._stopped = False
        self._ticker = Ticker(clock, (self.tick,))
        self._pool = ThreadPoolExecutor(RUNS_AT_A_TIME, thread_name_prefix="scheduled-query")
        self._running: list[Future[None]] = []
        self.plane = ControlPlane(
            "bigquerydatatransfer.v1",
            cloud,
            package="google.cloud.bigquery.datatransfer.v1",
            collections={
                "transferConfigs": Collection(
                    message="TransferConfig",
                    noun="TransferConfig",
                    new_id=new_uuid,
                    creating=self._creating,
                    updating=self._updating,
                    children="take",
                ),
                "runs": Collection(
                    message="TransferRun",
                    noun="TransferRun",
                    deleting=self._deleting_run,
                    children="take",
                ),
            },
            handlers={
                "transferConfigs.startManualRuns": self._start_manual_runs,
                "transferConfigs.scheduleRuns": self._schedule_runs,
                "transferConfigs.list": self._list_configs,
                "runs.list": self._list_runs,
                "transferLogs.list": self._list_logs,
            },
            fold_locations=True,
        )

    # ------------------------------------------------------------ life
    def attach(self, engine: BigQueryEngine) -> None:
        """Introduce BigQuery; what is due and what a killed server had not begun runs now.

        A run that was under way has failed: its statements may have had their effect already.
        """
        self._engine = engine
        for run in self.store.every("runs"):
            if "/transferConfigs/" not in run["name"]:
                continue
            if run["state"] == "RUNNING":
                self._end(run["name"], 14, "The local cloud stopped while this run was under way.")
            elif run["state"] == "PENDING":
                self._submit(run["name"])
        self._ticker.start()

    def stop(self) -> None:
        """Begin no more runs."""
        with self._lock:
            self._stopped = True
        self._ticker.stop()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def close(self) -> None:
        """Wait for the runs under way; BigQuery has ended their jobs."""
        self.stop()
        self._pool.shutdown(wait=True)

    def join(self) -> None:
        """Wait until every run that was begun is over."""
        with self._lock:
            begun = list(self._running)
        wait(begun)

    def tick(self) -> datetime | None:
        """Begin what is due; gives when the next run is."""
        present = self.clock()
        begun: list[str] = []
        with self.store.transaction():
            for config in self.store.every("transferConfigs"):
                due = _moment(config.get("nextRunTime"))
                if due is None or due > present:
                    continue
                begun.append(self._new_run(config, due, due)["name"])
                following = self._next(config, present, due)
                self.store.put(config["name"], _with_next(config, following) | {"state": "PENDING"})
            times = [
                due
                for config in self.store.every("transferConfigs")
                if (due := _moment(config.get("nextRunTime")))
            ]
        for name in begun:
            self._submit(name)
        return min(times, default=None)

    # ------------------------------------------------------------ configurations
    def _creating(self, call: Call, body: Json) -> Json:
        for field in ("displayName", "dataSourceId"):
            if not body.get(field):
                raise ApiError("INVALID_ARGUMENT", f"transfer_config.{field} must be set.")
        region = call.name.split("/")[3] if "/locations/" in call.name else "us"
        config = {
            **_account(call, body),
            "state": "PENDING",
            "datasetRegion": region,
            "userId": "1",
        }
        if config["dataSourceId"] != DATA_SOURCE:
            return config
        config = self._checked({"schedule": DEFAULT_SCHEDULE, **config})
        first = self._first(config)
        self._ticker.wake()
        return _with_next(config, first)

    def _updating(self, call: Call, before: Json, after: Json) -> Json:
        after = _account(call, after)
        if after["dataSourceId"] != DATA_SOURCE:
            return after
        after = self._checked(after)
        told = ("schedule", "scheduleOptions", "scheduleOptionsV2", "disabled")
        if all(before.get(field) == after.get(field) for field in told):
            return after
        self._ticker.wake()
        return _with_next(after, self._next(after, self.clock()))

    def _checked(self, config: Json) -> Json:
        scheduled_query.check(config)
        if (config.get("scheduleOptionsV2") or {}).get("eventDrivenSchedule"):
            raise ApiError(
                "UNIMPLEMENTED", "Event-driven schedules are not implemented by the local cloud."
            )
        try:
            schedule.parse(_schedule(config))
        except ValueError as error:
            raise ApiError("INVALID_ARGUMENT", f"Invalid schedule: {error}.") from error
        return config

    def _first(self, config: Json) -> datetime | None:
        """The first run: at once for an interval, unless it is told when."""
        found = schedule.parse(_schedule(config))
        present = self.clock()
        start = _moment(_options(config).get("startTime"))
        if isinstance(found, schedule.Interval) and found.window is None and not start:
            return self._allowed(config, present)
        return self._next(config, present)

    def _next(
        self, config: Json, present: datetime, latest: datetime | None = None
    ) -> datetime | None:
        found = schedule.parse(_schedule(config))
        start = _moment(_options(config).get("startTime"))
        return self._allowed(config, found.after(present, start or latest or present))

    def _allowed(self, config: Json, moment: datetime) -> datetime | None:
        options = _options(config)
        end = _moment(options.get("endTime"))
        if config.get("disabled") or options.get("disableAutoScheduling"):
            return None
        return None if end is not None and moment > end else moment

    # ------------------------------------------------------------ runs
    def _new_run(self, config: Json, run_time: datetime, scheduled: datetime) -> Json:
        name = f"{config['name']}/runs/{new_uuid()}"
        run = {field: config[field] for field in TOLD_OF_A_RUN if field in config}
        times = {"scheduleTime": timestamp(scheduled), "runTime": timestamp(run_time)}
        times["updateTime"] = timestamp(self.clock())
        return self.store.put(name, {**run, **times, "name": name, "state": "PENDING"})

    def _submit(self, name: str) -> None:
        with self._lock:
            if self._stopped:
                return
            self._running = [one for one in self._running if not one.done()]
            work = self._pool.submit(self._run, name)
            self._running.append(work)
        work.add_done_callback(partial(self._ended, name))

    def _ended(self, name: str, work: "Future[None]") -> None:
        """A fault of our own must not leave a run under way for ever."""
        error = None if work.cancelled() else work.exception()
        if error is not None:
            log.error("transfer run %s broke off", name, exc_info=error)
            self._end(name, 13, str(error))

    def _run(self, name: str) -> None:
        run = self._advance(name, state="RUNNING", startTime=timestamp(self.clock()))
        if run is None or self._engine is None:
            return
        parts = name.split("/")
        project = parts[1]
        place = parts[3] if parts[2] == "locations" else "us"
        run_time = _moment(run["runTime"])
        assert run_time is not None, "every run has a time"
        job_id = f"scheduled_query_{parts[-1]}"
        self._log(name, "INFO", f"Starting to process the query; its job is {job_id}.")
        location = place.upper() if place in ("us", "eu") else place
        try:
            job = self._engine.run_job(
                project, job_id, location, scheduled_query.job(project, run, run_time)
            )
        except ValueError as error:
            self._end(name, 3, str(error))
            return
        failure = job["status"].get("errorResult")
        if failure:
            self._end(name, _CODES.get(failure["reason"], 13), failure["message"])
        else:
            self._log(name, "INFO", "The transfer run has completed successfully.")
            self._finish(name, state="SUCCEEDED")

    def _end(self, name: str, code: int, message: str) -> None:
        self._log(name, "ERROR", message)
        self._finish(name, state="FAILED", errorStatus={"code": code, "message": message})

    def _finish(self, name: str, **changes: object) -> None:
        run = self._advance(name, endTime=timestamp(self.clock()), **changes)
        with self.store.transaction():
            config = self.store.get(name.rsplit("/", 2)[0])
            if run is not None and config is not None:
                kept = {key: value for key, value in config.items() if key != "error"}
                error = {"error": run["errorStatus"]} if "errorStatus" in run else {}
                self.store.put(config["name"], {**kept, **error, "state": run["state"]})

    def _advance(self, name: str, **changes: object) -> Json | None:
        with self.store.transaction():
            run = self.store.get(name)
            if run is None or run["state"] not in UNFINISHED:
                return None
            return self.store.put(name, {**run, **changes, "updateTime": timestamp(self.clock())})

    def _log(self, name: str, severity: str, text: str) -> None:
        with self.store.transaction():
            if self.store.get(name) is None:
                return
            count = len(self.store.under(name, "transferLogs"))
            message = {"messageTime": timestamp(self.clock()), "severity": severity}
            self.store.put(f"{name}/transferLogs/{count}", {**message, "messageText": text})

    def _deleting_run(self, call: Call, run: Json) -> None:
        if run["state"] in UNFINISHED:
            raise ApiError(
                "FAILED_PRECONDITION", f"{run['name']} is {run['state']}: wait until it is over."
            )

    # ------------------------------------------------------------ methods
    def _start_manual_runs(self, call: Call) -> Json:
        config = self._of_runs(call)
        moment = _moment(call.body.get("requestedRunTime"))
        window = call.body.get("requestedTimeRange")
        if (moment is None) == (window is None):
            raise ApiError(
                "INVALID_ARGUMENT", "Set either requested_run_time or requested_time_range."
            )
        if moment is not None:
            return self._begun(config, [moment])
        return self._begun(config, self._between(config, window or {}))

    def _schedule_runs(self, call: Call) -> Json:
        config = self._of_runs(call)
        return self._begun(config, self._between(config, call.body))

    def _of_runs(self, call: Call) -> Json:
        config = call.resource()
        if config["dataSourceId"] != DATA_SOURCE:
            raise ApiError(
                "UNIMPLEMENTED",
                f"Runs of data source {config['dataSourceId']} are not implemented by the local "
                f"cloud; it runs {DATA_SOURCE}.",
            )
        return config

    def _between(self, config: Json, window: Json) -> list[datetime]:
        start, end = _moment(window.get("startTime")), _moment(window.get("endTime"))
        if start is None or end is None or start >= end:
            raise ApiError(
                "INVALID_ARGUMENT", "A time range needs start_time and a later end_time."
            )
        found = schedule.parse(_schedule(config))
        if isinstance(found, schedule.Interval) and found.window is None:
            moments: list[datetime] = []
            moment = start
            while moment < end and len(moments) <= MOST_RUNS:
                moments.append(moment)
                moment += found.length
            return moments
        moments, moment = [], found.after(start - timedelta(microseconds=1), start)
        while moment < end and len(moments) <= MOST_RUNS:
            moments.append(moment)
            moment = found.after(moment, start)
        return moments

    def _begun(self, config: Json, moments: Sequence[datetime]) -> Json:
        present = self.clock()
        if any(moment > present for moment in moments):
            raise ApiError("INVALID_ARGUMENT", "A run time must not be in the future.")
        if len(moments) > MOST_RUNS:
            raise ApiError(
                "INVALID_ARGUMENT", f"The range holds more than {MOST_RUNS} runs; ask for less."
            )
        runs = [self._new_run(config, moment, present) for moment in moments]
        for run in runs:
            # It waits for the store until this request's transaction is over.
            self._submit(run["name"])
        shown = [self.plane.document.schema.render("TransferRun", run) for run in runs]
        return {"runs": shown} if shown else {}

    def _list_configs(self, call: Call) -> Json:
        parent = call.name.rsplit("/", 1)[0]
        wanted = _values(call.query.get("dataSourceIds"))
        found = [
            config
            for config in self.store.under(parent, "transferConfigs")
            if not wanted or config["dataSourceId"] in wanted
        ]
        return self.plane.standard.listed(call, found, "transferConfigs")

    def _list_runs(self, call: Call) -> Json:
        parent = call.name.rsplit("/", 1)[0]
        call.resource(parent)
        wanted = _values(call.query.get("states"))
        found = [
            run for run in self.store.under(parent, "runs") if not wanted or run["state"] in wanted
        ]
        if call.query.get("runAttempt") == "LATEST":
            latest = {run["runTime"][:10]: run for run in reversed(found)}
            found = [run for run in found if latest[run["runTime"][:10]] is run]
        return self.plane.standard.listed(call, found, "runs")

    def _list_logs(self, call: Call) -> Json:
        parent = call.name.rsplit("/", 1)[0]
        call.resource(parent)
        wanted = _values(call.query.get("messageTypes"))
        found = [
            message
            for message in reversed(self.store.under(parent, "transferLogs"))
            if not wanted or message["severity"] in wanted
        ]
        schema = self.plane.document.schema
        shown, token = page(found, call.query, asked=f"{call.name}{wanted}")
        messages = [schema.render("TransferMessage", message) for message in shown]
        return {
            **({"transferMessages": messages} if messages else {}),
            **({"nextPageToken": token} if token else {}),
        }


def _values(given: object) -> list[str]:
    if given is None:
        return []
    return [str(one) for one in given] if isinstance(given, (list, tuple)) else [str(given)]


def _account(call: Call, body: Json) -> Json:
    name = call.query.get("serviceAccountName")
    return {**body, "ownerInfo": {"email": name}} if name else body


def _options(config: Json) -> Json:
    second = config.get("scheduleOptionsV2") or {}
    if "manualSchedule" in second:
        return {"disableAutoScheduling": True}
    return second.get("timeBasedSchedule") or config.get("scheduleOptions") or {}


def _schedule(config: Json) -> str:
    return str(_options(config).get("schedule") or config.get("schedule") or DEFAULT_SCHEDULE)


def _with_next(config: Json, moment: datetime | None) -> Json:
    kept = {key: value for key, value in config.items() if key != "nextRunTime"}
    return kept if moment is None else {**kept, "nextRunTime": timestamp(moment)}


def _moment(text: object) -> datetime | None:
    return datetime.fromisoformat(str(text)).astimezone(UTC) if text else None
