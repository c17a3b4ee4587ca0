from dataclasses import fields
from itertools import combinations

import pytest
from bqvertex.resources.sql_resource import SqlResourceArgs
from bqvertex.specs.sql_resource import (
    DEFINITION,
    IDENTITY,
    KIND,
    METADATA,
    SILENT,
    TEXTS,
    SqlResourceSpec,
)
from bqvertex.specs.unknown import UNKNOWN

INPUTS = {
    "project": "acme-prod",
    "location": "US",
    "dataset_id": "shop",
    "create": "CREATE TABLE settings AS SELECT 30 AS ttl",
    "read": "SELECT ttl FROM settings",
    "delete": "DROP TABLE settings",
    "owner": "org/proj/dev/settings",
}
UPDATE = {"update": "CREATE OR REPLACE TABLE settings AS SELECT 30 AS ttl"}


def checked(**change):
    inputs = {k: v for k, v in {**INPUTS, **change}.items() if v is not None}
    return {**inputs, **KIND.derived({}, inputs)}


def wrong(**change):
    return sorted({name for name, _ in KIND.problems({}, checked(**change))})


def test_every_input_has_one_cost():
    groups = [IDENTITY, DEFINITION, METADATA, SILENT]
    derived = {f"{name}_hash" for name in TEXTS}

    assert {f.name for f in fields(SqlResourceSpec)} == KIND.inputs
    assert set(SqlResourceArgs.__annotations__) | derived | {"owner"} == KIND.inputs
    assert all(one.isdisjoint(other) for one, other in combinations(groups, 2))


NOTHING, WRITTEN, IN_PLACE, REPLACED = "nothing", "written down", "in place", "replaced"


def cost(olds, news):
    names = KIND.changed(olds, news)
    if KIND.replaces(news, names):
        return REPLACED
    if names & DEFINITION:
        return IN_PLACE
    return WRITTEN if names & METADATA else NOTHING


@pytest.mark.parametrize(
    ("change", "without_update", "with_update"),
    [
        ({}, NOTHING, NOTHING),
        ({"create": "-- ttl\ncreate table settings  AS select 30 AS ttl;"}, NOTHING, NOTHING),
        ({"create": "CREATE TABLE `acme-prod`.shop.settings AS SELECT 30 AS ttl"}, *[NOTHING] * 2),
        ({"create": "CREATE TABLE settings AS SELECT 60 AS ttl"}, REPLACED, IN_PLACE),
        ({"create_file": "sql/create.sql", "read_file": "sql/read.sql"}, NOTHING, NOTHING),
        ({"triggers": [1]}, REPLACED, IN_PLACE),
        ({"read": "SELECT ttl, 1 AS one FROM settings"}, WRITTEN, WRITTEN),
        ({"read": "SELECT ttl FROM settings -- days"}, NOTHING, NOTHING),
        ({"read": None}, WRITTEN, WRITTEN),
        ({"delete": "DROP TABLE IF EXISTS settings"}, WRITTEN, WRITTEN),
        ({"delete": None}, WRITTEN, WRITTEN),
        ({"owner": "org/proj/dev/other"}, WRITTEN, WRITTEN),
        ({"adopt": True, "job_timeout_s": 60}, NOTHING, NOTHING),
        ({"location": "us"}, NOTHING, NOTHING),
        ({"location": "EU"}, REPLACED, REPLACED),
        ({"project": "acme-dev"}, REPLACED, REPLACED),
        ({"dataset_id": "other"}, REPLACED, REPLACED),
    ],
)
def test_what_a_change_costs(change, without_update, with_update):
    found = [cost(checked(**more), checked(**more, **change)) for more in ({}, UPDATE)]

    assert found == [without_update, with_update]


@pytest.mark.parametrize(
    ("olds", "news", "reason"),
    [
        (
            {},
            {"triggers": [1]},
            "replaces it, `delete` runs and then `create`: triggers null -> [1]",
        ),
        (
            UPDATE,
            {**UPDATE, "create": "CREATE TABLE settings AS SELECT 60 AS ttl"},
            "runs `update` in place: `create` changed",
        ),
        ({}, {"delete": None}, "is written down, nothing runs at BigQuery: `delete` changed"),
        ({}, {"adopt": True}, ""),
    ],
)
def test_a_change_is_said_in_words(olds, news, reason):
    old, new = checked(**olds), checked(**news)

    assert KIND.reason(old, new, KIND.changed(old, new)) == reason


