"""ML.PREDICT.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-predict
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from localcloud.bqml import metrics
from localcloud.bqml.column_type import arrow_type
from localcloud.bqml.functions.table_function import (
    TableFunction,
    check_settings,
    followed_by,
    model_of,
    threshold_of,
)
from localcloud.bqml.metrics import Floats
from localcloud.bqml.model import Model

NAME = "ML.PREDICT"


def predict(
    model: Model | None, tables: Sequence[pa.Table], settings: Mapping[str, Any]
) -> pa.Table:
    """Score rows: the prediction, its probabilities for a classifier, then the input columns."""
    fitted = model_of(model, NAME)
    check_settings(NAME, settings, "threshold", "keep_original_columns", "trial_id")
    if settings.get("trial_id") is not None:
        raise NotImplementedError(f"{NAME}: the local cloud has no hyperparameter tuning yet")
    columns = predictions(fitted, tables[0], threshold_of(NAME, fitted, settings))
    if settings.get("keep_original_columns") is False:
        return pa.table(dict(columns))
    return followed_by(columns, tables[0])


def predictions(model: Model, rows: pa.Table, threshold: float) -> dict[str, pa.Array]:
    """The columns that a prediction adds."""
    name, kind = model.label_columns[0]
    scores = model.predict(rows)
    if not model.classes:
        return {f"predicted_{name}": pa.array(scores, pa.float64())}
    labels = pa.array(model.classes, arrow_type(kind))
    return {
        f"predicted_{name}": labels.take(pa.array(metrics.classes(scores, threshold))),
        f"predicted_{name}_probs": probabilities(scores, labels),
    }


def probabilities(scores: Floats, labels: pa.Array) -> pa.Array:
    """`ARRAY<STRUCT<label, prob>>` of each row, the most probable first."""
    rows, count = scores.shape
    order = np.argsort(-scores, axis=1, kind="stable")
    entries = pa.StructArray.from_arrays(
        [
            labels.take(pa.array(order.ravel())),
            pa.array(np.take_along_axis(scores, order, axis=1).ravel(), pa.float64()),
        ],
        names=["label", "prob"],
    )
    offsets = pa.array(np.arange(0, rows * count + 1, count), pa.int32())
    return pa.ListArray.from_arrays(offsets, entries)


PREDICT = TableFunction(NAME, takes_model=True, tables=(1, 1), call=predict)
