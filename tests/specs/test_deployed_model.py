from typing import Any

import pytest
from bqvertex.specs import deployed_model as module
from bqvertex.specs.deployed_model import (
    DEFINITION,
    IDENTITY,
    METADATA,
    DeployedModelSpec,
    Deployment,
    applied_split,
    is_own,
    normalised,
    problems,
    seen_split,
    strangers,
    without,
)
from bqvertex.specs.unknown import UNKNOWN
from hypothesis import given
from hypothesis import strategies as st

INPUTS: dict[str, Any] = {
    "project": "acme",
    "location": "europe-west4",
    "endpoint_id": "1234567890",
    "display_name": "champion",
    "model": "arrival_delay",
    "definition_hash": "abc",
    "traffic_split": {"champion": 90.0, "challenger": 10.0},
}


def spec(**changes: Any) -> DeployedModelSpec:
    return DeployedModelSpec.from_inputs({**INPUTS, **changes})


def deployed(made_for: DeployedModelSpec, **changes: Any) -> Deployment:
    facts: dict[str, Any] = {
        "id": made_for.free_id([]),
        "display_name": made_for.display_name,
        "model": made_for.model_name,
        "model_version_id": "1",
        "machine_type": made_for.machine_type,
        "min_replica_count": 1,
        "max_replica_count": 1,
    }
    return Deployment(**facts | changes)


names = st.sampled_from(["champion", "challenger", "shadow", "a", "b"])


@st.composite
def splits(draw: st.DrawFn) -> dict[str, int]:
    """Declared splits: whole percents by name, summing to 100."""
    keys = draw(st.lists(names, min_size=1, unique=True))
    cuts = draw(st.lists(st.integers(0, 100), min_size=len(keys) - 1, max_size=len(keys) - 1))
    edges = [0, *sorted(cuts), 100]
    return {key: edges[i + 1] - edges[i] for i, key in enumerate(keys)}


@given(splits(), st.lists(names, unique=True))
def test_an_applied_split_sums_to_100_unless_nobody_present_has_a_share(declared, there):
    present = {name: f"id-{name}" for name in there}

    applied = applied_split(declared, present)

    has_share = any(declared.get(name, 0) for name in there)
    assert sum(applied.values()) == (100 if has_share else 0)


@given(splits(), st.lists(names, unique=True))
def test_an_applied_split_names_just_those_present_with_a_share(declared, there):
    present = {name: f"id-{name}" for name in there}

    applied = applied_split(declared, present)

    assert set(applied) == {present[name] for name in there if declared.get(name, 0) > 0}
    assert all(percent >= 1 for percent in applied.values())


@given(splits())
def test_an_applied_split_with_everybody_present_is_the_declared_one(declared):
    applied = applied_split(declared, {name: name for name in declared})

    assert applied == {name: share for name, share in declared.items() if share}


@given(splits(), st.lists(names, unique=True))
def test_an_applied_split_is_within_one_percent_of_the_exact_proportion(declared, there):
    shares = {name: declared.get(name, 0) for name in there}
    total = sum(shares.values())

    applied = applied_split(declared, {name: name for name in there})

    assert all(abs(percent - shares[name] * 100 / total) < 1 for name, percent in applied.items())


@given(splits(), st.permutations(["champion", "challenger", "shadow", "a", "b"]))
def test_an_applied_split_does_not_depend_on_the_order_of_the_list(declared, order):
    forwards = {name: name for name in order}
    backwards = dict(reversed(forwards.items()))

    assert applied_split(declared, forwards) == applied_split(declared, backwards)


@given(splits(), st.sets(names))
def test_leaving_models_hand_over_all_their_traffic(declared, leaving):
    traffic = {name: share for name, share in declared.items() if share}

    left = without(traffic, leaving)

    assert set(left) == set(traffic) - leaving
    assert sum(left.values()) == (100 if left else 0)


@pytest.mark.parametrize(
    ("declared", "present", "applied"),
    [
        pytest.param({"a": 90, "b": 10}, ["a"], {"a": 100}, id="the-other-is-not-there-yet"),
        pytest.param({"a": 90, "b": 10}, ["a", "b"], {"a": 90, "b": 10}, id="all-there"),
        pytest.param({"a": 50, "b": 25, "c": 25}, ["b", "c"], {"b": 50, "c": 50}, id="halves"),
        pytest.param({"a": 100, "b": 0}, ["b"], {}, id="only-one-without-share"),
        pytest.param(
            {"a": 1, "b": 1, "c": 1, "d": 97},
            ["a", "b", "c"],
            {"a": 34, "b": 33, "c": 33},
            id="thirds",
        ),
    ],
)
def test_shares_are_scaled_by_the_largest_remainder(declared, present, applied):
    assert applied_split(declared, {name: name for name in present}) == applied