def test_a_text_that_was_checked_before_is_not_read_again(monkeypatch):
    olds = checked()

    def read(*_):
        raise AssertionError("ZetaSQL would be loaded")

    monkeypatch.setattr("bqvertex.specs.sql_resource.read_sql_text", read)

    assert list(KIND.problems(olds, INPUTS)) == []
    assert KIND.changed(olds, {**INPUTS, **KIND.derived(olds, INPUTS)}) == frozenset()


def test_a_new_way_to_hash_changes_nothing():
    olds = checked() | {"create_hash": "0" * 64}
    news = INPUTS | {"create": f"{INPUTS['create']} -- days"}

    assert KIND.derived(olds, news)["create_hash"] == "0" * 64


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({}, []),
        ({"create": None}, ["create"]),
        ({"create": "CREATE TABLE"}, ["create"]),
        ({"create": "SELECT 1; SELECT 2 FORM t"}, ["create"]),
        ({"create": "SELEC 1", "create_file": "sql/create.sql"}, ["create_file"]),
        ({"create": 3}, ["create"]),
        ({"read": "DELETE FROM settings WHERE TRUE"}, ["read"]),
        ({"read": "SELECT 1; SELECT 2"}, ["read"]),
        ({"read": "SELECT nope FROM settings", "schemas": {"settings": []}}, ["read"]),
        ({"delete": "DROP settings"}, ["delete"]),
        ({"update": "SELECT"}, ["update"]),
        ({"dataset_id": None}, ["create", "delete", "read"]),
        ({"location": "nowhere"}, ["location"]),
        ({"project": "No"}, ["project"]),
        ({"triggers": "now"}, ["triggers"]),
        ({"adopt": "yes"}, ["adopt"]),
        ({"job_timeout_s": 0}, ["job_timeout_s"]),
    ],
)
def test_what_cannot_be_is_said_under_its_own_name(change, names):
    assert wrong(**change) == names


def test_what_is_not_known_yet_is_no_problem_and_a_change():
    news = checked(create=UNKNOWN, triggers=[UNKNOWN])

    assert list(KIND.problems({}, news)) == []
    assert news["create_hash"] is UNKNOWN
    assert {"create_hash", "triggers"} <= KIND.changed(checked(), news)
    assert KIND.reason(checked(), news, KIND.changed(checked(), news)) == (
        "replaces it, `delete` runs and then `create`: `create` is not known before `up`, "
        "triggers is not known before `up`"
    )


def test_statements_are_sent_with_whole_names():
    spec = SqlResourceSpec.from_inputs(checked(**UPDATE))

    path = "`acme-prod`.`shop`.`settings`"
    assert (spec.creation().sql, spec.change().sql, spec.deletion(None).sql, spec.read_sql) == (
        f"CREATE TABLE {path} AS SELECT 30 AS ttl",
        f"CREATE OR REPLACE TABLE {path} AS SELECT 30 AS ttl",
        f"DROP TABLE {path}",
        f"SELECT ttl FROM {path}",
    )


def test_another_row_is_drift_until_it_is_as_it_was():
    spec = SqlResourceSpec.from_inputs(checked())
    state = checked() | {"row": {"ttl": 30.0, "note": "a"}}

    drift = spec.drift({"ttl": 60, "more": [1]}, state)
    back = spec.drift({"ttl": 30, "note": "a"}, state | drift)

    assert drift == {
        "create_hash": "what `read` answers: ttl 30 -> 60; note is NULL or gone; more is [1]",
        "row": state["row"],
    }
    assert spec.drift({"ttl": 30, "note": "a"}, state) == {}
    assert back == {"create_hash": state["create_hash"]}


def test_several_rows_say_nothing():
    spec = SqlResourceSpec.from_inputs(checked())

    assert spec.live([]) is None
    with pytest.raises(ValueError, match="answers 2 rows"):
        spec.live([{"a": 1}, {"a": 2}])
