"""What every fitted estimator can do."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from localcloud.bqml.metrics import Floats


@dataclass(frozen=True)
class Iteration:
    """One step of a training.

    Attributes:
        index: 0 for the first.
        loss: Log loss or mean squared error on the training rows.
        eval_loss: The same on the evaluation rows; None without any.
        learning_rate: Of this step; None where the solver has none.
        duration_ms: Milliseconds it took.
    """

    index: int
    loss: float
    eval_loss: float | None
    learning_rate: float | None
    duration_ms: int


OnIteration = Callable[[Iteration], None]


@dataclass(frozen=True)
class TrainingSet:
    """Numbers to fit.

    Attributes:
        features: A row a training row.
        target: Class places or numbers.
        weights: Of each row; None: all alike.
        eval_features: Rows to evaluate on; None: the training rows.
        eval_target: Their class places or numbers.
        class_count: Number of classes; 0 for a regressor.
    """

    features: Floats
    target: Floats
    weights: Floats | None
    eval_features: Floats | None
    eval_target: Floats | None
    class_count: int


class Estimator(Protocol):
    """A fitted estimator over encoded columns."""

    def predict(self, features: Floats) -> Floats:
        """Numbers, or of a classifier a row of probabilities each, in the order of the classes."""
        ...

    def contributions(self, features: Floats) -> tuple[Floats, Floats, Floats]:
        """Explain rows in the scale the estimator adds up in.

        Returns:
            Contribution of each encoded column, one row each; the baseline of each row; their
            sum, the prediction in that scale.
        """
        ...

    def save(self, directory: Path) -> dict[str, Any]:
        """Write large parts as files, return the rest as JSON."""
        ...


def row_weights(
    settings: dict[str, Any], places: npt.NDArray[np.intp], labels: Sequence[str]
) -> Floats | None:
    """Weights of rows from AUTO_CLASS_WEIGHTS or CLASS_WEIGHTS; None when neither is given.

    Args:
        settings: The model's settings.
        places: Class of each row, as its place in `labels`.
        labels: The classes as text.

    Raises:
        BqmlError: CLASS_WEIGHTS lacks a class.
    """
    from localcloud.bqml.errors import BqmlError

    if settings.get("AUTO_CLASS_WEIGHTS"):
        counts = np.bincount(places, minlength=len(labels)).astype(np.float64)
        weights: Floats = (len(places) / (len(labels) * np.maximum(counts, 1)))[places]
        return weights
    given = settings.get("CLASS_WEIGHTS")
    if not given:
        return None
    pairs = [tuple(pair.values()) if isinstance(pair, dict) else tuple(pair) for pair in given]
    by_label = {str(label): float(weight) for label, weight in pairs}
    missing = [label for label in labels if label not in by_label]
    if missing:
        raise BqmlError(f"class_weights lacks a weight for {', '.join(missing)}")
    return np.array([by_label[label] for label in labels])[places]
