"""What a time series is made of: holidays, spikes, steps, seasons and the rest.

The parts and their order are Google's; how each is found, Google does not publish.
https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-explain-forecast#mathematical_explanation
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from localcloud.bqml.arrays import Floats
from localcloud.bqml.timeseries import season
from localcloud.bqml.timeseries.frequency import Frequency, Moments
from localcloud.bqml.timeseries.holiday import Holiday
from localcloud.bqml.timeseries.season import Seasons

SIGNIFICANT_HOLIDAY = 2.5
"""In standard errors."""
SPIKE, STEP = 6.0, 8.0
"""In standard deviations of what is usual, estimated so that outliers do not count."""
NEIGHBOURS = 7
SMOOTHING = 31
"""Points in the means that holidays stand out from."""
MAD_TO_STDDEV = 1.4826


@dataclass(frozen=True)
class Decomposition:
    """The parts of a series; they and `adjusted` add up to it.

    Attributes:
        seasons: What comes back.
        holidays: Effect of each holiday by name; empty where there is none.
        holiday_effect: Of all of them; None where there is none.
        effects: Effect by name of the holiday and days from it.
        spikes: None where there is none.
        steps: None where there is none.
        adjusted: What is left: the trend and chance.
    """

    seasons: Seasons
    holidays: Mapping[str, Floats]
    holiday_effect: Floats | None
    effects: Mapping[tuple[str, int], float]
    spikes: Floats | None
    steps: Floats | None
    adjusted: Floats


def decompose(
    values: Floats,
    moments: Moments,
    frequency: Frequency,
    *,
    seasonalities: Sequence[str],
    holidays: Sequence[Holiday],
    clean_spikes: bool,
    adjust_steps: bool,
) -> Decomposition:
    """Take a series apart.

    Args:
        values: At every step.
        moments: Of the steps.
        frequency: Of the steps.
        seasonalities: SEASONALITIES.
        holidays: Those that may have an effect.
        clean_spikes: CLEAN_SPIKES_AND_DIPS.
        adjust_steps: ADJUST_STEP_CHANGES.
    """
    count = len(values)
    names = season.names_of(values, frequency, seasonalities)
    first = season.seasons_of(values, frequency, names)
    plain = values - first.total(count)
    effects = _holiday_effects(
        plain - season.smooth(plain, SMOOTHING), moments, frequency, holidays
    )
    by_name = holiday_columns(effects, moments, frequency, holidays)
    effect = total_effect(by_name) if by_name else None
    if effect is not None:
        plain = plain - effect
    spikes = _spikes(plain) if clean_spikes else None
    if spikes is not None:
        plain = plain - spikes
    steps = _steps(plain) if adjust_steps else None
    if steps is not None:
        plain = plain - steps
    left = plain + first.total(count)
    found = season.seasons_of(left, frequency, names)
    return Decomposition(
        seasons=found,
        holidays=by_name,
        holiday_effect=effect,
        effects=effects,
        spikes=spikes,
        steps=steps,
        adjusted=left - found.total(count),
    )


def total_effect(by_name: Mapping[str, Floats]) -> Floats:
    """The effect of all holidays: the largest upward and the largest downward one."""
    effects = np.vstack(list(by_name.values()))
    up: Floats = np.maximum(effects.max(axis=0), 0)
    return up + np.minimum(effects.min(axis=0), 0)


def holiday_columns(
    effects: Mapping[tuple[str, int], float],
    moments: Moments,
    frequency: Frequency,
    holidays: Sequence[Holiday],
) -> dict[str, Floats]:
    """Effect of each holiday at each step, of those that have any."""
    columns: dict[str, Floats] = {}
    for holiday, offset, step in _occurrences(moments, frequency, holidays):
        effect = effects.get((holiday.name, offset))
        if effect is not None:
            column = columns.setdefault(holiday.name, np.zeros(len(moments)))
            column[step] = effect
    # A holiday that falls on none of these steps has a column of nothing.
    for name, _ in effects:
        columns.setdefault(name, np.zeros(len(moments)))
    return dict(sorted(columns.items()))


def _occurrences(
    moments: Moments, frequency: Frequency, holidays: Sequence[Holiday]
) -> list[tuple[Holiday, int, int]]:
    """Holiday, days from it, and the step that day falls in."""
    if frequency.name not in ("DAILY", "WEEKLY") or not holidays:
        return []
    days = moments.astype("datetime64[D]")
    found = []
    for holiday in holidays:
        # A week has the holiday or has not; a day is so many days from it.
        offsets = range(-holiday.before, holiday.after + 1) if frequency.name == "DAILY" else (0,)
        for offset in offsets:
            day = np.datetime64(holiday.date, "D") + np.timedelta64(offset, "D")
            step = int(np.searchsorted(days, day, side="right")) - 1
            width = 1 if frequency.name == "DAILY" else 7
            if 0 <= step < len(days) and (day - days[step]).astype(int) < width:
                found.append((holiday, offset, step))
    return found


def _holiday_effects(
    rest: Floats, moments: Moments, frequency: Frequency, holidays: Sequence[Holiday]
) -> dict[tuple[str, int], float]:
    """Effects that are more than chance, by least squares."""
    year = np.timedelta64(365, "D")
    if len(moments) == 0 or moments[-1] - moments[0] <= year:
        return {}
    places: dict[tuple[str, int], list[int]] = {}
    for holiday, offset, step in _occurrences(moments, frequency, holidays):
        places.setdefault((holiday.name, offset), []).append(step)
    if not places:
        return {}
    design = np.zeros((len(rest), len(places)))
    for column, steps in enumerate(places.values()):
        design[steps, column] = 1
    effects = np.linalg.lstsq(design, rest, rcond=None)[0]
    spread = MAD_TO_STDDEV * float(np.median(np.abs(rest - np.median(rest))))
    return {
        key: float(effect)
        for (key, steps), effect in zip(places.items(), effects, strict=True)
        if abs(effect) > SIGNIFICANT_HOLIDAY * spread / np.sqrt(len(steps)) and abs(effect) > 0
    }


def _spikes(values: Floats) -> Floats | None:
    """What single points have beyond a line between their neighbours."""
    from scipy.ndimage import median_filter

    if len(values) < 2 * NEIGHBOURS:
        return None
    away = values - median_filter(values, NEIGHBOURS, mode="nearest")
    spread = MAD_TO_STDDEV * float(np.median(np.abs(away)))
    is_spike = np.abs(away) > SPIKE * spread
    if spread == 0 or not is_spike.any():
        return None
    steps = np.arange(len(values))
    line: Floats = np.interp(steps, steps[~is_spike], values[~is_spike])
    return values - line


def _steps(values: Floats) -> Floats | None:
    """How much lower or higher the level was before each step than it is at the end."""
    window = max(5, min(30, len(values) // 10))
    if len(values) < 4 * window:
        return None
    changes = np.diff(values)
    usual = MAD_TO_STDDEV * float(np.median(np.abs(changes - np.median(changes))))
    if usual == 0:
        return None
    found: list[tuple[int, float]] = []
    for place in (np.flatnonzero(np.abs(changes) > SPIKE * usual) + 1).tolist():
        if not window <= place <= len(values) - window:
            continue
        before = np.median(values[place - window : place])
        after = np.median(values[place : place + window])
        level, at_once = float(after - before), float(changes[place - 1])
        # A trend changes the level too, but not at once.
        is_step = abs(level) > STEP * usual and at_once * level > 0
        if is_step and abs(at_once) > abs(level) / 2:
            found.append((place, level))
    if not found:
        return None
    levels = np.zeros(len(values))
    for place, level in found:
        levels[:place] -= level
    return levels
