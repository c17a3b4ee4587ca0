"""Functions that take no model, against numbers known beforehand or scikit-learn's."""

import datetime
import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from localcloud import bqml
from localcloud.bqml.functions import tfdv
from tests.localcloud.bqml.conftest import call

START = np.datetime64("2024-01-01", "D")
DAYS = np.timedelta64(1, "D")
BY_COLUMN: dict[str, Any] = {"data_col": "y", "timestamp_col": "day"}


def ai(name: str, *tables: pa.Table, **settings: Any) -> pa.Table:
    return bqml.FUNCTIONS[f"AI.{name}"].call(None, list(tables), settings)


def series(count: int, y: np.ndarray, shop: str = "a") -> pa.Table:
    return pa.table(
        {"shop": [shop] * count, "day": pa.array(START + DAYS * np.arange(count)), "y": y}
    )


@pytest.fixture(scope="module")
def weeks() -> pa.Table:
    """120 days that grow, with a week of size 10 and little noise."""
    steps = np.arange(120)
    noise = np.random.default_rng(0).normal(size=120)
    return series(120, 50 + 0.5 * steps + 10 * np.sin(2 * np.pi * steps / 7) + noise)


@pytest.mark.covers("ML.METRICS")
def test_metrics_of_a_regression_leave_out_rows_without_a_value() -> None:
    rows = pa.table({"p": [1.0, 2.0, None], "a": [1.0, 4.0, 9.0]})

    found = call(
        "METRICS", None, rows, predicted_col="p", actual_col="a", task_type="Regression"
    ).to_pylist()

    assert (found[0]["mean_absolute_error"], found[0]["mean_squared_error"]) == (1.0, 2.0)


@pytest.mark.parametrize(
    ("actual", "predicted", "expected"),
    [
        ([True, True, False, False], [True, False, False, False], (1.0, 0.5, 0.75, 2 / 3)),
        (["a", "a", "b", "b"], ["a", "b", "b", "b"], (5 / 6, 0.75, 0.75, 11 / 15)),
    ],
    ids=["of TRUE", "mean of the classes"],
)
@pytest.mark.covers("ML.METRICS")
def test_metrics_of_classes(actual: list[Any], predicted: list[Any], expected: Any) -> None:
    rows = pa.table({"p": predicted, "a": actual})

    [found] = call(
        "METRICS", None, rows, predicted_col="p", actual_col="a", task_type="classification"
    ).to_pylist()

    assert tuple(found.values()) == pytest.approx(expected)


@pytest.mark.covers("ML.METRICS")
def test_metrics_of_no_row_are_null() -> None:
    rows = pa.table({"p": pa.array([None], pa.string()), "a": ["x"]})

    [found] = call(
        "METRICS", None, rows, predicted_col="p", actual_col="a", task_type="classification"
    ).to_pylist()

    assert set(found.values()) == {None}


MARKETING = pa.Table.from_pylist(
    [
        dict(zip(("country", "ad", "revenue"), row, strict=True))
        for row in (
            ("USA", 100, 1000),
            ("USA", 150, 1500),
            ("USA", 200, 1800),
            ("USA", 220, 2400),
            ("USA", 300, 2700),
            (None, 100, 500),
            (None, 200, 900),
            (None, 200, 1000),
            (None, 250, 1200),
        )
    ]
)
"""The example of Google's page."""


@pytest.mark.covers("ML.CORRELATION")
def test_correlation_gives_the_numbers_of_googles_example() -> None:
    found = call(
        "CORRELATION",
        None,
        MARKETING,
        target_col="revenue",
        target_correlation_cols="ad",
        dimension_cols=["country"],
    ).to_pylist()

    assert [
        (row["country"], round(row["correlation"], 3), row["segment_size"]) for row in found
    ] == [
        (None, 0.698, 9),
        ("USA", 0.968, 5),
        (None, 0.990, 4),
    ]
    assert [row["segment"] for row in found] == [
        [],
        [{"dimension_col": "country", "dimension_value": '"USA"'}],
        [{"dimension_col": "country", "dimension_value": "null"}],
    ]


