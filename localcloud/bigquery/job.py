"""Jobs: their location, their fate when the process dies.

A job that was pending or running when the process died is found DONE after the restart with the
error reason `backendError`: a client attached to its id learns at once that it failed and may run
the work again under a new job id. `jobs.query` and `getQueryResults` answer `jobBackendError` with
400 for it, as BigQuery does, so that Google's clients do not poll the dead job for ten minutes.
https://cloud.google.com/bigquery/docs/error-messages
"""

import contextlib
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import ContextVar
from typing import Any

import duckdb
from local_bigquery.api import jobs as jobs_api
from local_bigquery.catalog import datasets, metadata, tables
from local_bigquery.engine import database, sessions
from local_bigquery.errors import STATUSES, BigQueryError, already_exists
from local_bigquery.jobs import query, runner, store
from local_bigquery.models import (
    DatasetReference,
    Job,
    JobConfiguration,
    JobConfigurationQuery,
    JobReference,
    JobStatistics,
    JobStatistics2,
    Table,
    TableReference,
)
from local_bigquery.sql import params
from local_bigquery.sql.rules import tables as table_rules
from local_bigquery.sql.script import parse_script
from local_bigquery.sql.translate import Context
from starlette.responses import Response

from googlesql import parser
from localcloud.bigquery import (
    analysis,
    anonymous,
    bytes_processed,
    extract,
    load,
    location,
    model_copy,
    names,
    upstream,
)
from localcloud.bigquery.names import Reference

_dry_run: ContextVar[bool] = ContextVar("dry_run", default=False)
_current: ContextVar[tuple[str, str] | None] = ContextVar("current_job", default=None)

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The `requestId` of the request in hand, which is its job's id here."""

_checked: ContextVar[Job | None] = ContextVar("checked_job", default=None)
"""The dry run in hand, which is kept nowhere."""

_make = runner._job
_done = runner._done
_with_rows = jobs_api.with_rows
_results = jobs_api.results
_submit = runner.submit
_error = runner.error
_run = runner._execute
_execute = query._execute
_table = tables.defaults
_not_found = table_rules._not_found
CANCEL_TRIES = 20
JOBS_AT_A_TIME = 32
"""A training that has to wait for others is one that BigQuery would have begun."""


def is_dry_run() -> bool:
    """Whether the statement in hand is only checked."""
    return _dry_run.get()


@contextlib.contextmanager
def checking() -> Iterator[None]:
    """Have what runs inside look at few rows, as a dry run does."""
    before = _dry_run.set(True)
    try:
        yield
    finally:
        _dry_run.reset(before)


def cancellation() -> Callable[[], None]:
    """A check of the job in hand, to be called now and then by long work of any thread.

    Returns:
        A function that raises `BigQueryError` (`stopped`) once the job has been cancelled.
    """
    current = _current.get()
    running = runner._running.get(current) if current is not None else None

    def check() -> None:
        if running is not None and running.cancelled:
            raise BigQueryError("stopped", "Job execution was cancelled.")

    return check


def current() -> tuple[str, str] | None:
    """Project and id of the job in hand; None for a statement that is no job."""
    return _current.get()


def install() -> None:
    """Put the replacements into local-bigquery; repeating it changes nothing."""
    STATUSES.update(
        {
            "backendError": (503, "UNAVAILABLE"),
            "bytesBilledLimitExceeded": (400, "FAILED_PRECONDITION"),
            "jobBackendError": (400, "FAILED_PRECONDITION"),
        }
    )
    runner._job = make
    runner.submit = submit
    runner.cancel = cancel
    runner.error = error
    runner._execute = run
    runner._done = done
    jobs_api.with_rows = answered
    runner.HANDLERS |= {"load": load.run, "extract": extract.run, "copy": model_copy.run}
    load.install()
    jobs_api.results = results
    runner._executor = ThreadPoolExecutor(JOBS_AT_A_TIME, thread_name_prefix="bigquery-job")
    query.execute = execute
    tables.defaults = table
    table_rules._not_found = not_found


def make(project_id: str, job_id: str | None, configuration: JobConfiguration) -> Job:
    """A new job resource, placed where its datasets are."""
    place = location.of_job(project_id, configuration)
    made = _make(project_id, job_id, configuration)
    return made.replace(
        id=f"{project_id}:{place}.{job_id}",
        selfLink=f"/bigquery/v2/projects/{project_id}/jobs/{job_id}?location={place}",
        jobReference={"projectId": project_id, "jobId": job_id, "location": place},
    )


def submit(
    project_id: str, job_id: str, configuration: JobConfiguration, upload: str | None = None
) -> Job:
    """Start a job.

    Raises:
        BigQueryError: `duplicate` when the id was used before, in whatever state that job is.
    """
    try:
        submitted: Job = _submit(project_id, job_id, configuration, upload)
    except BigQueryError as refusal:
        found = store.load(project_id, job_id)
        if refusal.reason == "duplicate" and found is not None:
            if _is_repeated(found, configuration):
                return found
            raise already_exists("Job", str(found.id)) from refusal
        raise
    _checked.set(submitted if configuration.dryRun else None)
    return submitted


