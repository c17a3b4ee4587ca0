"""What a lifecycle asks of BigQuery, in plain data. `google_client` asks it of Google."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, BinaryIO, Protocol

FieldSchema = Mapping[str, Any]
"""One column as `TableFieldSchema` of BigQuery's REST API has it: name, type, mode, …"""


@dataclass(frozen=True)
class JobError:
    """Why a job failed.

    Attributes:
        reason: Google's word for it, such as `invalidQuery` or `accessDenied`.
        message: Google's sentence.
        transient: Whether the same work in a new job may succeed without any change:
            https://docs.cloud.google.com/bigquery/docs/error-messages names the reasons.
        awaits_grant: Whether it is the permission error of a connection's service account,
            which a grant made a moment ago still causes until it has spread.
    """

    reason: str
    message: str
    transient: bool = False
    awaits_grant: bool = False


@dataclass(frozen=True)
class Job:
    """A job at BigQuery, as last seen.

    Attributes:
        job_id: The id that the client chose.
        project: Project that runs, and pays for, the job.
        location: Where it runs.
        done: Whether it has ended.
        error: Why it failed; None while it runs and when it succeeded.
        created: When BigQuery took it.
        ended: When it ended; None while it runs.
        bytes_processed: Bytes read, as far as BigQuery has told.
        attached: Whether an earlier run had inserted it already.
        iterations: Training iterations finished so far.
        max_iterations: Training iterations at most; None where the job has none.
        loss: Training loss of the last finished iteration.
        trials: Trials of hyperparameters finished so far; 0 where none are tuned.
        labels: The labels that it was inserted with.
    """

    job_id: str
    project: str
    location: str
    done: bool = False
    error: JobError | None = None
    created: datetime | None = None
    ended: datetime | None = None
    bytes_processed: int = 0
    attached: bool = False
    iterations: int = 0
    max_iterations: int | None = None
    loss: float | None = None
    trials: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """Seconds from being taken to its end; 0 while it runs."""
        if self.created is None or self.ended is None:
            return 0.0
        return (self.ended - self.created).total_seconds()


@dataclass(frozen=True)
class QueryRequest:
    """A statement to run as a job.

    Attributes:
        job_id: Id of the job: letters, digits, `_` and `-`, at most 1,024.
        project: Project that runs the job.
        location: The location of every dataset in the statement.
        sql: One GoogleSQL statement with whole names.
        labels: Put on the job.
        timeout_s: Seconds after which BigQuery stops the job; None for Google's own limit.
        maximum_bytes_billed: BigQuery refuses the job, and bills nothing, where it would bill more
            bytes than that; None for no limit.
    """

    job_id: str
    project: str
    location: str
    sql: str
    labels: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float | None = None
    maximum_bytes_billed: int | None = None


@dataclass(frozen=True)
class LoadRequest:
    """A file to load into a table as a job.

    Attributes:
        job_id: Id of the job: letters, digits, `_` and `-`, at most 1,024.
        project: Project of the table and of the job.
        location: Location of the dataset.
        table: `project.dataset.table`.
        open: Opens the bytes to send; called again when the upload has to start over.
        source_format: `CSV`, `NEWLINE_DELIMITED_JSON` or `PARQUET`.
        schema: Columns of the table.
        truncate: True replaces what the table holds, schema included; False fails on a table
            that holds rows.
        null_marker: CSV: the text that stands for NULL; None for the empty one.
        skip_leading_rows: CSV: rows of heading.
        field_delimiter: CSV: what separates fields.
        clustering_fields: Columns to cluster a new table by.
        time_partitioning: `TimePartitioning` of BigQuery's REST API, such as
            `{"type": "DAY", "field": "flight_date"}`; None for an unpartitioned table.
        labels: Put on the job.
        timeout_s: Seconds after which BigQuery stops the job; None for Google's own limit.
    """

    job_id: str
    project: str
    location: str
    table: str
    open: Callable[[], AbstractContextManager[BinaryIO]]
    source_format: str
    schema: Sequence[FieldSchema]
    truncate: bool
    null_marker: str | None = None
    skip_leading_rows: int = 0
    field_delimiter: str = ","
    clustering_fields: Sequence[str] = ()
    time_partitioning: Mapping[str, Any] | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float | None = None


@dataclass(frozen=True)
class CopyRequest:
    """A model to copy as a job: trained options, weights and metrics, within one location.

    Attributes:
        job_id: Id of the job: letters, digits, `_` and `-`, at most 1,024.
        project: Project that runs the job.
        location: Location of both datasets.
        source: `project.dataset.model`.
        destination: `project.dataset.model`.
        replace: True takes the place of a model that is there; False fails on one.
        labels: Put on the job.
        timeout_s: Seconds after which BigQuery stops the job; None for Google's own limit.
    """

    job_id: str
    project: str
    location: str
    source: str
    destination: str
    replace: bool
    labels: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float | None = None


@dataclass(frozen=True)
class DryRun:
    """What BigQuery says of a statement that it has not run.

    Attributes:
        bytes_processed: Bytes that it would read: a promise for a query, an estimate for the
            trainings that BigQuery does itself, and nothing to go by for those that it hands on
            (boosted trees, random forests, DNN, wide-and-deep, autoencoder, AutoML):
            https://docs.cloud.google.com/bigquery/docs/bqml-introduction
        statement_type: Such as `SELECT` or `CREATE_MODEL`; empty where BigQuery does not say.
        schema: Columns of the result; empty for a statement that has none.
    """

    bytes_processed: int
    statement_type: str
    schema: Sequence[FieldSchema] = ()


