"""Custom jobs, whose replicas run as processes of this machine.

Source: https://cloud.google.com/vertex-ai/docs/training/create-custom-job
"""

import json
import os
import shutil
import socket
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

import psutil

from localcloud.cloud import Cloud
from localcloud.discovery.call import Call, Collection, Handler, new_id
from localcloud.errors import ApiError, Json
from localcloud.store import now
from localcloud.vertex import persistent_resources, worker_environment, worker_package, worker_pool
from localcloud.vertex.job_runs import JobRuns
from localcloud.vertex.process_group import ProcessGroup, Program

JOBS_AT_A_TIME = 4
TOLD_OF_A_LOG = 1000
"""Characters of a failed replica's log that the job's error repeats."""
PROCESSES = "processes.json"


class CustomJobs:
    """Custom jobs of every location.

    The job succeeds when its primary replica ends with 0, and the others are ended then; it fails
    as soon as any replica ends with anything else.

    Args:
        cloud: What all services share.
    """

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.store = cloud.store
        self.folder = cloud.store.folder / "custom_jobs"
        self.runs = JobRuns(self.store, "customJobs", "JOB_STATE", self._work, JOBS_AT_A_TIME)

    def collections(self, prefix: str) -> dict[str, Collection]:
        """The generated collection."""
        return {
            "customJobs": Collection(
                message=f"{prefix}CustomJob",
                noun="CustomJob",
                creating=self._creating,
                deleting=self._deleting,
            )
        }

    def handlers(self) -> dict[str, Handler]:
        """Handlers by the last two parts of the method id."""
        return {"customJobs.cancel": self.runs.cancel}

    def resume(self) -> None:
        """Begin what had not begun; end what was under way, and its processes."""
        for job in self.store.every("customJobs"):
            if not self.runs.is_over(job):
                _kill_left(self._folder(job["name"]) / PROCESSES)
        self.runs.resume()

    # ------------------------------------------------------------ rules
    def _creating(self, call: Call, body: Json) -> Json:
        worker_pool.check(body["jobSpec"])
        persistent_resources.check_use(self.store, call.location, body["jobSpec"])
        self.runs.begin(body["name"])
        return {**body, "state": "JOB_STATE_PENDING"}

    def _deleting(self, call: Call, job: Json) -> None:
        self.runs.deleting(call, job)
        self._remove_folder(job["name"])

    def _remove_folder(self, name: str) -> None:
        shutil.rmtree(self._folder(name), ignore_errors=True)

    def _folder(self, name: str) -> Path:
        return self.folder / name.rsplit("/", 1)[1]

    # ------------------------------------------------------------ jobs of other jobs
    def add(
        self,
        location: str,
        display_name: str,
        spec: Json,
        *,
        environment: Mapping[str, str] = MappingProxyType({}),
        settings: Mapping[str, Any] = MappingProxyType({}),
    ) -> str:
        """Keep a pending job that somebody else runs, by `runs.run`; gives its name.

        Args:
            location: `projects/<id>/locations/<location>`.
            display_name: What it is called.
            spec: A CustomJobSpec that passed the check.
            environment: Variables that its replicas have besides.
            settings: Other fields of the job, such as its labels.
        """
        name = f"{location}/customJobs/{new_id()}"
        moment = now()
        times = {"createTime": moment, "updateTime": moment}
        told = {"localEnvironment": dict(environment), "localParent": True}
        job = {**settings, "name": name, "displayName": display_name, "jobSpec": spec}
        self.store.put(name, {**job, **times, **told, "state": "JOB_STATE_PENDING"})
        return name

    def stop(self, name: str) -> None:
        """Cancel a job, if it is there and not over."""
        with self.store.transaction():
            if job := self.store.get(name):
                self.runs.stop(job)

    def remove(self, name: str) -> None:
        """Delete a job that is over, if it is there."""
        self.store.delete(name)
        self._remove_folder(name)

    def metric_file(self, name: str) -> Path:
        """Where cloudml-hypertune writes what a job's replicas report."""
        return self._folder(name) / "hypertune" / "output.metrics"

    # ------------------------------------------------------------ running
    def _work(self, job: Json) -> Json:
        spec, folder = job["jobSpec"], self._folder(job["name"])
        group = ProcessGroup(self._programs(job, folder))
        self.runs.stops_with(job["name"], group.stop)
        try:
            try:
                group.start()
            except OSError as error:
                raise ApiError("FAILED_PRECONDITION", f"It cannot be started: {error}") from error
            _write_down(folder / PROCESSES, group.pids)
            self._watch(job["name"], spec, group)
        finally:
            group.stop()
            self.runs.stops_with(job["name"], None)
        return {}

    def _watch(self, name: str, spec: Json, group: ProcessGroup) -> None:
        limit = worker_pool.timeout(spec)
        deadline = time.monotonic() + limit
        while True:
            ended = group.next_ended(deadline - time.monotonic())
            self.runs.stop_if_asked(name)
            if ended is None:
                raise ApiError(
                    "DEADLINE_EXCEEDED", f"The job ran longer than its timeout of {limit:g} s."
                )
            if ended.code != 0:
                program = group.programs[ended.index]
                tail = program.log.read_text(errors="replace")[-TOLD_OF_A_LOG:]
                raise ApiError(
                    "INTERNAL",
                    f"The replica {program.folder.name} exited with a non-zero status of "
                    f"{ended.code}; its log {program.log} ends: {tail}",
                )
            if ended.index == 0:
                return

    def _programs(self, job: Json, folder: Path) -> list[Program]:
        spec = job["jobSpec"]
        _, project, _, _, _, job_id = job["name"].split("/")
        modules = {
            number: worker_package.unpack(
                self.store, task["packageUris"], folder / f"workerpool{number}-packages"
            )
            for number, pool in worker_pool.pools(spec)
            if (task := worker_pool.task(pool)).get("packageUris")
        }
        replicas = worker_pool.replicas(spec)
        addresses = _free_addresses(len(replicas))
        hidden = {
            "CLOUD_ML_HP_METRIC_FILE": str(self.metric_file(job["name"])),
            **job.get("localEnvironment", {}),
        }
        # Replicas that made it at the same time would fail.
        self.metric_file(job["name"]).parent.mkdir(parents=True, exist_ok=True)
        programs = []
        for replica in replicas:
            pool = spec["workerPoolSpecs"][replica.pool]
            home = folder / replica.title
            variables = {
                **worker_environment.environment(self.cloud, project, job_id, spec, home),
                **worker_pool.cluster(
                    spec, replica, addresses, str(hidden.get("CLOUD_ML_TRIAL_ID", ""))
                ),
                **_given(worker_pool.task(pool).get("env", [])),
                **hidden,
            }
            if found := modules.get(replica.pool):
                more = [variables["PYTHONPATH"]] if "PYTHONPATH" in variables else []
                variables["PYTHONPATH"] = os.pathsep.join([*map(str, found), *more])
            words = worker_pool.command(pool, sys.executable, worker_environment.path())
            # The program is looked for in this process's PATH otherwise.
            program = shutil.which(words[0], path=worker_environment.path()) or words[0]
            programs.append(Program([program, *words[1:]], variables, home))
        return programs


def _given(entries: list[Json]) -> Mapping[str, str]:
    return {entry["name"]: entry.get("value", "") for entry in entries}


def _free_addresses(count: int) -> list[str]:
    """Addresses at which replicas may listen; one might be taken before its replica does."""
    with ExitStack() as held:
        found = []
        for _ in range(count):
            probe = held.enter_context(socket.socket())
            probe.bind(("127.0.0.1", 0))
            found.append(f"127.0.0.1:{probe.getsockname()[1]}")
        return found


def _write_down(file: Path, pids: list[int]) -> None:
    told = []
    for pid in pids:
        with suppress(psutil.NoSuchProcess):
            told.append([pid, psutil.Process(pid).create_time()])
    file.write_text(json.dumps(told))


def _kill_left(file: Path) -> None:
    """End the processes that a killed local cloud left running."""
    if not file.exists():
        return
    for pid, created in json.loads(file.read_text()):
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(pid)
            # A pid may belong to somebody else by now.
            if abs(process.create_time() - created) < 1.0:
                for each in [*process.children(recursive=True), process]:
                    each.kill()
