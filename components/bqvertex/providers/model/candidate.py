"""A model that is trained beside the one that serves, and takes its place if it passes."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final

from bqvertex.clients.bigquery import BigQuery, CopyRequest, Job, LiveModel, QueryRequest
from bqvertex.clients.errors import AlreadyExists, JobFailed, NotFound
from bqvertex.providers.attempt import Pace, complete
from bqvertex.providers.model.evaluation import evaluation_metrics
from bqvertex.providers.model.state import rfc3339
from bqvertex.providers.model.training import Trainings
from bqvertex.specs import label
from bqvertex.specs.evaluation_gate import asks_for_change, failures
from bqvertex.specs.model import ModelSpec, candidate_statement, register_statement

EXPIRES_AFTER: Final = timedelta(days=7)
"""How long a candidate that did not pass waits for other thresholds."""
COPY_S: Final = 3600.0
REGISTER_S: Final = 600.0


class Candidates:
    """Trains, evaluates and promotes candidates."""

    def __init__(
        self,
        bigquery: BigQuery,
        trainings: Trainings,
        report: Callable[[str], None],
        pace: Pace,
    ) -> None:
        """Keep what is needed."""
        self._bigquery = bigquery
        self._trainings = trainings
        self._report = report
        self._pace = pace

    def promoted(
        self, spec: ModelSpec, live: LiveModel | None, serving_since: str, job_id: str = ""
    ) -> Job:
        """Train a model and put it into its place, unless an earlier run has done so.

        Args:
            spec: What is declared, with thresholds.
            live: What serves; None for nothing.
            serving_since: When that was trained, as the state has it; empty for nothing. It names
                the jobs, so that a run that is repeated finds its own.
            job_id: The job that the state names; empty for none.

        Returns:
            The job that trained it.

        Raises:
            JobFailed: It does not meet the thresholds; what serves is untouched.
            AlreadyExists: A model of the candidate's name is there that is not of this
                declaration.
        """
        key = spec.candidate_key(serving_since)
        if live is not None:
            done = self._trainings.job_of(spec, live, [key], job_id)
            if done is not None:
                return done
        job = self._trained(spec, key)
        candidate = self._marked(spec, job)
        if live is None or not _is_copy(live, candidate):
            self._evaluate(spec, candidate, live)
        self._copy(spec, key, candidate, replace=live is not None)
        return job

    def register(self, spec: ModelSpec) -> None:
        """Register a model that was copied into its place, where its statement says so.

        CREATE MODEL registers what it makes, and a candidate is made without.
        """
        statement = register_statement(spec)
        if statement is None or self._is_registered(spec):
            return

        def start(job_id: str) -> Job:
            return self._bigquery.start_query(
                QueryRequest(
                    job_id=job_id, project=spec.project, location=spec.location, sql=statement
                )
            )

        complete(
            self._bigquery,
            tried="register",
            on=f"model {spec.path}",
            verb="register",
            key=spec.work_key,
            start=start,
            took_effect=lambda _: self._is_registered(spec),
            timeout_s=REGISTER_S,
            report=lambda _: self._report(f"model {spec.path}: registering"),
            pace=self._pace,
        )

    def delete(self, spec: ModelSpec) -> None:
        """Delete the candidate of this declaration, if one is there."""
        candidate = self._trainings.look(spec.candidate_path)
        if candidate is None or not _is_own(spec, candidate):
            return
        with suppress(NotFound):
            self._bigquery.delete_model(spec.candidate_path)

    def _trained(self, spec: ModelSpec, key: str) -> Job:
        path = spec.candidate_path
        there = self._trainings.look(path)
        if there is not None and (job := self._trainings.job_of(spec, there, [key])) is not None:
            return job
        if (
            there is not None
            and not _is_own(spec, there)
            and not self._trainings.is_made_here(spec, key, there)
        ):
            raise AlreadyExists(
                f"train model {path}: a model of that name is there, and this declaration did not "
                f"make it; with `evaluation`, {spec.path} needs that name for a while: delete it, "
                "or choose another model_id"
            )
        return self._trainings.train(
            spec,
            path,
            key,
            lambda replace: candidate_statement(spec, replace=replace),
            replace=there is not None,
        )

    def _marked(self, spec: ModelSpec, job: Job) -> LiveModel:
        live = self._bigquery.model(spec.candidate_path)
        labels = {**spec.own_labels, label.JOB: job.job_id}
        if dict(live.labels) == labels and live.expiration is not None:
            return live
        return self._bigquery.patch_model(
            spec.candidate_path,
            description=f"May take the place of {spec.path}",
            labels=label.patch(live.labels, labels),
            expiration=rfc3339(datetime.now(UTC) + EXPIRES_AFTER),
        )

    def _evaluate(self, spec: ModelSpec, candidate: LiveModel, live: LiveModel | None) -> None:
        self._report(f"model {spec.path}: evaluating {spec.candidate_path}")
        new = evaluation_metrics(self._bigquery, spec, spec.candidate_path, candidate)
        old = None
        if live is not None and asks_for_change(spec.evaluation):
            old = evaluation_metrics(self._bigquery, spec, spec.path, live)
        missed = failures(spec.evaluation, new, old)
        if missed:
            serves = "the old model serves on" if live is not None else "no model serves yet"
            raise JobFailed(
                f"evaluate model {spec.path}: {'; '.join(missed)}; {serves}, and the new one waits "
                f"as {spec.candidate_path} until {candidate.expiration}: change `evaluation` to "
                "let it pass without a training, or the statement to train another"
            )

    def _copy(self, spec: ModelSpec, key: str, candidate: LiveModel, *, replace: bool) -> None:
        def start(job_id: str) -> Job:
            return self._bigquery.start_model_copy(
                CopyRequest(
                    job_id=job_id,
                    project=spec.project,
                    location=spec.location,
                    source=spec.candidate_path,
                    destination=spec.path,
                    replace=replace,
                    labels=spec.own_labels,
                )
            )

        def took_effect(_: Job) -> bool:
            live = self._trainings.look(spec.path)
            return live is not None and _is_copy(live, candidate)

        complete(
            self._bigquery,
            tried="copy",
            on=f"model {spec.candidate_path} to {spec.path}",
            verb="promote",
            key=f"{key}_{spec.work_key}",
            start=start,
            took_effect=took_effect,
            timeout_s=COPY_S,
            report=lambda _: self._report(f"model {spec.path}: taking its place"),
            pace=self._pace,
        )

    def _is_registered(self, spec: ModelSpec) -> bool:
        return bool(self._bigquery.model(spec.path).vertex_ai_model_id)


def _is_own(spec: ModelSpec, live: LiveModel) -> bool:
    return live.labels.get(label.OWNER) == label.short_hash(spec.owner)


def _is_copy(live: LiveModel, candidate: LiveModel) -> bool:
    return candidate.trained_at is not None and live.trained_at == candidate.trained_at
