"""Jobs: started once under the caller's id, watched, cancelled."""

import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

from bqvertex.clients.bigquery import refusals
from bqvertex.clients.bigquery.google_client.session import (
    REQUEST_TIMEOUT_S,
    Session,
    first_words,
)
from bqvertex.clients.bigquery.service import CopyRequest, Job, LoadRequest, QueryRequest
from bqvertex.clients.errors import DeadlineExceeded

if TYPE_CHECKING:
    from google.cloud import bigquery
    from google.cloud.bigquery.job import CopyJob, LoadJob, QueryJob, UnknownJob

    AnyJob = QueryJob | LoadJob | CopyJob | UnknownJob

# A training of a second and one of an hour are both looked at often enough and not too often: its
# end is seen late by a tenth of what it took, and by five seconds at the most.
FIRST_POLL_S, POLL_SHARE, LAST_POLL_S = 0.25, 0.1, 5.0
ENDED_TRIAL = frozenset({"SUCCEEDED", "FAILED", "INFEASIBLE", "STOPPED_EARLY"})


class Jobs(Session):
    """The calls on jobs."""

    def start_query(self, request: QueryRequest) -> Job:
        """See `BigQuery.start_query`."""
        from google.api_core.exceptions import Conflict
        from google.cloud import bigquery

        config = bigquery.QueryJobConfig(
            labels=dict(request.labels), use_legacy_sql=False, use_query_cache=False
        )
        if request.maximum_bytes_billed is not None:
            config.maximum_bytes_billed = request.maximum_bytes_billed
        _limit_time(config, request.timeout_s)
        with self._translated("run", first_words(request.sql)):
            try:
                job = self._client(request.project).query(
                    request.sql,
                    job_config=config,
                    job_id=request.job_id,
                    location=request.location,
                    project=request.project,
                    retry=self._retry(),
                    # A job that failed keeps its id; another attempt is the caller's.
                    job_retry=None,
                    timeout=REQUEST_TIMEOUT_S,
                )
            except Conflict:
                return self._attached(request)
        return _job(job)

    def start_load(self, request: LoadRequest) -> Job:
        """See `BigQuery.start_load`."""
        from google.api_core.exceptions import Conflict, NotFound

        with self._translated("load", request.table):
            # Asked before the upload: a job that is there already needs no bytes sent again.
            try:
                return self._attached(request, retry_missing=False)
            except NotFound:
                pass
            try:
                with request.open() as stream:
                    job = self._client(request.project).load_table_from_file(
                        stream,
                        request.table,
                        job_id=request.job_id,
                        location=request.location,
                        project=request.project,
                        job_config=_load_config(request),
                        timeout=REQUEST_TIMEOUT_S,
                    )
            except Conflict:
                return self._attached(request)
        return _job(job)

    def start_model_copy(self, request: CopyRequest) -> Job:
        """See `BigQuery.start_model_copy`."""
        from google.api_core.exceptions import Conflict
        from google.cloud import bigquery

        # To the API a model is a table here: `configuration.copy` has no field for models,
        # https://docs.cloud.google.com/bigquery/docs/managing-models#copy-model
        config = bigquery.CopyJobConfig(
            create_disposition=bigquery.CreateDisposition.CREATE_IF_NEEDED,
            write_disposition=(
                bigquery.WriteDisposition.WRITE_TRUNCATE
                if request.replace
                else bigquery.WriteDisposition.WRITE_EMPTY
            ),
            labels=dict(request.labels),
        )
        _limit_time(config, request.timeout_s)
        with self._translated("copy", f"model {request.source} to {request.destination}"):
            try:
                job = self._client(request.project).copy_table(
                    request.source,
                    request.destination,
                    job_id=request.job_id,
                    location=request.location,
                    project=request.project,
                    job_config=config,
                    retry=self._retry(),
                    timeout=REQUEST_TIMEOUT_S,
                )
            except Conflict:
                return self._attached(request)
        return _job(job)

    def job(self, project: str, location: str, job_id: str) -> Job:
        """See `BigQuery.job`."""
        job = Job(job_id=job_id, project=project, location=location)
        with self._translated("look at", f"job {job_id} of {project}"):
            return _job(self._get_job(job), attached=True)

    def watch(self, job: Job, deadline_s: float) -> Iterator[Job]:
        """See `BigQuery.watch`."""
        started = time.monotonic()
        while not job.done:
            elapsed_s = time.monotonic() - started
            if elapsed_s > deadline_s:
                raise DeadlineExceeded(
                    f"wait for job {job.job_id} of {job.project}: not done after {deadline_s:.0f} "
                    "s; it goes on at BigQuery, and running this again attaches to it"
                )
            self._sleep(min(max(FIRST_POLL_S, elapsed_s * POLL_SHARE), LAST_POLL_S))
            with self._translated("look at", f"job {job.job_id} of {job.project}"):
                job = _job(self._get_job(job), attached=job.attached)
            yield job

    def cancel(self, job: Job) -> None:
        """See `BigQuery.cancel`."""
        with self._translated("cancel", f"job {job.job_id} of {job.project}"):
            self._client(job.project).cancel_job(
                job.job_id,
                project=job.project,
                location=job.location,
                retry=self._retry(),
                timeout=REQUEST_TIMEOUT_S,
            )

    def _attached(
        self, request: QueryRequest | LoadRequest | CopyRequest, *, retry_missing: bool = True
    ) -> Job:
        job = Job(job_id=request.job_id, project=request.project, location=request.location)
        return _job(self._get_job(job, retry_missing=retry_missing), attached=True)

    def _get_job(self, job: Job, *, retry_missing: bool = False) -> "AnyJob":
        return cast(
            "AnyJob",
            self._client(job.project).get_job(
                job.job_id,
                project=job.project,
                location=job.location,
                retry=self._retry(also_missing=retry_missing),
                timeout=REQUEST_TIMEOUT_S,
            ),
        )


