"""Neural networks, by scikit-learn's multi-layer perceptron.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-create-dnn-models
An iteration is one pass over the training rows. The labels of a regression are learnt on a scale of
unit variance; losses and predictions are in the label's own.
"""

import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from localcloud.bqml import options
from localcloud.bqml.arrays import Design, Floats, Places
from localcloud.bqml.errors import BqmlError
from localcloud.bqml.model import Iteration, OnIteration, hardly_better
from localcloud.bqml.options import Option
from localcloud.bqml.supervised import metrics, split, weights
from localcloud.bqml.supervised.estimator import Contributions, TrainingSet
from localcloud.bqml.supervised.gradient_descent import probabilities
from localcloud.bqml.tuning.space import PENALTY, Hyperparameter

FILE = "network.npz"
MOST_UNITS = 128
BATCH = 32
ACTIVATIONS = {"RELU": "relu", "SIGMOID": "logistic", "TANH": "tanh"}
SOLVERS = {"ADAM": "adam", "SGD": "sgd"}
STEPS_A_CHUNK = 2_000_000
"""Numbers in memory at a time while predictions are explained."""

REGRESSION_OPTIONS: Mapping[str, Option] = {
    **options.LABEL,
    **options.SPLIT,
    **options.STOP,
    **options.EXPLAIN,
    "ACTIVATION_FN": options.choice(
        "RELU",
        "RELU",
        "RELU6",
        "CRELU",
        "ELU",
        "SELU",
        "SIGMOID",
        "TANH",
        supported=tuple(ACTIVATIONS),
    ),
    "BATCH_SIZE": options.whole(None, 1, 8192),
    "DROPOUT": Option(
        0.0,
        "0 to 1",
        lambda value: (
            isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1
        ),
        supported=(0.0,),
    ),
    "HIDDEN_UNITS": Option(
        None,
        "an array of whole numbers of 1 or more",
        lambda value: (
            isinstance(value, (list, tuple))
            and len(value) > 0
            and all(type(units) is int and units > 0 for units in value)
        ),
    ),
    "INTEGRATED_GRADIENTS_NUM_STEPS": options.whole(15, 1),
    "L1_REG": Option(
        0.0,
        "a number of 0 or more",
        lambda value: (
            isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0
        ),
        supported=(0.0,),
    ),
    "L2_REG": options.number(0.0),
    "LEARN_RATE": options.positive(0.001),
    "OPTIMIZER": options.choice(
        "ADAM", "ADAGRAD", "ADAM", "FTRL", "RMSPROP", "SGD", supported=tuple(SOLVERS)
    ),
    "TF_VERSION": options.choice("1.15", "1.15", "2.8.0", "2.17.0"),
    "WARM_START": options.flag(False, supported=(False,)),
}
CLASSIFICATION_OPTIONS: Mapping[str, Option] = {**REGRESSION_OPTIONS, **options.CLASS_WEIGHTS}
HYPERPARAMETERS: Mapping[str, Hyperparameter] = {
    "BATCH_SIZE": Hyperparameter(1, 8192, (16, 1024), is_whole=True, is_logarithmic=True),
    "LEARN_RATE": Hyperparameter(0, 1, (0, 1)),
    "HIDDEN_UNITS": Hyperparameter(),
    "OPTIMIZER": Hyperparameter(),
    "ACTIVATION_FN": Hyperparameter(),
    "L2_REG": PENALTY,
}


