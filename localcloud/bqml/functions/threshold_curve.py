"""ML.CONFUSION_MATRIX and ML.ROC_CURVE.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-confusion,
https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-roc
"""

import contextlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from localcloud.bqml.arrays import Floats, Places
from localcloud.bqml.column_type import text, texts
from localcloud.bqml.errors import BqmlError
from localcloud.bqml.functions.table_function import (
    TableFunction,
    check_settings,
    predictor_of,
)
from localcloud.bqml.model import Model
from localcloud.bqml.supervised import metrics
from localcloud.bqml.supervised.predictor import Predictor

POINTS = 100
"""How many thresholds a curve has at most where none are given."""


def confusion_matrix(
    model: Model | None, tables: Sequence[pa.Table], settings: Mapping[str, Any]
) -> pa.Table:
    """One row an actual label, one column a predicted class, both in ascending order.

    Rows are the classes of the training and labels that the input has besides.
    """
    name = "ML.CONFUSION_MATRIX"
    fitted = _classifier(model, name)
    check_settings(name, settings, "threshold", "trial_id")
    threshold = fitted.threshold(settings)
    count = len(fitted.classes)
    if tables:
        rows = fitted.labelled(tables[0])
        expected = _expected(fitted, rows.column(fitted.label))
        actual = pc.index_in(texts(rows.column(fitted.label)), texts(expected))
        places = actual.to_numpy().astype(np.intp)
        scores = fitted.scores(rows)
    else:
        if settings.get("threshold") is not None:
            raise BqmlError(f"{name}: threshold needs a table or a query")
        expected = pa.chunked_array([fitted.labels])
        places, scores = fitted.held_out[0].astype(np.intp), fitted.held_out[1]
    predicted = metrics.classes(scores, threshold)
    counted = np.bincount(places * count + predicted, minlength=len(expected) * count)
    matrix = counted.reshape(len(expected), count)
    columns: dict[str, Any] = {"expected_label": expected}
    for place, label in enumerate(fitted.classes):
        columns[_column_name(label, columns)] = pa.array(matrix[:, place], pa.int64())
    return pa.table(columns)


def roc_curve(
    model: Model | None, tables: Sequence[pa.Table], settings: Mapping[str, Any]
) -> pa.Table:
    """Counts at falling thresholds.

    Those in the setting `thresholds`, the function's array argument; without it those that divide
    the predicted probabilities evenly.
    """
    name = "ML.ROC_CURVE"
    fitted = _classifier(model, name)
    check_settings(name, settings, "trial_id", "thresholds")
    if len(fitted.classes) != 2:
        raise BqmlError(f"{name} is for models with two classes; this has {len(fitted.classes)}")
    actual, scores = fitted.judged(tables[0]) if tables else fitted.held_out
    positive: Floats = scores[:, 1]
    thresholds = _thresholds(name, settings, positive)
    is_positive: Places = actual == 1
    true_positives = _at_least(positive[is_positive], thresholds)
    false_positives = _at_least(positive[~is_positive], thresholds)
    positives, negatives = int(is_positive.sum()), int((~is_positive).sum())
    return pa.table(
        {
            "threshold": pa.array(thresholds, pa.float64()),
            "recall": pa.array(true_positives / max(positives, 1), pa.float64()),
            "false_positive_rate": pa.array(false_positives / max(negatives, 1), pa.float64()),
            "true_positives": pa.array(true_positives, pa.int64()),
            "false_positives": pa.array(false_positives, pa.int64()),
            "true_negatives": pa.array(negatives - false_positives, pa.int64()),
            "false_negatives": pa.array(positives - true_positives, pa.int64()),
        }
    )


def _classifier(model: Model | None, name: str) -> Predictor:
    fitted = predictor_of(model, name)
    if not fitted.classes:
        raise BqmlError(f"{name} is for classifiers, and this model predicts a number")
    return fitted


def _expected(fitted: Predictor, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The labels that rows of the matrix stand for, in the input's type."""
    found = set(column.unique().to_pylist())
    # Where the input has another type than the training had, its classes may not be of it.
    with contextlib.suppress(pa.ArrowInvalid, pa.ArrowNotImplementedError):
        found |= set(fitted.labels.cast(column.type).to_pylist())
    return pa.chunked_array([pa.array(sorted(found), column.type)])


def _thresholds(name: str, settings: Mapping[str, Any], positive: Floats) -> Floats:
    given = settings.get("thresholds")
    if given is None:
        return np.unique(np.quantile(positive, np.linspace(0, 1, POINTS)))[::-1]
    wrong = [
        value
        for value in given
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1
    ]
    if wrong or not given:
        raise BqmlError(
            f"{name}: thresholds has {wrong[0]!r}; give numbers from 0 to 1"
            if wrong
            else f"{name}: thresholds is empty; give numbers from 0 to 1"
        )
    return np.unique(np.array(given, dtype=np.float64))[::-1]


def _at_least(values: Floats, thresholds: Floats) -> Any:
    """How many values each threshold lets through."""
    return len(values) - np.searchsorted(np.sort(values), thresholds, side="left")


def _column_name(label: object, taken: Mapping[str, Any]) -> str:
    """A class as a column: letters, digits and `_`, not first a digit, like no other."""
    name = re.sub(r"\W", "_", text(label))
    name = name if re.match(r"[^\W\d]", name) else f"_{name}"
    others = {other.casefold() for other in taken}
    unique, number = name, 0
    while unique.casefold() in others:
        number += 1
        unique = f"{name}_{number}"
    return unique


CONFUSION_MATRIX = TableFunction(
    "ML.CONFUSION_MATRIX", takes_model=True, tables=(0, 1), call=confusion_matrix
)
ROC_CURVE = TableFunction(
    "ML.ROC_CURVE",
    takes_model=True,
    tables=(0, 1),
    call=roc_curve,
    positional=("thresholds",),
)
