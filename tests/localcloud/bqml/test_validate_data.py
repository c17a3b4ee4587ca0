"""ML.VALIDATE_DATA_DRIFT and ML.VALIDATE_DATA_SKEW."""

import numpy as np
import pyarrow as pa
import pytest

from localcloud import bqml
from localcloud.bqml import drift
from localcloud.bqml.histogram import Histogram
from tests.localcloud.bqml.conftest import call, schema

COLUMNS = {
    "input": "string",
    "metric": "string",
    "threshold": "double",
    "value": "double",
    "is_anomaly": "bool",
}


@pytest.fixture(scope="module")
def wetter(flights) -> pa.Table:
    """The same flights with much more rain."""
    return flights.set_column(1, "rain", pa.array(np.asarray(flights["rain"]) * 3 + 6))


def test_the_same_data_has_not_drifted(flights):
    rows = call("VALIDATE_DATA_DRIFT", None, flights, flights)

    assert schema(rows) == COLUMNS
    assert rows.to_pylist() == [
        {
            "input": name,
            "metric": "L_INFTY" if name in ("late", "carrier") else "JENSEN_SHANNON_DIVERGENCE",
            "threshold": 0.3,
            "value": 0.0,
            "is_anomaly": False,
        }
        for name in ("late", "rain", "carrier", "noise")
    ]


def test_drift_over_its_threshold_is_an_anomaly(flights, wetter):
    usual = call("VALIDATE_DATA_DRIFT", None, flights, wetter)
    lenient = call("VALIDATE_DATA_DRIFT", None, flights, wetter, thresholds=[("rain", 0.9999)])

    assert usual["is_anomaly"].to_pylist() == [False, True, False, False]
    assert lenient["is_anomaly"].to_pylist() == [False] * 4
    assert lenient["threshold"].to_pylist() == [0.3, 0.9999, 0.3, 0.3]


def test_metrics_thresholds_and_buckets_are_those_of_the_settings(flights, wetter):
    rows = call(
        "VALIDATE_DATA_DRIFT",
        None,
        flights,
        wetter,
        categorical_metric_type="jensen_shannon_divergence",
        categorical_default_threshold=0.1,
        numerical_default_threshold=0.2,
        num_histogram_buckets=4,
    ).to_pylist()

    assert [row["threshold"] for row in rows] == [0.1, 0.2, 0.1, 0.2]
    assert {row["metric"] for row in rows} == {"JENSEN_SHANNON_DIVERGENCE"}
    sides = [Histogram.of(table["rain"], 4) for table in (flights, wetter)]
    assert rows[1]["value"] == pytest.approx(drift.distance_of_histograms(*sides))


def test_columns_of_one_side_alone_are_left_out(flights):
    rows = call("VALIDATE_DATA_DRIFT", None, flights, flights.select(["noise", "rain"]))

    assert rows["input"].to_pylist() == ["rain", "noise"]
    with pytest.raises(bqml.BqmlError, match="share no column"):
        call("VALIDATE_DATA_DRIFT", None, flights, pa.table({"other": [1]}))


def test_numbers_against_text_are_compared_as_categories_or_not_at_all(flights):
    written = flights.set_column(3, "noise", flights["noise"].cast(pa.string()))

    rows = call("VALIDATE_DATA_DRIFT", None, flights, written)
    without = call(
        "VALIDATE_DATA_DRIFT",
        None,
        flights,
        written,
        categorical_metric_type="JENSEN_SHANNON_DIVERGENCE",
    )

    last = rows.to_pylist()[-1]
    assert (last["input"], last["metric"], last["value"]) == ("noise", "L_INFTY", 0.0)
    assert without["input"].to_pylist() == ["late", "rain", "carrier"]


def test_skew_of_the_training_rows_is_none(tree, flights):
    rows = call("VALIDATE_DATA_SKEW", tree, flights)

    assert schema(rows) == COLUMNS
    assert rows["input"].to_pylist() == ["rain", "carrier", "noise"]
    assert rows["value"].to_pylist() == [0, 0, 0]


def test_skew_is_what_drift_from_the_training_rows_is(tree, flights, wetter):
    skew = call("VALIDATE_DATA_SKEW", tree, wetter).to_pylist()

    found = call("VALIDATE_DATA_DRIFT", None, flights, wetter).to_pylist()
    assert skew == [row for row in found if row["input"] != "late"]
    assert [row["input"] for row in skew if row["is_anomaly"]] == ["rain"]


def test_features_that_are_not_served_are_left_out(tree, flights):
    rows = call("VALIDATE_DATA_SKEW", tree, flights.select(["carrier"]))

    assert rows["input"].to_pylist() == ["carrier"]
    with pytest.raises(bqml.BqmlError, match="none of the features rain, carrier, noise"):
        call("VALIDATE_DATA_SKEW", tree, flights.select(["late"]))


def test_settings_can_come_as_structs(flights, wetter):
    thresholds = [{"feature": "rain", "threshold": 0.99999}]

    rows = call("VALIDATE_DATA_DRIFT", None, flights, wetter, thresholds=thresholds)

    assert not any(rows["is_anomaly"].to_pylist())


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"categorical_metric_type": "COSINE"}, "'COSINE'; give L_INFTY or JENSEN_SHANNON"),
        ({"numerical_metric_type": "L_INFTY"}, "numerical_metric_type is 'L_INFTY'"),
        ({"numerical_default_threshold": 1.0}, "numerical_default_threshold is 1.0"),
        ({"thresholds": [("rain", 2)]}, "threshold of 'rain' is 2"),
        ({"thresholds": [("snow", 0.2)]}, "'snow', which is no column that is compared"),
        ({"num_histogram_buckets": 0}, "num_histogram_buckets is 0"),
        ({"num_rank_histogram_buckets": 10_001}, "num_rank_histogram_buckets is 10001"),
        ({"num_values_histogram_buckets": "5"}, "num_values_histogram_buckets is '5'"),
        ({"enable_visualization_link": True}, "no setting enable_visualization_link"),
    ],
)
def test_wrong_settings_are_refused(flights, settings, says):
    with pytest.raises(bqml.BqmlError, match=says):
        call("VALIDATE_DATA_DRIFT", None, flights, flights, **settings)


def test_links_to_a_console_are_said_to_be_missing(tree, flights):
    with pytest.raises(NotImplementedError, match="no console"):
        call("VALIDATE_DATA_SKEW", tree, flights, enable_visualization_link=True)
    with pytest.raises(NotImplementedError, match="leave the model out"):
        call("VALIDATE_DATA_DRIFT", tree, flights, flights)


def test_nested_columns_are_refused_with_their_name(flights):
    nested = pa.table({"n": pa.array([["a"]])})

    with pytest.raises(NotImplementedError, match="column 'n'"):
        call("VALIDATE_DATA_DRIFT", None, nested, nested)
