"""The whole life of what SQL makes, on BigQuery in memory and on the local cloud over HTTP."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from bqvertex.clients.bigquery import BigQuery, Job, QueryRequest
from bqvertex.clients.bigquery.google_client import GoogleBigQuery
from bqvertex.clients.errors import AlreadyExists, FailedPrecondition, InvalidRequest, NotFound
from bqvertex.clients.settings import CloudSettings
from bqvertex.providers.attempt import Pace
from bqvertex.providers.sql_object import SqlLifecycle
from bqvertex.specs import default_connection, search_index, sql_resource, vector_index
from bqvertex.specs.sql_object import SqlKind
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from tests.fakes_sql import FakeSql

LOCATION = "us-central1"
ROWS = (
    "SELECT CONCAT('title ', CAST(n AS STRING)) AS title, 'text' AS body, "
    "[CAST(n AS FLOAT64), 1.0] AS embedding, [1.0, 2.0] AS other "
    "FROM UNNEST(GENERATE_ARRAY(1, 5000)) AS n"
)
FACTS = frozenset({"job_id", "ddl", "creation_time", "last_refresh_time", "coverage_percentage"})
FACTS |= {"unindexed_row_count", "total_logical_bytes", "total_storage_bytes", "index_status"}


@dataclass
class Place:
    """A service with a dataset `shop` in a project of the test's own."""

    bigquery: BigQuery
    project: str

    def run(self, sql: str) -> Job:
        """Run a statement as somebody else would."""
        job = self.bigquery.start_query(
            QueryRequest(f"by_hand_{uuid.uuid4().hex}", self.project, LOCATION, sql)
        )
        for seen in self.bigquery.watch(job, 60):
            job = seen
        assert job.error is None, job.error
        return job


def in_memory(_: Callable[[str], Any]) -> Place:
    return Place(FakeSql(), "acme-prod")


def over_http(fixture: Callable[[str], Any]) -> Place:
    url, project = fixture("local_cloud").url, f"sql-{uuid.uuid4().hex[:12]}"
    client = bigquery.Client(
        project=project,
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": url},
        location=LOCATION,
    )
    dataset = bigquery.Dataset(f"{project}.shop")
    dataset.location = LOCATION
    client.create_dataset(dataset)
    client.query(f"CREATE TABLE shop.items AS {ROWS}").result()
    return Place(GoogleBigQuery(CloudSettings(api_endpoint=url)), project)


@pytest.fixture(params=[in_memory, over_http])
def place(request) -> Place:
    return request.param(request.getfixturevalue)


class Declared:
    """What the engine does of one resource."""

    def __init__(self, place: Place, kind: SqlKind, **inputs: Any) -> None:
        self.place = place
        self.lifecycle = SqlLifecycle(kind, place.bigquery, pace=Pace(sleep=lambda _: None))
        self.inputs = {
            "project": place.project,
            "location": LOCATION,
            "owner": "org/proj/dev/it",
            **inputs,
        }
        self.state: dict[str, Any] = {}

    def preview(self, **change: Any) -> str:
        news = self._checked(change)
        plan = self.lifecycle.diff("id", self.state, news)
        return ("replace" if plan.replaces else "update") if plan.changes else "same"

    def up(self, **change: Any) -> str:
        news = self._checked(change)
        self.inputs = {k: v for k, v in {**self.inputs, **change}.items() if v is not None}
        if not self.state:
            self.state = self.lifecycle.create(news).outs
            return "create"
        op = self.preview()
        if op == "replace":
            self.lifecycle.delete("id", self.state)
            self.state = self.lifecycle.create(news).outs
        elif op == "update":
            self.state = self.lifecycle.update("id", self.state, news)
        return op

    def refresh(self) -> bool:
        """Look at it; False when it is gone."""
        live = self.lifecycle.read("id", self.state)
        self.state = live.outs if live else {}
        return live is not None

    def told(self) -> dict[str, Any]:
        """The outputs, without what BigQuery does by itself and when."""
        known = FACTS | self.inputs.keys()
        return {key: value for key, value in self.state.items() if key not in known}

    def _checked(self, change: dict[str, Any]) -> dict[str, Any]:
        inputs = {k: v for k, v in {**self.inputs, **change}.items() if v is not None}
        checked = self.lifecycle.check(self.state, inputs)
        assert checked.failures == ()
        return checked.inputs


