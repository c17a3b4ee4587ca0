"""Columns of the ML.* functions by name, order and type, and that their numbers agree."""

import numpy as np
import pyarrow as pa
import pytest

from localcloud import bqml

CALL = {name: function.call for name, function in bqml.FUNCTIONS.items()}


def schema(table: pa.Table) -> dict[str, str]:
    return {field.name: str(field.type) for field in table.schema}


def test_predict_puts_the_prediction_before_the_input(tree, flights):
    result = CALL["ML.PREDICT"](tree, [flights], {})

    assert schema(result) == {
        "predicted_late": "bool",
        "predicted_late_probs": "list<item: struct<label: bool, prob: double>>",
        "late": "bool",
        "rain": "double",
        "carrier": "string",
        "noise": "int64",
    }
    first = result.slice(0, 1).to_pylist()[0]["predicted_late_probs"]
    assert first[0]["prob"] >= first[1]["prob"]
    assert sum(entry["prob"] for entry in first) == pytest.approx(1)


def test_predict_of_no_rows_still_has_its_columns(tree, flights):
    full = CALL["ML.PREDICT"](tree, [flights], {})

    empty = CALL["ML.PREDICT"](tree, [flights.slice(0, 0)], {})

    assert empty.schema == full.schema


def test_a_threshold_of_zero_predicts_the_second_class_alone(tree, flights):
    result = CALL["ML.PREDICT"](tree, [flights], {"threshold": 0.0})

    assert set(result.column("predicted_late").to_pylist()) == {True}


def test_a_feature_that_is_missing_is_named(tree, flights):
    with pytest.raises(bqml.BqmlError, match="'carrier' is missing"):
        CALL["ML.PREDICT"](tree, [flights.drop_columns(["carrier"])], {})


def test_a_setting_that_does_not_exist_is_refused(tree, flights):
    with pytest.raises(bqml.BqmlError, match="treshold"):
        CALL["ML.PREDICT"](tree, [flights], {"treshold": 0.4})


def test_evaluate_has_the_metrics_of_its_kind(tree, line):
    classifier = CALL["ML.EVALUATE"](tree, [], {})
    regressor = CALL["ML.EVALUATE"](line, [], {})

    assert classifier.column_names == [
        "precision",
        "recall",
        "accuracy",
        "f1_score",
        "log_loss",
        "roc_auc",
    ]
    assert regressor.column_names == [
        "mean_absolute_error",
        "mean_squared_error",
        "mean_squared_log_error",
        "median_absolute_error",
        "r2_score",
        "explained_variance",
    ]


def test_a_label_that_training_never_saw_is_refused(tree, flights):
    model = bqml.train(
        {"MODEL_TYPE": "BOOSTED_TREE_CLASSIFIER", "INPUT_LABEL_COLS": ["carrier"]}, flights
    )
    strange = flights.set_column(2, "carrier", pa.array(["ZZ"] * 2000))

    with pytest.raises(bqml.BqmlError, match="'ZZ'"):
        CALL["ML.EVALUATE"](model, [strange], {})


@pytest.mark.parametrize("kind", ["tree", "logistic"])
def test_attributions_add_up_to_the_prediction(kind, request, flights):
    model = request.getfixturevalue(kind)

    rows = CALL["ML.EXPLAIN_PREDICT"](model, [flights.slice(0, 200)], {"top_k_features": 10})

    for row in rows.to_pylist():
        parts = sum(part["attribution"] for part in row["top_feature_attributions"])
        total = parts + row["baseline_prediction_value"]
        assert total == pytest.approx(row["prediction_value"], abs=1e-4)
        probability = 1 / (1 + np.exp(-row["prediction_value"]))
        assert probability == pytest.approx(row["probability"], abs=1e-4)


def test_explain_predict_keeps_the_k_largest(tree, flights):
    rows = CALL["ML.EXPLAIN_PREDICT"](tree, [flights.slice(0, 50)], {"top_k_features": 2})

    assert schema(rows)["top_feature_attributions"] == (
        "list<item: struct<feature: string, attribution: double>>"
    )
    for row in rows.to_pylist():
        first, second = (abs(p["attribution"]) for p in row["top_feature_attributions"])
        assert first >= second


def test_global_explain_needs_the_option(logistic):
    with pytest.raises(bqml.BqmlError, match="enable_global_explain"):
        CALL["ML.GLOBAL_EXPLAIN"](logistic, [], {})


def test_importance_is_of_trees_and_names_every_feature(tree, logistic):
    rows = CALL["ML.FEATURE_IMPORTANCE"](tree, [], {})

    assert schema(rows) == {
        "feature": "string",
        "importance_weight": "int64",
        "importance_gain": "double",
        "importance_cover": "double",
    }
    assert rows.column("feature").to_pylist() == ["rain", "carrier", "noise"]
    with pytest.raises(bqml.BqmlError, match="for trees"):
        CALL["ML.FEATURE_IMPORTANCE"](logistic, [], {})


def test_feature_info_is_of_the_training_rows(tree, flights):
    rows = {row["input"]: row for row in CALL["ML.FEATURE_INFO"](tree, [], {}).to_pylist()}

    assert rows["carrier"]["category_count"] == 3
    assert rows["carrier"]["mean"] is None
    assert rows["rain"]["min"] >= 0
    assert rows["rain"]["mean"] == pytest.approx(1, abs=0.1)


