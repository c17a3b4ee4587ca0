"""Batch prediction jobs, with models of BigQuery ML.

Source: https://cloud.google.com/vertex-ai/docs/predictions/get-batch-predictions
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from localcloud.cloud import Cloud
from localcloud.discovery.call import Call, Collection, Handler
from localcloud.errors import ApiError, Json
from localcloud.ports import BigQueryEngine
from localcloud.storage import stored_file
from localcloud.vertex import batch_input, batch_output, model_capability
from localcloud.vertex.batch_output import Predicted
from localcloud.vertex.job_runs import JobRuns
from localcloud.vertex.models import Models
from localcloud.vertex.predictions import plain

JOBS_AT_A_TIME = 2
CHUNK_ROWS = 5_000
"""How many rows are scored at once; a cancel is looked for in between, and when none of a chunk
succeeds the rest is not tried."""
MOST_PARTIAL_FAILURES = 20


class BatchPredictions:
    """Batch prediction jobs of every location.

    Args:
        cloud: What all services share.
        models: The models.
        engine: Gives BigQuery, which predicts.
    """

    def __init__(self, cloud: Cloud, models: Models, engine: Callable[[], BigQueryEngine]) -> None:
        self.cloud = cloud
        self.store = cloud.store
        self.models = models
        self.engine = engine
        self.runs = JobRuns(
            self.store, "batchPredictionJobs", "JOB_STATE", self._work, JOBS_AT_A_TIME
        )

    def collections(self, prefix: str) -> dict[str, Collection]:
        """The generated collection."""
        return {
            "batchPredictionJobs": Collection(
                message=f"{prefix}BatchPredictionJob",
                noun="BatchPredictionJob",
                creating=self._creating,
                deleting=self.runs.deleting,
            )
        }

    def handlers(self) -> dict[str, Handler]:
        """Handlers by the last two parts of the method id."""
        return {"batchPredictionJobs.cancel": self.runs.cancel}

    # ------------------------------------------------------------ rules
    def _creating(self, call: Call, body: Json) -> Json:
        if "unmanagedContainerModel" in body or "endpoint" in body:
            raise ApiError(
                "UNIMPLEMENTED",
                "The local cloud predicts in batches with models of the registry: give model.",
            )
        reference = str(body.get("model", ""))
        if not reference:
            raise ApiError("INVALID_ARGUMENT", "batch_prediction_job.model must be set.")
        model, version = self.models.find(reference)
        if not model["name"].startswith(f"{call.location}/"):
            raise ApiError(
                "INVALID_ARGUMENT",
                f"The Model {model['name']} must be in the job's location, {call.location}.",
            )
        check(body, f"{model['name']}@{version['versionId']}", version)
        self.runs.begin(body["name"])
        return {
            **body,
            "state": "JOB_STATE_PENDING",
            "modelVersionId": version["versionId"],
            # Kept, for the version may be retrained and gone before the job has its turn.
            "localArtifactUri": version["localArtifactUri"],
            "localModelName": model.get("displayName", ""),
        }

    # ------------------------------------------------------------ running
    def _work(self, job: Json) -> Json:
        try:
            return self._predicted(job)
        except ValueError as error:
            raise ApiError("INVALID_ARGUMENT", str(error)) from error

    def _predicted(self, job: Json) -> Json:
        _, project, _, location, *_ = job["name"].split("/")
        engine, given = self.engine(), job["inputConfig"]
        config = batch_input.instance_config(
            job.get("instanceConfig", {}), given["instancesFormat"]
        )
        rows, table = batch_input.read(given, engine, self.store, project)
        if config.key and not all(config.key in row for row in rows):
            raise ValueError(
                f"instance_config.key_field {config.key!r} is no field of every instance."
            )
        predicted = Predicted(rows, table)
        instances = [config.instance(row) for row in rows]
        tried = 0
        for start in range(0, len(rows), CHUNK_ROWS):
            self.runs.stop_if_asked(job["name"])
            chunk = instances[start : start + CHUNK_ROWS]
            before = len(predicted.good)
            _score(engine, job["localArtifactUri"], chunk, start, predicted)
            tried = start + len(chunk)
            if len(predicted.good) == before:
                break
        stats = {
            "successfulCount": str(len(predicted.good)),
            "failedCount": str(len(predicted.bad)),
            "incompleteCount": str(len(rows) - tried),
        }
        self._tell(job["name"], completionStats=stats, **partial_failures(predicted))
        if rows and not predicted.good:
            raise ValueError(f"No instance could be predicted; the first: {predicted.bad[0][1]}")
        return {"outputInfo": self._written(job, location, predicted, config)}

    def _written(
        self,
        job: Json,
        location: str,
        predicted: Predicted,
        config: batch_input.InstanceConfig,
    ) -> Json:
        asked, moment = job["outputConfig"], datetime.now(UTC)
        model = {"displayName": job["localModelName"]}
        if asked["predictionsFormat"] == "bigquery":
            to = batch_output.tables(asked["bigqueryDestination"]["outputUri"], model, moment)
            batch_output.into_bigquery(self.engine(), to, location, predicted, config)
            return to.info()
        prefix = asked["gcsDestination"]["outputUriPrefix"]
        below = batch_output.folder(prefix, model, moment)
        form = asked["predictionsFormat"]
        kind = "text/csv" if form == "csv" else "text/plain"
        for name, data in batch_output.files(form, predicted, config).items():
            stored_file.write(self.store, self.cloud.base_url(), f"{below}/{name}", data, kind)
        return {"gcsOutputDirectory": below}

    def _tell(self, name: str, **facts: object) -> None:
        with self.store.transaction():
            if job := self.store.get(name):
                self.store.put(name, {**job, **facts})


def check(job: Json, name: str, version: Json) -> None:
    """Refuse a job that could not run.

    Args:
        job: A BatchPredictionJob.
        name: The version's name, for errors.
        version: The version of the model.

    Raises:
        ApiError: INVALID_ARGUMENT, FAILED_PRECONDITION or UNIMPLEMENTED.
    """
    formats = model_capability.batch_formats(version)
    if not formats:
        kind = version.get("bigqueryModelType") or "a reference model"
        raise ApiError(
            "FAILED_PRECONDITION",
            f"The Model {name} ({kind}) supports no input_storage_formats: it cannot be used with "
            "a BatchPredictionJob.",
        )
    batch_input.check(job["inputConfig"], formats)
    batch_output.check(job["outputConfig"], formats)
    batch_input.instance_config(
        job.get("instanceConfig", {}), job["inputConfig"]["instancesFormat"]
    )
    if not job.get("dedicatedResources", {}).get("machineSpec", {}).get("machineType"):
        raise ApiError(
            "INVALID_ARGUMENT",
            f"The Model {name} does not support AUTOMATIC_RESOURCES: dedicated_resources with "
            "machine_spec.machine_type must be set.",
        )
    if job.get("explanationSpec") and not job.get("generateExplanation"):
        raise ApiError(
            "INVALID_ARGUMENT", "explanation_spec can be set only with generate_explanation."
        )
    if job.get("generateExplanation"):
        raise ApiError(
            "UNIMPLEMENTED", "generate_explanation is not implemented by the local cloud."
        )
    if "localArtifactUri" not in version:
        raise ApiError(
            "UNIMPLEMENTED",
            f"The Model {name} is served by a container, which the local cloud does not run: it "
            "serves BigQuery ML models.",
        )


def partial_failures(predicted: Predicted) -> Json:
    """The job's `partialFailures`, one for each reason."""
    reasons = list(dict.fromkeys(reason for _, reason in predicted.bad))
    found = [{"code": 3, "message": reason} for reason in reasons[:MOST_PARTIAL_FAILURES]]
    return {"partialFailures": found} if found else {}


def _score(
    engine: BigQueryEngine,
    artifact: str,
    instances: Sequence[Json],
    start: int,
    into: Predicted,
) -> None:
    """Predict rows, halving them until those that fail are alone."""
    try:
        found = engine.predict(artifact, instances)
    except ValueError as error:
        if len(instances) == 1:
            into.bad.append((start, str(error)))
            return
        middle = len(instances) // 2
        _score(engine, artifact, instances[:middle], start, into)
        _score(engine, artifact, instances[middle:], start + middle, into)
    else:
        into.good += [(start + at, plain(answer)) for at, answer in enumerate(found)]
