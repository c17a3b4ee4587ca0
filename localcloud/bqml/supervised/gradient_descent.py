"""Batch gradient descent, which is how Google fits linear models that have no closed form.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-create-glm and
…/bigqueryml-syntax-train, which says how the line search picks its rates. L1 and L2 penalties
count as in scikit-learn's LogisticRegression and Ridge, against the sum of the rows' losses, since
Google does not say how it counts them.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from localcloud.bqml.arrays import Floats
from localcloud.bqml.errors import BqmlError
from localcloud.bqml.model import Iteration, OnIteration, hardly_better
from localcloud.bqml.supervised import metrics
from localcloud.bqml.supervised.estimator import TrainingSet

LINE_SEARCH_FACTORS = (2.0, 1.0, 0.5, 0.25)


@dataclass(frozen=True)
class Point:
    """Where the descent is.

    Attributes:
        coefficients: A row each encoded column, a column each output.
        intercepts: One each output.
        margins: Outputs for the training rows.
    """

    coefficients: Floats
    intercepts: Floats
    margins: Floats


@dataclass(frozen=True)
class Objective:
    """What is minimised: the mean loss of the rows and a share of the penalties."""

    data: TrainingSet
    l1: float
    l2: float
    fit_intercept: bool

    @property
    def rows(self) -> float:
        """Sum of the rows' weights."""
        return float(
            len(self.data.target) if self.data.weights is None else self.data.weights.sum()
        )

    def loss(self, margins: Floats) -> float:
        """Mean loss of the training rows."""
        return loss(margins, self.data.target, self.data.class_count, self.data.weights)

    def value(self, point: Point) -> float:
        """Mean loss and penalties."""
        half = 0.5 if self.data.class_count else 1.0
        # A step that is far too long ends at infinity, which is then not taken.
        with np.errstate(over="ignore", invalid="ignore"):
            penalty = self.l1 * np.abs(point.coefficients).sum()
            penalty += half * self.l2 * (point.coefficients**2).sum()
            return self.loss(point.margins) + float(penalty) / self.rows

    def gradient(self, point: Point) -> tuple[Floats, Floats]:
        """Of the mean loss and the L2 penalty: by coefficient and by intercept."""
        data = self.data
        if data.class_count == 0:
            residuals = 2 * (point.margins - data.target[:, None])
        elif data.class_count == 2:
            residuals = _sigmoid(point.margins) - data.target[:, None]
        else:
            residuals = softmax(point.margins) - (
                data.target[:, None] == np.arange(data.class_count)
            )
        if data.weights is not None:
            residuals = residuals * data.weights[:, None]
        residuals = residuals / self.rows
        factor = 1.0 if data.class_count else 2.0
        slopes = data.features.T @ residuals + factor * self.l2 * point.coefficients / self.rows
        intercepts = residuals.sum(axis=0) if self.fit_intercept else np.zeros(residuals.shape[1])
        return np.asarray(slopes), intercepts

    def moved(
        self, point: Point, gradient: tuple[Floats, Floats], step: Floats, rate: float
    ) -> Point:
        """Go down the gradient; an L1 penalty then pulls coefficients to zero.

        Args:
            point: Where to start.
            gradient: Of that point.
            step: What the gradient does to the margins.
            rate: How far to go.
        """
        coefficients = point.coefficients - rate * gradient[0]
        intercepts = point.intercepts - rate * gradient[1]
        if self.l1 == 0:
            return Point(coefficients, intercepts, point.margins - rate * step)
        pull = rate * self.l1 / self.rows
        coefficients = np.sign(coefficients) * np.maximum(np.abs(coefficients) - pull, 0)
        margins = np.asarray(self.data.features @ coefficients) + intercepts
        return Point(coefficients, intercepts, margins)


