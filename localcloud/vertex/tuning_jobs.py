"""Hyperparameter tuning jobs: trials that are custom jobs.

Source: https://cloud.google.com/vertex-ai/docs/training/using-hyperparameter-tuning
"""

import time
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

from localcloud.cloud import Cloud
from localcloud.discovery.call import Call, Collection, Handler
from localcloud.errors import ApiError, Json
from localcloud.store import now
from localcloud.vertex import persistent_resources, study, trial_measurement, worker_pool
from localcloud.vertex.custom_jobs import CustomJobs
from localcloud.vertex.job_runs import JobRuns

JOBS_AT_A_TIME = 2
TRIALS_AT_A_TIME = 4
"""Of one job, whatever its `parallelTrialCount` beyond."""


class TuningJobs:
    """Hyperparameter tuning jobs of every location.

    Args:
        cloud: What all services share.
        custom_jobs: Runs the trials.
    """

    def __init__(self, cloud: Cloud, custom_jobs: CustomJobs) -> None:
        self.store = cloud.store
        self.custom_jobs = custom_jobs
        self.runs = JobRuns(
            self.store, "hyperparameterTuningJobs", "JOB_STATE", self._work, JOBS_AT_A_TIME
        )

    def collections(self, prefix: str) -> dict[str, Collection]:
        """The generated collection."""
        return {
            "hyperparameterTuningJobs": Collection(
                message=f"{prefix}HyperparameterTuningJob",
                noun="HyperparameterTuningJob",
                creating=self._creating,
                deleting=self._deleting,
            )
        }

    def handlers(self) -> dict[str, Handler]:
        """Handlers by the last two parts of the method id."""
        return {"hyperparameterTuningJobs.cancel": self.runs.cancel}

    # ------------------------------------------------------------ rules
    def _creating(self, call: Call, body: Json) -> Json:
        check(body)
        persistent_resources.check_use(self.store, call.location, body["trialJobSpec"])
        self.runs.begin(body["name"])
        return {**body, "state": "JOB_STATE_PENDING"}

    def add(self, name: str, job: Json) -> None:
        """Keep a pending job that somebody else runs, by `runs.run`."""
        moment = now()
        times = {"createTime": moment, "updateTime": moment}
        pending = {"name": name, "state": "JOB_STATE_PENDING", "localParent": True}
        self.store.put(name, {**job, **times, **pending})

    def _deleting(self, call: Call, job: Json) -> None:
        self.runs.deleting(call, job)
        for trial in job.get("trials", []):
            self.custom_jobs.remove(trial["customJob"])

    # ------------------------------------------------------------ running
    def _work(self, job: Json) -> Json:
        name, asked = job["name"], study.Study(job["studySpec"])
        most, at_once = int(job["maxTrialCount"]), int(job["parallelTrialCount"])
        allowed = int(job.get("maxFailedTrialCount") or 0) or most
        begun = failed = 0
        active: dict[Future[Json], int] = {}
        trials: list[str] = []

        def stop() -> None:
            for custom_job in list(trials):
                self.custom_jobs.stop(custom_job)

        with ThreadPoolExecutor(TRIALS_AT_A_TIME, thread_name_prefix="trial") as pool:
            try:
                while True:
                    while begun < most and len(active) < min(at_once, TRIALS_AT_A_TIME):
                        parameters = asked.ask(begun + 1)
                        if parameters is None:
                            most = begun
                            break
                        begun += 1
                        trial = self._begin_trial(job, begun, parameters)
                        trials.append(trial["customJob"])
                        active[pool.submit(self._run_trial, job, trial)] = begun
                        # Said again for each, lest a cancel misses the newest.
                        self.runs.stops_with(name, stop)
                    if not active:
                        break
                    for done in wait(active, return_when=FIRST_COMPLETED).done:
                        found = done.result()
                        final = found.get("finalMeasurement")
                        asked.tell(active.pop(done), final and trial_measurement.values(final))
                        trials.remove(found["customJob"])
                        failed += final is None
                    self.runs.stop_if_asked(name)
                    if failed >= allowed:
                        raise ApiError(
                            "FAILED_PRECONDITION",
                            f"{failed} of {begun} trials failed; max_failed_trial_count allows "
                            f"{job.get('maxFailedTrialCount') or 'some, but not all'}.",
                        )
            finally:
                stop()
                wait(active)
                self.runs.stops_with(name, None)
        return {}

    def _begin_trial(self, job: Json, number: int, parameters: study.Parameters) -> Json:
        location = job["name"].rsplit("/", 2)[0]
        spec = trial_spec(job["trialJobSpec"], number, parameters)
        custom_job = self.custom_jobs.add(
            location,
            f"{job['displayName']}-trial-{number}",
            spec,
            environment={"CLOUD_ML_TRIAL_ID": str(number)},
        )
        trial = {
            "id": str(number),
            "state": "ACTIVE",
            "startTime": now(),
            "customJob": custom_job,
            "parameters": [{"parameterId": n, "value": v} for n, v in parameters.items()],
        }
        self._tell(job["name"], trial)
        return trial

    def _run_trial(self, job: Json, trial: Json) -> Json:
        started, spec = time.time(), job["studySpec"]
        self.custom_jobs.runs.run(trial["customJob"])
        done = self.store.get(trial["customJob"]) or {}
        trial = {**trial, "endTime": now()}
        try:
            if done.get("state") != "JOB_STATE_SUCCEEDED":
                reason = done.get("error", {}).get("message", "The trial's job was deleted.")
                raise trial_measurement.NoMeasurement(reason)
            file = self.custom_jobs.metric_file(trial["customJob"])
            metrics = [metric["metricId"] for metric in spec["metrics"]]
            found = trial_measurement.measurements(file, metrics, started)
            selection = spec.get("measurementSelectionType", "")
            trial |= {
                "state": "SUCCEEDED",
                "finalMeasurement": trial_measurement.final(found, spec["metrics"], selection),
                "measurements": found,
            }
        except trial_measurement.NoMeasurement as error:
            trial |= {"state": "INFEASIBLE", "infeasibleReason": str(error)}
        self._tell(job["name"], trial)
        return trial

    def _tell(self, name: str, trial: Json) -> None:
        with self.store.transaction():
            job = self.store.get(name)
            if job is None:
                return
            others = [known for known in job.get("trials", []) if known["id"] != trial["id"]]
            job["trials"] = sorted([*others, trial], key=lambda each: int(each["id"]))
            self.store.put(name, {**job, "updateTime": now()})


