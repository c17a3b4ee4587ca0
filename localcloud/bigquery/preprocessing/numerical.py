"""Functions on numbers.

https://cloud.google.com/bigquery/docs/manual-preprocessing#numerical_functions
"""

import itertools
import math
from collections.abc import Sequence

from local_bigquery.errors import BigQueryError

from googlesql.constant import Constant
from localcloud.bigquery.preprocessing.argument import constant, integer, number, one_of
from localcloud.bigquery.preprocessing.fit import Fit
from localcloud.bigquery.preprocessing.struct_fields import struct_fields

MOST_EXPANDED, MOST_DEGREE = 10, 4
BUCKET_FORMATS = ("bucket_names", "bucket_ranges", "bucket_ranges_json")


def standard_scaler(fit: Fit, x: str, arguments: Sequence[Constant]) -> str:
    """`(x - mean) / standard deviation`, the sample's; 0 where all rows are alike."""
    mean, deviation = fit.one("avg(x), stddev_samp(x)")
    if mean is None or not deviation:
        return f"(({x}) - {number(mean or 0)})"
    return f"((({x}) - {number(mean)}) / {number(deviation)})"


def min_max_scaler(fit: Fit, x: str, arguments: Sequence[Constant]) -> str:
    """`(x - min) / (max - min)`, kept within 0 and 1."""
    low, high = fit.one("min(x), max(x)")
    if low is None or low == high:
        return f"IF(({x}) IS NULL, NULL, 0.0)"
    scaled = f"((({x}) - {number(low)}) / {number(float(high) - float(low))})"
    return f"LEAST(GREATEST({scaled}, 0.0), 1.0)"


def max_abs_scaler(fit: Fit, x: str, arguments: Sequence[Constant]) -> str:
    """`x / max(abs(x))`."""
    (largest,) = fit.one("max(abs(x))")
    return f"(({x}) / {number(largest or 1)})"


def robust_scaler(fit: Fit, x: str, arguments: Sequence[Constant]) -> str:
    """`(x - median) / (quantile 75 - quantile 25)`, or the quantile range given.

    Each is the value of a row, as in the example on Google's page, which takes 2 for the median of
    -3, 1, 2, 3, 4 and 5.
    """
    lower, upper = _quantile_range(arguments[0] if arguments else [25, 75])
    with_median = arguments[1] if len(arguments) > 1 else True
    with_range = arguments[2] if len(arguments) > 2 else True
    middle, low, high = fit.one(
        f"quantile_disc(x, 0.5), quantile_disc(x, {lower}), quantile_disc(x, {upper})"
    )
    centred = f"(({x}) - {number(middle or 0)})" if with_median else f"({x})"
    spread = float(high or 0) - float(low or 0)
    if with_range and spread:
        return f"({centred} / {number(spread)})"
    return f"CAST({centred} AS FLOAT64)"


def quantile_bucketize(fit: Fit, x: str, arguments: Sequence[Constant]) -> str:
    """`bin_1` to `bin_<n>`: as many training rows in each as their quantiles allow."""
    count = integer("ML.QUANTILE_BUCKETIZE", "num_buckets", arguments[:1], at_least=2)
    cuts = ", ".join(str(index / count) for index in range(1, count))
    (points,) = fit.one(f"quantile_disc(x, [{cuts}])")
    written = arguments[1] if len(arguments) > 1 else BUCKET_FORMATS[0]
    style = one_of("ML.QUANTILE_BUCKETIZE", "output_format", written, BUCKET_FORMATS)
    return _buckets(x, sorted({float(point) for point in points or ()}), style)


def imputer(fit: Fit, x: str, arguments: Sequence[Constant]) -> str:
    """`x`, and where it is NULL the mean, median or most frequent value of the training rows."""
    strategies = {"mean": "avg(x)", "median": "median(x)", "most_frequent": "mode(x ORDER BY x)"}
    given = arguments[0] if arguments else None
    strategy = one_of("ML.IMPUTER", "strategy", given, tuple(strategies))
    if fit.is_text:
        if strategy != "most_frequent":
            raise BigQueryError(
                "invalidQuery",
                f"ML.IMPUTER's strategy {strategy!r} is for numbers, and {x} is a STRING; for it "
                "there is 'most_frequent'.",
            )
        (value,) = fit.one(strategies[strategy])
        return f"COALESCE({x}, {constant(value)})"
    (value,) = fit.one(strategies[strategy])
    # The result of a number is FLOAT64, whatever number goes in.
    return f"COALESCE(CAST({x} AS FLOAT64), {'NULL' if value is None else number(value)})"


