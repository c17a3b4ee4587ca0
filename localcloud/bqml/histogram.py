"""How numbers are spread: the standard histogram of TensorFlow Data Validation.

https://github.com/tensorflow/data-validation/blob/master/tensorflow_data_validation/utils/quantiles_util.py
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from localcloud.bqml.column_type import floats

Floats = npt.NDArray[np.float64]
BUCKETS = 10
"""NUM_HISTOGRAM_BUCKETS where it is not given."""


@dataclass(frozen=True)
class Histogram:
    """Counts of numbers in equally wide buckets from the least to the largest.

    Attributes:
        edges: Of the buckets, rising; both ends alike where all numbers are; empty of no number.
        counts: One less than edges.
        nans: How many are NaN.
        infinite: How many are infinite.
    """

    edges: Floats
    counts: Floats
    nans: int
    infinite: int

    @classmethod
    def of(cls, column: pa.ChunkedArray, buckets: int = BUCKETS) -> "Histogram":
        """Count a column's numbers; NULL is left out."""
        values = floats(column.drop_null())
        finite = values[np.isfinite(values)]
        nans, infinite = int(np.isnan(values).sum()), int(np.isinf(values).sum())
        if finite.size == 0:
            return cls(np.zeros(0), np.zeros(0), nans, infinite)
        low, high = finite.min(), finite.max()
        if low == high:
            counts = np.array([finite.size], dtype=np.float64)
            return cls(np.array([low, high]), counts, nans, infinite)
        edges = np.linspace(low, high, buckets + 1)
        counts = np.histogram(finite, edges)[0].astype(np.float64)
        return cls(edges, counts, nans, infinite)

    @property
    def size(self) -> float:
        """How many numbers it counts."""
        return float(self.counts.sum()) + self.nans + self.infinite

    @property
    def is_point(self) -> bool:
        """Whether all finite numbers are alike."""
        return len(self.edges) == 2 and bool(self.edges[0] == self.edges[1])

    def below(self, places: Floats) -> Floats:
        """How many numbers are up to each place, if those within a bucket are spread evenly."""
        if len(self.edges) == 0 or self.is_point:
            return np.zeros(len(places))
        cumulated = np.concatenate([[0.0], np.cumsum(self.counts)])
        found: Floats = np.interp(places, self.edges, cumulated)
        return found

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "edges": self.edges.tolist(),
            "counts": self.counts.tolist(),
            "nans": self.nans,
            "infinite": self.infinite,
        }

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> "Histogram":
        """From `to_json`."""
        return cls(
            np.array(facts["edges"], dtype=np.float64),
            np.array(facts["counts"], dtype=np.float64),
            facts["nans"],
            facts["infinite"],
        )


def aligned(first: Histogram, second: Histogram) -> tuple[Floats, Floats]:
    """The counts of two histograms over the same buckets.

    The edges of both are the edges of the new buckets. Numbers that are all alike are a bucket of
    their own, as are those of each side that are infinite or NaN, so they share nothing with the
    other side: https://github.com/tensorflow/data-validation/blob/master/tensorflow_data_validation/anomalies/metrics.cc
    """
    spread = [h.edges for h in (first, second) if len(h.edges) and not h.is_point]
    counts: list[list[float]] = [[], []]
    if spread:
        edges = np.unique(np.concatenate(spread))
        for side, histogram in zip(counts, (first, second), strict=True):
            side.extend(np.diff(histogram.below(edges)).tolist())
    points = sorted({float(h.edges[0]) for h in (first, second) if h.is_point})
    for side, histogram in zip(counts, (first, second), strict=True):
        for point in points:
            here = histogram.is_point and histogram.edges[0] == point
            side.append(float(histogram.counts[0]) if here else 0.0)
    for name in ("infinite", "nans"):
        counts[0] += [getattr(first, name), 0.0]
        counts[1] += [0.0, getattr(second, name)]
    return np.array(counts[0], dtype=np.float64), np.array(counts[1], dtype=np.float64)
