"""How a BigQuery ML model's entry in the Model Registry lives."""

from collections.abc import Callable

from tenacity import Retrying, retry_if_result, stop_after_delay, wait_exponential

from bqvertex.clients.bigquery import BigQuery, Job, QueryRequest
from bqvertex.clients.errors import DeadlineExceeded, FailedPrecondition, NotFound
from bqvertex.clients.vertex.registry import ModelRegistry, ModelVersion
from bqvertex.providers.attempt import Pace, complete
from bqvertex.providers.lifecycle import Bag, Change, Checked, Created, Failure, Live
from bqvertex.specs.change_reason import change_reason
from bqvertex.specs.inputs import changed
from bqvertex.specs.job import work_key
from bqvertex.specs.registered_model import (
    CONSEQUENCES,
    IDENTITY,
    INPUTS,
    RegisteredModelSpec,
    Registration,
    alias_changes,
    alter_model,
    declared_aliases,
    normalised,
    problems,
    registration,
)

REGISTER_TIMEOUT_S = 600.0
"""Seconds for ALTER MODEL, and for BigQuery to name the version after it."""
_FIRST_PAUSE_S, _LAST_PAUSE_S = 0.2, 10.0


class RegisteredModelLifecycle:
    """Implements `Lifecycle` on BigQuery's ALTER MODEL and the registry's aliases.

    Create and update are one act, `_bring_about`: register unless it is, wait for the version that
    the last training made, give it its aliases. Whatever of that an earlier run did is found.
    """

    def __init__(
        self,
        bigquery: BigQuery,
        registry: ModelRegistry,
        *,
        report: Callable[[str], None] = lambda _: None,
        pace: Pace | None = None,
    ) -> None:
        """Keep what is needed.

        Args:
            bigquery: Registers, and says which version is current.
            registry: Keeps the aliases.
            report: Told in words what is waited for.
            pace: How to wait.
        """
        self._bigquery = bigquery
        self._registry = registry
        self._report = report
        self._pace = pace or Pace()

    def check(self, olds: Bag, news: Bag) -> Checked:
        """Validate; sort the aliases and name the entry, so that both are known at preview."""
        del olds
        failures = tuple(Failure(name, reason) for name, reason in problems(news))
        return Checked(news if failures else normalised(news), failures)

    def diff(self, id: str, olds: Bag, news: Bag) -> Change:
        """Identity replaces; all else is an update."""
        del id
        names = changed(normalised(olds), normalised(news), INPUTS)
        return Change(
            changes=bool(names),
            replaces=tuple(sorted(names & IDENTITY)),
            reason=change_reason(olds, news, names, CONSEQUENCES),
        )

    def create(self, inputs: Bag) -> Created:
        """Register the model and give its version the aliases.

        Raises:
            NotFound: BigQuery has no such model.
            FailedPrecondition: It is registered under another id, which cannot be changed.
        """
        spec = RegisteredModelSpec.from_inputs(inputs)
        return Created(f"{spec.model_name}:{spec.path}", self._bring_about(spec, inputs))

    def read(self, id: str, state: Bag) -> Live | None:
        """Look at the registration, the current version and its aliases."""
        del id
        spec = RegisteredModelSpec.from_inputs(state)
        try:
            registered = self._registration(spec)
            if registered.vertex_ai_model_id != spec.vertex_ai_model_id:
                return None
            version = self._registry.version(spec.model_name, registered.version_id)
        except NotFound:
            return None
        inputs = {name: value for name, value in state.items() if name in INPUTS | {"model_name"}}
        inputs["version_aliases"] = list(declared_aliases(version.aliases))
        for name, said in (
            ("display_name", version.display_name),
            ("description", version.description),
        ):
            if state.get(name) is not None:
                inputs[name] = said
        return Live(inputs, inputs | _facts(version))

    def update(self, id: str, olds: Bag, news: Bag) -> Bag:
        """Bring the aliases to the current version, which a retrain has made a new one."""
        del id, olds
        return self._bring_about(RegisteredModelSpec.from_inputs(news), news)

    def delete(self, id: str, state: Bag) -> None:
        """Take the aliases off; the entry itself goes with the BigQuery model.

        Google deletes a BigQuery ML entry when its model is deleted and documents no other way:
        https://cloud.google.com/bigquery/docs/managing-models-vertex.
        """
        del id
        spec = RegisteredModelSpec.from_inputs(state)
        try:
            version = self._registry.version(spec.model_name, self._registration(spec).version_id)
            # Only those of ours that are still on our version: one that has moved on belongs to
            # the version it moved to.
            off = sorted(set(spec.version_aliases) & set(version.aliases))
            if off:
                self._registry.merge_version_aliases(
                    spec.model_name, version.version_id, [f"-{alias}" for alias in off]
                )
        except NotFound:
            return

    def _bring_about(self, spec: RegisteredModelSpec, inputs: Bag) -> Bag:
        self._register(spec, inputs.get("definition_hash"))
        current = self._wait_for_version_id(spec)
        version = self._registry.wait_for_version(spec.model_name, current)
        aliases = alias_changes(spec.version_aliases, version.aliases)
        if aliases:
            version = self._registry.merge_version_aliases(
                spec.model_name, version.version_id, aliases
            )
        if (spec.display_name or version.display_name, spec.description or version.description) != (
            version.display_name,
            version.description,
        ):
            self._registry.describe(
                spec.model_name, display_name=spec.display_name, description=spec.description
            )
        return normalised(inputs) | _facts(version)

    def _register(self, spec: RegisteredModelSpec, definition_hash: str | None) -> None:
        if self._is_registered(spec):
            return
        self._report(f"model {spec.path}: registering as {spec.model_name}")

        def start(job_id: str) -> Job:
            return self._bigquery.start_query(
                QueryRequest(
                    job_id=job_id,
                    project=spec.project,
                    location=spec.location,
                    sql=alter_model(spec),
                )
            )

        complete(
            self._bigquery,
            tried="register",
            on=spec.path,
            verb="register",
            key=work_key(spec.path, spec.vertex_ai_model_id, definition_hash),
            start=start,
            took_effect=lambda _: self._is_registered(spec),
            timeout_s=REGISTER_TIMEOUT_S,
            report=lambda _: None,
            pace=self._pace,
        )

    def _is_registered(self, spec: RegisteredModelSpec) -> bool:
        has = self._registration(spec).vertex_ai_model_id
        if has not in ("", spec.vertex_ai_model_id):
            raise FailedPrecondition(
                f"could not register {spec.path} as '{spec.vertex_ai_model_id}': BigQuery has it "
                f"in the registry as '{has}', which cannot be changed; keep that id, or make the "
                "model again under another model_id"
            )
        return bool(has)

    def _wait_for_version_id(self, spec: RegisteredModelSpec) -> str:
        attempts = Retrying(
            retry=retry_if_result(lambda version_id: not version_id),
            stop=stop_after_delay(REGISTER_TIMEOUT_S),
            wait=wait_exponential(multiplier=_FIRST_PAUSE_S, max=_LAST_PAUSE_S),
            sleep=self._pace.sleep,
            retry_error_callback=lambda _: "",
        )
        version_id = str(attempts(lambda: self._registration(spec).version_id))
        if not version_id:
            raise DeadlineExceeded(
                f"could not register {spec.path} as '{spec.vertex_ai_model_id}': BigQuery named no "
                f"version within {REGISTER_TIMEOUT_S:.0f} s; look at the model in the console, and "
                "run it again"
            )
        return version_id

    def _registration(self, spec: RegisteredModelSpec) -> Registration:
        return registration(self._bigquery.model(spec.path).training_runs)


def _facts(version: ModelVersion) -> Bag:
    return {"version_id": version.version_id, "model_source": version.source_type}
