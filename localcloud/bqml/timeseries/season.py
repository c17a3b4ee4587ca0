"""Seasons of a time series.

Short ones, such as a week of days, come from statsmodels' STL, which lets them change. Of a
long one, such as a year of days, there are few cycles: it is a sum of a few sines, fitted so that
outliers hardly count.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from localcloud.bqml.arrays import Floats
from localcloud.bqml.timeseries.frequency import Frequency

AUTO, NO_SEASONALITY = "AUTO", "NO_SEASONALITY"
SEASONS = ("YEARLY", "QUARTERLY", "MONTHLY", "WEEKLY", "DAILY")
"""In the order of ML.EXPLAIN_FORECAST's columns."""
LONGEST_OF_STL = 31
"""In points."""
CYCLES = 35
"""A short season is smoothed over so many cycles: over a few, one spike becomes part of it."""
SINES = {"YEARLY": 10, "QUARTERLY": 5, "MONTHLY": 5, "WEEKLY": 21, "DAILY": 12}
"""How many sines make up a long season; the fastest has so many waves in it."""
SIGNIFICANT = 0.001
STRENGTH = 0.3
"""Least share of a short season in what is left of the variance without the trend."""
ALIKE = 0.6
"""Least correlation of the cycles of a long season with one another."""


@dataclass(frozen=True)
class Seasons:
    """Fitted seasons.

    Attributes:
        parts: At each step, by name.
        waves: Of a long season the weights of its sines.
        frequency: Of the steps.
    """

    parts: Mapping[str, Floats]
    waves: Mapping[str, Floats]
    frequency: Frequency

    def total(self, count: int) -> Floats:
        """The sum of all."""
        return sum(self.parts.values(), np.zeros(count))

    def continued(self, count: int) -> dict[str, Floats]:
        """The seasons after the last step."""
        found = {}
        for name, part in self.parts.items():
            if name in self.waves:
                steps = np.arange(len(part), len(part) + count)
                found[name] = _sines(steps, self.frequency, name) @ self.waves[name]
            else:
                found[name] = np.resize(part[-self.frequency.seasons[name] :], count)
        return found


def names_of(values: Floats, frequency: Frequency, asked: Sequence[str]) -> list[str]:
    """Names of the seasons that a series has, the shortest first.

    Args:
        values: At every step.
        frequency: Of the steps.
        asked: SEASONALITIES: what it names is there where two cycles of it are.
    """
    if NO_SEASONALITY in asked:
        return []
    by_hand = AUTO not in asked
    there = [
        name
        for name, period in frequency.seasons.items()
        if name in (asked if by_hand else frequency.usual_seasons) and len(values) >= 2 * period
    ]
    if by_hand:
        return there
    left, found = values, []
    for name in there:
        period = frequency.seasons[name]
        if period > LONGEST_OF_STL:
            is_there = _has_cycles_alike(left, period)
        else:
            is_there = _is_strong(left, period)
        if is_there:
            found.append(name)
            left = left - seasons_of(left, frequency, [name]).total(len(left))
    return found


def seasons_of(values: Floats, frequency: Frequency, names: Sequence[str]) -> Seasons:
    """Fit seasons.

    Args:
        values: At every step.
        frequency: Of the steps.
        names: Which, the shortest first.
    """
    short = [name for name in names if frequency.seasons[name] <= LONGEST_OF_STL]
    long = [name for name in names if name not in short]
    parts = dict(zip(short, _stl(values, [frequency.seasons[n] for n in short]), strict=True))
    waves: dict[str, Floats] = {}
    if long:
        left = values - sum(parts.values(), np.zeros(len(values)))
        steps = np.arange(len(values))
        blocks = [_sines(steps, frequency, name) for name in long]
        weights = _robust(np.column_stack([_bends(len(values), frequency, long), *blocks]), left)
        for name, block in reversed(list(zip(long, blocks, strict=True))):
            weights, waves[name] = np.split(weights, [len(weights) - block.shape[1]])
            parts[name] = block @ waves[name]
    return Seasons(parts, waves, frequency)


def smooth(values: Floats, window: int) -> Floats:
    """Means over a centred window; beyond the ends the first and the last value go on."""
    from scipy.ndimage import uniform_filter1d

    means: Floats = uniform_filter1d(values, min(max(window, 3), len(values)), mode="nearest")
    return means


def _stl(values: Floats, periods: Sequence[int]) -> list[Floats]:
    from statsmodels.tsa.seasonal import MSTL

    if not periods:
        return []
    fitted = MSTL(
        values,
        periods=tuple(periods),
        windows=(CYCLES,) * len(periods),
        stl_kwargs={"robust": True},
    ).fit()
    seasonal = np.asarray(fitted.seasonal, dtype=np.float64)
    return list(seasonal.reshape(len(values), -1).T)


def _is_strong(values: Floats, period: int) -> bool:
    """Whether means by place in the period differ, by more than chance and by much."""
    from scipy.stats import f_oneway

    detrended = values - smooth(values, period)
    if np.ptp(detrended) <= 1e-9 * max(1e-300, float(np.abs(values).max())):
        return False
    groups = [detrended[place::period] for place in range(period)]
    if any(np.ptp(group) > 0 for group in groups) and not (f_oneway(*groups).pvalue < SIGNIFICANT):
        return False
    season = _stl(values, [period])[0]
    left = float((detrended - season).var())
    return 1 - left / float(detrended.var()) >= STRENGTH


def _has_cycles_alike(values: Floats, period: int) -> bool:
    """Whether one cycle looks like the next once a line is taken off."""
    steps = np.arange(len(values))
    detrended = values - np.polynomial.Polynomial.fit(steps, values, 1)(steps)
    curve = smooth(detrended, period // 12)
    before, after = curve[:-period], curve[period:]
    if min(before.std(), after.std()) <= 1e-9 * max(1e-300, float(np.abs(values).max())):
        return False
    return bool(np.corrcoef(before, after)[0, 1] >= ALIKE)


def _sines(steps: Any, frequency: Frequency, name: str) -> Floats:
    exact = _exact_period(frequency, name)
    count = min(SINES[name], int(exact // 2))
    angles = 2 * np.pi * np.outer(steps, np.arange(1, count + 1)) / exact
    return np.column_stack([np.sin(angles), np.cos(angles)])


def _exact_period(frequency: Frequency, name: str) -> float:
    """Points in a season; years and their parts are no whole number of days."""
    days = {"YEARLY": 365.2425, "QUARTERLY": 365.2425 / 4, "MONTHLY": 365.2425 / 12}
    if name not in days or frequency.months:
        return float(frequency.seasons[name])
    return days[name] * 86_400 / frequency.seconds


def _bends(count: int, frequency: Frequency, names: Sequence[str]) -> Floats:
    """A trend that may bend once in each of the longest cycles."""
    longest = max(frequency.seasons[name] for name in names)
    steps = np.arange(count) / count
    knots = np.arange(longest, count - longest // 2, longest) / count
    bends = [np.maximum(steps - knot, 0) for knot in knots]
    return np.column_stack([np.ones(count), steps, *bends])


def _robust(design: Floats, values: Floats) -> Floats:
    from statsmodels.robust.robust_linear_model import RLM

    weights = np.linalg.lstsq(design, values, rcond=None)[0]
    left = values - design @ weights
    if float(np.median(np.abs(left))) <= 1e-9 * max(1e-300, float(np.abs(values).max())):
        return np.asarray(weights)
    return np.asarray(RLM(values, design).fit().params, dtype=np.float64)