def test_training_info_tells_every_iteration(tree):
    rows = CALL["ML.TRAINING_INFO"](tree, [], {})

    assert rows.column_names == [
        "training_run",
        "iteration",
        "loss",
        "eval_loss",
        "learning_rate",
        "duration_ms",
    ]
    assert rows.column("iteration").to_pylist() == list(range(len(tree.iterations)))[::-1]


def test_the_confusion_matrix_counts_every_row(tree, flights):
    rows = CALL["ML.CONFUSION_MATRIX"](tree, [flights], {})

    assert rows.column_names == ["expected_label", "false", "true"]
    counted = np.array([rows.column("false").to_pylist(), rows.column("true").to_pylist()])
    assert counted.sum() == flights.num_rows
    accuracy = CALL["ML.EVALUATE"](tree, [flights], {}).column("accuracy")[0].as_py()
    assert np.trace(counted) / flights.num_rows == pytest.approx(accuracy)


def test_classes_that_are_numbers_become_columns_with_an_underscore(flights):
    model = bqml.train(
        {"MODEL_TYPE": "BOOSTED_TREE_CLASSIFIER", "INPUT_LABEL_COLS": ["noise"]}, flights
    )

    rows = CALL["ML.CONFUSION_MATRIX"](model, [], {})

    assert rows.column_names == ["expected_label", "_0", "_1", "_2", "_3", "_4"]


def test_the_roc_curve_rises_while_the_threshold_falls(tree):
    rows = CALL["ML.ROC_CURVE"](tree, [], {})

    assert rows.column_names == [
        "threshold",
        "recall",
        "false_positive_rate",
        "true_positives",
        "false_positives",
        "true_negatives",
        "false_negatives",
    ]
    thresholds = rows.column("threshold").to_pylist()
    assert thresholds == sorted(thresholds, reverse=True)
    for name in ("recall", "false_positive_rate"):
        values = rows.column(name).to_pylist()
        assert values == sorted(values)
        assert values[-1] == 1


def test_describe_data_tells_numbers_and_categories(flights):
    table = flights.append_column("hole", pa.array([None, 0.0] * 1000))

    rows = {row["name"]: row for row in CALL["ML.DESCRIBE_DATA"](None, [table], {}).to_pylist()}

    assert list(rows) == ["late", "rain", "carrier", "noise", "hole"]
    assert rows["hole"]["num_nulls"] == 1000
    assert rows["hole"]["num_zeros"] == 1000
    assert rows["hole"]["num_values"] == 1000
    assert rows["carrier"]["unique"] == 3
    assert rows["carrier"]["avg_string_length"] == 2
    assert len(rows["carrier"]["top_values"]) == 1
    assert len(rows["rain"]["quantiles"]) == 3
    assert rows["rain"]["unique"] is None


def test_the_same_data_has_not_drifted(flights):
    rows = CALL["ML.VALIDATE_DATA_DRIFT"](None, [flights, flights], {}).to_pylist()

    assert [row["value"] for row in rows] == [0, 0, 0, 0]
    assert {row["metric"] for row in rows if row["input"] in ("late", "carrier")} == {"L_INFTY"}


def test_drift_over_its_own_threshold_is_an_anomaly(flights):
    wetter = flights.set_column(1, "rain", pa.array(np.asarray(flights["rain"]) + 3))

    found = CALL["ML.VALIDATE_DATA_DRIFT"](
        None, [flights, wetter], {"thresholds": [("rain", 0.9999)]}
    )
    strict = CALL["ML.VALIDATE_DATA_DRIFT"](None, [flights, wetter], {})

    assert found.column("is_anomaly").to_pylist() == [False] * 4
    assert strict.column("is_anomaly").to_pylist() == [False, True, False, False]


def test_skew_is_small_for_the_training_rows_and_large_for_others(tree, flights):
    wetter = flights.set_column(1, "rain", pa.array(np.asarray(flights["rain"]) + 3))

    same = CALL["ML.VALIDATE_DATA_SKEW"](tree, [flights], {}).to_pylist()
    other = CALL["ML.VALIDATE_DATA_SKEW"](tree, [wetter], {}).to_pylist()

    assert [row["input"] for row in same] == ["rain", "carrier", "noise"]
    assert max(row["value"] for row in same) < 0.02
    assert {row["input"] for row in other if row["is_anomaly"]} == {"rain"}


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"categorical_metric_type": "COSINE"}, "COSINE"),
        ({"numerical_metric_type": "L_INFTY"}, "numerical_metric_type"),
        ({"numerical_default_threshold": 1.0}, "threshold of"),
        ({"num_histogram_buckets": 0}, "num_histogram_buckets is 0"),
        ({"num_rank_histogram_buckets": 3}, "num_rank_histogram_buckets"),
    ],
)
def test_wrong_drift_settings_are_refused(flights, settings, says):
    with pytest.raises(bqml.BqmlError, match=says):
        CALL["ML.VALIDATE_DATA_DRIFT"](None, [flights, flights], settings)
