"""Model Monitoring v2 (v1beta1): monitors, jobs that compute drift, and their results.

Source: https://cloud.google.com/vertex-ai/docs/model-monitoring/overview
"""

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from functools import partial

from localcloud.cloud import Cloud
from localcloud.discovery.call import Call, Collection, Handler
from localcloud.discovery.page import page
from localcloud.errors import ApiError, Json
from localcloud.ports import BigQueryEngine
from localcloud.store import now, timestamp

log = logging.getLogger(__name__)

UNFINISHED = ("JOB_STATE_PENDING", "JOB_STATE_RUNNING")
JOB_ID = r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?"


class Monitors:
    """Monitors and their jobs; one job runs at a time, in a thread of its own.

    Args:
        cloud: What all services share.
        engine: Gives BigQuery, which holds baselines and targets.
    """

    def __init__(self, cloud: Cloud, engine: Callable[[], BigQueryEngine]) -> None:
        self.cloud = cloud
        self.store = cloud.store
        self.engine = engine
        self.over: Callable[[], None] = lambda: None
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="monitoring")

    def close(self) -> None:
        """Let the running job end and drop the waiting ones."""
        self._worker.shutdown(wait=True, cancel_futures=True)

    def join(self) -> None:
        """Wait until every job that was begun is over."""
        self._worker.submit(lambda: None).result()

    def resume(self) -> None:
        """Begin again what a killed server had not finished."""
        for job in self.store.every("modelMonitoringJobs"):
            if job["state"] in UNFINISHED:
                self._start(job["name"])

    def collections(self, prefix: str) -> dict[str, Collection]:
        """The generated collections."""
        return {
            "modelMonitors": Collection(
                message=f"{prefix}ModelMonitor",
                noun="ModelMonitor",
                id_parameter="modelMonitorId",
                id_pattern=JOB_ID,
                creating=self._creating_monitor,
            ),
            "modelMonitoringJobs": Collection(
                message=f"{prefix}ModelMonitoringJob",
                noun="ModelMonitoringJob",
                id_parameter="modelMonitoringJobId",
                id_pattern=JOB_ID,
                creating=self._creating_job,
                deleting=self._deleting_job,
            ),
        }

    def handlers(self) -> dict[str, Handler]:
        """Handlers by the last two parts of the method id."""
        return {
            "modelMonitors.searchModelMonitoringStats": self._search_stats,
            "modelMonitors.searchModelMonitoringAlerts": self._search_alerts,
        }

    # ------------------------------------------------------------ rules
    def _creating_monitor(self, call: Call, body: Json) -> Json:
        source = body.get("modelMonitoringTarget", {}).get("vertexModel", {})
        model, version = str(source.get("model", "")), str(source.get("modelVersionId", ""))
        if not model:
            raise ApiError(
                "INVALID_ARGUMENT",
                "model_monitor.model_monitoring_target.vertex_model.model must be set.",
            )
        if self.store.get(model) is None:
            raise ApiError("NOT_FOUND", f"The Model {model} does not exist.")
        if version and self.store.get(f"{model}/versions/{version}") is None:
            raise ApiError("NOT_FOUND", f"The Model {model} has no version {version!r}.")
        return body

    def _creating_job(self, call: Call, body: Json) -> Json:
        from localcloud.vertex import drift

        monitor = call.resource(call.name.rsplit("/", 1)[0])
        drift.plan(monitor, body, self.store.get)
        # The thread waits for the store until this request's transaction is over.
        self._start(body["name"])
        return {**body, "state": "JOB_STATE_PENDING"}

    def _deleting_job(self, call: Call, resource: Json) -> None:
        if resource["state"] in UNFINISHED:
            raise ApiError(
                "FAILED_PRECONDITION",
                f"{resource['name']} is {resource['state']}: wait until it is over.",
            )

    # ------------------------------------------------------------ schedules
    def check_scheduled(self, request: Json) -> None:
        """Refuse a schedule whose jobs could not run."""
        self._scheduled(request, {"createTime": now()})

    def begin_scheduled(self, request: Json, schedule: str, present: datetime) -> str:
        """Begin a job of a schedule; gives its name."""
        moment = timestamp(present)
        times = {"createTime": moment, "updateTime": moment}
        job = self._scheduled(request, {**times, "schedule": schedule})
        # Numbered by the time, so that one run is not begun twice.
        name = f"{request['parent']}/modelMonitoringJobs/{int(present.timestamp() * 1000)}"
        if self.store.get(name) is None:
            self.store.put(name, {**job, "name": name, "state": "JOB_STATE_PENDING"})
            self._start(name)
        return name

    def active(self, schedule: str) -> int:
        """How many jobs of a schedule are not over."""
        return sum(
            job.get("schedule") == schedule and job["state"] in UNFINISHED
            for job in self.store.every("modelMonitoringJobs")
        )

    def _scheduled(self, request: Json, more: Json) -> Json:
        from localcloud.vertex import drift

        monitor = self.store.get(str(request.get("parent", "")))
        if monitor is None or "/modelMonitors/" not in monitor["name"]:
            raise ApiError("NOT_FOUND", f"The ModelMonitor {request.get('parent')} does not exist.")
        job = {**request.get("modelMonitoringJob", {}), **more}
        drift.plan(monitor, job, self.store.get)
        return job

    # ------------------------------------------------------------ running
    def _start(self, name: str) -> None:
        self._worker.submit(self._run, name).add_done_callback(partial(self._ended, name))

    def _ended(self, name: str, work: Future[None]) -> None:
        """A fault of our own must not leave a job running for ever."""
        error = None if work.cancelled() else work.exception()
        if error is not None:
            log.error("monitoring job %s broke off", name, exc_info=error)
            self._advance(name, state="JOB_STATE_FAILED", **_failed(error))
        self.over()

    def _run(self, name: str) -> None:
        from localcloud.vertex import drift

        job = self._advance(name, state="JOB_STATE_RUNNING")
        if job is None:
            return
        monitor = self.store.get(name.rsplit("/", 2)[0])
        if monitor is None:
            return
        try:
            planned = drift.plan(monitor, job, self.store.get)
            results = drift.compute(self.engine(), self.store, planned, name)
        except (ApiError, ValueError, LookupError, ArithmeticError, RuntimeError) as error:
            log.warning("monitoring job %s failed: %s", name, error)
            self._advance(name, state="JOB_STATE_FAILED", **_failed(error))
        else:
            self._advance(name, state="JOB_STATE_SUCCEEDED", **results)

    def _advance(self, name: str, **changes: object) -> Json | None:
        with self.store.transaction():
            job = self.store.get(name)
            if job is None or job["state"] not in UNFINISHED:
                return None
            return self.store.put(name, {**job, **changes, "updateTime": now()})

    # ------------------------------------------------------------ results
    def _jobs(self, call: Call) -> list[Json]:
        call.resource()
        return self.store.under(call.name, "modelMonitoringJobs")

    def _search_stats(self, call: Call) -> Json:
        wanted = call.body.get("statsFilter", {}).get("tabularStatsFilter", {})
        series: dict[tuple[str, str], list[Json]] = {}
        for job in self._jobs(call):
            if wanted.get("modelMonitoringJob") not in (None, "", job["name"]):
                continue
            for stats in job.get("localStats", []):
                point = stats["point"]
                if (
                    wanted.get("statsName") in (None, "", stats["statsName"])
                    and wanted.get("objectiveType") in (None, "", stats["objectiveType"])
                    and wanted.get("algorithm") in (None, "", point["algorithm"])
                    and _within(point["createTime"], call.body.get("timeInterval"))
                    and wanted.get("modelMonitoringSchedule") in (None, "", job.get("schedule"))
                ):
                    key = stats["objectiveType"], stats["statsName"]
                    schedule = {"schedule": job["schedule"]} if job.get("schedule") else {}
                    series.setdefault(key, []).append({**point, **schedule})
        found: list[Json] = [
            {
                "tabularStats": {
                    "statsName": name,
                    "objectiveType": objective,
                    "dataPoints": sorted(points, key=lambda p: str(p["createTime"]), reverse=True),
                }
            }
            for (objective, name), points in sorted(series.items())
        ]
        shown, token = page(found, call.body, asked=f"{call.name}{wanted}")
        return {"monitoringStats": list(shown), **({"nextPageToken": token} if token else {})}

    def _search_alerts(self, call: Call) -> Json:
        body = call.body
        found: list[Json] = [
            alert
            for job in self._jobs(call)
            if body.get("modelMonitoringJob") in (None, "", job["name"])
            for alert in job.get("localAlerts", [])
            if body.get("statsName") in (None, "", alert["statsName"])
            and body.get("objectiveType") in (None, "", alert["objectiveType"])
            and _within(alert["alertTime"], body.get("alertTimeInterval"))
        ]
        found.sort(key=lambda alert: str(alert["alertTime"]), reverse=True)
        asked = f"{call.name}{body.get('modelMonitoringJob')}{body.get('statsName')}"
        shown, token = page(found, body, asked=asked)
        return {
            "modelMonitoringAlerts": list(shown),
            "totalNumberAlerts": str(len(found)),
            **({"nextPageToken": token} if token else {}),
        }


def _within(moment: str, interval: Json | None) -> bool:
    if not interval:
        return True
    # All stored times are UTC with microseconds; one without a fraction sorts before `.`.
    start, end = interval.get("startTime", ""), interval.get("endTime", "")
    key = moment.rstrip("Z")
    return (not start or key >= start.rstrip("Z")) and (not end or key < end.rstrip("Z"))


def _failed(error: BaseException) -> Json:
    status = (
        error.operation_error()
        if isinstance(error, ApiError)
        else {"code": 3 if isinstance(error, ValueError) else 13, "message": str(error)}
    )
    return {"jobExecutionDetail": {"error": status}}
