"""Autoencoders: networks that learn to give back what they are given, through a narrow layer.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-create-autoencoder
Errors are those of the encoded columns: numbers centred and divided by their deviation, and
categories one-hot.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from localcloud.bqml import options, order, statistics
from localcloud.bqml.arrays import Design, Floats
from localcloud.bqml.encoding import Encoding
from localcloud.bqml.errors import BqmlError
from localcloud.bqml.features import feature_columns
from localcloud.bqml.kind import Kind
from localcloud.bqml.model import Iteration, Model, OnIteration
from localcloud.bqml.network import layers, training
from localcloud.bqml.network import options as network
from localcloud.bqml.network.activation import ACTIVATIONS
from localcloud.bqml.network.layers import Layers
from localcloud.bqml.network.optimizer import Optimizer
from localcloud.bqml.network.steps import Steps
from localcloud.bqml.options import Option
from localcloud.bqml.tuning.space import PENALTY, Hyperparameter
from localcloud.bqml.warm_start import check_features

FILE = "network.npz"
SCORES = "training_scores.npz"
LAYERS = "layers"
CHUNK = 65_536
"""Rows that are reconstructed at a time."""
EPSILON = 1e-7
"""The least value whose logarithm counts, as in Keras."""

OPTIONS: Mapping[str, Option] = {
    **network.OPTIONS,
    **network.ONE_OPTIMIZER,
    "ACTIVATION_FN": options.choice(
        "RELU", *(name for name, activation in ACTIVATIONS.items() if not activation.doubles)
    ),
    "L1_REG_ACTIVATION": options.number(0.0),
}
HYPERPARAMETERS: Mapping[str, Hyperparameter] = {
    **network.HYPERPARAMETERS,
    **network.OF_ONE_OPTIMIZER,
    "L1_REG_ACTIVATION": PENALTY,
}


@dataclass(frozen=True)
class Autoencoder:
    """A fitted autoencoder.

    Attributes:
        encoding: How columns become numbers.
        network: The layers; the hidden one in the middle is the latent space.
        scores: What ML.EVALUATE says of the training rows.
        training_scores: Mean squared error of each training row, in order of size.
    """

    encoding: Encoding
    network: Layers
    scores: Mapping[str, float]
    training_scores: Floats

    @property
    def latent(self) -> int:
        """The place of the latent space among the hidden layers."""
        return len(self.network.units) // 2

    def embed(self, rows: pa.Table) -> Floats:
        """See `Embedder.embed`: where rows lie in the latent space."""
        return self.network.hidden(self.encoding.encode(rows), self.latent)

    def predict(self, rows: pa.Table, settings: Mapping[str, Any]) -> dict[str, pa.Array]:
        """See `Fitted.predict`: where rows lie in the latent space, a column each dimension."""
        _refuse_threshold(settings)
        return {
            f"latent_col_{place}": pa.array(values, pa.float64())
            for place, values in enumerate(self.embed(rows).T, start=1)
        }

    def losses(self, rows: pa.Table) -> dict[str, Floats]:
        """How far each row is from its reconstruction, by metric.

        Raises:
            BqmlError: A column is missing or of a wrong type.
        """
        return self._losses(self.encoding.encode(rows))

    def evaluate(self, rows: pa.Table | None, settings: Mapping[str, Any]) -> dict[str, float]:
        """See `Fitted.evaluate`: the means of the losses of all rows."""
        _refuse_threshold(settings)
        return dict(self.scores) if rows is None else _means(self.losses(rows))

    def anomaly_scores(self, rows: pa.Table) -> dict[str, pa.Array]:
        """See `Detector.anomaly_scores`."""
        errors = self.losses(rows)["mean_squared_error"]
        return {"mean_squared_error": pa.array(errors, pa.float64())}

    def training_run(self) -> dict[str, Any]:
        """See `Fitted.training_run`."""
        return {
            "trainingOptions": {
                "hiddenUnits": [str(units) for units in self.network.units],
                "lossType": "MEAN_SQUARED_LOSS",
            },
            "evaluationMetrics": {
                "regressionMetrics": {
                    "meanAbsoluteError": self.scores["mean_absolute_error"],
                    "meanSquaredError": self.scores["mean_squared_error"],
                    "meanSquaredLogError": self.scores["mean_squared_log_error"],
                }
            },
        }

    def _losses(self, features: Design) -> dict[str, Floats]:
        found: dict[str, list[Floats]] = {
            "mean_absolute_error": [np.zeros(0)],
            "mean_squared_error": [np.zeros(0)],
            "mean_squared_log_error": [np.zeros(0)],
        }
        for start in range(0, features.shape[0], CHUNK):
            given = _dense(features[start : start + CHUNK])
            made = self.network.outputs(given)
            logs = np.log1p(np.maximum(made, EPSILON)) - np.log1p(np.maximum(given, EPSILON))
            found["mean_absolute_error"].append(np.abs(made - given).mean(axis=1))
            found["mean_squared_error"].append(((made - given) ** 2).mean(axis=1))
            found["mean_squared_log_error"].append((logs**2).mean(axis=1))
        return {name: np.concatenate(parts) for name, parts in found.items()}

    def save(self, directory: Path) -> dict[str, Any]:
        """See `Fitted.save`."""
        layers.write(directory / FILE, {LAYERS: self.network.dense})
        np.savez_compressed(directory / SCORES, training_scores=self.training_scores)
        return {
            "encoding": self.encoding.to_json(),
            "activation": self.network.activation,
            "scores": dict(self.scores),
        }

    @classmethod
    def load(cls, facts: Mapping[str, Any], directory: Path) -> "Autoencoder":
        """Read what `save` wrote."""
        with np.load(directory / SCORES, allow_pickle=False) as arrays:
            training_scores = arrays["training_scores"]
        return cls(
            encoding=Encoding.from_json(facts["encoding"]),
            network=Layers(layers.read(directory / FILE, LAYERS), facts["activation"]),
            scores=facts["scores"],
            training_scores=training_scores,
        )


def check(settings: dict[str, Any], given: frozenset[str]) -> dict[str, Any]:
    """Refuse options that do not go together.

    Raises:
        BqmlError: HIDDEN_UNITS has no layer in the middle.
    """
    units = settings["HIDDEN_UNITS"]
    if units is not None and len(units) % 2 == 0:
        raise BqmlError(
            f"hidden_units is {list(units)}; give an odd number of layers: the one in the middle "
            "is the latent space"
        )
    return settings


def train(
    kind: Kind,
    settings: Mapping[str, Any],
    table: pa.Table,
    on_iteration: OnIteration | None,
    previous: Model | None = None,
) -> Model:
    """Train an autoencoder, or one that is there further.

    Raises:
        BqmlError: There are no rows, or the loss became infinite.
        NotImplementedError: A column's type is not taken yet.
    """
    if table.num_rows == 0:
        raise BqmlError("Input data doesn't contain any rows.")
    rows = table.take(pa.array(order.shuffled(table)))
    names = feature_columns(rows, ())
    if previous is not None and isinstance(previous.fitted, Autoencoder):
        check_features(names, previous)
        fitted = previous.fitted
    else:
        encoding = Encoding.fit_unlabelled(rows, names, standardize=True)
        fitted = Autoencoder(encoding, Layers((), settings["ACTIVATION_FN"]), {}, np.zeros(0))
    features = fitted.encoding.encode(rows)
    fitted, iterations = _fit(fitted, features, settings, on_iteration)
    losses = fitted._losses(features)
    return Model(
        kind=kind.name,
        model_type=kind.model_type,
        options=settings,
        feature_columns=names,
        label_columns=[],
        iterations=iterations,
        feature_statistics=statistics.of_columns(rows, [name for name, _ in names]),
        fitted=replace(
            fitted, scores=_means(losses), training_scores=np.sort(losses["mean_squared_error"])
        ),
    )


def _fit(
    fitted: Autoencoder,
    features: Design,
    settings: Mapping[str, Any],
    on_iteration: OnIteration | None,
) -> tuple[Autoencoder, list[Iteration]]:
    rows, width = features.shape
    start = fitted.network.dense
    units = (
        network.units_of(fitted.network, settings)
        if start
        else network.units(settings, rows, width, width)
    )
    optimizer = Optimizer.of({}, settings["OPTIMIZER"], settings["LEARN_RATE"])
    plan = training.Plan(
        units=units,
        outputs=width,
        activation=settings["ACTIVATION_FN"],
        dropout=settings["DROPOUT"],
        classifies=False,
        deep=optimizer,
        wide=None,
        batch=network.batch(settings, rows),
        latent=len(units) // 2,
        latent_penalty=settings["L1_REG_ACTIVATION"],
    )
    steps = Steps(settings, optimizer.learning_rate, on_iteration)
    begin = training.Numbers(start) if start else None
    for numbers in training.passes(plan, features, features, None, begin):
        fitted = replace(fitted, network=Layers(numbers.deep, plan.activation))
        if steps.add(numbers.loss, None):
            break
    return fitted, steps.iterations


def _means(losses: Mapping[str, Floats]) -> dict[str, float]:
    return {name: float(values.mean()) for name, values in losses.items()}


def _dense(rows: Design) -> Floats:
    return np.asarray(rows.toarray() if hasattr(rows, "toarray") else rows)


def _refuse_threshold(settings: Mapping[str, Any]) -> None:
    if settings.get("threshold") is not None:
        raise BqmlError("threshold is for models with two classes, and this has a latent space")
