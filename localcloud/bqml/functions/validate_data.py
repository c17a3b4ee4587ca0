"""ML.VALIDATE_DATA_DRIFT and ML.VALIDATE_DATA_SKEW.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-validate-data-drift,
https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-validate-data-skew
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from localcloud.bqml import drift, nested, statistics
from localcloud.bqml.column_type import is_numeric
from localcloud.bqml.errors import BqmlError
from localcloud.bqml.functions.table_function import (
    TableFunction,
    boolean,
    check_settings,
    model_of,
    whole_number,
)
from localcloud.bqml.histogram import BUCKETS, Histogram
from localcloud.bqml.model import Model

DEFAULT_THRESHOLD = 0.3
L_INFTY = "L_INFTY"
JENSEN_SHANNON = "JENSEN_SHANNON_DIVERGENCE"
SETTINGS = (
    "categorical_default_threshold",
    "categorical_metric_type",
    "numerical_default_threshold",
    "numerical_metric_type",
    "thresholds",
)
# These two change histograms that only ML.TFDV_DESCRIBE shows, not the distances.
SHOWN_ELSEWHERE = ("num_quantiles_histogram_buckets", "num_values_histogram_buckets")
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
    model: Model | None, tables: Sequence[pa.Table], settings: Mapping[str, Any]
) -> pa.Table:
    """Compare the columns that two sets of serving data share.

    Of columns that are numbers on one side only, those with the L-infinity distance are compared
    as categories and the others left out, as Google does.
    """
    name = "ML.VALIDATE_DATA_DRIFT"
    if model is not None:
        raise NotImplementedError(
            f"{name} with a model adds a link to Google's console, which the local cloud has not: "
            "leave the model out"
        )
    check_settings(
        name,
        settings,
        *SETTINGS,
        *SHOWN_ELSEWHERE,
        "num_histogram_buckets",
        "num_rank_histogram_buckets",
    )
    for key in SHOWN_ELSEWHERE:
        whole_number(name, settings, key, BUCKETS, 1000)
    buckets = whole_number(name, settings, "num_histogram_buckets", BUCKETS, 1000)
    most = whole_number(name, settings, "num_rank_histogram_buckets", statistics.RANKED, 10_000)
    base, study = tables
    shared = [column for column in base.column_names if column in study.column_names]
    if not shared:
        raise BqmlError(
            f"{name}: the data share no column; one has {', '.join(base.column_names)}, the other "
            f"{', '.join(study.column_names)}"
        )
    judge = Judge(name, settings, shared)
    rows = []
    for column in shared:
        first, second = base.column(column), study.column(column)
        numeric = [_is_numeric(name, column, side) for side in (first, second)]
        metric, threshold = judge.of(column, numeric=all(numeric))
        if all(numeric):
            value = drift.distance_of_histograms(
                Histogram.of(first, buckets), Histogram.of(second, buckets)
            )
        elif any(numeric) and metric == JENSEN_SHANNON:
            continue
        else:
            value = drift.categorical_distance(first, second, metric, most)
        rows.append(_row(column, metric, threshold, value))
    return pa.Table.from_pylist(rows, SCHEMA)


WITHOUT_SKEW = ("AUTOML_CLASSIFIER", "AUTOML_REGRESSOR", "MATRIX_FACTORIZATION", "ARIMA_PLUS")
"""Kinds that ML.VALIDATE_DATA_SKEW is not for, as the limitations on Google's page have them."""


