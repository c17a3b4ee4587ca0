"""ARIMA_PLUS and ARIMA_PLUS_XREG: from rows to fitted series.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-create-time-series,
https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-create-multivariate-time-series
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from localcloud.bqml import options, statistics
from localcloud.bqml.arrays import Floats
from localcloud.bqml.column_type import bigquery_type, floats, is_nested, is_numeric
from localcloud.bqml.errors import BqmlError
from localcloud.bqml.kind import Kind
from localcloud.bqml.model import Iteration, Model, OnIteration
from localcloud.bqml.options import Option
from localcloud.bqml.timeseries import arima, decomposition, hierarchy, holiday
from localcloud.bqml.timeseries.decomposition import Decomposition
from localcloud.bqml.timeseries.forecaster import Forecaster, keys
from localcloud.bqml.timeseries.frequency import FREQUENCIES, Frequency, Moments, inferred, regular
from localcloud.bqml.timeseries.holiday import Holiday
from localcloud.bqml.timeseries.limit import Limit
from localcloud.bqml.timeseries.regression import Regression
from localcloud.bqml.timeseries.season import AUTO, NO_SEASONALITY, SEASONS
from localcloud.bqml.timeseries.series import Series, Stretch

FEWEST_POINTS, MOST_POINTS = 3, 500_000
MOST_ORDER = 5

_BOTH: Mapping[str, Option] = {
    "TIME_SERIES_TIMESTAMP_COL": options.column(),
    "TIME_SERIES_DATA_COL": options.column(),
    "TIME_SERIES_ID_COL": options.names(None, "a column name, or an array of them"),
    "HORIZON": options.whole(1000, 1, 10_000),
    "AUTO_ARIMA": options.flag(True),
    "AUTO_ARIMA_MAX_ORDER": options.whole(2, 1, MOST_ORDER),
    "AUTO_ARIMA_MIN_ORDER": options.whole(0, 0),
    "NON_SEASONAL_ORDER": Option(
        None,
        "three whole numbers p, d, q: p and q from 0 to 5, d from 0 to 2",
        lambda value: (
            isinstance(value, (tuple, list))
            and len(value) == 3
            and all(type(part) is int for part in value)
            and all(0 <= part <= most for part, most in zip(value, (5, 2, 5), strict=True))
        ),
    ),
    "DATA_FREQUENCY": options.choice("AUTO_FREQUENCY", "AUTO_FREQUENCY", *FREQUENCIES),
    "INCLUDE_DRIFT": options.flag(False),
    "HOLIDAY_REGION": options.names(
        None,
        "a region, or an array of them: GLOBAL, NA, JAPAC, EMEA, LAC or a country's code",
        lambda name: name in holiday.CONTINENTS or name in holiday.COUNTRIES,
    ),
    "CLEAN_SPIKES_AND_DIPS": options.flag(True),
    "ADJUST_STEP_CHANGES": options.flag(True),
    "TIME_SERIES_LENGTH_FRACTION": options.between(None, 0, 1),
    "MIN_TIME_SERIES_LENGTH": options.whole(None, 4),
    "MAX_TIME_SERIES_LENGTH": options.whole(None, 4),
    "TREND_SMOOTHING_WINDOW_SIZE": options.whole(None, 1),
}
OPTIONS: Mapping[str, Option] = {
    **_BOTH,
    "DECOMPOSE_TIME_SERIES": options.flag(True),
    "FORECAST_LIMIT_LOWER_BOUND": options.number(None, -1.7976931348623157e308),
    "FORECAST_LIMIT_UPPER_BOUND": options.number(None, -1.7976931348623157e308),
    "SEASONALITIES": options.names(
        [AUTO],
        f"an array of {AUTO}, {NO_SEASONALITY}, {', '.join(SEASONS)}",
        lambda name: name in (AUTO, NO_SEASONALITY, *SEASONS),
    ),
    "HIERARCHICAL_TIME_SERIES_COLS": options.names(None, "an array of column names"),
}
XREG_OPTIONS: Mapping[str, Option] = {**_BOTH, "L2_REG": options.number(0.0)}
_LEAST_LENGTH = 20


def check(settings: dict[str, Any], given: frozenset[str]) -> dict[str, Any]:
    """Refuse options that do not go together.

    Raises:
        BqmlError: A column is not named, or two options exclude each other.
        NotImplementedError: Hierarchical time series are to stay within limits.
    """
    for name in ("TIME_SERIES_TIMESTAMP_COL", "TIME_SERIES_DATA_COL"):
        if settings[name] is None:
            raise BqmlError(f"{settings_name(name)} is missing; name a column")
    _check_hierarchy(settings)
    _check_order(settings, given)
    _check_lengths(settings)
    seasons = settings.get("SEASONALITIES") or [AUTO]
    if len(seasons) > 1 and {AUTO, NO_SEASONALITY} & set(seasons):
        raise BqmlError(f"seasonalities: {AUTO} and {NO_SEASONALITY} stand alone, not {seasons}")
    lower, upper = (settings.get(f"FORECAST_LIMIT_{side}_BOUND") for side in ("LOWER", "UPPER"))
    if lower is not None and upper is not None and lower >= upper:
        raise BqmlError(
            f"forecast_limit_lower_bound is {lower}; it must be less than "
            f"forecast_limit_upper_bound, {upper}"
        )
    return settings


def settings_name(option: str) -> str:
    """An option's name in messages."""
    return f"option {option.lower()}"


