"""How whatever SQL makes lives, on BigQuery in memory; a fault in each call is in `…_faults`."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from bqvertex.clients.bigquery import JobError
from bqvertex.clients.errors import (
    AlreadyExists,
    Cancelled,
    FailedPrecondition,
    InvalidRequest,
    Unavailable,
)
from bqvertex.providers.attempt import Pace
from bqvertex.providers.sql_object import SqlLifecycle, plain_row
from bqvertex.specs import default_connection, search_index, sql_resource, vector_index

from tests.fakes import Fault
from tests.fakes_sql import FakeIndex, FakeSql

OWNER = {"owner": "org/proj/dev/it"}
PLACE = {"project": "acme-prod", "location": "US", **OWNER}
TABLE = {**PLACE, "dataset_id": "shop", "table_id": "items", "index_id": "near"}
VECTOR = {**TABLE, "column_name": "embedding", "index_type": "IVF"}
CONNECTION = {**PLACE, "connection_id": "remote"}
SETTINGS = "acme-prod.shop.settings"
FULL = {
    **PLACE,
    "dataset_id": "shop",
    "create": "CREATE TABLE settings AS SELECT 30 AS ttl",
    "read": "SELECT ttl FROM settings",
    "delete": "DROP TABLE settings",
}
OTHER = {"create": "CREATE TABLE settings AS SELECT 60 AS ttl"}
UPDATE = {"update": "CREATE OR REPLACE TABLE settings AS SELECT 60 AS ttl"}
DEFAULT = "region-us.default_cloud_resource_connection_id"
THEIRS = FakeIndex("VECTOR", "theirs", ("embedding",), {"index_type": "IVF"}, {}, "CREATE …")


@pytest.fixture
def bigquery() -> FakeSql:
    return FakeSql()


class Host:
    """What the engine asks of one kind of objects."""

    def __init__(self, kind, bigquery: FakeSql) -> None:
        self.told: list[str] = []
        self.lifecycle = SqlLifecycle(
            kind, bigquery, report=self.told.append, pace=Pace(sleep=lambda _: None)
        )

    def checked(self, olds: dict[str, Any], inputs: dict[str, Any]) -> dict[str, Any]:
        checked = self.lifecycle.check(olds, inputs)
        assert checked.failures == ()
        return checked.inputs

    def create(self, inputs: dict[str, Any]) -> dict[str, Any]:
        return self.lifecycle.create(self.checked({}, inputs)).outs

    def update(self, state: dict[str, Any], inputs: dict[str, Any]) -> dict[str, Any]:
        return self.lifecycle.update("id", state, self.checked(state, inputs))

    def diff(self, state: dict[str, Any], inputs: dict[str, Any]):
        return self.lifecycle.diff("id", state, self.checked(state, inputs))


@pytest.fixture
def host(bigquery) -> Host:
    return Host(sql_resource.KIND, bigquery)


@pytest.fixture
def vectors(bigquery) -> Host:
    return Host(vector_index.KIND, bigquery)


@pytest.fixture
def defaults(bigquery) -> Host:
    return Host(default_connection.KIND, bigquery)


def test_what_is_made_is_kept_with_the_row_that_sees_it(host, bigquery):
    state = host.create(FULL)

    (job,) = bigquery.jobs
    assert bigquery.values == {SETTINGS: {"ttl": 30}}
    assert state.items() >= {**FULL, "row": {"ttl": 30}, "job_id": job}.items()
    assert bigquery.jobs[job].labels.keys() == {"bqvertex_owner", "bqvertex_work"}
    assert host.told == []


def test_what_somebody_else_made_is_refused_and_with_adopt_taken_over_as_it_is(host, bigquery):
    bigquery.values[SETTINGS] = {"ttl": 7}

    with pytest.raises(AlreadyExists, match=r"it is there already.*set adopt"):
        host.create(FULL)
    state = host.create({**FULL, "adopt": True})

    assert (state["row"], state["job_id"], bigquery.statements) == ({"ttl": 7}, "", [])


def test_a_running_job_of_the_same_work_is_attached_to(host, bigquery):
    bigquery.faults = [Fault("start_query", Unavailable("gone"), after=True)]
    with pytest.raises(Unavailable):
        host.create(FULL)
    (job,) = bigquery.jobs
    bigquery.running = {job}

    state = host.create(FULL)

    assert (state["job_id"], len(bigquery.statements), bigquery.cancelled) == (job, 1, [])
    assert host.told == [f"SQL resource it: create, job {job}"]


def test_a_running_job_of_another_statement_is_stopped_and_undone(host, bigquery):
    bigquery.faults = [Fault("start_query", Unavailable("gone"), after=True)]
    with pytest.raises(Unavailable):
        host.create(FULL)
    (job,) = bigquery.jobs
    bigquery.running = {job}

    state = host.create({**FULL, **OTHER})

    assert bigquery.cancelled == [job]
    assert [sql.split()[0] for sql in bigquery.ran] == ["CREATE", "DROP", "CREATE"]
    assert state["row"] == {"ttl": 60}


def test_a_job_that_failed_is_followed_by_one_of_its_own_id(host, bigquery):
    bigquery.job_errors = [JobError("invalidQuery", "No such function: F")]

    with pytest.raises(InvalidRequest, match="create SQL resource it: No such function: F"):
        host.create(FULL)
    state = host.create(FULL)

    first, second = bigquery.jobs
    assert (first[-2:], second, state["job_id"]) == ("_1", f"{first[:-1]}2", second)


def test_going_back_to_what_was_runs_again(host, bigquery):
    there, back = {**FULL, **UPDATE, **OTHER}, {**FULL, **UPDATE}
    state = host.create(back)
    for inputs in (there, back, there):
        state = host.update(state, inputs)

    assert len(bigquery.ran) == 4
    assert len(bigquery.jobs) == 4


def test_made_again_after_its_end_runs_again(host, bigquery):
    for _ in range(2):
        state = host.create(FULL)
        host.lifecycle.delete("id", state)

    assert [sql.split()[0] for sql in bigquery.ran] == ["CREATE", "DROP"] * 2


def test_without_delete_what_was_made_stays_and_is_found_again(host, bigquery):
    inputs = {key: value for key, value in FULL.items() if key != "delete"}
    state = host.create(inputs)

    host.lifecycle.delete("id", state)
    again = host.create(inputs)

    assert (again, bigquery.values) == (state, {SETTINGS: {"ttl": 30}})
    assert len(bigquery.ran) == 1


def test_a_deletion_that_finds_it_gone_runs_nothing(host, bigquery):
    state = host.create(FULL)
    bigquery.values.clear()

    host.lifecycle.delete("id", state)

    assert len(bigquery.statements) == 1


def test_a_statement_that_finds_it_gone_is_success_too(host, bigquery):
    unseen = {key: value for key, value in FULL.items() if key != "read"}
    state = host.create(unseen)
    bigquery.values.clear()

    host.lifecycle.delete("id", state)

    assert [sql.split()[0] for sql in bigquery.statements] == ["CREATE", "DROP"]


def test_a_deletion_that_nothing_shows_runs_once(host, bigquery):
    state = host.create({key: value for key, value in FULL.items() if key != "read"})
    bigquery.faults = [Fault("start_query", Unavailable("gone"), after=True)]
    with pytest.raises(Unavailable):
        host.lifecycle.delete("id", state)

    host.lifecycle.delete("id", state)

    assert [sql.split()[0] for sql in bigquery.statements] == ["CREATE", "DROP"]


def test_a_change_that_others_undid_before_it_was_written_down_runs_again(vectors, bigquery):
    state = vectors.create(VECTOR)
    wanted = {**VECTOR, "distance_type": "COSINE"}
    bigquery.faults = [Fault("watch", Unavailable("gone"))]
    with pytest.raises(Unavailable):
        vectors.update(state, wanted)
    bigquery.indexes.clear()

    state = vectors.update(state, wanted)

    assert [sql[:24] for sql in bigquery.ran] == [
        "CREATE VECTOR INDEX `nea",
        "CREATE OR REPLACE VECTOR",
        "CREATE OR REPLACE VECTOR",
    ]
    assert len(bigquery.indexes) == 1


def test_an_index_of_a_lost_state_that_others_changed_is_built_again(vectors, bigquery):
    vectors.create(VECTOR)
    key = ("acme-prod.shop.items", "VECTOR")
    options = {"index_type": "IVF", "distance_type": "COSINE"}
    bigquery.indexes[key] = replace(bigquery.indexes[key], options=options)

    vectors.create(VECTOR)

    assert bigquery.indexes[key].options["distance_type"] == "EUCLIDEAN"


def test_a_read_tells_gone_same_and_changed(host, bigquery):
    state = host.create(FULL)
    same = host.lifecycle.read("id", state)
    bigquery.values[SETTINGS] = {"ttl": 7}
    changed = host.lifecycle.read("id", state)
    bigquery.values[SETTINGS] = {}
    no_row = host.lifecycle.read("id", state)
    bigquery.values.clear()
    no_table = host.lifecycle.read("id", state)

    assert (same.outs, no_row, no_table) == (state, None, None)
    assert "row" not in same.inputs
    assert host.diff(changed.outs, FULL).reason == (
        "replaces it, `delete` runs and then `create`: `create`, what `read` answers: ttl 30 -> 7"
    )


def test_a_row_that_is_as_it_was_again_is_no_drift(host, bigquery):
    state = host.create(FULL)
    bigquery.values[SETTINGS] = {"ttl": 7}
    state = host.lifecycle.read("id", state).outs
    bigquery.values[SETTINGS] = {"ttl": 30}
    state = host.lifecycle.read("id", state).outs

    assert not host.diff(state, FULL).changes


def test_what_cannot_be_read_is_no_drift(host, bigquery):
    state = host.create(FULL)
    bigquery.faults = [Fault("rows", Unavailable("gone"))]

    with pytest.raises(Unavailable):
        host.lifecycle.read("id", state)


def test_without_read_nothing_is_looked_at(host, bigquery):
    state = host.create({key: value for key, value in FULL.items() if key != "read"})
    bigquery.values.clear()
    bigquery.trace.clear()

    live = host.lifecycle.read("id", state)

    assert (live.outs, bigquery.trace) == (state, [])


def test_a_query_that_does_not_see_what_was_made_is_said(host):
    with pytest.raises(FailedPrecondition, match=r"(?s)finds nothing.*`elsewhere`"):
        host.create({**FULL, "read": "SELECT ttl FROM elsewhere"})


def test_a_cancelled_run_cancels_the_job(host, bigquery):
    bigquery.faults = [
        Fault("start_query", Unavailable("gone"), after=True),
        Fault("watch", Cancelled("stop")),
    ]
    with pytest.raises(Unavailable):
        host.create(FULL)
    bigquery.running = set(bigquery.jobs)

    with pytest.raises(Cancelled, match="the run was cancelled"):
        host.create(FULL)

    assert bigquery.cancelled == list(bigquery.jobs)


def test_an_index_of_another_name_is_in_the_way(vectors, bigquery):
    bigquery.indexes[("acme-prod.shop.items", "VECTOR")] = THEIRS

    with pytest.raises(AlreadyExists) as refused:
        vectors.create(VECTOR)

    assert str(refused.value).startswith(
        "create vector index acme-prod.shop.items.near: table acme-prod.shop.items has the vector "
        "index theirs already, and BigQuery allows one a table"
    )
    assert "`DROP VECTOR INDEX `theirs` ON `acme-prod`.`shop`.`items``" in str(refused.value)
    assert bigquery.statements == []


def test_an_index_is_taken_over_only_as_it_is_declared(vectors, bigquery):
    ddl = "CREATE VECTOR INDEX near ON t(embedding)"
    bigquery.indexes[("acme-prod.shop.items", "VECTOR")] = replace(THEIRS, name="near", ddl=ddl)

    with pytest.raises(AlreadyExists):
        vectors.create(VECTOR)
    with pytest.raises(FailedPrecondition, match="distance_type is 'EUCLIDEAN' instead of 'COSI"):
        vectors.create({**VECTOR, "adopt": True, "distance_type": "COSINE"})
    state = vectors.create({**VECTOR, "adopt": True})

    assert (state["job_id"], bigquery.statements) == ("", [])


def test_what_bigquery_does_with_an_index_is_no_difference(vectors, bigquery):
    state = vectors.create(VECTOR)
    key = ("acme-prod.shop.items", "VECTOR")
    index = bigquery.indexes[key]
    chosen = {**index.options, "ivf_options": '{"num_lists": 87}'}
    bigquery.indexes[key] = replace(index, coverage_percentage=42, options=chosen)

    live = vectors.lifecycle.read("id", state)

    assert (state["coverage_percentage"], live.outs["coverage_percentage"]) == (0, 42)
    assert live.inputs == {key: value for key, value in state.items() if key in live.inputs}
    assert not vectors.diff(live.outs, VECTOR).changes


def test_an_index_that_somebody_built_otherwise_is_built_again_in_place(vectors, bigquery):
    state = vectors.create(VECTOR)
    key = ("acme-prod.shop.items", "VECTOR")
    options = {"index_type": "TREE_AH", "distance_type": "EUCLIDEAN"}
    bigquery.indexes[key] = replace(bigquery.indexes[key], options=options)
    state = vectors.lifecycle.read("id", state).outs

    change = vectors.diff(state, VECTOR)
    state = vectors.update(state, VECTOR)

    assert (change.replaces, change.reason.partition(": ")[2]) == (
        (),
        'index_type "TREE_AH" -> "IVF"',
    )
    assert bigquery.ran[-1].startswith("CREATE OR REPLACE VECTOR INDEX")
    assert vectors.lifecycle.read("id", state).outs == state


def test_a_search_index_is_replaced_and_the_old_one_goes_first(bigquery):
    host = Host(search_index.KIND, bigquery)
    state = host.create({**TABLE, "columns": ["title"]})

    change = host.diff(state, {**TABLE, "columns": ["body"]})

    assert (change.replaces, change.delete_before_replace) == (("columns",), True)


def test_a_default_connection_of_somebody_else_stays_unless_it_is_adopted(defaults, bigquery):
    bigquery.project_options[DEFAULT] = "theirs"

    with pytest.raises(AlreadyExists, match=r"default connection acme-prod\.region-us.*adopt"):
        defaults.create(CONNECTION)
    defaults.create({**CONNECTION, "adopt": True})

    assert bigquery.project_options == {DEFAULT: "remote"}


def test_a_default_connection_that_somebody_changed_is_not_unset(defaults, bigquery):
    state = defaults.create(CONNECTION)
    bigquery.project_options[DEFAULT] = "theirs"

    defaults.lifecycle.delete("id", state)

    assert bigquery.project_options == {DEFAULT: "theirs"}


def test_wrong_inputs_are_all_said_at_once(vectors):
    checked = vectors.lifecycle.check({}, {**VECTOR, "index_type": "HNSW", "table_id": ""})

    assert {failure.property for failure in checked.failures} == {"index_type", "table_id"}


def test_a_row_becomes_what_json_has():
    row = {
        "flag": True,
        "small": 2**53,
        "large": 2**53 + 1,
        "part": 0.5,
        "none": float("nan"),
        "price": Decimal("1.50"),
        "day": date(2026, 1, 2),
        "moment": datetime(2026, 1, 2, 3, tzinfo=UTC),
        "raw": b"\x00\xff",
        "nested": {"a": [1, {"b": None, "c": "x"}]},
        "missing": None,
    }

    assert plain_row(row) == {
        "flag": True,
        "small": 2**53,
        "large": "9007199254740993",
        "part": 0.5,
        "none": "nan",
        "price": "1.50",
        "day": "2026-01-02",
        "moment": "2026-01-02T03:00:00+00:00",
        "raw": "AP8=",
        "nested": {"a": [1, {"c": "x"}]},
    }
