"""Fitted models against closed forms and against the libraries called directly."""

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
import xgboost

from localcloud import bqml
from localcloud.bqml import kinds
from localcloud.bqml.split import ordered, split


def test_linear_regression_recovers_the_line(line):
    weights = bqml.FUNCTIONS["ML.WEIGHTS"].call(line, [], {}).to_pylist()

    found = {row["processed_input"]: row["weight"] for row in weights}
    assert found == pytest.approx({"x": 3, "w": -2, "__INTERCEPT__": 5})
    assert line.evaluation["r2_score"] == pytest.approx(1)


def test_a_boosted_tree_is_xgboosts_own(flights, tree):
    codes = {"AA": 0.0, "B6": 1.0, "UA": 2.0}
    rows = ordered(flights).to_pandas()
    features = np.column_stack([rows["rain"], rows["carrier"].map(codes), rows["noise"]])
    training, _ = split(ordered(flights), tree.settings)
    booster = xgboost.train(
        {"objective": "binary:logistic", "eta": 0.3, "max_depth": 6, "seed": 0},
        xgboost.DMatrix(features[training], label=rows["late"].to_numpy()[training]),
        num_boost_round=len(tree.iterations),
    )

    probabilities = tree.predict(ordered(flights))[:, 1]

    assert probabilities == pytest.approx(booster.inplace_predict(features), abs=1e-5)


def test_the_order_of_rows_means_nothing(flights, tree):
    shuffled = flights.take(pa.array(np.random.default_rng(3).permutation(flights.num_rows)))
    options = {"MODEL_TYPE": "BOOSTED_TREE_CLASSIFIER", "INPUT_LABEL_COLS": ["late"]}

    again = bqml.train(options, shuffled)

    assert again.evaluation == tree.evaluation


def test_what_makes_flights_late_is_found(tree, logistic):
    assert tree.evaluation["roc_auc"] > 0.7
    assert logistic.evaluation["roc_auc"] > 0.7
    (attributions,) = [bqml.FUNCTIONS["ML.GLOBAL_EXPLAIN"].call(tree, [], {}).to_pylist()]
    assert attributions[0]["feature"] == "rain"


def test_three_classes_have_probabilities_that_sum_to_one(flights):
    options = {"MODEL_TYPE": "BOOSTED_TREE_CLASSIFIER", "INPUT_LABEL_COLS": ["carrier"]}
    model = bqml.train(options, flights)

    scores = model.predict(flights)

    assert scores.shape == (2000, 3)
    assert scores.sum(axis=1) == pytest.approx(1)


def test_rows_without_a_label_do_not_train(flights):
    label = flights.column("late").to_pylist()
    holes = pa.array([None if place % 2 else value for place, value in enumerate(label)])
    table = flights.set_column(0, "late", holes)
    options = {"MODEL_TYPE": "LOGISTIC_REG", "INPUT_LABEL_COLS": ["late"]}

    halved = bqml.train({**options, "DATA_SPLIT_METHOD": "NO_SPLIT"}, table)

    assert len(halved.held_out[0]) == 1000


def test_class_weights_move_predictions_towards_the_heavy_class(flights):
    options = {"MODEL_TYPE": "LOGISTIC_REG", "INPUT_LABEL_COLS": ["late"]}
    plain = bqml.train(options, flights)

    heavy = bqml.train({**options, "CLASS_WEIGHTS": [("false", 1), ("true", 20)]}, flights)

    assert heavy.predict(flights)[:, 1].mean() > plain.predict(flights)[:, 1].mean() + 0.2


def test_training_can_be_stopped_from_outside(flights):
    class Cancelled(Exception):
        pass

    def cancel(step):
        if step.index == 2:
            raise Cancelled

    options = {"MODEL_TYPE": "BOOSTED_TREE_CLASSIFIER", "INPUT_LABEL_COLS": ["late"]}
    with pytest.raises(Cancelled):
        bqml.train(options, flights, on_iteration=cancel)