def _check_hierarchy(settings: Mapping[str, Any]) -> None:
    hierarchical = settings.get("HIERARCHICAL_TIME_SERIES_COLS") or []
    if not hierarchical:
        return
    ids = {name.casefold() for name in settings["TIME_SERIES_ID_COL"] or []}
    strange = [name for name in hierarchical if name.casefold() not in ids]
    if strange:
        raise BqmlError(
            f"hierarchical_time_series_cols has '{strange[0]}', which is not in "
            "time_series_id_col; name columns of it, the parent of all on the left"
        )
    if _limit(settings).is_given:
        raise NotImplementedError(
            "hierarchical_time_series_cols with forecast limits does not work on the local cloud: "
            "series within limits are modelled on a scale on which they do not add up"
        )


def _check_order(settings: Mapping[str, Any], given: frozenset[str]) -> None:
    order = settings["NON_SEASONAL_ORDER"]
    if settings["AUTO_ARIMA"]:
        unused = sorted({"NON_SEASONAL_ORDER", "INCLUDE_DRIFT"} & given)
        if unused:
            raise BqmlError(f"{', '.join(unused).lower()} needs auto_arima = FALSE")
        least, most = settings["AUTO_ARIMA_MIN_ORDER"], settings["AUTO_ARIMA_MAX_ORDER"]
        if least >= most:
            raise BqmlError(
                f"auto_arima_min_order is {least}; it must be less than auto_arima_max_order, "
                f"{most}"
            )
        return
    unused = sorted({"AUTO_ARIMA_MIN_ORDER", "AUTO_ARIMA_MAX_ORDER"} & given)
    if unused:
        raise BqmlError(f"{', '.join(unused).lower()} needs auto_arima = TRUE")
    if order is None:
        raise BqmlError("auto_arima = FALSE needs non_seasonal_order, (p, d, q)")
    if settings["TIME_SERIES_ID_COL"] is not None:
        raise BqmlError("several time series, time_series_id_col, need auto_arima = TRUE")
    if settings["INCLUDE_DRIFT"] and order[1] != 1:
        raise BqmlError(f"include_drift needs a d of 1, and non_seasonal_order is {tuple(order)}")


def _check_lengths(settings: dict[str, Any]) -> None:
    fraction, least = settings["TIME_SERIES_LENGTH_FRACTION"], settings["MIN_TIME_SERIES_LENGTH"]
    if settings["MAX_TIME_SERIES_LENGTH"] is not None and (fraction or least) is not None:
        raise BqmlError(
            "max_time_series_length does not go with time_series_length_fraction and "
            "min_time_series_length"
        )
    if least is not None and fraction is None:
        raise BqmlError("min_time_series_length needs time_series_length_fraction")
    if fraction is not None and least is None:
        settings["MIN_TIME_SERIES_LENGTH"] = _LEAST_LENGTH


