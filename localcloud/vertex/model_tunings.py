"""Tuning jobs of Gemini: states, a registered model and an endpoint; nothing is learnt.

https://cloud.google.com/vertex-ai/generative-ai/docs/models/gemini-use-supervised-tuning
"""

import json

from localcloud.cloud import Cloud
from localcloud.discovery.call import Call, Collection, Handler, new_id
from localcloud.errors import ApiError, Json, Violation, invalid
from localcloud.storage.stored_file import stored_file
from localcloud.store import now
from localcloud.vertex.job_runs import JobRuns
from localcloud.vertex.models import Models

JOBS_AT_A_TIME = 2
BASE_MODEL = "localBaseModel"
"""The field of an endpoint that tells what the stand-in on it stands in for."""


class ModelTunings:
    """Tuning jobs of every location.

    Args:
        cloud: What all services share.
        models: Where tuned models are registered.
    """

    def __init__(self, cloud: Cloud, models: Models) -> None:
        self.cloud = cloud
        self.store = cloud.store
        self.models = models
        self.runs = JobRuns(self.store, "tuningJobs", "JOB_STATE", self._work, JOBS_AT_A_TIME)

    def collections(self, prefix: str) -> dict[str, Collection]:
        """The generated collection."""
        return {
            "tuningJobs": Collection(
                message=f"{prefix}TuningJob", noun="TuningJob", creating=self._creating
            )
        }

    def handlers(self) -> dict[str, Handler]:
        """Handlers by the last two parts of the method id."""
        return {"tuningJobs.cancel": self.runs.cancel}

    def _creating(self, call: Call, body: Json) -> Json:
        spec = body.get("supervisedTuningSpec")
        if not spec:
            raise ApiError(
                "UNIMPLEMENTED",
                "The local cloud has tuning jobs with supervisedTuningSpec only.",
            )
        base = body.get("baseModel", "")
        if not base.startswith("gemini-"):
            raise _wrong("base_model", f"{base!r} is not a Gemini model such as gemini-2.5-flash")
        for field in ("trainingDatasetUri", "validationDatasetUri"):
            uri = spec.get(field, "")
            if (uri or field == "trainingDatasetUri") and not uri.startswith("gs://"):
                raise _wrong(f"supervised_tuning_spec.{field}", f"{uri!r} does not begin gs://")
        self.runs.begin(body["name"])
        return {**body, "state": "JOB_STATE_PENDING"}

    def _work(self, job: Json) -> Json:
        spec = job["supervisedTuningSpec"]
        examples = self._examples(spec["trainingDatasetUri"])
        if spec.get("validationDatasetUri"):
            self._examples(spec["validationDatasetUri"])
        self.runs.stop_if_asked(job["name"])
        location = job["name"].rsplit("/", 2)[0]
        label = job.get("tunedModelDisplayName") or f"tuned {job['baseModel']}"
        model, endpoint = f"{location}/models/{new_id()}", f"{location}/endpoints/{new_id()}"
        deployed = new_id()
        with self.store.transaction():
            version = self.models.add_version(
                model, {"displayName": label}, {"modelSourceInfo": {"sourceType": "GENIE"}}, []
            )
            self.store.put(
                endpoint,
                {
                    "name": endpoint,
                    "displayName": label,
                    "createTime": now(),
                    "updateTime": now(),
                    BASE_MODEL: job["baseModel"],
                    "deployedModels": [
                        {
                            "id": deployed,
                            "model": model,
                            "modelVersionId": str(version["versionId"]),
                            "displayName": label,
                            "createTime": now(),
                        }
                    ],
                    "trafficSplit": {deployed: 100},
                },
            )
        return {
            "tunedModel": {"model": f"{model}@{version['versionId']}", "endpoint": endpoint},
            "tuningDataStats": {
                "supervisedTuningDataStats": {"tuningDatasetExampleCount": str(len(examples))}
            },
        }

    def _examples(self, uri: str) -> list[Json]:
        text = stored_file(self.store, uri).read_text("utf-8")
        found = []
        for number, line in enumerate(text.splitlines(), start=1):
            try:
                example = json.loads(line)
                turns = example["contents"]
            except (ValueError, KeyError, TypeError) as error:
                raise ApiError(
                    "INVALID_ARGUMENT", f"{uri}:{number} is no JSON object with contents."
                ) from error
            if not turns or turns[-1].get("role") != "model":
                raise ApiError(
                    "INVALID_ARGUMENT", f"{uri}:{number}: the last of contents is not the model's."
                )
            found.append(example)
        if not found:
            raise ApiError("INVALID_ARGUMENT", f"{uri} has no examples.")
        return found


def _wrong(field: str, description: str) -> ApiError:
    return invalid([Violation(f"tuning_job.{field}", f"{field}: {description}.")])
