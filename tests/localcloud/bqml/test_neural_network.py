"""Neural networks against scikit-learn called directly."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import roc_auc_score
from sklearn.neural_network import MLPClassifier, MLPRegressor

from localcloud import bqml
from localcloud.bqml import Model
from localcloud.bqml.network.activation import ACTIVATIONS
from localcloud.bqml.tuning.space import Candidates
from tests.localcloud.bqml.conftest import call, known_set

pytestmark = pytest.mark.covers("DNN_CLASSIFIER", "DNN_REGRESSOR", "ML.EXPLAIN_PREDICT")

CLASSIFIER: dict[str, Any] = {
    "MODEL_TYPE": "DNN_CLASSIFIER",
    "INPUT_LABEL_COLS": ["late"],
    "HIDDEN_UNITS": [16, 8],
    "LEARN_RATE": 0.01,
}
REGRESSOR = {**CLASSIFIER, "MODEL_TYPE": "DNN_REGRESSOR", "INPUT_LABEL_COLS": ["minutes"]}


@pytest.fixture(scope="module")
def network(flights) -> Model:
    return bqml.train({**CLASSIFIER, "ENABLE_GLOBAL_EXPLAIN": True}, flights)


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "diabetes"])
def test_a_network_is_as_good_as_the_librarys_own(name):
    table, training, held_out = known_set(name)
    classifies = name != "diabetes"
    options = {
        **CLASSIFIER,
        "MODEL_TYPE": "DNN_CLASSIFIER" if classifies else "DNN_REGRESSOR",
        "INPUT_LABEL_COLS": ["target"],
        "HIDDEN_UNITS": [16],
        # At a higher rate diabetes is overfitted, and how far is chance.
        "LEARN_RATE": 0.01 if classifies else 0.001,
        "DATA_SPLIT_METHOD": "NO_SPLIT",
        "EARLY_STOP": False,
        "MAX_ITERATIONS": 60,
    }

    model = bqml.train(options, table.take(training))

    mine = call("EVALUATE", model, table.take(held_out)).to_pylist()[0]
    frame = table.drop_columns(["target"]).to_pandas()
    target = np.asarray(table["target"], dtype=float)
    frame = (frame - frame.iloc[training].mean()) / frame.iloc[training].std(ddof=0)
    known = {"hidden_layer_sizes": (16,), "random_state": 0}
    known["learning_rate_init"] = options["LEARN_RATE"]
    known |= {"max_iter": 60, "batch_size": 32, "alpha": 0.0}
    if classifies:
        own = MLPClassifier(**known).fit(frame.iloc[training], target[training])
        scores = own.predict_proba(frame.iloc[held_out])
        scores = scores[:, 1] if scores.shape[1] == 2 else scores
        theirs = roc_auc_score(target[held_out], scores, multi_class="ovr")
        assert mine["roc_auc"] >= theirs - 0.02
    else:
        mean, scale = target[training].mean(), target[training].std()
        own = MLPRegressor(**known).fit(frame.iloc[training], (target[training] - mean) / scale)
        theirs = own.score(frame.iloc[held_out], (target[held_out] - mean) / scale)
        assert mine["r2_score"] >= theirs - 0.02


def test_losses_fall(network):
    losses = [step.loss for step in network.iterations]

    assert losses == sorted(losses, reverse=True)
    assert network.iterations[-1].eval_loss is not None


def test_the_usual_layer_is_as_large_as_googles_page_says(flights):
    options = {**CLASSIFIER, "MAX_ITERATIONS": 1}
    del options["HIDDEN_UNITS"]

    run = bqml.train(options, flights).training_runs[0]

    # 1,600 training rows; five encoded columns and two classes.
    assert run["trainingOptions"]["hiddenUnits"] == [str(1600 // (10 * (5 + 2)))]


def test_attributions_add_up_to_the_prediction(flights, network):
    found = call("EXPLAIN_PREDICT", network, flights.slice(0, 20)).to_pylist()

    for row in found:
        total = sum(entry["attribution"] for entry in row["top_feature_attributions"])
        expected = row["prediction_value"] - row["baseline_prediction_value"]
        assert total == pytest.approx(expected, abs=0.1)
    assert call("GLOBAL_EXPLAIN", network)["feature"][0].as_py() == "rain"


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_attributions_follow_every_activation(delays, activation):
    model = bqml.train({**REGRESSOR, "ACTIVATION_FN": activation}, delays)

    found = call("EXPLAIN_PREDICT", model, delays.slice(0, 20)).to_pylist()

    for row in found:
        total = sum(entry["attribution"] for entry in row["top_feature_attributions"])
        expected = row["prediction_value"] - row["baseline_prediction_value"]
        assert total == pytest.approx(expected, abs=0.05 * abs(expected) + 0.5)


def test_more_steps_bring_attributions_closer_to_the_prediction(flights, network):
    rough, fine = (
        call("EXPLAIN_PREDICT", network, flights, integrated_gradients_num_steps=steps)
        for steps in (1, 200)
    )

    errors = [np.asarray(found["approximation_error"]).mean() for found in (rough, fine)]
    assert errors[1] < errors[0] / 2


def test_only_networks_have_integrated_gradients(flights, tree):
    with pytest.raises(bqml.BqmlError, match="is for neural networks"):
        call("EXPLAIN_PREDICT", tree, flights, integrated_gradients_num_steps=5)


def test_a_network_predicts_numbers_in_the_labels_scale(delays):
    model = bqml.train(REGRESSOR, delays)

    assert call("EVALUATE", model, delays)["r2_score"][0].as_py() > 0.9


def test_weights_of_classes_count(flights):
    heavy = {**CLASSIFIER, "CLASS_WEIGHTS": [("true", 10.0), ("false", 1.0)], "MAX_ITERATIONS": 5}

    plain = bqml.train({**CLASSIFIER, "MAX_ITERATIONS": 5}, flights)
    weighed = bqml.train(heavy, flights)

    late = [model.fitted.scores(flights)[:, 1].mean() for model in (plain, weighed)]
    assert late[1] > late[0] + 0.1


@pytest.mark.parametrize(
    ("optimizer", "rate"),
    [("ADAGRAD", 0.1), ("ADAM", 0.01), ("FTRL", 0.5), ("RMSPROP", 0.01), ("SGD", 0.1)],
)
def test_every_optimizer_learns(flights, optimizer, rate):
    options = {**CLASSIFIER, "OPTIMIZER": optimizer, "LEARN_RATE": rate, "EARLY_STOP": False}

    model = bqml.train({**options, "MAX_ITERATIONS": 5}, flights)

    assert model.fitted.evaluate(None, {})["roc_auc"] > 0.7


@pytest.mark.parametrize(("optimizer", "rate"), [("ADAGRAD", 0.1), ("FTRL", 0.5), ("SGD", 0.1)])
def test_an_l1_penalty_makes_weights_zero_and_an_l2_penalty_small(flights, optimizer, rate):
    options = {**CLASSIFIER, "OPTIMIZER": optimizer, "LEARN_RATE": rate, "EARLY_STOP": False}

    plain, l1, l2 = (
        bqml.train({**options, "MAX_ITERATIONS": 3, **more}, flights).fitted.estimator
        for more in ({}, {"L1_REG": 0.01}, {"L2_REG": 0.05})
    )

    zeros = [np.mean(network.deep.dense[0][0] == 0) for network in (plain, l1)]
    sizes = [np.linalg.norm(network.deep.dense[0][0]) for network in (plain, l2)]
    assert zeros[1] > zeros[0] + 0.1
    assert sizes[1] < sizes[0]


@pytest.mark.parametrize("optimizer", ["ADAM", "RMSPROP"])
@pytest.mark.parametrize("penalty", ["L1_REG", "L2_REG"])
def test_a_penalty_needs_an_optimizer_that_has_one(flights, optimizer, penalty):
    options = {**CLASSIFIER, "OPTIMIZER": optimizer, penalty: 0.1}

    with pytest.raises(bqml.BqmlError, match=f"{penalty.lower()} needs optimizer = 'ADAGRAD'"):
        bqml.train(options, flights)


def test_dropout_keeps_a_network_from_learning_rows_by_heart(flights):
    random = np.random.default_rng(5)
    rows = flights.slice(0, 200).drop_columns(["late"])
    rows = rows.append_column("late", pa.array(random.random(200) < 0.5))
    options = {**CLASSIFIER, "HIDDEN_UNITS": [64, 64], "MAX_ITERATIONS": 60, "EARLY_STOP": False}

    plain, dropped, again = (
        bqml.train({**options, "DROPOUT": share}, rows) for share in (0.0, 0.5, 0.5)
    )

    assert plain.iterations[-1].loss < dropped.iterations[-1].loss - 0.05
    assert [step.loss for step in again.iterations] == [step.loss for step in dropped.iterations]


def test_batches_are_as_large_as_is_said(flights):
    few, many = (
        bqml.train({**CLASSIFIER, "BATCH_SIZE": size, "MAX_ITERATIONS": 1}, flights)
        for size in (8192, 16)
    )

    # One step against a hundred.
    assert few.iterations[0].loss > many.iterations[0].loss


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"HIDDEN_UNITS": [0]}, "whole numbers of 1 or more"),
        ({"OPTIMIZER": "LION"}, "one of ADAGRAD, ADAM"),
        ({"ACTIVATION_FN": "GELU"}, "one of RELU, RELU6"),
        ({"DROPOUT": 1.5}, "0 to 1"),
        ({"BATCH_SIZE": 9000}, "1 to 8192"),
        ({"INTEGRATED_GRADIENTS_NUM_STEPS": 5}, "needs enable_global_explain"),
    ],
)
def test_wrong_options_are_refused(flights, options, says):
    with pytest.raises(bqml.BqmlError, match=says):
        bqml.train({**CLASSIFIER, **options}, flights)


@pytest.mark.covers("hyperparameter tuning", "ML.TRIAL_INFO")
def test_shapes_of_networks_are_tuned(flights):
    shapes = Candidates([[4], [16, 8]])
    options = {**CLASSIFIER, "HIDDEN_UNITS": shapes, "OPTIMIZER": Candidates(["ADAM", "SGD"])}

    tuned = bqml.train({**options, "NUM_TRIALS": 3, "MAX_ITERATIONS": 2}, flights)

    tried = call("TRIAL_INFO", tuned)["hyperparameters"].to_pylist()
    told = [trial["hparams"] for trial in tuned.resource["hparamTrials"]]
    assert len({repr(values) for values in tried}) == 3
    assert told[0] == {
        "hiddenUnits": [str(units) for units in tried[0]["hidden_units"]],
        "optimizer": tried[0]["optimizer"],
    }


def test_the_order_of_rows_means_nothing(flights, network):
    order = np.random.default_rng(3).permutation(flights.num_rows)

    again = bqml.train({**CLASSIFIER, "ENABLE_GLOBAL_EXPLAIN": True}, flights.take(pa.array(order)))

    assert np.allclose(again.fitted.scores(flights), network.fitted.scores(flights))


def test_a_loaded_network_predicts_the_same(flights, network, tmp_path):
    network.save(tmp_path)

    loaded = Model.load(tmp_path)

    assert np.array_equal(loaded.fitted.scores(flights), network.fitted.scores(flights))
    assert loaded.training_runs == network.training_runs