def descend(
    data: TrainingSet,
    settings: Mapping[str, Any],
    on_iteration: OnIteration | None,
    start: tuple[Floats, Floats] | None = None,
) -> tuple[Floats, Floats, list[Iteration]]:
    """Minimise the loss.

    Args:
        data: The rows.
        settings: A value for each option.
        on_iteration: Called after each step.
        start: Coefficients, a row each output, and intercepts to begin with; None: zeros.

    Returns:
        Coefficients, a row each output; intercepts; the steps.

    Raises:
        BqmlError: The loss became infinite: the learning rate is too high.
    """
    objective = Objective(data, settings["L1_REG"], settings["L2_REG"], settings["FIT_INTERCEPT"])
    constant = settings["LEARN_RATE_STRATEGY"] == "CONSTANT"
    rate = settings["LEARN_RATE"] if constant else settings["LS_INIT_LEARN_RATE"]
    outputs = data.class_count if data.class_count > 2 else 1
    point = _start(data, outputs, start)
    iterations: list[Iteration] = []
    for index in range(settings["MAX_ITERATIONS"]):
        started = time.monotonic()
        gradient = objective.gradient(point)
        step = np.asarray(data.features @ gradient[0]) + gradient[1]
        candidates = []
        for factor in (1.0,) if constant else LINE_SEARCH_FACTORS:
            there = objective.moved(point, gradient, step, rate * factor)
            candidates.append((objective.value(there), rate * factor, there))
        value, rate, point = min(candidates, key=lambda candidate: _order(candidate[0]))
        if not np.isfinite(value):
            raise BqmlError(
                f"the loss became infinite in iteration {index} with a learning rate of {rate:g}; "
                f"give a lower {'learn_rate' if constant else 'ls_init_learn_rate'}"
            )
        iterations.append(
            Iteration(
                index=index,
                loss=objective.loss(point.margins),
                eval_loss=_eval_loss(data, point),
                learning_rate=rate,
                duration_ms=int((time.monotonic() - started) * 1000),
            )
        )
        if on_iteration:
            on_iteration(iterations[-1])
        if hardly_better(iterations, settings):
            break
    return point.coefficients.T, point.intercepts, iterations


def _start(data: TrainingSet, outputs: int, start: tuple[Floats, Floats] | None) -> Point:
    if start is None:
        coefficients, intercepts = np.zeros((data.features.shape[1], outputs)), np.zeros(outputs)
        return Point(coefficients, intercepts, np.zeros((len(data.target), outputs)))
    coefficients, intercepts = start[0].T, start[1]
    return Point(coefficients, intercepts, np.asarray(data.features @ coefficients) + intercepts)


def loss(margins: Floats, target: Floats, class_count: int, weights: Floats | None) -> float:
    """Mean squared error of a regressor, log loss of a classifier.

    Args:
        margins: Outputs, a row each.
        target: Numbers, or places of classes.
        class_count: Number of classes; 0 for a regressor.
        weights: Of each row; None: all alike.
    """
    if class_count == 0:
        return metrics.mean_squared_error(margins[:, 0], target, weights)
    return metrics.log_loss(probabilities(margins), target.astype(np.intp), weights)


def probabilities(margins: Floats) -> Floats:
    """A row of probabilities for each row of margins; one margin is that of the second class."""
    if margins.shape[1] == 1:
        positive = _sigmoid(margins[:, 0])
        return np.column_stack([1 - positive, positive])
    return softmax(margins)


def softmax(margins: Floats) -> Floats:
    """Probabilities in proportion to the exponentials of a row's margins."""
    raised = np.exp(margins - margins.max(axis=1, keepdims=True))
    shares: Floats = raised / raised.sum(axis=1, keepdims=True)
    return shares


def _sigmoid(margins: Floats) -> Floats:
    from scipy.special import expit

    shares: Floats = expit(margins)
    return shares


def _order(value: float) -> float:
    return value if np.isfinite(value) else np.inf


def _eval_loss(data: TrainingSet, point: Point) -> float | None:
    if data.eval_features is None or data.eval_target is None:
        return None
    margins = np.asarray(data.eval_features @ point.coefficients) + point.intercepts
    return loss(margins, data.eval_target, data.class_count, data.eval_weights)
