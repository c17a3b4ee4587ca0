"""Schedules: pipeline and monitoring jobs that are begun at times of unix-cron.

Source: https://cloud.google.com/vertex-ai/docs/pipelines/schedule-pipeline-run
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from localcloud.cloud import Cloud
from localcloud.discovery.call import Call, Collection, Handler
from localcloud.errors import ApiError, Json
from localcloud.store import timestamp
from localcloud.vertex import cron

log = logging.getLogger(__name__)

WORKS = (
    "createPipelineJobRequest",
    "createModelMonitoringJobRequest",
    "createNotebookExecutionJobRequest",
)


@dataclass(frozen=True)
class Work:
    """What a schedule can begin.

    Attributes:
        check: Refuses a request that could not run.
        begin: Request, name of the schedule, time -> name of what was begun.
        active: How many of a schedule's are unfinished.
    """

    check: Callable[[Json], None]
    begin: Callable[[Json, str, datetime], str]
    active: Callable[[str], int]


class Schedules:
    """Schedules of every location.

    A run that is due while as many are active as may be is left out, or with `allow_queueing`
    begun as soon as one of them ends. What became due while the local cloud was not running is
    begun once, at the start.

    Args:
        cloud: What all services share.
        works: What can be scheduled, by its field in a schedule.
        wake: Told that something new may be due.
    """

    def __init__(self, cloud: Cloud, works: Mapping[str, Work], wake: Callable[[], None]) -> None:
        self.cloud = cloud
        self.store = cloud.store
        self.works = works
        self.wake = wake

    def collections(self, prefix: str) -> dict[str, Collection]:
        """The generated collection."""
        return {
            "schedules": Collection(
                message=f"{prefix}Schedule",
                noun="Schedule",
                creating=self._creating,
                updating=self._updating,
            )
        }

    def handlers(self) -> dict[str, Handler]:
        """Handlers by the last two parts of the method id."""
        return {"schedules.pause": self._pause, "schedules.resume": self._resume}

    # ------------------------------------------------------------ rules
    def _work(self, schedule: Json) -> str:
        given = [name for name in WORKS if name in schedule]
        if len(given) != 1:
            raise _wrong(f"Give one of {', '.join(WORKS)} in a schedule; got {len(given)}.")
        if given[0] not in self.works:
            raise ApiError(
                "UNIMPLEMENTED",
                f"Schedules with {given[0]} are not run by the local cloud; those with "
                f"{', '.join(self.works)} are.",
            )
        return given[0]

    def _creating(self, call: Call, body: Json) -> Json:
        present = self.cloud.clock()
        body = {
            **body,
            "state": "ACTIVE",
            "startedRunCount": "0",
            "startTime": body.get("startTime") or timestamp(present),
        }
        self._check(body)
        return self._planned(body, present)

    def _updating(self, call: Call, before: Json, after: Json) -> Json:
        self._check(after)
        return self._planned(after, self.cloud.clock()) if after["state"] == "ACTIVE" else after

    def _check(self, schedule: Json) -> None:
        name = self._work(schedule)
        if int(schedule.get("maxConcurrentRunCount") or 0) < 1:
            raise _wrong("max_concurrent_run_count of a schedule must be 1 or more.")
        if not schedule.get("cron"):
            raise _wrong("cron of a schedule must be set.")
        start, end = _moment(schedule.get("startTime")), _moment(schedule.get("endTime"))
        if start and end and end <= start:
            raise _wrong("end_time of a schedule must be after its start_time.")
        try:
            cron.parse(schedule["cron"]).after(self.cloud.clock())
        except ValueError as error:
            raise _wrong(f"{error}.") from error
        self.works[name].check(schedule[name])

    def _planned(self, schedule: Json, moment: datetime) -> Json:
        """A schedule with the time of its next run, or ended."""
        schedule = {k: v for k, v in schedule.items() if k != "nextRunTime"}
        start, end = _moment(schedule.get("startTime")), _moment(schedule.get("endTime"))
        following = cron.parse(schedule["cron"]).after(max(moment, start or moment))
        most = int(schedule.get("maxRunCount") or 0)
        spent = most and int(schedule.get("startedRunCount") or 0) >= most
        self.wake()
        if spent or (end and following > end):
            return {**schedule, "state": "COMPLETED"}
        return {**schedule, "nextRunTime": timestamp(following)}

    def _pause(self, call: Call) -> Json:
        schedule = call.resource()
        if schedule["state"] != "ACTIVE":
            raise _unfit(schedule, "ACTIVE", "paused")
        schedule.update(state="PAUSED", lastPauseTime=timestamp(self.cloud.clock()))
        schedule["localDue"] = schedule.pop("nextRunTime", None)
        self.store.put(call.name, schedule)
        return {}

    def _resume(self, call: Call) -> Json:
        schedule = call.resource()
        if schedule["state"] != "PAUSED":
            raise _unfit(schedule, "PAUSED", "resumed")
        present = self.cloud.clock()
        catch_up = bool(call.body.get("catchUp"))
        due = _moment(schedule.pop("localDue", None))
        schedule.update(state="ACTIVE", lastResumeTime=timestamp(present), catchUp=catch_up)
        if catch_up and due and due < present:
            schedule["nextRunTime"] = timestamp(due)
            self.wake()
        else:
            schedule = self._planned(schedule, present)
        self.store.put(call.name, schedule)
        return {}

    # ------------------------------------------------------------ running
    def tick(self) -> datetime | None:
        """Begin what is due; tells when the next run is."""
        with self.store.transaction():
            for schedule in self.store.every("schedules"):
                if schedule["state"] == "ACTIVE":
                    self._run_due(schedule)
            times = [
                due
                for schedule in self.store.every("schedules")
                if (due := _moment(schedule.get("nextRunTime"))) and due > self.cloud.clock()
            ]
        return min(times, default=None)

    def _run_due(self, schedule: Json) -> None:
        present = self.cloud.clock()
        name = self._work(schedule)
        work = self.works[name]
        while (due := _moment(schedule.get("nextRunTime"))) and due <= present:
            full = work.active(schedule["name"]) >= int(schedule["maxConcurrentRunCount"])
            if full and (schedule.get("allowQueueing") or schedule.get("catchUp")):
                break
            if not full:
                schedule = self._begun(schedule, name, due, present)
            schedule = self._planned(schedule, due if schedule.get("catchUp") else present)
        self.store.put(schedule["name"], schedule)

    def _begun(self, schedule: Json, name: str, due: datetime, present: datetime) -> Json:
        count = int(schedule.get("startedRunCount") or 0) + 1
        response: Json = {"scheduledRunTime": timestamp(due)}
        try:
            response["runResponse"] = self.works[name].begin(
                schedule[name], schedule["name"], present
            )
        except ApiError as error:
            log.warning("a run of %s was refused: %s", schedule["name"], error)
            response["runResponse"] = error.message
        return {**schedule, "startedRunCount": str(count), "lastScheduledRunResponse": response}


def _wrong(message: str) -> ApiError:
    return ApiError("INVALID_ARGUMENT", message)


def _unfit(schedule: Json, wanted: str, what: str) -> ApiError:
    return ApiError(
        "FAILED_PRECONDITION",
        f"{schedule['name']} is {schedule['state']}: only one that is {wanted} can be {what}.",
    )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
