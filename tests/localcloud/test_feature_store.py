"""Feature Store: views over BigQuery are read at a sync and served."""

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from tests.localcloud.conftest import LOCATION, Cloud, FakeEngine, OpenCloud

STORES = f"{LOCATION}/featureOnlineStores"
VIEW = f"{STORES}/store/featureViews/view"
PLACES = pa.table(
    {
        "entity_id": ["JFK", "EWR", "LGA"],
        "flights": pa.array([3, 2, None], pa.int64()),
        "delay": [1.5, 2.5, 3.5],
        "place": [[0.0, 0.0], [3.0, 4.0], [1.0, 0.0]],
    }
)
VISITS = pa.table(
    {
        "who": ["a", "a", "b"],
        "seen": [datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2, 1)],
        "clicks_v2": pa.array([7, None, 9], pa.int64()),
        "page": ["x", "y", "z"],
    }
)


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine({"places": PLACES, "visits": VISITS})


@pytest.fixture
def served(open_cloud: OpenCloud, engine: FakeEngine) -> Cloud:
    return open_cloud(engine=engine)


def view(cloud: Cloud, store: Any = None, **more: Any) -> str:
    """Make a store and a view over the places."""
    made = cloud.call("POST", f"{STORES}?featureOnlineStoreId=store", store or {"optimized": {}})
    assert made.status == 200, made
    body = {
        "bigQuerySource": {
            "uri": "bq://local-project.ds.places",
            "entityIdColumns": ["entity_id"],
        },
        **more,
    }
    reply = cloud.call("POST", f"{STORES}/store/featureViews?featureViewId=view", body)
    assert reply.status == 200, reply
    return VIEW


def group(cloud: Cloud, **more: Any) -> dict[str, Any]:
    """Make a feature group over the visits and give a view's source of it."""
    body = {
        "bigQuery": {
            "bigQuerySource": {"inputUri": "bq://local-project.ds.visits"},
            "entityIdColumns": ["who"],
            "timeSeries": {"timestampColumn": "seen"},
            **more,
        }
    }
    groups = f"{LOCATION}/featureGroups"
    assert cloud.call("POST", f"{groups}?featureGroupId=visits", body).status == 200
    for feature_id, feature in (("clicks", {"versionColumnName": "clicks_v2"}), ("page", {})):
        path = f"{groups}/visits/features?featureId={feature_id}"
        assert cloud.call("POST", path, feature).status == 200
    chosen = {"featureGroupId": "visits", "featureIds": ["clicks", "page"]}
    return {"bigQuerySource": None, "featureRegistrySource": {"featureGroups": [chosen]}}


def fetch(cloud: Cloud, key: str, form: str = "PROTO_STRUCT") -> Any:
    return cloud.call(
        "POST", f"{VIEW}:fetchFeatureValues", {"dataKey": {"key": key}, "dataFormat": form}
    )


@pytest.mark.covers(
    "aiplatform.projects.locations.featureOnlineStores.featureViews.sync",
    "aiplatform.projects.locations.featureOnlineStores.featureViews.featureViewSyncs.get",
)
def test_a_sync_tells_how_many_rows_it_read(served: Cloud) -> None:
    view(served)

    sync = served.call("POST", f"{VIEW}:sync", {}).body["featureViewSync"]

    shown = served.get(sync)
    assert (shown["finalStatus"], shown["syncSummary"]["rowSynced"]) == ({"code": 0}, "3")
    assert "endTime" in shown["runTime"]


def test_a_sync_of_a_table_that_is_not_there_fails_and_says_so(served: Cloud) -> None:
    view(served, bigQuerySource={"uri": "bq://local-project.ds.gone", "entityIdColumns": ["id"]})

    sync = served.call("POST", f"{VIEW}:sync", {}).body["featureViewSync"]

    assert "Not found" in served.get(sync)["finalStatus"]["message"]


@pytest.mark.covers(
    "aiplatform.projects.locations.featureOnlineStores.featureViews.fetchFeatureValues"
)
def test_values_have_the_types_of_their_columns(served: Cloud) -> None:
    view(served)
    served.call("POST", f"{VIEW}:sync", {})

    reply = fetch(served, "LGA", "KEY_VALUE")

    assert reply.body == {
        "dataKey": {"key": "LGA"},
        "keyValues": {
            "features": [
                {"name": "flights"},
                {"name": "delay", "value": {"doubleValue": 3.5}},
                {"name": "place", "value": {"doubleArrayValue": {"values": [1.0, 0.0]}}},
            ]
        },
    }


