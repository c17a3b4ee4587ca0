import contextlib
from dataclasses import replace
from typing import Any

import pytest
from bqvertex.clients.errors import DeadlineExceeded, FailedPrecondition, NotFound, Unavailable
from bqvertex.providers import registered_model as module
from bqvertex.providers.attempt import Pace
from bqvertex.providers.registered_model import RegisteredModelLifecycle
from bqvertex.specs.registered_model import DEFINITION, IDENTITY, METADATA
from bqvertex.specs.unknown import UNKNOWN

from tests.fakes_vertex import FakeModelRegistry, Outage, RegisteringBigQuery

PATH = "acme-prod.flights.arrival_delay"
MODEL = "projects/acme-prod/locations/europe-west4/models/arrival-delay"


class Cloud:
    """BigQuery with one trained model, and the registry it registers in."""

    def __init__(self) -> None:
        self.registry = FakeModelRegistry()
        self.bigquery = RegisteringBigQuery(self.registry, "europe-west4")
        self.bigquery.train(PATH)

    def lifecycle(self, outage: Outage | None = None) -> RegisteredModelLifecycle:
        bigquery: Any = self.bigquery
        registry: Any = self.registry
        if outage is not None:
            bigquery, registry = outage.wrap(bigquery), outage.wrap(registry)
        return RegisteredModelLifecycle(bigquery, registry, pace=Pace(sleep=lambda _: None))

    def aliases(self, version_id: str) -> tuple[str, ...]:
        return self.registry.version(MODEL, version_id).aliases


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


def inputs(**changes: Any) -> dict[str, Any]:
    news = {
        "project": "acme-prod",
        "location": "EU",
        "dataset_id": "flights",
        "model_id": "arrival_delay",
        "vertex_ai_model_id": "arrival-delay",
        "version_aliases": ["live", "champion"],
        "definition_hash": "one",
    } | changes
    checked = Cloud().lifecycle().check({}, news)
    assert checked.failures == ()
    return checked.inputs


def test_create_registers_the_model_and_gives_it_its_aliases(cloud):
    created = cloud.lifecycle().create(inputs())

    assert created.id == f"{MODEL}:{PATH}"
    assert created.outs == inputs() | {"version_id": "1", "model_source": "BQML"}
    assert cloud.aliases("1") == ("champion", "default", "live")


def test_check_makes_name_and_aliases_known_at_preview():
    checked = inputs()

    assert checked["model_name"] == MODEL
    assert checked["version_aliases"] == ["champion", "live"]


def test_a_model_that_was_registered_in_its_create_statement_is_taken_as_it_is(cloud):
    cloud.lifecycle().create(inputs())
    statements = list(cloud.bigquery.statements)

    cloud.lifecycle().create(inputs())

    assert cloud.bigquery.statements == statements
    assert [version.version_id for version in cloud.registry.versions[MODEL]] == ["1"]


def test_a_version_that_bigquery_names_late_is_waited_for(cloud):
    cloud.bigquery.lag = 3

    created = cloud.lifecycle().create(inputs())

    assert created.outs["version_id"] == "1"


def test_a_version_that_bigquery_never_names_is_an_error_in_time(cloud, monkeypatch):
    monkeypatch.setattr(module, "REGISTER_TIMEOUT_S", 0.0)
    cloud.bigquery.lag = 10**6

    with pytest.raises(DeadlineExceeded, match="named no version"):
        cloud.lifecycle().create(inputs())


def test_a_model_of_another_registry_id_is_refused(cloud):
    cloud.lifecycle().create(inputs())

    with pytest.raises(FailedPrecondition, match="as 'arrival-delay', which cannot be changed"):
        cloud.lifecycle().create(inputs(vertex_ai_model_id="other"))


def test_a_model_that_is_not_there_is_an_error(cloud):
    with pytest.raises(NotFound, match="no_such_model"):
        cloud.lifecycle().create(inputs(model_id="no_such_model"))


def test_a_retrain_brings_the_aliases_to_the_new_version(cloud):
    olds = cloud.lifecycle().create(inputs()).outs
    cloud.bigquery.train(PATH)

    outs = cloud.lifecycle().update("", olds, inputs(definition_hash="two"))

    assert outs["version_id"] == "2"
    assert set(cloud.aliases("2")) >= {"champion", "live"}


def test_other_aliases_register_nothing(cloud):
    olds = cloud.lifecycle().create(inputs()).outs
    statements = list(cloud.bigquery.statements)

    cloud.lifecycle().update("", olds, inputs(version_aliases=["live", "blue"]))

    assert cloud.bigquery.statements == statements
    assert cloud.registry.calls[-1] == ("merge_version_aliases", "1", ("blue", "-champion"))
    assert cloud.aliases("1") == ("blue", "default", "live")


def test_an_alias_moves_between_two_models_of_one_entry_in_either_order(cloud):
    other = "acme-prod.flights.other"
    cloud.bigquery.train(other)
    first = cloud.lifecycle().create(inputs(version_aliases=["champion"])).outs
    second = cloud.lifecycle().create(inputs(model_id="other", version_aliases=[])).outs

    cloud.lifecycle().update("", second, inputs(model_id="other", version_aliases=["champion"]))
    cloud.lifecycle().update("", first, inputs(version_aliases=[]))

    assert cloud.registry.version(MODEL, "champion").version_id == "2"


