"""How whatever SQL makes lives: see `bqvertex.specs.sql_object` for what it is."""

import math
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final

from bqvertex.clients.bigquery import BigQuery, Job, QueryRequest
from bqvertex.clients.errors import AlreadyExists, FailedPrecondition, NotFound
from bqvertex.providers.attempt import Pace, complete, earlier_jobs
from bqvertex.providers.lifecycle import Bag, Change, Checked, Created, Failure, Live
from bqvertex.specs import label
from bqvertex.specs.sql_object import DELETE, Row, SqlKind, SqlObject, Step, step_key

VERB: Final = "sql"
STOP_S: Final = 600.0
"""Seconds that a cancelled statement may take to end."""
_EXACT: Final = 2**53
"""From here on the engine, which keeps every number as a float, would round."""


class SqlLifecycle:
    """Implements `Lifecycle` on statements alone.

    Every statement is a job with an id that names the statement before it, so that they form a
    row: a run that was broken off finds what it began, and one that lost its state what is there.
    """

    def __init__(
        self,
        kind: SqlKind,
        bigquery: BigQuery,
        *,
        report: Callable[[str], None] = lambda _: None,
        pace: Pace | None = None,
    ) -> None:
        """Keep what is needed.

        Args:
            kind: The kind of objects.
            bigquery: The service.
            report: Told in words how a statement goes on.
            pace: How to wait.
        """
        self._kind = kind
        self._bigquery = bigquery
        self._report = report
        self._pace = pace or Pace()

    def check(self, olds: Bag, news: Bag) -> Checked:
        """Validate offline, and derive what tells one meaning from another."""
        failures = [Failure(name, reason) for name, reason in self._kind.problems(olds, news)]
        return Checked({**news, **self._kind.derived(olds, news)}, tuple(failures))

    def diff(self, id: str, olds: Bag, news: Bag) -> Change:
        """Identity replaces; a definition is changed in place where SQL can, else replaced too."""
        del id
        names = self._kind.changed(olds, news)
        replaces = self._kind.replaces(news, names)
        return Change(
            changes=bool(names - self._kind.silent),
            replaces=tuple(sorted(replaces)),
            delete_before_replace=bool(replaces) and self._kind.same_place(olds, news),
            reason=self._kind.reason(olds, news, names),
        )

    def create(self, inputs: Bag) -> Created:
        """Make it, or finish what a broken run of the same declaration began.

        Raises:
            AlreadyExists: It, or something in its way, is there, and this declaration did not
                make it.
            FailedPrecondition: What is to be taken over is not what is declared.
        """
        spec = self._kind.spec(inputs)
        row = self._settled(spec, spec.creation(), "")
        is_own = bool(row) and not _does(row[-1], DELETE)
        rows = self._rows(spec)
        live = self._live(spec, rows)
        if is_own and (live is not None or not spec.read_sql):
            self._make_again(spec, row, live)
        elif live is None:
            if refusal := spec.refusal(rows):
                raise AlreadyExists(f"create {self._on(spec)}: {refusal}")
            row.append(self._run(spec, spec.creation(), row))
        elif not spec.adopt:
            raise AlreadyExists(
                f"create {self._on(spec)}: it is there already, and this declaration did not make "
                "it; set adopt to take it over, or remove it first"
            )
        elif problem := spec.adoption_problem(live):
            raise FailedPrecondition(f"adopt {self._on(spec)}: {problem}")
        elif spec.drift(live, {}):
            row = [self._run(spec, spec.creation(), row)]
        else:
            row = []
        return Created(spec.path, self._finished(spec, inputs, row[-1].job_id if row else ""))

    def read(self, id: str, state: Bag) -> Live | None:
        """Look at it; what differs from what was made shows as drift."""
        del id
        spec = self._kind.spec(state)
        if not spec.read_sql:
            return Live(inputs=self._inputs(state), outs=state)
        live = self._live(spec, self._rows(spec))
        if live is None:
            return None
        drift = spec.drift(live, state)
        outs = {**self._own(state), **spec.outputs(live), **drift}
        inputs = self._inputs({**state, **drift})
        return Live(inputs=_without_none(inputs), outs=_without_none(outs))

    def update(self, id: str, olds: Bag, news: Bag) -> Bag:
        """Change it in place where its definition changed; write the rest down."""
        del id
        spec = self._kind.spec(news)
        before = olds.get("job_id") or ""
        step = spec.change()
        if step is None or not self._kind.changed(olds, news) & self._kind.definition:
            live = self._live(spec, self._rows(spec))
            told = {k: olds[k] for k in self._kind.outputs if k in olds}
            told = told if live is None else dict(spec.outputs(live))
            return _without_none({**news, **told, "job_id": before})
        row = self._settled(spec, step, before)
        if not (row and self._is_done(spec, step, row[-1], self._live(spec, self._rows(spec)))):
            row.append(self._run(spec, step, row, before))
        return self._finished(spec, news, row[-1].job_id)

    def delete(self, id: str, state: Bag) -> None:
        """Remove it; to find it gone is success."""
        del id
        spec = self._kind.spec(state)
        before = state.get("job_id") or ""
        live = self._live(spec, self._rows(spec)) if spec.read_sql else None
        step = spec.deletion(live)
        if step is None or (spec.read_sql and live is None):
            return
        row = self._settled(spec, step, before)
        # Where nothing can be seen, only the job tells.
        if row and _does(row[-1], DELETE) and not spec.read_sql:
            return
        try:
            self._run(spec, step, row, before)
        except NotFound:
            return

    def _make_again(self, spec: SqlObject, row: list[Job], live: Row | None) -> None:
        """Turn what a broken run of this declaration made into what is declared now."""
        if self._is_done(spec, spec.creation(), row[-1], live):
            return
        change, deletion = spec.change(), spec.deletion(live)
        if change is not None:
            row.append(self._run(spec, change, row))
            return
        if deletion is not None:
            row.append(self._run(spec, deletion, row))
        row.append(self._run(spec, spec.creation(), row))

    def _is_done(self, spec: SqlObject, step: Step, job: Job, live: Row | None) -> bool:
        """Tell whether the last statement that ran made what a step would, and it is still so."""
        made = job.labels.get(label.WORK, "")
        same = made.partition("-")[2] == step.work.partition("-")[2]
        if not spec.read_sql:
            return same
        return same and live is not None and not spec.drift(live, {})

    def _settled(self, spec: SqlObject, step: Step, before: str) -> list[Job]:
        """List the statements that ran after one, the last first waited for, or stopped.

        Args:
            spec: The object.
            step: What is to run: a job that is still at it is left to its end.
            before: Job of the statement to begin after; empty for all.
        """
        row = self._row(spec, before)
        if not row or row[-1].done:
            return row
        last = row.pop()
        if last.labels.get(label.WORK) == step.work:
            row.append(self._run(spec, step, row, before))
            return row
        self._bigquery.cancel(last)
        for _ in self._bigquery.watch(last, STOP_S):
            self._report(f"{self._on(spec)}: stopping job {last.job_id}")
        return self._row(spec, before)

    def _row(self, spec: SqlObject, before: str) -> list[Job]:
        row: list[Job] = []
        while True:
            key = step_key(self._kind.noun, spec, row[-1].job_id if row else before)
            found = list(earlier_jobs(self._bigquery, spec.project, spec.location, VERB, key))
            if not found:
                return row
            row.append(found[-1])

    def _run(self, spec: SqlObject, step: Step, row: Sequence[Job], before: str = "") -> Job:
        def start(job_id: str) -> Job:
            return self._bigquery.start_query(
                QueryRequest(
                    job_id=job_id,
                    project=spec.project,
                    location=spec.location,
                    sql=step.sql,
                    labels={label.OWNER: label.short_hash(spec.owner), label.WORK: step.work},
                    timeout_s=spec.job_timeout_s,
                )
            )

        return complete(
            self._bigquery,
            tried=step.verb,
            on=self._on(spec),
            verb=VERB,
            key=step_key(self._kind.noun, spec, row[-1].job_id if row else before),
            start=start,
            # One that ended well would be the last of the row, not after it.
            took_effect=lambda _: True,
            timeout_s=spec.job_timeout_s,
            report=lambda job: self._report(f"{self._on(spec)}: {step.verb}, job {job.job_id}"),
            pace=self._pace,
            is_same=lambda job: job.labels.get(label.WORK) == step.work,
        )

    def _rows(self, spec: SqlObject) -> list[Row]:
        if not spec.read_sql:
            return []
        try:
            rows = self._bigquery.rows(spec.project, spec.location, spec.read_sql)
        except NotFound:
            return []
        return [plain_row(row) for row in rows]

    def _live(self, spec: SqlObject, rows: Sequence[Row]) -> Row | None:
        try:
            return spec.live(rows)
        except ValueError as error:
            raise FailedPrecondition(f"read {self._on(spec)}: {error}") from None

    def _finished(self, spec: SqlObject, inputs: Bag, job_id: str) -> Bag:
        outs = {**inputs, "job_id": job_id}
        if spec.read_sql:
            live = self._live(spec, self._rows(spec))
            if live is None:
                raise FailedPrecondition(
                    f"read {self._on(spec)}: its statement ran to a good end, and yet the query "
                    f"that is to see it finds nothing: correct the one or the other\n"
                    f"{spec.read_sql}"
                )
            outs |= spec.outputs(live)
        return _without_none(outs)

    def _inputs(self, state: Bag) -> Bag:
        return {key: state[key] for key in state if key not in self._kind.computed}

    def _own(self, state: Bag) -> Bag:
        return {key: state[key] for key in state if key not in self._kind.outputs}

    def _on(self, spec: SqlObject) -> str:
        return f"{self._kind.noun} {spec.path}"


def plain_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Turn a row into values that JSON has and the engine keeps exactly.

    Args:
        row: Values by column, as Google's library gives them.

    Returns:
        Text, booleans, numbers, lists and maps. Moments are RFC 3339, BYTES base64; NUMERIC, an
        INT64 of more than 53 bits and a float that is no number are text; NULL is left out.
    """
    return {name: _plain(value) for name, value in row.items() if value is not None}


def _plain(value: Any) -> Any:
    match value:
        case bool() | str():
            return value
        case int():
            return value if abs(value) <= _EXACT else str(value)
        case float():
            return value if math.isfinite(value) else str(value)
        case datetime() | date() | time():
            return value.isoformat()
        case bytes():
            return b64encode(value).decode()
        case Mapping():
            return plain_row(value)
        case list() | tuple():
            return [_plain(item) for item in value if item is not None]
        case Decimal() | timedelta():
            return str(value)
    return str(value)


def _does(job: Job, verb: str) -> bool:
    return job.labels.get(label.WORK, "").startswith(f"{verb}-")


def _without_none(bag: Bag) -> Bag:
    return {key: value for key, value in bag.items() if value is not None}
