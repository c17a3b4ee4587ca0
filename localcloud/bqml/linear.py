"""Linear and logistic regression, by scikit-learn's exact and quasi-Newton solvers."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from localcloud.bqml.estimator import Iteration, OnIteration, TrainingSet
from localcloud.bqml.metrics import Floats


@dataclass(frozen=True)
class Linear:
    """Fitted coefficients.

    Attributes:
        coefficients: A row for numbers or for the second of two classes, else a row a class.
        intercepts: One for each row of coefficients.
        class_count: Number of classes; 0 for a regressor.
    """

    coefficients: Floats
    intercepts: Floats
    class_count: int

    def predict(self, features: Floats) -> Floats:
        """See `Estimator.predict`."""
        margins: Floats = features @ self.coefficients.T + self.intercepts
        if self.class_count == 0:
            return margins[:, 0]
        if self.class_count == 2:
            positive = 1 / (1 + np.exp(-margins[:, 0]))
            return np.column_stack([1 - positive, positive])
        from scipy.special import softmax

        probabilities: Floats = softmax(margins, axis=1)
        return probabilities

    def contributions(self, features: Floats) -> tuple[Floats, Floats, Floats]:
        """See `Estimator.contributions`; the baseline is the intercept, a row of means."""
        if len(self.coefficients) > 1:
            raise NotImplementedError(
                "explanations of a logistic regression with more than two classes are not "
                "available on the local cloud yet"
            )
        parts: Floats = features * self.coefficients[0]
        baseline = np.full(len(features), self.intercepts[0])
        return parts, baseline, parts.sum(axis=1) + baseline

    def save(self, directory: Path) -> dict[str, Any]:
        """See `Estimator.save`."""
        return {
            "coefficients": self.coefficients.tolist(),
            "intercepts": self.intercepts.tolist(),
            "class_count": self.class_count,
        }

    @classmethod
    def load(cls, facts: Mapping[str, Any]) -> "Linear":
        """Read what `save` returned."""
        return cls(
            np.array(facts["coefficients"], dtype=np.float64),
            np.array(facts["intercepts"], dtype=np.float64),
            facts["class_count"],
        )


def fit(
    data: TrainingSet, settings: Mapping[str, Any], on_iteration: OnIteration | None
) -> tuple[Linear, list[Iteration]]:
    """Fit a linear or a logistic regression.

    The solvers go to convergence in one step as far as ML.TRAINING_INFO is concerned.
    """
    from sklearn import linear_model

    started = time.monotonic()
    l1, l2 = float(settings["L1_REG"]), float(settings["L2_REG"])
    intercept = settings["FIT_INTERCEPT"]
    rows = len(data.features)
    if data.class_count:
        total = l1 + l2
        fitted = linear_model.LogisticRegression(
            C=1 / total if total else np.inf,
            l1_ratio=l1 / total if total else 0.0,
            solver="saga" if l1 else "lbfgs",
            fit_intercept=intercept,
            max_iter=1000,
            random_state=0,
        )
    elif l1:
        fitted = linear_model.ElasticNet(
            alpha=(l1 + l2) / rows, l1_ratio=l1 / (l1 + l2), fit_intercept=intercept
        )
    else:
        # A ridge without penalty would be unstable with one-hot columns, which sum to one.
        fitted = (
            linear_model.Ridge(alpha=l2, fit_intercept=intercept)
            if l2
            else linear_model.LinearRegression(fit_intercept=intercept)
        )
    fitted.fit(data.features, data.target, sample_weight=data.weights)
    coefficients = np.atleast_2d(np.asarray(fitted.coef_, dtype=np.float64))
    intercepts = np.atleast_1d(np.asarray(fitted.intercept_, dtype=np.float64))
    model = Linear(coefficients, np.broadcast_to(intercepts, len(coefficients)), data.class_count)
    iteration = Iteration(
        index=0,
        loss=_loss(model.predict(data.features), data.target, data.class_count),
        eval_loss=None
        if data.eval_features is None or data.eval_target is None
        else _loss(model.predict(data.eval_features), data.eval_target, data.class_count),
        learning_rate=None,
        duration_ms=int((time.monotonic() - started) * 1000),
    )
    if on_iteration:
        on_iteration(iteration)
    return model, [iteration]


def _loss(predicted: Floats, target: Floats, class_count: int) -> float:
    if class_count == 0:
        return float(np.mean((predicted - target) ** 2))
    hit = predicted[np.arange(len(target)), target.astype(np.intp)]
    return float(-np.mean(np.log(np.clip(hit, 1e-15, 1))))
