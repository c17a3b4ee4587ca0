"""Contribution analysis against the formulas of Google's page."""

from typing import Any

import pyarrow as pa
import pytest

from localcloud import bqml
from localcloud.bqml import Model
from tests.localcloud.bqml.conftest import call, schema

pytestmark = pytest.mark.covers("CONTRIBUTION_ANALYSIS", "ML.GET_INSIGHTS")

OPTIONS: dict[str, Any] = {
    "MODEL_TYPE": "CONTRIBUTION_ANALYSIS",
    "CONTRIBUTION_METRIC": "sum(revenue)",
    "IS_TEST_COL": "is_test",
    "DIMENSION_ID_COLS": ["product", "store"],
}


@pytest.fixture(scope="module")
def sales() -> pa.Table:
    """The set of Google's page."""
    return pa.table(
        {
            "product": ["shoe_1", "shoe_1", "shoe_2"] * 2,
            "store": [2, 3, 1] * 2,
            "revenue": [100, 200, 85, 100, 150, 175],
            "visits": [10, 20, 10, 20, 20, 20],
            "month": ["a", "b", "a", "a", "a", "b"],
            "is_test": [True] * 3 + [False] * 3,
        }
    )


def insights(sales: pa.Table, **options: Any) -> dict[tuple[str, ...], dict[str, Any]]:
    model = bqml.train({**OPTIONS, **options}, sales)
    return {tuple(row["contributors"]): row for row in call("GET_INSIGHTS", model).to_pylist()}


def test_sums_are_compared_as_googles_page_says(sales):
    found = insights(sales)

    shoe = found["product=shoe_2",]
    # The rest went from 250 to 300: 175 would have become 210.
    assert shoe == {
        "contributors": ["product=shoe_2"],
        "product": "shoe_2",
        "store": None,
        "metric_test": 85,
        "metric_control": 175,
        "difference": -90,
        "relative_difference": pytest.approx(-90 / 175),
        "unexpected_difference": pytest.approx(85 - 210),
        "relative_unexpected_difference": pytest.approx((85 - 210) / 210),
        "apriori_support": pytest.approx(175 / 425),
        "contribution": 90,
    }
    assert found["all",]["unexpected_difference"] == found["all",]["difference"] == -40
    assert found["all",]["apriori_support"] == 1


def test_the_largest_contribution_comes_first(sales):
    model = bqml.train(OPTIONS, sales)

    values = call("GET_INSIGHTS", model)["contribution"].to_pylist()

    assert values == sorted(values, reverse=True)


def test_columns_are_contributors_dimensions_and_metrics(sales):
    table = call("GET_INSIGHTS", bqml.train(OPTIONS, sales))

    assert list(schema(table).items())[:4] == [
        ("contributors", "list<item: string>"),
        ("product", "string"),
        ("store", "int64"),
        ("metric_test", "double"),
    ]


def test_small_segments_are_left_out(sales):
    few = insights(sales, MIN_APRIORI_SUPPORT=0.5)
    every = insights(sales, MIN_APRIORI_SUPPORT=0)

    assert set(few) == {("all",), ("product=shoe_1",), ("store=3",), ("product=shoe_1", "store=3")}
    assert len(every) == 1 + 2 + 3 + 3


def test_the_largest_segments_may_be_asked_for(sales):
    found = insights(sales, TOP_K_INSIGHTS_BY_APRIORI_SUPPORT=1)

    assert set(found) == {("all",), ("product=shoe_1",)}


def test_redundant_segments_are_pruned(sales):
    found = insights(sales, PRUNING_METHOD="PRUNE_REDUNDANT_INSIGHTS")

    # Store 1 sells shoe 2 alone: only the more descriptive of the three stays.
    assert ("product=shoe_2", "store=1") in found
    assert ("product=shoe_2",) not in found
    assert ("store=1",) not in found
    assert ("all",) in found


