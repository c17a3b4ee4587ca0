"""ML.EVALUATE.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-evaluate
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from localcloud.bqml.errors import BqmlError
from localcloud.bqml.functions.forecast import level_of
from localcloud.bqml.functions.inspect_series import fitting_metrics
from localcloud.bqml.functions.table_function import (
    TableFunction,
    check_settings,
    model_of,
    whole_number,
)
from localcloud.bqml.model import Model
from localcloud.bqml.timeseries.forecaster import Forecaster

NAME = "ML.EVALUATE"


def evaluate(
    model: Model | None, tables: Sequence[pa.Table], settings: Mapping[str, Any]
) -> pa.Table:
    """Metrics on the rows given; without any, on the evaluation rows of the training."""
    given = model_of(model, NAME)
    if isinstance(given.fitted, Forecaster):
        return _of_series(given.fitted, tables, settings)
    check_settings(NAME, settings, "threshold", "trial_id")
    if not tables and settings.get("threshold") is not None:
        raise BqmlError(f"{NAME}: threshold needs a table or a query")
    scores = given.fitted.evaluate(tables[0] if tables else None, settings)
    return pa.table({name: pa.array([value], pa.float64()) for name, value in scores.items()})


def _of_series(
    fitted: Forecaster, tables: Sequence[pa.Table], settings: Mapping[str, Any]
) -> pa.Table:
    """Forecasts against what came; without a table how well the series are fitted."""
    check_settings(NAME, settings, "perform_aggregation", "horizon", "confidence_level")
    if not tables:
        if settings:
            raise BqmlError(f"{NAME}: {', '.join(sorted(settings))} needs a table or a query")
        return fitting_metrics(fitted)
    aggregated = settings.get("perform_aggregation")
    if aggregated is None:
        aggregated = True
    if not isinstance(aggregated, bool):
        raise BqmlError(f"{NAME}: perform_aggregation is {aggregated!r}; give TRUE or FALSE")
    if aggregated and "confidence_level" in settings:
        raise BqmlError(f"{NAME}: confidence_level needs perform_aggregation = FALSE")
    return fitted.evaluate_rows(
        tables[0],
        aggregated=aggregated,
        horizon=whole_number(NAME, settings, "horizon", fitted.horizon),
        level=level_of(NAME, settings),
    )


EVALUATE = TableFunction(NAME, takes_model=True, tables=(0, 1), call=evaluate)
