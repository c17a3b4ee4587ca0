from dataclasses import fields
from itertools import combinations

import pytest
from bqvertex.resources.default_connection import DefaultConnectionArgs
from bqvertex.specs.default_connection import (
    DEFINITION,
    IDENTITY,
    KIND,
    METADATA,
    SILENT,
    DefaultConnectionSpec,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from googlesql.literal import quoted, string
from googlesql.parser import parse_statement
from googlesql.tree import walk

INPUTS = {
    "project": "acme-prod",
    "location": "US",
    "connection_id": "remote",
    "owner": "org/proj/dev/remote",
}


def test_every_input_has_one_cost():
    groups = [IDENTITY, DEFINITION, METADATA, SILENT]

    assert {f.name for f in fields(DefaultConnectionSpec)} == KIND.inputs
    assert set(DefaultConnectionArgs.__annotations__) | {"owner"} == KIND.inputs
    assert all(one.isdisjoint(other) for one, other in combinations(groups, 2))


def test_it_is_set_read_and_unset_in_its_region():
    spec = DefaultConnectionSpec.from_inputs(INPUTS)
    live = {"option_value": "remote"}

    option = "`region-us.default_cloud_resource_connection_id`"
    assert (spec.creation().sql, spec.read_sql, spec.deletion(live).sql) == (
        f"ALTER PROJECT `acme-prod` SET OPTIONS ({option} = 'remote')",
        "SELECT option_value FROM `region-us`.INFORMATION_SCHEMA.PROJECT_OPTIONS "
        "WHERE option_name = 'default_cloud_resource_connection_id'",
        f"ALTER PROJECT `acme-prod` SET OPTIONS ({option} = NULL)",
    )


def test_a_value_that_somebody_else_set_is_drift_and_is_not_unset():
    spec = DefaultConnectionSpec.from_inputs(INPUTS)
    live = {"option_value": "theirs"}

    assert spec.drift(live, {}) == {"connection_id": "theirs"}
    assert spec.deletion(live) is None


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({}, set()),
        ({"connection_id": "acme-prod.us.remote"}, set()),
        ({"connection_id": "acme-prod.eu.remote"}, {"connection_id"}),
        ({"connection_id": "other-prod.us.remote"}, {"connection_id"}),
        ({"connection_id": "us.remote"}, {"connection_id"}),
        ({"connection_id": "no such"}, {"connection_id"}),
        ({"connection_id": ""}, {"connection_id"}),
        ({"connection_id": 3}, {"connection_id"}),
        ({"location": "us-middle1"}, {"location"}),
        ({"project": None}, {"project"}),
    ],
)
def test_what_cannot_be_is_said_under_its_own_name(change, names):
    inputs = {k: v for k, v in {**INPUTS, **change}.items() if v is not None}

    assert {name for name, _ in KIND.problems({}, inputs)} == names


def test_a_path_means_its_id():
    names = KIND.changed(INPUTS, INPUTS | {"connection_id": "acme-prod.us.remote"})

    assert names == frozenset()


def test_another_connection_is_set_in_place_and_another_place_is_another_setting():
    other = INPUTS | {"connection_id": "other"}
    elsewhere = INPUTS | {"location": "EU"}

    assert KIND.replaces(other, KIND.changed(INPUTS, other)) == frozenset()
    assert KIND.replaces(elsewhere, KIND.changed(INPUTS, elsewhere)) == {"location"}
    assert not KIND.same_place(INPUTS, elsewhere)


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


@settings(deadline=None, max_examples=60)
@given(project=texts, connection_id=texts.filter(lambda text: "." not in text))
def test_no_text_escapes_its_literal_or_identifier(project, connection_id):
    inputs = INPUTS | {"project": project, "connection_id": connection_id}

    sql = DefaultConnectionSpec.from_inputs(inputs).creation().sql
    read = [node for node, _ in walk(parse_statement(sql))]

    assert [n.text("string_value") for n in read if n.kind == "ASTStringLiteral"] == [connection_id]
    assert [n.text("id_string") for n in read if n.kind == "ASTIdentifier"][1] == project
    assert sql == (
        f"ALTER PROJECT {quoted(project)} SET OPTIONS "
        f"(`region-us.default_cloud_resource_connection_id` = {string(connection_id)})"
    )