def validate_data_skew(
    model: Model | None, tables: Sequence[pa.Table], settings: Mapping[str, Any]
) -> pa.Table:
    """Compare serving data with the rows a model was trained on, by the features they share."""
    name = "ML.VALIDATE_DATA_SKEW"
    given = model_of(model, name)
    if given.kind in WITHOUT_SKEW:
        raise BqmlError(f"{name} is not for models of type {given.model_type}")
    if given.options.get("WARM_START"):
        raise BqmlError(f"{name} is not for models that were trained with WARM_START")
    check_settings(name, settings, *SETTINGS, "enable_visualization_link")
    if boolean(name, settings, "enable_visualization_link"):
        raise NotImplementedError(f"{name}: the local cloud has no console to link to")
    serving = nested.flattened(tables[0])
    shared = [column for column in given.feature_statistics if column in serving.column_names]
    if not shared:
        raise BqmlError(
            f"{name}: the serving data has none of the features "
            f"{', '.join(feature for feature, _ in given.feature_columns)}"
        )
    judge = Judge(name, settings, list(given.feature_statistics))
    rows = []
    for column in shared:
        facts = given.feature_statistics[column]
        values = nested.elements(serving.column(column))
        numeric = ["histogram" in facts, _is_numeric(name, column, values)]
        metric, threshold = judge.of(column, numeric=all(numeric))
        if all(numeric):
            value = drift.distance_of_histograms(
                Histogram.from_json(facts["histogram"]), Histogram.of(values)
            )
        elif any(numeric):
            # Of training rows that were numbers no categories are known.
            continue
        else:
            value = drift.distance_of_counts(
                facts["categories"], drift.counts(values, statistics.RANKED), metric
            )
        rows.append(_row(column, metric, threshold, value))
    return pa.Table.from_pylist(rows, SCHEMA)


class Judge:
    """Metric and threshold of each column, as the settings say."""

    def __init__(self, name: str, settings: Mapping[str, Any], columns: Sequence[str]) -> None:
        self._name = name
        self._metrics = {
            "categorical": _metric(name, settings, "categorical", (L_INFTY, JENSEN_SHANNON)),
            "numerical": _metric(name, settings, "numerical", (JENSEN_SHANNON,)),
        }
        self._defaults = {
            kind: self._threshold(
                f"{kind}_default_threshold",
                settings.get(f"{kind}_default_threshold", DEFAULT_THRESHOLD),
            )
            for kind in ("categorical", "numerical")
        }
        pairs = [
            list(pair.values()) if isinstance(pair, dict) else list(pair)
            for pair in settings.get("thresholds") or []
        ]
        self._own = {
            str(column): self._threshold(f"threshold of '{column}'", threshold)
            for column, threshold in pairs
        }
        strange = [column for column in self._own if column not in columns]
        if strange:
            raise BqmlError(
                f"{name}: thresholds has '{strange[0]}', which is no column that is compared; "
                f"these are: {', '.join(columns)}"
            )

    def of(self, column: str, *, numeric: bool) -> tuple[str, float]:
        """Metric and threshold of a column."""
        kind = "numerical" if numeric else "categorical"
        return self._metrics[kind], self._own.get(column, self._defaults[kind])

    def _threshold(self, what: str, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1:
            raise BqmlError(f"{self._name}: {what} is {value!r}; give a number from 0 to below 1")
        return float(value)


def _metric(name: str, settings: Mapping[str, Any], kind: str, allowed: Sequence[str]) -> str:
    metric = str(settings.get(f"{kind}_metric_type", allowed[0])).upper()
    if metric not in allowed:
        raise BqmlError(f"{name}: {kind}_metric_type is '{metric}'; give {' or '.join(allowed)}")
    return metric


def _is_numeric(name: str, column: str, values: pa.ChunkedArray) -> bool:
    try:
        return is_numeric(values.type)
    except NotImplementedError as error:
        raise NotImplementedError(f"{name}, column '{column}': {error}") from None


def _row(column: str, metric: str, threshold: float, value: float) -> dict[str, Any]:
    # The last digits are noise of the sums, and what is equal should be 0.
    rounded = float(np.round(value, 12))
    return {
        "input": column,
        "metric": metric,
        "threshold": threshold,
        "value": rounded,
        "is_anomaly": rounded > threshold,
    }


VALIDATE_DATA_DRIFT = TableFunction(
    "ML.VALIDATE_DATA_DRIFT", takes_model=False, tables=(2, 2), call=validate_data_drift
)
VALIDATE_DATA_SKEW = TableFunction(
    "ML.VALIDATE_DATA_SKEW",
    takes_model=True,
    tables=(1, 1),
    call=validate_data_skew,
    takes_features=False,
    before_transform=True,
)
