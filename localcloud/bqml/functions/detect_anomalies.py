"""ML.DETECT_ANOMALIES.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-detect-anomalies
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from localcloud.bqml.errors import BqmlError
from localcloud.bqml.functions.forecast import probability
from localcloud.bqml.functions.table_function import (
    TableFunction,
    check_settings,
    followed_by,
    model_of,
)
from localcloud.bqml.model import Model
from localcloud.bqml.timeseries.forecaster import Forecaster
from localcloud.bqml.unsupervised.detector import Detector

NAME = "ML.DETECT_ANOMALIES"
MOST_CONTAMINATION = 0.5
ANOMALY_PROB_THRESHOLD = 0.95


def detect_anomalies(
    model: Model | None, tables: Sequence[pa.Table], settings: Mapping[str, Any]
) -> pa.Table:
    """Say which rows are unlike those of the training.

    A row is an anomaly where its score is above that of all but the share `contamination` of the
    training rows.
    """
    given = model_of(model, NAME)
    if isinstance(given.fitted, Forecaster):
        return _of_series(given.fitted, tables, settings)
    if not isinstance(given.fitted, Detector):
        raise BqmlError(f"{NAME} is not for models of type {given.model_type}")
    check_settings(NAME, settings, "contamination", "trial_id")
    contamination = settings.get("contamination")
    if (
        isinstance(contamination, bool)
        or not isinstance(contamination, (int, float))
        or not 0 <= contamination <= MOST_CONTAMINATION
    ):
        raise BqmlError(
            f"{NAME}: contamination is {contamination!r}; give a number from 0 to "
            f"{MOST_CONTAMINATION}"
        )
    if not tables:
        raise BqmlError(f"{NAME} of a model of type {given.model_type} needs a table or a query")
    columns = given.fitted.anomaly_scores(tables[0])
    scores = next(iter(columns.values())).to_numpy(zero_copy_only=False)
    cutoff = np.quantile(given.fitted.training_scores, 1 - contamination)
    return followed_by({"is_anomaly": pa.array(scores > cutoff), **columns}, tables[0])


def _of_series(
    fitted: Forecaster, tables: Sequence[pa.Table], settings: Mapping[str, Any]
) -> pa.Table:
    """Which points are outside the interval that their series was expected in."""
    check_settings(NAME, settings, "anomaly_prob_threshold")
    if tables and "anomaly_prob_threshold" not in settings:
        raise BqmlError(f"{NAME}: new data needs anomaly_prob_threshold")
    threshold = probability(NAME, settings, "anomaly_prob_threshold", ANOMALY_PROB_THRESHOLD)
    return fitted.detect(threshold, tables[0] if tables else None)


DETECT_ANOMALIES = TableFunction(
    NAME, takes_model=True, tables=(0, 1), call=detect_anomalies, row_by_row=True
)
