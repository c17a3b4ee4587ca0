"""How a BigQuery ML model lives."""

import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from bqvertex.clients.bigquery import BigQuery, Job, LiveModel, QueryRequest
from bqvertex.clients.errors import AlreadyExists, FailedPrecondition, NotFound
from bqvertex.providers.attempt import Pace, complete, earlier_jobs, made_by
from bqvertex.providers.lifecycle import Bag, Change, Checked, Created, Failure, Live
from bqvertex.specs import label
from bqvertex.specs.inputs import known
from bqvertex.specs.location import same_location
from bqvertex.specs.model import (
    DEFINITION,
    IDENTITY,
    SILENT,
    ModelSpec,
    changed,
    create_statement,
    derived,
    evaluate_statement,
    problems,
)

VERB = "train"
COMPUTED = frozenset(
    {
        "bytes_processed",
        "creation_time",
        "evaluation_metrics",
        "feature_columns",
        "label_columns",
        "model_path",
        "model_type",
        "seconds",
        "trained_at",
        "training_job_id",
        "training_metrics",
    }
)
"""Outputs that are no inputs."""


class ModelLifecycle:
    """Implements `Lifecycle` on CREATE MODEL statements and the REST API's model metadata."""

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
            report: Told in words how a training goes on.
            pace: How to wait.
        """
        self._bigquery = bigquery
        self._report = report
        self._pace = pace or Pace()

    def check(self, olds: Bag, news: Bag) -> Checked:
        """Validate the statement offline and derive what tells one definition from another."""
        found = [*problems(olds, news), *_moment_problems(news)]
        failures = tuple(Failure(name, reason) for name, reason in found)
        return Checked({**news, **derived(olds, news)}, failures)

    def diff(self, id: str, olds: Bag, news: Bag) -> Change:
        """Identity replaces, definition trains anew in place, metadata is patched."""
        del id
        names = changed(olds, news)
        if "expiration" in names and _same_moment(olds.get("expiration"), news.get("expiration")):
            names -= {"expiration"}
        return Change(changes=bool(names - SILENT), replaces=tuple(sorted(names & IDENTITY)))

    def create(self, inputs: Bag) -> Created:
        """Train the model, or finish what a broken run of the same declaration began.

        Raises:
            AlreadyExists: A model of that name is there that this declaration did not make.
            FailedPrecondition: The model to adopt was made of another definition.
        """
        spec = ModelSpec.from_inputs(inputs)
        live = self._look(spec.path)
        if live is not None and spec.adopt:
            return Created(spec.path, self._adopted(spec, inputs, live))
        if live is not None and not self._is_own(spec, live):
            raise AlreadyExists(
                f"create model {spec.path}: a model of that name is there, and this declaration "
                "did not make it; set adopt to take it over as it is, or delete it first"
            )
        if live is not None and live.labels.get(label.DEFINITION) == spec.definition_label:
            job = self._training_of(spec, live)
        else:
            job = self._train(spec, replace=live is not None)
        return Created(spec.path, self._finished(spec, inputs, job))

    def read(self, id: str, state: Bag) -> Live | None:
        """Look at the model; foreign metadata and foreign trainings show as drift."""
        spec = ModelSpec.from_inputs(state)
        live = self._look(id)
        if live is None:
            return None
        seen: Bag = {
            "location": live.location,
            "description": live.description,
            "labels": label.own(live.labels),
            "expiration": live.expiration,
            "definition_hash": _live_definition(spec, state, live),
            "owner": (
                spec.owner
                if live.labels.get(label.OWNER) == label.short_hash(spec.owner)
                else f"another one: label {label.OWNER} is not this declaration's"
            ),
        }
        seen = {
            name: state.get(name) if _means_the_same(name, value, state) else value
            for name, value in seen.items()
        }
        outs = {**state, **seen, **_facts(live)}
        inputs = {key: value for key, value in {**state, **seen}.items() if key not in COMPUTED}
        return Live(inputs=_without_none(inputs), outs=_without_none(outs))

    def update(self, id: str, olds: Bag, news: Bag) -> Bag:
        """Train anew in place where the definition changed; patch the metadata in any case."""
        del id
        spec = ModelSpec.from_inputs(news)
        if changed(olds, news) & DEFINITION:
            job = self._train(spec, replace=True)
            return self._finished(spec, news, job)
        self._patched(spec, self._bigquery.model(spec.path))
        kept = {key: olds[key] for key in COMPUTED if key in olds}
        return {**news, **kept}

    def delete(self, id: str, state: Bag) -> None:
        """Delete the model; to find it gone is success.

        Raises:
            FailedPrecondition: It is deployed from the Model Registry.
        """
        del state
        try:
            self._bigquery.delete_model(id)
        except NotFound:
            return

    def _look(self, path: str) -> LiveModel | None:
        try:
            return self._bigquery.model(path)
        except NotFound:
            return None

    def _is_own(self, spec: ModelSpec, live: LiveModel) -> bool:
        owner = live.labels.get(label.OWNER)
        if owner is not None:
            return owner == label.short_hash(spec.owner)
        # Trained, and broken off before the labels were set: it was made in a job of ours.
        return self._training_of(spec, live) is not None

    def _training_of(self, spec: ModelSpec, live: LiveModel) -> Job | None:
        jobs = earlier_jobs(self._bigquery, spec.project, spec.location, VERB, spec.work_key)
        return next((job for job in jobs if made_by(job, live.trained_at)), None)

    def _train(self, spec: ModelSpec, *, replace: bool) -> Job:
        def start(job_id: str) -> Job:
            return self._bigquery.start_query(
                QueryRequest(
                    job_id=job_id,
                    project=spec.project,
                    location=spec.location,
                    sql=create_statement(spec, replace=replace),
                    timeout_s=spec.deadline_s,
                )
            )

        def took_effect(job: Job) -> bool:
            live = self._look(spec.path)
            return live is not None and made_by(job, live.trained_at)

        return complete(
            self._bigquery,
            tried="train",
            on=f"model {spec.path}",
            verb=VERB,
            key=spec.work_key,
            start=start,
            took_effect=took_effect,
            timeout_s=spec.deadline_s,
            report=lambda job: self._report(_progress(spec, job)),
            pace=self._pace,
        )

    def _adopted(self, spec: ModelSpec, inputs: Bag, live: LiveModel) -> Bag:
        made_of = live.labels.get(label.DEFINITION)
        if made_of not in (None, spec.definition_label):
            raise FailedPrecondition(
                f"adopt model {spec.path}: its label {label.DEFINITION} is {made_of!r}, and the "
                f"statement declared here is {spec.definition_label!r}; declare the statement it "
                "was made of, or take the label away to vouch that it is the same"
            )
        return self._finished(spec, inputs, None)

    def _patched(self, spec: ModelSpec, live: LiveModel) -> LiveModel:
        if (
            live.description == spec.description
            and dict(live.labels) == spec.live_labels
            and _same_moment(live.expiration, spec.expiration)
        ):
            return live
        return self._bigquery.patch_model(
            spec.path,
            description=spec.description,
            labels=label.patch(live.labels, spec.live_labels),
            expiration=spec.expiration,
        )

    def _finished(self, spec: ModelSpec, inputs: Bag, job: Job | None) -> Bag:
        live = self._patched(spec, self._bigquery.model(spec.path))
        return _without_none(
            {
                **inputs,
                **_facts(live),
                "model_path": spec.path,
                "evaluation_metrics": self._evaluation(spec, live),
                "training_job_id": job.job_id if job else "",
                "seconds": job.seconds if job else 0.0,
                "bytes_processed": job.bytes_processed if job else 0,
            }
        )

    def _evaluation(self, spec: ModelSpec, live: LiveModel) -> dict[str, float]:
        sql = evaluate_statement(spec)
        if sql is None:
            return {}
        rows = self._bigquery.rows(spec.project, spec.location, sql)
        chosen = [row for row in rows if row.get("trial_id") in (None, live.default_trial_id)]
        metrics = (chosen or rows or [{}])[0]
        return {
            name: float(value)
            for name, value in metrics.items()
            # A metric can be NaN, as the AUC of a label with one class; the state holds no NaN.
            if isinstance(value, (int, float)) and name != "trial_id" and math.isfinite(value)
        }


def _facts(live: LiveModel) -> Bag:
    return {
        "model_type": live.model_type,
        "feature_columns": dict(live.feature_columns),
        "label_columns": dict(live.label_columns),
        "trained_at": _rfc3339(live.trained_at),
    }


def _live_definition(spec: ModelSpec, state: Bag, live: LiveModel) -> str:
    made_of = live.labels.get(label.DEFINITION)
    if made_of != spec.definition_label:
        return f"another one: label {label.DEFINITION} is {made_of!r}"
    if state.get("trained_at") not in (None, _rfc3339(live.trained_at)):
        return f"another one: trained at {_rfc3339(live.trained_at)}"
    return spec.definition_hash


def _progress(spec: ModelSpec, job: Job) -> str:
    parts = [f"model {spec.path}: training"]
    if job.iterations:
        of = f" of {job.max_iterations}" if job.max_iterations else ""
        parts.append(f"iteration {job.iterations}{of}")
    if job.loss is not None:
        parts.append(f"loss {job.loss:.4g}")
    if job.created is not None:
        elapsed = (job.ended or datetime.now(UTC)) - job.created
        parts.append(f"{elapsed.total_seconds():.0f} s")
    return ", ".join(parts)


def _means_the_same(name: str, value: Any, state: Bag) -> bool:
    if name == "expiration":
        return _same_moment(state.get(name), value)
    if name == "location":
        return same_location(state[name], value)
    return bool((state.get(name) or None) == (value or None))


def _moment_problems(inputs: Bag) -> list[tuple[str, str]]:
    if not known(inputs, "expiration", str):
        return []
    text = inputs["expiration"]
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        return [
            ("expiration", f"{text!r} is no moment with a zone, such as '2027-01-31T00:00:00Z'")
        ]
    return []


def _same_moment(one: Any, other: Any) -> bool:
    if not isinstance(one, str) or not isinstance(other, str):
        return bool((one or None) == (other or None))
    try:
        first, second = datetime.fromisoformat(one), datetime.fromisoformat(other)
    except ValueError:
        return one == other
    # BigQuery keeps milliseconds.
    return abs((first - second).total_seconds()) < 0.001


def _rfc3339(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment else None


def _without_none(bag: Bag) -> Bag:
    return {key: value for key, value in bag.items() if value is not None}
