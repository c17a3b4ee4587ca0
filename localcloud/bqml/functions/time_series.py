"""Time series that a function is given without a model.

Google forecasts them with TimesFM, or takes them apart as ARIMA_PLUS does; the local cloud has no
TimesFM and fits an ARIMA_PLUS in its place.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from localcloud.bqml import options
from localcloud.bqml.column_type import floats
from localcloud.bqml.errors import BqmlError
from localcloud.bqml.functions.table_function import (
    choice,
    column_of,
    columns_of,
    whole_number,
)
from localcloud.bqml.timeseries import training
from localcloud.bqml.timeseries.forecaster import Forecaster

TOO_SHORT = "The time series data is too short."
SETTINGS = ("data_col", "timestamp_col", "id_cols")
FOUNDATION = (*SETTINGS, "model", "context_window")
MOST_POINTS = 10_000
"""How far ahead a forecast may go."""
_WINDOWS = (64, 128, 256, 512, 1024, 2048, 4096, 8192, 15_360)
_MODELS = {"TimesFM 2.0": _WINDOWS[:6], "TimesFM 2.5": _WINDOWS}


def forecaster(
    name: str, rows: pa.Table, settings: Mapping[str, Any], horizon: int, **given: Any
) -> Forecaster:
    """Fit the series of some rows.

    Args:
        name: The function, for messages.
        rows: The rows.
        settings: The function's, of which `SETTINGS` are read.
        horizon: Points to forecast.
        given: Options of ARIMA_PLUS.

    Raises:
        BqmlError: A column is missing or of a wrong type.
    """
    ids = columns_of(name, settings, "id_cols", rows)
    values = options.filled(
        name,
        training.OPTIONS,
        {
            "TIME_SERIES_TIMESTAMP_COL": column_of(name, settings, "timestamp_col", rows),
            "TIME_SERIES_DATA_COL": column_of(name, settings, "data_col", rows),
            **({"TIME_SERIES_ID_COL": ids} if ids else {}),
            "HORIZON": horizon,
            **given,
        },
    )
    try:
        found, _, _ = training.fitted(values, rows)
    except BqmlError as error:
        raise BqmlError(f"{name}: {error}") from None
    return found


def recent(name: str, rows: pa.Table, settings: Mapping[str, Any]) -> pa.Table:
    """The last rows of each series, as many as the model's context window holds.

    Raises:
        BqmlError: There is no such model, or no such window of it.
    """
    model = choice(name, settings, "model", "TimesFM 2.5", *_MODELS)
    windows = _MODELS[model]
    window = settings.get("context_window")
    if window is None:
        window = windows[-1]
    elif isinstance(window, bool) or window not in windows:
        allowed = ", ".join(map(str, windows))
        raise BqmlError(f"{name}: context_window is {window!r}; {model} has {allowed}")
    if rows.num_rows <= window:
        return rows
    return rows.filter(pa.array(places_from_end(name, rows, settings) < window))


def places_from_end(name: str, rows: pa.Table, settings: Mapping[str, Any]) -> Any:
    """How many rows of its series come after each row."""
    import pandas as pd

    time = column_of(name, settings, "timestamp_col", rows)
    ids = columns_of(name, settings, "id_cols", rows)
    keys = list(zip(*(map(str, rows.column(column).to_pylist()) for column in ids), strict=True))
    moments = pd.Series(rows.column(time).cast(pa.timestamp("us")).to_numpy(), copy=True)
    if not ids:
        return moments.rank(method="first", ascending=False).to_numpy() - 1
    return moments.groupby(pd.Series(keys)).rank(method="first", ascending=False).to_numpy() - 1


def status_of(error: str) -> str:
    """What a function's status says of a series that could not be fitted."""
    return TOO_SHORT if f"at least {training.FEWEST_POINTS} are needed" in error else error


def unfitted(found: Forecaster, columns: Mapping[str, pa.DataType], status: str) -> pa.Table:
    """A row of NULLs for each series that could not be fitted, with the reason.

    Args:
        found: The series.
        columns: What the function gives of a series, by name.
        status: Which of them has the reason.
    """
    failed = [series for series in found.series if series.best is None]
    table = pa.table(
        {
            name: pa.array([status_of(series.error) for series in failed], pa.string())
            if name == status
            else pa.nulls(len(failed), kind)
            for name, kind in columns.items()
        }
    )
    return found.with_ids([series.place for series in failed], table)


def reach(name: str, history: pa.Table, target: pa.Table, settings: Mapping[str, Any]) -> int:
    """How many points after the end of its history the last target of any series can be."""
    time = column_of(name, settings, "timestamp_col", history)
    other = column_of(name, settings, "timestamp_col", target)
    ids = [
        list(map(str, history.column(column).to_pylist()))
        for column in columns_of(name, settings, "id_cols", history)
    ]
    known = history.column(time).cast(pa.timestamp("us")).cast(pa.int64())
    last = pc.max(target.column(other).cast(pa.timestamp("us")).cast(pa.int64())).as_py()
    by_series: dict[tuple[str, ...], list[int]] = {}
    keys = zip(*ids, strict=True) if ids else [()] * len(known)
    for key, moment in zip(keys, known.to_pylist(), strict=True):
        if moment is not None:
            by_series.setdefault(key, []).append(moment)
    steps = 1
    for moments in by_series.values():
        different = np.unique(moments)
        if last is not None and len(different) > 1:
            gap = int(np.diff(different).min())
            steps = max(steps, (last - int(different[-1])) // gap + 1)
    return min(steps, MOST_POINTS)


def horizon_of(name: str, settings: Mapping[str, Any], default: int) -> int:
    """The setting `horizon`."""
    return whole_number(name, settings, "horizon", default, MOST_POINTS)


def known_rows(name: str, rows: pa.Table, settings: Mapping[str, Any]) -> pa.Table:
    """The rows that have a moment, in time."""
    time = column_of(name, settings, "timestamp_col", rows)
    kept = rows.filter(pc.is_valid(rows.column(time)))
    return kept.take(pc.sort_indices(kept, sort_keys=[(time, "ascending")]))


def numbers(name: str, rows: pa.Table, settings: Mapping[str, Any]) -> Any:
    """The values of the series."""
    return floats(rows.column(column_of(name, settings, "data_col", rows)))


def stacked(tables: Sequence[pa.Table]) -> pa.Table:
    """Tables with the same columns, one after another."""
    return pa.concat_tables(tables)