TABLE = {"dataset_id": "shop", "table_id": "items", "index_id": "near"}


def test_a_vector_index_lives(place):
    index = Declared(place, vector_index.KIND, **TABLE, column_name="embedding", index_type="IVF")
    ops = [index.up(), index.preview(), index.refresh(), index.preview()]
    ops += [index.up(distance_type="COSINE", stored_columns=["title", "body"]), index.refresh()]
    ops += [index.preview(), index.preview(stored_columns=["Body", "title"])]
    ops += [index.up(index_type="TREE_AH", tree_ah_options={"normalization_type": "L2"})]
    ops += [index.refresh(), index.preview(), index.up(column_name="other"), index.refresh()]

    assert ops == [
        *("create", "same", True, "same", "update", True, "same", "same", "update"),
        *(True, "same", "replace", True),
    ]
    assert index.preview() == "same"


def test_a_vector_index_that_others_change_or_drop_shows(place):
    index = Declared(
        place,
        vector_index.KIND,
        **TABLE,
        column_name="embedding",
        index_type="IVF",
        stored_columns=["title"],
    )
    index.up()
    path = f"`{place.project}`.`shop`.`items`"
    other = f"CREATE OR REPLACE VECTOR INDEX near ON {path}(embedding) STORING(body) "
    place.run(f"{other} OPTIONS(index_type = 'IVF', distance_type = 'COSINE')")

    assert index.refresh()
    drifted = (index.state["distance_type"], index.state["stored_columns"])
    mended = [index.up(), index.refresh(), index.preview()]
    place.run(f"DROP VECTOR INDEX near ON {path}")

    assert (drifted, mended) == (("COSINE", ["body"]), ["update", True, "same"])
    assert not index.refresh()
    assert index.up() == "create"


def test_a_table_has_one_vector_index(place):
    inputs = {**TABLE, "column_name": "embedding", "index_type": "IVF"}
    first = Declared(place, vector_index.KIND, **inputs)
    second = Declared(place, vector_index.KIND, **{**inputs, "index_id": "far"})
    same = Declared(place, vector_index.KIND, **inputs, owner="org/proj/prod/it")
    first.up()

    with pytest.raises(AlreadyExists, match="has the vector index near already"):
        second.up()
    with pytest.raises(AlreadyExists, match="set adopt"):
        same.up()
    with pytest.raises(FailedPrecondition, match="distance_type is 'EUCLIDEAN'"):
        same.up(adopt=True, distance_type="COSINE")
    assert same.up(adopt=True, distance_type=None) == "create"
    assert (same.state["job_id"], same.refresh(), same.preview()) == ("", True, "same")


def test_a_search_index_lives(place):
    index = Declared(place, search_index.KIND, **TABLE, columns=["title"])
    pattern = {"analyzer": "PATTERN_ANALYZER", "analyzer_options": {"patterns": ["[a-z]'\\w+"]}}
    granular = {"column_options": {"title": {"index_granularity": "COLUMN"}}}
    ops = [index.up(), index.preview(), index.refresh(), index.preview()]
    ops += [index.up(columns=["body", "TITLE"]), index.refresh(), index.preview()]
    ops += [index.up(**pattern), index.refresh(), index.preview()]
    ops += [index.up(columns=None, **granular), index.refresh(), index.preview()]

    once = ["replace", True, "same"]
    assert ops == ["create", "same", True, "same", *once, *once, *once]
    index.lifecycle.delete("id", index.state)
    assert not index.refresh()


def test_a_default_connection_lives(place):
    default = Declared(place, default_connection.KIND, connection_id="remote")
    ops = [default.up(), default.preview(), default.refresh(), default.preview()]
    ops += [default.up(connection_id="other"), default.refresh(), default.preview()]

    assert ops == ["create", "same", True, "same", "update", True, "same"]
    assert default.told() == {"option_value": "other"}
    default.lifecycle.delete("id", default.state)
    assert not default.refresh()


