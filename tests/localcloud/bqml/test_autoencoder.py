"""Autoencoders."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from localcloud import bqml
from localcloud.bqml.tuning.space import Candidates
from tests.localcloud.bqml.conftest import call, known_set, schema

pytestmark = pytest.mark.covers("AUTOENCODER")

OPTIONS: dict[str, Any] = {
    "MODEL_TYPE": "AUTOENCODER",
    "HIDDEN_UNITS": [8, 2, 8],
    "ACTIVATION_FN": "TANH",
    "LEARN_RATE": 0.01,
}


@pytest.fixture(scope="module")
def flowers() -> pa.Table:
    return known_set("iris")[0].drop_columns(["target"])


@pytest.fixture(scope="module")
def model(flowers) -> bqml.Model:
    return bqml.train({**OPTIONS, "MAX_ITERATIONS": 100, "EARLY_STOP": False}, flowers)


def test_a_narrow_layer_keeps_at_least_what_as_many_components_keep(flowers, model):
    components = bqml.train({"MODEL_TYPE": "PCA", "NUM_PRINCIPAL_COMPONENTS": 2}, flowers)

    error = call("EVALUATE", model)["mean_squared_error"][0].as_py()

    assert error < components.iterations[0].loss + 0.02


@pytest.mark.covers("ML.EVALUATE", "ML.RECONSTRUCTION_LOSS")
def test_metrics_are_the_means_of_the_losses_of_rows(flowers, model):
    losses = call("RECONSTRUCTION_LOSS", model, flowers)

    assert list(schema(losses)) == [
        "mean_absolute_error",
        "mean_squared_error",
        "mean_squared_log_error",
        *flowers.column_names,
    ]
    for table in ((), (flowers,)):
        for name, value in call("EVALUATE", model, *table).to_pylist()[0].items():
            assert np.asarray(losses[name]).mean() == pytest.approx(value)


@pytest.mark.covers("ML.PREDICT", "ML.GENERATE_EMBEDDING", "AI.GENERATE_EMBEDDING")
def test_predictions_and_embeddings_are_places_in_the_latent_space(flowers, model):
    predicted = call("PREDICT", model, flowers)
    embedded = call("GENERATE_EMBEDDING", model, flowers)

    assert schema(predicted) == {
        "latent_col_1": "double",
        "latent_col_2": "double",
        **schema(flowers),
    }
    both = zip(*(predicted[f"latent_col_{place}"].to_pylist() for place in (1, 2)), strict=True)
    assert embedded["ml_generate_embedding_result"].to_pylist() == [list(pair) for pair in both]


@pytest.mark.covers("ML.DETECT_ANOMALIES")
def test_the_rows_that_are_worst_reconstructed_are_anomalies(flowers, model):
    strange = pa.Table.from_pylist([dict.fromkeys(flowers.column_names, 50.0)])

    found = call("DETECT_ANOMALIES", model, flowers, contamination=0.1)
    alone = call("DETECT_ANOMALIES", model, strange, contamination=0.0)

    assert list(schema(found))[:2] == ["is_anomaly", "mean_squared_error"]
    assert sum(found["is_anomaly"].to_pylist()) == 15
    assert alone["is_anomaly"].to_pylist() == [True]


def test_a_penalty_on_activations_makes_the_latent_space_small(flowers, model):
    options = {**OPTIONS, "MAX_ITERATIONS": 100, "EARLY_STOP": False}

    penalised = bqml.train({**options, "L1_REG_ACTIVATION": 0.5}, flowers)

    sizes = [np.abs(one.fitted.embed(flowers)).mean() for one in (model, penalised)]
    assert sizes[1] < sizes[0] / 4


def test_categories_are_reconstructed_too(flights):
    rows = flights.drop_columns(["late"])

    model = bqml.train({**OPTIONS, "MAX_ITERATIONS": 3}, rows)

    # rain and noise, and a column for each carrier.
    assert len(model.fitted.network.dense[-1][1]) == 5


def test_the_usual_layer_is_as_large_as_googles_page_says(flights):
    options = {"MODEL_TYPE": "AUTOENCODER", "MAX_ITERATIONS": 1}

    model = bqml.train(options, flights.drop_columns(["late"]))

    assert model.fitted.network.units == [2000 // (10 * (5 + 5))]


def test_losses_of_the_training_are_told(model):
    info = call("TRAINING_INFO", model)

    losses = info["loss"].to_pylist()
    assert losses[0] < losses[-1]
    assert info["eval_loss"].null_count == len(losses) == 100


@pytest.mark.covers("ML.TRIAL_INFO", "hyperparameter tuning")
def test_the_best_of_several_autoencoders_is_kept(flowers):
    shapes = Candidates([[4], [8, 2, 8]])
    options = {**OPTIONS, "HIDDEN_UNITS": shapes, "NUM_TRIALS": 2, "MAX_ITERATIONS": 10}

    tuned = bqml.train(options, flowers)

    trials = call("TRIAL_INFO", tuned).to_pylist()
    errors = {
        trial["trial_id"]: trial["hparam_tuning_evaluation_metrics"]["mean_squared_error"]
        for trial in trials
    }
    optimal = [trial["trial_id"] for trial in trials if trial["is_optimal"]]
    assert errors[optimal[0]] == min(errors.values())


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"HIDDEN_UNITS": [8, 4]}, "odd number of layers"),
        ({"ACTIVATION_FN": "CRELU"}, "one of RELU, RELU6, ELU"),
        ({"L1_REG": 0.1}, "l1_reg is not one of AUTOENCODER"),
        ({"DATA_SPLIT_METHOD": "NO_SPLIT"}, "not one of AUTOENCODER"),
    ],
)
def test_wrong_options_are_refused(flowers, options, says):
    with pytest.raises(bqml.BqmlError, match=says):
        bqml.train({**OPTIONS, **options}, flowers)


def test_only_autoencoders_reconstruct(flights, tree):
    with pytest.raises(bqml.BqmlError, match="is for models of type AUTOENCODER"):
        call("RECONSTRUCTION_LOSS", tree, flights)


def test_the_order_of_rows_means_nothing(flowers, model):
    order = np.random.default_rng(3).permutation(flowers.num_rows)

    again = bqml.train(
        {**OPTIONS, "MAX_ITERATIONS": 100, "EARLY_STOP": False}, flowers.take(pa.array(order))
    )

    assert np.allclose(again.fitted.embed(flowers), model.fitted.embed(flowers))


def test_a_loaded_autoencoder_says_the_same(flowers, model, tmp_path):
    model.save(tmp_path)

    loaded = bqml.Model.load(tmp_path)

    assert np.array_equal(loaded.fitted.embed(flowers), model.fitted.embed(flowers))
    assert np.array_equal(loaded.fitted.training_scores, model.fitted.training_scores)
    assert loaded.training_runs == model.training_runs
