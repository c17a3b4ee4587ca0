"""Linear and logistic regression.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-create-glm
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from localcloud.bqml import options
from localcloud.bqml.arrays import Design, Floats, Places
from localcloud.bqml.errors import BqmlError
from localcloud.bqml.model import Iteration, OnIteration
from localcloud.bqml.options import Option
from localcloud.bqml.supervised import gradient_descent, split, weights
from localcloud.bqml.supervised.estimator import Contributions, TrainingSet
from localcloud.bqml.supervised.standard_errors import MOST_COLUMNS, standard_errors

MOST_COLUMNS_OF_NORMAL_EQUATION = 10_000
ROWS_A_COLUMN = 10
"""With fewer rows a column than this, AUTO_STRATEGY descends rather than overfits."""

REGRESSION_OPTIONS: Mapping[str, Option] = {
    **options.LABEL,
    **options.SPLIT,
    **options.STOP,
    **options.EXPLAIN,
    "OPTIMIZE_STRATEGY": options.choice(
        "AUTO_STRATEGY", "AUTO_STRATEGY", "BATCH_GRADIENT_DESCENT", "NORMAL_EQUATION"
    ),
    "LEARN_RATE_STRATEGY": options.choice("LINE_SEARCH", "LINE_SEARCH", "CONSTANT"),
    "LEARN_RATE": options.positive(0.1),
    "LS_INIT_LEARN_RATE": options.positive(0.1),
    "CATEGORY_ENCODING_METHOD": options.choice(
        "ONE_HOT_ENCODING", "ONE_HOT_ENCODING", "DUMMY_ENCODING"
    ),
    "FIT_INTERCEPT": options.flag(True),
    "L1_REG": options.number(0.0),
    "L2_REG": options.number(0.0),
    "CALCULATE_P_VALUES": options.flag(False),
    "WARM_START": options.flag(False),
}
CLASSIFICATION_OPTIONS: Mapping[str, Option] = {**REGRESSION_OPTIONS, **options.CLASS_WEIGHTS}


@dataclass(frozen=True)
class Linear:
    """Fitted coefficients over standardised columns.

    Attributes:
        coefficients: A row for numbers or for the second of two classes, else a row a class.
        intercepts: One for each row of coefficients.
        class_count: Number of classes; 0 for a regressor.
        strategy: How they were found: `NORMAL_EQUATION` or `BATCH_GRADIENT_DESCENT`.
        errors: Standard errors of the coefficients, then of the intercept; None unless
            CALCULATE_P_VALUES asked for them.
    """

    coefficients: Floats
    intercepts: Floats
    class_count: int
    strategy: str
    errors: Floats | None

    def predict(self, features: Design) -> Floats:
        """See `Estimator.predict`."""
        margins = np.asarray(features @ self.coefficients.T) + self.intercepts
        if self.class_count == 0:
            return margins[:, 0]
        return gradient_descent.probabilities(margins)

    def contributions(
        self, features: Design, classes: Places | None, *, approximate: bool
    ) -> Contributions:
        """See `Estimator.contributions`; weight times standardised value, which is exact.

        The baseline is the intercept.
        https://cloud.google.com/bigquery/docs/xai-overview
        """
        if approximate:
            raise BqmlError("approximate feature contributions are for trees only")
        if classes is None or self.class_count == 2:
            sign = np.ones(features.shape[0]) if classes is None else np.where(classes == 1, 1, -1)
            slopes = sign[:, None] * self.coefficients[0]
            baseline = sign * self.intercepts[0]
        else:
            slopes, baseline = self.coefficients[classes], self.intercepts[classes]
        if hasattr(features, "multiply"):
            parts = features.multiply(slopes).tocsr()
        else:
            parts = features * slopes
        added = np.asarray(parts.sum(axis=1)).ravel()
        return Contributions(parts, baseline, added + baseline)

    def training_options(self) -> dict[str, Any]:
        """See `Estimator.training_options`."""
        return {"optimizationStrategy": self.strategy}

    def save(self, directory: Path) -> dict[str, Any]:
        """See `Estimator.save`."""
        return {
            "coefficients": self.coefficients.tolist(),
            "intercepts": self.intercepts.tolist(),
            "class_count": self.class_count,
            "strategy": self.strategy,
            "errors": None if self.errors is None else self.errors.tolist(),
        }

    @classmethod
    def load(cls, facts: Mapping[str, Any], directory: Path) -> "Linear":
        """Read what `save` returned."""
        errors = facts["errors"]
        return cls(
            np.array(facts["coefficients"], dtype=np.float64),
            np.array(facts["intercepts"], dtype=np.float64),
            facts["class_count"],
            facts["strategy"],
            None if errors is None else np.array(errors, dtype=np.float64),
        )


def check_regression(settings: dict[str, Any], given: frozenset[str]) -> dict[str, Any]:
    """Refuse options that do not go together; choose the strategy as far as options decide.

    Raises:
        BqmlError: Two options exclude each other.
    """
    _check(settings, given)
    if settings["OPTIMIZE_STRATEGY"] == "NORMAL_EQUATION" and "L1_REG" in given:
        raise BqmlError(
            "optimize_strategy 'NORMAL_EQUATION' does not go with l1_reg; leave one of them out"
        )
    if settings["OPTIMIZE_STRATEGY"] == "NORMAL_EQUATION" and settings["WARM_START"]:
        raise BqmlError(
            "optimize_strategy 'NORMAL_EQUATION' solves at once and cannot go on from an earlier "
            "training; with warm_start = TRUE give 'BATCH_GRADIENT_DESCENT'"
        )
    descends = "L1_REG" in given or settings["WARM_START"]
    if settings["OPTIMIZE_STRATEGY"] == "AUTO_STRATEGY" and descends:
        settings["OPTIMIZE_STRATEGY"] = "BATCH_GRADIENT_DESCENT"
    return settings


def check_classification(settings: dict[str, Any], given: frozenset[str]) -> dict[str, Any]:
    """As `check_regression`; a logistic regression has no closed form.

    Raises:
        BqmlError: Two options exclude each other.
    """
    _check(settings, given)
    weights.check(settings)
    if settings["OPTIMIZE_STRATEGY"] == "NORMAL_EQUATION":
        raise BqmlError("optimize_strategy 'NORMAL_EQUATION' is for model_type 'LINEAR_REG' only")
    settings["OPTIMIZE_STRATEGY"] = "BATCH_GRADIENT_DESCENT"
    return settings


def _check(settings: Mapping[str, Any], given: frozenset[str]) -> None:
    split.check(settings)
    unused = "LS_INIT_LEARN_RATE" if settings["LEARN_RATE_STRATEGY"] == "CONSTANT" else "LEARN_RATE"
    if unused in given:
        raise BqmlError(
            f"option {unused.lower()} is not used with learn_rate_strategy "
            f"'{settings['LEARN_RATE_STRATEGY']}'; leave one of them out"
        )
    if settings["CALCULATE_P_VALUES"] and (
        settings["CATEGORY_ENCODING_METHOD"] != "DUMMY_ENCODING" or settings["L1_REG"] != 0
    ):
        raise BqmlError(
            "calculate_p_values needs category_encoding_method = 'DUMMY_ENCODING' and l1_reg = 0"
        )


def fit(
    data: TrainingSet, settings: Mapping[str, Any], on_iteration: OnIteration | None
) -> tuple[Linear, list[Iteration]]:
    """Fit a linear or a logistic regression.

    Raises:
        BqmlError: The options ask for what these rows do not allow.
    """
    columns = data.features.shape[1]
    if settings["CALCULATE_P_VALUES"] and (data.class_count > 2 or columns >= MOST_COLUMNS):
        raise BqmlError(
            f"calculate_p_values is for numbers and two classes, with a total cardinality of "
            f"features below {MOST_COLUMNS:,}; here are {data.class_count} classes and a "
            f"cardinality of {columns:,}"
        )
    strategy = _strategy(settings, len(data.target), columns)
    if strategy == "NORMAL_EQUATION":
        coefficients, intercepts, iterations = _normal_equation(data, settings, on_iteration)
    else:
        start = data.start
        coefficients, intercepts, iterations = gradient_descent.descend(
            data,
            settings,
            on_iteration,
            (start.coefficients, start.intercepts) if isinstance(start, Linear) else None,
        )
    model = Linear(coefficients, intercepts, data.class_count, strategy, None)
    if not settings["CALCULATE_P_VALUES"]:
        return model, iterations
    predicted = model.predict(data.features)
    errors = standard_errors(
        data,
        predicted[:, 1] if data.class_count else predicted,
        l2=settings["L2_REG"],
        fit_intercept=settings["FIT_INTERCEPT"],
    )
    return replace(model, errors=errors), iterations


def _strategy(settings: Mapping[str, Any], rows: int, columns: int) -> str:
    asked = str(settings["OPTIMIZE_STRATEGY"])
    if asked == "NORMAL_EQUATION" and columns > MOST_COLUMNS_OF_NORMAL_EQUATION:
        raise BqmlError(
            f"optimize_strategy 'NORMAL_EQUATION' is for a total cardinality of features of up to "
            f"{MOST_COLUMNS_OF_NORMAL_EQUATION:,}; here it is {columns:,}"
        )
    if asked != "AUTO_STRATEGY":
        return asked
    if columns > MOST_COLUMNS_OF_NORMAL_EQUATION or rows < ROWS_A_COLUMN * columns:
        return "BATCH_GRADIENT_DESCENT"
    return "NORMAL_EQUATION"


def _normal_equation(
    data: TrainingSet, settings: Mapping[str, Any], on_iteration: OnIteration | None
) -> tuple[Floats, Floats, list[Iteration]]:
    """Solve for the least squares at once; learning rates and iterations play no part."""
    from sklearn import linear_model

    started = time.monotonic()
    l2, fit_intercept = settings["L2_REG"], settings["FIT_INTERCEPT"]
    fitted = (
        linear_model.Ridge(alpha=l2, fit_intercept=fit_intercept)
        if l2
        # Without a penalty Ridge is unstable with one-hot columns, which sum to one.
        else linear_model.LinearRegression(fit_intercept=fit_intercept)
    )
    fitted.fit(data.features, data.target)
    coefficients = np.atleast_2d(np.asarray(fitted.coef_, dtype=np.float64))
    intercepts = np.atleast_1d(np.asarray(fitted.intercept_, dtype=np.float64))

    def mean_squared_error(features: Design | None, target: Floats | None) -> float | None:
        if features is None or target is None:
            return None
        margins = np.asarray(features @ coefficients.T) + intercepts
        return gradient_descent.loss(margins, target, 0, None)

    step = Iteration(
        index=0,
        loss=float(mean_squared_error(data.features, data.target) or 0.0),
        eval_loss=mean_squared_error(data.eval_features, data.eval_target),
        learning_rate=None,
        duration_ms=int((time.monotonic() - started) * 1000),
    )
    if on_iteration:
        on_iteration(step)
    return coefficients, intercepts, [step]
