"""How a table that is loaded from a local file lives."""

from collections.abc import Callable
from typing import Any

from bqvertex.clients import source_file
from bqvertex.clients.bigquery import BigQuery, Job, LiveTable, LoadRequest
from bqvertex.clients.errors import AlreadyExists, NotFound
from bqvertex.providers.attempt import Pace, complete, earlier_jobs, made_by
from bqvertex.providers.lifecycle import Bag, Change, Checked, Created, Failure, Live
from bqvertex.specs import label
from bqvertex.specs.change_reason import change_reason
from bqvertex.specs.inputs import known
from bqvertex.specs.seed_table import (
    CONSEQUENCES,
    DEFINITION,
    IDENTITY,
    SILENT,
    SeedTableSpec,
    canonical_schema,
    changed,
    problems,
)
from bqvertex.specs.unknown import UNKNOWN, is_unknown

VERB = "load"
COMPUTED = frozenset({"table", "num_rows"})
"""Outputs that are no inputs."""


class SeedTableLifecycle:
    """Implements `Lifecycle` on BigQuery's load jobs and table metadata."""

    def __init__(
        self,
        bigquery: BigQuery,
        *,
        report: Callable[[str], None] = lambda _: None,
        pace: Pace | None = None,
    ) -> None:
        """Keep what is needed.

        Args:
            bigquery: The service.
            report: Told in words how a load goes on.
            pace: How to wait.
        """
        self._bigquery = bigquery
        self._report = report
        self._pace = pace or Pace()

    def check(self, olds: Bag, news: Bag) -> Checked:
        """Validate, and hash the file's content so that a change of it shows at preview."""
        del olds
        failures = [Failure(name, reason) for name, reason in problems(news)]
        inputs = dict(news)
        if is_unknown(news.get("source")):
            inputs["content_hash"] = UNKNOWN
        elif known(news, "source", str) and news["source"]:
            try:
                inputs["content_hash"] = source_file.content_sha256(news["source"])
            except source_file.SourceError as error:
                failures.append(Failure("source", str(error)))
        return Checked(inputs, tuple(failures))

    def diff(self, id: str, olds: Bag, news: Bag) -> Change:
        """Identity replaces, definition loads anew, metadata is patched."""
        del id
        names = changed(olds, news)
        replaces = tuple(sorted(names & IDENTITY))
        return Change(
            changes=bool(names - SILENT),
            replaces=replaces,
            # Repartitioned, the table keeps its name: there cannot be two.
            delete_before_replace=bool(replaces) and _same_path(olds, news),
            reason=change_reason(olds, news, names, CONSEQUENCES),
        )

    def create(self, inputs: Bag) -> Created:
        """Load the file, or finish what a broken run of the same declaration began.

        Raises:
            AlreadyExists: A table of that name is there that this declaration did not make.
        """
        spec = SeedTableSpec.from_inputs(inputs)
        live = self._look(spec.path)
        if live is not None and not (spec.adopt or self._is_own(spec, live)):
            raise AlreadyExists(
                f"create table {spec.path}: a table of that name is there, and this declaration "
                "did not make it; set adopt to take it over as it is, or delete it first"
            )
        if live is None or not (spec.adopt or _holds(spec, live)):
            self._load(spec, truncate=live is not None)
        return Created(spec.path, self._finished(spec, inputs))

    def read(self, id: str, state: Bag) -> Live | None:
        """Look at the table; foreign rows, columns and metadata show as drift."""
        spec = SeedTableSpec.from_inputs(state)
        live = self._look(id)
        if live is None:
            return None
        drift: Bag = {
            "description": live.description,
            "labels": label.own(live.labels),
            "schema": list(canonical_schema(live.schema)),
            "content_hash": _live_content(spec, state, live),
        }
        if live.location.lower() != spec.location.lower():
            drift["location"] = live.location
        if live.labels.get(label.OWNER) != label.short_hash(spec.owner):
            drift["owner"] = f"another one: label {label.OWNER} is not this declaration's"
        seen = {
            name: state.get(name) if _means_the_same(name, value, state) else value
            for name, value in drift.items()
        }
        inputs = {key: state[key] for key in state if key not in COMPUTED} | seen
        outs = {**state, **seen, "num_rows": live.num_rows}
        return Live(
            inputs={key: value for key, value in inputs.items() if value is not None},
            outs={key: value for key, value in outs.items() if value is not None},
        )

    def update(self, id: str, olds: Bag, news: Bag) -> Bag:
        """Load anew where the definition changed; patch the metadata in any case."""
        del id
        spec = SeedTableSpec.from_inputs(news)
        if changed(olds, news) & DEFINITION:
            self._load(spec, truncate=True)
        return self._finished(spec, news)

    def delete(self, id: str, state: Bag) -> None:
        """Delete the table; to find it gone is success."""
        del state
        try:
            self._bigquery.delete_table(id)
        except NotFound:
            return

    def _look(self, path: str) -> LiveTable | None:
        try:
            return self._bigquery.table(path)
        except NotFound:
            return None

    def _is_own(self, spec: SeedTableSpec, live: LiveTable) -> bool:
        if live.labels.get(label.OWNER) == label.short_hash(spec.owner):
            return True
        # Loaded, and broken off before the labels were set: the table is as old as our own job.
        return not live.labels and self._loaded_by_an_earlier_run(spec, live)

    def _loaded_by_an_earlier_run(self, spec: SeedTableSpec, live: LiveTable) -> bool:
        jobs = earlier_jobs(self._bigquery, spec.project, spec.location, VERB, spec.work_key)
        return any(made_by(job, live.created) for job in jobs)

    def _load(self, spec: SeedTableSpec, *, truncate: bool) -> None:
        def start(job_id: str) -> Job:
            return self._bigquery.start_load(
                LoadRequest(
                    job_id=job_id,
                    project=spec.project,
                    location=spec.location,
                    table=spec.path,
                    open=lambda: source_file.opened(spec.source),
                    source_format=spec.source_format,
                    schema=spec.schema,
                    truncate=truncate,
                    null_marker=spec.null_marker,
                    skip_leading_rows=spec.skip_leading_rows,
                    field_delimiter=spec.field_delimiter,
                    clustering_fields=spec.clustering_fields,
                    time_partitioning=spec.time_partitioning or None,
                    timeout_s=spec.job_timeout_s,
                )
            )

        def took_effect(job: Job) -> bool:
            live = self._look(spec.path)
            return live is not None and made_by(job, live.modified)

        complete(
            self._bigquery,
            tried="load",
            on=f"{spec.source} into table {spec.path}",
            verb=VERB,
            key=spec.work_key,
            start=start,
            took_effect=took_effect,
            timeout_s=spec.job_timeout_s,
            report=lambda job: self._report(f"table {spec.path}: loading, job {job.job_id}"),
            pace=self._pace,
        )

    def _finished(self, spec: SeedTableSpec, inputs: Bag) -> Bag:
        live = self._bigquery.table(spec.path)
        if live.description != spec.description or dict(live.labels) != spec.live_labels:
            live = self._bigquery.patch_table(
                spec.path,
                description=spec.description,
                labels=label.patch(live.labels, spec.live_labels),
            )
        return {**inputs, "table": spec.path, "num_rows": live.num_rows}


def _same_path(olds: Bag, news: Bag) -> bool:
    return all(olds.get(name) == news.get(name) for name in ("project", "dataset_id", "table_id"))


def _holds(spec: SeedTableSpec, live: LiveTable) -> bool:
    return live.labels.get(label.DEFINITION) == spec.definition_hash[:16]


def _live_content(spec: SeedTableSpec, state: Bag, live: LiveTable) -> str:
    if not _holds(spec, live):
        return f"another one: label {label.DEFINITION} is not that of the file loaded here"
    if state.get("num_rows") is not None and live.num_rows != state["num_rows"]:
        return f"another one: {live.num_rows} rows instead of {state['num_rows']:.0f}"
    return spec.content_hash


def _means_the_same(name: str, value: Any, state: Bag) -> bool:
    if name == "schema":
        return canonical_schema(state["schema"]) == tuple(value)
    return bool((state.get(name) or None) == (value or None))
