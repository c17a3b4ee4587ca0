"""BigQuery through google-cloud-bigquery, which is imported by the first call and not before.

The library takes half a second and more to import; a preview that changes nothing never calls it.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from bqvertex.clients.bigquery import refusals
from bqvertex.clients.bigquery.service import Job, LiveModel, LiveTable, LoadRequest, QueryRequest
from bqvertex.clients.errors import DeadlineExceeded, FailedPrecondition
from bqvertex.clients.settings import CloudSettings

if TYPE_CHECKING:
    from google.api_core.retry import Retry
    from google.cloud import bigquery
    from google.cloud.bigquery.job import LoadJob, QueryJob, UnknownJob

REQUEST_TIMEOUT_S = 60.0
RETRY_DEADLINE_S = 120.0
# A training of a second and one of an hour are both looked at often enough and not too often.
FIRST_POLL_S, POLL_GROWTH, LAST_POLL_S = 0.1, 1.5, 5.0


class GoogleBigQuery:
    """Implements `bqvertex.clients.bigquery.BigQuery`. Threads may share one."""

    def __init__(
        self, settings: CloudSettings, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """Keep the settings; nothing is imported or connected yet.

        Args:
            settings: Where BigQuery answers.
            sleep: Waits between two looks at a job.
        """
        self._endpoint = settings.api_endpoint
        self._sleep = sleep
        self._clients: dict[str, bigquery.Client] = {}
        self._lock = threading.Lock()

    def start_query(self, request: QueryRequest) -> Job:
        """See `BigQuery.start_query`."""
        from google.api_core.exceptions import Conflict
        from google.cloud import bigquery

        config = bigquery.QueryJobConfig(
            labels=dict(request.labels), use_legacy_sql=False, use_query_cache=False
        )
        if request.timeout_s is not None:
            config.job_timeout_ms = int(request.timeout_s * 1000)
        with self._translated("run", _first_words(request.sql)):
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

    def job(self, project: str, location: str, job_id: str) -> Job:
        """See `BigQuery.job`."""
        job = Job(job_id=job_id, project=project, location=location)
        with self._translated("look at", f"job {job_id} of {project}"):
            return _job(self._get_job(job), attached=True)

    def watch(self, job: Job, deadline_s: float) -> Iterator[Job]:
        """See `BigQuery.watch`."""
        started = time.monotonic()
        pause = FIRST_POLL_S
        while not job.done:
            if time.monotonic() - started > deadline_s:
                raise DeadlineExceeded(
                    f"wait for job {job.job_id} of {job.project}: not done after {deadline_s:.0f} "
                    "s; it goes on at BigQuery, and running this again attaches to it"
                )
            self._sleep(pause)
            pause = min(pause * POLL_GROWTH, LAST_POLL_S)
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

    def rows(self, project: str, location: str, sql: str) -> list[dict[str, Any]]:
        """See `BigQuery.rows`."""
        from google.cloud import bigquery

        with self._translated("run", _first_words(sql)):
            job = self._client(project).query(
                sql,
                # A cached answer of before a retraining would be the old model's.
                job_config=bigquery.QueryJobConfig(use_query_cache=False),
                location=location,
                project=project,
                retry=self._retry(),
                timeout=REQUEST_TIMEOUT_S,
            )
            return [dict(row.items()) for row in job.result(retry=self._retry())]

    def model(self, path: str) -> LiveModel:
        """See `BigQuery.model`."""
        with self._translated("read model", path):
            return _live_model(self._get_model(path))

    def patch_model(
        self,
        path: str,
        *,
        description: str,
        labels: Mapping[str, str | None],
        expiration: str | None,
    ) -> LiveModel:
        """See `BigQuery.patch_model`."""
        with self._translated("update metadata of model", path):
            model = self._get_model(path)
            model.description = description or None
            # The stub says `str`; None is how the library deletes a label.
            model.labels = cast(dict[str, str], dict(labels))
            model.expires = datetime.fromisoformat(expiration) if expiration else None
            return _live_model(
                self._client(_project(path)).update_model(
                    model,
                    ["description", "labels", "expires"],
                    retry=self._retry(),
                    timeout=REQUEST_TIMEOUT_S,
                )
            )

    def delete_model(self, path: str) -> None:
        """See `BigQuery.delete_model`."""
        with self._translated("delete model", path):
            try:
                self._client(_project(path)).delete_model(
                    path, retry=self._retry(), timeout=REQUEST_TIMEOUT_S
                )
            except _bad_request() as error:
                # BigQuery refuses with 400 `invalid` to delete a model that is deployed from the
                # Model Registry; that is the state of the model, not a malformed request.
                if "deployed" not in str(error).lower():
                    raise
                said = refusals.sentence(error).rstrip(".")
                raise FailedPrecondition(
                    f"delete model {path}: {said}; undeploy it from its endpoint first"
                ) from error

    def table(self, path: str) -> LiveTable:
        """See `BigQuery.table`."""
        with self._translated("read table", path):
            return _live_table(self._get_table(path))

    def patch_table(
        self, path: str, *, description: str, labels: Mapping[str, str | None]
    ) -> LiveTable:
        """See `BigQuery.patch_table`."""
        with self._translated("update metadata of table", path):
            table = self._get_table(path)
            table.description = description or None
            table.labels = cast(dict[str, str], dict(labels))
            return _live_table(
                self._client(_project(path)).update_table(
                    table,
                    ["description", "labels"],
                    retry=self._retry(),
                    timeout=REQUEST_TIMEOUT_S,
                )
            )

    def delete_table(self, path: str) -> None:
        """See `BigQuery.delete_table`."""
        with self._translated("delete table", path):
            self._client(_project(path)).delete_table(
                path, retry=self._retry(), timeout=REQUEST_TIMEOUT_S
            )

    def _translated(self, tried: str, on: str) -> Any:
        return refusals.translated(tried, on, self._endpoint)

    def _client(self, project: str) -> "bigquery.Client":
        from google.auth.credentials import AnonymousCredentials
        from google.cloud import bigquery

        with self._lock:
            if project not in self._clients:
                if self._endpoint is None:
                    client = bigquery.Client(project=project)
                else:
                    client = bigquery.Client(
                        project=project,
                        credentials=AnonymousCredentials(),
                        client_options={"api_endpoint": self._endpoint},
                    )
                self._clients[project] = client
            return self._clients[project]

    def _retry(self, *, also_missing: bool = False) -> "Retry":
        from google.api_core.exceptions import NotFound
        from google.api_core.retry import Retry

        def worth_it(error: BaseException) -> bool:
            if also_missing and isinstance(error, NotFound):
                return True
            return refusals.is_worth_repeating(error, self._endpoint)

        return Retry(
            predicate=worth_it,
            initial=0.25,
            maximum=20.0,
            # jobs.get may say 404 for a moment after jobs.insert said 409:
            # https://github.com/googleapis/python-bigquery/issues/2134
            timeout=10.0 if also_missing else RETRY_DEADLINE_S,
        )

    def _attached(self, request: QueryRequest | LoadRequest, *, retry_missing: bool = True) -> Job:
        job = Job(job_id=request.job_id, project=request.project, location=request.location)
        return _job(self._get_job(job, retry_missing=retry_missing), attached=True)

    def _get_job(
        self, job: Job, *, retry_missing: bool = False
    ) -> "QueryJob | LoadJob | UnknownJob":
        return cast(
            "QueryJob | LoadJob | UnknownJob",
            self._client(job.project).get_job(
                job.job_id,
                project=job.project,
                location=job.location,
                retry=self._retry(also_missing=retry_missing),
                timeout=REQUEST_TIMEOUT_S,
            ),
        )

    def _get_model(self, path: str) -> "bigquery.Model":
        return self._client(_project(path)).get_model(
            path, retry=self._retry(), timeout=REQUEST_TIMEOUT_S
        )

    def _get_table(self, path: str) -> "bigquery.Table":
        return self._client(_project(path)).get_table(
            path, retry=self._retry(), timeout=REQUEST_TIMEOUT_S
        )


def _bad_request() -> type[Any]:
    from google.api_core.exceptions import BadRequest

    return BadRequest


def _project(path: str) -> str:
    return path.rsplit(".", 2)[0]


def _first_words(sql: str) -> str:
    return " ".join(sql.split()[:6])


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
    if request.timeout_s is not None:
        config.job_timeout_ms = int(request.timeout_s * 1000)
    return config


def _job(job: "QueryJob | LoadJob | UnknownJob", *, attached: bool = False) -> Job:
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
    )


def _live_model(model: "bigquery.Model") -> LiveModel:
    runs = list(model.training_runs)
    # The library knows only `bestTrialId`, which Google has deprecated for this one.
    trial = model._properties.get("defaultTrialId")
    started = str(runs[-1].get("startTime", "")) if runs else ""
    return LiveModel(
        model_type=str(model.model_type),
        location=str(model.location),
        description=model.description or "",
        labels=dict(model.labels or {}),
        expiration=_rfc3339(model.expires),
        trained_at=datetime.fromisoformat(started) if started else model.created,
        feature_columns=_columns(model.feature_columns),
        label_columns=_columns(model.label_columns),
        training_runs=runs,
        default_trial_id=int(trial) if trial else None,
    )


def _columns(fields: Any) -> dict[str, str]:
    return {str(field.name): _type_name(field.type) for field in fields or ()}


def _type_name(data_type: Any) -> str:
    # StandardSqlDataType, https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/StandardSqlDataType
    if data_type is None or data_type.type_kind is None:
        return ""
    kind = str(data_type.type_kind.name)
    if kind == "ARRAY":
        return f"ARRAY<{_type_name(data_type.array_element_type)}>"
    if kind == "STRUCT":
        inner = (f"{f.name} {_type_name(f.type)}" for f in data_type.struct_type.fields)
        return f"STRUCT<{', '.join(inner)}>"
    return kind


def _live_table(table: "bigquery.Table") -> LiveTable:
    return LiveTable(
        location=str(table.location),
        schema=[field.to_api_repr() for field in table.schema],
        num_rows=int(table.num_rows or 0),
        description=table.description or "",
        labels=dict(table.labels or {}),
        created=table.created,
        modified=table.modified,
    )


def _rfc3339(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment else None
