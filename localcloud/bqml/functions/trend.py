"""ML.TREND, ML.SEASONALITY and ML.DETECT_CHANGE_POINTS.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-trend,
…/bigqueryml-syntax-seasonality, …/bigqueryml-syntax-detect-change-points
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from localcloud.bqml.arrays import Floats
from localcloud.bqml.errors import BqmlError
from localcloud.bqml.functions import time_series
from localcloud.bqml.functions.table_function import (
    TableFunction,
    boolean,
    check_settings,
    whole_number,
)
from localcloud.bqml.model import Model
from localcloud.bqml.timeseries.decomposition import MAD_TO_STDDEV
from localcloud.bqml.timeseries.forecaster import Forecaster
from localcloud.bqml.timeseries.season import SEASONS
from localcloud.bqml.timeseries.series import TIMESTAMP, Stretch

TREND_NAME, SEASONALITY_NAME = "ML.TREND", "ML.SEASONALITY"
CHANGE_NAME = "ML.DETECT_CHANGE_POINTS"
WINDOW = 5
"""Points that a trend is smoothed over."""
AROUND = 8
"""Points before and after a change that its window has, as in Google's example."""
PENALTY = 3.0
"""How many times log(n) variances a change must explain."""
METRICS = pa.struct(
    [
        ("avg", pa.float64()),
        ("min", pa.float64()),
        ("max", pa.float64()),
        ("stddev", pa.float64()),
        ("count", pa.int64()),
    ]
)
CHANGES = {
    "begin_timestamp": TIMESTAMP,
    "end_timestamp": TIMESTAMP,
    "metrics": METRICS,
    "status": pa.string(),
}


def trend(
    _model: Model | None, tables: Sequence[pa.Table], settings: Mapping[str, Any]
) -> pa.Table:
    """The trend of each series, and what it is going to be."""
    name = TREND_NAME
    check_settings(
        name,
        settings,
        *time_series.SETTINGS,
        "horizon",
        "smoothing_window_size",
        "adjust_step_changes",
    )
    window = whole_number(name, settings, "smoothing_window_size", WINDOW)
    adjusted = boolean(name, settings, "adjust_step_changes")

    def parts(stretch: Stretch) -> dict[str, Floats | None]:
        return {"trend": stretch.parts["trend"]}

    return _taken_apart(
        name,
        tables[0],
        settings,
        ["trend"],
        parts,
        TREND_SMOOTHING_WINDOW_SIZE=window,
        ADJUST_STEP_CHANGES=adjusted,
    )


def seasonality(
    _model: Model | None, tables: Sequence[pa.Table], settings: Mapping[str, Any]
) -> pa.Table:
    """What comes back in each series; NULL where nothing does."""
    name = SEASONALITY_NAME
    check_settings(name, settings, *time_series.SETTINGS, "horizon", "seasonalities")
    asked = settings.get("seasonalities")
    names = list(SEASONS)
    given: dict[str, Any] = {}
    if asked is not None:
        wanted = [asked] if isinstance(asked, str) else asked
        if (
            not isinstance(wanted, list)
            or not wanted
            or any(not isinstance(item, str) or item.upper() not in names for item in wanted)
        ):
            raise BqmlError(
                f"{name}: seasonalities is {asked!r}; give an array of {', '.join(names)}"
            )
        upper = {item.upper() for item in wanted}
        names = [item for item in names if item in upper]
        given = {"SEASONALITIES": names}

    def parts(stretch: Stretch) -> dict[str, Floats | None]:
        return {
            item.lower(): stretch.parts.get(f"seasonal_period_{item.lower()}") for item in names
        }

    return _taken_apart(name, tables[0], settings, [item.lower() for item in names], parts, **given)


def detect_change_points(
    _model: Model | None, tables: Sequence[pa.Table], settings: Mapping[str, Any]
) -> pa.Table:
    """The stretches in which the level of a series changes for good.

    Where they are, PELT finds in what is left of a series without its seasons.
    """
    name = CHANGE_NAME
    check_settings(name, settings, *time_series.SETTINGS)
    rows = time_series.known_rows(name, tables[0], settings)
    found = time_series.forecaster(
        name, rows, settings, 1, CLEAN_SPIKES_AND_DIPS=False, ADJUST_STEP_CHANGES=False
    )
    given = []
    for series in found.fitted:
        table = _changes(series.history)
        given.append(found.with_ids([series.place] * table.num_rows, table))
    return time_series.stacked([*given, time_series.unfitted(found, CHANGES, "status")])


