"""The six methods of a model's life."""

from collections.abc import Callable
from contextlib import suppress

from bqvertex.clients.bigquery import BigQuery, Job, LiveModel
from bqvertex.clients.errors import AlreadyExists, NotFound
from bqvertex.providers.attempt import Pace
from bqvertex.providers.lifecycle import Bag, Change, Checked, Created, Failure, Live
from bqvertex.providers.model.adoption import refuse_another
from bqvertex.providers.model.alteration import Alterations
from bqvertex.providers.model.candidate import Candidates
from bqvertex.providers.model.estimate import Estimates
from bqvertex.providers.model.evaluation import evaluation_metrics
from bqvertex.providers.model.registration import Registry, refuse_if_held
from bqvertex.providers.model.state import (
    computed_of,
    facts,
    inputs_of,
    job_facts,
    moment_problems,
    same_moment,
    seen,
    training_metrics,
    without_none,
)
from bqvertex.providers.model.training import Trainings
from bqvertex.specs import label
from bqvertex.specs.inputs import Problem
from bqvertex.specs.model import (
    DEFINITION,
    IDENTITY,
    SILENT,
    ModelSpec,
    changed,
    create_statement,
    derived,
    is_accepted,
    is_known,
    live_problems,
    problems,
)
from bqvertex.specs.model_change import reason
from bqvertex.specs.training_limit import limit_problems