def _is_repeated(found: Job, configuration: JobConfiguration) -> bool:
    """Whether a request of `jobs.query` is one that was answered before, as after a lost answer."""
    if request_id.get() != found.jobReference.jobId:
        return False
    before, now = found.configuration.query, configuration.query
    return bool(before and now and before.query == now.query)


def run(*arguments: Any) -> None:
    """Run a job; the memory it leaves is given back when none runs any more."""
    with upstream.runtime().idle_memory.in_use():
        _run(*arguments)


def cancel(project_id: str, job_id: str) -> Job:
    """Ask a job to stop, and wait a second for it.

    A statement that is not running yet cannot be interrupted: it is asked again, and looks for
    itself before it runs.
    """
    runner.get(project_id, job_id)
    running = runner._running.get((project_id, job_id))
    if running is not None:
        running.cancelled = True
        for _ in range(CANCEL_TRIES):
            if running.cursor is not None:
                # A job that has just ended has closed its connection.
                with contextlib.suppress(duckdb.ConnectionException):
                    running.cursor.interrupt()
            if running.future is None or wait([running.future], 1 / CANCEL_TRIES).done:
                break
    found: Job = runner.get(project_id, job_id)
    return found


def error(job: Job) -> BigQueryError | None:
    """The error of a failed job as `jobs.query` and `getQueryResults` tell it."""
    found: BigQueryError | None = _error(job)
    if found is not None and found.reason == "backendError":
        return BigQueryError("jobBackendError", found.message, found.location)
    return found


def table(project_id: str, dataset_id: str, table_id: str) -> Table:
    """What a new table has before anything is said about it; it lives where its dataset does.

    The result of a query has its job's id, and is where that ran.
    """
    made = _table(project_id, dataset_id, table_id)
    job = store.load(project_id, table_id) if dataset_id == anonymous.DATASET else None
    place = job.jobReference.location if job else location.of_dataset(project_id, dataset_id)
    return made.replace(location=place or location.DEFAULT)


def not_found(project_id: str, dataset_id: str, table_id: str) -> BigQueryError:
    """What a query says of a table that is not there: where it was looked for."""
    place = location.of_dataset(project_id, dataset_id) or location.of_running_job()
    found: BigQueryError = _not_found(project_id, dataset_id, table_id)
    message = found.message.replace("in location US", f"in location {place}")
    return BigQueryError(found.reason, message)


def execute(
    cursor: duckdb.DuckDBPyConnection,
    project_id: str,
    job_id: str | None,
    config: JobConfigurationQuery,
    dry_run: bool = False,
    session: sessions.Session | None = None,
) -> Any:
    """Run or check a query, where its datasets are; see `local_bigquery.jobs.query.execute`."""
    configuration = JobConfiguration(query=config)
    place = location.of_job(project_id, configuration)
    location.check(project_id, configuration, place)
    checking, before = _dry_run.set(dry_run), _current.set(None)
    running = location.running.set(place)
    given = analysis.parameters.set(config.queryParameters or ())
    script = analysis.script.set(config.query or "")
    limit = config.maximumBytesBilled
    meter = bytes_processed.Meter(None if dry_run or limit is None else int(limit))
    counting = bytes_processed.meter.set(meter)
    if job_id is not None:
        _current.set((project_id, job_id))
    try:
        statistics, children, destination = _in_context(
            cursor, project_id, job_id, config, dry_run, session
        )
    finally:
        _dry_run.reset(checking)
        _current.reset(before)
        location.running.reset(running)
        analysis.parameters.reset(given)
        analysis.script.reset(script)
        bytes_processed.meter.reset(counting)
    if dry_run and statistics.statementType == "SCRIPT":
        # Nothing of a script is run to check it.
        default = config.defaultDataset
        for statement in names.statements_in(config.query or ""):
            meter.add(
                statement,
                (default and default.projectId) or project_id,
                default and default.datasetId,
            )
    statistics = statistics.replace(
        totalBytesProcessed=str(meter.processed),
        totalBytesBilled="0" if dry_run else str(meter.billed),
    )
    return statistics, children, destination


