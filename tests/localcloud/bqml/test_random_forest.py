"""Random forests against xgboost called directly, and what sets them apart from boosted trees."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import xgboost

from localcloud import bqml
from localcloud.bqml import Model
from tests.localcloud.bqml.conftest import call, known_set

pytestmark = pytest.mark.covers("RANDOM_FOREST_CLASSIFIER", "RANDOM_FOREST_REGRESSOR")

CLASSIFIER = {"MODEL_TYPE": "RANDOM_FOREST_CLASSIFIER", "INPUT_LABEL_COLS": ["late"]}
REGRESSOR = {"MODEL_TYPE": "RANDOM_FOREST_REGRESSOR", "INPUT_LABEL_COLS": ["minutes"]}


@pytest.fixture(scope="module")
def forest(flights) -> Model:
    return bqml.train({**CLASSIFIER, "ENABLE_GLOBAL_EXPLAIN": True}, flights)


def test_a_forest_is_one_iteration_of_a_hundred_trees(forest):
    booster = forest.fitted.estimator.booster

    assert len(forest.iterations) == 1
    assert booster.num_boosted_rounds() == 1
    assert len(booster.get_dump()) == 100


def test_defaults_are_those_of_a_forest(forest):
    kept = {
        name: forest.options[name]
        for name in ("MAX_TREE_DEPTH", "SUBSAMPLE", "COLSAMPLE_BYNODE", "NUM_PARALLEL_TREE")
    }

    assert kept == {
        "MAX_TREE_DEPTH": 15,
        "SUBSAMPLE": 0.8,
        "COLSAMPLE_BYNODE": 0.8,
        "NUM_PARALLEL_TREE": 100,
    }


def test_explanations_are_approximate_from_fifty_trees_on(flights):
    options = {**CLASSIFIER, "ENABLE_GLOBAL_EXPLAIN": True}

    few = bqml.train({**options, "NUM_PARALLEL_TREE": 49}, flights)
    many = bqml.train({**options, "NUM_PARALLEL_TREE": 50}, flights)

    assert not few.options["APPROX_GLOBAL_FEATURE_CONTRIB"]
    assert many.options["APPROX_GLOBAL_FEATURE_CONTRIB"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"NUM_PARALLEL_TREE": 1}, "whole number of 2 or more"),
        ({"SUBSAMPLE": 1.0}, "above 0 and below 1"),
        ({"MAX_ITERATIONS": 3}, "max_iterations is not one of RANDOM_FOREST_CLASSIFIER"),
        ({"LEARN_RATE": 0.3}, "learn_rate is not one of"),
    ],
)
def test_what_a_forest_does_not_have_is_refused(flights, options, says):
    with pytest.raises(bqml.BqmlError, match=says):
        bqml.train({**CLASSIFIER, **options}, flights)


def test_functions_of_trees_are_those_of_forests_too(flights, forest):
    importance = call("FEATURE_IMPORTANCE", forest)
    explained = call("EXPLAIN_PREDICT", forest, flights.slice(0, 3))
    means = call("GLOBAL_EXPLAIN", forest)

    assert importance.column("feature").to_pylist() == ["rain", "carrier", "noise"]
    assert means.column("feature")[0].as_py() == "rain"
    assert explained.num_rows == 3


def test_a_loaded_forest_predicts_the_same(flights, forest, tmp_path):
    forest.save(tmp_path)

    loaded = Model.load(tmp_path)

    assert np.array_equal(loaded.fitted.scores(flights), forest.fitted.scores(flights))
    assert loaded.model_type == "RANDOM_FOREST_CLASSIFIER"


def test_the_order_of_rows_means_nothing(flights, forest):
    order = np.random.default_rng(3).permutation(flights.num_rows)

    again = bqml.train({**CLASSIFIER, "ENABLE_GLOBAL_EXPLAIN": True}, flights.take(pa.array(order)))

    assert np.array_equal(again.fitted.scores(flights), forest.fitted.scores(flights))


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "diabetes"])
def test_a_forest_is_as_good_as_the_librarys_own(name):
    table, training, held_out = known_set(name)
    classifies = name != "diabetes"
    options: dict[str, Any] = {
        "MODEL_TYPE": "RANDOM_FOREST_CLASSIFIER" if classifies else "RANDOM_FOREST_REGRESSOR",
        "DATA_SPLIT_METHOD": "NO_SPLIT",
        "INPUT_LABEL_COLS": ["target"],
    }
    own = (xgboost.XGBClassifier if classifies else xgboost.XGBRegressor)(
        n_estimators=1,
        num_parallel_tree=100,
        learning_rate=1,
        max_depth=15,
        subsample=0.8,
        colsample_bynode=0.8,
        n_jobs=1,
        random_state=0,
    )

    model = bqml.train(options, table.take(training))
    mine = call("EVALUATE", model, table.take(held_out)).to_pylist()[0]

    frame = table.to_pandas()
    own.fit(frame.drop(columns="target").iloc[training], frame["target"].iloc[training])
    theirs = own.score(frame.drop(columns="target").iloc[held_out], frame["target"].iloc[held_out])
    assert mine["accuracy" if classifies else "r2_score"] >= theirs - 0.02


def test_a_forest_predicts_numbers(delays):
    model = bqml.train(REGRESSOR, delays)

    assert call("EVALUATE", model, delays).column("r2_score")[0].as_py() > 0.9
