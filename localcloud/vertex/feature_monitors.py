"""Feature monitors (v1beta1): how far a group's values are from those of the run before.

Source: https://cloud.google.com/vertex-ai/docs/featurestore/latest/monitor-features
"""

import hashlib
import logging
import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from localcloud.cloud import Cloud
from localcloud.discovery.call import Call, Collection, Handler
from localcloud.errors import ApiError, Json
from localcloud.store import timestamp
from localcloud.vertex import cron, payload
from localcloud.vertex.feature_store import ID, FeatureStore

log = logging.getLogger(__name__)

MONITORS, JOBS = "featureMonitors", "featureMonitorJobs"
DEFAULT_THRESHOLD = 0.3
"""Where a feature has none: `FeatureConfig.drift_threshold`."""
TRIGGER = "FEATURE_MONITOR_JOB_TRIGGER"


class FeatureMonitors:
    """Monitors of feature groups and their jobs; one job runs at a time, in a thread of its own.

    A job keeps the values it saw, so that the next one is compared with them whatever becomes of
    the table.

    Args:
        cloud: What all services share.
        features: Reads the groups.
    """

    def __init__(self, cloud: Cloud, features: FeatureStore) -> None:
        self.cloud = cloud
        self.store = cloud.store
        self.features = features
        self.folder = cloud.store.folder / "feature_monitors"
        self.wake: Callable[[], None] = lambda: None
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="feature-monitors")

    def close(self) -> None:
        """Let the running job end and drop the waiting ones."""
        self._worker.shutdown(wait=True, cancel_futures=True)

    def join(self) -> None:
        """Wait until every job that was begun is over."""
        self._worker.submit(lambda: None).result()

    def resume(self) -> None:
        """Begin again what a killed server had not finished."""
        for job in self.store.every(JOBS):
            if "finalStatus" not in job:
                self._start(job["name"])

    def collections(self, prefix: str) -> dict[str, Collection]:
        """The generated collections."""
        return {
            MONITORS: Collection(
                message=f"{prefix}FeatureMonitor",
                noun="FeatureMonitor",
                id_parameter="featureMonitorId",
                id_pattern=ID,
                creating=self._creating_monitor,
                updating=self._updating_monitor,
                deleting=self._deleting_monitor,
                children="take",
            ),
            JOBS: Collection(
                message=f"{prefix}FeatureMonitorJob",
                noun="FeatureMonitorJob",
                id_parameter="featureMonitorJobId",
                id_pattern=r"[1-9][0-9]{0,18}",
                creating=self._creating_job,
            ),
        }

    def handlers(self) -> dict[str, Handler]:
        """Handlers by method id: features of featurestores have the same last two parts."""
        place = "projects.locations.featureGroups.features"
        return {f"{place}.get": self._get_feature, f"{place}.list": self._list_features}

    # ------------------------------------------------------------ rules
    def _creating_monitor(self, call: Call, body: Json) -> Json:
        self._check(body)
        return self._planned(body)

    def _updating_monitor(self, call: Call, before: Json, after: Json) -> Json:
        self._check(after)
        return self._planned(after)

    def _check(self, monitor: Json) -> None:
        group = monitor["name"].split(f"/{MONITORS}/")[0]
        configs = monitor["featureSelectionConfig"].get("featureConfigs", [])
        if not configs:
            raise _wrong("feature_selection_config.feature_configs must not be empty.")
        for config in configs:
            name = f"{group}/features/{config.get('featureId')}"
            if self.store.get(name) is None:
                raise ApiError("NOT_FOUND", f"The Feature {name} does not exist.")
            threshold = config.get("driftThreshold", DEFAULT_THRESHOLD)
            if not 0 <= threshold < 1:
                raise _wrong(
                    f"drift_threshold of {config['featureId']} must be in [0, 1); got {threshold}."
                )

    def _planned(self, monitor: Json) -> Json:
        """A monitor with the time of its next job."""
        text = str(monitor["scheduleConfig"].get("cron") or "")
        if not text:
            raise _wrong("schedule_config.cron must be set.")
        try:
            due = cron.parse(text).after(self.cloud.clock())
        except ValueError as error:
            raise _wrong(f"schedule_config: {error}.") from error
        self.wake()
        return {**monitor, "localNextRun": due.isoformat()}

    def _deleting_monitor(self, call: Call, resource: Json) -> None:
        for job in self.store.under(resource["name"], JOBS):
            self._file(job["name"]).unlink(missing_ok=True)

    def _creating_job(self, call: Call, body: Json) -> Json:
        monitor = call.resource(call.name.rsplit("/", 1)[0])
        # The thread waits for the store until this request's transaction is over.
        self._start(body["name"])
        return self._new(monitor, body, "ON_DEMAND")

    def _new(self, monitor: Json, body: Json, trigger: str) -> Json:
        return {
            **body,
            "createTime": timestamp(self.cloud.clock()),
            "featureSelectionConfig": monitor["featureSelectionConfig"],
            "triggerType": f"{TRIGGER}_{trigger}",
        }

    # ------------------------------------------------------------ running
    def tick(self) -> datetime | None:
        """Begin the jobs that are due; tells when the next one is."""
        present = self.cloud.clock()
        times = []
        with self.store.transaction():
            for monitor in self.store.every(MONITORS):
                if datetime.fromisoformat(monitor["localNextRun"]) <= present:
                    name = f"{monitor['name']}/{JOBS}/{secrets.randbelow(8 * 10**18) + 10**18}"
                    self.store.put(name, self._new(monitor, {"name": name}, "PERIODIC"))
                    self._start(name)
                    monitor = self.store.put(monitor["name"], self._planned(monitor))
                times.append(datetime.fromisoformat(monitor["localNextRun"]))
        return min(times, default=None)

    def _start(self, name: str) -> None:
        self._worker.submit(self._run, name).add_done_callback(partial(self._ended, name))

    def _ended(self, name: str, work: Future[None]) -> None:
        """A fault of our own must not leave a job unfinished for ever."""
        error = None if work.cancelled() else work.exception()
        if error is not None:
            log.error("feature monitor job %s broke off", name, exc_info=error)
            self._finish(name, finalStatus={"code": 13, "message": str(error)})

    def _run(self, name: str) -> None:
        job = self.store.get(name)
        if job is None:
            return
        configs = job["featureSelectionConfig"]["featureConfigs"]
        try:
            columns = self._snapshot(
                name.split(f"/{MONITORS}/")[0], [str(config["featureId"]) for config in configs]
            )
            before = self._before(job)
            found = [
                self._compared(job, config, columns[config["featureId"]], before)
                for config in configs
            ]
        except ApiError as error:
            self._finish(name, finalStatus=error.operation_error())
        except (ValueError, LookupError, ArithmeticError) as error:
            log.warning("feature monitor job %s failed: %s", name, error)
            self._finish(name, finalStatus={"code": 3, "message": str(error)})
        else:
            self._write(name, columns)
            base = before[0]
            compared = (
                {
                    "driftBaseFeatureMonitorJobId": base["name"].rsplit("/", 1)[1],
                    "driftBaseSnapshotTime": base["createTime"],
                }
                if base
                else {}
            )
            self._finish(
                name,
                finalStatus={"code": 0},
                jobSummary={"featureStatsAndAnomalies": found},
                **compared,
            )

    def _finish(self, name: str, **changes: object) -> None:
        with self.store.transaction():
            job = self.store.get(name)
            if job is not None and "finalStatus" not in job:
                self.store.put(name, {**job, **changes})

    def _snapshot(self, group: str, features: Sequence[str]) -> dict[str, pa.ChunkedArray]:
        rows = self.features.snapshot(group, features)
        if not rows:
            raise ValueError(f"{group} has no rows.")
        return {name: _column([values.get(name) for values in rows.values()]) for name in features}

    def _before(self, job: Json) -> tuple[Json, pa.Table | None]:
        """The latest job before one that has its values, and these."""
        from pyarrow import parquet

        earlier = [
            other
            for other in self.store.under(job["name"].rsplit("/", 2)[0], JOBS)
            if other["createTime"] < job["createTime"] and self._file(other["name"]).exists()
        ]
        if not earlier:
            return {}, None
        latest = max(earlier, key=lambda other: str(other["createTime"]))
        return latest, parquet.read_table(self._file(latest["name"]))

    def _compared(
        self, job: Json, config: Json, column: pa.ChunkedArray, before: tuple[Json, pa.Table | None]
    ) -> Json:
        from localcloud.vertex import deployment_drift, distribution

        feature = str(config["featureId"])
        threshold = float(config.get("driftThreshold", DEFAULT_THRESHOLD))
        found: Json = {
            "featureId": feature,
            "featureMonitorId": job["name"].split("/")[-3],
            "featureMonitorJobId": job["name"].rsplit("/", 1)[1],
            "featureStats": distribution.of_numbers(feature, column, column)[0]
            if distribution.is_number(column.type)
            else distribution.of_categories(feature, column),
            "driftDetectionThreshold": threshold,
            "driftDetected": False,
            "statsTime": job["createTime"],
        }
        table = before[1]
        if table is not None and feature in table.column_names:
            deviation = deployment_drift.distance(feature, table.column(feature), column)
            found |= {
                "distributionDeviation": deviation,
                "driftDetected": bool(deviation > threshold),
            }
        return found

    def _write(self, name: str, columns: dict[str, pa.ChunkedArray]) -> None:
        from pyarrow import parquet

        self.folder.mkdir(parents=True, exist_ok=True)
        # Elements of repeated features are more than the rows of the others.
        longest = max(len(column) for column in columns.values())
        padded = {
            key: pa.chunked_array(
                [*column.chunks, pa.nulls(longest - len(column), column.type)], column.type
            )
            for key, column in columns.items()
        }
        parquet.write_table(pa.table(padded), self._file(name))

    def _file(self, job: str) -> Path:
        return self.folder / f"{hashlib.sha256(job.encode()).hexdigest()[:32]}.parquet"

    # ------------------------------------------------------------ what features show
    def _get_feature(self, call: Call) -> Json:
        asked = "featureStatsAndAnomalySpec"
        count = int(call.query.get(f"{asked}.latestStatsCount") or 0)
        start, end = (
            _moment(call.query.get(f"{asked}.statsTimeRange.{bound}"))
            for bound in ("startTime", "endTime")
        )
        feature = call.plane.standard.shown(call, call.resource())
        if not (count or start or end):
            return feature
        found = [
            stats
            for stats in self._stats(call.name)
            if (start is None or datetime.fromisoformat(stats["statsTime"]) >= start)
            and (end is None or datetime.fromisoformat(stats["statsTime"]) < end)
        ]
        return _with(feature, found[: count or None])

    def _list_features(self, call: Call) -> Json:
        count = int(call.query.get("latestStatsCount") or 0)
        reply = call.plane.standard.listing(call)
        if count:
            for feature in reply.get("features", []):
                name = self.cloud.projects.inward(feature["name"])
                feature |= _with(feature, self._stats(name)[:count])
        return reply

    def _stats(self, feature: str) -> list[Json]:
        """What every monitor of the group found of a feature, the latest first."""
        group, identifier = feature.split("/features/")
        found: list[Json] = [
            stats
            for monitor in self.store.under(group, MONITORS)
            for job in self.store.under(monitor["name"], JOBS)
            for stats in job.get("jobSummary", {}).get("featureStatsAndAnomalies", [])
            if stats["featureId"] == identifier
        ]
        return sorted(found, key=lambda stats: str(stats["statsTime"]), reverse=True)


def _with(feature: Json, stats: Sequence[Json]) -> Json:
    return {**feature, **({"featureStatsAndAnomaly": list(stats)} if stats else {})}


def _column(values: Sequence[Any]) -> pa.ChunkedArray:
    return payload.column(
        [
            value
            if value is None or isinstance(value, (bool, int, float, str, list))
            else str(value)
            for value in values
        ]
    )


def _wrong(message: str) -> ApiError:
    return ApiError("INVALID_ARGUMENT", message)


def _moment(text: Any) -> datetime | None:
    return datetime.fromisoformat(str(text)) if text else None