@dataclass(frozen=True)
class Network:
    """A fitted network.

    Attributes:
        layers: Weights and intercepts of each layer, the output last.
        activation: `RELU`, `SIGMOID` or `TANH`, of all layers but the output.
        class_count: Number of classes; 0 for a regressor.
        mean: Of the label of a regressor.
        scale: Its deviation.
        steps: Of the integrated gradients.
    """

    layers: tuple[tuple[Floats, Floats], ...]
    activation: str
    class_count: int
    mean: float
    scale: float
    steps: int

    def predict(self, features: Design) -> Floats:
        """See `Estimator.predict`."""
        outputs = self._outputs(features)
        return probabilities(outputs) if self.class_count else outputs[:, 0]

    def contributions(
        self, features: Design, classes: Places | None, *, approximate: bool
    ) -> Contributions:
        """See `Estimator.contributions`; integrated gradients from the mean of each column."""
        dense = np.asarray(features.toarray() if hasattr(features, "toarray") else features)
        at = (np.arange(self.steps) + 0.5) / self.steps
        chunk = max(1, STEPS_A_CHUNK // max(1, dense.shape[1] * self.steps))
        parts = [np.zeros((0, dense.shape[1]))]
        for start in range(0, len(dense), chunk):
            rows = dense[start : start + chunk]
            way = (rows[:, None, :] * at[None, :, None]).reshape(-1, rows.shape[1])
            wanted = None
            if classes is not None and self.class_count > 2:
                wanted = np.repeat(classes[start : start + chunk], self.steps)
            slopes = self._slopes(way, wanted).reshape(len(rows), self.steps, -1)
            parts.append(slopes.mean(axis=1) * rows)
        found = np.vstack(parts)
        totals = self._chosen(self._outputs(dense), classes)
        start_value = self._outputs(np.zeros((1, dense.shape[1])))
        baseline = self._chosen(np.repeat(start_value, len(dense), axis=0), classes)
        if classes is not None and self.class_count == 2:
            found = found * np.where(classes == 1, 1.0, -1.0)[:, None]
        return Contributions(found, baseline, totals)

    def training_options(self) -> dict[str, Any]:
        """See `Estimator.training_options`."""
        return {"hiddenUnits": [str(layer.shape[1]) for layer, _ in self.layers[:-1]]}

    def save(self, directory: Path) -> dict[str, Any]:
        """See `Estimator.save`."""
        arrays = {f"weights_{i}": layer for i, (layer, _) in enumerate(self.layers)}
        arrays |= {f"intercepts_{i}": own for i, (_, own) in enumerate(self.layers)}
        with (directory / FILE).open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)
        return {
            "layers": len(self.layers),
            "activation": self.activation,
            "class_count": self.class_count,
            "mean": self.mean,
            "scale": self.scale,
            "steps": self.steps,
        }

    @classmethod
    def load(cls, facts: Mapping[str, Any], directory: Path) -> "Network":
        """Read what `save` wrote."""
        with np.load(directory / FILE, allow_pickle=False) as arrays:
            layers = tuple(
                (arrays[f"weights_{i}"], arrays[f"intercepts_{i}"]) for i in range(facts["layers"])
            )
        return cls(**{**facts, "layers": layers})

    def _activated(self, values: Floats) -> Floats:
        if self.activation == "RELU":
            return np.maximum(values, 0)
        if self.activation == "TANH":
            return np.tanh(values)
        from scipy.special import expit

        return np.asarray(expit(values))

    def _slope(self, activated: Floats) -> Floats:
        if self.activation == "RELU":
            return (activated > 0).astype(np.float64)
        return 1 - activated**2 if self.activation == "TANH" else activated * (1 - activated)

    def _outputs(self, features: Design) -> Floats:
        """Numbers in the label's scale, or log odds."""
        values = features
        for layer, intercepts in self.layers[:-1]:
            values = self._activated(np.asarray(values @ layer) + intercepts)
        layer, intercepts = self.layers[-1]
        return (np.asarray(values @ layer) + intercepts) * self.scale + self.mean

    def _slopes(self, rows: Floats, classes: Places | None) -> Floats:
        """Gradient of the output, or of that of a class, by column."""
        activated = [rows]
        for layer, intercepts in self.layers[:-1]:
            activated.append(self._activated(activated[-1] @ layer + intercepts))
        last = self.layers[-1][0]
        back: Floats = last[:, [0]].T if classes is None else last.T[classes]
        back = np.broadcast_to(back, (len(rows), last.shape[0])) * self.scale
        for (layer, _), values in zip(
            reversed(self.layers[:-1]), reversed(activated), strict=False
        ):
            back = (back * self._slope(values)) @ layer.T
        return back

    def _chosen(self, outputs: Floats, classes: Places | None) -> Floats:
        if classes is None or self.class_count == 0:
            return outputs[:, 0]
        if self.class_count == 2:
            return np.where(classes == 1, 1.0, -1.0) * outputs[:, 0]
        return outputs[np.arange(len(outputs)), classes]


