"""Pipeline jobs: BigQuery's tasks run as its jobs, containers as local processes, one by one."""

import logging
import os
import subprocess
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from datetime import datetime
from functools import partial
from pathlib import Path

from localcloud.cloud import Cloud
from localcloud.discovery.call import Call, Collection, Handler
from localcloud.errors import ApiError, Json
from localcloud.ports import BigQueryEngine
from localcloud.store import now, timestamp
from localcloud.vertex import (
    bigquery_task,
    container_task,
    custom_job_task,
    pipeline_condition,
    pipeline_spec,
)
from localcloud.vertex.custom_jobs import CustomJobs
from localcloud.vertex.job_runs import Stopped
from localcloud.vertex.pipeline_spec import Values

log = logging.getLogger(__name__)

JOBS_AT_A_TIME = 4
UNFINISHED = (
    "PIPELINE_STATE_PENDING",
    "PIPELINE_STATE_RUNNING",
    "PIPELINE_STATE_CANCELLING",
)
STOPPED = "The local cloud stopped while this job was under way; run it again."


class _Stopped(Exception):
    """The job was cancelled, or the local cloud ends."""


class Pipelines:
    """Pipeline jobs of every location.

    A job that was running when the process died has failed: its tasks may have had their effect.

    Args:
        cloud: What all services share.
        engine: Gives BigQuery.
        custom_jobs: Runs the component that makes a custom job.
    """

    def __init__(
        self, cloud: Cloud, engine: Callable[[], BigQueryEngine], custom_jobs: CustomJobs
    ) -> None:
        self.cloud = cloud
        self.store = cloud.store
        self.engine = engine
        self.custom_jobs = custom_jobs
        self.over: Callable[[], None] = lambda: None
        self.folder = cloud.store.folder / "pipelines"
        self._pool = ThreadPoolExecutor(JOBS_AT_A_TIME, thread_name_prefix="pipeline")
        self._begun: list[Future[None]] = []
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._jobs: dict[str, str] = {}
        self._lock = threading.Lock()
        self._closing = False

    def collections(self, prefix: str) -> dict[str, Collection]:
        """The generated collection."""
        return {
            "pipelineJobs": Collection(
                message=f"{prefix}PipelineJob",
                noun="PipelineJob",
                id_parameter="pipelineJobId",
                id_pattern=r"[a-z][-a-z0-9]{0,127}",
                creating=self._creating,
                deleting=self._deleting,
            )
        }

    def handlers(self) -> dict[str, Handler]:
        """Handlers by the last two parts of the method id."""
        return {"pipelineJobs.cancel": self._cancel}

    # ------------------------------------------------------------ life
    def resume(self) -> None:
        """Begin what had not begun; end what was under way."""
        for job in self.store.every("pipelineJobs"):
            if job["state"] == "PIPELINE_STATE_PENDING":
                self._start(job["name"])
            elif job["state"] in UNFINISHED:
                self._end(job["name"], ValueError(STOPPED))

    def close(self) -> None:
        """Stop the jobs under way."""
        self._closing = True
        with self._lock:
            for process in self._processes.values():
                process.kill()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def join(self) -> None:
        """Wait until every job that was begun is over."""
        for job in list(self._begun):
            job.exception()

    # ------------------------------------------------------------ rules
    def _creating(self, call: Call, body: Json) -> Json:
        return self._accepted(body)

    def _accepted(self, body: Json) -> Json:
        self.check(body)
        self._start(body["name"])
        return {**body, "state": "PIPELINE_STATE_PENDING"}

    def check(self, job: Json) -> None:
        """Refuse a job that could not run."""
        if "pipelineSpec" not in job:
            raise ApiError(
                "UNIMPLEMENTED",
                "template_uri is not read by the local cloud: give the compiled pipeline_spec.",
            )
        pipeline_spec.check(job["pipelineSpec"])
        given = job.get("runtimeConfig", {}).get("parameterValues", {})
        pipeline_spec.parameters(job["pipelineSpec"], given)

    def _deleting(self, call: Call, resource: Json) -> None:
        if resource["state"] in UNFINISHED:
            raise ApiError(
                "FAILED_PRECONDITION",
                f"{resource['name']} is {resource['state']}: cancel it or wait until it is over.",
            )

    def _cancel(self, call: Call) -> Json:
        job = call.resource()
        if job["state"] in UNFINISHED:
            pending = job["state"] == "PIPELINE_STATE_PENDING"
            state = "PIPELINE_STATE_CANCELLED" if pending else "PIPELINE_STATE_CANCELLING"
            self.store.put(call.name, {**job, "state": state, "updateTime": now()})
            with self._lock:
                if process := self._processes.get(call.name):
                    process.kill()
                custom_job = self._jobs.get(call.name)
            if custom_job:
                self.custom_jobs.stop(custom_job)
        return {}

    # ------------------------------------------------------------ schedules
    def check_scheduled(self, request: Json) -> None:
        """Refuse a schedule whose jobs could not run."""
        self.check(request.get("pipelineJob", {}))

    def begin_scheduled(self, request: Json, schedule: str, present: datetime) -> str:
        """Begin a job of a schedule; gives its name."""
        moment = timestamp(present)
        job = request["pipelineJob"]
        name = str(job["pipelineSpec"]["pipelineInfo"].get("name", "pipeline"))
        identifier = f"{name}-{present:%Y%m%d%H%M%S}"
        located = "/".join(schedule.split("/")[:4])
        path = f"{located}/pipelineJobs/{identifier}-{schedule.rsplit('/', 1)[1]}"
        if self.store.get(path) is None:
            times = {"createTime": moment, "updateTime": moment, "scheduleName": schedule}
            self.store.put(path, self._accepted({**job, **times, "name": path}))
        return path

    def active(self, schedule: str) -> int:
        """How many jobs of a schedule are not over."""
        return sum(
            job.get("scheduleName") == schedule and job["state"] in UNFINISHED
            for job in self.store.every("pipelineJobs")
        )

    # ------------------------------------------------------------ running
    def _start(self, name: str) -> None:
        begun = self._pool.submit(self._run, name)
        self._begun = [job for job in self._begun if not job.done()] + [begun]
        begun.add_done_callback(partial(self._ended, name))

    def _ended(self, name: str, work: Future[None]) -> None:
        """A fault of our own must not leave a job running for ever."""
        if work.cancelled():
            return
        if error := work.exception():
            log.error("pipeline job %s broke off", name, exc_info=error)
            self._end(name, error)
        self.over()

    def _run(self, name: str) -> None:
        with self.store.transaction():
            job = self.store.get(name)
            if job is None or job["state"] != "PIPELINE_STATE_PENDING":
                return
            started = {"state": "PIPELINE_STATE_RUNNING", "startTime": now()}
            self.store.put(name, {**job, **started})
        spec = job["pipelineSpec"]
        given = job.get("runtimeConfig", {}).get("parameterValues", {})
        outer = Values(pipeline_spec.parameters(spec, given))
        try:
            failed = self._dag(job, spec["root"]["dag"], outer, "")[1]
        except _Stopped:
            self._end(name, ValueError(STOPPED))
        else:
            self._end(
                name, ValueError(f"The task(s) {', '.join(failed)} failed.") if failed else None
            )

    def _end(self, name: str, error: BaseException | None) -> None:
        with self.store.transaction():
            job = self.store.get(name)
            if job is None or job["state"] not in UNFINISHED:
                return
            if job["state"] == "PIPELINE_STATE_CANCELLING":
                state = "PIPELINE_STATE_CANCELLED"
            else:
                state = "PIPELINE_STATE_FAILED" if error else "PIPELINE_STATE_SUCCEEDED"
            if error and state == "PIPELINE_STATE_FAILED":
                job["error"] = {"code": 9, "message": str(error)}
            self.store.put(name, {**job, "state": state, "endTime": now(), "updateTime": now()})

    def _dag(self, job: Json, dag: Json, outer: Values, prefix: str) -> tuple[Values, list[str]]:
        """Run a group of tasks; gives its outputs and the tasks that failed."""
        spec, tasks = job["pipelineSpec"], dag["tasks"]
        fast = job.get("runtimeConfig", {}).get("failurePolicy") == (
            "PIPELINE_FAILURE_POLICY_FAIL_FAST"
        )
        done: dict[str, Values] = {}
        failed: list[str] = []
        for task_id in pipeline_spec.in_order(tasks):
            task, title = tasks[task_id], f"{prefix}{task_id}"
            strategy = task.get("triggerPolicy", {}).get("strategy")
            always = strategy == "ALL_UPSTREAM_TASKS_COMPLETED"
            ready = pipeline_spec.upstream(task) <= set(done)
            if not always and (not ready or (fast and failed)):
                self._tell(job["name"], title, state="NOT_TRIGGERED")
                continue
            part = pipeline_spec.component(spec, task)
            given = pipeline_spec.inputs(task, part, outer, done)
            if self._is_held(job["name"], title, task, given, failed):
                continue
            if "dag" in part:
                below, bad = self._dag(job, part["dag"], given, f"{title}/")
                failed += bad
                if not bad:
                    done[task_id] = below
                continue
            result = self._task(job, task, part, title, given)
            if result is None:
                failed.append(title)
            else:
                done[task_id] = result
        return pipeline_spec.outputs(dag, done), failed

    def _is_held(self, name: str, title: str, task: Json, given: Values, failed: list[str]) -> bool:
        """Whether a task's condition keeps it from running."""
        condition = task.get("triggerPolicy", {}).get("condition")
        if not condition:
            return False
        try:
            if pipeline_condition.holds(condition, given.parameters):
                return False
        except ValueError as error:
            failed.append(title)
            self._tell(name, title, state="FAILED", error={"code": 3, "message": str(error)})
            return True
        told = {"code": 9, "message": f"The condition {condition} is not met."}
        self._tell(name, title, state="NOT_TRIGGERED", error=told)
        return True

    def _task(self, job: Json, task: Json, part: Json, title: str, given: Values) -> Values | None:
        name = job["name"]
        attempts = int(task.get("retryPolicy", {}).get("maxRetryCount", 0)) + 1
        self._tell(name, title, state="RUNNING", startTime=now(), createTime=now())
        for attempt in range(1, attempts + 1):
            self._stop_if_asked(name)
            try:
                result = self._execute(job, part, title, given, attempt)
            except (ValueError, LookupError, OSError, ApiError) as error:
                self._stop_if_asked(name, title)
                log.warning("task %s of %s failed: %s", title, name, error)
                self._tell(name, title, state="FAILED", error={"code": 9, "message": str(error)})
            else:
                self._tell(name, title, state="SUCCEEDED", endTime=now(), **_told(given, result))
                return result
        self._tell(name, title, state="FAILED", endTime=now())
        return None

    def _stop_if_asked(self, name: str, title: str = "") -> None:
        job = self.store.get(name)
        if job is None or self._closing or job["state"] == "PIPELINE_STATE_CANCELLING":
            if title and job:
                self._tell(name, title, state="CANCELLED", endTime=now())
            raise _Stopped

    def _execute(self, job: Json, part: Json, title: str, given: Values, attempt: int) -> Values:
        _, project, _, location, _, job_id = job["name"].split("/")
        executor = pipeline_spec.executor_of(job["pipelineSpec"], part)
        if "importer" in executor:
            return pipeline_spec.imported(part, executor["importer"], given)
        container = executor["container"]
        facts = {
            "pipeline_job_name": job_id,
            "pipeline_job_uuid": job_id,
            "pipeline_job_resource_name": job["name"],
            "pipeline_task_name": title,
            "pipeline_task_uuid": title,
            "pipeline_google_cloud_project_id": project,
            "pipeline_google_cloud_location": location,
            "pipeline_root": str(job.get("runtimeConfig", {}).get("gcsOutputDirectory", "")),
        }
        given = Values(
            {
                key: pipeline_spec.filled(value, given, {}, facts)
                if isinstance(value, str)
                else value
                for key, value in given.parameters.items()
            },
            given.artifacts,
        )
        launcher = pipeline_spec.launcher(container)
        if launcher == pipeline_spec.CUSTOM_JOB:
            return self._custom_job(job["name"], given)
        if launcher:
            unique = f"{job_id}_{title.replace('/', '_')}_{attempt}_{os.urandom(3).hex()}"
            return bigquery_task.run(self.engine(), launcher, given, project, location, unique)
        folder = self.folder / job_id / title.replace("/", "_") / str(attempt)
        return self._process(job["name"], container, part, given, facts, folder)

    def _custom_job(self, name: str, given: Values) -> Values:
        def begun(custom_job: str) -> None:
            with self._lock:
                self._jobs[name] = custom_job
            self._stop_if_asked(name)

        try:
            return custom_job_task.run(
                self.custom_jobs, given, "/".join(name.split("/")[:4]), begun
            )
        except Stopped as error:
            raise _Stopped from error
        finally:
            with self._lock:
                self._jobs.pop(name, None)

    def _process(
        self,
        name: str,
        container: Json,
        part: Json,
        given: Values,
        facts: Mapping[str, str],
        folder: Path,
    ) -> Values:
        folder.mkdir(parents=True, exist_ok=True)
        declared = part.get("outputDefinitions", {}).get("parameters", {})
        files = {key: str(folder / "outputs" / key) for key in declared}
        (folder / "outputs").mkdir(exist_ok=True)
        made = container_task.artifacts_to_be(part, folder / "artifacts")
        facts = {**facts, "output_file": str(folder / "executor_output.json")}
        words = [
            pipeline_spec.filled(word, given, files, facts, made)
            for word in [*container["command"], *container.get("args", [])]
        ]
        environment = {"PATH": os.environ.get("PATH", ""), "HOME": str(folder)} | {
            entry["name"]: entry.get("value", "") for entry in container.get("env", [])
        }
        with (folder / "log").open("wb") as output:
            with self._lock:
                process = subprocess.Popen(
                    words, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT
                )
                self._processes[name] = process
            self._watch(name, process)
        if process.returncode != 0:
            tail = (folder / "log").read_text(errors="replace")[-1000:]
            raise ValueError(
                f"{words[0]} ended with {process.returncode}; its log {folder / 'log'} ends: {tail}"
            )
        missing = [key for key, file in files.items() if not Path(file).exists()]
        if missing:
            raise ValueError(f"it did not write its output {', '.join(missing)}")
        return Values(
            {key: container_task.read(Path(file), declared[key]) for key, file in files.items()},
            container_task.with_metadata(made, folder / "executor_output.json"),
        )

    def _watch(self, name: str, process: subprocess.Popen[bytes]) -> None:
        try:
            # A cancel between the last look and the start of the process would be lost otherwise.
            self._stop_if_asked(name)
            process.wait()
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            with self._lock:
                self._processes.pop(name, None)

    def _tell(self, name: str, title: str, **facts: object) -> None:
        with self.store.transaction():
            job = self.store.get(name)
            if job is None:
                return
            details = job.setdefault("jobDetail", {}).setdefault("taskDetails", [])
            known = next((d for d in details if d["taskName"] == title), None)
            if known is None:
                known = {"taskId": str(len(details) + 1), "taskName": title}
                details.append(known)
            known.update(facts)
            if facts.get("state") == "SUCCEEDED":
                known.pop("error", None)
            if state := facts.get("state"):
                status = {"state": state, "updateTime": now()}
                if "error" in facts:
                    status["error"] = facts["error"]
                known.setdefault("pipelineTaskStatus", []).append(status)
            self.store.put(name, job)


def _told(given: Values, result: Values) -> Json:
    """What a task's detail tells of what went in and came out."""
    metadata = {f"input:{key}": value for key, value in given.parameters.items()} | {
        f"output:{key}": value for key, value in result.parameters.items()
    }
    told: Json = {"execution": {"state": "COMPLETE", "metadata": metadata}}
    for side, values in (("inputs", given), ("outputs", result)):
        if found := asdict(values)["artifacts"]:
            told[side] = {key: {"artifacts": [artifact]} for key, artifact in found.items()}
    return told
