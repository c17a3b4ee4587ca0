"""AI.FORECAST, AI.DETECT_ANOMALIES, AI.EVALUATE and AI.CAUSAL_EFFECT of time series.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-ai-forecast,
…/bigqueryml-syntax-ai-detect-anomalies, …/bigqueryml-syntax-ai-evaluate,
…/bigqueryml-syntax-causal-effect
"""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from localcloud.bqml.errors import BqmlError
from localcloud.bqml.functions import tabular, time_series
from localcloud.bqml.functions.forecast import level_of, probability
from localcloud.bqml.functions.table_function import (
    TableFunction,
    boolean,
    check_settings,
    column_of,
    instant,
    whole_number,
)
from localcloud.bqml.model import Model
from localcloud.bqml.timeseries import accuracy
from localcloud.bqml.timeseries.forecaster import Forecaster, moments_of
from localcloud.bqml.timeseries.series import TIMESTAMP, Series, Stretch

FORECAST_NAME = "AI.FORECAST"
ANOMALIES_NAME = "AI.DETECT_ANOMALIES"
EVALUATE_NAME = "AI.EVALUATE"
EFFECT_NAME = "AI.CAUSAL_EFFECT"
HORIZON, EVALUATED = 10, 1024
LEVEL = 0.95
FUTURE = {
    "forecast_timestamp": TIMESTAMP,
    "forecast_value": pa.float64(),
    "confidence_level": pa.float64(),
    "prediction_interval_lower_bound": pa.float64(),
    "prediction_interval_upper_bound": pa.float64(),
    "ai_forecast_status": pa.string(),
}
WHOLE = {
    "time_series_type": pa.string(),
    "time_series_timestamp": TIMESTAMP,
    "time_series_data": pa.float64(),
    **{name: kind for name, kind in FUTURE.items() if not name.startswith("forecast_")},
}
JUDGED = {
    "time_series_timestamp": TIMESTAMP,
    "time_series_data": pa.float64(),
    "is_anomaly": pa.bool_(),
    "lower_bound": pa.float64(),
    "upper_bound": pa.float64(),
    "anomaly_probability": pa.float64(),
    "ai_detect_anomalies_status": pa.string(),
}
EFFECT = {
    "p_value": pa.float64(),
    "prob_causal_effect": pa.float64(),
    "absolute_effect": pa.float64(),
    "relative_effect": pa.float64(),
    "status": pa.string(),
}


def forecast(
    _model: Model | None, tables: Sequence[pa.Table], settings: Mapping[str, Any]
) -> pa.Table:
    """The future of each series; the past before it where it is asked for."""
    name = FORECAST_NAME
    check_settings(
        name,
        settings,
        *time_series.FOUNDATION,
        "horizon",
        "forecast_end_timestamp",
        "confidence_level",
        "output_historical_time_series",
    )
    rows = time_series.known_rows(name, tables[0], settings)
    end = instant(name, settings, "forecast_end_timestamp")
    if end is not None and settings.get("horizon") is not None:
        raise BqmlError(f"{name}: give horizon or forecast_end_timestamp, not both")
    horizon = (
        time_series.horizon_of(name, settings, HORIZON) if end is None else time_series.MOST_POINTS
    )
    level = level_of(name, settings)
    with_past = boolean(name, settings, "output_historical_time_series")
    found = time_series.forecaster(
        name, time_series.recent(name, rows, settings), settings, horizon
    )
    columns = WHOLE if with_past else FUTURE
    tables_of = []
    past = found.read(rows) if with_past else None
    for series, future in found.futures(horizon, None):
        future = future if end is None else _until(name, future, end)
        table = _future(found, future, level)
        if past is not None:
            table = _with_past(past, series, table)
        tables_of.append(found.with_ids([series.place] * table.num_rows, table))
    return time_series.stacked(
        [*tables_of, time_series.unfitted(found, columns, "ai_forecast_status")]
    )


def _future(found: Forecaster, future: Stretch, level: float) -> pa.Table:
    lower, upper = found.interval(future, level)
    return pa.table(
        {
            "forecast_timestamp": future.timestamps,
            "forecast_value": pa.array(found.limit.bound(found.expected(future)), pa.float64()),
            "confidence_level": pa.array(np.full(len(lower), level), pa.float64()),
            "prediction_interval_lower_bound": pa.array(lower, pa.float64()),
            "prediction_interval_upper_bound": pa.array(upper, pa.float64()),
            "ai_forecast_status": pa.array([""] * len(lower), pa.string()),
        }
    )


def _with_past(past: tuple[Any, Any, Any], series: Series, future: pa.Table) -> pa.Table:
    time, data, places = past
    mine = places == series.place
    before, after = int(mine.sum()), future.num_rows
    history = {
        "time_series_type": pa.array(["history"] * before, pa.string()),
        "time_series_timestamp": pa.array(time[mine].astype(np.int64)).cast(TIMESTAMP),
        "time_series_data": pa.array(data[mine], pa.float64(), from_pandas=True),
    }
    renamed = {
        "time_series_type": pa.chunked_array([pa.array(["forecast"] * after, pa.string())]),
        "time_series_timestamp": future.column("forecast_timestamp"),
        "time_series_data": future.column("forecast_value"),
    }
    columns = {
        name: pa.chunked_array(
            [
                history.get(name, pa.nulls(before, kind)),
                *(renamed[name] if name in renamed else future.column(name)).chunks,
            ],
            kind,
        )
        for name, kind in WHOLE.items()
    }
    return pa.table(columns)


