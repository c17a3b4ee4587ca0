"""One time series of a model: what it was and what it will be, taken apart."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from localcloud.bqml.arrays import Floats
from localcloud.bqml.timeseries.arima import Candidate
from localcloud.bqml.timeseries.frequency import Moments, as_micros
from localcloud.bqml.timeseries.regression import Regression
from localcloud.bqml.timeseries.season import SEASONS

PARTS = (
    "trend",
    *(f"seasonal_period_{season.lower()}" for season in SEASONS),
    "holiday_effect",
    "spikes_and_dips",
    "step_changes",
    "residual",
)
"""The parts that add up to a series, in the order of ML.EXPLAIN_FORECAST's columns."""
EXPECTED = (*PARTS[: PARTS.index("holiday_effect") + 1],)
"""Those that a forecast has too."""
TIMESTAMP = pa.timestamp("us", "UTC")


@dataclass(frozen=True)
class Stretch:
    """Part of a series, before or after its end.

    Attributes:
        moments: Its points.
        data: What was there, or None of the future.
        parts: By name, of `PARTS` and of single holidays and features; those that the series does
            not have are left out.
        standard_errors: Of forecasts; None of the past.
    """

    moments: Moments
    data: Floats | None
    parts: Mapping[str, Floats]
    standard_errors: Floats | None

    def expected(self, names: Sequence[str] = EXPECTED) -> Floats:
        """The sum of some parts."""
        return sum(
            (self.parts[name] for name in names if name in self.parts),
            np.zeros(len(self.moments)),
        )

    def first(self, count: int) -> "Stretch":
        """Its first points."""
        errors = self.standard_errors
        return Stretch(
            self.moments[:count],
            None if self.data is None else self.data[:count],
            {name: values[:count] for name, values in self.parts.items()},
            None if errors is None else errors[:count],
        )

    @property
    def timestamps(self) -> pa.Array:
        """Its points as TIMESTAMPs."""
        return pa.array(as_micros(self.moments)).cast(TIMESTAMP)

    def to_arrow(self, series: int) -> pa.Table:
        """As a table; `series` tells whose it is."""
        columns: dict[str, Any] = {
            "series": pa.array([series] * len(self.moments), pa.int64()),
            "moment": pa.array(as_micros(self.moments), pa.int64()),
        }
        if self.data is not None:
            columns["data"] = pa.array(self.data, pa.float64())
        if self.standard_errors is not None:
            columns["standard_error"] = pa.array(self.standard_errors, pa.float64())
        for name, values in self.parts.items():
            columns[f"part {name}"] = pa.array(values, pa.float64())
        return pa.table(columns)

    @classmethod
    def from_arrow(cls, table: pa.Table) -> "Stretch":
        """What `to_arrow` wrote; a part that is NULL everywhere is not there."""
        parts = {
            name.removeprefix("part "): column.to_numpy()
            for name, column in zip(table.column_names, table.columns, strict=True)
            if name.startswith("part ") and column.null_count < max(1, len(column))
        }
        names = table.column_names
        return cls(
            moments=table["moment"].to_numpy().astype("datetime64[us]"),
            data=table["data"].to_numpy() if "data" in names else None,
            parts=parts,
            standard_errors=table["standard_error"].to_numpy()
            if "standard_error" in names
            else None,
        )


@dataclass(frozen=True)
class Series:
    """One fitted series, or one that could not be fitted.

    Attributes:
        place: Whose ids it has: its row in the table of ids.
        frequency: Name of its frequency.
        seasonal_periods: Its seasons, or `NO_SEASONALITY`.
        candidates: The orders that were tried.
        best: The one taken; None of a series that could not be fitted.
        has_holiday_effect: Whether a holiday has an effect.
        has_spikes_and_dips: Whether any was cleaned.
        has_step_changes: Whether any was adjusted.
        regression: What features add; None without any.
        scale: Mean absolute difference of neighbours, which scales errors.
        error: Why it could not be fitted; empty where it was.
        history: Its past.
        future: Its forecast to the horizon.
    """

    place: int
    frequency: str
    seasonal_periods: Sequence[str]
    candidates: Sequence[Candidate]
    best: Candidate | None
    has_holiday_effect: bool
    has_spikes_and_dips: bool
    has_step_changes: bool
    regression: Regression | None
    scale: float
    error: str
    history: Stretch
    future: Stretch

    @property
    def deviation(self) -> float:
        """Standard deviation of the residuals."""
        variance = 0.0 if self.best is None else self.best.variance or 0.0
        return float(np.sqrt(variance))

    def to_json(self) -> dict[str, Any]:
        """All but the two stretches, as JSON."""
        facts = {
            name: value for name, value in vars(self).items() if name not in ("history", "future")
        }
        return {
            **facts,
            "seasonal_periods": list(self.seasonal_periods),
            "candidates": [asdict(candidate) for candidate in self.candidates],
            "best": None if self.best is None else asdict(self.best),
            "regression": None if self.regression is None else self.regression.to_json(),
        }

    @classmethod
    def from_json(cls, facts: Mapping[str, Any], history: Stretch, future: Stretch) -> "Series":
        """From what `to_json` gave."""
        best, regression = facts["best"], facts["regression"]
        return cls(
            **{
                **facts,
                "candidates": [candidate_from_json(item) for item in facts["candidates"]],
                "best": None if best is None else candidate_from_json(best),
                "regression": None if regression is None else Regression.from_json(regression),
                "history": history,
                "future": future,
            }
        )


def candidate_from_json(facts: Mapping[str, Any]) -> Candidate:
    """A candidate from JSON, where tuples are arrays."""
    p, d, q = facts["order"]
    return Candidate(
        **{**facts, "order": (p, d, q), "ar": tuple(facts["ar"]), "ma": tuple(facts["ma"])}
    )
