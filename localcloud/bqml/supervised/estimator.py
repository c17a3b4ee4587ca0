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
        start: What an earlier training fitted, to go on from; None: nothing.
    """

    features: Design
    target: Floats
    weights: Floats | None
    eval_features: Design | None
    eval_target: Floats | None
    eval_weights: Floats | None
    class_count: int
    start: "Estimator | None" = None


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
