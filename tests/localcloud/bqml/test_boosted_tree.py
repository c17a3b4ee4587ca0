"""Boosted trees against xgboost called directly."""

from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import xgboost

from localcloud import bqml
from localcloud.bqml.supervised.split import split
from tests.localcloud.bqml.conftest import TREE, call

pytestmark = pytest.mark.covers("BOOSTED_TREE_CLASSIFIER", "BOOSTED_TREE_REGRESSOR")

PLAIN = {**TREE, "EARLY_STOP": False, "MAX_ITERATIONS": 5}


def by_hand(flights: pa.Table, model: bqml.Model, **parameters: Any) -> tuple[Any, Any]:
    """xgboost on the rows and codes that the model was trained on; and all rows, encoded."""
    rows = flights.to_pandas()
    codes = rows["carrier"].map({"AA": 1.0, "B6": 2.0, "UA": 3.0})
    features = np.column_stack([rows["rain"], codes, rows["noise"]])
    training, _ = split(flights, model.options)
    booster = xgboost.train(
        {"objective": "binary:logistic", "eta": 0.3, "seed": 0, **parameters},
        xgboost.DMatrix(features[training], label=rows["late"].to_numpy()[training]),
        num_boost_round=len(model.iterations),
    )
    return booster, features


@pytest.mark.parametrize(
    ("options", "parameters"),
    [
        ({}, {}),
        ({"MAX_TREE_DEPTH": 2}, {"max_depth": 2}),
        ({"LEARN_RATE": 0.05}, {"eta": 0.05}),
        ({"L1_REG": 5.0}, {"alpha": 5}),
        ({"L2_REG": 50.0}, {"lambda": 50}),
        ({"SUBSAMPLE": 0.5}, {"subsample": 0.5}),
        ({"COLSAMPLE_BYTREE": 0.4}, {"colsample_bytree": 0.4}),
        ({"COLSAMPLE_BYLEVEL": 0.4}, {"colsample_bylevel": 0.4}),
        ({"COLSAMPLE_BYNODE": 0.4}, {"colsample_bynode": 0.4}),
        ({"MIN_TREE_CHILD_WEIGHT": 40}, {"min_child_weight": 40}),
        ({"MIN_SPLIT_LOSS": 8.0}, {"gamma": 8}),
        ({"TREE_METHOD": "EXACT"}, {"tree_method": "exact"}),
        ({"TREE_METHOD": "APPROX"}, {"tree_method": "approx"}),
        ({"NUM_PARALLEL_TREE": 3, "SUBSAMPLE": 0.5}, {"num_parallel_tree": 3, "subsample": 0.5}),
        (
            {"BOOSTER_TYPE": "DART", "DROPOUT": 0.5, "DART_NORMALIZE_TYPE": "FOREST"},
            {"rate_drop": 0.5, "normalize_type": "forest"},
        ),
    ],
)
def test_every_option_reaches_xgboost(flights, options, parameters):
    model = bqml.train({**PLAIN, **options}, flights)

    booster, features = by_hand(flights, model, **parameters)
    expected = booster.predict(xgboost.DMatrix(features))
    assert model.fitted.scores(flights)[:, 1] == pytest.approx(expected, abs=1e-5)


def test_options_change_the_model(flights):
    plain = bqml.train(PLAIN, flights).fitted.scores(flights)

    shallow = bqml.train({**PLAIN, "MAX_TREE_DEPTH": 2}, flights).fitted.scores(flights)

    assert not np.allclose(plain, shallow)


def test_the_order_of_rows_means_nothing(flights, tree):
    shuffled = flights.take(pa.array(np.random.default_rng(3).permutation(flights.num_rows)))

    again = bqml.train({**TREE, "ENABLE_GLOBAL_EXPLAIN": True}, shuffled)

    assert again.fitted.evaluate(None, {}) == tree.fitted.evaluate(None, {})
    assert np.array_equal(again.fitted.scores(flights), tree.fitted.scores(flights))


def test_what_makes_flights_late_is_found(tree):
    assert tree.fitted.evaluate(None, {})["roc_auc"] > 0.7
    assert call("GLOBAL_EXPLAIN", tree).to_pylist()[0]["feature"] == "rain"


def test_three_classes_have_probabilities_that_sum_to_one(carriers, flights):
    scores = carriers.fitted.scores(flights)

    assert scores.shape == (2000, 3)
    assert scores.sum(axis=1) == pytest.approx(1)


