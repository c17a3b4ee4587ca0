import pytest
from bqvertex.specs import deployed_model, monitoring_job, registered_model, seed_table
from bqvertex.specs.change_reason import change_reason
from bqvertex.specs.unknown import UNKNOWN

GROUPS = (({"table_id"}, "replaces the table"), ({"labels"}, "changes metadata only"))


def said(olds, news):
    return change_reason(olds, news, set(olds) | set(news), GROUPS)


def test_a_change_says_what_it_does_and_the_values():
    assert said({"labels": {"a": "b"}}, {"labels": {}}) == (
        'changes metadata only: labels {"a": "b"} -> {}'
    )


def test_the_most_costly_consequence_is_said_alone():
    found = said({"table_id": "a", "labels": {}}, {"table_id": "b", "labels": {"c": "d"}})

    assert found == 'replaces the table: table_id "a" -> "b"'


def test_a_long_value_is_not_shown():
    assert said({"table_id": "a" * 64}, {"table_id": "b" * 64}) == (
        "replaces the table: table_id changed"
    )


def test_a_value_that_is_not_known_yet_is_called_so():
    assert said({"table_id": "a"}, {"table_id": UNKNOWN}) == (
        "replaces the table: table_id is not known before `up`"
    )


def test_where_nothing_is_done_nothing_is_said():
    assert said({"adopt": False}, {"adopt": True}) == ""


@pytest.mark.parametrize("spec", [seed_table, registered_model, deployed_model, monitoring_job])
def test_every_input_that_costs_something_has_a_consequence(spec):
    named = set().union(*(group for group, _ in spec.CONSEQUENCES))

    assert named == spec.INPUTS - getattr(spec, "SILENT", frozenset())
