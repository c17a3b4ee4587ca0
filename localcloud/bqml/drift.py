"""How far two columns are apart, 0 to 1.

The measures of TensorFlow Data Validation, which BigQuery and Vertex AI use: the Jensen-Shannon
divergence for numbers, with logarithms to the base 2, and the L-infinity distance for categories.
https://www.tensorflow.org/tfx/data_validation/get_started#checking_data_skew_and_drift
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from localcloud.bqml.column_type import text

Floats = npt.NDArray[np.float64]
BUCKETS = 10


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


def numeric_distance(
    baseline: pa.ChunkedArray, target: pa.ChunkedArray, buckets: int = BUCKETS
) -> float:
    """Jensen-Shannon divergence of two columns of numbers over equally wide buckets.

    Args:
        baseline: Numbers; NULL and NaN are left out.
        target: The same.
        buckets: Number of buckets between the least and the largest number of both.
    """
    first, second = _numbers(baseline), _numbers(target)
    if first.size == 0 or second.size == 0:
        return 0.0
    low = min(first.min(), second.min())
    high = max(first.max(), second.max())
    if low == high:
        return 0.0
    edges = np.linspace(low, high, buckets + 1)
    return jensen_shannon(
        np.histogram(first, edges)[0].astype(np.float64),
        np.histogram(second, edges)[0].astype(np.float64),
    )


def distance_to_quantiles(baseline: Sequence[float], target: pa.ChunkedArray) -> float:
    """Jensen-Shannon divergence of a column from one that is known by its quantiles.

    Args:
        baseline: Evenly spaced quantiles, least to largest; each stands for as many rows.
        target: Numbers; NULL and NaN are left out.
    """
    return numeric_distance(pa.chunked_array([pa.array(baseline, pa.float64())]), target)


def categorical_distance(
    baseline: pa.ChunkedArray, target: pa.ChunkedArray, metric: str = "l_infinity"
) -> float:
    """Distance of two columns of categories.

    Args:
        baseline: Categories; NULL is left out.
        target: The same.
        metric: `l_infinity` or `jensen_shannon_divergence`, in any case; `L_INFTY` too.

    Raises:
        ValueError: Another metric.
    """
    return distance_of_counts(counts(baseline), counts(target), metric)


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


def counts(column: pa.ChunkedArray) -> dict[str, int]:
    """How often each category is there, NULL left out."""
    found = pc.value_counts(column.drop_null()).to_pylist()
    return {text(item["values"]): item["counts"] for item in found}


def _numbers(column: pa.ChunkedArray) -> Floats:
    values: Floats = column.drop_null().cast(pa.float64()).to_numpy()
    return values[~np.isnan(values)]