def test_a_default_connection_of_others_is_respected(place):
    default = Declared(place, default_connection.KIND, connection_id="remote")
    option = f"`region-{LOCATION}.default_cloud_resource_connection_id`"
    setting = f"ALTER PROJECT `{place.project}` SET OPTIONS ({option} = 'theirs')"
    place.run(setting)

    with pytest.raises(AlreadyExists):
        default.up()
    default.up(adopt=True)
    ours = default.told()
    place.run(setting)
    default.refresh()
    drifted = default.preview()
    default.lifecycle.delete("id", {**default.state, "connection_id": "remote"})

    assert (ours, drifted) == ({"option_value": "remote"}, "update")
    assert default.refresh()
    assert default.told() == {"option_value": "theirs"}


def statements(ttl: int) -> dict[str, str]:
    return {
        "create": f"CREATE TABLE settings AS SELECT {ttl} AS ttl",
        "read": "SELECT ttl FROM settings",
        "update": f"CREATE OR REPLACE TABLE settings AS SELECT {ttl} AS ttl",
        "delete": "DROP TABLE settings",
    }


def test_a_sql_resource_lives(place):
    made = Declared(place, sql_resource.KIND, dataset_id="shop", **statements(30))
    ops = [made.up(), made.preview(), made.refresh(), made.preview()]
    ops += [made.up(create="create table settings as select 30 as ttl -- days")]
    rows = [made.state["row"]]
    ops += [made.up(**statements(60)), made.refresh(), made.preview()]
    rows += [made.state["row"]]
    path = f"`{place.project}`.`shop`.`settings`"
    place.run(f"CREATE OR REPLACE TABLE {path} AS SELECT 7 AS ttl")
    ops += [made.refresh(), made.up(), made.preview()]
    rows += [made.state["row"]]
    place.run(f"DROP TABLE {path}")
    ops += [made.refresh(), made.up()]

    assert ops == [
        *("create", "same", True, "same", "same", "update", True, "same"),
        *(True, "update", "same", False, "create"),
    ]
    assert rows == [{"ttl": 30}, {"ttl": 60}, {"ttl": 60}]
    made.lifecycle.delete("id", made.state)
    assert not made.refresh()


def test_a_sql_resource_without_update_is_replaced(place):
    texts = {key: text for key, text in statements(30).items() if key != "update"}
    made = Declared(place, sql_resource.KIND, dataset_id="shop", **texts)

    ops = [made.up(), made.up(create=statements(60)["create"]), made.refresh(), made.preview()]

    assert ops == ["create", "replace", True, "same"]
    assert made.state["row"] == {"ttl": 60}


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"table_id": "nowhere"}, NotFound),
        ({"column_name": "nowhere"}, InvalidRequest),
        ({"column_name": "title"}, InvalidRequest),
    ],
)
def test_what_only_bigquery_knows_fails_with_the_index_named(local_cloud, change, error):
    place = over_http(lambda _: local_cloud)
    inputs = {**TABLE, "column_name": "embedding", "index_type": "IVF", **change}
    index = Declared(place, vector_index.KIND, **inputs)

    with pytest.raises(error, match=r"^create vector index sql-.*near: "):
        index.up()


def test_scripts_routines_and_policies_run_with_whole_names(local_cloud):
    place = over_http(lambda _: local_cloud)
    made = Declared(
        place,
        sql_resource.KIND,
        dataset_id="shop",
        create="""
            -- A script: a table that is gone with it, a routine and a table that stay.
            CREATE TEMP TABLE longest AS SELECT MAX(LENGTH(title)) AS length FROM items;
            CREATE FUNCTION twice(x INT64) AS (x * 2);
            CREATE TABLE lengths AS SELECT length FROM longest;
        """,
        read="SELECT length FROM lengths",
        delete="DROP TABLE lengths; DROP FUNCTION twice",
    )

    ops = [made.up(), made.refresh(), made.preview()]

    assert (ops, made.state["row"]) == (["create", True, "same"], {"length": 10})
    made.lifecycle.delete("id", made.state)
    assert not made.refresh()
