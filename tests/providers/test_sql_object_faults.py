"""Every call of every operation on what SQL makes fails once, before and after it took effect.

The calls are those that a run without faults makes, so that a new one cannot be forgotten.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from bqvertex.clients.errors import Unavailable
from bqvertex.providers.attempt import Pace
from bqvertex.providers.sql_object import SqlLifecycle
from bqvertex.specs import default_connection, search_index, sql_resource, vector_index
from bqvertex.specs.sql_object import SqlKind

from tests.fakes import Fault
from tests.fakes_sql import FakeSql

PLACE = {"project": "acme-prod", "location": "US"}
TABLE = {**PLACE, "dataset_id": "shop", "table_id": "items", "index_id": "near"}
STATEMENTS = {
    **PLACE,
    "dataset_id": "shop",
    "create": "CREATE TABLE settings AS SELECT 30 AS ttl",
    "delete": "DROP TABLE settings",
}
READ = {"read": "SELECT ttl FROM settings"}
UPDATE = {"update": "CREATE OR REPLACE TABLE settings AS SELECT 60 AS ttl"}
OTHER = {"create": "CREATE TABLE settings AS SELECT 60 AS ttl"}
VECTOR = {**TABLE, "column_name": "embedding", "index_type": "IVF", "stored_columns": ["title"]}
SEARCH = {**TABLE, "columns": ["title"]}
CONNECTION = {**PLACE, "connection_id": "remote"}


class World:
    """A service, and what the engine keeps of one resource."""

    def __init__(self, kind: SqlKind, inputs: dict[str, Any]) -> None:
        self.kind = kind
        self.inputs = {**inputs, "owner": "org/proj/dev/it"}
        self.bigquery = FakeSql()
        self.lifecycle = SqlLifecycle(kind, self.bigquery, pace=Pace(sleep=lambda _: None))
        self.state: dict[str, Any] = {}

    def checked(self, **change: Any) -> dict[str, Any]:
        checked = self.lifecycle.check(self.state, {**self.inputs, **change})
        assert checked.failures == ()
        return checked.inputs

    def up(self, **change: Any) -> None:
        """As the engine does: make, change, replace, or nothing where nothing differs."""
        news = self.checked(**change)
        if not self.state:
            self.state = self.lifecycle.create(news).outs
            return
        plan = self.lifecycle.diff("id", self.state, news)
        if plan.replaces:
            assert plan.delete_before_replace
            self.delete()
            self.state = self.lifecycle.create(news).outs
        elif plan.changes:
            self.state = self.lifecycle.update("id", self.state, news)

    def refresh(self) -> None:
        live = self.lifecycle.read("id", self.state)
        self.state = live.outs if live else {}

    def delete(self) -> None:
        self.lifecycle.delete("id", self.state)
        self.state = {}


Operation = Callable[[World], None]


def nothing(_: World) -> None: ...


def up(**change: Any) -> Operation:
    return lambda world: world.up(**change)


def gone(world: World) -> None:
    """Made, and removed by somebody behind its back."""
    world.up()
    world.bigquery.values.clear()
    world.bigquery.indexes.clear()
    world.bigquery.project_options.clear()
    world.refresh()
    assert world.state == {}


def foreign(world: World) -> None:
    """There before, and made by somebody else."""
    world.up()
    world.bigquery.jobs.clear()
    world.state = {}


def lost(world: World) -> None:
    """Made and changed, and the state is lost."""
    world.up()
    world.up(**OTHER)
    world.state = {}


def another_default(world: World) -> None:
    world.bigquery.project_options["region-us.default_cloud_resource_connection_id"] = "theirs"


FULL = {**STATEMENTS, **READ}
CHANGED = {"distance_type": "COSINE"}
CASES: dict[str, tuple[SqlKind, dict[str, Any], Operation, Operation]] = {
    "make": (sql_resource.KIND, FULL, nothing, up()),
    "make-unseen": (sql_resource.KIND, STATEMENTS, nothing, up()),
    "make-again": (sql_resource.KIND, FULL, gone, up()),
    "take-over": (sql_resource.KIND, FULL, foreign, up(adopt=True)),
    "change-in-place": (sql_resource.KIND, {**FULL, **UPDATE}, up(), up(**OTHER)),
    "change-unseen": (sql_resource.KIND, {**STATEMENTS, **UPDATE}, up(), up(**OTHER)),
    "trigger": (sql_resource.KIND, {**FULL, **UPDATE}, up(), up(triggers=[2])),
    "find-after-a-lost-state": (sql_resource.KIND, {**FULL, **UPDATE}, lost, up(**OTHER)),
    "write-down": (sql_resource.KIND, FULL, up(), up(read="SELECT ttl FROM settings LIMIT 1")),
    "vector-index": (vector_index.KIND, VECTOR, nothing, up()),
    "vector-index-again": (vector_index.KIND, VECTOR, gone, up()),
    "vector-index-in-place": (vector_index.KIND, VECTOR, up(), up(**CHANGED)),
    "vector-index-taken-over": (vector_index.KIND, VECTOR, foreign, up(adopt=True)),
    "search-index": (search_index.KIND, SEARCH, nothing, up()),
    "search-index-taken-over": (search_index.KIND, SEARCH, foreign, up(adopt=True)),
    "default-connection": (default_connection.KIND, CONNECTION, nothing, up()),
    "default-connection-in-place": (
        default_connection.KIND,
        CONNECTION,
        up(),
        up(connection_id="other"),
    ),
    "default-connection-of-another": (
        default_connection.KIND,
        CONNECTION,
        another_default,
        up(adopt=True),
    ),
}
REPLACEMENTS: dict[str, tuple[SqlKind, dict[str, Any], Operation]] = {
    "sql-resource": (sql_resource.KIND, FULL, up(**OTHER)),
    "sql-resource-unseen": (sql_resource.KIND, STATEMENTS, up(**OTHER)),
    "search-index": (search_index.KIND, SEARCH, up(columns=["title", "body"])),
    "vector-index": (vector_index.KIND, VECTOR, up(column_name="other")),
}


def calls_of(
    kind: SqlKind, inputs: dict[str, Any], prepare: Operation, operate: Operation
) -> tuple[list[tuple[str, int]], World]:
    """Say which calls an operation makes, each with its number among those of its name."""
    world = World(kind, inputs)
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
    """What must be the same whatever went wrong on the way."""
    outs = {name: value for name, value in world.state.items() if name != "job_id"}
    return {
        "values": world.bigquery.values,
        "indexes": world.bigquery.indexes,
        "project_options": world.bigquery.project_options,
        "ran": world.bigquery.ran,
        "outs": outs,
    }


def faulty(
    kind: SqlKind, inputs: dict[str, Any], prepare: Operation, call: tuple[str, int], after: bool
) -> World:
    world = World(kind, inputs)
    prepare(world)
    world.bigquery.faults = [Fault(call[0], Unavailable("gone"), after=after, number=call[1])]
    return world


@pytest.mark.parametrize("refreshed", [False, True], ids=["", "refreshed"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("case", CASES)
def test_an_operation_that_is_broken_off_anywhere_and_repeated_ends_as_one_that_was_not(
    case, after, refreshed
):
    kind, inputs, prepare, operate = CASES[case]
    calls, wanted = calls_of(kind, inputs, prepare, operate)
    assert len(calls) >= 1

    for call in calls:
        world = faulty(kind, inputs, prepare, call, after)
        with pytest.raises(Unavailable):
            operate(world)
        if refreshed and world.state:
            world.refresh()
        operate(world)

        assert (call, described(world)) == (call, described(wanted))


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("case", REPLACEMENTS)
def test_a_replacement_that_is_broken_off_anywhere_and_repeated_ends_as_one_that_was_not(
    case, after
):
    kind, inputs, operate = REPLACEMENTS[case]
    calls, wanted = calls_of(kind, inputs, up(), operate)

    for call in calls:
        world = faulty(kind, inputs, up(), call, after)
        with pytest.raises(Unavailable):
            operate(world)
        operate(world)

        assert (call, described(world)) == (call, described(wanted))


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("case", CASES)
def test_a_deletion_that_is_broken_off_anywhere_and_repeated_leaves_nothing(case, after):
    kind, inputs, prepare, operate = CASES[case]

    def prepared(world: World) -> None:
        prepare(world)
        operate(world)

    calls, wanted = calls_of(kind, inputs, prepared, World.delete)

    for call in calls:
        world = faulty(kind, inputs, prepared, call, after)
        with pytest.raises(Unavailable):
            world.delete()
        world.delete()

        assert (call, described(world)) == (call, described(wanted))
        assert world.bigquery.values == world.bigquery.indexes == {}
        assert world.bigquery.project_options == {}
