"""Training pipelines: a custom or tuning job, and the model that is uploaded of what it wrote.

Source: https://cloud.google.com/vertex-ai/docs/training/create-training-pipeline
"""

import re
from typing import Any

from localcloud.cloud import Cloud
from localcloud.discovery.call import Call, Collection, Handler, new_id
from localcloud.errors import ApiError, Json, invalid
from localcloud.storage import stored_file
from localcloud.vertex import persistent_resources, trial_measurement, tuning_jobs, worker_pool
from localcloud.vertex.custom_jobs import CustomJobs
from localcloud.vertex.job_runs import JobRuns
from localcloud.vertex.models import MODEL_ID, SHARED, Models
from localcloud.vertex.tuning_jobs import TuningJobs

PIPELINES_AT_A_TIME = 4
DEFINITIONS = "gs://google-cloud-aiplatform/schema/trainingjob/definition/"
CUSTOM = "custom_task_1.0.0.yaml"
TUNING = "hyperparameter_tuning_task_1.0.0.yaml"
INPUTS = "training_pipeline.training_task_inputs"


class TrainingPipelines:
    """Training pipelines of every location.

    Args:
        cloud: What all services share.
        custom_jobs: Runs custom tasks.
        tuning_jobs: Runs tuning tasks.
        models: Takes the models.
    """

    def __init__(
        self, cloud: Cloud, custom_jobs: CustomJobs, tuning_jobs: TuningJobs, models: Models
    ) -> None:
        self.store = cloud.store
        self.custom_jobs = custom_jobs
        self.tuning_jobs = tuning_jobs
        self.models = models
        self.runs = JobRuns(
            self.store, "trainingPipelines", "PIPELINE_STATE", self._work, PIPELINES_AT_A_TIME
        )

    def collections(self, prefix: str) -> dict[str, Collection]:
        """The generated collection."""
        return {
            "trainingPipelines": Collection(
                message=f"{prefix}TrainingPipeline",
                noun="TrainingPipeline",
                creating=self._creating,
                deleting=self.runs.deleting,
            )
        }

    def handlers(self) -> dict[str, Handler]:
        """Handlers by the last two parts of the method id."""
        return {"trainingPipelines.cancel": self.runs.cancel}

    # ------------------------------------------------------------ rules
    def _creating(self, call: Call, body: Json) -> Json:
        definition = _definition(body["trainingTaskDefinition"])
        schema, prefix = call.plane.document.schema, call.plane.prefix
        message = "CustomJobSpec" if definition == CUSTOM else "HyperparameterTuningJob"
        # They come as any JSON, in snake or camel case, with numbers as floating point.
        task = schema.parse(f"{prefix}{message}", plain(body["trainingTaskInputs"]), INPUTS)
        if definition == TUNING:
            task["displayName"] = body["displayName"]
        if missing := schema.missing(f"{prefix}{message}", task, INPUTS):
            raise invalid(missing)
        if definition == CUSTOM:
            worker_pool.check(task, INPUTS)
        else:
            tuning_jobs.check(task, INPUTS)
        spec = task.get("trialJobSpec", task)
        persistent_resources.check_use(self.store, call.location, spec)
        if "inputDataConfig" in body:
            raise ApiError(
                "UNIMPLEMENTED",
                "input_data_config: the local cloud has no managed datasets; let the program read "
                "its data itself.",
            )
        self._check_model(call, body, _base(task))
        self.runs.begin(body["name"])
        return {**body, "localTask": task, "state": "PIPELINE_STATE_PENDING"}

    def _check_model(self, call: Call, body: Json, base: str) -> None:
        if "modelToUpload" not in body:
            return
        if not base:
            raise _wrong(f"{INPUTS}: a model_to_upload needs base_output_directory.")
        parent, model_id = body.get("parentModel"), body.get("modelId")
        if parent and model_id:
            raise _wrong("Give parent_model (a new version) or model_id (a new model), not both.")
        if parent:
            self.models.find(parent)
        if model_id and not re.fullmatch(MODEL_ID, model_id):
            raise _wrong(
                f"Invalid model_id {model_id!r}: at most 63 of a-z, 0-9, _ and -, not starting "
                "with a digit or hyphen."
            )
        if model_id and self.store.get(f"{call.location}/models/{model_id}"):
            raise ApiError(
                "ALREADY_EXISTS",
                f"The Model {call.location}/models/{model_id} already exists: give parent_model "
                "to add a version.",
            )

    # ------------------------------------------------------------ running
    def _work(self, pipeline: Json) -> Json:
        if pipeline["trainingTaskDefinition"].endswith(TUNING):
            metadata, written = self._tune(pipeline)
        else:
            metadata, written = self._train(pipeline)
        found: Json = {"trainingTaskMetadata": metadata}
        if "modelToUpload" in pipeline:
            found["modelToUpload"] = self._uploaded(pipeline, written)
        return found

    def _train(self, pipeline: Json) -> tuple[Json, str]:
        location = pipeline["name"].rsplit("/", 2)[0]
        task = pipeline["localTask"]
        job = self.custom_jobs.add(location, f"{pipeline['displayName']}-custom-job", task)
        metadata = {"backingCustomJob": job}
        self._tell(pipeline["name"], metadata)
        self.runs.stops_with(pipeline["name"], lambda: self.custom_jobs.stop(job))
        try:
            self.custom_jobs.runs.run(job)
        finally:
            self.custom_jobs.stop(job)
            self.runs.stops_with(pipeline["name"], None)
        self._succeeded(pipeline["name"], job)
        return metadata, _base(task)

    def _tune(self, pipeline: Json) -> tuple[Json, str]:
        location, task = pipeline["name"].rsplit("/", 2)[0], pipeline["localTask"]
        job = f"{location}/hyperparameterTuningJobs/{new_id()}"
        self.tuning_jobs.add(job, task)
        metadata = {"backingHyperparameterTuningJob": job}
        self._tell(pipeline["name"], metadata)
        self.runs.stops_with(pipeline["name"], lambda: self._stop_tuning(job))
        try:
            self.tuning_jobs.runs.run(job)
        finally:
            self._stop_tuning(job)
            self.runs.stops_with(pipeline["name"], None)
        done = self._succeeded(pipeline["name"], job)
        best = best_trial(done["trials"], task["studySpec"]["metrics"][0])
        metadata["bestTrialBackingCustomJob"] = best["customJob"]
        return metadata, f"{_base(task)}/{best['id']}"

    def _stop_tuning(self, name: str) -> None:
        with self.store.transaction():
            if job := self.store.get(name):
                self.tuning_jobs.runs.stop(job)

    def _succeeded(self, name: str, job: str) -> Json:
        self.runs.stop_if_asked(name)
        done = self.store.get(job) or {}
        if done.get("state") != "JOB_STATE_SUCCEEDED":
            reason = done.get("error", {}).get("message", "it was deleted.")
            raise ApiError("INTERNAL", f"Training failed with {job}: {reason}")
        return done

    def _tell(self, name: str, metadata: Json) -> None:
        with self.store.transaction():
            if pipeline := self.store.get(name):
                self.store.put(name, {**pipeline, "trainingTaskMetadata": metadata})

    def _uploaded(self, pipeline: Json, written: str) -> Json:
        artifacts = f"{written}/model"
        if not stored_file.below(self.store, f"{artifacts}/"):
            raise ApiError("INVALID_ARGUMENT", f'There are no files under "{artifacts}" to copy.')
        model, location = pipeline["modelToUpload"], pipeline["name"].rsplit("/", 2)[0]
        shared = {k: v for k, v in model.items() if k in SHARED}
        fixed = {k: v for k, v in model.items() if k not in (*SHARED, "versionAliases", "etag")}
        fixed |= {
            "artifactUri": artifacts,
            "trainingPipeline": pipeline["name"],
            "modelSourceInfo": {"sourceType": "CUSTOM"},
        }
        with self.store.transaction():
            if parent := pipeline.get("parentModel"):
                name = self.models.find(parent)[0]["name"]
            else:
                name = f"{location}/models/{pipeline.get('modelId') or new_id()}"
            version = self.models.add_version(name, shared, fixed, model.get("versionAliases", []))
        return {**model, "artifactUri": artifacts, "name": name, "versionId": version["versionId"]}