def train(
    kind: Kind,
    settings: Mapping[str, Any],
    table: pa.Table,
    on_iteration: OnIteration | None,
    *,
    holidays: pa.Table | None = None,
) -> Model:
    """Fit each series.

    Args:
        kind: Which of the two kinds.
        settings: A value for each option.
        table: The training rows.
        on_iteration: Called after each series.
        holidays: The rows of CUSTOM_HOLIDAY; None without it.

    Raises:
        BqmlError: The rows are no time series, or none can be fitted.
        NotImplementedError: A holiday region is no country.
    """
    started = time.monotonic()
    forecaster, columns, rows = fitted(
        settings,
        table,
        on_iteration,
        holidays=holidays,
        takes_features=kind.name == "ARIMA_PLUS_XREG",
    )
    if not forecaster.fitted:
        raise BqmlError(f"no time series can be fitted: {forecaster.series[0].error}")
    used = [*columns.ids, columns.time, columns.data, *(name for name, _ in columns.features)]
    plain = [name for name in used if not is_nested(rows.schema.field(name).type)]
    return Model(
        kind=kind.name,
        model_type=kind.model_type,
        options=settings,
        feature_columns=[
            (name, "ARRAY" if name not in plain else bigquery_type(rows.schema.field(name).type))
            for name in used
        ],
        label_columns=[],
        iterations=[_step(started)],
        feature_statistics={
            **{name: {"null_count": rows.column(name).null_count} for name in used},
            **statistics.of_columns(rows, plain),
        },
        fitted=forecaster,
    )


def fitted(
    settings: Mapping[str, Any],
    table: pa.Table,
    on_iteration: OnIteration | None = None,
    *,
    holidays: pa.Table | None = None,
    takes_features: bool = False,
) -> tuple[Forecaster, "_Columns", pa.Table]:
    """Fit each series; those that cannot be are told in its `error`.

    Args:
        settings: A value for each option.
        table: The rows.
        on_iteration: Called after each series.
        holidays: The rows of CUSTOM_HOLIDAY; None without it.
        takes_features: Whether columns that no option names are features.

    Returns:
        The series, what the columns are, and the rows that have a moment.

    Raises:
        BqmlError: The rows are no time series.
    """
    import scipy.linalg  # noqa: F401 - only libraries that are loaded are limited
    from threadpoolctl import threadpool_limits

    started = time.monotonic()
    columns = _columns(table, settings, takes_features=takes_features)
    rows = table.filter(pc.is_valid(table.column(columns.time)))
    if rows.num_rows == 0:
        raise BqmlError(f"no row has a moment in '{columns.time}'")
    ids, places = _ids(rows, columns.ids)
    known = _holidays(rows.column(columns.time), settings, holidays)
    series = []
    # The matrices of one series are so small that threads only wait for one another.
    with threadpool_limits(1):
        for place in range(ids.num_rows if columns.ids else 1):
            own = rows.filter(pa.array(places == place))
            series.append(_fitted(own, place, columns, settings, known))
            if on_iteration:
                # Between series a training can be stopped.
                on_iteration(_step(started, place))
    sums: list[Series] = []
    if rolled := settings.get("HIERARCHICAL_TIME_SERIES_COLS"):
        by_case = {name.casefold(): name for name in columns.ids}
        ids, sums = hierarchy.summed(
            ids,
            [one for one in series if one.best is not None],
            [by_case[name.casefold()] for name in rolled],
        )
    forecaster = Forecaster(
        time_column=columns.time,
        data_column=columns.data,
        ids=ids,
        series=series,
        horizon=settings["HORIZON"],
        limit=_limit(settings),
        is_decomposed=settings.get("DECOMPOSE_TIME_SERIES", True),
        holidays=[(h.region, h.name, h.date.isoformat(), h.before, h.after) for h in known],
        features=[name for name, _ in columns.features],
        sums=sums,
    )
    return forecaster, columns, rows


class _Columns:
    """The columns of a training query by what they are."""

    def __init__(
        self, time: str, data: str, ids: list[str], features: list[tuple[str, str]]
    ) -> None:
        self.time, self.data, self.ids, self.features = time, data, ids, features


def _columns(table: pa.Table, settings: Mapping[str, Any], *, takes_features: bool) -> _Columns:
    by_name: dict[str, str] = {name.casefold(): name for name in table.column_names}

    def named(option: str, name: str) -> str:
        if name.casefold() not in by_name:
            raise BqmlError(
                f"{option} is '{name}', which the query does not have; it has "
                f"{', '.join(table.column_names)}"
            )
        return by_name[name.casefold()]

    moment = named("time_series_timestamp_col", settings["TIME_SERIES_TIMESTAMP_COL"])
    data = named("time_series_data_col", settings["TIME_SERIES_DATA_COL"])
    ids = [named("time_series_id_col", name) for name in settings["TIME_SERIES_ID_COL"] or []]
    kind = table.schema.field(moment).type
    if not (pa.types.is_timestamp(kind) or pa.types.is_date(kind)):
        raise BqmlError(
            f"time_series_timestamp_col '{moment}' is {kind}; it must be TIMESTAMP, DATE or "
            "DATETIME"
        )
    value = table.schema.field(data).type
    if is_nested(value) or not is_numeric(value):
        raise BqmlError(f"time_series_data_col '{data}' is {value}; it must be a number")
    features = []
    if takes_features:
        aside = {moment, data, *ids}
        for field in table.schema:
            if field.name in aside:
                continue
            features.append((field.name, bigquery_type(field.type)))
        if not features:
            raise BqmlError("ARIMA_PLUS_XREG needs a feature beside the columns that it names")
    return _Columns(moment, data, ids, features)


