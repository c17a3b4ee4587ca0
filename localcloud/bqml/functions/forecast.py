"""ML.FORECAST and ML.EXPLAIN_FORECAST.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-forecast,
https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-explain-forecast
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from localcloud.bqml.errors import BqmlError
from localcloud.bqml.functions.table_function import (
    TableFunction,
    check_settings,
    model_of,
    whole_number,
)
from localcloud.bqml.model import Model
from localcloud.bqml.timeseries.forecaster import Forecaster

HORIZON = 3
CONFIDENCE_LEVEL = 0.95


def forecast(
    model: Model | None, tables: Sequence[pa.Table], settings: Mapping[str, Any]
) -> pa.Table:
    """Forecasts of each series with their intervals."""
    name = "ML.FORECAST"
    fitted = forecaster_of(model, name)
    return fitted.forecast(*_how_far(name, fitted, tables, settings))


def explain_forecast(
    model: Model | None, tables: Sequence[pa.Table], settings: Mapping[str, Any]
) -> pa.Table:
    """The past and the future of each series, taken apart."""
    name = "ML.EXPLAIN_FORECAST"
    fitted = forecaster_of(model, name)
    return fitted.explain(*_how_far(name, fitted, tables, settings))


def forecaster_of(model: Model | None, name: str) -> Forecaster:
    """The series of the model a function was given.

    Raises:
        BqmlError: There is no model, or it is of another kind.
    """
    given = model_of(model, name)
    if not isinstance(given.fitted, Forecaster):
        raise BqmlError(f"{name} is for time series, and this is {given.model_type}")
    return given.fitted


def level_of(name: str, settings: Mapping[str, Any]) -> float:
    """The setting `confidence_level`.

    Raises:
        BqmlError: It is not from 0 to below 1.
    """
    return probability(name, settings, "confidence_level", CONFIDENCE_LEVEL)


def probability(name: str, settings: Mapping[str, Any], key: str, default: float) -> float:
    """A setting that is a number from 0 to below 1.

    Raises:
        BqmlError: It is something else.
    """
    value = settings.get(key, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1:
        raise BqmlError(f"{name}: {key} is {value!r}; give a number from 0 to below 1")
    return float(value)


def _how_far(
    name: str, fitted: Forecaster, tables: Sequence[pa.Table], settings: Mapping[str, Any]
) -> tuple[int, float, pa.Table | None]:
    check_settings(name, settings, "horizon", "confidence_level")
    if tables and not fitted.features:
        raise BqmlError(f"{name} takes a table only of a model of type ARIMA_PLUS_XREG")
    horizon = whole_number(name, settings, "horizon", min(HORIZON, fitted.horizon))
    return horizon, level_of(name, settings), tables[0] if tables else None


FORECAST = TableFunction(
    "ML.FORECAST", takes_model=True, tables=(0, 1), call=forecast, takes_features=False
)
EXPLAIN_FORECAST = TableFunction(
    "ML.EXPLAIN_FORECAST",
    takes_model=True,
    tables=(0, 1),
    call=explain_forecast,
    takes_features=False,
)