def test_a_number_is_predicted_closely(minutes, delays):
    assert minutes.fitted.evaluate(None, {})["r2_score"] > 0.95
    assert schema_of_prediction(minutes, delays) == "double"


def schema_of_prediction(model: bqml.Model, rows: pa.Table) -> str:
    return str(call("PREDICT", model, rows).schema.field("predicted_minutes").type)


def test_rows_count_as_often_as_their_weight_says(flights):
    weight = pa.array(np.random.default_rng(4).integers(1, 4, flights.num_rows))
    weighted = flights.append_column("weight", weight)
    repeated = flights.take(pa.array(np.repeat(np.arange(flights.num_rows), weight)))
    options = {**PLAIN, "DATA_SPLIT_METHOD": "NO_SPLIT", "TREE_METHOD": "EXACT"}

    model = bqml.train({**options, "INSTANCE_WEIGHT_COL": "weight"}, weighted)

    other = bqml.train(options, repeated)
    assert [name for name, _ in model.feature_columns] == ["rain", "carrier", "noise"]
    assert model.fitted.scores(flights) == pytest.approx(other.fitted.scores(flights), abs=1e-3)


def test_early_stop_ends_when_the_evaluation_loss_hardly_falls(flights):
    options = {**TREE, "MAX_ITERATIONS": 50}

    stopped = bqml.train({**options, "MIN_REL_PROGRESS": 0.05}, flights)
    full = bqml.train({**options, "EARLY_STOP": False}, flights)

    losses = [step.eval_loss for step in stopped.iterations]
    assert len(full.iterations) == 50
    assert len(losses) < 50
    assert (losses[-2] - losses[-1]) / losses[-2] < 0.05
    assert all((a - b) / a >= 0.05 for a, b in pairwise(losses[:-1]))


def test_a_tree_that_learns_noise_by_heart_stops_at_once():
    random = np.random.default_rng(6)
    noise = pa.table({"late": random.random(1000) < 0.5, "x": random.random(1000)})

    model = bqml.train({**TREE, "MAX_ITERATIONS": 30}, noise)

    first, second = model.iterations
    assert second.loss < first.loss * 0.99
    assert second.eval_loss > first.eval_loss


def test_without_evaluation_rows_the_training_loss_counts(flights):
    options = {**TREE, "DATA_SPLIT_METHOD": "NO_SPLIT", "MAX_ITERATIONS": 50}

    model = bqml.train({**options, "MIN_REL_PROGRESS": 0.1}, flights)

    assert [step.eval_loss for step in model.iterations] == [None] * len(model.iterations)
    assert len(model.iterations) < 50


def test_training_can_be_stopped_from_outside(flights):
    class Cancelled(Exception):
        pass

    def cancel(step):
        if step.index == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        bqml.train(PLAIN, flights, on_iteration=cancel)


def test_a_loss_that_a_regressor_reports_is_its_squared_error(minutes, delays):
    evaluation = minutes.fitted.evaluate(None, {})

    last = minutes.iterations[-1]
    assert last.eval_loss == pytest.approx(evaluation["mean_squared_error"], rel=1e-4)


def test_importance_is_of_trees_and_names_every_feature(tree, logistic):
    rows = call("FEATURE_IMPORTANCE", tree)

    assert {field.name: str(field.type) for field in rows.schema} == {
        "feature": "string",
        "importance_weight": "double",
        "importance_gain": "double",
        "importance_cover": "double",
    }
    assert rows["feature"].to_pylist() == ["rain", "carrier", "noise"]
    splits = tree.fitted.estimator.booster.get_score(importance_type="weight")
    assert sum(rows["importance_weight"].to_pylist()) == sum(splits.values())
    with pytest.raises(bqml.BqmlError, match="for boosted trees and random forests only"):
        call("FEATURE_IMPORTANCE", logistic)


@pytest.mark.parametrize("method", ["ONE_HOT_ENCODING", "TARGET_ENCODING"])
def test_importance_of_a_feature_with_several_columns_is_one_row(flights, method):
    options = {**PLAIN, "INPUT_LABEL_COLS": ["noise"], "CATEGORY_ENCODING_METHOD": method}
    model = bqml.train(options, flights)

    rows = call("FEATURE_IMPORTANCE", model)

    assert rows["feature"].to_pylist() == ["late", "rain", "carrier"]
