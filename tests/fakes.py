"""In-memory stand-ins for the protocols in `bqvertex.clients`."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from bqvertex.clients.bigquery import (
    CopyRequest,
    DryRun,
    Job,
    JobError,
    LiveModel,
    LiveTable,
    LoadRequest,
    QueryRequest,
)
from bqvertex.clients.errors import NotFound
from bqvertex.specs.model_statement import column_types, read_model_statement
from bqvertex.specs.statement import Statement, read_statement

from googlesql.reference import ReferenceKind


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong.

    Attributes:
        call: Name of the method that fails.
        error: What it raises.
        after: True: what the call does is done all the same.
        number: Which call of that method from now on, 1 for the next.
    """

    call: str
    error: BaseException
    after: bool = False
    number: int = 1


class FakeBigQuery:
    """BigQuery in memory: tables, models, and jobs that end at once.

    Attributes:
        calls: Every call that changes something: its name, and what on.
        statements: The SQL of every query job that ran.
        loads: Every load job that ran.
        tables: What is there, by `project.dataset.table`.
        models: What is there, by `project.dataset.model`.
        jobs: Every job, by id.
        job_errors: How the next jobs end, the first first; empty: well.
        faults: What goes wrong, each once.
        trace: Every call, of those that change nothing too.
        running: Jobs of these ids are found running, and end when they are watched.
        evaluation: The row that ML.EVALUATE answers.
        evaluations: The row that it answers of a model, by `project.dataset.model`.
        copies: Every copy job that ran.
        copies_metadata: Whether a copy has the labels, the description and the expiration of its
            source; Google does not document it.
    """

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self.statements: list[str] = []
        self.loads: list[LoadRequest] = []
        self.tables: dict[str, LiveTable] = {}
        self.models: dict[str, LiveModel] = {}
        self.jobs: dict[str, Job] = {}
        self.job_errors: list[JobError] = []
        self.faults: list[Fault] = []
        self.cancelled: list[str] = []
        self.running: set[str] = set()
        self.trace: list[str] = []
        self.evaluation: dict[str, Any] = {"accuracy": 0.75, "roc_auc": 0.8}
        self.evaluations: dict[str, dict[str, Any]] = {}
        self.copies: list[CopyRequest] = []
        self.copies_metadata = True
        self.rows_in_a_load = 3
        self._now = datetime(2026, 1, 1, tzinfo=UTC)

    def tick(self, seconds: float = 60.0) -> datetime:
        """Let time pass."""
        self._now += timedelta(seconds=seconds)
        return self._now

    def start_query(self, request: QueryRequest) -> Job:
        with self.failing("start_query"):
            if request.job_id in self.jobs:
                return self._attached(request.job_id)
            self.calls.append(("start_query", request.job_id))
            self.statements.append(request.sql)
            job = self._run(request)
            limit = request.maximum_bytes_billed
            if job.error is None and limit is not None and job.bytes_processed > limit:
                said = f"Query exceeded limit for bytes billed: {limit}."
                job = replace(job, error=JobError("bytesBilledLimitExceeded", said))
                self.jobs[job.job_id] = job
            if job.error is None:
                self._execute(request.sql, request.location, job)
            return self.jobs[request.job_id]

    def start_model_copy(self, request: CopyRequest) -> Job:
        with self.failing("start_model_copy"):
            if request.job_id in self.jobs:
                return self._attached(request.job_id)
            self.calls.append(("start_model_copy", request.job_id))
            self.copies.append(request)
            job = self._run(request)
            if job.error is not None:
                return job
            error = None
            if request.source not in self.models:
                error = JobError("notFound", f"Not found: Model {request.source}")
            elif request.destination in self.models and not request.replace:
                error = JobError("duplicate", f"Already Exists: Model {request.destination}")
            else:
                # Weights and metrics go along; a registration does not.
                if request.source in self.evaluations:
                    self.evaluations[request.destination] = self.evaluations[request.source]
                source = self.models[request.source]
                self.models[request.destination] = replace(
                    source,
                    labels=source.labels if self.copies_metadata else {},
                    description=source.description if self.copies_metadata else "",
                    expiration=source.expiration if self.copies_metadata else None,
                    creation_time=job.ended,
                    vertex_ai_model_id="",
                    vertex_ai_model_version="",
                )
            self.jobs[job.job_id] = replace(job, error=error)
            return self.jobs[job.job_id]

    def dry_run(self, project: str, location: str, sql: str, *, attempts_s: float) -> DryRun:
        del project, location, attempts_s
        with self.failing("dry_run"):
            read = _read(sql)
            names = {
                ".".join(found.path)
                for found in read.references
                if found.kind is ReferenceKind.TABLE and not found.is_target
            }
            for name in sorted(names - self.tables.keys()):
                raise NotFound(f"dry run {sql[:20]}: not found: table {name}")
            tables = [self.tables[name] for name in names]
            return DryRun(sum(8 * t.num_rows * len(t.schema) for t in tables), read.kind)

    def start_load(self, request: LoadRequest) -> Job:
        with self.failing("start_load"):
            if request.job_id in self.jobs:
                return self._attached(request.job_id)
            self.calls.append(("start_load", request.job_id))
            self.loads.append(request)
            with request.open() as stream:
                rows = stream.read().count(b"\n") - request.skip_leading_rows
            job = self._run(request)
            if job.error is None:
                old = self.tables.get(request.table)
                self.tables[request.table] = LiveTable(
                    location=request.location,
                    schema=[{**field} for field in request.schema],
                    num_rows=rows,
                    description=old.description if old else "",
                    labels=old.labels if old else {},
                    created=old.created if old else job.ended,
                    modified=job.ended,
                )
            return job

    def job(self, project: str, location: str, job_id: str) -> Job:
        del project, location
        with self.failing("job"):
            if job_id not in self.jobs:
                raise NotFound(f"look at job {job_id}: not found")
            return self._attached(job_id)

    def watch(self, job: Job, deadline_s: float) -> Iterator[Job]:
        del deadline_s
        with self.failing("watch"):
            if not job.done:
                self.running.discard(job.job_id)
                yield self.jobs[job.job_id]

    def cancel(self, job: Job) -> None:
        with self.failing("cancel"):
            self.cancelled.append(job.job_id)

    def rows(self, project: str, location: str, sql: str) -> list[dict[str, Any]]:
        del project, location
        with self.failing("rows"):
            found = re.search(r"ML\.EVALUATE\(MODEL `([^`]+)`", sql)
            assert found, f"no ML.EVALUATE: {sql[:80]}"
            if found[1] not in self.models:
                raise NotFound(f"run {sql[:40]}: not found: model {found[1]}")
            return [dict(self.evaluations.get(found[1], self.evaluation))]

    def model(self, path: str) -> LiveModel:
        with self.failing("model"):
            if path not in self.models:
                raise NotFound(f"read model {path}: not found")
            return self.models[path]

    def patch_model(
        self,
        path: str,
        *,
        description: str,
        labels: Mapping[str, str | None],
        expiration: str | None,
    ) -> LiveModel:
        with self.failing("patch_model"):
            self.calls.append(("patch_model", path))
            if path not in self.models:
                raise NotFound(f"update metadata of model {path}: not found")
            old = self.models[path]
            self.models[path] = replace(
                old,
                description=description,
                labels=_patched(old.labels, labels),
                expiration=expiration,
            )
            return self.models[path]

    def delete_model(self, path: str) -> None:
        with self.failing("delete_model"):
            if path not in self.models:
                raise NotFound(f"delete model {path}: not found")
            self.calls.append(("delete_model", path))
            del self.models[path]

    def table(self, path: str) -> LiveTable:
        with self.failing("table"):
            if path not in self.tables:
                raise NotFound(f"read table {path}: not found")
            return self.tables[path]

    def patch_table(
        self, path: str, *, description: str, labels: Mapping[str, str | None]
    ) -> LiveTable:
        with self.failing("patch_table"):
            self.calls.append(("patch_table", path))
            old = self.tables[path]
            self.tables[path] = replace(
                old,
                description=description,
                labels=_patched(old.labels, labels),
                modified=self.tick(),
            )
            return self.tables[path]

    def delete_table(self, path: str) -> None:
        with self.failing("delete_table"):
            if path not in self.tables:
                raise NotFound(f"delete table {path}: not found")
            self.calls.append(("delete_table", path))
            del self.tables[path]

    @contextmanager
    def failing(self, call: str) -> Iterator[None]:
        """Fail a call as `faults` says."""
        self.trace.append(call)
        due = [f for f in self.faults if f.call == call]
        self.faults = [
            replace(f, number=f.number - 1) if f.call == call else f
            for f in self.faults
            if (f.call, f.number) != (call, 1)
        ]
        fault = next((f for f in due if f.number == 1), None)
        if fault is None:
            yield
            return
        try:
            if fault.after:
                yield
        finally:
            raise fault.error

    def _run(self, request: QueryRequest | LoadRequest | CopyRequest) -> Job:
        created = self.tick()
        error = self.job_errors.pop(0) if self.job_errors else None
        job = Job(
            job_id=request.job_id,
            project=request.project,
            location=request.location,
            labels=request.labels,
            done=True,
            error=error,
            created=created,
            ended=self.tick(5),
            bytes_processed=1000,
        )
        self.jobs[request.job_id] = job
        return job

    def _attached(self, job_id: str) -> Job:
        job = replace(self.jobs[job_id], attached=True)
        if job_id in self.running:
            return replace(job, done=False, ended=None)
        return job

    def _execute(self, sql: str, location: str, job: Job) -> None:
        if sql.startswith("ALTER MODEL"):
            path = ".".join(re.findall(r"`([^`]+)`", sql)[:3])
            registry_id = re.search(r"vertex_ai_model_id = '([^']+)'", sql)
            assert registry_id, f"no registration: {sql}"
            self.models[path] = replace(
                self.models[path],
                vertex_ai_model_id=registry_id[1],
                vertex_ai_model_version="1",
            )
            return
        found = re.search(r"CREATE (OR REPLACE )?MODEL `([^`]+)`\.`([^`]+)`\.`([^`]+)`", sql)
        assert found, f"no CREATE MODEL with a whole name: {sql[:80]}"
        replaces, *parts = found.groups()
        path = ".".join(parts)
        if path in self.models and not replaces:
            error = JobError("duplicate", f"Already Exists: Model {path}")
            self.jobs[job.job_id] = replace(job, error=error)
            return
        read = read_model_statement(sql, "")
        labels = read.parts.options.get("INPUT_LABEL_COLS", [])
        schemas = {table: live.schema for table, live in self.tables.items()}
        columns = column_types(read, schemas, {}) or {"is_late": "BOOL", "origin": "STRING"}
        iterations = read.parts.options.get("MAX_ITERATIONS", 20)
        self.models[path] = LiveModel(
            model_type="LOGISTIC_REGRESSION",
            location=location,
            trained_at=job.created,
            creation_time=job.ended,
            feature_columns={name: columns[name] for name in columns if name not in labels},
            label_columns={name: columns[name] for name in columns if name in labels},
            training_runs=[
                {
                    "startTime": str(job.created),
                    "trainingOptions": {
                        "inputLabelColumns": labels,
                        "maxIterations": str(iterations),
                    },
                    "results": [{"index": 0, "trainingLoss": 0.7, "evalLoss": 0.8}],
                }
            ],
        )


@cache
def _read(sql: str) -> Statement:
    return read_statement(sql)


def _patched(old: Mapping[str, str], change: Mapping[str, str | None]) -> dict[str, str]:
    merged = {**old, **change}
    return {key: text for key, text in merged.items() if text is not None}
