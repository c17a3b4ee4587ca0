"""Functions on texts that are taken apart into terms.

https://cloud.google.com/bigquery/docs/manual-preprocessing#text_functions
"""

import math
from collections.abc import Sequence

from local_bigquery.errors import BigQueryError

from googlesql.constant import Constant
from localcloud.bigquery.preprocessing.argument import constant, integer, number
from localcloud.bigquery.preprocessing.categorical import (
    FREQUENCY_THRESHOLD,
    TOP_K,
    index_of,
    most_frequent,
)
from localcloud.bigquery.preprocessing.fit import Fit

MOST_TERMS = 1_048_576
MOST_JOINED = 100
"""The longest n-gram that is written out here."""


def ngrams(x: str, arguments: Sequence[Constant]) -> str:
    """The terms of each run of `range` neighbours, joined; those that begin first come first.

    A run with a NULL in it is left out, of which Google's page says nothing.

    https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-ngrams
    """
    least, most = _sizes(arguments[0] if arguments else None)
    separator = arguments[1] if len(arguments) > 1 else " "
    if not isinstance(separator, str):
        raise BigQueryError(
            "invalidQuery", f"ML.NGRAMS's separator is {separator!r}; it is a STRING."
        )
    between = f", {constant(separator)}, "
    runs = " ".join(
        f"WHEN {size} THEN CONCAT("
        f"{between.join(f'({x})[SAFE_OFFSET(_place + {step})]' for step in range(size))})"
        for size in range(least, most + 1)
    )
    return (
        "ARRAY(SELECT _run FROM (SELECT _place, _size, "
        f"CASE _size {runs} END AS _run FROM UNNEST({x}) AS _term WITH OFFSET AS _place "
        f"CROSS JOIN UNNEST(GENERATE_ARRAY({least}, {most})) AS _size) "
        "WHERE _run IS NOT NULL ORDER BY _place, _size)"
    )


def bag_of_words(fit: Fit, x: str, arguments: Sequence[Constant]) -> str:
    """How often each term of the dictionary is in the document, and all others together as 0."""
    dictionary = _dictionary("ML.BAG_OF_WORDS", fit, arguments)
    return _elements(x, dictionary, "CAST(COUNT(*) AS FLOAT64)")


def tf_idf(fit: Fit, x: str, arguments: Sequence[Constant]) -> str:
    """A term's share of the document, times `ln(1 + documents / (1 + documents with it))`.

    The factor of unknown terms is the mean of those of the dictionary: so it is in the example on
    https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-tf-idf
    """
    dictionary = _dictionary("ML.TF_IDF", fit, arguments)
    (documents,) = fit.one("count(*)")
    factors = [math.log(1 + documents / (1 + frequency)) for frequency in dictionary.values()]
    unknown = math.fsum(factors) / len(factors) if factors else 0
    cases = " ".join(
        f"WHEN {place} THEN {number(factor)}" for place, factor in enumerate([unknown, *factors])
    )
    return _elements(x, dictionary, f"COUNT(*) / ARRAY_LENGTH({x}) * (CASE `index` {cases} END)")


def _dictionary(function: str, fit: Fit, arguments: Sequence[Constant]) -> dict[str, int]:
    """The terms that most documents have, with the number of those documents."""
    top_k = integer(function, "top_k", arguments[:1] or [TOP_K], at_least=1, at_most=MOST_TERMS)
    threshold = integer(
        function, "frequency_threshold", arguments[1:2] or [FREQUENCY_THRESHOLD], at_least=0
    )
    source = "(SELECT unnest(list_distinct(x)) AS x FROM {table})"
    return most_frequent(fit, source, top_k, threshold)


def _elements(x: str, dictionary: dict[str, int], value: str) -> str:
    return (
        f"ARRAY(SELECT AS STRUCT `index`, {value} AS `value` FROM (SELECT "
        f"{index_of('_term', dictionary)} AS `index` FROM UNNEST({x}) AS _term) "
        "GROUP BY `index` ORDER BY `index`)"
    )


def _sizes(given: Constant) -> tuple[int, int]:
    pair = given if isinstance(given, list) else [given, given]
    is_whole = all(isinstance(size, int) and not isinstance(size, bool) for size in pair)
    if len(pair) != 2 or not is_whole or not 1 <= int(str(pair[0])) <= int(str(pair[1])):
        raise BigQueryError(
            "invalidQuery",
            f"ML.NGRAMS's range is {given!r}; it is an integer from 1, or an array of two that do "
            "not fall.",
        )
    least, most = int(str(pair[0])), int(str(pair[1]))
    if most > MOST_JOINED:
        raise BigQueryError(
            "notImplemented",
            f"ML.NGRAMS on the local cloud joins at most {MOST_JOINED} terms, not {most}.",
        )
    return least, most