def _until(name: str, future: Stretch, end: datetime.datetime) -> Stretch:
    last = np.datetime64(end.astimezone(datetime.UTC).replace(tzinfo=None), "us")
    count = int(np.searchsorted(future.moments, last, side="right"))
    if count == 0 or (count == len(future.moments) and future.moments[-1] != last):
        raise BqmlError(
            f"{name}: forecast_end_timestamp is {end.isoformat()}, which is "
            f"{'before the next point' if count == 0 else 'too far ahead'}; 1 to "
            f"{time_series.MOST_POINTS:,} points can be forecast"
        )
    return future.first(count)


def detect_anomalies(
    _model: Model | None, tables: Sequence[pa.Table], settings: Mapping[str, Any]
) -> pa.Table:
    """Which points are outside the interval that the history of their series lets expect."""
    name = ANOMALIES_NAME
    check_settings(
        name,
        settings,
        *time_series.FOUNDATION,
        "anomaly_prob_threshold",
        "target_last_n_points",
        "target_start_timestamp",
    )
    threshold = probability(name, settings, "anomaly_prob_threshold", LEVEL)
    history, target = _split(name, tables, settings)
    found = time_series.forecaster(
        name,
        time_series.recent(name, history, settings),
        settings,
        time_series.reach(name, history, target, settings),
    )
    judged = found.detect_given(threshold, target)
    reasons = {
        series.place: time_series.status_of(series.error)
        for series in found.series
        if series.best is None
    }
    # Of a series without a history there is nothing to judge by.
    statuses = [
        time_series.TOO_SHORT if place < 0 else reasons.get(place)
        for place in found.places(target).tolist()
    ]
    own = (found.time_column, found.data_column)
    renamed = dict(zip(own, ("time_series_timestamp", "time_series_data"), strict=True))
    columns = {name: judged.column(name) for name in found.id_columns}
    for old, new in renamed.items():
        columns[new] = judged.column(old)
    for kept in ("is_anomaly", "lower_bound", "upper_bound", "anomaly_probability"):
        columns[kept] = judged.column(kept)
    columns["ai_detect_anomalies_status"] = pa.array(statuses, pa.string())
    return pa.table(columns)


def _split(
    name: str, tables: Sequence[pa.Table], settings: Mapping[str, Any]
) -> tuple[pa.Table, pa.Table]:
    """What is known, and what is judged."""
    rows = time_series.known_rows(name, tables[0], settings)
    how = [
        key
        for key in ("target_last_n_points", "target_start_timestamp")
        if settings.get(key) is not None
    ]
    if len(tables) > 1:
        if how:
            raise BqmlError(f"{name}: {how[0]} does not go with a table of targets")
        return rows, time_series.known_rows(name, tables[1], settings)
    if len(how) != 1:
        raise BqmlError(
            f"{name} needs a table of targets, target_last_n_points or target_start_timestamp"
        )
    cutoff = instant(name, settings, "target_start_timestamp")
    if cutoff is None:
        most = whole_number(name, settings, "target_last_n_points", 1, time_series.MOST_POINTS)
        is_target = time_series.places_from_end(name, rows, settings) < most
    else:
        time = rows.column(column_of(name, settings, "timestamp_col", rows))
        is_target = moments_of(time) > _micros(cutoff)
    return rows.filter(pa.array(~is_target)), rows.filter(pa.array(is_target))


def evaluate(
    _model: Model | None, tables: Sequence[pa.Table], settings: Mapping[str, Any]
) -> pa.Table:
    """How far forecasts, or predictions of a label, are from what came."""
    name = EVALUATE_NAME
    if "data_col" not in settings and "timestamp_col" not in settings:
        return tabular.evaluate(tables, settings)
    check_settings(name, settings, *time_series.FOUNDATION, "horizon")
    history = time_series.known_rows(name, tables[0], settings)
    actual = time_series.known_rows(name, tables[1], settings)
    horizon = min(
        time_series.horizon_of(name, settings, EVALUATED),
        time_series.reach(name, history, actual, settings),
    )
    found = time_series.forecaster(
        name, time_series.recent(name, history, settings), settings, horizon
    )
    scores = found.evaluate_rows(actual, aggregated=True, horizon=horizon, level=LEVEL)
    status = "ai_evaluate_status"
    scores = scores.append_column(status, pa.nulls(scores.num_rows, pa.string()))
    columns = {**dict.fromkeys(accuracy.NAMES, pa.float64()), status: pa.string()}
    return time_series.stacked([scores, time_series.unfitted(found, columns, status)])


