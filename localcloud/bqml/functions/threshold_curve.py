"""ML.CONFUSION_MATRIX and ML.ROC_CURVE.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-confusion,
https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-roc
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from localcloud.bqml import metrics
from localcloud.bqml.column_type import arrow_type, text
from localcloud.bqml.errors import BqmlError
from localcloud.bqml.functions.evaluate import judged
from localcloud.bqml.functions.table_function import (
    TableFunction,
    check_settings,
    model_of,
    threshold_of,
)
from localcloud.bqml.metrics import Floats
from localcloud.bqml.model import Model

POINTS = 100
"""How many thresholds a curve has, besides the one above every probability."""


def confusion_matrix(
    model: Model | None, tables: Sequence[pa.Table], settings: Mapping[str, Any]
) -> pa.Table:
    """One row an actual class, one column a predicted class, both in ascending order."""
    name = "ML.CONFUSION_MATRIX"
    fitted, actual, scores = _classifier(model, tables, name)
    check_settings(name, settings, "threshold", "trial_id")
    if not tables and settings.get("threshold") is not None:
        raise BqmlError(f"{name}: threshold needs a table or a query")
    predicted = metrics.classes(scores, threshold_of(name, fitted, settings))
    count = len(fitted.classes)
    counted = np.bincount(actual * count + predicted, minlength=count * count)
    matrix = counted.reshape(count, count)
    expected = pa.array(fitted.classes, arrow_type(fitted.label_columns[0][1]))
    columns: dict[str, pa.Array] = {"expected_label": expected}
    for place, label in enumerate(fitted.classes):
        columns[_column_name(label)] = pa.array(matrix[:, place], pa.int64())
    return pa.table(columns)


def roc_curve(
    model: Model | None, tables: Sequence[pa.Table], settings: Mapping[str, Any]
) -> pa.Table:
    """Counts at thresholds that divide the predicted probabilities evenly, falling."""
    name = "ML.ROC_CURVE"
    fitted, actual, scores = _classifier(model, tables, name)
    check_settings(name, settings, "trial_id")
    if len(fitted.classes) != 2:
        raise BqmlError(f"{name} is for models with two classes; this has {len(fitted.classes)}")
    positive: Floats = scores[:, 1]
    thresholds = np.unique(np.quantile(positive, np.linspace(0, 1, POINTS)))[::-1]
    is_positive = actual == 1
    true_positives = np.array([(is_positive & (positive >= t)).sum() for t in thresholds])
    false_positives = np.array([(~is_positive & (positive >= t)).sum() for t in thresholds])
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


def _classifier(
    model: Model | None, tables: Sequence[pa.Table], name: str
) -> tuple[Model, npt.NDArray[np.intp], Floats]:
    fitted = model_of(model, name)
    if not fitted.classes:
        raise BqmlError(f"{name} is for classifiers, and this is a {fitted.model_type}")
    actual, scores = judged(fitted, tables, name)
    return fitted, actual.astype(np.intp), scores


def _column_name(label: object) -> str:
    """A class as a column: letters, digits and `_`, not first a digit."""
    name = re.sub(r"\W", "_", text(label))
    return name if re.match(r"[A-Za-z_]", name) else f"_{name}"


CONFUSION_MATRIX = TableFunction(
    "ML.CONFUSION_MATRIX", takes_model=True, tables=(0, 1), call=confusion_matrix
)
ROC_CURVE = TableFunction("ML.ROC_CURVE", takes_model=True, tables=(0, 1), call=roc_curve)