@dataclass(frozen=True)
class LiveModel:
    """A model as BigQuery has it.

    Attributes:
        model_type: BigQuery's REST name of the kind, such as `BOOSTED_TREE_CLASSIFIER`.
        location: Where it lives.
        description: Empty when it has none.
        labels: Its labels, those of this toolkit included.
        expiration: When BigQuery deletes it, RFC 3339 in UTC; None when never.
        trained_at: When its last training began, or, where nothing is trained, when it was made.
        feature_columns: Type by name of each column it takes, such as `{"origin": "STRING"}`.
        label_columns: Type by name of each column it predicts.
        training_runs: `TrainingRun`s of BigQuery's REST API.
        default_trial_id: The trial that answers, where hyperparameters were tuned.
        creation_time: When it was made; a training in its place makes it anew.
        transform_columns: `TransformColumn`s of BigQuery's REST API: name, type, transformSql;
            empty for a model without a TRANSFORM clause.
        remote_model_info: `RemoteModelInfo` of BigQuery's REST API, such as endpoint and
            connection; empty for a model that is not remote.
        vertex_ai_model_id: Its id in the Model Registry, as the newest training run that names
            one has it; empty when it is not registered.
        vertex_ai_model_version: Its version there, such as `3`; empty when it is not registered.
    """

    model_type: str
    location: str
    description: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    expiration: str | None = None
    trained_at: datetime | None = None
    feature_columns: Mapping[str, str] = field(default_factory=dict)
    label_columns: Mapping[str, str] = field(default_factory=dict)
    training_runs: Sequence[Mapping[str, Any]] = ()
    default_trial_id: int | None = None
    creation_time: datetime | None = None
    transform_columns: Sequence[Mapping[str, Any]] = ()
    remote_model_info: Mapping[str, Any] = field(default_factory=dict)
    vertex_ai_model_id: str = ""
    vertex_ai_model_version: str = ""


@dataclass(frozen=True)
class LiveTable:
    """A table as BigQuery has it.

    Attributes:
        location: Where it lives.
        schema: Its columns.
        num_rows: How many rows it holds.
        description: Empty when it has none.
        labels: Its labels, those of this toolkit included.
        created: When the table was made.
        modified: When its rows, its schema or its metadata last changed.
    """

    location: str
    schema: Sequence[FieldSchema]
    num_rows: int
    description: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    created: datetime | None = None
    modified: datetime | None = None


class BigQuery(Protocol):
    """BigQuery. `tests/fakes.py` has the one in memory.

    Every method raises a `CloudError` of `bqvertex.clients.errors` whose message names what was
    tried, on what, and what came back.
    """

    def start_query(self, request: QueryRequest) -> Job:
        """Insert a query job, or look at the one of that id that an earlier run inserted."""
        ...

    def start_load(self, request: LoadRequest) -> Job:
        """Insert a load job, or look at the one of that id that an earlier run inserted."""
        ...

    def start_model_copy(self, request: CopyRequest) -> Job:
        """Insert a copy job, or look at the one of that id that an earlier run inserted."""
        ...

    def dry_run(self, project: str, location: str, sql: str, *, attempts_s: float) -> DryRun:
        """Ask what a statement would read and answer, without running it.

        Args:
            project: Project that would run it.
            location: Where it would run.
            sql: One statement, its names whole.
            attempts_s: Seconds for all of it: one request, and again what passes if there is time.

        Raises:
            Unauthenticated: There are no usable credentials.
            Unavailable: Nobody answered in time.
        """
        ...

    def job(self, project: str, location: str, job_id: str) -> Job:
        """Look at a job."""
        ...

    def watch(self, job: Job, deadline_s: float) -> Iterator[Job]:
        """Yield the job each time it was looked at; the last one is done.

        Raises:
            DeadlineExceeded: It was not done in `deadline_s` seconds; it goes on at BigQuery.
        """
        ...

    def cancel(self, job: Job) -> None:
        """Ask BigQuery to stop a job; it may yet end well."""
        ...

    def rows(self, project: str, location: str, sql: str) -> list[dict[str, Any]]:
        """Run a query, never answered from the cache, and return its rows by column."""
        ...

    def model(self, path: str) -> LiveModel:
        """Look at `project.dataset.model`."""
        ...

    def patch_model(
        self,
        path: str,
        *,
        description: str,
        labels: Mapping[str, str | None],
        expiration: str | None,
    ) -> LiveModel:
        """Set a model's metadata; trains nothing. A label of None is taken away."""
        ...

    def delete_model(self, path: str) -> None:
        """Delete a model."""
        ...

    def table(self, path: str) -> LiveTable:
        """Look at `project.dataset.table`."""
        ...

    def patch_table(
        self, path: str, *, description: str, labels: Mapping[str, str | None]
    ) -> LiveTable:
        """Set a table's metadata; loads nothing. A label of None is taken away."""
        ...

    def delete_table(self, path: str) -> None:
        """Delete a table and what it holds."""
        ...
