"""BigQuery ML's preprocessing functions as plain GoogleSQL.

A function such as `ML.STANDARD_SCALER(x) OVER()` learns constants from the training rows; from then
on it is an expression with those constants in it, which scores a single row as well as a table.

https://cloud.google.com/bigquery/docs/manual-preprocessing
"""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
from local_bigquery.errors import BigQueryError

from googlesql import parser
from googlesql.constant import Constant
from googlesql.position import Text
from googlesql.tree import identifiers, walk

LABEL_TOP_K = 32_000
LABEL_FREQUENCY = 5
MOST_CROSSED, MOST_DEGREE = 10, 4
FIELD_DEPTH = 6
"""How deep the fields of a STRUCT are that is all of a query's SELECT list."""


@dataclass(frozen=True)
class Fit:
    """What a function may look at while it is fitted.

    Attributes:
        cursor: Sees `table`.
        table: A DuckDB table with one column `x`: the first argument on the training rows.
    """

    cursor: duckdb.DuckDBPyConnection
    table: str

    def one(self, expressions: str) -> tuple[Any, ...]:
        """One row of aggregates over `x`, in DuckDB's SQL."""
        [row] = self.cursor.execute(f"SELECT {expressions} FROM {self.table}").fetchall()
        return row

    def all(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of a DuckDB query in which `{table}` stands for the table."""
        return self.cursor.execute(query.format(table=self.table)).fetchall()


Analytic = Callable[[Fit, str, Sequence[Constant]], str]
Scalar = Callable[[str, Sequence[Constant]], str]


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
    """`(x - median) / (quantile 75 - quantile 25)`, or the quantile range given."""
    quantiles = arguments[0] if arguments and isinstance(arguments[0], list) else [25, 75]
    with_median = arguments[1] if len(arguments) > 1 else True
    with_range = arguments[2] if len(arguments) > 2 else True
    lower, upper = (float(str(quantile)) / 100 for quantile in quantiles)
    middle, low, high = fit.one(f"median(x), quantile_cont(x, {lower}), quantile_cont(x, {upper})")
    centred = f"(({x}) - {number(middle or 0)})" if with_median else f"({x})"
    spread = float(high or 0) - float(low or 0)
    return f"({centred} / {number(spread)})" if with_range and spread else centred


def quantile_bucketize(fit: Fit, x: str, arguments: Sequence[Constant]) -> str:
    """`bin_1` to `bin_<n>`: as many training rows in each as their quantiles allow."""
    count = _integer("ML.QUANTILE_BUCKETIZE", "num_buckets", arguments[:1], at_least=2)
    cuts = ", ".join(str(index / count) for index in range(1, count))
    (points,) = fit.one(f"quantile_disc(x, [{cuts}])")
    if not points:
        return f"IF(({x}) IS NULL, NULL, 'bin_1')"
    return bucketize(x, [sorted(set(points)), False, *arguments[1:2]])


def imputer(fit: Fit, x: str, arguments: Sequence[Constant]) -> str:
    """`x`, and where it is NULL the mean, median or most frequent value of the training rows."""
    strategies = {"mean": "avg(x)", "median": "median(x)", "most_frequent": "mode(x ORDER BY x)"}
    strategy = arguments[0] if arguments else None
    if strategy not in strategies:
        raise BigQueryError(
            "invalidQuery",
            f"ML.IMPUTER's strategy is {strategy!r}; allowed are {', '.join(strategies)}.",
        )
    (value,) = fit.one(strategies[str(strategy)])
    if isinstance(value, str):
        return f"COALESCE({x}, {constant(value)})"
    # The result of a number is FLOAT64, whatever number goes in.
    return f"COALESCE(CAST({x} AS FLOAT64), {'NULL' if value is None else number(value)})"


def label_encoder(fit: Fit, x: str, arguments: Sequence[Constant]) -> str:
    """1, 2, ... for the categories in alphabetical order; 0 for NULL and for any other."""
    top = _integer("ML.LABEL_ENCODER", "top_k", arguments[:1] or [LABEL_TOP_K], at_least=1)
    least = _integer(
        "ML.LABEL_ENCODER", "frequency_threshold", arguments[1:2] or [LABEL_FREQUENCY], at_least=0
    )
    found = fit.all(
        "SELECT x FROM (SELECT x, count(*) AS n FROM {table} WHERE x IS NOT NULL GROUP BY x "
        f"HAVING n >= {least} ORDER BY n DESC, x LIMIT {top}) ORDER BY x"
    )
    if not found:
        return "0"
    cases = " ".join(
        f"WHEN {constant(value)} THEN {index}" for index, (value,) in enumerate(found, 1)
    )
    return f"(CASE {x} {cases} ELSE 0 END)"


def bucketize(x: str, arguments: Sequence[Constant]) -> str:
    """`bin_1` below the first split point, `bin_2` from it on, and so forth; NULL stays NULL."""
    points = arguments[0] if arguments else None
    if not isinstance(points, list) or not points:
        raise BigQueryError(
            "invalidQuery", "ML.BUCKETIZE needs array_split_points, an array of numbers."
        )
    numbers = [float(str(point)) for point in points]
    if numbers != sorted(numbers):
        raise BigQueryError("invalidQuery", "ML.BUCKETIZE's array_split_points must be sorted.")
    if len(arguments) > 1 and arguments[1] is True:
        numbers = numbers[1:-1]
    names = _bucket_names(numbers, str(arguments[2]) if len(arguments) > 2 else "bucket_names")
    cases = " ".join(
        f"WHEN ({x}) < {number(point)} THEN {constant(name)}"
        for point, name in zip(numbers, names, strict=False)
    )
    return f"(CASE WHEN ({x}) IS NULL THEN NULL {cases} ELSE {constant(names[-1])} END)"


def hash_bucketize(x: str, arguments: Sequence[Constant]) -> str:
    """The fingerprint of a text, as an unsigned number, modulo the number of buckets.

    0 buckets leave it whole. That it is unsigned is what makes the example on Google's page true:
    https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-hash-bucketize
    """
    count = _integer("ML.HASH_BUCKETIZE", "hash_bucket_size", arguments[:1], at_least=0)
    hashed = f"FARM_FINGERPRINT({x})"
    if not count:
        return hashed
    unsigned = f"IF({hashed} < 0, {2**64 % count}, 0)"
    return f"MOD(MOD({hashed}, {count}) + {unsigned} + {count}, {count})"


def feature_cross(x: str, arguments: Sequence[Constant]) -> str:
    """A STRUCT with a field for each combination of 2 to `degree` fields, their texts joined.

    https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-feature-cross
    """
    name = "ML.FEATURE_CROSS"
    degree = _integer(name, "degree", arguments[:1] or [2], at_least=2)
    fields = _struct_fields(name, x)
    if degree > MOST_DEGREE or not 2 <= len(fields) <= MOST_CROSSED:
        raise BigQueryError(
            "invalidQuery",
            f"{name} crosses 2 to {MOST_CROSSED} features with a degree of 2 to {MOST_DEGREE}; "
            f"here are {len(fields)} features and a degree of {degree}.",
        )
    crossed = []
    for size in range(2, degree + 1):
        for chosen in itertools.combinations(fields, size):
            texts = ", '_', ".join(fields[field] for field in chosen)
            crossed.append(f"CONCAT({texts}) AS `{'_'.join(chosen)}`")
    return f"STRUCT({', '.join(crossed)})"


ANALYTIC: dict[str, Analytic] = {
    "ML.STANDARD_SCALER": standard_scaler,
    "ML.MIN_MAX_SCALER": min_max_scaler,
    "ML.MAX_ABS_SCALER": max_abs_scaler,
    "ML.ROBUST_SCALER": robust_scaler,
    "ML.QUANTILE_BUCKETIZE": quantile_bucketize,
    "ML.IMPUTER": imputer,
    "ML.LABEL_ENCODER": label_encoder,
}
"""Functions that learn from the training rows, written `f(x, ...) OVER()`."""

SCALAR: dict[str, Scalar] = {
    "ML.BUCKETIZE": bucketize,
    "ML.FEATURE_CROSS": feature_cross,
    "ML.HASH_BUCKETIZE": hash_bucketize,
}
"""Functions of one row, written `f(x, ...)`."""


def _struct_fields(function: str, x: str) -> dict[str, str]:
    """Names and expressions of the fields of a STRUCT that is written out."""
    text = Text(f"SELECT {x}")
    fields: dict[str, str] = {}
    for node, above in walk(parser.parse_statement(text.sql)):
        if node.kind != "ASTStructConstructorArg" or len(above) != FIELD_DEPTH:
            continue
        expression, alias = node.child("expression"), node.child("alias")
        if expression is None:
            continue
        named = alias if alias is not None else expression
        path = identifiers(named) if named.kind in ("ASTAlias", "ASTPathExpression") else []
        if not path or path[-1] in fields:
            raise BigQueryError(
                "invalidQuery",
                f"{function} needs a name of its own for each field of {x}; give it with AS.",
            )
        fields[path[-1]] = text.slice(expression.start, expression.end)
    if not fields:
        raise BigQueryError(
            "notImplemented",
            f"{function} on the local cloud takes a STRUCT that is written out, such as "
            f"STRUCT(a, b), and this is {x}.",
        )
    return fields


def number(value: Any) -> str:
    """A number as a FLOAT64 literal, in parentheses when it is negative."""
    text = repr(float(value))
    if not math.isfinite(float(value)):
        return f"CAST('{text}' AS FLOAT64)"
    return f"({text})" if text.startswith("-") else text


def constant(value: Any) -> str:
    """A value of the training rows as a GoogleSQL literal."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int):
        return f"({value})" if value < 0 else str(value)
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
        return f"'{escaped}'"
    return number(value)


def _bucket_names(points: Sequence[float], output_format: str) -> list[str]:
    if output_format == "bucket_names":
        return [f"bin_{index + 1}" for index in range(len(points) + 1)]
    bounds = ["-inf", *(f"{point:g}" for point in points), "+inf"]
    if output_format == "bucket_ranges":
        return [
            f"{'(' if index == 0 else '['}{low}, {high})"
            for index, (low, high) in enumerate(itertools.pairwise(bounds))
        ]
    raise BigQueryError(
        "notImplemented",
        f"output_format {output_format!r} is not implemented on the local cloud; "
        "bucket_names and bucket_ranges are.",
    )


def _integer(function: str, name: str, given: Sequence[Constant], *, at_least: int) -> int:
    value = given[0] if given else None
    if not isinstance(value, int) or isinstance(value, bool) or value < at_least:
        raise BigQueryError(
            "invalidQuery", f"{function}'s {name} is {value!r}; it is an integer from {at_least}."
        )
    return value
