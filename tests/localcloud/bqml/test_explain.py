"""ML.EXPLAIN_PREDICT, ML.GLOBAL_EXPLAIN, ML.TRAINING_INFO and ML.FEATURE_INFO."""

import numpy as np
import pyarrow as pa
import pytest
from scipy.special import softmax as shares

from localcloud import bqml
from tests.localcloud.bqml.conftest import TREE, call, schema


@pytest.mark.parametrize("name", ["tree", "logistic", "minutes", "line", "carriers", "softmax"])
def test_attributions_add_up_to_the_prediction(name, request, flights, delays):
    model = request.getfixturevalue(name)
    rows = {"minutes": delays, "line": pa.table({"x": [1.0, 4], "w": [2.0, 0]})}.get(name, flights)

    explained = call("EXPLAIN_PREDICT", model, rows.slice(0, 100), top_k_features=10).to_pylist()

    for row in explained:
        parts = sum(part["attribution"] for part in row["top_feature_attributions"])
        total = parts + row["baseline_prediction_value"]
        assert total == pytest.approx(row["prediction_value"], abs=1e-4)
        assert row["approximation_error"] == 0


@pytest.mark.parametrize("name", ["tree", "logistic"])
def test_the_prediction_is_the_log_odds_of_the_predicted_class(name, request, flights):
    model = request.getfixturevalue(name)

    rows = call("EXPLAIN_PREDICT", model, flights.slice(0, 100)).to_pylist()

    for row in rows:
        probability = 1 / (1 + np.exp(-row["prediction_value"]))
        assert probability == pytest.approx(row["probability"], abs=1e-4)
        assert row["probability"] >= 0.5 - 1e-6


def test_of_three_classes_the_predicted_one_is_explained(softmax, flights):
    features = softmax.fitted.encoding.encode(flights)
    linear = softmax.fitted.estimator
    margins = features @ linear.coefficients.T + linear.intercepts

    rows = call("EXPLAIN_PREDICT", softmax, flights).to_pylist()

    values = [row["prediction_value"] for row in rows]
    assert values == pytest.approx(margins.max(axis=1))
    assert [row["probability"] for row in rows] == pytest.approx(
        shares(margins, axis=1).max(axis=1)
    )


def test_of_trees_with_three_classes_the_predicted_one_is_explained(carriers, flights):
    rows = call("EXPLAIN_PREDICT", carriers, flights.slice(0, 100))

    others = call("PREDICT", carriers, flights.slice(0, 100))
    assert rows["predicted_carrier"] == others["predicted_carrier"]
    best = [row[0]["prob"] for row in others["predicted_carrier_probs"].to_pylist()]
    assert rows["probability"].to_pylist() == pytest.approx(best)


def test_a_threshold_turns_what_is_explained(tree, flights):
    rows = call("EXPLAIN_PREDICT", tree, flights.slice(0, 50), threshold=0.0)

    assert set(rows["predicted_late"].to_pylist()) == {True}
    odds = rows["prediction_value"].to_numpy()
    assert 1 / (1 + np.exp(-odds)) == pytest.approx(rows["probability"].to_numpy(), abs=1e-5)


def test_columns_of_a_classifier_and_of_a_regressor(tree, minutes, flights, delays):
    common = {
        "top_feature_attributions": "list<item: struct<feature: string, attribution: double>>",
        "baseline_prediction_value": "double",
        "prediction_value": "double",
        "approximation_error": "double",
    }

    classified = schema(call("EXPLAIN_PREDICT", tree, flights.select(["rain", "carrier", "noise"])))
    predicted = schema(call("EXPLAIN_PREDICT", minutes, delays.drop_columns(["minutes"])))

    features = {"rain": "double", "carrier": "string", "noise": "int64"}
    first = {"predicted_late": "bool", "probability": "double"}
    assert list(classified.items()) == list((first | common | features).items())
    assert list(predicted.items()) == list(
        ({"predicted_minutes": "double"} | common | features).items()
    )


def test_the_k_largest_are_kept(tree, flights):
    rows = call("EXPLAIN_PREDICT", tree, flights.slice(0, 50), top_k_features=2)

    for row in rows.to_pylist():
        first, second = (abs(part["attribution"]) for part in row["top_feature_attributions"])
        assert first >= second


def test_approximate_attributions_of_trees_add_up_too(tree, flights, logistic):
    rows = call("EXPLAIN_PREDICT", tree, flights.slice(0, 50), approx_feature_contrib=True)

    assert max(rows["approximation_error"].to_pylist()) < 1e-3
    with pytest.raises(bqml.BqmlError, match="for trees only"):
        call("EXPLAIN_PREDICT", logistic, flights, approx_feature_contrib=True)


def test_explain_of_no_rows_still_has_its_columns(tree, carriers, flights):
    for model in (tree, carriers):
        full = call("EXPLAIN_PREDICT", model, flights.slice(0, 5))

        empty = call("EXPLAIN_PREDICT", model, flights.slice(0, 0))

        assert empty.schema == full.schema


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"top_k_features": 0}, "top_k_features is 0; give a whole number, 1 or more"),
        (
            {"integrated_gradients_num_steps": 5},
            "integrated_gradients_num_steps is for neural networks",
        ),
        ({"approx_feature_contrib": "yes"}, "give TRUE or FALSE"),
    ],
)
def test_wrong_settings_are_refused(tree, flights, settings, says):
    with pytest.raises(bqml.BqmlError, match=says):
        call("EXPLAIN_PREDICT", tree, flights, **settings)


