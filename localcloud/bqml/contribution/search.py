"""The search for segments that are large enough, and what ML.GET_INSIGHTS says of each.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-get-insights
Segments are found level by level, as Apriori does: one of n dimensions is only looked at where all
its parts of n - 1 are large enough.
"""

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa

from localcloud.bqml.arrays import Floats
from localcloud.bqml.column_type import floats, text
from localcloud.bqml.contribution.metric import Metric

ALL = "all"
_POINTS = np.polynomial.legendre.leggauss(32)
"""Where and with which weight the way from control to test is looked at."""


@dataclass(frozen=True)
class Segment:
    """Dimensions with their values, and sums over its control and its test rows."""

    values: Mapping[str, Any]
    above: tuple[float, float]
    below: tuple[float, float]
    support: float


class Search:
    """Segments of some rows that are large enough."""

    def __init__(
        self,
        rows: pa.Table,
        is_test: Any,
        metric: Metric,
        dimensions: Sequence[str],
        settings: Mapping[str, Any],
    ) -> None:
        import pandas as pd

        self._metric, self._dimensions, self._settings = metric, dimensions, settings
        self._schema = rows.schema
        frame = pd.DataFrame({"above": np.nan_to_num(floats(rows.column(metric.summed)))})
        if metric.form == "RATIO":
            frame["below"] = np.nan_to_num(floats(rows.column(str(metric.other))))
        elif metric.form == "CATEGORY":
            frame["below"] = rows.column(str(metric.other)).to_pandas()
        for place, name in enumerate(dimensions):
            frame[f"d{place}"] = rows.column(name).to_pandas()
        self._test, self._control = frame[is_test], frame[~is_test]
        self._all = self._segment({}, *(self._sums(part) for part in (self._control, self._test)))

    def insights(self) -> pa.Table:
        """A row for each segment, the one with the largest contribution first."""
        most = self._settings["TOP_K_INSIGHTS_BY_APRIORI_SUPPORT"]
        segments = sorted(self._levels(most), key=_order)
        if most is not None:
            segments = sorted(segments, key=lambda s: (-s.support, _order(s)))[:most]
        if self._settings["PRUNING_METHOD"] == "PRUNE_REDUNDANT_INSIGHTS":
            segments = _pruned(segments, self._metric)
        rows = [self._row(segment) for segment in (self._all, *segments)]
        rows.sort(key=lambda row: -(row["contribution"] or 0.0))
        return pa.Table.from_pylist(rows, self._columns())

    def _levels(self, most: int | None) -> Iterator[Segment]:
        """Segments of one dimension, of two, and so on while any is large enough.

        Of the `most` largest none is left out; others may come with them.
        """
        least = self._settings["MIN_APRIORI_SUPPORT"] or 0.0
        largest: list[float] = []
        kept: set[tuple[int, ...]] = {()}
        for size in range(1, len(self._dimensions) + 1):
            large: set[tuple[int, ...]] = set()
            for places in combinations(range(len(self._dimensions)), size):
                if any(part not in kept for part in combinations(places, size - 1)):
                    continue
                for segment in self._of(places):
                    if segment.support < least:
                        continue
                    large.add(places)
                    yield segment
                    if most is not None:
                        heapq.heappush(largest, segment.support)
                        if len(largest) > most:
                            heapq.heappop(largest)
                            least = largest[0]
            if not large:
                return
            kept = large

    def _of(self, places: tuple[int, ...]) -> Iterator[Segment]:
        names = [f"d{place}" for place in places]
        grouped = []
        for part in (self._control, self._test):
            groups = part.groupby(names, sort=True)
            sums = groups["above"].sum().to_frame()
            if self._metric.form == "RATIO":
                sums["below"] = groups["below"].sum()
            elif self._metric.form == "CATEGORY":
                sums["below"] = groups["below"].nunique()
            else:
                sums["below"] = 1.0
            grouped.append(sums)
        control, test = grouped
        index = control.index.union(test.index)
        pairs = zip(
            control.reindex(index, fill_value=0.0).itertuples(index=False),
            test.reindex(index, fill_value=0.0).itertuples(index=False),
            strict=True,
        )
        for key, (before, after) in zip(index, pairs, strict=True):
            values = key if isinstance(key, tuple) else (key,)
            yield self._segment(
                {self._dimensions[p]: v for p, v in zip(places, values, strict=True)},
                (float(before.above), float(before.below)),
                (float(after.above), float(after.below)),
            )

    def _sums(self, part: Any) -> tuple[float, float]:
        above = float(part["above"].sum())
        if self._metric.form == "RATIO":
            return above, float(part["below"].sum())
        if self._metric.form == "CATEGORY":
            return above, float(part["below"].nunique())
        return above, 1.0

    def _segment(
        self, values: Mapping[str, Any], control: tuple[float, float], test: tuple[float, float]
    ) -> Segment:
        if not values:
            return Segment({}, (control[0], test[0]), (control[1], test[1]), 1.0)
        whole = self._all.above
        if self._metric.form == "RATIO":
            support = _share(control[0] + test[0], sum(whole)) or 0.0
        else:
            support = max(_share(control[0], whole[0]) or 0.0, _share(test[0], whole[1]) or 0.0)
        return Segment(values, (control[0], test[0]), (control[1], test[1]), support)

    def _row(self, segment: Segment) -> dict[str, Any]:
        named = segment.values
        contributors = [f"{name}={text(_plain(value))}" for name, value in named.items()]
        row: dict[str, Any] = {"contributors": contributors or [ALL]}
        row |= {name: _plain(value) for name, value in named.items()}
        values = {
            "SUM": self._summable,
            "RATIO": self._ratio,
            "CATEGORY": self._by_category,
        }[self._metric.form](segment)
        return row | values | {"apriori_support": segment.support}

    def _summable(self, segment: Segment) -> dict[str, float | None]:
        control, test = segment.above
        # Of what is everything there is nothing else, and nothing else changed.
        rest_control, rest_test = (
            w - o for w, o in zip(self._all.above, segment.above, strict=True)
        )
        ratio = 1.0 if not segment.values else _share(rest_test, rest_control)
        expected = None if ratio is None else control * ratio
        unexpected = None if expected is None else test - expected
        if not segment.values:
            expected, unexpected = control, test - control
        return {
            "metric_test": test,
            "metric_control": control,
            "difference": test - control,
            "relative_difference": _share(test - control, control),
            "unexpected_difference": unexpected,
            "relative_unexpected_difference": _share(unexpected, expected),
            "contribution": abs(test - control),
        }

    def _ratio(self, segment: Segment) -> dict[str, float | None]:
        control, test = (
            _share(above, below) for above, below in zip(segment.above, segment.below, strict=True)
        )
        rest_control, rest_test = (
            _share(w_above - above, w_below - below)
            for w_above, above, w_below, below in zip(
                self._all.above, segment.above, self._all.below, segment.below, strict=True
            )
        )
        attribution = _aumann_shapley(segment, self._all)
        return {
            "metric_test": test,
            "metric_control": control,
            "metric_test_over_metric_control": _share(test, control),
            "metric_test_over_complement": _share(test, rest_test),
            "metric_control_over_complement": _share(control, rest_control),
            "aumann_shapley_attribution": attribution,
            "contribution": None if attribution is None else abs(attribution),
        }

    def _by_category(self, segment: Segment) -> dict[str, float | None]:
        control, test = (
            _share(above, below) or 0.0
            for above, below in zip(segment.above, segment.below, strict=True)
        )
        of_all = [
            _share(above, below)
            for above, below in zip(self._all.above, self._all.below, strict=True)
        ]
        return {
            "metric_test": test,
            "metric_control": control,
            "difference": test - control,
            "relative_difference": _share(test - control, control),
            "metric_test_over_population": _share(test, of_all[1]),
            "metric_control_over_population": _share(control, of_all[0]),
            "contribution": abs(test - control),
        }

    def _columns(self) -> pa.Schema:
        names = {
            "SUM": (
                "difference",
                "relative_difference",
                "unexpected_difference",
                "relative_unexpected_difference",
            ),
            "RATIO": (
                "metric_test_over_metric_control",
                "metric_test_over_complement",
                "metric_control_over_complement",
                "aumann_shapley_attribution",
            ),
            "CATEGORY": (
                "difference",
                "relative_difference",
                "metric_test_over_population",
                "metric_control_over_population",
            ),
        }[self._metric.form]
        numbers = ("metric_test", "metric_control", *names, "apriori_support", "contribution")
        return pa.schema(
            [
                ("contributors", pa.list_(pa.string())),
                *((name, self._schema.field(name).type) for name in self._dimensions),
                *((name, pa.float64()) for name in numbers),
            ]
        )


