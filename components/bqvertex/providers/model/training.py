"""One training: begun once, found again, and never in the way of another declaration's."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import Final

from bqvertex.clients.bigquery import BigQuery, Job, LiveModel, QueryRequest
from bqvertex.clients.errors import NotFound
from bqvertex.providers.attempt import Pace, complete, earlier_jobs, made_by
from bqvertex.providers.model.estimate import Estimates
from bqvertex.specs import label
from bqvertex.specs.job import names_work
from bqvertex.specs.model import ModelSpec

VERB: Final = "train"
CANCEL_S: Final = 600.0
"""Seconds that a cancelled training may take to end."""


class Trainings:
    """Runs and finds the jobs that train models."""

    def __init__(
        self, bigquery: BigQuery, estimates: Estimates, report: Callable[[str], None], pace: Pace
    ) -> None:
        """Keep what is needed."""
        self._bigquery = bigquery
        self._estimates = estimates
        self._report = report
        self._pace = pace

    def train(
        self,
        spec: ModelSpec,
        path: str,
        key: str,
        statement: Callable[[bool], str],
        *,
        replace: bool,
    ) -> Job:
        """Train a model, in the job of an earlier run where there is one that still counts.

        Args:
            spec: What is declared.
            path: Where the model goes, `project.dataset.model`.
            key: Names the jobs that may have made what is there, see `job_of`.
            statement: Writes the CREATE MODEL statement, with OR REPLACE or without.
            replace: Whether a model is there, of this declaration.

        Raises:
            FailedPrecondition: It would cost more than is allowed.
            CloudError: It failed.
        """
        stopped: list[Job] = []

        def took_effect(job: Job) -> bool:
            live = self.look(path)
            return live is not None and _made(job, live)

        def is_same(job: Job) -> bool:
            if _is_of(spec, job):
                return True
            if not job.done:
                self._stop(path, job)
                stopped.append(job)
            return False

        def start(job_id: str) -> Job:
            return self._bigquery.start_query(
                QueryRequest(
                    job_id=job_id,
                    project=spec.project,
                    location=spec.location,
                    # A training that was told to stop may have ended well all the same.
                    sql=statement(replace or bool(stopped)),
                    labels={**spec.own_labels, label.WORK: spec.work_key},
                    timeout_s=spec.deadline_s,
                    maximum_bytes_billed=spec.max_bytes_billed,
                )
            )

        if spec.max_price_usd is not None and not any(
            not job.done or took_effect(job) for job in self._of_this_work(spec, key)
        ):
            self._estimates.hold(spec)
        return complete(
            self._bigquery,
            tried="train",
            on=f"model {path}",
            verb=VERB,
            key=key,
            start=start,
            took_effect=took_effect,
            timeout_s=spec.deadline_s,
            report=lambda job: self._report(progress(path, job)),
            pace=self._pace,
            is_same=is_same,
        )

    def job_of(
        self, spec: ModelSpec, live: LiveModel, keys: Sequence[str] = (), job_id: str = ""
    ) -> Job | None:
        """Find the job of this very work that made a model; None where it was another.

        Args:
            spec: What is declared.
            live: The model. Its label names the job, unless a run was broken off before it was set
                or somebody took it away.
            keys: Names of the jobs to look through then.
            job_id: The job that the state names; empty for none.
        """

        def made_it(job: Job) -> bool:
            return job.error is None and _is_of(spec, job) and _made(job, live)

        named = {name for name in (live.labels.get(label.JOB), job_id) if name}
        told = (self._job(spec, name) for name in sorted(named))
        found = (job for key in keys for job in self._earlier(spec, key))
        return next((job for job in chain(told, found) if job is not None and made_it(job)), None)

    def is_made_here(self, spec: ModelSpec, key: str, live: LiveModel) -> bool:
        """Tell whether a job of this declaration made a model, of whatever definition.

        A run that is broken off between a training and its labels leaves a model that bears no
        sign; CREATE MODEL takes no labels.
        """
        return any(_made(job, live) for job in self._earlier(spec, key))

    def _stop(self, path: str, job: Job) -> None:
        """Stop what a broken run of this declaration still trains of another definition."""
        self._bigquery.cancel(job)
        for _ in self._bigquery.watch(job, CANCEL_S):
            self._report(f"model {path}: stopping job {job.job_id}")

    def look(self, path: str) -> LiveModel | None:
        """Look at a model; None where there is none."""
        try:
            return self._bigquery.model(path)
        except NotFound:
            return None

    def _job(self, spec: ModelSpec, job_id: str) -> Job | None:
        try:
            return self._bigquery.job(spec.project, spec.location, job_id)
        except NotFound:
            return None

    def _of_this_work(self, spec: ModelSpec, key: str) -> Iterator[Job]:
        return (job for job in self._earlier(spec, key) if _is_of(spec, job))

    def _earlier(self, spec: ModelSpec, key: str) -> Iterator[Job]:
        return earlier_jobs(self._bigquery, spec.project, spec.location, VERB, key)


def _made(job: Job, live: LiveModel) -> bool:
    # Of two trainings within a second the times do not tell which one made the model.
    return live.labels.get(label.JOB, job.job_id) == job.job_id and made_by(job, live.trained_at)


def _is_of(spec: ModelSpec, job: Job) -> bool:
    # Jobs of version 0.1.0 bear no label; their ids say it.
    return job.labels.get(label.WORK) == spec.work_key or names_work(
        job.job_id, VERB, spec.work_key
    )


def progress(path: str, job: Job) -> str:
    """Say how a training goes on: iteration, loss, trials, seconds."""
    parts = [f"model {path}: training"]
    if job.iterations:
        of = f" of {job.max_iterations}" if job.max_iterations else ""
        parts.append(f"iteration {job.iterations}{of}")
    if job.loss is not None:
        parts.append(f"loss {job.loss:.4g}")
    if job.trials:
        parts.append(f"{job.trials} trials")
    if job.created is not None:
        elapsed = (job.ended or datetime.now(UTC)) - job.created
        parts.append(f"{elapsed.total_seconds():.0f} s")
    return ", ".join(parts)