def test_early_stop_ends_when_the_loss_hardly_falls(flights):
    options = {"MODEL_TYPE": "BOOSTED_TREE_CLASSIFIER", "INPUT_LABEL_COLS": ["late"]}
    options |= {"MAX_ITERATIONS": 50}

    stopped = bqml.train({**options, "MIN_REL_PROGRESS": 0.05}, flights)
    full = bqml.train({**options, "EARLY_STOP": False}, flights)

    losses = [step.loss for step in stopped.iterations]
    assert len(full.iterations) == 50
    assert len(losses) < 50
    assert (losses[-2] - losses[-1]) / losses[-2] < 0.05
    assert all((a - b) / a >= 0.05 for a, b in pairwise(losses[:-1]))


@pytest.mark.parametrize(
    ("rows", "training", "evaluation"),
    [(499, 499, None), (500, 400, 100), (50_000, 40_000, 10_000), (60_000, 50_000, 10_000)],
)
def test_auto_split_is_bigquerys(rows, training, evaluation):
    settings = {"DATA_SPLIT_METHOD": "AUTO_SPLIT", "DATA_SPLIT_EVAL_FRACTION": 0.2}

    trains, evaluates = split(pa.table({"x": np.arange(rows)}), settings)

    assert len(trains) == training
    assert (None if evaluates is None else len(evaluates)) == evaluation
    assert evaluates is None or not set(trains) & set(evaluates)


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({}, bqml.BqmlError, "lacks model_type"),
        ({"MODEL_TYPE": "NONSENSE"}, bqml.BqmlError, "'NONSENSE'"),
        ({"MODEL_TYPE": "KMEANS"}, NotImplementedError, "KMEANS"),
        ({"MODEL_TYPE": "LINEAR_REG", "MAX_TREE_DEPTH": 3}, bqml.BqmlError, "max_tree_depth"),
        ({"MODEL_TYPE": "LINEAR_REG", "L2_REG": -1}, bqml.BqmlError, "l2_reg is -1"),
        ({"MODEL_TYPE": "LINEAR_REG", "WARM_START": True}, NotImplementedError, "warm_start"),
        ({"MODEL_TYPE": "LINEAR_REG", "INPUT_LABEL_COLS": ["z"]}, bqml.BqmlError, "'z'"),
        ({"MODEL_TYPE": "LINEAR_REG", "INPUT_LABEL_COLS": ["late"]}, bqml.BqmlError, "BOOL"),
        ({"MODEL_TYPE": "LOGISTIC_REG", "INPUT_LABEL_COLS": ["rain"]}, bqml.BqmlError, "FLOAT64"),
    ],
)
def test_wrong_options_are_refused_with_their_name(flights, options, error, says):
    with pytest.raises(error, match=says):
        bqml.train(options, flights)


def test_every_default_is_a_value_that_works():
    for kind in kinds.KINDS.values():
        for name, option in kind.options.items():
            assert option.default is None or option.accepts(option.default), name
            assert option.supported is None or option.default in option.supported, name


def test_a_column_of_dates_says_what_to_do_instead(flights):
    table = flights.append_column("day", pa.array([19000] * 2000, pa.date32()))

    with pytest.raises(NotImplementedError, match=r"'day'.*EXTRACT"):
        bqml.train({"MODEL_TYPE": "LOGISTIC_REG", "INPUT_LABEL_COLS": ["late"]}, table)


@pytest.mark.parametrize("kind", ["tree", "logistic", "line"])
def test_a_model_read_back_says_the_same(kind, request, flights, tmp_path):
    model = request.getfixturevalue(kind)
    rows = flights if kind != "line" else pa.table({"x": [0.5, None], "w": [1.0, 2.0]})
    model.save(tmp_path)

    again = bqml.Model.load(tmp_path)

    assert np.array_equal(again.predict(rows), model.predict(rows))
    assert again.evaluation == model.evaluation
    assert again.training_runs == model.training_runs


def test_a_model_of_another_format_is_not_guessed_at(tree, tmp_path):
    tree.save(tmp_path)
    file = tmp_path / "model.json"
    file.write_text(file.read_text().replace('"format": 1', '"format": 99'))

    with pytest.raises(ValueError, match=r"format 99.*train the model again"):
        bqml.Model.load(tmp_path)


def test_an_unknown_category_and_a_missing_number_are_scored(logistic):
    rows = pa.table({"rain": [None, 1.0], "carrier": ["ZZ", None], "noise": [1, None]})

    scores = logistic.predict(rows)

    assert np.isfinite(scores).all()
