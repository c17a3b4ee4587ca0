"""ML.EVALUATE.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-evaluate
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from localcloud.bqml import metrics
from localcloud.bqml.column_type import arrow_type
from localcloud.bqml.errors import BqmlError
from localcloud.bqml.functions.table_function import (
    TableFunction,
    check_settings,
    model_of,
    threshold_of,
)
from localcloud.bqml.model import Model

NAME = "ML.EVALUATE"


def evaluate(
    model: Model | None, tables: Sequence[pa.Table], settings: Mapping[str, Any]
) -> pa.Table:
    """Metrics on the rows given; without any, on the evaluation rows of the training."""
    fitted = model_of(model, NAME)
    check_settings(NAME, settings, "threshold", "trial_id")
    threshold = threshold_of(NAME, fitted, settings)
    if not tables:
        if threshold != 0.5:
            raise NotImplementedError(
                f"{NAME} with a threshold needs rows on the local cloud: give a table or a query"
            )
        scores = dict(fitted.evaluation)
    elif fitted.classes:
        rows, actual = labelled(fitted, tables[0], NAME)
        scores = metrics.classification(actual, fitted.predict(rows), threshold)
    else:
        rows, target = numbered(fitted, tables[0], NAME)
        scores = metrics.regression(target, fitted.predict(rows))
    return pa.table({name: pa.array([value], pa.float64()) for name, value in scores.items()})


def labelled(model: Model, table: pa.Table, name: str) -> tuple[pa.Table, npt.NDArray[np.intp]]:
    """Rows with a label, and the place of each label among the model's classes.

    Raises:
        BqmlError: The label's column is missing, empty, or has a class unknown to the model.
    """
    rows = _with_label(model, table, name)
    column = rows.column(model.label).cast(arrow_type(model.label_columns[0][1]))
    places = pc.index_in(column, pa.array(model.classes, column.type))
    if places.null_count:
        unknown = column.filter(pc.is_null(places)).unique().to_pylist()
        raise BqmlError(
            f"{name}: label {unknown[0]!r} was not there in training; the classes are "
            f"{', '.join(map(repr, model.classes))}"
        )
    return rows, places.to_numpy().astype(np.intp)


def numbered(model: Model, table: pa.Table, name: str) -> tuple[pa.Table, npt.NDArray[np.float64]]:
    """Rows with a label, and the labels as numbers."""
    rows = _with_label(model, table, name)
    return rows, rows.column(model.label).cast(pa.float64()).to_numpy().astype(np.float64)


def _with_label(model: Model, table: pa.Table, name: str) -> pa.Table:
    if model.label not in table.column_names:
        raise BqmlError(f"{name}: the input lacks the label column '{model.label}'")
    rows = table.filter(pc.is_valid(table.column(model.label)))
    if rows.num_rows == 0:
        raise BqmlError(f"{name}: no input row has a label in '{model.label}'")
    return rows


EVALUATE = TableFunction(NAME, takes_model=True, tables=(0, 1), call=evaluate)
