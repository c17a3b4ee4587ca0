"""Hyperparameter tuning: what is tried, which trial wins, and what functions say of trials."""

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from googleapiclient.discovery_cache import get_static_doc

from localcloud import bqml
from localcloud.bqml import Model
from localcloud.bqml.tuning.space import Candidates, Range
from tests.localcloud.bqml.conftest import LOGISTIC, TREE, call, schema

pytestmark = pytest.mark.covers("hyperparameter tuning")

RIDGE: dict[str, Any] = {
    "MODEL_TYPE": "LINEAR_REG",
    "INPUT_LABEL_COLS": ["minutes"],
    "L2_REG": Candidates([0, 1e5, 1e7]),
    "NUM_TRIALS": 5,
}


@pytest.fixture(scope="module")
def ridge(delays) -> Model:
    return bqml.train(RIDGE, delays)


def trials(model: Model) -> list[dict[str, Any]]:
    return call("TRIAL_INFO", model).to_pylist()


def test_each_candidate_is_tried_once(ridge):
    found = trials(ridge)

    assert sorted(trial["hyperparameters"]["l2_reg"] for trial in found) == [0, 1e5, 1e7]
    assert [trial["trial_id"] for trial in found] == [1, 2, 3]


def test_the_best_trial_is_the_default(delays, ridge):
    found = trials(ridge)

    [best] = [trial for trial in found if trial["is_optimal"]]
    assert best["hyperparameters"]["l2_reg"] == 0
    scores = [trial["hparam_tuning_evaluation_metrics"]["r2_score"] for trial in found]
    assert best["hparam_tuning_evaluation_metrics"]["r2_score"] == max(scores)
    predicted = call("PREDICT", ridge, delays.slice(0, 3))
    assert predicted.column_names[:2] == ["trial_id", "predicted_minutes"]
    assert set(predicted["trial_id"].to_pylist()) == {best["trial_id"]}


def test_trial_info_has_the_columns_of_googles_page(ridge):
    assert schema(call("TRIAL_INFO", ridge)) == {
        "trial_id": "int64",
        "hyperparameters": "struct<l2_reg: double>",
        "hparam_tuning_evaluation_metrics": "struct<r2_score: double>",
        "training_loss": "double",
        "eval_loss": "double",
        "status": "string",
        "error_message": "string",
        "is_optimal": "bool",
    }
    assert {trial["status"] for trial in trials(ridge)} == {"SUCCEEDED"}


def test_without_a_table_evaluate_tells_all_trials(delays, ridge):
    every = call("EVALUATE", ridge)
    one = call("EVALUATE", ridge, delays)
    asked = call("EVALUATE", ridge, delays, trial_id=3)

    assert every.column_names[0] == "trial_id"
    assert every["trial_id"].to_pylist() == [1, 2, 3]
    assert one.num_rows == asked.num_rows == 1
    assert asked["trial_id"].to_pylist() == [3]
    assert asked["r2_score"][0].as_py() < one["r2_score"][0].as_py()


def test_weights_tell_all_trials(ridge):
    table = call("WEIGHTS", ridge)

    assert table.column_names[:2] == ["trial_id", "processed_input"]
    assert set(table["trial_id"].to_pylist()) == {1, 2, 3}


def test_a_tenth_of_the_rows_evaluates_and_a_tenth_tests(delays, ridge):
    model = ridge.fitted.default.model

    rows = delays.num_rows
    assert len(model.fitted.held_out[0]) == rows // 10
    assert ridge.options["DATA_SPLIT_METHOD"] == "AUTO_SPLIT"


def test_the_first_trial_is_the_default_value(flights):
    options = {**TREE, "NUM_TRIALS": 3, "MAX_TREE_DEPTH": Range(2, 10), "MAX_ITERATIONS": 2}

    found = trials(bqml.train(options, flights))

    assert found[0]["hyperparameters"]["max_tree_depth"] == 6
    assert all(2 <= trial["hyperparameters"]["max_tree_depth"] <= 10 for trial in found)