def _aumann_shapley(segment: Segment, whole: Segment) -> float | None:
    """What a segment adds to the change of the whole ratio, on a straight way to the test rows."""
    at, weights = (_POINTS[0] + 1) / 2, _POINTS[1] / 2
    above = whole.above[0] + at * (whole.above[1] - whole.above[0])
    below = whole.below[0] + at * (whole.below[1] - whole.below[0])
    if (below <= 0).any():
        return None
    up, down = (pair[1] - pair[0] for pair in (segment.above, segment.below))
    slopes: Floats = up / below - down * above / below**2
    return float((weights * slopes).sum())


def _pruned(segments: Sequence[Segment], metric: Metric) -> list[Segment]:
    """Without those that a more descriptive segment of the same metrics holds."""
    alike: dict[Any, list[Segment]] = {}
    for segment in segments:
        key = segment.above if metric.form == "SUM" else (segment.above, segment.below)
        alike.setdefault(key, []).append(segment)
    return [
        segment
        for key_segments in alike.values()
        for segment in key_segments
        if not any(
            len(other.values) > len(segment.values)
            and segment.values.items() <= other.values.items()
            for other in key_segments
        )
    ]


def _order(segment: Segment) -> tuple[int, list[tuple[str, str]]]:
    return len(segment.values), [(name, text(_plain(v))) for name, v in segment.values.items()]


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _share(part: float | None, whole: float | None) -> float | None:
    return None if part is None or not whole else part / whole
