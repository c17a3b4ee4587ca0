"""ML.PREDICT, ML.EVALUATE, ML.CONFUSION_MATRIX and ML.ROC_CURVE."""

import numpy as np
import pyarrow as pa
import pytest
from sklearn import metrics

from localcloud import bqml
from tests.localcloud.bqml.conftest import TREE, call, schema


def test_predict_puts_the_prediction_before_the_input(tree, flights):
    result = call("PREDICT", tree, flights)

    assert schema(result) == {
        "predicted_late": "bool",
        "predicted_late_probs": "list<item: struct<label: bool, prob: double>>",
        "late": "bool",
        "rain": "double",
        "carrier": "string",
        "noise": "int64",
    }


@pytest.mark.parametrize("name", ["tree", "carriers", "softmax"])
def test_probabilities_fall_and_the_first_is_the_predicted_class(name, request, flights):
    model = request.getfixturevalue(name)
    label = model.label_columns[0][0]

    rows = call("PREDICT", model, flights.slice(0, 200)).to_pylist()

    for row in rows:
        probabilities = [entry["prob"] for entry in row[f"predicted_{label}_probs"]]
        assert probabilities == sorted(probabilities, reverse=True)
        assert sum(probabilities) == pytest.approx(1)
        assert row[f"predicted_{label}_probs"][0]["label"] == row[f"predicted_{label}"]


@pytest.mark.parametrize(
    ("values", "kind"),
    [([False, True], "bool"), (["no", "yes"], "string"), ([0, 1], "int64")],
)
def test_a_label_keeps_its_type(flights, values, kind):
    label = pa.array([values[int(late)] for late in flights["late"].to_pylist()])
    table = flights.set_column(0, "late", label)

    result = call("PREDICT", bqml.train({**TREE, "MAX_ITERATIONS": 1}, table), table)

    assert str(result.schema.field("predicted_late").type) == kind
    assert result.schema.field("predicted_late_probs").type.value_type.field("label").type == kind


def test_predict_of_no_rows_still_has_its_columns(tree, carriers, minutes, flights, delays):
    for model, rows in ((tree, flights), (carriers, flights), (minutes, delays)):
        full = call("PREDICT", model, rows)

        empty = call("PREDICT", model, rows.slice(0, 0))

        assert empty.schema == full.schema


def test_a_threshold_of_zero_predicts_the_second_class_alone(tree, flights):
    result = call("PREDICT", tree, flights, threshold=0.0)

    assert set(result["predicted_late"].to_pylist()) == {True}


def test_input_columns_can_be_left_out(tree, flights):
    result = call("PREDICT", tree, flights, keep_original_columns=False)

    assert result.column_names == ["predicted_late", "predicted_late_probs"]


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"treshold": 0.4}, "no setting treshold; it takes"),
        ({"threshold": 1.5}, "threshold is 1.5"),
        ({"trial_id": 3}, "num_trials"),
    ],
)
def test_wrong_settings_are_refused(tree, flights, settings, says):
    with pytest.raises(bqml.BqmlError, match=says):
        call("PREDICT", tree, flights, **settings)


def test_a_threshold_is_for_two_classes(carriers, minutes, flights, delays):
    for model, rows in ((carriers, flights), (minutes, delays)):
        with pytest.raises(bqml.BqmlError, match="models with two classes"):
            call("PREDICT", model, rows, threshold=0.4)


def test_a_feature_that_is_missing_is_named(tree, flights):
    with pytest.raises(bqml.BqmlError, match="'carrier' is missing"):
        call("PREDICT", tree, flights.drop_columns(["carrier"]))


def test_an_unknown_category_and_a_missing_number_are_scored(logistic, tree):
    rows = pa.table({"rain": [None, 1.0], "carrier": ["ZZ", None], "noise": [1, None]})

    for model in (logistic, tree):
        assert np.isfinite(model.fitted.scores(rows)).all()


def test_a_function_of_models_needs_one():
    with pytest.raises(bqml.BqmlError, match=r"ML\.PREDICT needs a model"):
        call("PREDICT", None, pa.table({"x": [1]}))


