"""A fitted model of time series: its forecasts, what they are made of and how good they are.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-forecast,
…/bigqueryml-syntax-explain-forecast, …/bigqueryml-syntax-evaluate,
…/bigqueryml-syntax-detect-anomalies
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from localcloud.bqml.arrays import Floats
from localcloud.bqml.errors import BqmlError
from localcloud.bqml.timeseries import accuracy, rest
from localcloud.bqml.timeseries.limit import Limit
from localcloud.bqml.timeseries.series import EXPECTED, PARTS, TIMESTAMP, Series, Stretch

HISTORY, FUTURE, IDS = "history.arrow", "future.arrow", "ids.arrow"


@dataclass(frozen=True)
class Forecaster:
    """Fitted series.

    Attributes:
        time_column: Name of the column of moments.
        data_column: Name of the column of values.
        ids: The id columns, a row each series, in their order; without columns of a single series.
        series: Those that could be fitted and those that could not.
        horizon: How many points ahead there are forecasts.
        limit: What forecasts stay within.
        is_decomposed: Whether the parts are kept.
        holidays: Region, name, date and days before and after of each holiday that was looked at.
        features: Names of the features; empty without any.
        sums: Series that are sums of others; their ids come after those of the others.
    """

    time_column: str
    data_column: str
    ids: pa.Table
    series: Sequence[Series]
    horizon: int
    limit: Limit
    is_decomposed: bool
    holidays: Sequence[tuple[str, str, str, int, int]]
    features: Sequence[str]
    sums: Sequence[Series] = ()

    @property
    def id_columns(self) -> list[str]:
        """Names of the id columns."""
        return list(self.ids.column_names)

    @property
    def fitted(self) -> list[Series]:
        """The series that could be fitted."""
        return [series for series in self.series if series.best is not None]

    @property
    def shown(self) -> list[Series]:
        """The series that there are forecasts of, a sum before what it is the sum of."""
        if not self.sums:
            return self.fitted
        order = {key: place for place, key in enumerate(keys(self.ids, self.id_columns))}
        ranked = sorted(order, key=lambda key: [(part is not None, part) for part in key])
        rank = {order[key]: place for place, key in enumerate(ranked)}
        return sorted([*self.fitted, *self.sums], key=lambda series: rank[series.place])

    def predict(self, rows: pa.Table, settings: Mapping[str, Any]) -> dict[str, pa.Array]:
        """See `Fitted.predict`."""
        raise BqmlError("ML.PREDICT is not for time series; use ML.FORECAST")

    def forecast(self, horizon: int, level: float, features: pa.Table | None) -> pa.Table:
        """ML.FORECAST's rows.

        Args:
            horizon: Points ahead.
            level: Share of future values that intervals hold.
            features: Of the future, of a model that has any.

        Raises:
            BqmlError: There are no forecasts that far, or a feature is missing.
        """
        places, tables = [], []
        for series, future in self.futures(horizon, features):
            lower, upper = self.interval(future, level)
            columns = {
                "forecast_timestamp": future.timestamps,
                "forecast_value": _numbers(self.limit.bound(self.expected(future))),
                "standard_error": _numbers(self.errors(future)),
                "confidence_level": _numbers(np.full(len(lower), level)),
                "prediction_interval_lower_bound": _numbers(lower),
                "prediction_interval_upper_bound": _numbers(upper),
                "confidence_interval_lower_bound": _numbers(lower),
                "confidence_interval_upper_bound": _numbers(upper),
            }
            places += [series.place] * len(lower)
            tables.append(pa.table(columns))
        return self.with_ids(places, _stacked(tables))

    def explain(self, horizon: int, level: float, features: pa.Table | None) -> pa.Table:
        """ML.EXPLAIN_FORECAST's rows: the past, then the future.

        With forecast limits the parts are those on the scale without limits, where they add up;
        the other columns are on the scale of the data.

        The results that Google's tutorials show have the confidence level in the rows of the
        future, where the function's page has it in those of the past.

        Raises:
            BqmlError: The parts were not kept, or as `forecast`.
        """
        self._needs_parts("ML.EXPLAIN_FORECAST")
        extra = self._extra_parts()
        places, tables = [], []
        for series, future in self.futures(horizon, features):
            lower, upper = self.interval(future, level)
            past, expected = series.history, self.limit.bound(self.expected(future))
            count, ahead = len(past.moments), len(expected)
            columns: dict[str, pa.Array] = {
                "time_series_timestamp": pa.concat_arrays([past.timestamps, future.timestamps]),
                "time_series_type": pa.array(["history"] * count + ["forecast"] * ahead),
                "time_series_data": _numbers(
                    np.concatenate([self.limit.bound(_data(past)), expected])
                ),
                "time_series_adjusted_data": _numbers(
                    np.concatenate([self.limit.bound(self.expected(past)), expected])
                ),
                "standard_error": _numbers(
                    np.concatenate([np.full(count, series.deviation), self.errors(future)])
                ),
                "confidence_level": _after(count, np.full(ahead, level)),
                "prediction_interval_lower_bound": _after(count, lower),
                "prediction_interval_upper_bound": _after(count, upper),
            }
            for name in (*PARTS, *extra):
                columns[_column(name)] = _both(past, future, name)
            places += [series.place] * (count + ahead)
            tables.append(pa.table(columns))
        return self.with_ids(places, _stacked(tables))

    def detect(self, threshold: float, rows: pa.Table | None) -> pa.Table:
        """ML.DETECT_ANOMALIES' rows: of the past, or of given rows against the forecasts.

        Raises:
            BqmlError: The parts were not kept, or a column is missing.
        """
        if rows is None:
            self._needs_parts("ML.DETECT_ANOMALIES without a table")
            return self._detect_past(threshold)
        return self.detect_given(threshold, rows)

    def _detect_past(self, threshold: float) -> pa.Table:
        places, tables = [], []
        for series in self.shown:
            past = series.history
            expected = self.expected(past) + past.expected(("step_changes",))
            count = len(expected)
            data = self.limit.bound(_data(past))
            columns = {
                self.time_column: past.timestamps,
                self.data_column: _numbers(data),
                **self._judged(_data(past), expected, np.full(count, series.deviation), threshold),
            }
            places += [series.place] * count
            tables.append(pa.table(columns))
        return self.with_ids(places, _stacked(tables))

    def detect_given(self, threshold: float, rows: pa.Table) -> pa.Table:
        """Given rows judged by the forecasts; NULL for a point that has none."""
        time, data, places = self.read(rows)
        count = rows.num_rows
        expected, errors = np.full(count, np.nan), np.full(count, np.nan)
        for series, future in self.futures(self.horizon, rows, must_reach=False):
            mine = np.flatnonzero(places == series.place)
            found = np.searchsorted(future.moments, time[mine])
            found = np.minimum(found, len(future.moments) - 1)
            hits = future.moments[found] == time[mine] if len(future.moments) else found < 0
            expected[mine[hits]] = self.expected(future)[found[hits]]
            errors[mine[hits]] = _errors_of(future)[found[hits]]
        own = {*self.id_columns, self.time_column, self.data_column}
        result = pa.table(
            {
                **{name: rows.column(name) for name in self.id_columns},
                self.time_column: _timestamps(rows.column(self.time_column)),
                self.data_column: _numbers(data),
                **self._judged(self.limit.freed(data), expected, errors, threshold),
            }
        )
        for field in rows.schema:
            if field.name not in own and field.name not in result.column_names:
                result = result.append_column(field, rows.column(field.name))
        return result

    def _judged(
        self, data: Floats, expected: Floats, errors: Floats, threshold: float
    ) -> dict[str, pa.Array]:
        from scipy.stats import norm

        with np.errstate(divide="ignore", invalid="ignore"):
            away = np.abs(data - expected) / errors
        # What is expected exactly and comes as expected is no anomaly.
        away = np.where((errors == 0) & (data == expected), 0.0, away)
        probability = 2 * norm.cdf(away) - 1
        known = np.isfinite(expected) & np.isfinite(data)
        reach = norm.ppf((1 + threshold) / 2) * errors
        return {
            "is_anomaly": pa.array(probability > threshold, mask=~known),
            "lower_bound": pa.array(self.limit.bound(expected - reach), pa.float64(), mask=~known),
            "upper_bound": pa.array(self.limit.bound(expected + reach), pa.float64(), mask=~known),
            "anomaly_probability": pa.array(probability, pa.float64(), mask=~known),
        }

    def evaluate(self, rows: pa.Table | None, settings: Mapping[str, Any]) -> dict[str, float]:
        """See `Fitted.evaluate`; of time series ML.EVALUATE has rows of its own."""
        raise BqmlError("time series are evaluated by `evaluate_rows`")

    def evaluate_rows(
        self, rows: pa.Table, *, aggregated: bool, horizon: int, level: float
    ) -> pa.Table:
        """ML.EVALUATE's rows: forecasts against what came.

        Args:
            rows: What came; rows of the past count for nothing.
            aggregated: Whether there is one row a series, or one a point.
            horizon: Points ahead that count.
            level: Of the intervals.

        Raises:
            BqmlError: A column is missing.
        """
        time, data, places = self.read(rows)
        by_place: dict[int, tuple[Any, ...]] = {}
        for series, future in self.futures(horizon, rows, must_reach=False):
            mine = np.flatnonzero(places == series.place)
            mine = mine[np.argsort(time[mine], kind="stable")]
            lower, upper = self.interval(future, level)
            values = self.limit.bound(self.expected(future))
            if not len(values):
                # Of none of the points to come there are features.
                mine = mine[:0]
            found = np.minimum(np.searchsorted(future.moments, time[mine]), len(values) - 1)
            hits = future.moments[found] == time[mine]
            by_place[series.place] = (mine, found, hits, values, lower, upper, series.scale)
        if aggregated:
            return self._aggregated(data, by_place)
        return self._by_point(rows, data, by_place)

    def _aggregated(self, data: Floats, by_place: Mapping[int, tuple[Any, ...]]) -> pa.Table:
        places, scores = [], []
        for place, (mine, found, hits, values, _, _, scale) in by_place.items():
            if hits.any():
                places.append(place)
                scores.append(accuracy.metrics(data[mine[hits]], values[found[hits]], scale))
        columns = {
            name: pa.array([score[name] for score in scores], pa.float64())
            for name in accuracy.NAMES
        }
        return self.with_ids(places, pa.table(columns))

    def _by_point(
        self, rows: pa.Table, data: Floats, by_place: Mapping[int, tuple[Any, ...]]
    ) -> pa.Table:
        order, places = [], []
        forecast: list[Floats] = []
        for place, (mine, found, hits, values, lower, upper, _) in by_place.items():
            order.append(mine)
            places += [place] * len(mine)
            forecast.append(
                np.where(hits, np.vstack([values[found], lower[found], upper[found]]), np.nan)
            )
        at = np.concatenate(order) if order else np.zeros(0, np.intp)
        value, lower, upper = np.hstack(forecast) if forecast else np.zeros((3, 0))
        taken = rows.take(pa.array(at))
        error = np.abs(value - data[at])
        with np.errstate(divide="ignore", invalid="ignore"):
            share = error / np.abs(data[at])
        columns = {
            self.time_column: taken.column(self.time_column),
            self.data_column: taken.column(self.data_column),
            f"forecasted_{self.data_column}": _nullable(value),
            "lower_bound": _nullable(lower),
            "upper_bound": _nullable(upper),
            "absolute_error": _nullable(error),
            "absolute_percentage_error": _nullable(share),
        }
        return self.with_ids(places, pa.table(columns))

    def with_ids(self, places: Sequence[int], table: pa.Table) -> pa.Table:
        """Rows of series, with the ids of each before them."""
        taken = self.ids.take(pa.array(places, pa.int64())) if self.id_columns else None
        columns = {} if taken is None else {name: taken.column(name) for name in self.id_columns}
        for name in table.column_names:
            columns[name] = table.column(name)
        return pa.table(columns)

    def futures(
        self, horizon: int, features: pa.Table | None, *, must_reach: bool = True
    ) -> Iterator[tuple[Series, Stretch]]:
        """The forecasts of each series, as far as they are wanted.

        With features as far as there are features; `must_reach` refuses none at all.
        """
        if horizon > self.horizon:
            raise BqmlError(
                f"horizon is {horizon:,}; the model was trained with horizon = {self.horizon:,}"
            )
        places = np.zeros(0)
        if self.features:
            if features is None:
                raise BqmlError(
                    "the model has features, and needs a table or a query with those of the future"
                )
            places = self.places(features)
        for series in self.shown:
            future = series.future.first(horizon)
            if series.regression is not None and features is not None:
                mine = features.filter(pa.array(places == series.place))
                moments = moments_of(mine.column(self._named(mine, self.time_column)))
                added, reach = series.regression.added(mine, moments, future.moments)
                if must_reach and reach == 0:
                    raise BqmlError(
                        "the rows have no features of the points after the end of the series"
                    )
                future = _with_parts(future.first(reach), added)
            yield series, future

    def expected(self, stretch: Stretch) -> Floats:
        """What is expected of each point, on the scale that has no limits."""
        features = [name for name in stretch.parts if name.startswith("attribution ")]
        return stretch.expected((*EXPECTED, *features))

    def errors(self, future: Stretch) -> Floats:
        """Standard errors of forecasts, on the scale of the data."""
        return _errors_of(future) * self.limit.slope(self.expected(future))

    def interval(self, future: Stretch, level: float) -> tuple[Floats, Floats]:
        """What holds the share `level` of the values to come."""
        from scipy.stats import norm

        expected, reach = self.expected(future), norm.ppf((1 + level) / 2) * _errors_of(future)
        return self.limit.bound(expected - reach), self.limit.bound(expected + reach)

    def _extra_parts(self) -> list[str]:
        names = {
            name
            for series in self.fitted
            for name in (*series.history.parts, *series.future.parts)
            if name not in PARTS
        }
        looked_at = {f"holiday {name}" for _, name, *_ in self.holidays}
        features = [f"attribution {name}" for name in self.features]
        return [*sorted(looked_at | {n for n in names if n.startswith("holiday ")}), *features]

    def _needs_parts(self, name: str) -> None:
        if not self.is_decomposed:
            raise BqmlError(f"{name} needs a model trained with decompose_time_series = TRUE")

    def read(self, rows: pa.Table) -> tuple[Any, Floats, Any]:
        """Moment and value of each row, and the place of its series; see `places`.

        Raises:
            BqmlError: A column is missing.
        """
        time = moments_of(rows.column(self._named(rows, self.time_column)))
        column = rows.column(self._named(rows, self.data_column))
        return time, column.cast(pa.float64()).to_numpy().astype(np.float64), self.places(rows)

    def places(self, rows: pa.Table) -> Any:
        """Place of each row's series; -1 of one that the model does not know."""
        if not self.id_columns:
            return np.zeros(rows.num_rows, dtype=np.int64)
        names = [self._named(rows, name) for name in self.id_columns]
        known = {key: place for place, key in enumerate(keys(self.ids, self.id_columns))}
        return np.array([known.get(key, -1) for key in keys(rows, names)], dtype=np.int64)

    def _named(self, rows: pa.Table, wanted: str) -> str:
        for name in rows.column_names:
            if name.casefold() == wanted.casefold():
                return str(name)
        raise BqmlError(f"Required column '{wanted}' is missing from input.")

    def training_run(self) -> dict[str, Any]:
        """See `Fitted.training_run`."""
        return rest.training_run(self)

    def save(self, directory: Path) -> dict[str, Any]:
        """See `Fitted.save`."""
        for name, stretches in (
            (HISTORY, [series.history for series in (*self.series, *self.sums)]),
            (FUTURE, [series.future for series in (*self.series, *self.sums)]),
        ):
            _write(
                directory / name,
                _stacked([part.to_arrow(place) for place, part in enumerate(stretches)]),
            )
        _write(directory / IDS, self.ids)
        return {
            "time_column": self.time_column,
            "data_column": self.data_column,
            "series": [series.to_json() for series in self.series],
            "sums": [series.to_json() for series in self.sums],
            "horizon": self.horizon,
            "limit": [self.limit.lower, self.limit.upper],
            "is_decomposed": self.is_decomposed,
            "holidays": [list(holiday) for holiday in self.holidays],
            "features": list(self.features),
        }

    @classmethod
    def load(cls, facts: Mapping[str, Any], directory: Path) -> "Forecaster":
        """Read what `save` wrote."""
        history, future, ids = (_read(directory / name) for name in (HISTORY, FUTURE, IDS))

        def stretch(table: pa.Table, place: int) -> Stretch:
            return Stretch.from_arrow(table.filter(pc.equal(table["series"], place)))

        read = [
            Series.from_json(item, stretch(history, place), stretch(future, place))
            for place, item in enumerate([*facts["series"], *facts.get("sums", [])])
        ]
        count = len(facts["series"])
        return cls(
            time_column=facts["time_column"],
            data_column=facts["data_column"],
            ids=ids,
            series=read[:count],
            sums=read[count:],
            horizon=facts["horizon"],
            limit=Limit(*facts["limit"]),
            is_decomposed=facts["is_decomposed"],
            holidays=[tuple(holiday) for holiday in facts["holidays"]],
            features=facts["features"],
        )