def test_without_spaces_the_usual_ones_are_searched(flights):
    found = trials(bqml.train({**LOGISTIC, "NUM_TRIALS": 2, "MAX_ITERATIONS": 3}, flights))

    assert sorted(found[0]["hyperparameters"]) == ["l1_reg", "l2_reg"]


def test_a_grid_is_searched_whole(flights):
    options = {
        **TREE,
        "NUM_TRIALS": 10,
        "HPARAM_TUNING_ALGORITHM": "GRID_SEARCH",
        "MAX_TREE_DEPTH": Candidates([2, 4]),
        "SUBSAMPLE": Candidates([0.5, 1.0]),
        "MAX_ITERATIONS": 2,
    }

    found = trials(bqml.train(options, flights))

    pairs = {tuple(sorted(trial["hyperparameters"].items())) for trial in found}
    assert len(found) == len(pairs) == 4


def test_an_objective_may_be_asked_for(flights):
    options = {
        **TREE,
        "NUM_TRIALS": 2,
        "MAX_ITERATIONS": 2,
        "HPARAM_TUNING_OBJECTIVES": ["LOG_LOSS"],
        "LEARN_RATE": Candidates([0.001, 0.3]),
    }

    found = trials(bqml.train(options, flights))

    [best] = [trial for trial in found if trial["is_optimal"]]
    assert best["hyperparameters"]["learn_rate"] == 0.3


def test_what_is_infeasible_is_left_out(flights):
    options = {**TREE, "NUM_TRIALS": 2, "MAX_ITERATIONS": 2, "SUBSAMPLE": Candidates([1.0, 0.0])}

    model = bqml.train(options, flights)

    found = {trial["hyperparameters"]["subsample"]: trial for trial in trials(model)}
    assert found[0.0]["status"] == "INFEASIBLE"
    assert "subsample is 0" in found[0.0]["error_message"]
    assert call("EVALUATE", model).num_rows == 1
    infeasible = found[0.0]["trial_id"]
    with pytest.raises(bqml.BqmlError, match="trials that succeeded are"):
        call("PREDICT", model, flights, trial_id=infeasible)


def test_clusters_are_tuned_on_all_rows(flights):
    options = {"MODEL_TYPE": "KMEANS", "NUM_TRIALS": 2, "NUM_CLUSTERS": Candidates([2, 5])}

    model = bqml.train(options, flights.drop_columns(["late"]))

    found = call("CENTROIDS", model)
    assert found.column_names[0] == "trial_id"
    counts = {row["trial_id"]: row["centroid_id"] for row in found.to_pylist()}
    assert sorted(counts.values()) == [2, 5]
    assert schema(call("TRIAL_INFO", model))["hyperparameters"] == "struct<num_clusters: int64>"


def test_factors_are_tuned(flights):
    options = {
        "MODEL_TYPE": "MATRIX_FACTORIZATION",
        "USER_COL": "carrier",
        "ITEM_COL": "noise",
        "RATING_COL": "rain",
        "NUM_FACTORS": Candidates([2, 3]),
        "NUM_TRIALS": 2,
    }

    model = bqml.train(options, flights.drop_columns(["late"]))

    recommended = call("RECOMMEND", model)
    assert recommended.column_names[0] == "trial_id"
    [info, _] = trials(model)
    assert list(info["hparam_tuning_evaluation_metrics"]) == ["mean_squared_error"]