def _in_context(
    cursor: duckdb.DuckDBPyConnection,
    project_id: str,
    job_id: str | None,
    config: JobConfigurationQuery,
    dry_run: bool,
    session: sessions.Session | None,
) -> Any:
    """Run the statements with their parameters, default names and temporary tables.

    local-bigquery lists all tables for the temporary ones, but only a session brings any.
    """
    default = config.defaultDataset or DatasetReference()
    settings = session.settings if session else {}
    context = Context(
        settings.get("project_id") or default.projectId or project_id,
        settings.get("dataset_id") or default.datasetId,
        *params.bind(config.queryParameters or []),
        temporary=_temporary_tables(cursor) if session else set(),
        variables=session.variables if session else {},
        settings=settings,
        system={
            "current_job_id": job_id,
            "script.job_id": job_id,
            "session_id": session and session.id,
            "time_zone": "UTC",
        }
        | settings,
    )
    database.attach(context.project_id)
    dataset_id = context.dataset_id
    if dataset_id is None or not datasets.exists(context.project_id, dataset_id):
        dataset_id = "main"
    cursor.execute(f"USE {database.quote(context.project_id, dataset_id)}")
    text = config.query or ""
    if session is not None:
        text = anonymous.with_session_tables(text, session)
    statements = parse_script(text)
    isolated = session is not None
    statistics, children, destination = _execute(
        cursor, project_id, job_id, config, dry_run, isolated, context, statements
    )
    return statistics, children, destination or _made(statistics, text, context)


def _made(statistics: JobStatistics2, sql: str, context: Context) -> TableReference | None:
    """What a statement made, which BigQuery calls its job's destination."""
    kind = str(statistics.statementType)
    if kind in ("CREATE_TABLE", "CREATE_TABLE_AS_SELECT"):
        return statistics.ddlTargetTable
    if kind != "CREATE_MODEL" or (model := parser.create_model(sql)) is None:
        return None
    reference = Reference.resolve(model.path, context.project_id, context.dataset_id)
    return TableReference(
        projectId=reference.project, datasetId=reference.dataset, tableId=reference.name
    )


def results(job: Job, *arguments: Any) -> tuple[dict[str, Any], list[str]]:
    """The rows of a job; what a statement made is its destination, but no result of it."""
    statistics, config = job.statistics.query, job.configuration.query
    if config is not None and statistics is not None and _is_definition(statistics):
        job = job.replace(
            configuration=job.configuration.replace(query=config.without("destinationTable"))
        )
    payload, rows = _results(job, *arguments)
    return payload, rows


def _is_definition(statistics: JobStatistics2) -> bool:
    return str(statistics.statementType).startswith("CREATE_")


def _temporary_tables(cursor: duckdb.DuckDBPyConnection) -> set[str]:
    found = cursor.execute("SELECT table_name FROM duckdb_tables() WHERE temporary").fetchall()
    return {name.casefold() for (name,) in found}


def done(job: Job, statistics: JobStatistics, error: BigQueryError | None = None) -> Job:
    """A job that has ended; its bytes are told where BigQuery tells them, in two places."""
    ended = _done(job, statistics, error)
    query_statistics = ended.statistics.query
    if query_statistics is None:
        return ended
    processed = {"totalBytesProcessed": query_statistics.totalBytesProcessed}
    return ended.replace(statistics=ended.statistics.dump() | processed)


def answered(payload: dict[str, Any], rows: list[str]) -> Response:
    """The answer of `jobs.query` and `getQueryResults`, with what only the job knows."""
    reference = payload.get("jobReference")
    job = (
        store.load(reference.projectId, reference.jobId)
        if isinstance(reference, JobReference) and reference.jobId
        else _checked.get()
    )
    if job is not None and job.statistics.query is not None:
        found = job.statistics.query
        told = {"totalBytesProcessed": found.totalBytesProcessed}
        if "totalBytesBilled" in payload:
            told |= {"totalBytesBilled": found.totalBytesBilled}
        if "location" in payload:
            told |= {"location": job.jobReference.location}
        payload = payload | {name: value for name, value in told.items() if value is not None}
    if payload.get("kind") == "bigquery#getQueryResultsResponse":
        # Only `jobs.query` tells these.
        payload = {k: v for k, v in payload.items() if k not in ("statementType", "dmlStats")}
    response: Response = _with_rows(payload, rows)
    return response


def fail_interrupted() -> None:
    """Mark jobs that a dead process left unfinished as failed."""
    unfinished = database.fetch("SELECT resource FROM emulator.jobs WHERE state <> 'DONE'")
    for (resource,) in unfinished:
        job = Job.model_validate_json(resource)
        failure = {
            "reason": "backendError",
            "message": (
                "The local cloud stopped while this job was running; nothing of it was kept. "
                "Insert it again under a new job id."
            ),
        }
        statistics = json.loads(resource).get("statistics") or {}
        store.save(
            job.replace(
                status={"state": "DONE", "errorResult": failure, "errors": [failure]},
                statistics=statistics | {"endTime": metadata.now()},
            )
        )


def stop_running() -> None:
    """Interrupt the jobs that run and wait until each has been marked as failed."""
    running = list(runner._running.values())
    for one in running:
        one.cancelled = True
        if one.cursor is not None:
            one.cursor.interrupt()
    wait([one.future for one in running if one.future is not None], timeout=10)
