"""ML.VALIDATE_DATA_DRIFT and ML.VALIDATE_DATA_SKEW.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-validate-data-drift,
https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-validate-data-skew
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from localcloud.bqml import drift
from localcloud.bqml.column_type import CATEGORICAL, bigquery_type
from localcloud.bqml.errors import BqmlError
from localcloud.bqml.functions.table_function import TableFunction, check_settings, model_of
from localcloud.bqml.model import Model

DEFAULT_THRESHOLD = 0.3
METRICS = ("L_INFTY", "JENSEN_SHANNON_DIVERGENCE")
NUMERICAL = "JENSEN_SHANNON_DIVERGENCE"
SETTINGS = (
    "categorical_default_threshold",
    "categorical_metric_type",
    "numerical_default_threshold",
    "numerical_metric_type",
    "thresholds",
)
SCHEMA = pa.schema(
    [
        ("input", pa.string()),
        ("metric", pa.string()),
        ("threshold", pa.float64()),
        ("value", pa.float64()),
        ("is_anomaly", pa.bool_()),
    ]
)


def validate_data_drift(
    _model: Model | None, tables: Sequence[pa.Table], settings: Mapping[str, Any]
) -> pa.Table:
    """Compare the columns that two sets of serving data share."""
    name = "ML.VALIDATE_DATA_DRIFT"
    check_settings(name, settings, *SETTINGS, "num_histogram_buckets")
    base, study = tables
    buckets = settings.get("num_histogram_buckets", drift.BUCKETS)
    if isinstance(buckets, bool) or not isinstance(buckets, int) or not 1 <= buckets <= 1000:
        raise BqmlError(f"{name}: num_histogram_buckets is {buckets!r}; give 1 to 1,000")
    rows = []
    for column in base.column_names:
        if column not in study.column_names:
            raise BqmlError(f"{name}: column '{column}' is in the base data only")
        first, second = base.column(column), study.column(column)
        categorical = _is_categorical(name, column, first)
        if categorical != _is_categorical(name, column, second):
            raise BqmlError(f"{name}: column '{column}' is {first.type} and {second.type}")
        metric, threshold = _judge(name, settings, column, categorical=categorical)
        value = (
            drift.categorical_distance(first, second, metric)
            if categorical
            else drift.numeric_distance(first, second, buckets)
        )
        rows.append(_row(column, metric, threshold, value))
    return pa.Table.from_pylist(rows, SCHEMA)


def validate_data_skew(
    model: Model | None, tables: Sequence[pa.Table], settings: Mapping[str, Any]
) -> pa.Table:
    """Compare serving data with the rows a model was trained on."""
    name = "ML.VALIDATE_DATA_SKEW"
    fitted = model_of(model, name)
    check_settings(name, settings, *SETTINGS, "enable_visualization_link")
    if settings.get("enable_visualization_link"):
        raise NotImplementedError(f"{name}: the local cloud has no console to link to")
    serving = tables[0]
    rows = []
    for column, kind in fitted.feature_columns:
        if column not in serving.column_names:
            raise BqmlError(f"{name}: the serving data lacks the feature '{column}'")
        facts = fitted.feature_statistics[column]
        metric, threshold = _judge(name, settings, column, categorical=kind in CATEGORICAL)
        value = (
            drift.distance_of_counts(
                facts["categories"], drift.counts(serving.column(column)), metric
            )
            if kind in CATEGORICAL
            else drift.distance_to_quantiles(facts["quantiles"], serving.column(column))
        )
        rows.append(_row(column, metric, threshold, value))
    return pa.Table.from_pylist(rows, SCHEMA)


def _is_categorical(name: str, column: str, values: pa.ChunkedArray) -> bool:
    try:
        return bigquery_type(values.type) in CATEGORICAL
    except NotImplementedError as error:
        raise NotImplementedError(f"{name}, column '{column}': {error}") from None


def _judge(
    name: str, settings: Mapping[str, Any], column: str, *, categorical: bool
) -> tuple[str, float]:
    kind = "categorical" if categorical else "numerical"
    metric = str(
        settings.get(f"{kind}_metric_type", METRICS[0] if categorical else NUMERICAL)
    ).upper()
    allowed = METRICS if categorical else (NUMERICAL,)
    if metric not in allowed:
        raise BqmlError(f"{name}: {kind}_metric_type is '{metric}'; give {' or '.join(allowed)}")
    threshold = _own_thresholds(settings).get(
        column, settings.get(f"{kind}_default_threshold", DEFAULT_THRESHOLD)
    )
    if not isinstance(threshold, (int, float)) or not 0 <= threshold < 1:
        raise BqmlError(f"{name}: threshold of '{column}' is {threshold!r}; give 0 to below 1")
    return metric, float(threshold)


def _own_thresholds(settings: Mapping[str, Any]) -> dict[str, Any]:
    pairs = settings.get("thresholds") or []
    return {
        str(values[0]): values[1]
        for values in (list(p.values()) if isinstance(p, dict) else list(p) for p in pairs)
    }


def _row(column: str, metric: str, threshold: float, value: float) -> dict[str, Any]:
    return {
        "input": column,
        "metric": metric,
        "threshold": threshold,
        "value": float(np.round(value, 12)),
        "is_anomaly": value > threshold,
    }


VALIDATE_DATA_DRIFT = TableFunction(
    "ML.VALIDATE_DATA_DRIFT", takes_model=False, tables=(2, 2), call=validate_data_drift
)
VALIDATE_DATA_SKEW = TableFunction(
    "ML.VALIDATE_DATA_SKEW", takes_model=True, tables=(1, 1), call=validate_data_skew
)