def causal_effect(
    _model: Model | None, tables: Sequence[pa.Table], settings: Mapping[str, Any]
) -> pa.Table:
    """How much more came after a moment than what came before it lets expect.

    The errors of a forecast are taken as if all went the same way, which is why the p-value is not
    too small.
    """
    name = EFFECT_NAME
    check_settings(
        name,
        settings,
        *time_series.SETTINGS,
        "intervention_timestamp",
        "confidence_level",
        "output_time_series",
        "num_post_intervention_points",
    )
    rows = time_series.known_rows(name, tables[0], settings)
    intervention = instant(name, settings, "intervention_timestamp")
    if intervention is None:
        raise BqmlError(f"{name} needs intervention_timestamp, a TIMESTAMP")
    level = level_of(name, settings)
    pointwise = boolean(name, settings, "output_time_series")
    most = settings.get("num_post_intervention_points")
    if most is not None:
        most = whole_number(name, settings, "num_post_intervention_points", 1)
    time = rows.column(column_of(name, settings, "timestamp_col", rows))
    is_after = moments_of(time) >= _micros(intervention)
    before = rows.filter(pa.array(~is_after))
    after = rows.filter(pa.array(is_after))
    if not before.num_rows or not after.num_rows:
        raise BqmlError(
            f"{name}: no row is {'before' if not before.num_rows else 'after'} the intervention at "
            f"{intervention.isoformat()}"
        )
    horizon = time_series.reach(name, before, after, settings)
    found = time_series.forecaster(name, before, settings, horizon)
    past, came = found.read(before), found.read(after)
    given = []
    for series, future in found.futures(horizon, None):
        summary, points = _effect(found, series, future, past, came, level, most)
        table = pa.Table.from_pylist([summary], pa.schema(list(EFFECT.items())))
        if pointwise:
            table = table.take(pa.array([0] * points.num_rows, pa.int64()))
            for field in points.schema:
                table = table.append_column(field, points.column(field.name))
        given.append(found.with_ids([series.place] * table.num_rows, table))
    columns = {**EFFECT, **(_pointwise(found) if pointwise else {})}
    return time_series.stacked([*given, time_series.unfitted(found, columns, "status")])


def _pointwise(found: Forecaster) -> dict[str, pa.DataType]:
    return {
        found.time_column: TIMESTAMP,
        "is_post_intervention": pa.bool_(),
        found.data_column: pa.float64(),
        f"predicted_{found.data_column}": pa.float64(),
        "lower_bound": pa.float64(),
        "upper_bound": pa.float64(),
    }


def _effect(
    found: Forecaster,
    series: Series,
    future: Stretch,
    past: tuple[Any, Any, Any],
    came: tuple[Any, Any, Any],
    level: float,
    most: int | None,
) -> tuple[dict[str, Any], pa.Table]:
    from scipy.stats import norm

    (time, data), (known, before) = (
        (moments[places == series.place], values[places == series.place])
        for moments, values, places in (came, past)
    )
    time, data = time[:most], data[:most]
    at = np.minimum(np.searchsorted(future.moments, time), max(len(future.moments) - 1, 0))
    hits = future.moments[at] == time if len(time) else np.zeros(0, bool)
    expected, (lower, upper) = found.expected(future), found.interval(future, level)
    errors = found.errors(future)
    counts = hits & np.isfinite(data)
    effect = float((data[counts] - expected[at[counts]]).sum())
    spread, base = float(errors[at[counts]].sum()), float(expected[at[counts]].sum())
    if not counts.any():
        summary: dict[str, Any] = {"status": "There is no point after the intervention."}
    else:
        away = abs(effect) / spread if spread else (np.inf if effect else 0.0)
        p_value = float(2 * norm.sf(away))
        summary = {
            "p_value": p_value,
            "prob_causal_effect": 1 - p_value,
            "absolute_effect": effect,
            "relative_effect": effect / base if base else None,
            "status": "",
        }
    nothing = np.full(len(known), np.nan)

    def after(values: Any) -> pa.Array:
        both = np.concatenate([nothing, np.where(hits, values[at], np.nan)])
        return pa.array(both, pa.float64(), mask=np.isnan(both))

    moments = np.concatenate([known, time]).astype(np.int64)
    points = {
        found.time_column: pa.array(moments).cast(TIMESTAMP),
        "is_post_intervention": pa.array([False] * len(known) + [True] * len(time), pa.bool_()),
        found.data_column: pa.array(np.concatenate([before, data]), pa.float64()),
        f"predicted_{found.data_column}": after(expected),
        "lower_bound": after(lower),
        "upper_bound": after(upper),
    }
    return summary, pa.table(points)


def _micros(moment: datetime.datetime) -> np.datetime64:
    return np.datetime64(moment.astimezone(datetime.UTC).replace(tzinfo=None), "us")


FORECAST = TableFunction(FORECAST_NAME, takes_model=False, tables=(1, 1), call=forecast)
DETECT_ANOMALIES = TableFunction(
    ANOMALIES_NAME, takes_model=False, tables=(1, 2), call=detect_anomalies
)
EVALUATE = TableFunction(EVALUATE_NAME, takes_model=False, tables=(2, 2), call=evaluate)
CAUSAL_EFFECT = TableFunction(EFFECT_NAME, takes_model=False, tables=(1, 1), call=causal_effect)
