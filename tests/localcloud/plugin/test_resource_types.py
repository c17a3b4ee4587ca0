"""Every resource type as data: what is wanted, sent, found and compared fits together."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.plugin import resource_types
from localcloud.plugin.check import check
from localcloud.plugin.configuration import Configuration
from localcloud.plugin.diff import diff
from localcloud.plugin.property import Kind, Property
from localcloud.plugin.resource_type import ResourceType, expand
from localcloud.plugin.rest_resource import RestResource
from localcloud.plugin.unknown import UNKNOWN, has_unknown

CONFIGURATION = Configuration(project="p-one", region="us-central1", default_labels={"team": "t"})
TYPES = [resource_types.of(token) for token in resource_types.TOKENS]
REST = [kind for kind in TYPES if kind.collection]

TEXT = st.text("abcdefghijklmnopqrstuvwxyz", min_size=6, max_size=10)
SCHEMA = st.just('[{"name":"a","type":"STRING"}]')


def values(each: Property) -> st.SearchStrategy[Any]:
    if each.name in ("schema", "trafficSplit"):
        return SCHEMA if each.name == "schema" else st.just('{"1":100}')
    if each.name == "deletionPolicy":
        return st.sampled_from(["DELETE", "ABANDON", "PREVENT"])
    match each.kind:
        case Kind.STRING:
            return TEXT
        case Kind.INTEGER | Kind.NUMBER:
            return st.integers(1, 10**12)
        case Kind.BOOLEAN:
            return st.booleans()
        case Kind.STRINGS:
            return st.lists(TEXT, min_size=1, max_size=3)
        case Kind.MAP:
            return st.dictionaries(TEXT, TEXT, min_size=1, max_size=3)
        case Kind.OBJECT:
            return bags(each.properties)
        case Kind.OBJECTS:
            return st.lists(bags(each.properties), min_size=1, max_size=2)


def bags(properties: tuple[Property, ...]) -> st.SearchStrategy[dict[str, Any]]:
    given_ = [each for each in properties if not each.output]
    return st.fixed_dictionaries(
        {each.name: values(each) for each in given_ if each.required},
        optional={each.name: values(each) for each in given_ if not each.required},
    )


CASES = st.sampled_from(REST).flatmap(
    lambda kind: st.tuples(st.just(kind), bags(kind.inputs), bags(kind.inputs))
)


def checked(kind: ResourceType, inputs: dict[str, Any]) -> dict[str, Any]:
    result = check(kind, inputs, {}, frozenset(), "proposed-name", CONFIGURATION)
    assert result.failures == ()
    return result.inputs


def made(
    kind: ResourceType, inputs: dict[str, Any], decided: dict[str, Any] | None = None
) -> dict[str, Any]:
    """The state after a create by a server that keeps what it is sent, and decides the rest."""
    planned = kind.planned(inputs, None, CONFIGURATION)
    computed = {each.name for each in kind.inputs if each.computed}
    rest = {name: value for name, value in (decided or {}).items() if name in computed}
    body = RestResource(kind).body({**rest, **planned}, None, ())
    named = {"email": "a@b", **planned}
    return kind.outputs(body, planned, expand(kind.id, named, quoted=False))


@given(CASES)
def test_what_was_made_as_wanted_is_not_to_change(
    case: tuple[ResourceType, dict[str, Any], dict[str, Any]],
) -> None:
    kind, given_, decided = case
    inputs = checked(kind, given_)
    state = made(kind, inputs, decided)

    assert diff(kind, state, kind.planned(inputs, state, CONFIGURATION)) == []
    # And neither after a refresh, whose inputs are read off the live resource.
    refreshed = kind.read_inputs(state, inputs)
    assert diff(kind, state, kind.planned(refreshed, state, CONFIGURATION)) == []


@given(CASES)
def test_a_change_shows_once_and_is_then_done(
    case: tuple[ResourceType, dict[str, Any], dict[str, Any]],
) -> None:
    kind, before, after = case
    state = made(kind, checked(kind, before))
    inputs = checked(kind, after)
    planned = kind.planned(inputs, state, CONFIGURATION)

    changes = diff(kind, state, planned)
    if any(change.replaces for change in changes):
        return
    body = RestResource(kind).body(planned, state, {change.name for change in changes})
    changed = kind.outputs(body, planned, state["id"])

    # What is sent only when it changes is on the server when it does not.
    left = [
        change.name for change in diff(kind, changed, kind.planned(inputs, changed, CONFIGURATION))
    ]
    only_changed = {each.name for each in kind.properties if each.only_when_changed}
    assert set(left) <= only_changed - {change.name for change in changes}


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.token)
def test_a_preview_of_a_create_knows_the_inputs_and_nothing_that_the_server_makes(
    kind: ResourceType,
) -> None:
    required = {
        each.name: "abcdefg" for each in kind.inputs if each.required and not each.properties
    }
    planned = kind.planned({"project": "p-one", **required}, None, CONFIGURATION)

    preview = kind.previewed(planned, None)

    assert {name: preview[name] for name in required} == required
    derived = kind.derives(planned).keys() | {"pulumiLabels", "effectiveLabels"}
    made_there = [each for each in kind.properties if each.output and each.name not in derived]
    assert all(has_unknown(preview[each.name]) for each in made_there)


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.token)
def test_an_unknown_input_is_a_change_and_no_error(kind: ResourceType) -> None:
    given_ = {each.name: UNKNOWN for each in kind.inputs}
    result = check(kind, given_, {}, frozenset(), "", CONFIGURATION)

    changes = diff(kind, {}, kind.planned(result.inputs, {}, CONFIGURATION))

    assert result.failures == ()
    assert {change.name for change in changes} >= given_.keys()


@pytest.mark.parametrize(
    ("labels", "shown"),
    [
        (None, {"labels.gone": "DELETE", "labels.kept": "DELETE"}),
        ({"kept": "1", "a-b": "1"}, {"labels.gone": "DELETE", 'labels["a-b"]': "ADD"}),
    ],
)
def test_each_label_shows_as_its_own_change(
    labels: dict[str, str] | None, shown: dict[str, str]
) -> None:
    kind = resource_types.of("gcp:storage/bucket:Bucket")
    inputs = {"name": "bucket", "location": "US", "storageClass": "STANDARD"}
    state = made(kind, {**inputs, "labels": {"kept": "1", "gone": "1"}})

    wanted = inputs if labels is None else {**inputs, "labels": labels}
    changes = diff(kind, state, kind.planned(wanted, state, CONFIGURATION))

    assert {each.path: each.kind for each in changes if each.name == "labels"} == shown


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.token)
def test_no_property_is_declared_twice(kind: ResourceType) -> None:
    names = [each.name for each in kind.properties]

    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize(
    ("token", "id_", "identity"),
    [
        (
            "gcp:bigquery/dataset:Dataset",
            "projects/p/datasets/d",
            {"project": "p", "datasetId": "d"},
        ),
        ("gcp:bigquery/dataset:Dataset", "p/d", {"project": "p", "datasetId": "d"}),
        ("gcp:bigquery/dataset:Dataset", "projects/p/tables/d", None),
        ("gcp:storage/bucket:Bucket", "b", {"name": "b"}),
    ],
)
def test_an_id_says_what_it_names(token: str, id_: str, identity: dict[str, str] | None) -> None:
    assert resource_types.of(token).identity(id_) == identity
