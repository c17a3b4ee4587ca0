"""Trainings that go on from an earlier one."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from localcloud import bqml
from localcloud.bqml.tuning.space import Range
from tests.localcloud.bqml.conftest import call

pytestmark = pytest.mark.covers("WARM_START")

LOGISTIC = {"MODEL_TYPE": "LOGISTIC_REG", "INPUT_LABEL_COLS": ["late"]}
LINEAR = {
    "MODEL_TYPE": "LINEAR_REG",
    "INPUT_LABEL_COLS": ["minutes"],
    "OPTIMIZE_STRATEGY": "BATCH_GRADIENT_DESCENT",
}
NETWORK = {**LOGISTIC, "MODEL_TYPE": "DNN_CLASSIFIER", "HIDDEN_UNITS": [8]}
KINDS: dict[str, dict[str, Any]] = {
    "LINEAR_REG": LINEAR,
    "LOGISTIC_REG": LOGISTIC,
    "DNN_CLASSIFIER": NETWORK,
    "DNN_REGRESSOR": {**NETWORK, "MODEL_TYPE": "DNN_REGRESSOR", "INPUT_LABEL_COLS": ["minutes"]},
    "DNN_LINEAR_COMBINED_CLASSIFIER": {**NETWORK, "MODEL_TYPE": "DNN_LINEAR_COMBINED_CLASSIFIER"},
    "AUTOENCODER": {"MODEL_TYPE": "AUTOENCODER", "HIDDEN_UNITS": [4]},
    "KMEANS": {"MODEL_TYPE": "KMEANS", "NUM_CLUSTERS": 4},
}
STEPS = {"MAX_ITERATIONS": 2, "EARLY_STOP": False}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_warm_start_begins_where_the_last_training_ended(flights, delays, kind):
    options = KINDS[kind]
    rows = delays if options.get("INPUT_LABEL_COLS") == ["minutes"] else flights
    first = bqml.train({**options, **STEPS}, rows)

    second = bqml.train({"MODEL_TYPE": kind, "WARM_START": True}, rows, previous=first)

    losses = [step.loss for step in (*first.iterations, *second.iterations)]
    assert losses == sorted(losses, reverse=True)
    # What is not given is as it was.
    assert len(second.iterations) == 2
    assert second.options == {**first.options, "WARM_START": True}


@pytest.mark.covers("ML.TRAINING_INFO")
def test_a_warm_start_is_a_training_run_of_its_own(flights, tmp_path):
    first = bqml.train({**LOGISTIC, **STEPS}, flights)
    second = bqml.train(
        {**LOGISTIC, "WARM_START": True, "MAX_ITERATIONS": 1}, flights, previous=first
    )
    third = bqml.train({**LOGISTIC, "WARM_START": True}, flights, previous=second)
    third.save(tmp_path)

    for model in (third, bqml.Model.load(tmp_path)):
        info = call("TRAINING_INFO", model)
        found = zip(info["training_run"].to_pylist(), info["iteration"].to_pylist(), strict=True)
        assert list(found) == [(2, 0), (1, 0), (0, 1), (0, 0)]
        assert len(model.training_runs) == 1


def test_a_category_of_later_rows_stays_unseen(flights):
    first = bqml.train({**LOGISTIC, **STEPS}, flights)
    others = flights.set_column(2, "carrier", pa.array(["ZZ"] * flights.num_rows))

    second = bqml.train({**LOGISTIC, "WARM_START": True}, others, previous=first)

    assert second.fitted.encoding == first.fitted.encoding


def test_another_activation_goes_on_with_the_same_weights(flights):
    first = bqml.train({**NETWORK, **STEPS}, flights)

    options = {**NETWORK, "WARM_START": True, "ACTIVATION_FN": "ELU", "LEARN_RATE": 1e-9}
    second = bqml.train(options, flights, previous=first)

    before, after = (model.fitted.estimator.deep.dense[0][0] for model in (first, second))
    assert np.allclose(before, after, atol=1e-5)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"MODEL_TYPE": "LINEAR_REG"}, "needs the model_type of before, 'DNN_CLASSIFIER'"),
        ({"INPUT_LABEL_COLS": ["rain"]}, "option input_label_cols stays what it was"),
        ({"HIDDEN_UNITS": [8, 4]}, r"option hidden_units stays what it was, \[8\]"),
        ({"ACTIVATION_FN": "CRELU"}, "cannot go from 'RELU' to 'CRELU'"),
        ({"NUM_TRIALS": 2, "LEARN_RATE": Range(0.1, 0.2)}, "num_trials or warm_start"),
    ],
)
def test_what_a_training_cannot_go_on_with_is_refused(flights, change, says):
    first = bqml.train({**NETWORK, **STEPS}, flights)

    with pytest.raises(bqml.BqmlError, match=says):
        bqml.train({**NETWORK, "WARM_START": True, **change}, flights, previous=first)


def test_other_features_or_labels_are_refused(flights):
    first = bqml.train({**NETWORK, **STEPS}, flights)
    fewer = flights.drop_columns(["noise"])
    more = flights.set_column(0, "late", pa.array(["maybe"] * flights.num_rows))

    for rows, says in (
        (fewer, "needs the features of before"),
        (more, "needs the labels of before"),
    ):
        with pytest.raises(bqml.BqmlError, match=says):
            bqml.train({**NETWORK, "WARM_START": True}, rows, previous=first)


def test_a_warm_start_needs_a_model_with_one_training(flights):
    tuned = bqml.train({**LOGISTIC, "NUM_TRIALS": 2, "L2_REG": Range(0, 1)}, flights)

    for previous, says in ((None, "there is none that was trained"), (tuned, "has trials")):
        with pytest.raises(bqml.BqmlError, match=says):
            bqml.train({**LOGISTIC, "WARM_START": True}, flights, previous=previous)


def test_an_equation_that_is_solved_at_once_goes_on_from_nothing(delays):
    options = {**LINEAR, "OPTIMIZE_STRATEGY": "AUTO_STRATEGY"}
    first = bqml.train(options, delays)

    second = bqml.train({**options, "WARM_START": True}, delays, previous=first)

    solve = {**options, "OPTIMIZE_STRATEGY": "NORMAL_EQUATION", "WARM_START": True}
    with pytest.raises(bqml.BqmlError, match="cannot go on from an earlier training"):
        bqml.train(solve, delays, previous=first)
    assert second.fitted.estimator.strategy == "BATCH_GRADIENT_DESCENT"