def test_global_attributions_are_means_over_the_evaluation_rows(delays):
    options = {"MODEL_TYPE": "BOOSTED_TREE_REGRESSOR", "INPUT_LABEL_COLS": ["minutes"]}
    options |= {"DATA_SPLIT_METHOD": "NO_SPLIT", "ENABLE_GLOBAL_EXPLAIN": True}
    whole = bqml.train(options, delays)

    rows = call("GLOBAL_EXPLAIN", whole)

    local = call("EXPLAIN_PREDICT", whole, delays)["top_feature_attributions"].to_pylist()
    means = {
        name: np.mean([abs(p["attribution"]) for row in local for p in row if p["feature"] == name])
        for name in ("rain", "carrier", "noise")
    }
    assert schema(rows) == {"feature": "string", "attribution": "double"}
    assert {row["feature"]: row["attribution"] for row in rows.to_pylist()} == pytest.approx(means)
    attributed = rows["attribution"].to_pylist()
    assert attributed == sorted(attributed, reverse=True)


def test_global_attributions_come_by_class_too(tree, softmax):
    for model, labels in ((tree, ["false", "true"]), (softmax, None)):
        rows = call("GLOBAL_EXPLAIN", model, class_level_explain=True)

        assert rows.column_names == ["class_label", "feature", "attribution"]
        found = list(dict.fromkeys(rows["class_label"].to_pylist()))
        assert found == (labels or found)
        assert len(rows) == len(found) * 3


def test_attributions_of_a_class_are_means_over_rows_predicted_as_it(flights):
    options = {**TREE, "DATA_SPLIT_METHOD": "NO_SPLIT", "ENABLE_GLOBAL_EXPLAIN": True}
    model = bqml.train(options, flights)

    rows = call("GLOBAL_EXPLAIN", model, class_level_explain=True).to_pylist()

    local = call("EXPLAIN_PREDICT", model, flights).to_pylist()
    rain = [
        abs(part["attribution"])
        for row in local
        for part in row["top_feature_attributions"]
        if row["predicted_late"] and part["feature"] == "rain"
    ]
    (found,) = [r for r in rows if r["class_label"] == "true" and r["feature"] == "rain"]
    assert found["attribution"] == pytest.approx(np.mean(rain), rel=1e-4)


def test_global_explain_needs_the_option(logistic, minutes):
    with pytest.raises(bqml.BqmlError, match="enable_global_explain"):
        call("GLOBAL_EXPLAIN", logistic)
    with pytest.raises(bqml.BqmlError, match="class_level_explain is for classifiers"):
        call("GLOBAL_EXPLAIN", minutes, class_level_explain=True)


def test_many_parallel_trees_are_explained_approximately(flights):
    options = {**TREE, "ENABLE_GLOBAL_EXPLAIN": True, "MAX_ITERATIONS": 1}

    few = bqml.train({**options, "NUM_PARALLEL_TREE": 9, "SUBSAMPLE": 0.5}, flights)
    many = bqml.train({**options, "NUM_PARALLEL_TREE": 10, "SUBSAMPLE": 0.5}, flights)

    assert few.options["APPROX_GLOBAL_FEATURE_CONTRIB"] is False
    assert many.options["APPROX_GLOBAL_FEATURE_CONTRIB"] is True


def test_feature_info_is_of_the_training_rows(tree, flights):
    info = call("FEATURE_INFO", tree)

    assert schema(info) == {
        "input": "string",
        "min": "double",
        "max": "double",
        "mean": "double",
        "median": "double",
        "stddev": "double",
        "category_count": "int64",
        "null_count": "int64",
        "dimension": "int64",
    }
    rows = {row["input"]: row for row in info.to_pylist()}
    rain = flights["rain"].to_numpy()
    assert rows["rain"] == {
        "input": "rain",
        "min": rain.min(),
        "max": rain.max(),
        "mean": pytest.approx(rain.mean()),
        "median": pytest.approx(np.median(rain)),
        "stddev": pytest.approx(rain.std(ddof=1)),
        "category_count": None,
        "null_count": 0,
        "dimension": None,
    }
    assert rows["carrier"]["category_count"] == 3
    assert rows["carrier"]["mean"] is None


def test_training_info_tells_every_iteration(tree):
    rows = call("TRAINING_INFO", tree)

    assert schema(rows) == {
        "training_run": "int64",
        "iteration": "int64",
        "loss": "double",
        "eval_loss": "double",
        "learning_rate": "double",
        "duration_ms": "int64",
    }
    assert rows["iteration"].to_pylist() == list(range(len(tree.iterations)))[::-1]
    assert set(rows["learning_rate"].to_pylist()) == {0.3}


def test_functions_without_settings_refuse_any(tree):
    with pytest.raises(bqml.BqmlError, match="no setting top_k; it takes none"):
        call("FEATURE_INFO", tree, top_k=3)
