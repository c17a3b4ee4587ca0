"""Neural networks, deep ones and ones with a linear part beside, by Keras.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-create-dnn-models,
…/bigqueryml-syntax-create-wnd-models. An iteration is one pass over the training rows; its loss is
that of each row when its step came, as TensorFlow and Keras tell it. The labels of a regression are
learnt on a scale of unit variance; losses and predictions are in the label's own.
TF_VERSION is kept and reported, but the installed Keras trains, whichever it says.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from localcloud.bqml import options
from localcloud.bqml.arrays import Design, Floats, Places
from localcloud.bqml.errors import BqmlError
from localcloud.bqml.model import Iteration, OnIteration
from localcloud.bqml.network import layers, training
from localcloud.bqml.network import options as network
from localcloud.bqml.network.layers import Dense, Layers
from localcloud.bqml.network.optimizer import NAMES, Optimizer, has_penalties
from localcloud.bqml.network.steps import Steps
from localcloud.bqml.options import Option
from localcloud.bqml.supervised import metrics, split, weights
from localcloud.bqml.supervised.estimator import Contributions, TrainingSet
from localcloud.bqml.supervised.gradient_descent import probabilities
from localcloud.bqml.tuning.space import Hyperparameter

FILE = "network.npz"
DEEP, WIDE = "deep", "wide"
STEPS_A_CHUNK = 2_000_000
"""Numbers in memory at a time while predictions are explained."""

_BOTH: Mapping[str, Option] = {
    **options.LABEL,
    **options.SPLIT,
    **options.EXPLAIN,
    **network.OPTIONS,
    **network.PENALTIES,
}
REGRESSION_OPTIONS: Mapping[str, Option] = {
    **_BOTH,
    **network.ONE_OPTIMIZER,
    "INTEGRATED_GRADIENTS_NUM_STEPS": options.whole(15, 1, 30),
}
CLASSIFICATION_OPTIONS: Mapping[str, Option] = {**REGRESSION_OPTIONS, **options.CLASS_WEIGHTS}
HYPERPARAMETERS: Mapping[str, Hyperparameter] = {
    **network.HYPERPARAMETERS,
    **network.OF_PENALTIES,
    **network.OF_ONE_OPTIMIZER,
}


def _of_parts(value: Any, accepts: Any) -> bool:
    """Whether a value is of both parts, or an array of STRUCT(part, value)."""
    if not isinstance(value, (list, tuple)):
        return bool(accepts(value))
    pairs = [_pair(pair) for pair in value]
    names = [pair[0] for pair in pairs if pair is not None]
    return (
        len(names) == len(pairs) > 0
        and len(set(names)) == len(names)
        and all(pair[0] in ("dnn", "linear") and accepts(pair[1]) for pair in pairs if pair)
    )


def _pair(pair: Any) -> tuple[str, Any] | None:
    fields = list(pair.values()) if isinstance(pair, dict) else pair
    if not isinstance(fields, (list, tuple)) or len(fields) != 2 or not isinstance(fields[0], str):
        return None
    return fields[0].lower(), fields[1]


_RATE = options.positive(0.001)
_PARTS = "an array of STRUCT('dnn', …) and STRUCT('linear', …)"
COMBINED_REGRESSION_OPTIONS: Mapping[str, Option] = {
    **_BOTH,
    "LEARN_RATE": Option(
        0.001,
        f"a number above 0, or {_PARTS} with such numbers",
        lambda value: _of_parts(value, _RATE.accepts),
    ),
    "OPTIMIZER": Option(
        [["dnn", "ADAM"], ["linear", "FTRL"]],
        f"one of {', '.join(NAMES)}, or {_PARTS} with such names",
        lambda value: _of_parts(
            value, lambda name: isinstance(name, str) and name.upper() in NAMES
        ),
    ),
    "INTEGRATED_GRADIENTS_NUM_STEPS": options.whole(50, 1),
}
COMBINED_CLASSIFICATION_OPTIONS: Mapping[str, Option] = {
    **COMBINED_REGRESSION_OPTIONS,
    **options.CLASS_WEIGHTS,
}
COMBINED_HYPERPARAMETERS: Mapping[str, Hyperparameter] = {
    **network.HYPERPARAMETERS,
    **network.OF_PENALTIES,
}


@dataclass(frozen=True)
class Network:
    """A fitted network: `deep` and, of a wide and deep one, `wide` add up to the outputs.

    Outputs are log odds, or numbers that `scale` and `mean` take to the label's scale.

    Attributes:
        deep: The layers.
        wide: Weights and intercepts of the linear part; None without one.
        class_count: Number of classes; 0 for a regressor.
        mean: Of the label of a regressor.
        scale: Its deviation.
        steps: Of the integrated gradients.
    """

    deep: Layers
    wide: Dense | None
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
        return {"hiddenUnits": [str(units) for units in self.deep.units]}

    def save(self, directory: Path) -> dict[str, Any]:
        """See `Estimator.save`."""
        layers.write(
            directory / FILE,
            {DEEP: self.deep.dense, WIDE: () if self.wide is None else (self.wide,)},
        )
        return {
            "activation": self.deep.activation,
            "class_count": self.class_count,
            "mean": self.mean,
            "scale": self.scale,
            "steps": self.steps,
        }

    @classmethod
    def load(cls, facts: Mapping[str, Any], directory: Path) -> "Network":
        """Read what `save` wrote."""
        wide = layers.read(directory / FILE, WIDE)
        return cls(
            deep=Layers(layers.read(directory / FILE, DEEP), facts["activation"]),
            wide=wide[0] if wide else None,
            class_count=facts["class_count"],
            mean=facts["mean"],
            scale=facts["scale"],
            steps=facts["steps"],
        )

    def _outputs(self, features: Design) -> Floats:
        """Numbers in the label's scale, or log odds."""
        values = self.deep.outputs(features)
        if self.wide is not None:
            values = values + np.asarray(features @ self.wide[0]) + self.wide[1]
        return values * self.scale + self.mean

    def _slopes(self, rows: Floats, classes: Places | None) -> Floats:
        """Gradient of the output, or of that of a class, by column."""
        outputs = len(self.deep.dense[-1][1])
        chosen = np.zeros(len(rows), dtype=np.intp) if classes is None else classes
        gradient = (chosen[:, None] == np.arange(outputs)) * self.scale
        slopes = self.deep.slopes(rows, gradient)
        return slopes if self.wide is None else slopes + gradient @ self.wide[0].T

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
    _check_penalties(settings)
    _check_steps(settings, given)
    return settings