def check(job: Json, path: str = "hyperparameter_tuning_job") -> None:
    """Refuse a job that could not run.

    Args:
        job: A HyperparameterTuningJob.
        path: What the request calls it.

    Raises:
        ApiError: INVALID_ARGUMENT or UNIMPLEMENTED.
    """
    for key, said in (
        ("maxTrialCount", "max_trial_count"),
        ("parallelTrialCount", "parallel_trial_count"),
    ):
        if int(job.get(key) or 0) < 1:
            raise ApiError("INVALID_ARGUMENT", f"{path}.{said} must be 1 or more.")
    study.check(job["studySpec"])
    worker_pool.check(job["trialJobSpec"], f"{path}.trial_job_spec")


def trial_spec(spec: Json, number: int, parameters: Mapping[str, Any]) -> Json:
    """What a trial's job runs: the parameters come as arguments, the output goes below its id."""
    words = [f"--{name}={value}" for name, value in parameters.items()]
    pools = []
    for pool in spec["workerPoolSpecs"]:
        changed = dict(pool)
        for kind in ("containerSpec", "pythonPackageSpec"):
            if kind in changed:
                changed[kind] = {**changed[kind], "args": [*changed[kind].get("args", []), *words]}
        pools.append(changed)
    found = {**spec, "workerPoolSpecs": pools}
    if base := spec.get("baseOutputDirectory", {}).get("outputUriPrefix"):
        found["baseOutputDirectory"] = {"outputUriPrefix": f"{base.rstrip('/')}/{number}"}
    return found