def test_ratios_are_compared_as_googles_page_says(sales):
    found = insights(sales, CONTRIBUTION_METRIC="SUM(revenue)/SUM(visits)", MIN_APRIORI_SUPPORT=0)

    shoe = found["product=shoe_2",]
    assert shoe["metric_test"] == 8.5
    assert shoe["metric_control"] == 8.75
    assert shoe["metric_test_over_metric_control"] == pytest.approx(8.5 / 8.75)
    assert shoe["metric_test_over_complement"] == pytest.approx(8.5 / (300 / 30))
    assert shoe["metric_control_over_complement"] == pytest.approx(8.75 / (250 / 40))
    assert shoe["contribution"] == abs(shoe["aumann_shapley_attribution"])
    whole = found["all",]
    assert whole["aumann_shapley_attribution"] == pytest.approx(385 / 40 - 425 / 60)
    assert whole["metric_test_over_complement"] is None


def test_attributions_of_parts_add_up_to_that_of_all(sales):
    found = insights(sales, CONTRIBUTION_METRIC="SUM(revenue)/SUM(visits)", MIN_APRIORI_SUPPORT=0)

    parts = [found[f"store={store}",]["aumann_shapley_attribution"] for store in (1, 2, 3)]
    assert sum(parts) == pytest.approx(found["all",]["aumann_shapley_attribution"])


def test_sums_by_category_are_compared_as_googles_page_says(sales):
    found = insights(
        sales, CONTRIBUTION_METRIC="SUM(revenue) / COUNT(DISTINCT month)", MIN_APRIORI_SUPPORT=0
    )

    shoe = found["product=shoe_1",]
    assert (shoe["metric_test"], shoe["metric_control"]) == (150, 250)
    assert shoe["metric_test_over_population"] == pytest.approx(150 / (385 / 2))
    assert shoe["apriori_support"] == pytest.approx(300 / 385)
    assert shoe["contribution"] == 100


def test_all_other_columns_are_dimensions_unless_some_are_named(sales):
    options = {**OPTIONS, "DIMENSION_ID_COLS": None}
    del options["DIMENSION_ID_COLS"]

    model = bqml.train(options, sales.drop_columns(["visits"]))

    assert model.options["DIMENSION_ID_COLS"] == ["product", "store", "month"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"CONTRIBUTION_METRIC": "AVG(revenue)"}, r"give SUM\(a\)"),
        ({"CONTRIBUTION_METRIC": "SUM(product)"}, "give a number"),
        ({"CONTRIBUTION_METRIC": "SUM(nothing)"}, "'nothing', which the query does not give"),
        ({"IS_TEST_COL": "store"}, "it must be BOOL"),
        ({"MIN_APRIORI_SUPPORT": 2}, "0 to 1"),
        (
            {"MIN_APRIORI_SUPPORT": 0.2, "TOP_K_INSIGHTS_BY_APRIORI_SUPPORT": 3},
            "not both",
        ),
    ],
)
def test_wrong_options_are_refused(sales, options, says):
    with pytest.raises(bqml.BqmlError, match=says):
        bqml.train({**OPTIONS, **options}, sales)


def test_values_below_zero_need_every_segment(sales):
    below = sales.set_column(2, "revenue", pa.array([-1, 200, 85, 100, 150, 175]))

    with pytest.raises(bqml.BqmlError, match="min_apriori_support = 0"):
        bqml.train(OPTIONS, below)
    assert insights(below, MIN_APRIORI_SUPPORT=0)["all",]["metric_test"] == 284


def test_a_loaded_model_says_the_same(sales, tmp_path):
    model = bqml.train(OPTIONS, sales)
    model.save(tmp_path)

    assert call("GET_INSIGHTS", Model.load(tmp_path)).equals(call("GET_INSIGHTS", model))


def test_predict_says_what_to_use(sales):
    with pytest.raises(bqml.BqmlError, match=r"use ML\.GET_INSIGHTS"):
        call("PREDICT", bqml.train(OPTIONS, sales), sales)
