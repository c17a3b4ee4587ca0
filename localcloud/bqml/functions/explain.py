"""ML.EXPLAIN_PREDICT and ML.GLOBAL_EXPLAIN.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-explain-predict,
https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-global-explain
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from localcloud.bqml.arrays import Floats
from localcloud.bqml.column_type import text
from localcloud.bqml.errors import BqmlError
from localcloud.bqml.functions.table_function import (
    TableFunction,
    boolean,
    check_settings,
    followed_by,
    predictor_of,
    whole_number,
)
from localcloud.bqml.model import Model
from localcloud.bqml.supervised import metrics
from localcloud.bqml.supervised.estimator import Estimator
from localcloud.bqml.supervised.explanation import Attributions, attributions
from localcloud.bqml.supervised.neural_network import Network
from localcloud.bqml.supervised.predictor import ranked

TOP_K_FEATURES = 5
FEATURES_A_CLASS = 10


def explain_predict(
    model: Model | None, tables: Sequence[pa.Table], settings: Mapping[str, Any]
) -> pa.Table:
    """Score rows and say which features moved each prediction away from the baseline.

    Of a classifier, attributions are in log odds and for the predicted class.
    """
    name = "ML.EXPLAIN_PREDICT"
    fitted = predictor_of(model, name, of_automl=False)
    check_settings(
        name,
        settings,
        "top_k_features",
        "threshold",
        "approx_feature_contrib",
        "integrated_gradients_num_steps",
    )
    top_k = whole_number(name, settings, "top_k_features", TOP_K_FEATURES)
    approximate = boolean(name, settings, "approx_feature_contrib")
    threshold = fitted.threshold(settings)
    features = fitted.encoding.encode(tables[0])
    scores = fitted.estimator.predict(features)
    columns: dict[str, pa.Array] = {}
    predicted = None
    if fitted.classes:
        predicted = metrics.classes(scores, threshold)
        columns[f"predicted_{fitted.label}"] = fitted.labels.take(pa.array(predicted))
        columns["probability"] = pa.array(scores[np.arange(len(scores)), predicted], pa.float64())
    else:
        columns[f"predicted_{fitted.label}"] = pa.array(scores, pa.float64())
    estimator = _stepped(name, fitted.estimator, settings)
    found = attributions(estimator, fitted.encoding, features, predicted, approximate=approximate)
    columns["top_feature_attributions"] = ranked(
        found.by_column, pa.array(found.columns, pa.string()), ("feature", "attribution"), top_k
    )
    columns["baseline_prediction_value"] = pa.array(found.baseline, pa.float64())
    columns["prediction_value"] = pa.array(found.total, pa.float64())
    is_inexact = approximate or isinstance(estimator, Network)
    error = _error(found) if is_inexact else np.zeros(len(scores))
    columns["approximation_error"] = pa.array(error, pa.float64())
    return followed_by(columns, tables[0])


def _stepped(name: str, estimator: Estimator, settings: Mapping[str, Any]) -> Estimator:
    """The estimator, of a network with the number of steps that the settings ask for."""
    if "integrated_gradients_num_steps" not in settings:
        return estimator
    if not isinstance(estimator, Network):
        raise BqmlError(f"{name}: integrated_gradients_num_steps is for neural networks")
    steps = whole_number(name, settings, "integrated_gradients_num_steps", estimator.steps)
    return replace(estimator, steps=steps)


def _error(found: Attributions) -> Floats:
    """What attributions leave of the way from the baseline to the prediction, as a share of it."""
    way = found.total - found.baseline
    left = np.abs(way - found.by_column.sum(axis=1))
    shares: Floats = np.divide(left, np.abs(way), out=np.zeros(len(way)), where=way != 0)
    return shares


def global_explain(
    model: Model | None, _tables: Sequence[pa.Table], settings: Mapping[str, Any]
) -> pa.Table:
    """Mean absolute attribution of each feature on the evaluation rows, the largest first."""
    name = "ML.GLOBAL_EXPLAIN"
    fitted = predictor_of(model, name)
    check_settings(name, settings, "class_level_explain")
    if fitted.explanation is None:
        raise BqmlError(f"{name} needs a model that was trained with enable_global_explain = TRUE")
    if not boolean(name, settings, "class_level_explain"):
        return _table(_ordered(fitted.explanation.model))
    if not fitted.classes:
        raise BqmlError(f"{name}: class_level_explain is for classifiers")
    by_class = [
        (text(label), _ordered(means)[:FEATURES_A_CLASS])
        for label, means in zip(fitted.classes, fitted.explanation.classes, strict=True)
    ]
    labels = [label for label, ordered in by_class for _ in ordered]
    rows = _table([item for _, ordered in by_class for item in ordered])
    return rows.add_column(0, "class_label", pa.array(labels, pa.string()))


def _ordered(means: Mapping[str, float]) -> list[tuple[str, float]]:
    return sorted(means.items(), key=lambda item: -item[1])


def _table(ordered: Sequence[tuple[str, float]]) -> pa.Table:
    return pa.table(
        {
            "feature": pa.array([feature for feature, _ in ordered], pa.string()),
            "attribution": pa.array([value for _, value in ordered], pa.float64()),
        }
    )


EXPLAIN_PREDICT = TableFunction(
    "ML.EXPLAIN_PREDICT", takes_model=True, tables=(1, 1), call=explain_predict, row_by_row=True
)
GLOBAL_EXPLAIN = TableFunction(
    "ML.GLOBAL_EXPLAIN", takes_model=True, tables=(0, 0), call=global_explain
)
