"""Model Monitoring v1: jobs that watch what an endpoint is asked.

Source: https://cloud.google.com/vertex-ai/docs/model-monitoring/using-model-monitoring-v1
"""

import logging
import random
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import Any

from localcloud.cloud import Cloud
from localcloud.discovery.call import Call, Collection, Handler
from localcloud.errors import ApiError, Json
from localcloud.ports import BigQueryEngine
from localcloud.store import timestamp
from localcloud.vertex import anomaly_search
from localcloud.vertex.serving_log import ServingLog, table_of

log = logging.getLogger(__name__)

KIND = "modelDeploymentMonitoringJobs"
RUNS = "localRuns"
PENDING, RUNNING, PAUSED = "JOB_STATE_PENDING", "JOB_STATE_RUNNING", "JOB_STATE_PAUSED"
FIRST_REQUESTS = 1000
"""Requests from which a job without a schema learns one."""


class DeploymentMonitoring:
    """`modelDeploymentMonitoringJobs` of every location.

    Args:
        cloud: What all services share.
        engine: Gives BigQuery, which holds the logged requests.
    """

    def __init__(self, cloud: Cloud, engine: Callable[[], BigQueryEngine]) -> None:
        self.cloud = cloud
        self.store = cloud.store
        self.engine = engine
        self.wake: Callable[[], None] = lambda: None
        self.requests = ServingLog(engine)
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="monitoring-v1")

    def close(self) -> None:
        """Write the log; let the running analysis end and drop the waiting ones."""
        self._worker.shutdown(wait=True, cancel_futures=True)
        self.requests.close()

    def join(self) -> None:
        """Wait until every analysis that was begun is over."""
        self._worker.submit(lambda: None).result()

    def resume(self) -> None:
        """Begin again the analyses that a killed server had not finished."""
        for job in self.store.every(KIND):
            if due := job.get("localRunning"):
                self._start(job["name"], datetime.fromisoformat(due))

    def collections(self, prefix: str) -> dict[str, Collection]:
        """The generated collection."""
        return {
            KIND: Collection(
                message=f"{prefix}ModelDeploymentMonitoringJob",
                noun="ModelDeploymentMonitoringJob",
                creating=self._creating,
                updating=self._updating,
                deleting=self._deleting,
                children="take",
            )
        }

    def handlers(self) -> dict[str, Handler]:
        """Handlers by the last two parts of the method id."""
        return {
            f"{KIND}.pause": self._pause,
            f"{KIND}.resume": self._resume,
            f"{KIND}.searchModelDeploymentMonitoringStatsAnomalies": self._search,
        }

    # ------------------------------------------------------------ rules
    def _creating(self, call: Call, body: Json) -> Json:
        endpoint = self.store.get(body["endpoint"])
        if endpoint is None:
            raise ApiError("NOT_FOUND", f"The Endpoint {body['endpoint']} does not exist.")
        if endpoint.get("modelDeploymentMonitoringJob"):
            raise ApiError(
                "ALREADY_EXISTS",
                f"The Endpoint {endpoint['name']} has the monitoring job "
                f"{endpoint['modelDeploymentMonitoringJob']} already.",
            )
        self._check(body, endpoint)
        self.store.put(endpoint["name"], {**endpoint, "modelDeploymentMonitoringJob": body["name"]})
        self.requests.open(endpoint["name"], table_of(endpoint["name"]))
        table = {
            "logSource": "SERVING",
            "logType": "PREDICT",
            "bigqueryTablePath": f"bq://{table_of(endpoint['name'])}",
            "requestResponseLoggingSchemaVersion": "v1",
        }
        return self._begun({**body, "bigqueryTables": [table], "localRequests": 0})

    def _check(self, body: Json, endpoint: Json) -> None:
        from localcloud.vertex import deployment_drift

        for field in ("predictInstanceSchemaUri", "analysisInstanceSchemaUri"):
            if body.get(field):
                raise ApiError(
                    "UNIMPLEMENTED",
                    f"{field} is not read by the local cloud: give sample_predict_instance, or "
                    f"let the schema be taken from the first {FIRST_REQUESTS} requests.",
                )
        deployed = {d["id"] for d in endpoint.get("deployedModels", [])}
        for config in body["modelDeploymentMonitoringObjectiveConfigs"]:
            if config.get("deployedModelId") not in deployed:
                raise ApiError(
                    "INVALID_ARGUMENT",
                    f"deployed_model_id {config.get('deployedModelId')!r} is not deployed on "
                    f"{endpoint['name']}; deployed: {', '.join(sorted(deployed)) or 'nothing'}.",
                )
        deployment_drift.plan(body)
        deployment_drift.sample_rate(body["loggingSamplingStrategy"], None)
        for name in ("monitorInterval", "monitorWindow"):
            deployment_drift.span(body, name)

    def _begun(self, job: Json) -> Json:
        """A job that runs if its schema is known, or else waits for requests."""
        from localcloud.vertex import deployment_drift

        job = {key: value for key, value in job.items() if key != "nextScheduleTime"}
        if job.get("samplePredictInstance") is not None:
            try:
                job["localFeatures"] = deployment_drift.features_of(job["samplePredictInstance"])
            except ValueError as error:
                raise ApiError("INVALID_ARGUMENT", f"sample_predict_instance: {error}") from error
        if not job.get("localFeatures"):
            return {**job, "state": PENDING, "scheduleState": "PENDING"}
        due = self.cloud.clock() + deployment_drift.span(job, "monitorInterval")
        self.wake()
        return {
            **job,
            "state": RUNNING,
            "scheduleState": "OFFLINE",
            "nextScheduleTime": timestamp(due),
        }

    def _updating(self, call: Call, before: Json, after: Json) -> Json:
        if after["endpoint"] != before["endpoint"]:
            raise ApiError(
                "INVALID_ARGUMENT", "The endpoint of a monitoring job cannot be changed."
            )
        endpoint = self.store.get(after["endpoint"])
        self._check(after, endpoint or {"name": after["endpoint"]})
        schedule = "modelDeploymentMonitoringScheduleConfig"
        if after[schedule] != before[schedule] and after["state"] == RUNNING:
            return self._begun(after)
        return after

    def _deleting(self, call: Call, resource: Json) -> None:
        if resource["state"] != PAUSED:
            raise ApiError(
                "FAILED_PRECONDITION",
                f"{resource['name']} is {resource['state']}: pause it before deleting it.",
            )
        endpoint = self.store.get(resource["endpoint"])
        if endpoint and endpoint.pop("modelDeploymentMonitoringJob", None):
            self.store.put(endpoint["name"], endpoint)

    def _pause(self, call: Call) -> Json:
        job = call.resource()
        if job["state"] == PAUSED:
            raise ApiError("FAILED_PRECONDITION", f"{call.name} is paused already.")
        job.pop("nextScheduleTime", None)
        self.store.put(call.name, {**job, "state": PAUSED})
        return {}

    def _resume(self, call: Call) -> Json:
        job = call.resource()
        if job["state"] != PAUSED:
            raise ApiError(
                "FAILED_PRECONDITION",
                f"{call.name} is {job['state']}: only one that is {PAUSED} can be resumed.",
            )
        self.store.put(call.name, self._begun(job))
        return {}

    # ------------------------------------------------------------ requests
    def saw(
        self, endpoint: Json, deployed: str, instances: Sequence[Any], predictions: Sequence[Any]
    ) -> None:
        """Log a request, if the endpoint is monitored and the sample takes it."""
        name = endpoint.get("modelDeploymentMonitoringJob")
        job = self.store.get(name) if name else None
        if job is None or job["state"] == PAUSED:
            return
        strategy = job["loggingSamplingStrategy"]["randomSampleConfig"]
        if random.random() >= float(strategy["sampleRate"]):
            return
        present = self.cloud.clock()
        name, table = endpoint["name"], table_of(endpoint["name"])
        self.requests.record(name, table, deployed, present, instances, predictions)
        if job["state"] == PENDING:
            self._learn(job["name"], instances)

    def _learn(self, name: str, instances: Sequence[Any]) -> None:
        with self.store.transaction():
            job = self.store.get(name)
            if job is None or job["state"] != PENDING:
                return
            known = dict.fromkeys(job.get("localSeen", []))
            for instance in instances:
                known |= dict.fromkeys(instance)
            job |= {"localRequests": job["localRequests"] + 1, "localSeen": list(known)}
            if job["localRequests"] >= FIRST_REQUESTS:
                job = self._begun({**job, "localFeatures": job["localSeen"]})
            self.store.put(name, job)

    # ------------------------------------------------------------ running
    def tick(self) -> datetime | None:
        """Begin the analyses that are due; tells when the next one is."""
        from localcloud.vertex import deployment_drift

        present = self.cloud.clock()
        times = []
        with self.store.transaction():
            for job in self.store.every(KIND):
                if job["state"] != RUNNING or "nextScheduleTime" not in job:
                    continue
                due = following = datetime.fromisoformat(job["nextScheduleTime"])
                while following <= present:
                    following += deployment_drift.span(job, "monitorInterval")
                if following != due:
                    begun = {"scheduleState": "RUNNING", "localRunning": timestamp(due)}
                    changed = {**job, **begun, "nextScheduleTime": timestamp(following)}
                    self.store.put(job["name"], changed)
                    self._start(job["name"], due)
                times.append(following)
        return min(times, default=None)

    def _start(self, name: str, due: datetime) -> None:
        work = self._worker.submit(self._run, name, due)
        work.add_done_callback(partial(self._ended, name, due))

    def _ended(self, name: str, due: datetime, work: Future[None]) -> None:
        """A fault of our own must not leave an analysis running for ever."""
        error = None if work.cancelled() else work.exception()
        if error is not None:
            log.error("monitoring job %s broke off", name, exc_info=error)
            self._finish(name, due, {"code": 13, "message": str(error)}, [])

    def _run(self, name: str, due: datetime) -> None:
        from localcloud.vertex import deployment_drift
        from localcloud.vertex.monitoring_input import Room

        job = self.store.get(name)
        if job is None:
            return
        self.requests.flush()
        room = Room(self.engine(), self.store, name.split("/")[1])
        length = deployment_drift.span(job, "monitorWindow")
        rows: list[Json] = []
        status: Json = {"code": 0}
        try:
            for each in deployment_drift.plan(job):
                rows += deployment_drift.compute(
                    room, job["endpoint"], each, job["localFeatures"], due, length
                )
        except (ApiError, ValueError, LookupError, ArithmeticError) as error:
            log.warning("monitoring job %s failed: %s", name, error)
            code = error.operation_error()["code"] if isinstance(error, ApiError) else 3
            status = {"code": code, "message": str(error)}
        self._finish(name, due, status, rows)

    def _finish(self, name: str, due: datetime, status: Json, rows: Sequence[Json]) -> None:
        with self.store.transaction():
            job = self.store.get(name)
            if job is None:
                return
            run = f"{name}/{RUNS}/{int(due.timestamp() * 1000)}"
            self.store.put(run, {"name": run, "localRows": list(rows)})
            job.pop("localRunning", None)
            metadata = {"runTime": timestamp(due), "status": status}
            self.store.put(
                name,
                {**job, "scheduleState": "OFFLINE", "latestMonitoringPipelineMetadata": metadata},
            )
        anomalies = [row for row in rows if anomaly_search.is_anomaly(row)]
        if job.get("enableMonitoringPipelineLogs") or job.get("modelMonitoringAlertConfig", {}).get(
            "enableLogging"
        ):
            log.info("monitoring job %s: %s, anomalies: %s", name, status, anomalies)

    def _search(self, call: Call) -> Json:
        job = call.resource()
        rows = [row for run in self.store.under(call.name, RUNS) for row in run["localRows"]]
        return anomaly_search.search(job, rows, call.body)