def keys(rows: pa.Table, names: Sequence[str]) -> list[tuple[Any, ...]]:
    """The ids of each row as something that can be looked up."""
    columns = [
        [tuple(value) if isinstance(value, list) else value for value in rows[name].to_pylist()]
        for name in names
    ]
    return list(zip(*columns, strict=True))


def _column(name: str) -> str:
    return name.replace("holiday ", "holiday_effect_").replace("attribution ", "attribution_")


def _with_parts(stretch: Stretch, parts: Mapping[str, Floats]) -> Stretch:
    return Stretch(
        stretch.moments, stretch.data, {**stretch.parts, **parts}, stretch.standard_errors
    )


def _data(stretch: Stretch) -> Floats:
    return np.zeros(0) if stretch.data is None else stretch.data


def _errors_of(stretch: Stretch) -> Floats:
    errors = stretch.standard_errors
    return np.zeros(len(stretch.moments)) if errors is None else errors


def _both(past: Stretch, future: Stretch, name: str) -> pa.Array:
    return pa.concat_arrays(
        [
            pa.nulls(len(part.moments), pa.float64())
            if name not in part.parts
            else pa.array(part.parts[name], pa.float64())
            for part in (past, future)
        ]
    )


def _after(count: int, values: Floats) -> pa.Array:
    return pa.concat_arrays([pa.nulls(count, pa.float64()), _numbers(values)])


def _numbers(values: Floats) -> pa.Array:
    return pa.array(values, pa.float64())


def _nullable(values: Floats) -> pa.Array:
    return pa.array(values, pa.float64(), mask=~np.isfinite(values))


def _timestamps(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.timestamp("us")).cast(TIMESTAMP) if _is_plain(column) else column


def _is_plain(column: pa.ChunkedArray) -> bool:
    return not (pa.types.is_timestamp(column.type) and column.type.tz)


def moments_of(column: pa.ChunkedArray) -> Any:
    """A column of moments in UTC."""
    plain = column.cast(pa.timestamp("us")) if _is_plain(column) else column.cast(TIMESTAMP)
    return plain.cast(pa.int64()).to_numpy().astype("datetime64[us]")


def _stacked(tables: Sequence[pa.Table]) -> pa.Table:
    """Tables one after another; what one does not have is NULL there."""
    return pa.concat_tables(tables, promote_options="default") if tables else pa.table({})


def _write(path: Path, table: pa.Table) -> None:
    with pa.ipc.new_file(path, table.schema) as file:
        file.write_table(table)


def _read(path: Path) -> pa.Table:
    with pa.ipc.open_file(path) as file:
        return file.read_all()