@pytest.mark.parametrize(("method", "expected"), [("SPEARMAN", 1.0), ("kendall", 1.0)])
@pytest.mark.covers("ML.CORRELATION")
def test_ranks_of_what_always_grows_correlate_fully(method: str, expected: float) -> None:
    rows = pa.table({"a": [1, 2, 3, 4], "b": [1, 10, 100, 1000]})

    [found] = call(
        "CORRELATION",
        None,
        rows,
        target_col="a",
        target_correlation_cols=["b"],
        method=method,
    ).to_pylist()

    assert found["correlation"] == pytest.approx(expected)


def moment(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.UTC)


FEATURES = pa.Table.from_pylist(
    [
        {"entity_id": entity, "f_1": first, "f_2": second, "feature_timestamp": moment(time)}
        for entity, first, second, time in (
            ("id1", 1.0, 1.0, "2022-06-10 12:00"),
            ("id2", 12.0, 24.0, "2022-06-11 12:00"),
            ("id1", 11.0, None, "2022-06-11 12:00"),
            ("id1", 6.0, 12.0, "2022-06-11 10:00"),
            ("id2", 2.0, 4.0, "2022-06-10 12:00"),
            ("id2", 7.0, None, "2022-06-11 10:00"),
        )
    ]
)
"""The example of Google's page."""


@pytest.mark.covers("ML.FEATURES_AT_TIME")
def test_features_at_time_are_the_last_of_each_entity_with_nulls_filled() -> None:
    found = call(
        "FEATURES_AT_TIME",
        None,
        FEATURES,
        time="2022-06-12 10:00:00+00",
        num_rows=1,
        ignore_feature_nulls=True,
    ).to_pylist()

    at = moment("2022-06-12 10:00")
    assert found == [
        {"entity_id": "id1", "f_1": 11.0, "f_2": 12.0, "feature_timestamp": at},
        {"entity_id": "id2", "f_1": 12.0, "f_2": 24.0, "feature_timestamp": at},
    ]


@pytest.mark.covers("ML.ENTITY_FEATURES_AT_TIME")
def test_entity_features_at_time_are_as_of_each_asked_moment() -> None:
    asked = pa.table(
        {
            "entity_id": ["id1", "id2", "id1", "gone"],
            "time": pa.array(
                [
                    moment("2022-06-12 12:00"),
                    moment("2022-06-11 10:00"),
                    moment("2022-06-10 13:00"),
                    moment("2022-06-12 12:00"),
                ],
                pa.timestamp("us", "UTC"),
            ),
        }
    )

    found = call("ENTITY_FEATURES_AT_TIME", None, FEATURES, asked, ignore_feature_nulls=True)

    assert [tuple(row.values()) for row in found.to_pylist()] == [
        ("id1", 11.0, 12.0, moment("2022-06-12 12:00")),
        ("id2", 7.0, 4.0, moment("2022-06-11 10:00")),
        ("id1", 1.0, 1.0, moment("2022-06-10 13:00")),
    ]


@pytest.mark.covers("ML.TREND")
def test_trend_follows_the_growth_without_the_week(weeks: pa.Table) -> None:
    found = call("TREND", None, weeks, **BY_COLUMN, horizon=7)

    trend = np.asarray(found["trend"])
    kinds = found["time_series_type"].to_pylist()
    assert np.abs(trend[20:120] - (50 + 0.5 * np.arange(20, 120))).max() < 4
    assert kinds == ["history"] * 120 + ["forecast"] * 7


@pytest.mark.covers("ML.SEASONALITY")
def test_seasonality_is_the_week_and_nothing_else(weeks: pa.Table) -> None:
    found = call("SEASONALITY", None, weeks, **BY_COLUMN)

    weekly = np.asarray(found["weekly"])
    assert np.abs(weekly - 10 * np.sin(2 * np.pi * np.arange(120) / 7)).max() < 2
    assert {found[name].null_count for name in ("yearly", "quarterly", "monthly", "daily")} == {120}