def _taken_apart(
    name: str,
    table: pa.Table,
    settings: Mapping[str, Any],
    names: Sequence[str],
    parts: Callable[[Stretch], dict[str, Floats | None]],
    **options: Any,
) -> pa.Table:
    rows = time_series.known_rows(name, table, settings)
    horizon = settings.get("horizon") or 0
    if horizon != 0:
        horizon = time_series.horizon_of(name, settings, 1)
    found = time_series.forecaster(name, rows, settings, max(horizon, 1), **options)
    columns = {
        found.time_column: TIMESTAMP,
        "time_series_type": pa.string(),
        found.data_column: pa.float64(),
        **dict.fromkeys(names, pa.float64()),
        "status": pa.string(),
    }
    given = []
    for series in found.fitted:
        pieces = [_piece(found, series.history, columns, parts, "history")]
        if horizon:
            pieces.append(_piece(found, series.future.first(horizon), columns, parts, "forecast"))
        whole = time_series.stacked(pieces)
        given.append(found.with_ids([series.place] * whole.num_rows, whole))
    return time_series.stacked([*given, time_series.unfitted(found, columns, "status")])


def _piece(
    found: Forecaster,
    stretch: Stretch,
    columns: Mapping[str, pa.DataType],
    parts: Callable[[Stretch], dict[str, Floats | None]],
    kind: str,
) -> pa.Table:
    count = len(stretch.moments)
    values = parts(stretch)
    filled: dict[str, pa.Array] = {
        found.time_column: stretch.timestamps,
        "time_series_type": pa.array([kind] * count, pa.string()),
        found.data_column: pa.array(
            found.expected(stretch) if stretch.data is None else stretch.data, pa.float64()
        ),
        "status": pa.array([""] * count, pa.string()),
    }
    for name, part in values.items():
        filled[name] = pa.nulls(count, pa.float64()) if part is None else pa.array(part)
    return pa.table({name: filled[name] for name in columns})


def _changes(history: Stretch) -> pa.Table:
    import ruptures

    data = np.zeros(0) if history.data is None else history.data
    seasons = [part for name, part in history.parts.items() if name.startswith("seasonal_")]
    level = data - sum(seasons, np.zeros(len(data)))
    found: list[int] = []
    # Half of how much neighbours differ is chance; a trend differs by little from one to the next.
    differences = np.diff(level)
    noise = MAD_TO_STDDEV * float(np.median(np.abs(differences))) / np.sqrt(2) if len(data) else 0
    noise = noise or 1e-9 * max(float(np.ptp(level)), 1e-300)
    if len(data) >= 2 * AROUND and float(np.ptp(level)) > 0:
        search = ruptures.Pelt(model="l2", min_size=AROUND, jump=1).fit(level / noise)
        found = search.predict(pen=PENALTY * np.log(len(level)) * 2)[:-1]
        found = [place for place in found if _stands_out(level, place, noise)]
    rows = []
    for place in found:
        start, end = max(place - AROUND, 0), min(place + AROUND, len(data) - 1)
        part = data[start : end + 1]
        rows.append(
            {
                "begin_timestamp": history.timestamps[start].as_py(),
                "end_timestamp": history.timestamps[end].as_py(),
                "metrics": {
                    "avg": float(part.mean()),
                    "min": float(part.min()),
                    "max": float(part.max()),
                    "stddev": float(part.std(ddof=1)),
                    "count": len(part),
                },
                "status": "",
            }
        )
    return pa.Table.from_pylist(rows, pa.schema(list(CHANGES.items())))


def _stands_out(level: Floats, place: int, noise: float) -> bool:
    """Whether the level changes at a place, rather than going on as it went before."""
    before = level[max(place - 3 * AROUND, 0) : place]
    after = level[place : place + 3 * AROUND]
    slopes = [
        float(np.polyfit(np.arange(len(side)), side, 1)[0]) if len(side) > 2 else 0.0
        for side in (before, after)
    ]
    jump = float(np.mean(after) - np.mean(before))
    usual = (slopes[0] + slopes[1]) / 2 * (len(before) + len(after)) / 2
    return abs(jump - usual) > 3 * noise


TREND = TableFunction(TREND_NAME, takes_model=False, tables=(1, 1), call=trend)
SEASONALITY = TableFunction(SEASONALITY_NAME, takes_model=False, tables=(1, 1), call=seasonality)
DETECT_CHANGE_POINTS = TableFunction(
    CHANGE_NAME, takes_model=False, tables=(1, 1), call=detect_change_points
)