def check_combined(settings: dict[str, Any], given: frozenset[str]) -> dict[str, Any]:
    """As `check`, of a network with two parts; settles what each part has.

    Raises:
        BqmlError: Two options exclude each other.
    """
    split.check(settings)
    weights.check(settings)
    usual = COMBINED_REGRESSION_OPTIONS["OPTIMIZER"].default
    for name, default in (
        ("LEARN_RATE", [["dnn", 0.001], ["linear", 0.001]]),
        ("OPTIMIZER", usual),
    ):
        settings[name] = [
            [part, value.upper() if isinstance(value, str) else float(value)]
            for part, value in _by_part(settings[name], default).items()
        ]
    _check_penalties(settings)
    _check_steps(settings, given)
    return settings


def _by_part(value: Any, default: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """What each part has: of a part that is left out, the default."""
    by_part = {part: usual for part, usual in default}  # noqa: C416 - pairs are lists in JSON
    if not isinstance(value, (list, tuple)):
        return dict.fromkeys(by_part, value)
    return by_part | dict(pair for item in value if (pair := _pair(item)) is not None)


def _check_penalties(settings: Mapping[str, Any]) -> None:
    asked = [name.lower() for name in ("L1_REG", "L2_REG") if settings[name]]
    if asked and not has_penalties(settings["OPTIMIZER"]):
        raise BqmlError(
            f"{' and '.join(asked)} needs optimizer = 'ADAGRAD', 'FTRL' or 'SGD', and this is "
            f"{settings['OPTIMIZER']}"
        )


def _check_steps(settings: Mapping[str, Any], given: frozenset[str]) -> None:
    if "INTEGRATED_GRADIENTS_NUM_STEPS" in given and not settings["ENABLE_GLOBAL_EXPLAIN"]:
        raise BqmlError("integrated_gradients_num_steps needs enable_global_explain = TRUE")


def fit(
    data: TrainingSet, settings: Mapping[str, Any], on_iteration: OnIteration | None
) -> tuple[Network, list[Iteration]]:
    """Train a network of layers.

    Raises:
        BqmlError: The loss became infinite.
    """
    deep = Optimizer.of(settings, settings["OPTIMIZER"], settings["LEARN_RATE"])
    return _fit(data, settings, on_iteration, deep, None)


def fit_combined(
    data: TrainingSet, settings: Mapping[str, Any], on_iteration: OnIteration | None
) -> tuple[Network, list[Iteration]]:
    """Train a network with a linear part beside its layers.

    Raises:
        BqmlError: The loss became infinite.
    """
    rates, names = dict(settings["LEARN_RATE"]), dict(settings["OPTIMIZER"])
    deep, wide = (Optimizer.of(settings, names[part], rates[part]) for part in ("dnn", "linear"))
    return _fit(data, settings, on_iteration, deep, wide)


def _fit(
    data: TrainingSet,
    settings: Mapping[str, Any],
    on_iteration: OnIteration | None,
    deep: Optimizer,
    wide: Optimizer | None,
) -> tuple[Network, list[Iteration]]:
    rows, width = data.features.shape
    start = data.start if isinstance(data.start, Network) else None
    mean, scale = 0.0, 1.0
    if start is not None:
        mean, scale = start.mean, start.scale
    elif data.class_count == 0:
        mean, scale = float(data.target.mean()), float(data.target.std()) or 1.0
    plan = training.Plan(
        units=network.units(settings, rows, width, data.class_count or 1)
        if start is None
        else network.units_of(start.deep, settings),
        outputs=data.class_count if data.class_count > 2 else 1,
        activation=settings["ACTIVATION_FN"],
        dropout=settings["DROPOUT"],
        classifies=data.class_count > 0,
        deep=deep,
        wide=wide,
        batch=network.batch(settings, rows),
    )
    steps = Steps(settings, deep.learning_rate, on_iteration)
    for numbers in training.passes(
        plan, data.features, (data.target - mean) / scale, data.weights, _numbers(start)
    ):
        fitted = Network(
            deep=Layers(numbers.deep, plan.activation),
            wide=numbers.wide[0] if numbers.wide else None,
            class_count=data.class_count,
            mean=mean,
            scale=scale,
            steps=settings["INTEGRATED_GRADIENTS_NUM_STEPS"],
        )
        eval_loss = (
            None
            if data.eval_features is None or data.eval_target is None
            else _loss(fitted, data.eval_features, data.eval_target, data.eval_weights)
        )
        if steps.add(numbers.loss * scale**2, eval_loss):
            break
    return fitted, steps.iterations


def _numbers(start: Network | None) -> training.Numbers | None:
    if start is None:
        return None
    return training.Numbers(start.deep.dense, () if start.wide is None else (start.wide,))


def _loss(fitted: Network, features: Design, target: Floats, by_row: Floats | None) -> float:
    predicted = fitted.predict(features)
    if fitted.class_count:
        return metrics.log_loss(predicted, target.astype(np.intp), by_row)
    return metrics.mean_squared_error(predicted, target, by_row)