@pytest.mark.covers("ML.DETECT_CHANGE_POINTS")
def test_a_change_of_level_is_in_the_window_around_it(weeks: pa.Table) -> None:
    steps = np.arange(120)
    y = 50 + 10 * np.sin(2 * np.pi * steps / 7) + np.random.default_rng(1).normal(size=120)
    y[70:] += 60

    found = call("DETECT_CHANGE_POINTS", None, series(120, y), **BY_COLUMN).to_pylist()

    assert [
        (row["begin_timestamp"].date(), row["end_timestamp"].date(), row["metrics"]["count"])
        for row in found
    ] == [(datetime.date(2024, 3, 3), datetime.date(2024, 3, 19), 17)]


@pytest.mark.covers("ML.DETECT_CHANGE_POINTS")
def test_a_steady_trend_changes_nowhere(weeks: pa.Table) -> None:
    assert call("DETECT_CHANGE_POINTS", None, weeks, **BY_COLUMN).num_rows == 0


@pytest.mark.covers("AI.FORECAST")
def test_a_forecast_goes_on_with_growth_and_week(weeks: pa.Table) -> None:
    found = ai("FORECAST", weeks, **BY_COLUMN, horizon=14)

    steps = np.arange(120, 134)
    expected = 50 + 0.5 * steps + 10 * np.sin(2 * np.pi * steps / 7)
    assert np.abs(np.asarray(found["forecast_value"]) - expected).max() < 4
    assert set(found["ai_forecast_status"].to_pylist()) == {""}


@pytest.mark.covers("AI.FORECAST")
def test_a_forecast_of_a_series_that_is_too_short_says_so(weeks: pa.Table) -> None:
    rows = pa.concat_tables([weeks, series(2, np.ones(2), "short")])

    found = ai("FORECAST", rows, **BY_COLUMN, id_cols=["shop"], horizon=1).to_pylist()

    assert [(r["shop"], r["forecast_value"] is None, r["ai_forecast_status"]) for r in found] == [
        ("a", False, ""),
        ("short", True, "The time series data is too short."),
    ]


@pytest.mark.covers("AI.FORECAST")
def test_a_forecast_ends_where_it_is_asked_to(weeks: pa.Table) -> None:
    found = ai("FORECAST", weeks, **BY_COLUMN, forecast_end_timestamp="2024-05-03")

    assert [str(m.date()) for m in found["forecast_timestamp"].to_pylist()] == [
        "2024-04-30",
        "2024-05-01",
        "2024-05-02",
        "2024-05-03",
    ]