def _ids(rows: pa.Table, names: Sequence[str]) -> tuple[pa.Table, Any]:
    """The ids of each series in order, and the place of each row's among them."""
    if not names:
        return pa.table({}), np.zeros(rows.num_rows, dtype=np.int64)
    found = keys(rows, names)
    first: dict[tuple[Any, ...], int] = {}
    for row, key in enumerate(found):
        first.setdefault(key, row)
    # NULL first, then by value, as GoogleSQL orders.
    ordered = sorted(first, key=lambda key: [(part is not None, part) for part in key])
    place_of = {key: place for place, key in enumerate(ordered)}
    ids = rows.select(names).take(pa.array([first[key] for key in ordered]))
    return ids.combine_chunks(), np.array([place_of[key] for key in found], dtype=np.int64)


def _fitted(
    rows: pa.Table,
    place: int,
    columns: _Columns,
    settings: Mapping[str, Any],
    holidays: Sequence[Holiday],
) -> Series:
    moments = _moments(rows.column(columns.time))
    limit = _limit(settings)
    values = limit.freed(floats(rows.column(columns.data)))
    different = np.unique(moments[np.isfinite(values)])
    asked = settings["DATA_FREQUENCY"]
    frequency = inferred(different) if asked == "AUTO_FREQUENCY" else FREQUENCIES[asked]
    if not FEWEST_POINTS <= len(different) <= MOST_POINTS:
        few = len(different) < FEWEST_POINTS
        bound = f"at least {FEWEST_POINTS}" if few else f"at most {MOST_POINTS:,}"
        return _unfitted(
            place, frequency, f"the time series has {len(different):,} points; {bound} are needed"
        )
    known = np.isfinite(values)
    rows, moments, values = rows.filter(pa.array(known)), moments[known], values[known]
    attributions: dict[str, Floats] = {}
    regression = None
    if columns.features:
        regression = Regression.fit(rows, columns.features, values, settings["L2_REG"])
        attributions = regression.attributions(rows)
    first, steps = regular(moments, [values, *attributions.values()], frequency)
    data, *added = steps
    if len(data) > MOST_POINTS:
        return _unfitted(
            place, frequency, f"{len(data):,} points are more than {MOST_POINTS:,} are allowed"
        )
    there = frequency.moments(first, 0, len(data))
    found = decomposition.decompose(
        data - sum(added, np.zeros(len(data))),
        there,
        frequency,
        seasonalities=settings.get("SEASONALITIES") or [AUTO],
        holidays=holidays,
        clean_spikes=settings["CLEAN_SPIKES_AND_DIPS"],
        adjust_steps=settings["ADJUST_STEP_CHANGES"],
    )
    modelled = found.adjusted[-_trend_length(len(data), settings) :]
    candidates = _candidates(modelled, settings)
    best = arima.best(candidates)
    if best is None:
        errors = sorted({candidate.error for candidate in candidates})
        return _unfitted(place, frequency, "; ".join(errors), candidates)
    trend = arima.applied(found.adjusted, best, settings["HORIZON"])
    ahead = frequency.moments(first, len(data), settings["HORIZON"])
    is_kept = settings.get("DECOMPOSE_TIME_SERIES", True)
    history = Stretch(
        there,
        data,
        {**_past_parts(found, trend, settings), **dict(zip(attributions, added, strict=True))},
        None,
    )
    return Series(
        place=place,
        frequency=frequency.name,
        seasonal_periods=[name for name in reversed(SEASONS) if name in found.seasons.parts]
        or [NO_SEASONALITY],
        candidates=candidates,
        best=best,
        has_holiday_effect=found.holiday_effect is not None,
        has_spikes_and_dips=found.spikes is not None,
        has_step_changes=found.steps is not None,
        regression=regression,
        scale=float(np.mean(np.abs(np.diff(limit.bound(data))))),
        error="",
        history=history if is_kept else Stretch(there[:0], data[:0], {}, None),
        future=Stretch(
            ahead,
            None,
            _future_parts(found, trend, ahead, frequency, holidays),
            trend.standard_errors,
        ),
    )