def test_metrics_of_a_classifier_are_scikit_learns(tree, flights):
    found = call("EVALUATE", tree, flights, threshold=0.3).to_pylist()[0]

    actual = flights["late"].to_numpy()
    scores = tree.fitted.scores(flights)[:, 1]
    predicted = scores >= 0.3
    assert list(found.items()) == [
        ("precision", pytest.approx(metrics.precision_score(actual, predicted))),
        ("recall", pytest.approx(metrics.recall_score(actual, predicted))),
        ("accuracy", pytest.approx(metrics.accuracy_score(actual, predicted))),
        ("f1_score", pytest.approx(metrics.f1_score(actual, predicted))),
        ("log_loss", pytest.approx(metrics.log_loss(actual, scores))),
        ("roc_auc", pytest.approx(metrics.roc_auc_score(actual, scores))),
    ]


def test_metrics_of_three_classes_are_macro_averages(carriers, flights):
    found = call("EVALUATE", carriers, flights).to_pylist()[0]

    actual, scores = flights["carrier"].to_pylist(), carriers.fitted.scores(flights)
    predicted = np.array(["AA", "B6", "UA"])[scores.argmax(axis=1)]
    assert found["recall"] == pytest.approx(
        metrics.recall_score(actual, predicted, average="macro")
    )
    auc = metrics.roc_auc_score(actual, scores, multi_class="ovr", average="macro")
    assert found["roc_auc"] == pytest.approx(auc)


def test_metrics_of_a_regressor_are_scikit_learns(minutes, delays):
    found = call("EVALUATE", minutes, delays).to_pylist()[0]

    actual, predicted = delays["minutes"].to_numpy(), minutes.fitted.scores(delays)
    assert list(found) == [
        "mean_absolute_error",
        "mean_squared_error",
        "mean_squared_log_error",
        "median_absolute_error",
        "r2_score",
        "explained_variance",
    ]
    assert found["median_absolute_error"] == pytest.approx(
        metrics.median_absolute_error(actual, predicted)
    )
    assert found["explained_variance"] == pytest.approx(
        metrics.explained_variance_score(actual, predicted)
    )


def test_evaluation_without_rows_is_on_those_that_were_held_out(tree, flights):
    held_out = tree.fitted.held_out[0]

    assert len(held_out) == 400
    assert call("EVALUATE", tree).to_pylist()[0]["roc_auc"] == pytest.approx(
        metrics.roc_auc_score(held_out, tree.fitted.held_out[1][:, 1])
    )


@pytest.mark.parametrize("name", ["EVALUATE", "CONFUSION_MATRIX"])
def test_a_threshold_needs_rows(tree, name):
    with pytest.raises(bqml.BqmlError, match="threshold needs a table"):
        call(name, tree, threshold=0.4)


def test_a_precision_without_positive_predictions_is_not_a_number(tree, flights):
    found = call("EVALUATE", tree, flights, threshold=1.0).to_pylist()[0]

    assert np.isnan(found["precision"])
    assert found["recall"] == 0


def test_rows_without_a_label_are_not_judged(tree, flights):
    half = [
        late if place < 1000 else None for place, late in enumerate(flights["late"].to_pylist())
    ]

    found = call("EVALUATE", tree, flights.set_column(0, "late", pa.array(half, pa.bool_())))

    assert found == call("EVALUATE", tree, flights.slice(0, 1000))


@pytest.mark.parametrize(
    ("column", "says"),
    [
        (pa.array(["ZZ"] * 2000), "label 'ZZ' was not there in training"),
        (pa.nulls(2000, pa.string()), "no input row has a label"),
        (None, "'carrier', the label, is missing from input"),
    ],
)
def test_labels_that_cannot_be_judged_are_refused(carriers, flights, column, says):
    table = flights.drop_columns(["carrier"])
    table = table if column is None else table.append_column("carrier", column)

    with pytest.raises(bqml.BqmlError, match=says):
        call("EVALUATE", carriers, table)


def test_the_confusion_matrix_counts_every_row(tree, flights):
    rows = call("CONFUSION_MATRIX", tree, flights)

    assert schema(rows) == {"expected_label": "bool", "false": "int64", "true": "int64"}
    assert rows["expected_label"].to_pylist() == [False, True]
    counted = np.array([rows["false"].to_pylist(), rows["true"].to_pylist()]).T
    predicted = tree.fitted.scores(flights)[:, 1] >= 0.5
    assert np.array_equal(counted, metrics.confusion_matrix(flights["late"].to_numpy(), predicted))