@pytest.mark.covers("AI.FORECAST")
def test_a_forecast_shows_the_past_as_it_was(weeks: pa.Table) -> None:
    found = ai("FORECAST", weeks, **BY_COLUMN, output_historical_time_series=True)

    past = found.slice(0, 120)
    assert past["time_series_data"].to_pylist() == weeks["y"].to_pylist()
    assert past["confidence_level"].null_count == 120


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"horizon": 0}, "horizon is 0; give a whole number, 1 to 10,000"),
        ({"model": "GPT"}, "model is 'GPT'; give TimesFM 2.0 or TimesFM 2.5"),
        ({"model": "TimesFM 2.0", "context_window": 4096}, "context_window is 4096"),
        ({"data_col": "z"}, "data_col has 'z', which the rows do not have"),
        ({"seed": 1}, "has no setting seed"),
    ],
)
@pytest.mark.covers("AI.FORECAST")
def test_a_wrong_argument_of_a_forecast_is_refused(
    weeks: pa.Table, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(bqml.BqmlError, match=message):
        ai("FORECAST", weeks, **{**BY_COLUMN, **settings})


@pytest.mark.covers("AI.DETECT_ANOMALIES")
def test_only_the_point_that_stands_out_is_an_anomaly(weeks: pa.Table) -> None:
    y = np.asarray(weeks["y"]).copy()
    y[115] += 40
    rows = weeks.set_column(2, "y", pa.array(y))

    found = ai(
        "DETECT_ANOMALIES", rows, **BY_COLUMN, target_last_n_points=10, anomaly_prob_threshold=0.999
    ).to_pylist()

    assert [row["time_series_timestamp"].date() for row in found if row["is_anomaly"]] == [
        datetime.date(2024, 4, 25)
    ]
    assert len(found) == 10


@pytest.mark.covers("AI.EVALUATE")
def test_forecasts_are_compared_with_what_came(weeks: pa.Table) -> None:
    [found] = ai("EVALUATE", weeks.slice(0, 110), weeks.slice(110), **BY_COLUMN).to_pylist()

    assert found["mean_absolute_error"] < 3
    assert found["ai_evaluate_status"] is None


@pytest.mark.covers("AI.CAUSAL_EFFECT")
def test_an_effect_is_what_came_beyond_what_was_expected(weeks: pa.Table) -> None:
    y = np.asarray(weeks["y"]).copy()
    y[100:] += 30
    rows = weeks.set_column(2, "y", pa.array(y))

    [found] = ai(
        "CAUSAL_EFFECT", rows, **BY_COLUMN, intervention_timestamp="2024-04-10"
    ).to_pylist()

    assert found["absolute_effect"] == pytest.approx(600, rel=0.1)
    assert found["p_value"] < 0.05
    assert found["prob_causal_effect"] == pytest.approx(1 - found["p_value"])


@pytest.mark.covers("AI.PREDICT")
def test_a_label_is_predicted_from_rows_that_have_one() -> None:
    x = np.arange(60.0)
    known = pa.table({"x": x, "label": x > 30})

    found = ai("PREDICT", known, pa.table({"x": [5.0, 55.0]})).to_pylist()

    assert [row["predicted_label"] for row in found] == [False, True]
    assert {entry["label"] for entry in found[0]["predicted_label_probs"]} == {"false", "true"}


@pytest.mark.covers("AI.KEY_DRIVERS")
def test_drivers_are_the_insights_of_a_contribution_analysis() -> None:
    rows = pa.table(
        {
            "sold": [10, 20, 10, 60],
            "city": ["a", "b", "a", "b"],
            "late": [False, False, True, True],
        }
    )

    found = ai(
        "KEY_DRIVERS",
        rows,
        metric_col="SUM(sold)",
        dimension_cols=["city"],
        interest_label_col="late",
    ).to_pylist()

    assert [(row["drivers"], row["difference"]) for row in found] == [
        (["all"], 40.0),
        (["city=b"], 40.0),
        (["city=a"], 0.0),
    ]


ANIMALS = pa.table(
    {
        "id": ["dog", "wolf", "snake", "lion", "tiger", "otter", "whale"],
        "v": [
            [1.0, 2.0],
            [2.0, 4.0],
            [-2.0, 3.0],
            [2.0, -2.5],
            [3.0, -2.0],
            [-3.0, -1.0],
            [-5.0, -1.0],
        ],
    }
)
ASKED = pa.table({"name": ["dog", "cat"], "embedding": [[1.0, 2.0], [1.0, -1.0]]})
"""The example of Google's page."""


def search(base: pa.Table = ANIMALS, *query: pa.Table, **settings: Any) -> pa.Table:
    given = {"column_to_search": "v", "top_k": 2, **settings}
    return bqml.FUNCTIONS["VECTOR_SEARCH"].call(None, [base, *query], given)


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        (
            "EUCLIDEAN",
            [
                ("dog", "dog", 0.0),
                ("dog", "wolf", 2.23606797749979),
                ("cat", "lion", 1.8027756377319946),
                ("cat", "tiger", 2.23606797749979),
            ],
        ),
        (
            "COSINE",
            [
                ("dog", "dog", 0.0),
                ("dog", "wolf", 0.0),
                ("cat", "lion", 0.0061162653263812095),
                ("cat", "tiger", 0.019419324309079777),
            ],
        ),
        (
            "DOT_PRODUCT",
            [
                ("dog", "wolf", -10.0),
                ("dog", "dog", -5.0),
                ("cat", "tiger", -5.0),
                ("cat", "lion", -4.5),
            ],
        ),
    ],
)
@pytest.mark.covers("VECTOR_SEARCH")
def test_a_search_finds_the_neighbours_of_googles_example(metric: str, expected: Any) -> None:
    found = search(
        ANIMALS, ASKED, query_column_to_search="embedding", distance_type=metric
    ).to_pylist()

    assert [(r["query"]["name"], r["base"]["id"], r["distance"]) for r in found] == [
        (*names, pytest.approx(distance, abs=1e-12)) for *names, distance in expected
    ]


