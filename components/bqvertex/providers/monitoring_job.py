"""How a model monitor and its wanted run live."""

from collections.abc import Callable
from itertools import count

from bqvertex.clients.errors import AlreadyExists, JobFailed, NotFound
from bqvertex.clients.vertex.monitors import ModelMonitors, MonitoringRun
from bqvertex.clients.vertex.registry import ModelRegistry
from bqvertex.providers.lifecycle import Bag, Change, Checked, Created, Failure, Live
from bqvertex.specs.change_reason import change_reason
from bqvertex.specs.inputs import changed
from bqvertex.specs.monitored_data import whole
from bqvertex.specs.monitoring_job import (
    CONSEQUENCES,
    DEFINITION,
    IDENTITY,
    INPUTS,
    MONITOR_FIELDS,
    MonitoringSpec,
    normalised,
    problems,
    seen_inputs,
    watches,
)


class MonitoringJobLifecycle:
    """Implements `Lifecycle` on Model Monitoring v2.

    A feature over its threshold is a result, in `drift` and `anomalies`, and no failure.
    """

    def __init__(
        self,
        monitors: ModelMonitors,
        registry: ModelRegistry,
        *,
        report: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Keep what is needed.

        Args:
            monitors: The service.
            registry: Says which version an alias is on.
            report: Told in words what is waited for.
        """
        self._monitors = monitors
        self._registry = registry
        self._report = report

    def check(self, olds: Bag, news: Bag) -> Checked:
        """Validate, fill in the defaults, and give tables and queries whole names."""
        del olds
        inputs = normalised(news)
        found = list(problems(inputs))
        for side in ("baseline", "target") if not found else ():
            data = inputs[side]
            inputs[side], wrong = whole(side, data, inputs["project"], inputs.get("dataset_id"))
            found += wrong
        return Checked(inputs, tuple(Failure(name, reason) for name, reason in found))

    def diff(self, id: str, olds: Bag, news: Bag) -> Change:
        """Identity replaces, definition runs again, metadata is changed on the monitor."""
        del id
        names = changed(normalised(olds), normalised(news), INPUTS)
        replaces = tuple(sorted(names & IDENTITY))
        return Change(
            changes=bool(names),
            replaces=replaces,
            # For another model the monitor keeps its name: there cannot be two.
            delete_before_replace=replaces == ("model",),
            reason=change_reason(olds, news, names, CONSEQUENCES),
        )

    def create(self, inputs: Bag) -> Created:
        """Make the monitor, run it, and wait for what it finds.

        Raises:
            NotFound: There is no such model or version.
            AlreadyExists: There is a monitor of that id that watches something else.
            JobFailed: It ran and failed.
        """
        spec = MonitoringSpec.from_inputs(inputs)
        version = self._registry.version(spec.model_name, spec.model_version_alias)
        body = spec.monitor_body(version.version_id)
        try:
            self._monitors.create(spec.monitor_name, body)
        except AlreadyExists as error:
            # A monitor bears no mark of who made it. One of this id on this very model is what an
            # earlier run left, perhaps with inputs that have been put right since.
            if not watches(self._monitors.get(spec.monitor_name), spec.model_name):
                raise AlreadyExists(
                    f"could not create model monitor {spec.monitor_name}: there is one of that id "
                    f"that watches another model than {spec.model_name}; choose another "
                    "model_monitor_id, or delete it"
                ) from error
            self._monitors.patch(spec.monitor_name, body, MONITOR_FIELDS)
        return Created(spec.monitor_name, self._result(spec, inputs, version.version_id))

    def read(self, id: str, state: Bag) -> Live | None:
        """Look at the monitor's objective and at the run."""
        del id
        spec = MonitoringSpec.from_inputs(state)
        inputs = {name: value for name, value in normalised(state).items() if name in INPUTS}
        try:
            inputs |= seen_inputs(spec, self._monitors.get(spec.monitor_name))
        except NotFound:
            return None
        facts = {name: value for name, value in state.items() if name not in INPUTS}
        try:
            facts["state"] = self._monitors.job(state["job_name"]).state
        except NotFound:
            # The run was deleted by hand: without it the results are nowhere, so it is run again.
            inputs["run_on"] = f"the run {state['job_name']} is gone"
        return Live(inputs, inputs | facts)

    def update(self, id: str, olds: Bag, news: Bag) -> Bag:
        """Change the monitor, and run it again where what it compares has changed."""
        del id
        spec = MonitoringSpec.from_inputs(news)
        version = self._registry.version(spec.model_name, spec.model_version_alias)
        body = spec.monitor_body(version.version_id)
        self._monitors.patch(spec.monitor_name, body, MONITOR_FIELDS)
        if changed(normalised(olds), normalised(news), DEFINITION):
            return self._result(spec, news, version.version_id)
        facts = {name: value for name, value in olds.items() if name not in INPUTS}
        return normalised(news) | facts

    def delete(self, id: str, state: Bag) -> None:
        """Delete the monitor with its runs."""
        del id
        try:
            self._monitors.delete(MonitoringSpec.from_inputs(state).monitor_name)
        except NotFound:
            return

    def _result(self, spec: MonitoringSpec, inputs: Bag, model_version_id: str) -> Bag:
        name, job = self._run(spec)
        found = self._monitors.drift(name)
        return normalised(inputs) | {
            "monitor_name": spec.monitor_name,
            "model_version_id": model_version_id,
            "job_name": name,
            "state": job.state,
            "drift": {drift.feature: drift.distance for drift in found},
            "anomalies": [drift.feature for drift in found if drift.anomaly],
        }

    def _run(self, spec: MonitoringSpec) -> tuple[str, MonitoringRun]:
        """Find the wanted run, or begin it; one that failed keeps its name, so the next has one."""
        for attempt in count():
            name = spec.job_name(attempt)
            try:
                job = self._monitors.job(name)
                if job.done and not job.succeeded:
                    continue
            except NotFound:
                features = ", ".join(sorted(spec.features))
                self._report(f"model monitor {spec.model_monitor_id}: comparing {features}")
                self._begin(name, spec)
            job = self._monitors.wait_for_job(name)
            if not job.succeeded:
                said = job.error or f"it ended as {job.state}"
                raise JobFailed(
                    f"could not run monitoring job {name}: {said.rstrip('. ')}; check that the "
                    "tables, queries and feature columns are there, and run it again"
                )
            return name, job
        raise AssertionError("the count of attempts has no end")

    def _begin(self, name: str, spec: MonitoringSpec) -> None:
        try:
            self._monitors.run(name, spec.job_body())
        except AlreadyExists:
            # The request was sent again after an answer that got lost.
            return
