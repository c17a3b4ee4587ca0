"""ML.EVALUATE.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-evaluate
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
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
from localcloud.bqml.metrics import Floats
from localcloud.bqml.model import Model

NAME = "ML.EVALUATE"


def evaluate(
    model: Model | None, tables: Sequence[pa.Table], settings: Mapping[str, Any]
) -> pa.Table:
    """Metrics on the rows given; without any, on the evaluation rows of the training."""
    fitted = model_of(model, NAME)
    check_settings(NAME, settings, "threshold", "trial_id")
    threshold = threshold_of(NAME, fitted, settings)
    if not tables and threshold == 0.5:
        # To the last digit what the training said.
        scores = dict(fitted.evaluation)
    else:
        actual, predicted = judged(fitted, tables, NAME)
        scores = (
            metrics.classification(actual.astype(np.intp), predicted, threshold)
            if fitted.classes
            else metrics.regression(actual, predicted)
        )
    return pa.table({name: pa.array([value], pa.float64()) for name, value in scores.items()})


def judged(model: Model, tables: Sequence[pa.Table], name: str) -> tuple[Floats, Floats]:
    """What is and what the model says, by row.

    Args:
        model: The model.
        tables: The rows to judge it on; without any, the evaluation rows of its training.
        name: The function, for messages.

    Returns:
        Numbers, or of a classifier the place of each label among the classes; predictions, or of
        a classifier probabilities.

    Raises:
        BqmlError: The label's column is missing, empty, or has a class unknown to the model.
    """
    if not tables:
        return model.held_out
    rows = _with_label(model, tables[0], name)
    column = rows.column(model.label)
    if not model.classes:
        return column.cast(pa.float64()).to_numpy().astype(np.float64), model.predict(rows)
    column = column.cast(arrow_type(model.label_columns[0][1]))
    places = pc.index_in(column, pa.array(model.classes, column.type))
    if places.null_count:
        unknown = column.filter(pc.is_null(places)).unique().to_pylist()
        raise BqmlError(
            f"{name}: label {unknown[0]!r} was not there in training; the classes are "
            f"{', '.join(map(repr, model.classes))}"
        )
    return places.to_numpy().astype(np.float64), model.predict(rows)


def _with_label(model: Model, table: pa.Table, name: str) -> pa.Table:
    if model.label not in table.column_names:
        raise BqmlError(f"{name}: the input lacks the label column '{model.label}'")
    rows = table.filter(pc.is_valid(table.column(model.label)))
    if rows.num_rows == 0:
        raise BqmlError(f"{name}: no input row has a label in '{model.label}'")
    return rows


EVALUATE = TableFunction(NAME, takes_model=True, tables=(0, 1), call=evaluate)
