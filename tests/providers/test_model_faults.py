"""Every call of every operation on a model fails once, before and after it took effect.

The calls are those that a run without faults makes, so that a new one cannot be forgotten.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from bqvertex.clients.bigquery import LiveTable
from bqvertex.clients.errors import Unavailable
from bqvertex.providers.attempt import Pace
from bqvertex.providers.model import ModelLifecycle

from tests.fakes import FakeBigQuery, Fault
from tests.fakes_vertex import FakeModelRegistry

PATH = "acme-prod.flights.arrival_delay"
CANDIDATE = f"{PATH}__candidate"
COLUMNS = [{"name": "is_late", "type": "BOOL"}, {"name": "origin", "type": "STRING"}]
INPUTS = {
    "project": "acme-prod",
    "location": "US",
    "dataset_id": "flights",
    "model_id": "arrival_delay",
    "statement": "CREATE MODEL arrival_delay OPTIONS (model_type = 'LOGISTIC_REG', "
    "input_label_cols = ['is_late'], max_iterations = 5) AS SELECT is_late, origin FROM departures",
    "schemas": {"departures": COLUMNS},
    "description": "Late?",
    "labels": {"team": "data"},
    "owner": "org/proj/dev/arrival-delay",
}
GATE = {"evaluation": {"roc_auc": {"min": 0.5, "min_change": -0.1}}}
BETTER = {"evaluation": {"roc_auc": {"min_change": 0.05}}}
OTHER = {"statement": INPUTS["statement"].replace("= 5", "= 6")}
REGISTERED = {
    "statement": INPUTS["statement"].replace(
        "max_iterations = 5", "model_registry = 'VERTEX_AI', vertex_ai_model_id = 'late'"
    )
}


ENTRY = {
    "statement": INPUTS["statement"].replace(
        "max_iterations = 5",
        "max_iterations = 5, model_registry = 'VERTEX_AI', vertex_ai_model_id = 'late'",
    )
}


class Registry(FakeModelRegistry):
    """A registry whose calls fail as those of BigQuery do."""

    def __init__(self, bigquery: FakeBigQuery) -> None:
        super().__init__()
        self._bigquery = bigquery

    def holders(self, model_name):
        with self._bigquery.failing("holders"):
            return super().holders(model_name)

    def version(self, model_name, version):
        with self._bigquery.failing("version"):
            return super().version(model_name, version)


class World:
    """A service with a table, and what the engine keeps of one model."""

    def __init__(self) -> None:
        self.bigquery = FakeBigQuery()
        self.bigquery.tables["acme-prod.flights.departures"] = LiveTable("US", COLUMNS, 100)
        self.models = ModelLifecycle(
            self.bigquery, Registry(self.bigquery), pace=Pace(sleep=lambda _: None)
        )
        self.state: dict[str, Any] = {}

    def checked(self, **change: Any) -> dict[str, Any]:
        """Check, at another time than the operation: no fault strikes and no call counts."""
        faults, calls = self.bigquery.faults, list(self.bigquery.trace)
        self.bigquery.faults = []
        result = self.models.check({}, {**INPUTS, **change})
        self.bigquery.faults, self.bigquery.trace = faults, calls
        assert result.failures == ()
        return result.inputs

    def create(self, **change: Any) -> None:
        self.state = self.models.create(self.checked(**change)).outs

    def update(self, **change: Any) -> None:
        """As the engine does: nothing where nothing differs."""
        news = self.checked(**change)
        if self.models.diff(PATH, self.state, news).changes:
            self.state = self.models.update(PATH, self.state, news)

    def refresh(self) -> None:
        live = self.models.read(PATH, self.state)
        assert live is not None
        self.state = live.outs

    def delete(self) -> None:
        self.models.delete(PATH, self.state)
        self.state = {}


Operation = Callable[[World], None]


def nothing(_: World) -> None: ...


def created(**change: Any) -> Operation:
    return lambda world: world.create(**change)


def updated(**change: Any) -> Operation:
    return lambda world: world.update(**change)


def adoptable(world: World) -> None:
    world.create()
    live = world.bigquery.models[PATH]
    world.bigquery.models[PATH] = replace(live, labels={}, description="")
    world.bigquery.jobs.clear()
    world.state = {}


def better(world: World) -> None:
    """A model that serves, and will be surpassed."""
    world.create()
    world.bigquery.evaluations[CANDIDATE] = {"roc_auc": 0.9}


def copying_bare(prepare: Operation) -> Operation:
    """A service whose copies have no metadata."""

    def bare(world: World) -> None:
        world.bigquery.copies_metadata = False
        prepare(world)

    return bare


def held_back(world: World) -> None:
    """A model that serves, and a candidate that did not pass."""
    world.create()
    world.bigquery.evaluations[CANDIDATE] = {"roc_auc": 0.1}
    with pytest.raises(Exception, match=r"roc_auc is 0\.1"):
        world.update(**OTHER, **GATE)
    del world.bigquery.evaluations[CANDIDATE]


def registered(world: World) -> None:
    world.create()
    live = world.bigquery.models[PATH]
    world.bigquery.models[PATH] = replace(
        live, vertex_ai_model_id="late", vertex_ai_model_version="1"
    )


SCENARIOS: dict[str, tuple[Operation, Operation]] = {
    "create": (nothing, created()),
    "create-under-a-price": (nothing, created(max_price_usd=1.0)),
    "create-with-a-gate": (nothing, created(**GATE)),
    "create-with-a-gate-and-an-entry": (nothing, created(**GATE, **REGISTERED)),
    "adopt": (adoptable, created(adopt=True)),
    "retrain": (created(), updated(**OTHER)),
    "retrain-on-a-value": (created(), updated(retrain_on=["2026-02"])),
    "retrain-with-a-gate": (created(), updated(**OTHER, **GATE)),
    "retrain-with-a-gate-and-an-entry": (created(), updated(**GATE, **REGISTERED)),
    "create-with-a-gate-and-bare-copies": (copying_bare(nothing), created(**GATE)),
    "retrain-with-a-gate-and-bare-copies": (copying_bare(better), updated(**OTHER, **BETTER)),
    "let-a-candidate-pass": (held_back, updated(**OTHER, **GATE)),
    "another-after-a-candidate": (held_back, updated(retrain_on=["2026-02"], **GATE)),
    "register-what-is-trained": (created(), updated(**ENTRY)),
    "describe": (created(), updated(description="Other", labels={})),
}
DELETIONS: dict[str, Operation] = {
    "trained": created(),
    "with-a-candidate": held_back,
    "registered": registered,
}


def calls_of(prepare: Operation, operate: Operation) -> tuple[list[tuple[str, int]], World]:
    """Say which calls an operation makes, each with its number among those of its name."""
    world = World()
    prepare(world)
    world.bigquery.trace.clear()
    operate(world)
    seen: Counter[str] = Counter()
    calls = []
    for name in world.bigquery.trace:
        seen[name] += 1
        calls.append((name, seen[name]))
    return calls, world


def described(world: World) -> dict[str, Any]:
    """What must be the same whatever went wrong on the way; jobs and times are not."""
    models = {
        path: {
            "description": model.description,
            "labels": {k: v for k, v in model.labels.items() if k != "bqvertex_job"},
            "expiration": model.expiration,
            "registered": model.vertex_ai_model_id,
        }
        for path, model in world.bigquery.models.items()
    }
    trainings = [sql for sql in world.bigquery.statements if sql.startswith("CREATE")]
    passing = ("trained_at", "creation_time", "training_job_id")
    outs = {name: value for name, value in world.state.items() if name not in passing}
    return {"models": models, "trainings": trainings, "outs": outs}


def faulty(prepare: Operation, call: str, number: int, *, after: bool) -> World:
    world = World()
    prepare(world)
    world.bigquery.faults = [Fault(call, Unavailable("gone"), after=after, number=number)]
    return world


@pytest.mark.parametrize("refreshed", [False, True], ids=["", "refreshed"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_an_operation_that_is_broken_off_anywhere_and_repeated_ends_as_one_that_was_not(
    scenario, after, refreshed
):
    prepare, operate = SCENARIOS[scenario]
    calls, wanted = calls_of(prepare, operate)
    assert len(calls) > 1
    assert wanted.bigquery.models.keys() == {PATH}

    for call, number in calls:
        world = faulty(prepare, call, number, after=after)
        try:
            operate(world)
        except Unavailable:
            if refreshed and world.state:
                world.refresh()
            operate(world)
        broken_at = f"{call} number {number} of {scenario}"

        assert (broken_at, world.bigquery.faults) == (broken_at, [])
        assert (broken_at, described(world)) == (broken_at, described(wanted))
        assert (
            world.bigquery.models[PATH].labels.get("bqvertex_job", "")
            == world.state["training_job_id"]
        ), broken_at


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("scenario", DELETIONS)
def test_a_deletion_that_is_broken_off_anywhere_and_repeated_leaves_nothing(scenario, after):
    prepare = DELETIONS[scenario]
    calls, _ = calls_of(prepare, World.delete)

    for call, number in calls:
        world = faulty(prepare, call, number, after=after)
        with pytest.raises(Unavailable):
            world.delete()
        world.delete()

        assert (call, number, world.bigquery.models) == (call, number, {})
