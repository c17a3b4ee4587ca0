"""Functions on categories.

https://cloud.google.com/bigquery/docs/manual-preprocessing#categorical_functions
"""

import itertools
from collections.abc import Mapping, Sequence

from local_bigquery.errors import BigQueryError

from googlesql.constant import Constant
from localcloud.bigquery.preprocessing.argument import constant, integer, one_of
from localcloud.bigquery.preprocessing.fit import Fit
from localcloud.bigquery.preprocessing.struct_fields import struct_fields

TOP_K, MOST_TOP_K = 32_000, 1_000_000
FREQUENCY_THRESHOLD = 5
MOST_CROSSED, MOST_DEGREE = 10, 4


def label_encoder(fit: Fit, x: str, arguments: Sequence[Constant]) -> str:
    """1, 2, ... for the categories in alphabetical order; 0 for NULL and for any other."""
    return index_of(x, _vocabulary("ML.LABEL_ENCODER", fit, "{table}", arguments))


def one_hot_encoder(fit: Fit, x: str, arguments: Sequence[Constant]) -> str:
    """One element, of the category's index and 1.0; with `most_frequent`, 0.0 for that one."""
    name = "ML.ONE_HOT_ENCODER"
    drop = one_of(name, "drop", arguments[0] if arguments else "none", ("none", "most_frequent"))
    vocabulary = _vocabulary(name, fit, "{table}", arguments[1:])
    value = "1.0"
    if drop == "most_frequent" and vocabulary:
        (most,) = fit.one("mode(x ORDER BY x)")
        value = f"(CASE {x} WHEN {constant(most)} THEN 0.0 ELSE 1.0 END)"
    return f"[STRUCT({index_of(x, vocabulary)} AS `index`, {value} AS `value`)]"


def multi_hot_encoder(fit: Fit, x: str, arguments: Sequence[Constant]) -> str:
    """An element for each index that the array has, in the order of first appearance.

    A category's frequency is the number of arrays that have it, as in the example on Google's page.
    """
    source = "(SELECT unnest(list_distinct(x)) AS x FROM {table})"
    vocabulary = _vocabulary("ML.MULTI_HOT_ENCODER", fit, source, arguments)
    return (
        "ARRAY(SELECT AS STRUCT `index`, 1.0 AS `value` FROM (SELECT "
        f"{index_of('_term', vocabulary)} AS `index`, MIN(_place) AS _place "
        f"FROM UNNEST({x}) AS _term WITH OFFSET AS _place GROUP BY `index`) ORDER BY _place)"
    )


def hash_bucketize(x: str, arguments: Sequence[Constant]) -> str:
    """The fingerprint of a text, as an unsigned number, modulo the number of buckets.

    0 buckets leave it whole. That it is unsigned is what makes the example on Google's page true:
    https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-hash-bucketize
    """
    count = integer("ML.HASH_BUCKETIZE", "hash_bucket_size", arguments[:1], at_least=0)
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
    degree = integer(name, "degree", arguments[:1] or [2], at_least=2)
    fields = struct_fields(name, x)
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


def index_of(x: str, vocabulary: Mapping[str, int]) -> str:
    """SQL for the place of a category in a vocabulary, from 1; 0 for NULL and for any other."""
    if not vocabulary:
        return "0"
    cases = " ".join(
        f"WHEN {constant(term)} THEN {place}" for place, term in enumerate(vocabulary, 1)
    )
    return f"(CASE {x} {cases} ELSE 0 END)"


def most_frequent(fit: Fit, source: str, top_k: int, threshold: int) -> dict[str, int]:
    """The most frequent terms with their frequencies, in alphabetical order.

    Args:
        fit: The rows.
        source: What to read in DuckDB's SQL, a column `x`; `{table}` stands for the rows.
        top_k: At most so many; of terms that are equally frequent the first by the alphabet.
        threshold: The least frequency.
    """
    return dict(
        fit.all(
            f"SELECT x, n FROM (SELECT x, count(*) AS n FROM {source} WHERE x IS NOT NULL "
            f"GROUP BY x HAVING n >= {threshold} ORDER BY n DESC, x LIMIT {top_k}) ORDER BY x"
        )
    )


def _vocabulary(
    function: str, fit: Fit, source: str, arguments: Sequence[Constant]
) -> dict[str, int]:
    top_k = integer(function, "top_k", arguments[:1] or [TOP_K], at_least=1, at_most=MOST_TOP_K)
    threshold = integer(
        function, "frequency_threshold", arguments[1:2] or [FREQUENCY_THRESHOLD], at_least=0
    )
    return most_frequent(fit, source, top_k, threshold)