def test_nothing_is_served_before_the_first_sync(served: Cloud) -> None:
    view(served)

    assert fetch(served, "JFK").error == (404, "NOT_FOUND")


def test_a_sync_serves_once_it_has_lasted(open_cloud: OpenCloud, engine: FakeEngine) -> None:
    slow = open_cloud(operation_seconds=1000, engine=engine)
    view(slow)

    sync = slow.call("POST", f"{VIEW}:sync", {}).body["featureViewSync"]

    assert "finalStatus" not in slow.get(sync)
    assert fetch(slow, "JFK").error == (404, "NOT_FOUND")


def test_what_was_served_is_served_after_a_restart(
    open_cloud: OpenCloud, engine: FakeEngine
) -> None:
    first = open_cloud(engine=engine)
    view(first)
    first.call("POST", f"{VIEW}:sync", {})

    again = open_cloud(engine=FakeEngine())

    assert fetch(again, "EWR").body["protoStruct"] == {
        "flights": 2.0,
        "delay": 2.5,
        "place": [3.0, 4.0],
    }


@pytest.mark.parametrize(("dense", "clicks"), [(False, 7.0), (True, None)], ids=["sparse", "dense"])
def test_a_group_serves_each_features_latest_value_unless_it_is_dense(
    served: Cloud, dense: bool, clicks: float | None
) -> None:
    view(served, **group(served, dense=dense))

    served.call("POST", f"{VIEW}:sync", {})

    assert fetch(served, "a").body["protoStruct"] == {"clicks": clicks, "page": "y"}


def test_an_entity_may_have_an_id_of_several_columns(served: Cloud) -> None:
    view(
        served,
        bigQuerySource={
            "uri": "bq://local-project.ds.visits",
            "entityIdColumns": ["who", "page"],
        },
    )
    served.call("POST", f"{VIEW}:sync", {})
    asked = {"dataKey": {"compositeKey": {"parts": ["b", "z"]}}, "dataFormat": "PROTO_STRUCT"}

    reply = served.call("POST", f"{VIEW}:fetchFeatureValues", asked)

    assert (reply.body["dataKey"], reply.body["protoStruct"]["clicks_v2"]) == (
        asked["dataKey"],
        9.0,
    )


@pytest.mark.covers(
    "aiplatform.projects.locations.featureOnlineStores.featureViews.searchNearestEntities"
)
@pytest.mark.parametrize(
    ("measure", "query", "found"),
    [
        (
            "SQUARED_L2_DISTANCE",
            {"embedding": {"value": [1, 0]}, "neighborCount": 2},
            [("LGA", 0.0), ("JFK", 1.0)],
        ),
        ("SQUARED_L2_DISTANCE", {"entityId": "EWR", "neighborCount": 1}, [("EWR", 0.0)]),
        (
            "DOT_PRODUCT_DISTANCE",
            {"embedding": {"value": [1, 0]}, "neighborCount": 1},
            [("EWR", -3.0)],
        ),
        (
            "COSINE_DISTANCE",
            {
                "embedding": {"value": [1, 0]},
                "numericFilters": [{"name": "delay", "valueFloat": 2, "op": "GREATER"}],
            },
            [("LGA", 0.0), ("EWR", pytest.approx(0.4))],
        ),
    ],
)
def test_nearest_entities_are_found_exactly(
    served: Cloud, measure: str, query: Any, found: Any
) -> None:
    view(
        served,
        indexConfig={
            "embeddingColumn": "place",
            "embeddingDimension": 2,
            "distanceMeasureType": measure,
            "bruteForceConfig": {},
        },
    )
    served.call("POST", f"{VIEW}:sync", {})

    reply = served.call("POST", f"{VIEW}:searchNearestEntities", {"query": query})

    neighbors = reply.body["nearestNeighbors"]["neighbors"]
    assert [(n["entityId"], n["distance"]) for n in neighbors] == found


def test_a_view_of_a_feature_that_is_not_there_is_refused(served: Cloud) -> None:
    source = {"featureGroups": [{"featureGroupId": "none", "featureIds": ["x"]}]}
    made = served.call(
        "POST",
        f"{STORES}?featureOnlineStoreId=store",
        {"bigtable": {"autoScaling": {"minNodeCount": 1, "maxNodeCount": 1}}},
    )

    reply = served.call(
        "POST",
        f"{STORES}/store/featureViews?featureViewId=view",
        {"featureRegistrySource": source},
    )

    assert (made.status, *reply.error) == (200, 404, "NOT_FOUND")