def _past_parts(
    found: Decomposition, trend: arima.Trend, settings: Mapping[str, Any]
) -> dict[str, Floats]:
    fitted = trend.fitted
    window = settings["TREND_SMOOTHING_WINDOW_SIZE"]
    if window is not None:
        from scipy.ndimage import uniform_filter1d

        # Beyond the ends the first and the last value stand for what is not there.
        fitted = uniform_filter1d(fitted, window, mode="nearest")
    parts = {"trend": fitted, "residual": found.adjusted - fitted}
    parts |= {f"seasonal_period_{name.lower()}": part for name, part in found.seasons.parts.items()}
    for name, part in (
        ("holiday_effect", found.holiday_effect),
        ("spikes_and_dips", found.spikes),
        ("step_changes", found.steps),
    ):
        if part is not None:
            parts[name] = part
    return parts | {f"holiday {name}": part for name, part in found.holidays.items()}


def _future_parts(
    found: Decomposition,
    trend: arima.Trend,
    ahead: Moments,
    frequency: Frequency,
    holidays: Sequence[Holiday],
) -> dict[str, Floats]:
    parts = {"trend": trend.forecast}
    for name, part in found.seasons.continued(len(ahead)).items():
        parts[f"seasonal_period_{name.lower()}"] = part
    by_name = decomposition.holiday_columns(found.effects, ahead, frequency, holidays)
    if by_name:
        parts["holiday_effect"] = decomposition.total_effect(by_name)
    return parts | {f"holiday {name}": part for name, part in by_name.items()}


def _candidates(values: Floats, settings: Mapping[str, Any]) -> list[arima.Candidate]:
    if settings["AUTO_ARIMA"]:
        return arima.candidates(
            values, settings["AUTO_ARIMA_MIN_ORDER"], settings["AUTO_ARIMA_MAX_ORDER"]
        )
    p, d, q = settings["NON_SEASONAL_ORDER"]
    return [arima.fit(values, (p, d, q), settings["INCLUDE_DRIFT"])]


def _trend_length(points: int, settings: Mapping[str, Any]) -> int:
    fraction, most = settings["TIME_SERIES_LENGTH_FRACTION"], settings["MAX_TIME_SERIES_LENGTH"]
    if most is not None:
        return min(points, int(most))
    if fraction is not None:
        return min(points, max(int(points * fraction), int(settings["MIN_TIME_SERIES_LENGTH"])))
    return points


def _holidays(
    moments: pa.ChunkedArray, settings: Mapping[str, Any], given: pa.Table | None
) -> list[Holiday]:
    regions = settings["HOLIDAY_REGION"] or []
    if not regions and given is None:
        return []
    found = _moments(moments)
    first, last = (int(str(moment)[:4]) for moment in (found.min(), found.max()))
    # As far as the longest horizon of days reaches.
    ahead = settings["HORIZON"] // 365 + 1
    built_in = holiday.of_regions(regions, first, last + ahead)
    return holiday.merged(built_in, [] if given is None else holiday.custom(given))


def _unfitted(
    place: int, frequency: Frequency, error: str, candidates: Sequence[arima.Candidate] = ()
) -> Series:
    nothing = np.zeros(0, dtype="datetime64[us]")
    return Series(
        place=place,
        frequency=frequency.name,
        seasonal_periods=[],
        candidates=candidates,
        best=None,
        has_holiday_effect=False,
        has_spikes_and_dips=False,
        has_step_changes=False,
        regression=None,
        scale=0.0,
        error=error,
        history=Stretch(nothing, np.zeros(0), {}, None),
        future=Stretch(nothing, None, {}, np.zeros(0)),
    )


def _limit(settings: Mapping[str, Any]) -> Limit:
    return Limit(
        settings.get("FORECAST_LIMIT_LOWER_BOUND"), settings.get("FORECAST_LIMIT_UPPER_BOUND")
    )


def _moments(column: pa.ChunkedArray) -> Moments:
    zone = getattr(column.type, "tz", None)
    plain = column.cast(pa.timestamp("us", "UTC" if zone else None))
    moments: Moments = plain.cast(pa.int64()).to_numpy().astype("datetime64[us]")
    return moments


def _step(started: float, index: int = 0) -> Iteration:
    # Google tells nothing of the steps inside.
    return Iteration(
        index=index,
        loss=None,
        eval_loss=None,
        learning_rate=None,
        duration_ms=int((time.monotonic() - started) * 1000),
    )
