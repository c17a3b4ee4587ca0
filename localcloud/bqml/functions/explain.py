"""ML.EXPLAIN_PREDICT and ML.GLOBAL_EXPLAIN.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-explain-predict,
https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-global-explain
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from localcloud.bqml import metrics
from localcloud.bqml.column_type import arrow_type
from localcloud.bqml.errors import BqmlError
from localcloud.bqml.functions.table_function import (
    TableFunction,
    check_settings,
    followed_by,
    model_of,
    threshold_of,
)
from localcloud.bqml.metrics import Floats
from localcloud.bqml.model import Model

TOP_K_FEATURES = 5


def explain_predict(
    model: Model | None, tables: Sequence[pa.Table], settings: Mapping[str, Any]
) -> pa.Table:
    """Score rows and say which features moved each prediction away from the baseline.

    Of a classifier the attributions are in log odds and for the predicted class, so a prediction
    of the first of two classes has the signs turned.
    """
    name = "ML.EXPLAIN_PREDICT"
    fitted = model_of(model, name)
    check_settings(name, settings, "top_k_features", "threshold")
    top_k = settings.get("top_k_features", TOP_K_FEATURES)
    if not isinstance(top_k, int) or top_k < 1:
        raise BqmlError(f"{name}: top_k_features is {top_k!r}; give a whole number of 1 or more")
    threshold = threshold_of(name, fitted, settings)
    features = fitted.encoding.encode(tables[0])
    by_feature, baseline, total = attributions(fitted, features)
    columns: dict[str, pa.Array] = {}
    label, kind = fitted.label_columns[0]
    scores = fitted.estimator.predict(features)
    if fitted.classes:
        predicted = metrics.classes(scores, threshold)
        columns[f"predicted_{label}"] = pa.array(fitted.classes, arrow_type(kind)).take(
            pa.array(predicted)
        )
        columns["probability"] = pa.array(scores[np.arange(len(scores)), predicted], pa.float64())
        sign = np.where(predicted == 1, 1.0, -1.0)
        by_feature, baseline, total = by_feature * sign[:, None], baseline * sign, total * sign
    else:
        columns[f"predicted_{label}"] = pa.array(scores, pa.float64())
    columns["top_feature_attributions"] = _top(
        by_feature, [feature.name for feature in fitted.encoding.features], top_k
    )
    columns["baseline_prediction_value"] = pa.array(baseline, pa.float64())
    columns["prediction_value"] = pa.array(total, pa.float64())
    error = np.abs(total - by_feature.sum(axis=1) - baseline)
    columns["approximation_error"] = pa.array(error, pa.float64())
    return followed_by(columns, tables[0])


def attributions(model: Model, features: Floats) -> tuple[Floats, Floats, Floats]:
    """Contribution of each feature (not of each encoded column), baseline and sum, by row."""
    parts, baseline, total = model.estimator.contributions(features)
    owners = np.array(model.encoding.owners)
    columns = [parts[:, owners == f.name].sum(axis=1) for f in model.encoding.features]
    return np.column_stack(columns), baseline, total


def _top(by_feature: Floats, names: Sequence[str], top_k: int) -> pa.Array:
    rows, count = by_feature.shape
    kept = min(top_k, count)
    order = np.argsort(-np.abs(by_feature), axis=1, kind="stable")[:, :kept]
    entries = pa.StructArray.from_arrays(
        [
            pa.array(names, pa.string()).take(pa.array(order.ravel())),
            pa.array(np.take_along_axis(by_feature, order, axis=1).ravel(), pa.float64()),
        ],
        names=["feature", "attribution"],
    )
    return pa.ListArray.from_arrays(pa.array(np.arange(rows + 1) * kept, pa.int32()), entries)


def global_explain(
    model: Model | None, _tables: Sequence[pa.Table], settings: Mapping[str, Any]
) -> pa.Table:
    """Mean absolute contribution of each feature on the evaluation rows, the largest first."""
    name = "ML.GLOBAL_EXPLAIN"
    fitted = model_of(model, name)
    check_settings(name, settings, "class_level_explain")
    if settings.get("class_level_explain"):
        raise NotImplementedError(
            f"{name}: class_level_explain is not available on the local cloud yet"
        )
    found = {name: facts["attribution"] for name, facts in fitted.feature_statistics.items()}
    if any(value is None for value in found.values()):
        raise BqmlError(f"{name} needs a model that was trained with enable_global_explain = TRUE")
    ranked = sorted(found.items(), key=lambda item: -item[1])
    return pa.table(
        {
            "feature": pa.array([feature for feature, _ in ranked], pa.string()),
            "attribution": pa.array([value for _, value in ranked], pa.float64()),
        }
    )


EXPLAIN_PREDICT = TableFunction(
    "ML.EXPLAIN_PREDICT", takes_model=True, tables=(1, 1), call=explain_predict
)
GLOBAL_EXPLAIN = TableFunction(
    "ML.GLOBAL_EXPLAIN", takes_model=True, tables=(0, 0), call=global_explain
)