@pytest.mark.covers("VECTOR_SEARCH")
def test_a_search_by_one_vector_has_no_query_column() -> None:
    found = search(query_value=[1.0, -1.0], top_k=-1)

    assert found.column_names == ["base", "distance"]
    assert found.num_rows == 7


@pytest.mark.covers("VECTOR_SEARCH")
def test_neighbours_among_many_are_those_of_scikit_learn() -> None:
    from sklearn.neighbors import NearestNeighbors

    random = np.random.default_rng(0)
    base, asked = random.normal(size=(5000, 32)), random.normal(size=(20, 32))
    expected = NearestNeighbors(n_neighbors=5).fit(base).kneighbors(asked)[1]

    found = search(
        pa.table({"id": np.arange(5000), "v": base.tolist()}),
        pa.table({"v": asked.tolist()}),
        top_k=5,
    )

    ids = [row["id"] for row in found["base"].to_pylist()]
    assert np.array(ids).reshape(20, 5).tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"query_value": [1.0]}, "vectors of 1 numbers are searched for in 'v'"),
        ({"query_value": [1.0, 1.0], "distance_type": "L1"}, "distance_type is 'L1'"),
        ({"query_value": [1.0, 1.0], "options": "{}}"}, "options is '{}}'"),
        (
            {
                "query_value": [1.0, 1.0],
                "options": '{"use_brute_force": true, "fraction_lists_to_search": 0.1}',
            },
            "does not go with use_brute_force",
        ),
        ({}, "needs a table to search by, or query_value"),
    ],
)
@pytest.mark.covers("VECTOR_SEARCH")
def test_a_wrong_search_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(bqml.BqmlError, match=message):
        search(**settings)


@pytest.mark.covers("ML.TFDV_DESCRIBE")
def test_statistics_are_those_of_tensorflow_data_validation() -> None:
    rows = pa.table({"n": [0, 1, 2, None], "s": ["a", "a", "b", None]})

    found = call("TFDV_DESCRIBE", None, rows, num_histogram_buckets=2)

    [dataset] = json.loads(found["dataset_feature_statistics_list"][0].as_py())["datasets"]
    n, s = dataset["features"]
    common = {"numNonMissing": "3", "numMissing": "1", "totNumValues": "3"}
    assert dataset["numExamples"] == "4"
    assert n["numStats"]["commonStats"].items() >= common.items()
    assert n["numStats"]["histograms"][0] == {
        "numNan": "0",
        "buckets": [
            {"lowValue": 0.0, "highValue": 1.0, "sampleCount": 1.0},
            {"lowValue": 1.0, "highValue": 2.0, "sampleCount": 2.0},
        ],
        "type": "STANDARD",
    }
    assert s["stringStats"]["topValues"] == [
        {"value": "a", "frequency": 2.0},
        {"value": "b", "frequency": 1.0},
    ]


def statistics(**columns: Any) -> str:
    table = call("TFDV_DESCRIBE", None, pa.table(columns))
    text: str = table["dataset_feature_statistics_list"][0].as_py()
    return text


@pytest.mark.covers("ML.TFDV_VALIDATE")
def test_what_differs_too_much_is_an_anomaly() -> None:
    base = statistics(n=[1.0, 2.0, 3.0], s=["a", "a", "b"])
    study = statistics(n=[1.0, 2.0, 3.0], s=["b", "b", "b"])

    found = json.loads(tfdv.validate([base, study, "DRIFT"]))

    assert list(found["anomalyInfo"]) == ["s"]
    assert found["driftSkewInfo"] == [
        {
            "path": {"step": ["n"]},
            "driftMeasurements": [
                {"type": "JENSEN_SHANNON_DIVERGENCE", "value": 0.0, "threshold": 0.3}
            ],
        },
        {
            "path": {"step": ["s"]},
            "driftMeasurements": [
                {"type": "L_INFTY", "value": pytest.approx(2 / 3), "threshold": 0.3}
            ],
        },
    ]


@pytest.mark.covers("ML.TFDV_VALIDATE")
def test_text_that_is_no_statistics_is_refused() -> None:
    with pytest.raises(bqml.BqmlError, match="study_statistics is no DatasetFeature"):
        tfdv.validate([statistics(n=[1.0]), "{}"])
