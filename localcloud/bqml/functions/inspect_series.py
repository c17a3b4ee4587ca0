"""What a model of time series says of itself: orders, coefficients, holidays.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-arima-evaluate,
https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-arima-coefficients,
https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-holiday-info
"""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from localcloud.bqml.errors import BqmlError
from localcloud.bqml.functions.forecast import forecaster_of
from localcloud.bqml.functions.table_function import TableFunction, boolean, check_settings
from localcloud.bqml.functions.weights import CATEGORY_WEIGHTS
from localcloud.bqml.model import Model
from localcloud.bqml.timeseries.arima import Candidate
from localcloud.bqml.timeseries.forecaster import Forecaster
from localcloud.bqml.timeseries.series import Series

ORDERS = pa.schema(
    [
        ("non_seasonal_p", pa.int64()),
        ("non_seasonal_d", pa.int64()),
        ("non_seasonal_q", pa.int64()),
        ("has_drift", pa.bool_()),
        ("log_likelihood", pa.float64()),
        ("AIC", pa.float64()),
        ("variance", pa.float64()),
        ("seasonal_periods", pa.list_(pa.string())),
        ("has_holiday_effect", pa.bool_()),
        ("has_spikes_and_dips", pa.bool_()),
        ("has_step_changes", pa.bool_()),
        ("error_message", pa.string()),
    ]
)
COEFFICIENTS = pa.schema(
    [
        ("ar_coefficients", pa.list_(pa.float64())),
        ("ma_coefficients", pa.list_(pa.float64())),
        ("intercept_or_drift", pa.float64()),
    ]
)
WEIGHTS = pa.schema(
    [
        *COEFFICIENTS,
        ("processed_input", pa.string()),
        ("weight", pa.float64()),
        ("category_weights", CATEGORY_WEIGHTS),
    ]
)
HOLIDAYS = pa.schema(
    [
        ("region", pa.string()),
        ("holiday_name", pa.string()),
        ("primary_date", pa.date32()),
        ("preholiday_days", pa.int64()),
        ("postholiday_days", pa.int64()),
    ]
)


def arima_evaluate(
    model: Model | None, _tables: Sequence[pa.Table], settings: Mapping[str, Any]
) -> pa.Table:
    """The orders that were tried and how well each fits; of several series the best alone."""
    name = "ML.ARIMA_EVALUATE"
    fitted = forecaster_of(model, name)
    check_settings(name, settings, "show_all_candidate_models")
    every = boolean(name, settings, "show_all_candidate_models")
    if settings.get("show_all_candidate_models") is None:
        every = not fitted.id_columns
    places, rows = [], []
    for series in fitted.series:
        found: Sequence[Candidate | None] = (
            series.candidates if every and series.best is not None else [series.best]
        )
        for candidate in found:
            places.append(series.place)
            rows.append(_order(fitted, series, candidate))
    return fitted.with_ids(places, pa.Table.from_pylist(rows, ORDERS))


def fitting_metrics(fitted: Forecaster) -> pa.Table:
    """What ML.EVALUATE tells without a table: the best order of each series."""
    found = [series for series in fitted.series if series.best is not None]
    rows = [_order(fitted, series, series.best) for series in found]
    table = pa.Table.from_pylist(rows, ORDERS).drop_columns(["error_message"])
    names = ["aic" if name == "AIC" else name for name in table.column_names]
    return fitted.with_ids([series.place for series in found], table.rename_columns(names))


def arima_coefficients(
    model: Model | None, _tables: Sequence[pa.Table], settings: Mapping[str, Any]
) -> pa.Table:
    """Coefficients of each series; with features a row for each feature too."""
    name = "ML.ARIMA_COEFFICIENTS"
    fitted = forecaster_of(model, name)
    check_settings(name, settings)
    places, rows = [], []
    for series in fitted.fitted:
        best = series.best
        own = {
            "ar_coefficients": [] if best is None else list(best.ar),
            "ma_coefficients": [] if best is None else list(best.ma),
            "intercept_or_drift": None if best is None else best.constant,
        }
        weights = [] if series.regression is None else series.regression.weight_rows()
        for weight in weights or [{}]:
            places.append(series.place)
            rows.append({**own, **weight})
    schema = WEIGHTS if fitted.features else COEFFICIENTS
    return fitted.with_ids(places, pa.Table.from_pylist(rows, schema))


def holiday_info(
    model: Model | None, _tables: Sequence[pa.Table], settings: Mapping[str, Any]
) -> pa.Table:
    """The holidays that the training looked at."""
    name = "ML.HOLIDAY_INFO"
    fitted = forecaster_of(model, name)
    check_settings(name, settings)
    if not fitted.holidays:
        raise BqmlError(f"{name} needs a model with holiday_region or custom_holiday")
    rows = [
        {
            "region": region,
            "holiday_name": holiday,
            "primary_date": datetime.date.fromisoformat(date),
            "preholiday_days": before,
            "postholiday_days": after,
        }
        for region, holiday, date, before, after in fitted.holidays
    ]
    return pa.Table.from_pylist(rows, HOLIDAYS)


def _order(fitted: Forecaster, series: Series, candidate: Candidate | None) -> dict[str, Any]:
    if candidate is None:
        return {"error_message": series.error}
    p, d, q = candidate.order
    parts = (
        {
            "has_holiday_effect": series.has_holiday_effect,
            "has_spikes_and_dips": series.has_spikes_and_dips,
            "has_step_changes": series.has_step_changes,
        }
        if fitted.is_decomposed
        else {}
    )
    return {
        "non_seasonal_p": p,
        "non_seasonal_d": d,
        "non_seasonal_q": q,
        "has_drift": candidate.has_drift,
        "log_likelihood": candidate.log_likelihood,
        "AIC": candidate.aic,
        "variance": candidate.variance,
        "seasonal_periods": list(series.seasonal_periods),
        "error_message": candidate.error or None,
        **parts,
    }


ARIMA_EVALUATE = TableFunction(
    "ML.ARIMA_EVALUATE", takes_model=True, tables=(0, 0), call=arima_evaluate
)
ARIMA_COEFFICIENTS = TableFunction(
    "ML.ARIMA_COEFFICIENTS", takes_model=True, tables=(0, 0), call=arima_coefficients
)
HOLIDAY_INFO = TableFunction("ML.HOLIDAY_INFO", takes_model=True, tables=(0, 0), call=holiday_info)