def _limit_time(
    config: "bigquery.QueryJobConfig | bigquery.LoadJobConfig | bigquery.CopyJobConfig",
    timeout_s: float | None,
) -> None:
    if timeout_s is not None:
        config.job_timeout_ms = int(timeout_s * 1000)


def _load_config(request: LoadRequest) -> "bigquery.LoadJobConfig":
    from google.cloud import bigquery

    config = bigquery.LoadJobConfig(
        source_format=request.source_format,
        schema=[bigquery.SchemaField.from_api_repr(dict(field)) for field in request.schema],
        create_disposition=bigquery.CreateDisposition.CREATE_IF_NEEDED,
        write_disposition=(
            bigquery.WriteDisposition.WRITE_TRUNCATE
            if request.truncate
            else bigquery.WriteDisposition.WRITE_EMPTY
        ),
        labels=dict(request.labels),
    )
    if request.source_format == "CSV":
        config.skip_leading_rows = request.skip_leading_rows
        config.field_delimiter = request.field_delimiter
        config.allow_quoted_newlines = True
        if request.null_marker is not None:
            config.null_marker = request.null_marker
    if request.clustering_fields:
        config.clustering_fields = list(request.clustering_fields)
    if request.time_partitioning:
        config.time_partitioning = bigquery.TimePartitioning.from_api_repr(
            dict(request.time_partitioning)
        )
    _limit_time(config, request.timeout_s)
    return config


def _job(job: "AnyJob", *, attached: bool = False) -> Job:
    failure = job.error_result
    # The library has no property for the statistics of training, nor for a load's bytes while it
    # runs; `_properties` is the resource as BigQuery sent it.
    statistics: Mapping[str, Any] = job._properties.get("statistics", {})
    query = statistics.get("query", {})
    training = query.get("mlStatistics", {})
    iterations = training.get("iterationResults", [])
    loss = iterations[-1].get("trainingLoss") if iterations else None
    return Job(
        job_id=str(job.job_id),
        project=str(job.project),
        location=str(job.location),
        done=job.state == "DONE",
        error=(
            refusals.job_error(str(failure.get("reason", "")), str(failure.get("message", "")))
            if failure
            else None
        ),
        created=job.created,
        ended=job.ended,
        bytes_processed=int(
            query.get("totalBytesProcessed")
            or statistics.get("load", {}).get("inputFileBytes")
            or statistics.get("totalBytesProcessed")
            or 0
        ),
        attached=attached,
        iterations=len(iterations),
        max_iterations=int(training["maxIterations"]) if training.get("maxIterations") else None,
        loss=None if loss is None else float(loss),
        trials=sum(
            trial.get("status") in ENDED_TRIAL for trial in training.get("hparamTrials", [])
        ),
        labels=dict(job.labels or {}),
    )