def plain(value: Any) -> Any:
    """A google.protobuf.Value as JSON of messages: no nulls, whole numbers whole."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def best_trial(trials: list[Json], metric: Json) -> Json:
    """The trial that is best by a metric."""
    done = [trial for trial in trials if trial["state"] == "SUCCEEDED"]
    done.sort(
        key=lambda trial: trial_measurement.values(trial["finalMeasurement"])[metric["metricId"]]
    )
    return done[-1 if metric["goal"] == "MAXIMIZE" else 0]


def _base(task: Json) -> str:
    spec = task.get("trialJobSpec", task)
    return str(spec.get("baseOutputDirectory", {}).get("outputUriPrefix", "")).rstrip("/")


def _definition(uri: str) -> str:
    name = uri.removeprefix(DEFINITIONS)
    if name in (CUSTOM, TUNING):
        return name
    if uri.startswith(DEFINITIONS):
        raise ApiError(
            "UNIMPLEMENTED",
            f"The training task {name} is not run by the local cloud; {CUSTOM} and {TUNING} are.",
        )
    raise _wrong(
        f"training_task_definition {uri!r} is none of Google's: they begin with {DEFINITIONS}."
    )


def _wrong(message: str) -> ApiError:
    return ApiError("INVALID_ARGUMENT", message)