class ModelLifecycle:
    """Implements `Lifecycle` on CREATE MODEL statements and the REST API's model metadata."""

    def __init__(
        self,
        bigquery: BigQuery,
        registry: Registry,
        *,
        report: Callable[[str], None] = lambda _: None,
        pace: Pace | None = None,
    ) -> None:
        """Keep what is needed.

        Args:
            bigquery: The service.
            registry: Knows who serves a registered model.
            report: Told in words how a training goes on.
            pace: How to wait.
        """
        pace = pace or Pace()
        self._bigquery = bigquery
        self._registry = registry
        self._estimates = Estimates(bigquery)
        self._trainings = Trainings(bigquery, self._estimates, report, pace)
        self._candidates = Candidates(bigquery, self._trainings, report, pace)
        self._alterations = Alterations(bigquery, report, pace)

    def check(self, olds: Bag, news: Bag) -> Checked:
        """Validate the statement, and derive what tells one definition from another.

        Offline first; a new statement in which nothing is wrong is then held against what BigQuery
        knows, where it answers.
        """
        found: list[Problem] = [*problems(olds, news), *moment_problems(news)]
        inputs = {**news, **derived(olds, news)}
        if not found and not is_accepted(olds, news) and is_known(news):
            preview = self._estimates.preview(ModelSpec.from_inputs(news))
            inputs |= preview.estimates
            # What the program declares counts: what is there now may be about to change with it.
            if "result_columns" not in inputs:
                declared = news.get("schemas") or {}
                told = {name: columns for name, columns in declared.items() if columns}
                both = {**news, "schemas": {**declared, **preview.schemas, **told}}
                found += live_problems(both, preview.refusal)
                inputs |= derived(olds, both)
        found += limit_problems(news, inputs)
        return Checked(inputs, tuple(Failure(name, text) for name, text in found))

    def diff(self, id: str, olds: Bag, news: Bag) -> Change:
        """Identity replaces, definition trains anew in place, metadata is patched."""
        del id
        names = changed(olds, news)
        if "expiration" in names and same_moment(olds.get("expiration"), news.get("expiration")):
            names -= {"expiration"}
        if not names - SILENT:
            return Change(changes=False)
        return Change(
            changes=True,
            replaces=tuple(sorted(names & IDENTITY)),
            reason=reason(olds, news, names),
        )

    def create(self, inputs: Bag) -> Created:
        """Train the model, or finish what a broken run of the same declaration began.

        Raises:
            AlreadyExists: A model of that name is there that this declaration did not make.
            FailedPrecondition: The model to adopt was made of another definition.
            JobFailed: The training failed, or what it made does not pass its evaluation.
        """
        spec = ModelSpec.from_inputs(inputs)
        live = self._trainings.look(spec.path)
        if live is not None and (spec.adopt or spec.adopt_as_is):
            refuse_another(spec, live)
            job = self._trainings.job_of(spec, live, spec.first_keys)
            return Created(spec.path, self._finished(spec, inputs, job))
        if live is not None and not self._is_own(spec, live):
            raise AlreadyExists(
                f"create model {spec.path}: a model of that name is there, and this declaration "
                "did not make it; set adopt to take it over without training it, or delete it first"
            )
        if live is not None and live.labels.get(label.DEFINITION) == spec.definition_label:
            job = self._trainings.job_of(spec, live, spec.first_keys)
        elif spec.is_gated:
            job = self._candidates.promoted(spec, live, "")
        else:
            job = self._train(spec, spec.creation_key, replace=live is not None)
        return Created(spec.path, self._finished(spec, inputs, job))

    def read(self, id: str, state: Bag) -> Live | None:
        """Look at the model; foreign metadata and foreign trainings show as drift."""
        spec = ModelSpec.from_inputs(state)
        live = self._trainings.look(id)
        if live is None:
            return None
        drift = seen(spec, state, live)
        # A state of an earlier version shows no outputs that it did not know.
        told = {name: value for name, value in facts(live).items() if name in state}
        return Live(
            inputs=without_none({**inputs_of(state), **drift}),
            outs=without_none({**state, **drift, **told}),
        )

    def update(self, id: str, olds: Bag, news: Bag) -> Bag:
        """Train anew where the definition changed; patch the metadata in any case.

        Raises:
            JobFailed: The training failed, or what it made does not pass its evaluation: then the
                old model serves on.
        """
        del id
        spec = ModelSpec.from_inputs(news)
        if changed(olds, news) & DEFINITION:
            return self._finished(spec, news, self._retrained(spec, olds))
        self._alterations.apply(spec, olds)
        self._patched(spec, self._bigquery.model(spec.path))
        return {**news, **computed_of(olds)}

    def delete(self, id: str, state: Bag) -> None:
        """Delete the model and its candidate; to find them gone is success.

        Raises:
            FailedPrecondition: It is served from the Model Registry, or named for serving there.
        """
        spec = ModelSpec.from_inputs(state)
        live = self._trainings.look(id)
        if live is not None:
            refuse_if_held(self._registry, spec, live)
            with suppress(NotFound):
                self._bigquery.delete_model(id)
        self._candidates.delete(spec)

    def _retrained(self, spec: ModelSpec, olds: Bag) -> Job:
        live = self._trainings.look(spec.path)
        before = olds.get("training_job_id") or ""
        if spec.is_gated:
            serving_since = olds.get("trained_at") or ""
            return self._candidates.promoted(spec, live, serving_since, before)
        # Labels that somebody took away make it look like another one, and are put back.
        found = None if live is None else self._trainings.job_of(spec, live, job_id=before)
        return found or self._train(spec, spec.work_key, replace=True)

    def _train(self, spec: ModelSpec, key: str, *, replace: bool) -> Job:
        return self._trainings.train(
            spec,
            spec.path,
            key,
            lambda replaced: create_statement(spec, replace=replaced),
            replace=replace,
        )

    def _is_own(self, spec: ModelSpec, live: LiveModel) -> bool:
        owner = live.labels.get(label.OWNER)
        if owner is not None:
            return owner == label.short_hash(spec.owner)
        return any(self._trainings.is_made_here(spec, key, live) for key in spec.first_keys)

    def _patched(self, spec: ModelSpec, live: LiveModel, job: Job | None = None) -> LiveModel:
        trained_by = job.job_id if job else live.labels.get(label.JOB)
        labels = spec.live_labels | ({label.JOB: trained_by} if trained_by else {})
        if (
            live.description == spec.description
            and dict(live.labels) == labels
            and same_moment(live.expiration, spec.expiration)
        ):
            return live
        return self._bigquery.patch_model(
            spec.path,
            description=spec.description,
            labels=label.patch(live.labels, labels),
            expiration=spec.expiration,
        )

    def _finished(self, spec: ModelSpec, inputs: Bag, job: Job | None) -> Bag:
        if spec.is_gated:
            self._candidates.register(spec)
        live = self._patched(spec, self._bigquery.model(spec.path), job)
        outs = without_none(
            {
                **inputs,
                **facts(live),
                **job_facts(job),
                "model_path": spec.path,
                "evaluation_metrics": evaluation_metrics(self._bigquery, spec, spec.path, live),
                "training_metrics": training_metrics(live, job),
            }
        )
        if spec.is_gated:
            # Last, since until then a run that is broken off finds its training by it.
            self._candidates.delete(spec)
        return outs