def test_read_after_create_shows_no_difference(cloud):
    created = cloud.lifecycle().create(inputs(description="Late?"))

    live = cloud.lifecycle().read(created.id, created.outs)

    assert live.outs == created.outs
    assert live.inputs == inputs(description="Late?")


def test_read_shows_an_alias_moved_by_hand(cloud):
    created = cloud.lifecycle().create(inputs())
    cloud.registry.merge_version_aliases(MODEL, "1", ["-champion", "by-hand"])

    live = cloud.lifecycle().read(created.id, created.outs)

    assert live.inputs["version_aliases"] == ["by-hand", "live"]
    assert cloud.lifecycle().diff("", live.outs, inputs()).changes


def test_read_shows_a_retrain_behind_the_stacks_back(cloud):
    created = cloud.lifecycle().create(inputs())
    cloud.bigquery.train(PATH)

    live = cloud.lifecycle().read(created.id, created.outs)

    assert (live.outs["version_id"], live.inputs["version_aliases"]) == ("2", [])


@pytest.mark.parametrize("gone", ["model", "registration", "version"])
def test_read_finds_what_is_gone_gone(cloud, gone):
    created = cloud.lifecycle().create(inputs())
    if gone == "model":
        cloud.bigquery.delete_model(PATH)
    elif gone == "registration":
        cloud.bigquery.models[PATH] = replace(cloud.bigquery.models[PATH], training_runs=[])
    else:
        cloud.registry.retire(MODEL, "1")

    assert cloud.lifecycle().read(created.id, created.outs) is None


def test_a_read_that_fails_is_no_answer(cloud):
    created = cloud.lifecycle().create(inputs())

    with pytest.raises(Unavailable):
        cloud.lifecycle(Outage(1, False)).read(created.id, created.outs)


def test_delete_takes_its_aliases_off_and_leaves_the_rest(cloud):
    created = cloud.lifecycle().create(inputs())

    cloud.lifecycle().delete(created.id, created.outs)
    cloud.lifecycle().delete(created.id, created.outs)

    assert cloud.aliases("1") == ("default",)


def test_deleting_after_the_model_is_success(cloud):
    created = cloud.lifecycle().create(inputs())
    cloud.bigquery.delete_model(PATH)

    cloud.lifecycle().delete(created.id, created.outs)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(9))
def test_a_create_broken_off_at_any_call_is_finished_by_the_next(cloud, at, after):
    outage = Outage(at, after)
    wanted = inputs(description="Late?")
    with contextlib.suppress(Unavailable):
        cloud.lifecycle(outage).create(wanted)

    created = cloud.lifecycle().create(wanted)

    assert created.outs["version_id"] == "1"
    assert cloud.aliases("1") == ("champion", "default", "live")
    assert len(cloud.bigquery.statements) == 1


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(9))
def test_an_update_broken_off_at_any_call_is_finished_by_the_next(cloud, at, after):
    olds = cloud.lifecycle().create(inputs()).outs
    cloud.bigquery.train(PATH)
    news = inputs(definition_hash="two", version_aliases=["live"])
    outage = Outage(at, after)
    with contextlib.suppress(Unavailable):
        cloud.lifecycle(outage).update("", olds, news)

    cloud.lifecycle().update("", olds, news)

    assert set(cloud.aliases("2")) - {"default"} == {"live"}


def test_the_fault_tables_reach_past_the_last_call(cloud):
    outage = Outage(9, False)

    cloud.lifecycle(outage).create(inputs(description="Late?"))

    assert not outage.happened


@pytest.mark.parametrize("name", sorted(IDENTITY | DEFINITION | METADATA))
def test_a_changed_input_costs_what_its_group_says(cloud, name):
    other: Any = ["blue"] if name == "version_aliases" else "other"

    change = cloud.lifecycle().diff("", inputs(), inputs() | {name: other})

    assert change.changes
    assert change.replaces == ((name,) if name in IDENTITY else ())
    assert f": {name} " in change.reason


def test_the_order_of_aliases_is_no_change(cloud):
    change = cloud.lifecycle().diff("", inputs(), inputs(version_aliases=["champion", "live"]))

    assert not change.changes


def test_an_unknown_id_leaves_the_name_unknown(cloud):
    checked = cloud.lifecycle().check({}, inputs() | {"vertex_ai_model_id": UNKNOWN})

    assert checked.failures == ()
    assert checked.inputs["model_name"] is UNKNOWN


@pytest.mark.parametrize(
    ("change", "named", "said"),
    [
        ({"vertex_ai_model_id": "Arrival"}, "vertex_ai_model_id", "lower case"),
        ({"vertex_ai_model_id": None}, "vertex_ai_model_id", "is required"),
        ({"model_id": "x`; DROP"}, "model_id", "letters, digits and '_'"),
        ({"version_aliases": ["default"]}, "version_aliases", "keeps that alias"),
        ({"version_aliases": ["2"]}, "version_aliases", "start with a lower case letter"),
        ({"version_aliases": "champion"}, "version_aliases", "give a list"),
        ({"description": 4}, "description", "give text"),
    ],
)
def test_a_wrong_input_is_named_with_the_value_and_what_is_allowed(cloud, change, named, said):
    checked = cloud.lifecycle().check({}, inputs() | change)

    assert any(f.property == named and said in f.reason for f in checked.failures)
