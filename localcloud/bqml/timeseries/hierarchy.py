"""Series that are sums of others: hierarchical time series, reconciled from the bottom up.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-create-time-series#hierarchical_reconciliation
Errors of series are taken as independent of one another.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from localcloud.bqml.arrays import Floats
from localcloud.bqml.errors import BqmlError
from localcloud.bqml.timeseries.arima import Candidate
from localcloud.bqml.timeseries.frequency import Moments
from localcloud.bqml.timeseries.season import NO_SEASONALITY, SEASONS
from localcloud.bqml.timeseries.series import Series, Stretch


def summed(
    ids: pa.Table, series: Sequence[Series], columns: Sequence[str]
) -> tuple[pa.Table, list[Series]]:
    """Roll series up, the last column first.

    Args:
        ids: A row of ids for each series.
        series: Those that were fitted.
        columns: HIERARCHICAL_TIME_SERIES_COLS, the parent of all on the left.

    Returns:
        The ids with a row more for each sum, whose ids are NULL in the columns rolled up, and the
        sums.

    Raises:
        BqmlError: Series that have one sum have different frequencies.
    """
    found: list[Series] = []
    rows = ids.to_pylist()
    added: list[dict[str, Any]] = []
    for rolled in range(1, len(columns) + 1):
        gone = set(columns[len(columns) - rolled :])
        groups: dict[tuple[Any, ...], list[Series]] = {}
        for one in series:
            row = rows[one.place]
            key = tuple(_hashable(None if name in gone else row[name]) for name in ids.column_names)
            groups.setdefault(key, []).append(one)
        for children in groups.values():
            row = rows[children[0].place]
            added.append({name: None if name in gone else row[name] for name in ids.column_names})
            found.append(_sum(len(rows) + len(found), children))
    return pa.concat_tables([ids, pa.Table.from_pylist(added, ids.schema)]).combine_chunks(), found


def _sum(place: int, children: Sequence[Series]) -> Series:
    frequencies = sorted({child.frequency for child in children})
    if len(frequencies) > 1:
        raise BqmlError(
            "hierarchical_time_series_cols adds up series of different frequencies, "
            f"{' and '.join(frequencies)}; give data_frequency"
        )
    past = _union([child.history.moments for child in children])
    start = max(child.future.moments[0] for child in children)
    alive = [child for child in children if child.future.moments[-1] >= start]
    end = min(child.future.moments[-1] for child in alive)
    ahead = _union([child.future.moments for child in alive])
    ahead = ahead[(ahead >= start) & (ahead <= end)]
    data = _added(past, [(c.history.moments, c.history.data) for c in children])
    variance = sum((child.best.variance or 0.0) for child in children if child.best is not None)
    seasons = {name for child in children for name in child.seasonal_periods}
    squared = [
        (
            c.future.moments,
            None if c.future.standard_errors is None else c.future.standard_errors**2,
        )
        for c in alive
    ]
    return Series(
        place=place,
        frequency=frequencies[0],
        seasonal_periods=[name for name in reversed(SEASONS) if name in seasons]
        or [NO_SEASONALITY],
        candidates=(),
        # It has no order of its own, and the errors of all.
        best=Candidate((0, 0, 0), has_drift=False, variance=variance),
        has_holiday_effect=any(child.has_holiday_effect for child in children),
        has_spikes_and_dips=any(child.has_spikes_and_dips for child in children),
        has_step_changes=any(child.has_step_changes for child in children),
        regression=None,
        scale=float(np.mean(np.abs(np.diff(data)))) if len(data) > 1 else 0.0,
        error="",
        history=Stretch(past, data, _parts(past, [c.history for c in children]), None),
        future=Stretch(
            ahead,
            None,
            _parts(ahead, [c.future for c in alive]),
            np.sqrt(_added(ahead, squared)),
        ),
    )


def _parts(moments: Moments, stretches: Sequence[Stretch]) -> dict[str, Floats]:
    names = dict.fromkeys(name for stretch in stretches for name in stretch.parts)
    return {
        name: _added(moments, [(s.moments, s.parts.get(name)) for s in stretches]) for name in names
    }


def _added(moments: Moments, given: Sequence[tuple[Moments, Floats | None]]) -> Floats:
    """Values at some moments, added up; what is not there counts for nothing."""
    total = np.zeros(len(moments))
    for own, values in given:
        if values is None or not len(own) or not len(moments):
            continue
        at = np.minimum(np.searchsorted(moments, own), len(moments) - 1)
        hits = moments[at] == own
        np.add.at(total, at[hits], values[hits])
    return total


def _union(moments: Sequence[Moments]) -> Moments:
    found: Moments = np.unique(np.concatenate(list(moments)))
    return found


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
