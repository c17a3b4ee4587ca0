"""ML.WEIGHTS and ML.ADVANCED_WEIGHTS.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-weights,
https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-advanced-weights
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from localcloud.bqml import nested
from localcloud.bqml.arrays import Floats
from localcloud.bqml.column_type import text
from localcloud.bqml.encoding import Array, Category, Number
from localcloud.bqml.errors import BqmlError
from localcloud.bqml.functions.table_function import (
    TableFunction,
    boolean,
    check_settings,
    predictor_of,
)
from localcloud.bqml.model import Model
from localcloud.bqml.recommender.matrix_factorization import Recommender
from localcloud.bqml.supervised.linear import Linear
from localcloud.bqml.supervised.predictor import Predictor

INTERCEPT = "__INTERCEPT__"
GLOBAL_INTERCEPT = "global__intercept__"
FACTOR_WEIGHTS = pa.schema(
    [
        ("processed_input", pa.string()),
        ("feature", pa.string()),
        ("factor_weights", pa.list_(pa.struct([("factor", pa.int64()), ("weight", pa.float64())]))),
        ("intercept", pa.float64()),
    ]
)
CATEGORY_WEIGHTS = pa.list_(pa.struct([("category", pa.string()), ("weight", pa.float64())]))


@dataclass(frozen=True)
class Weight:
    """One weight.

    Attributes:
        name: The processed input, or `INTERCEPT`.
        category: None of a number.
        value: The weight.
        error: Its standard error; None where it is not known, NaN where there is none.
    """

    name: str
    category: str | None
    value: float
    error: float | None


def weights(
    model: Model | None, _tables: Sequence[pa.Table], settings: Mapping[str, Any]
) -> pa.Table:
    """Weights of a linear model, in the units of its columns unless `standardize` is TRUE.

    Of a matrix factorization, the factors of users and items.
    """
    name = "ML.WEIGHTS"
    if model is not None and isinstance(model.fitted, Recommender):
        check_settings(name, settings)
        return factor_weights(model.fitted)
    fitted, linear = _linear(model, name)
    check_settings(name, settings, "standardize")
    standardize = boolean(name, settings, "standardize")
    many = len(linear.coefficients) > 1
    rows: list[dict[str, Any]] = []
    for place in range(len(linear.coefficients)):
        by_input: dict[str, list[Weight]] = {}
        for weight in _of_output(fitted, linear, place, standardize=standardize):
            by_input.setdefault(weight.name, []).append(weight)
        for processed, found in by_input.items():
            number = found[0].category is None
            rows.append(
                {
                    "processed_input": processed,
                    "weight": found[0].value if number else None,
                    "category_weights": []
                    if number
                    else [{"category": w.category, "weight": w.value} for w in found],
                    **({"class_label": text(fitted.classes[place])} if many else {}),
                }
            )
    columns = [
        ("processed_input", pa.string()),
        ("weight", pa.float64()),
        ("category_weights", CATEGORY_WEIGHTS),
        *([("class_label", pa.string())] if many else []),
    ]
    return pa.Table.from_pylist(rows, pa.schema(columns))


def advanced_weights(
    model: Model | None, _tables: Sequence[pa.Table], settings: Mapping[str, Any]
) -> pa.Table:
    """Weights with their standard errors and p-values.

    Those of the intercept are only known for standardised weights.
    """
    from scipy.stats import norm

    name = "ML.ADVANCED_WEIGHTS"
    fitted, linear = _linear(model, name)
    check_settings(name, settings, "standardize")
    if linear.errors is None:
        raise BqmlError(f"{name} needs a model that was trained with calculate_p_values = TRUE")
    standardize = boolean(name, settings, "standardize")
    found = list(_of_output(fitted, linear, 0, standardize=standardize))
    return pa.table(
        {
            "processed_input": pa.array([w.name for w in found], pa.string()),
            "category": pa.array([w.category for w in found], pa.string()),
            "weight": pa.array([w.value for w in found], pa.float64()),
            "standard_error": pa.array([w.error for w in found], pa.float64()),
            "p_value": pa.array(
                [
                    None if w.error is None else float(2 * norm.sf(abs(w.value), scale=w.error))
                    for w in found
                ],
                pa.float64(),
            ),
        }
    )


def factor_weights(fitted: Recommender) -> pa.Table:
    """A row for each user and item, and one for the intercept of all ratings."""
    rows: list[dict[str, Any]] = [
        {
            "processed_input": name,
            "feature": text(value),
            "factor_weights": [
                {"factor": place, "weight": weight} for place, weight in enumerate(factors, start=1)
            ],
            "intercept": intercept,
        }
        for name, values, many, intercepts in (
            (
                fitted.user_column,
                fitted.users,
                fitted.factors.users,
                fitted.factors.user_intercepts,
            ),
            (
                fitted.item_column,
                fitted.items,
                fitted.factors.items,
                fitted.factors.item_intercepts,
            ),
        )
        for value, factors, intercept in zip(
            values.to_pylist(), many.tolist(), intercepts.tolist(), strict=True
        )
    ]
    of_all = {"feature": GLOBAL_INTERCEPT, "intercept": fitted.factors.intercept}
    return pa.Table.from_pylist([*rows, of_all], FACTOR_WEIGHTS)


def _linear(model: Model | None, name: str) -> tuple[Predictor, Linear]:
    fitted = predictor_of(model, name, of_automl=False)
    if not isinstance(fitted.estimator, Linear):
        raise BqmlError(f"{name} is for linear and logistic regressions only")
    return fitted, fitted.estimator


def _of_output(
    fitted: Predictor, linear: Linear, place: int, *, standardize: bool
) -> Iterator[Weight]:
    """The weights of one output; the intercept last."""
    coefficients = linear.coefficients[place]
    errors = np.full(len(coefficients) + 1, np.nan) if linear.errors is None else linear.errors
    intercept = float(linear.intercepts[place])
    at = 0
    for part in fitted.encoding.inputs:
        own, own_errors = coefficients[at : at + part.width], errors[at : at + part.width]
        at += part.width
        if isinstance(part, nested.Vector) and part.stddevs is not None and not standardize:
            own, own_errors = own / part.stddevs, own_errors / part.stddevs
            intercept -= float(own @ np.array(part.means))
        if not isinstance(part, Number):
            yield from _of_categories(part, own, own_errors)
            continue
        scale = 1.0 if standardize or part.stddev is None else part.stddev
        if not standardize:
            intercept -= float(own[0]) / scale * part.mean
        yield Weight(part.name, None, float(own[0]) / scale, float(own_errors[0]) / scale)
    # Of an intercept in the units of the columns Google computes no error.
    yield Weight(INTERCEPT, None, intercept, float(errors[-1]) if standardize else None)


def _of_categories(part: Category | Array, own: Floats, errors: Floats) -> Iterator[Weight]:
    values, sure = np.zeros(len(part.names)), np.full(len(part.names), np.nan)
    values[part.columns()], sure[part.columns()] = own, errors
    # The category that a dummy encoding drops has the weight 0.
    for category, value, error in zip(part.names, values, sure, strict=True):
        yield Weight(part.name, category, float(value), float(error))


WEIGHTS = TableFunction("ML.WEIGHTS", takes_model=True, tables=(0, 0), call=weights)
ADVANCED_WEIGHTS = TableFunction(
    "ML.ADVANCED_WEIGHTS", takes_model=True, tables=(0, 0), call=advanced_weights
)