def test_labels_that_training_never_saw_are_rows_of_the_matrix(carriers, flights):
    strange = pa.array(["ZZ", *flights["carrier"].to_pylist()[1:]])

    rows = call("CONFUSION_MATRIX", carriers, flights.set_column(2, "carrier", strange))

    assert rows["expected_label"].to_pylist() == ["AA", "B6", "UA", "ZZ"]
    assert rows.column_names == ["expected_label", "AA", "B6", "UA"]
    assert sum(list(row.values())[1] for row in rows.to_pylist()) > 0
    assert sum(sum(list(row.values())[1:]) for row in rows.to_pylist()) == 2000


def test_expected_labels_keep_the_type_of_the_input(flights):
    label = pa.array([int(late) for late in flights["late"].to_pylist()])
    table = flights.set_column(0, "late", label)
    model = bqml.train({**TREE, "MAX_ITERATIONS": 1}, table)

    rows = call("CONFUSION_MATRIX", model, table.set_column(0, "late", label.cast(pa.string())))

    assert rows["expected_label"].to_pylist() == ["0", "1"]
    assert rows.column_names == ["expected_label", "_0", "_1"]


def test_classes_become_column_names_that_are_unlike(flights):
    names = ["a b", "a-b", "7"]
    label = pa.array([names[place % 3] for place in range(2000)])
    model = bqml.train({**TREE, "MAX_ITERATIONS": 1}, flights.set_column(0, "late", label))

    rows = call("CONFUSION_MATRIX", model)

    assert rows.column_names == ["expected_label", "_7", "a_b", "a_b_1"]


def test_the_roc_curve_rises_while_the_threshold_falls(tree, flights):
    rows = call("ROC_CURVE", tree, flights)

    assert schema(rows) == {
        "threshold": "double",
        "recall": "double",
        "false_positive_rate": "double",
        "true_positives": "int64",
        "false_positives": "int64",
        "true_negatives": "int64",
        "false_negatives": "int64",
    }
    thresholds = rows["threshold"].to_pylist()
    assert thresholds == sorted(thresholds, reverse=True)
    for name in ("recall", "false_positive_rate"):
        values = rows[name].to_pylist()
        assert values == sorted(values)
        assert values[-1] == 1
    counts = rows.select(rows.column_names[3:]).to_pylist()
    assert {sum(row.values()) for row in counts} == {2000}


def test_the_roc_curve_encloses_the_area_that_evaluate_says(tree, flights):
    rows = call("ROC_CURVE", tree, flights)

    area = np.trapezoid(
        [0, *rows["recall"].to_pylist()], [0, *rows["false_positive_rate"].to_pylist()]
    )
    assert area == pytest.approx(call("EVALUATE", tree, flights)["roc_auc"][0].as_py(), abs=0.005)


def test_the_roc_curve_has_the_thresholds_it_is_given(tree, flights):
    rows = call("ROC_CURVE", tree, flights, thresholds=[0.4, 0.6])

    assert rows["threshold"].to_pylist() == [0.6, 0.4]
    scores, late = tree.fitted.scores(flights)[:, 1], flights["late"].to_numpy()
    assert rows["true_positives"].to_pylist() == [
        int((late & (scores >= threshold)).sum()) for threshold in (0.6, 0.4)
    ]


@pytest.mark.parametrize(("thresholds", "says"), [([], "is empty"), ([1.5], "has 1.5")])
def test_thresholds_are_probabilities(tree, thresholds, says):
    with pytest.raises(bqml.BqmlError, match=says):
        call("ROC_CURVE", tree, thresholds=thresholds)


def test_curves_and_matrices_are_for_classifiers(minutes, carriers):
    with pytest.raises(bqml.BqmlError, match="two classes; this has 3"):
        call("ROC_CURVE", carriers)
    for name in ("ROC_CURVE", "CONFUSION_MATRIX"):
        with pytest.raises(bqml.BqmlError, match="for classifiers"):
            call(name, minutes)
