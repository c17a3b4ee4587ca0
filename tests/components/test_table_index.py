import pulumi
import pytest
from bqvertex.dataset import Dataset
from bqvertex.search_index import SearchIndex
from bqvertex.vector_index import VectorIndex

from tests.components import plan as module
from tests.components.plan import SEED_TABLE, planned

VECTOR = "pulumi-python:dynamic/bqvertex:VectorIndex"
SEARCH = "pulumi-python:dynamic/bqvertex:SearchIndex"
PLACE = {"project": "acme-prod", "location": "us-central1", "dataset_id": "shop"}
COLUMNS = [
    {"name": "title", "type": "STRING"},
    {"name": "embedding", "type": "FLOAT64", "mode": "REPEATED"},
]
NEAR = {"table_id": "items", "column_name": "embedding", "index_type": "IVF"}


@pytest.fixture(autouse=True)
def computed(monkeypatch) -> None:
    for kind in (VECTOR, SEARCH):
        monkeypatch.setitem(module.COMPUTED, kind, {"coverage_percentage": 42})


def dataset() -> Dataset:
    return Dataset("shop", {**PLACE, "tables": {"items": {"source": "a", "schema": COLUMNS}}})


def test_an_index_goes_where_its_dataset_is_and_after_its_table():
    plan = planned(lambda: VectorIndex("items-near", {"dataset": dataset(), **NEAR}))

    assert plan.inputs(VECTOR, "items-near") == {
        **PLACE,
        **NEAR,
        "index_id": "items_near",
        "owner": "organization/proj/test/items-near",
    }
    assert plan.place(SEED_TABLE, "shop-items") < plan.place(VECTOR, "items-near")


def test_a_search_index_is_given_its_place():
    args = {**PLACE, "table_id": "items", "index_id": "words", "columns": ["title"]}

    plan = planned(lambda: SearchIndex("words-of-items", args))

    assert plan.inputs(SEARCH, "words-of-items") == {
        **args,
        "owner": "organization/proj/test/words-of-items",
    }


@pytest.mark.parametrize("kind", [VectorIndex, SearchIndex])
def test_the_path_and_how_far_it_is_built_are_told(kind):
    seen = []
    args = {**PLACE, **(NEAR if kind is VectorIndex else {"table_id": "items"})}

    planned(
        lambda: pulumi.Output.all(
            (made := kind("near", args)).path, made.coverage_percentage
        ).apply(seen.extend)
    )

    assert seen == ["acme-prod.shop.items.near", 42]


@pytest.mark.parametrize(
    ("kind", "args", "reason"),
    [
        (VectorIndex, {**NEAR, "column_name": "title"}, "column_name 'title' is STRING; it must"),
        (VectorIndex, {**NEAR, "column_name": "embeding"}, "did you mean 'embedding'"),
        (VectorIndex, {**NEAR, "stored_colums": []}, "did you mean 'stored_columns'"),
        (SearchIndex, {"table_id": "items", "columns": ["titel"]}, "did you mean 'title'"),
    ],
)
def test_what_does_not_fit_a_declared_table_ends_the_program(kind, args, reason):
    with pytest.raises(pulumi.RunError, match=reason):
        planned(lambda: kind("near", {"dataset": dataset(), **args}))


def test_an_index_without_a_place_is_refused():
    with pytest.raises(pulumi.RunError, match="vector index near: give dataset, or project"):
        planned(lambda: VectorIndex("near", NEAR))