def check(settings: dict[str, Any], given: frozenset[str]) -> dict[str, Any]:
    """Refuse options that do not go together.

    Raises:
        BqmlError: Two options exclude each other.
    """
    split.check(settings)
    weights.check(settings)
    if settings["L2_REG"] and settings["OPTIMIZER"] == "ADAM":
        raise BqmlError("l2_reg needs optimizer = 'ADAGRAD', 'FTRL' or 'SGD'")
    if "INTEGRATED_GRADIENTS_NUM_STEPS" in given and not settings["ENABLE_GLOBAL_EXPLAIN"]:
        raise BqmlError("integrated_gradients_num_steps needs enable_global_explain = TRUE")
    return settings


def fit(
    data: TrainingSet, settings: Mapping[str, Any], on_iteration: OnIteration | None
) -> tuple[Network, list[Iteration]]:
    """Train a network, one pass after another."""
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from threadpoolctl import threadpool_limits

    rows, width = data.features.shape
    outputs = data.class_count or 1
    mean, scale = 0.0, 1.0
    if data.class_count == 0:
        mean, scale = float(data.target.mean()), float(data.target.std()) or 1.0
    units = settings["HIDDEN_UNITS"] or [max(1, min(MOST_UNITS, rows // (10 * (width + outputs))))]
    model = (MLPClassifier if data.class_count else MLPRegressor)(
        hidden_layer_sizes=tuple(units),
        activation=ACTIVATIONS[settings["ACTIVATION_FN"]],
        solver=SOLVERS[settings["OPTIMIZER"]],
        alpha=settings["L2_REG"],
        batch_size=min(settings["BATCH_SIZE"] or BATCH, rows),
        learning_rate_init=settings["LEARN_RATE"],
        momentum=0.0,
        random_state=0,
    )
    target = data.target.astype(np.intp) if data.class_count else (data.target - mean) / scale
    iterations: list[Iteration] = []

    def network() -> Network:
        layers = tuple(
            (np.array(own, dtype=np.float64), np.array(intercepts, dtype=np.float64))
            for own, intercepts in zip(model.coefs_, model.intercepts_, strict=True)
        )
        return Network(
            layers,
            settings["ACTIVATION_FN"],
            data.class_count,
            mean,
            scale,
            settings["INTEGRATED_GRADIENTS_NUM_STEPS"],
        )

    known = {"classes": np.arange(data.class_count)} if data.class_count else {}
    for index in range(settings["MAX_ITERATIONS"]):
        started = time.monotonic()
        # One thread sums in one order, and the layers are small.
        with threadpool_limits(1), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.partial_fit(data.features, target, sample_weight=data.weights, **known)
            known = {}
            fitted = network()
            step = Iteration(
                index=index,
                loss=_loss(fitted, data.features, data.target, data.weights),
                eval_loss=None
                if data.eval_features is None or data.eval_target is None
                else _loss(fitted, data.eval_features, data.eval_target, data.eval_weights),
                learning_rate=float(settings["LEARN_RATE"]),
                duration_ms=int((time.monotonic() - started) * 1000),
            )
        if not np.isfinite(step.loss or 0.0):
            raise BqmlError(
                f"the loss became infinite in iteration {index} with a learning rate of "
                f"{settings['LEARN_RATE']:g}; give a lower learn_rate"
            )
        iterations.append(step)
        if on_iteration:
            on_iteration(step)
        if hardly_better(iterations, settings):
            break
    return fitted, iterations


def _loss(fitted: Network, features: Design, target: Floats, by_row: Floats | None) -> float:
    predicted = fitted.predict(features)
    if fitted.class_count:
        return metrics.log_loss(predicted, target.astype(np.intp), by_row)
    return metrics.mean_squared_error(predicted, target, by_row)
