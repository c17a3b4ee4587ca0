"""Networks with a linear part beside their layers."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from localcloud import bqml
from tests.localcloud.bqml.conftest import call, schema

pytestmark = pytest.mark.covers("DNN_LINEAR_COMBINED_CLASSIFIER", "DNN_LINEAR_COMBINED_REGRESSOR")

CLASSIFIER: dict[str, Any] = {
    "MODEL_TYPE": "DNN_LINEAR_COMBINED_CLASSIFIER",
    "INPUT_LABEL_COLS": ["late"],
    "HIDDEN_UNITS": [16, 8],
    "LEARN_RATE": [("dnn", 0.01), ("linear", 0.1)],
    "ENABLE_GLOBAL_EXPLAIN": True,
}
REGRESSOR = {
    **CLASSIFIER,
    "MODEL_TYPE": "DNN_LINEAR_COMBINED_REGRESSOR",
    "INPUT_LABEL_COLS": ["minutes"],
}


@pytest.fixture(scope="module")
def combined(flights) -> bqml.Model:
    return bqml.train(CLASSIFIER, flights)


def test_both_parts_learn(combined):
    estimator = combined.fitted.estimator

    assert combined.fitted.evaluate(None, {})["roc_auc"] > 0.75
    assert np.abs(estimator.wide[0]).max() > 0.01
    assert estimator.deep.units == [16, 8]


def test_a_number_is_predicted_in_the_labels_scale(delays):
    model = bqml.train(REGRESSOR, delays)

    assert call("EVALUATE", model, delays)["r2_score"][0].as_py() > 0.95


def test_the_linear_part_alone_moves_where_the_deep_one_may_not(flights):
    # So slow that the layers stay where they began.
    options = {**CLASSIFIER, "LEARN_RATE": [("dnn", 1e-12), ("linear", 0.1)]}

    slow = bqml.train({**options, "MAX_ITERATIONS": 1}, flights).fitted.estimator
    later = bqml.train({**options, "MAX_ITERATIONS": 3}, flights).fitted.estimator

    assert np.allclose(slow.deep.dense[0][0], later.deep.dense[0][0], atol=1e-6)
    assert not np.allclose(slow.wide[0], later.wide[0], atol=1e-3)


@pytest.mark.parametrize(
    ("given", "parts"),
    [
        ({}, [["dnn", "ADAM"], ["linear", "FTRL"]]),
        ({"OPTIMIZER": "adagrad"}, [["dnn", "ADAGRAD"], ["linear", "ADAGRAD"]]),
        ({"OPTIMIZER": [("linear", "sgd")]}, [["dnn", "ADAM"], ["linear", "SGD"]]),
        (
            {"OPTIMIZER": [{"part": "dnn", "name": "RMSPROP"}, ("linear", "SGD")]},
            [["dnn", "RMSPROP"], ["linear", "SGD"]],
        ),
    ],
)
def test_each_part_has_its_optimizer(flights, given, parts):
    model = bqml.train({**CLASSIFIER, **given, "MAX_ITERATIONS": 1}, flights)

    assert model.options["OPTIMIZER"] == parts


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"OPTIMIZER": [("deep", "ADAM")]}, r"STRUCT\('dnn', …\)"),
        ({"OPTIMIZER": [("dnn", "LION")]}, "with such names"),
        ({"LEARN_RATE": [("dnn", 0.1), ("dnn", 0.2)]}, "with such numbers"),
        ({"LEARN_RATE": [("dnn", 0)]}, "with such numbers"),
        ({"OPTIMIZER": "ADAM", "L1_REG": 0.1}, "l1_reg needs optimizer"),
    ],
)
def test_wrong_options_are_refused(flights, options, says):
    with pytest.raises(bqml.BqmlError, match=says):
        bqml.train({**CLASSIFIER, **options}, flights)


def test_attributions_add_up_to_the_prediction(flights, combined):
    found = call("EXPLAIN_PREDICT", combined, flights.slice(0, 20))

    assert max(found["approximation_error"].to_pylist()) < 0.1
    assert schema(found)["approximation_error"] == "double"
    assert call("GLOBAL_EXPLAIN", combined)["feature"][0].as_py() == "rain"


def test_only_what_google_tunes_is_tuned(flights):
    space = bqml.train({**CLASSIFIER, "NUM_TRIALS": 2, "MAX_ITERATIONS": 1}, flights)

    tuned = call("TRIAL_INFO", space)["hyperparameters"].type
    assert {field.name for field in tuned} == {"batch_size", "dropout", "l1_reg", "l2_reg"}


def test_the_order_of_rows_means_nothing(flights, combined):
    order = np.random.default_rng(3).permutation(flights.num_rows)

    again = bqml.train(CLASSIFIER, flights.take(pa.array(order)))

    assert np.allclose(again.fitted.scores(flights), combined.fitted.scores(flights))


def test_a_loaded_network_predicts_the_same(flights, combined, tmp_path):
    combined.save(tmp_path)

    loaded = bqml.Model.load(tmp_path)

    assert np.array_equal(loaded.fitted.scores(flights), combined.fitted.scores(flights))
    assert loaded.training_runs == combined.training_runs
    assert loaded.training_runs[0]["trainingOptions"]["optimizer"] == "ADAM"