def bucketize(x: str, arguments: Sequence[Constant]) -> str:
    """`bin_1` below the first split point, `bin_2` from it on, and so forth; NULL stays NULL."""
    points = arguments[0] if arguments else None
    if not isinstance(points, list) or not points:
        raise BigQueryError(
            "invalidQuery",
            f"ML.BUCKETIZE's array_split_points is {points!r}; it is an array of numbers.",
        )
    numbers = [_split_point(point) for point in points]
    if numbers != sorted(numbers):
        raise BigQueryError("invalidQuery", "ML.BUCKETIZE's array_split_points must be sorted.")
    if len(arguments) > 1 and arguments[1] is True:
        numbers = numbers[1:-1]
    written = arguments[2] if len(arguments) > 2 else BUCKET_FORMATS[0]
    return _buckets(x, numbers, one_of("ML.BUCKETIZE", "output_format", written, BUCKET_FORMATS))


def polynomial_expand(x: str, arguments: Sequence[Constant]) -> str:
    """A STRUCT of FLOAT64 with the product of each combination of 1 to `degree` fields.

    https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-polynomial-expand
    """
    name = "ML.POLYNOMIAL_EXPAND"
    degree = integer(name, "degree", arguments[:1] or [2], at_least=1, at_most=MOST_DEGREE)
    fields = struct_fields(name, x)
    if len(fields) > MOST_EXPANDED:
        raise BigQueryError(
            "invalidQuery",
            f"{name} expands at most {MOST_EXPANDED} features; here are {len(fields)}.",
        )
    products = ", ".join(
        f"{' * '.join(f'CAST({fields[field]} AS FLOAT64)' for field in chosen)} "
        f"AS `{'_'.join(chosen)}`"
        for chosen in _combinations(list(fields), degree)
    )
    return f"STRUCT({products})"


def _combinations(names: Sequence[str], most: int) -> list[tuple[str, ...]]:
    """Each feature, followed by its products with itself and those after it, and so forth."""
    if most == 0:
        return []
    return [
        combination
        for place, name in enumerate(names)
        for combination in (
            (name,),
            *((name, *rest) for rest in _combinations(names[place:], most - 1)),
        )
    ]


def _quantile_range(given: Constant) -> tuple[float, float]:
    pair = [float(str(bound)) for bound in given] if isinstance(given, list) else []
    if len(pair) != 2 or not 0 < pair[0] < pair[1] < 100:
        raise BigQueryError(
            "invalidQuery",
            f"ML.ROBUST_SCALER's quantile_range is {given!r}; it is an array of two integers that "
            "rise between 0 and 100.",
        )
    return pair[0] / 100, pair[1] / 100


def _split_point(point: Constant) -> float:
    try:
        value = float(str(point))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise BigQueryError(
            "invalidQuery", f"ML.BUCKETIZE's array_split_points has {point!r}; each is finite."
        )
    return value


def _buckets(x: str, points: Sequence[float], style: str) -> str:
    names = _bucket_names(points, style)
    cases = " ".join(
        f"WHEN ({x}) < {number(point)} THEN {constant(name)}"
        for point, name in zip(points, names, strict=False)
    )
    return f"(CASE WHEN ({x}) IS NULL THEN NULL {cases} ELSE {constant(names[-1])} END)"


def _bucket_names(points: Sequence[float], style: str) -> list[str]:
    if style == "bucket_names":
        return [f"bin_{index + 1}" for index in range(len(points) + 1)]
    written = [repr(point).removesuffix(".0") for point in points]
    if style == "bucket_ranges":
        return [
            f"{'(' if index == 0 else '['}{low}, {high})"
            for index, (low, high) in enumerate(itertools.pairwise(["-inf", *written, "+inf"]))
        ]
    return [
        f'{{"start": "{low}", "end": "{high}"}}'
        for low, high in itertools.pairwise(["-Infinity", *written, "Infinity"])
    ]
