"""ML.METRICS: how good predictions in a table are.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-metrics
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from localcloud.bqml.column_type import NUMERIC, bigquery_type, floats
from localcloud.bqml.errors import BqmlError
from localcloud.bqml.functions.table_function import (
    TableFunction,
    check_settings,
    choice,
    column_of,
)
from localcloud.bqml.model import Model
from localcloud.bqml.supervised import metrics

NAME = "ML.METRICS"
REGRESSION = (
    "mean_absolute_error",
    "mean_squared_error",
    "mean_squared_log_error",
    "median_absolute_error",
    "r2_score",
    "explained_variance",
)
CLASSIFICATION = ("precision", "recall", "accuracy", "f1_score")


def metrics_of(
    _model: Model | None, tables: Sequence[pa.Table], settings: Mapping[str, Any]
) -> pa.Table:
    """One row; of rows in which one of the two columns is NULL nothing is counted."""
    check_settings(NAME, settings, "predicted_col", "actual_col", "task_type")
    rows = tables[0]
    task = choice(NAME, settings, "task_type", None, "classification", "regression")
    predicted = column_of(NAME, settings, "predicted_col", rows)
    actual = column_of(NAME, settings, "actual_col", rows)
    for name in (predicted, actual):
        rows = rows.filter(pc.is_valid(rows.column(name)))
    pair = rows.column(actual), rows.column(predicted)
    if task == "regression":
        return compared(NAME, task, *pair)
    kinds = {name: bigquery_type(rows.schema.field(name).type) for name in (predicted, actual)}
    for name, kind in kinds.items():
        if kind not in ("STRING", "BOOL"):
            raise BqmlError(f"{NAME}: '{name}' is {kind}; classes are STRING or BOOL")
    if len(set(kinds.values())) > 1:
        raise BqmlError(f"{NAME}: '{predicted}' and '{actual}' must be of one type, not {kinds}")
    return compared(NAME, task, *pair)


def compared(name: str, task: str, actual: pa.ChunkedArray, predicted: pa.ChunkedArray) -> pa.Table:
    """Metrics of predictions without NULL; NULL where there is none.

    Args:
        name: The function, for messages.
        task: `regression` or `classification`: of BOOL the metrics of TRUE, of others the means
            over all classes.
        actual: What was there.
        predicted: What was predicted.

    Raises:
        BqmlError: A number is asked for and is none.
    """
    names = REGRESSION if task == "regression" else CLASSIFICATION
    scores: dict[str, float | None] = dict.fromkeys(names)
    if task == "regression":
        for column in (actual, predicted):
            if bigquery_type(column.type) not in NUMERIC:
                raise BqmlError(f"{name}: a regression compares numbers, not {column.type}")
        if len(actual):
            scores |= metrics.regression(floats(actual), floats(predicted))
    elif len(actual):
        scores |= metrics.of_classes(actual.to_pylist(), predicted.to_pylist())
    return pa.table({key: pa.array([scores[key]], pa.float64()) for key in names})


METRICS = TableFunction(NAME, takes_model=False, tables=(1, 1), call=metrics_of)
