"""How far two columns are apart, 0 to 1.

For categories the L-infinity distance or the Jensen-Shannon divergence of their shares; for
numbers the Jensen-Shannon divergence, with logarithms to the base 2, of counts in equally wide
buckets. There are two ways to lay buckets:

- `distance_of_histograms`, for BigQuery's functions, which do what TensorFlow Data Validation does:
  each side has its own histogram over its own range, and then both are brought over the edges of
  both. So one outlier widens all buckets of its side and shows as drift, and a side whose numbers
  are all alike shares nothing with one whose are not.
  https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-tfdv-validate
  https://github.com/tensorflow/data-validation/blob/master/tensorflow_data_validation/anomalies/metrics.cc
- `numeric_distance`, for Vertex AI's monitoring, whose pages name the measure but not the buckets:
  here they are over the range of both sides.
  https://cloud.google.com/vertex-ai/docs/reference/rest/v1beta1/ThresholdConfig
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from localcloud.bqml.column_type import floats, texts
from localcloud.bqml.histogram import BUCKETS, Histogram, aligned

Floats = npt.NDArray[np.float64]


def jensen_shannon(baseline: Floats, target: Floats) -> float:
    """Jensen-Shannon divergence of two distributions over the same buckets.

    Args:
        baseline: Weight of each bucket, 0 or more.
        target: The same.

    Returns:
        0 for equal distributions, 1 for distributions that share no bucket; symmetric. 0 when one
        of them is empty, since then there is nothing to compare.
    """
    from scipy.spatial import distance

    if baseline.sum() == 0 or target.sum() == 0:
        return 0.0
    # scipy gives the distance, the square root of the divergence. For equal distributions it can
    # be the root of a negative rounding error.
    root = float(distance.jensenshannon(baseline, target, base=2))
    return 0.0 if np.isnan(root) else min(root * root, 1.0)


def l_infinity(baseline: Floats, target: Floats) -> float:
    """Largest difference of a category's share.

    Args:
        baseline: Count of each category.
        target: The same.

    Returns:
        0 to 1; 0 when one of them is empty.
    """
    if baseline.sum() == 0 or target.sum() == 0:
        return 0.0
    return float(np.max(np.abs(baseline / baseline.sum() - target / target.sum())))


def distance_of_histograms(baseline: Histogram, target: Histogram) -> float:
    """Jensen-Shannon divergence of two histograms, each over its own range."""
    return jensen_shannon(*aligned(baseline, target))


def numeric_distance(
    baseline: pa.ChunkedArray, target: pa.ChunkedArray, buckets: int = BUCKETS
) -> float:
    """Jensen-Shannon divergence of two columns of numbers over the range of both.

    Args:
        baseline: Numbers; NULL, NaN and infinite ones are left out.
        target: The same.
        buckets: Number of buckets between the least and the largest number of both.
    """
    first, second = _finite(baseline), _finite(target)
    if first.size == 0 or second.size == 0:
        return 0.0
    low, high = min(first.min(), second.min()), max(first.max(), second.max())
    if low == high:
        return 0.0
    edges = np.linspace(low, high, buckets + 1)
    return jensen_shannon(
        np.histogram(first, edges)[0].astype(np.float64),
        np.histogram(second, edges)[0].astype(np.float64),
    )


def categorical_distance(
    baseline: pa.ChunkedArray,
    target: pa.ChunkedArray,
    metric: str = "l_infinity",
    most: int | None = None,
) -> float:
    """Distance of two columns of categories.

    Args:
        baseline: Categories; NULL is left out.
        target: The same.
        metric: `l_infinity` or `jensen_shannon_divergence`, in any case; `L_INFTY` too.
        most: How many categories of each side count, the most frequent ones; None: all.

    Raises:
        ValueError: Another metric.
    """
    return distance_of_counts(counts(baseline, most), counts(target, most), metric)


def distance_of_counts(
    baseline: Mapping[str, int], target: Mapping[str, int], metric: str = "l_infinity"
) -> float:
    """Distance of two counts of categories; see `categorical_distance`."""
    categories = sorted({*baseline, *target})
    first = np.array([baseline.get(c, 0) for c in categories], dtype=np.float64)
    second = np.array([target.get(c, 0) for c in categories], dtype=np.float64)
    name = metric.lower()
    if name in ("l_infinity", "l_infty"):
        return l_infinity(first, second)
    if name == "jensen_shannon_divergence":
        return jensen_shannon(first, second)
    raise ValueError(f"metric is '{metric}'; allowed are l_infinity and jensen_shannon_divergence")


def counts(column: pa.ChunkedArray, most: int | None = None) -> dict[str, int]:
    """How often each category is there, NULL left out, the most frequent first.

    Args:
        column: Categories.
        most: How many to keep; None: all.
    """
    found = pc.value_counts(texts(column).drop_null()).to_pylist()
    ordered = sorted(
        ((item["values"], item["counts"]) for item in found), key=lambda c: (-c[1], c[0])
    )
    return dict(ordered[:most])


def _finite(column: pa.ChunkedArray) -> Floats:
    values = floats(column.drop_null())
    return values[np.isfinite(values)]
