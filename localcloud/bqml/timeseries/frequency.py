"""How often a time series has a point, and when.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-create-time-series#data_frequency
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from localcloud.bqml.arrays import Floats

Moments = npt.NDArray[np.datetime64]
"""Moments in UTC, in microseconds."""
SECOND = np.timedelta64(1_000_000, "us")
DAY_S = 86_400


@dataclass(frozen=True)
class Frequency:
    """One of Google's frequencies.

    Attributes:
        name: As DATA_FREQUENCY has it.
        seconds: Seconds between two points; of months the mean.
        months: Months between two points; 0 where seconds count.
        seasons: Points in each season it may have, from the shortest: `DAILY`, `WEEKLY`, ...
        usual_seasons: The seasons that are looked for where SEASONALITIES names none.
    """

    name: str
    seconds: float
    months: int
    seasons: Mapping[str, int]
    usual_seasons: Sequence[str]

    def bucket(self, moments: Moments, first: np.datetime64) -> npt.NDArray[np.int64]:
        """How many steps after `first` each moment is, rounded down."""
        if self.months == 0:
            steps = (moments - first) / SECOND / self.seconds
            return np.floor(steps).astype(np.int64)
        months = moments.astype("datetime64[M]") - first.astype("datetime64[M]")
        found: npt.NDArray[np.int64] = months.astype(np.int64) // self.months
        return found

    def moments(self, first: np.datetime64, start: int, count: int) -> Moments:
        """The points `start`, `start + 1`, ... steps after `first`."""
        steps = np.arange(start, start + count)
        if self.months == 0:
            return first + steps * np.timedelta64(round(self.seconds * 1_000_000), "us")
        months = first.astype("datetime64[M]") + steps * np.timedelta64(self.months, "M")
        # The 31st of a month that has fewer days is its last day.
        since_month = first - first.astype("datetime64[M]").astype("datetime64[us]")
        day = since_month.astype("timedelta64[D]")
        after = (months + np.timedelta64(1, "M")).astype("datetime64[D]")
        last_day = after - months.astype("datetime64[D]") - np.timedelta64(1, "D")
        days = months.astype("datetime64[D]") + np.minimum(day, last_day)
        moments: Moments = days.astype("datetime64[us]") + (
            since_month - day.astype("timedelta64[us]")
        )
        return moments


_MONTH_S = DAY_S * 365.2425 / 12
FREQUENCIES = {
    frequency.name: frequency
    for frequency in (
        Frequency("PER_MINUTE", 60, 0, {"DAILY": 1440, "WEEKLY": 10_080}, ("DAILY", "WEEKLY")),
        Frequency(
            "HOURLY",
            3600,
            0,
            {"DAILY": 24, "WEEKLY": 168, "MONTHLY": 730, "QUARTERLY": 2191, "YEARLY": 8766},
            ("DAILY", "WEEKLY", "YEARLY"),
        ),
        Frequency(
            "DAILY",
            DAY_S,
            0,
            {"WEEKLY": 7, "MONTHLY": 30, "QUARTERLY": 91, "YEARLY": 365},
            ("WEEKLY", "YEARLY"),
        ),
        Frequency(
            "WEEKLY", 7 * DAY_S, 0, {"MONTHLY": 4, "QUARTERLY": 13, "YEARLY": 52}, ("YEARLY",)
        ),
        Frequency("MONTHLY", _MONTH_S, 1, {"QUARTERLY": 3, "YEARLY": 12}, ("YEARLY",)),
        Frequency("QUARTERLY", 3 * _MONTH_S, 3, {"YEARLY": 4}, ("YEARLY",)),
        Frequency("YEARLY", 12 * _MONTH_S, 12, {}, ()),
    )
}


def inferred(moments: Moments) -> Frequency:
    """The frequency of sorted, different moments: the slowest that has most of their steps.

    A fixed number of seconds is met within a hundredth; months have 28 to 31 days.
    """
    gap = float(np.median(np.diff(moments) / SECOND)) if len(moments) > 1 else float(DAY_S)
    fitting = [
        frequency
        for frequency in FREQUENCIES.values()
        if frequency.seconds * (0.9 if frequency.months else 0.99) <= gap
    ]
    return fitting[-1] if fitting else FREQUENCIES["PER_MINUTE"]


def regular(
    moments: Moments, values: Sequence[Floats], frequency: Frequency
) -> tuple[np.datetime64, list[Floats]]:
    """Values at every step: means of those of one step, and lines where there are none.

    Args:
        moments: In any order.
        values: Several columns, NaN where a value is missing.
        frequency: Of the steps.

    Returns:
        The first moment, and the columns by step.
    """
    first = moments.min()
    steps = frequency.bucket(moments, first)
    return first, [_filled(steps, column) for column in values]


def _filled(steps: npt.NDArray[np.int64], column: Floats) -> Floats:
    known = np.isfinite(column)
    count = int(steps.max()) + 1
    sums = np.bincount(steps[known], weights=column[known], minlength=count)
    rows = np.bincount(steps[known], minlength=count)
    there = np.flatnonzero(rows)
    if len(there) == 0:
        return np.zeros(count)
    filled: Floats = np.interp(np.arange(count), there, sums[there] / rows[there])
    return filled


def as_micros(moments: Moments) -> Any:
    """Whole microseconds since 1970."""
    return moments.astype("datetime64[us]").astype(np.int64)