def test_rows_may_be_divided_by_hand(flights):
    parts = np.where(np.arange(flights.num_rows) % 10 == 0, "TEST", "TRAIN").astype(object)
    parts[1::10] = "EVAL"
    table = flights.append_column("part", pa.array(parts.tolist()))
    options = {**LOGISTIC, "DATA_SPLIT_METHOD": "CUSTOM", "DATA_SPLIT_COL": "part"}

    model = bqml.train({**options, "NUM_TRIALS": 1, "MAX_ITERATIONS": 2}, table)

    assert [name for name, _ in model.feature_columns] == ["rain", "carrier", "noise"]
    assert len(model.fitted.default.model.fitted.held_out[0]) == flights.num_rows // 10


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"NUM_TRIALS": 0}, "1 to 100"),
        ({"MAX_PARALLEL_TRIALS": 6}, "1 to 5"),
        ({"HPARAM_TUNING_OBJECTIVES": ["ROC_AUC"]}, "give one of R2_SCORE"),
        ({"L2_REG": Range(5, 1)}, "a lower and a higher number"),
        ({"L2_REG": Range(-1, 1)}, "from 0 to inf"),
        ({"L2_REG": Candidates([])}, "is empty"),
        ({"MAX_ITERATIONS": Range(1, 5)}, "max_iterations cannot be tuned"),
        (
            {"L2_REG": Range(0, 1), "HPARAM_TUNING_ALGORITHM": "GRID_SEARCH"},
            "l2_reg has a range",
        ),
        ({"DATA_SPLIT_METHOD": "RANDOM", "DATA_SPLIT_TEST_FRACTION": 0.1}, "needs data_split_eval"),
    ],
)
def test_wrong_options_are_refused(delays, options, says):
    with pytest.raises(bqml.BqmlError, match=says):
        bqml.train({**RIDGE, **options}, delays)


def test_dropout_needs_dart_among_the_boosters(flights):
    options = {**TREE, "NUM_TRIALS": 2, "DROPOUT": Range(0, 0.5)}

    with pytest.raises(bqml.BqmlError, match="needs 'DART' among the candidates"):
        bqml.train(options, flights)
    both = {"BOOSTER_TYPE": Candidates(["DART", "GBTREE"]), "MAX_ITERATIONS": 2}
    found = trials(bqml.train({**options, **both, "NUM_TRIALS": 4}, flights))
    assert {trial["status"] for trial in found} == {"SUCCEEDED"}
    assert all(
        trial["hyperparameters"]["dropout"] is None
        for trial in found
        if trial["hyperparameters"]["booster_type"] == "GBTREE"
    )


def test_kinds_that_are_not_tuned_say_so(flights):
    with pytest.raises(bqml.BqmlError, match="PCA are not tuned"):
        bqml.train({"MODEL_TYPE": "PCA", "NUM_TRIALS": 2}, flights)


def test_iterations_are_not_kept(ridge):
    with pytest.raises(bqml.BqmlError, match=r"use ML\.TRIAL_INFO"):
        call("TRAINING_INFO", ridge)
    assert call("FEATURE_INFO", ridge).num_rows == 3


def test_the_same_rows_give_the_same_trials(delays, ridge):
    order = np.random.default_rng(3).permutation(delays.num_rows)

    again = bqml.train(RIDGE, delays.take(pa.array(order)))

    assert trials(again) == trials(ridge)


def test_a_loaded_model_says_the_same(delays, ridge, tmp_path):
    ridge.save(tmp_path)

    loaded = Model.load(tmp_path)

    for name in ("TRIAL_INFO", "EVALUATE", "WEIGHTS"):
        assert call(name, loaded).equals(call(name, ridge))
    assert call("PREDICT", loaded, delays, trial_id=2).equals(
        call("PREDICT", ridge, delays, trial_id=2)
    )
    assert loaded.resource == ridge.resource


def test_the_resource_tells_the_trials(ridge):
    resource = json.loads(json.dumps(ridge.resource))

    schemas = json.loads(get_static_doc("bigquery", "v2"))["schemas"]
    known = schemas["HparamTuningTrial"]["properties"]
    assert set(resource) <= set(schemas["Model"]["properties"])
    assert all(set(trial) <= set(known) for trial in resource["hparamTrials"])
    assert resource["defaultTrialId"] == resource["optimalTrialIds"][0]
    assert resource["hparamTrials"][0]["hparams"] == {"l2Regularization": 0}
