"""What every fitted estimator over encoded columns can do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from localcloud.bqml.arrays import Design, Floats, Places
from localcloud.bqml.model import Iteration, OnIteration


@dataclass(frozen=True)
class TrainingSet:
    """Numbers to fit.

    Attributes:
        features: The training rows.
        target: Places of classes, or numbers.
        weights: Of each row; None: all alike.
        eval_features: Rows to evaluate on; None: there are none.
        eval_target: Their places of classes, or numbers.
        eval_weights: Their weights; None: all alike.
        class_count: Number of classes; 0 for a regressor.
    """

    features: Design
    target: Floats
    weights: Floats | None
    eval_features: Design | None
    eval_target: Floats | None
    eval_weights: Floats | None
    class_count: int


@dataclass(frozen=True)
class Contributions:
    """Why predictions are what they are, in the scale that an estimator adds up in.

    Attributes:
        parts: What each encoded column adds, one row each; may be a sparse matrix.
        baseline: What there is without any column, by row.
        total: The prediction in that scale, by row: a number, or the log odds of the class.
    """

    parts: Design
    baseline: Floats
    total: Floats


class Estimator(Protocol):
    """A fitted estimator over encoded columns."""

    def predict(self, features: Design) -> Floats:
        """Numbers, or of a classifier a row of probabilities each, in the order of the classes."""
        ...

    def contributions(
        self, features: Design, classes: Places | None, *, approximate: bool
    ) -> Contributions:
        """Explain rows.

        Args:
            features: The rows.
            classes: Of a classifier: the class to explain, by row; None of a regressor.
            approximate: Whether faster, less exact attributions will do.
        """
        ...

    def training_options(self) -> dict[str, Any]:
        """Fields of the REST resource `TrainingOptions` that the training itself chose."""
        ...

    def save(self, directory: Path) -> dict[str, Any]:
        """Write large parts as files, return the rest as JSON."""
        ...


Fit = Callable[
    [TrainingSet, Mapping[str, Any], OnIteration | None], tuple[Estimator, list[Iteration]]
]


def hardly_better(iterations: list[Iteration], settings: Mapping[str, Any]) -> bool:
    """Whether EARLY_STOP ends the training after the last of these iterations.

    The loss that counts is that of the evaluation rows, which are there to avoid overfitting by
    early stopping, and without any that of the training rows:
    https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-create-glm#data_split_method
    """
    if not settings["EARLY_STOP"] or len(iterations) < 2:
        return False
    before, after = (
        step.loss if step.eval_loss is None else step.eval_loss for step in iterations[-2:]
    )
    return before <= 0 or (before - after) / before < settings["MIN_REL_PROGRESS"]