def test_every_input_is_in_exactly_one_cost_group():
    fields = set(DeployedModelSpec.__dataclass_fields__)

    assert sorted([*IDENTITY, *DEFINITION, *METADATA]) == sorted(fields)


def test_an_id_has_ten_digits_and_tells_that_it_is_ours():
    made = spec()

    assert len(made.free_id([])) == 10
    assert is_own(made.endpoint_name, deployed(made))
    assert not is_own(made.endpoint_name, deployed(made, id="4611686018427387904"))
    assert not is_own(made.endpoint_name, deployed(made, display_name="challenger"))


@pytest.mark.parametrize("name", sorted(DEFINITION))
def test_a_changed_definition_gives_another_id(name):
    other = {"disable_explanations": True}.get(name, "other-value")

    assert spec(**{name: other}).free_id([]) != spec().free_id([])


@pytest.mark.parametrize(
    "change",
    [{"min_replica_count": 2.0, "max_replica_count": 4.0}, {"traffic_split": {"champion": 100}}],
)
def test_a_change_of_replicas_or_traffic_keeps_the_id(change):
    assert spec(**change).free_id([]) == spec().free_id([])


def test_a_taken_id_gives_way_to_the_next_and_is_found_there():
    made = spec()
    other = deployed(made, model_version_id="7")

    own = deployed(made, id=made.free_id([other]))

    assert own.id != other.id
    assert made.find([other, own], "1") == own


def test_the_project_number_in_an_answer_is_the_same_model():
    made = spec()

    answered = deployed(made, model="projects/123/locations/europe-west4/models/arrival_delay")

    assert made.find([answered], "1") == answered


def test_a_split_that_some_are_still_missing_from_reads_as_declared():
    made = spec()
    own = deployed(made)

    assert seen_split(made, [own], {own.id: 100}) == {"champion": 90, "challenger": 10}


def test_traffic_moved_by_hand_reads_as_it_is():
    made = spec()
    champion, challenger = deployed(made), deployed(spec(display_name="challenger"))

    seen = seen_split(made, [champion, challenger], {champion.id: 60, challenger.id: 40})

    assert seen == {"champion": 60, "challenger": 40}


def test_a_stranger_is_one_only_while_it_carries_traffic():
    made = spec()
    stranger = deployed(made, id="4611686018427387904")

    assert strangers(made, [stranger], {stranger.id: 100}) == [stranger]
    assert strangers(made, [stranger], {}) == []


@pytest.mark.parametrize(
    ("change", "named", "said"),
    [
        ({"endpoint_id": "champions"}, "endpoint_id", "up to 10 digits"),
        ({"endpoint_id": ""}, "endpoint_id", "is required"),
        ({"model": "projects/p/locations/us-central1/models/m"}, "model", "'us-central1'"),
        ({"model": "m@champion"}, "model", "version_alias"),
        ({"min_replica_count": 0.0}, "min_replica_count", "1 or more"),
        ({"min_replica_count": 1.5}, "min_replica_count", "1.5"),
        ({"min_replica_count": 3, "max_replica_count": 2}, "max_replica_count", "is 2"),
        ({"traffic_split": {"champion": 90}}, "traffic_split", "sums to 90"),
        ({"traffic_split": {"champion": 99.5, "b": 0.5}}, "traffic_split", "whole percents"),
        ({"traffic_split": {"b": 100}}, "traffic_split", "does not name 'champion'"),
        ({"machine_type": 4}, "machine_type", "give text"),
    ],
)
def test_a_wrong_input_is_named_with_the_value_and_what_is_allowed(change, named, said):
    found = list(problems(normalised({**INPUTS, **change})))

    assert any(name == named and said in reason for name, reason in found), found


def test_good_inputs_and_unknown_ones_have_no_problems():
    unknown = {**INPUTS, "model": UNKNOWN, "traffic_split": {"champion": UNKNOWN}}

    assert list(problems(normalised(INPUTS))) == []
    assert list(problems(normalised(unknown))) == []


def test_all_inputs_are_listed():
    assert module.INPUTS == IDENTITY | DEFINITION | METADATA
