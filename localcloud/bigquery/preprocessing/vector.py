"""Functions on vectors.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-distance and the
pages of ML.LP_NORM and ML.NORMALIZER beside it.
"""

import math
from collections.abc import Sequence

from googlesql.constant import Constant
from localcloud.bigquery.preprocessing.argument import degree, number, one_of

DISTANCES = ("EUCLIDEAN", "MANHATTAN", "COSINE")


def lp_norm(x: str, arguments: Sequence[Constant]) -> str:
    """The norm of a vector; NULL of NULL."""
    given = arguments[0] if arguments else None
    return f"IF(({x}) IS NULL, NULL, {_norm(x, degree('ML.LP_NORM', 'degree', given))})"


def normalizer(x: str, arguments: Sequence[Constant]) -> str:
    """Each element divided by the norm of all; a vector of zeros stays one."""
    p = degree("ML.NORMALIZER", "p", arguments[0] if arguments else 2)
    return (
        f"ARRAY(SELECT COALESCE(SAFE_DIVIDE(_element, {_norm(x, p)}), 0.0) "
        f"FROM UNNEST({x}) AS _element WITH OFFSET AS _place ORDER BY _place)"
    )


def distance(x: str, y: str, arguments: Sequence[Constant], sparse: tuple[str, str] | None) -> str:
    """The distance of two vectors; NULL when one of them is.

    Args:
        x: The first vector.
        y: The second.
        arguments: The kind of distance, which may be left out.
        sparse: The names of the fields of an element, its identifier and its number; None for
            vectors of plain numbers.
    """
    kind = one_of("ML.DISTANCE", "type", arguments[0] if arguments else DISTANCES[0], DISTANCES)
    if sparse is None:
        a, b = "CAST(_a AS FLOAT64)", f"CAST(({y})[OFFSET(_place)] AS FLOAT64)"
        source = f"UNNEST({x}) AS _a WITH OFFSET AS _place"
        fault = f"ARRAY_LENGTH({x}) != ARRAY_LENGTH({y})"
        says = "ML.DISTANCE needs two vectors of the same length."
    else:
        name, value = sparse
        a, b = (f"COALESCE(CAST(_{side}.`{value}` AS FLOAT64), 0.0)" for side in "ab")
        source = f"UNNEST({x}) AS _a FULL JOIN UNNEST({y}) AS _b ON _a.`{name}` = _b.`{name}`"
        fault = " OR ".join(
            f"(SELECT COUNT(*) != COUNT(DISTINCT _e.`{name}`) FROM UNNEST({v}) AS _e)"
            for v in (x, y)
        )
        says = "ML.DISTANCE needs vectors whose identifiers differ from each other."
    of_pairs = {
        "EUCLIDEAN": f"SQRT(SUM(POW({a} - {b}, 2)))",
        "MANHATTAN": f"SUM(ABS({a} - {b}))",
        "COSINE": f"1 - SUM({a} * {b}) / (SQRT(SUM({a} * {a})) * SQRT(SUM({b} * {b})))",
    }[kind]
    return (
        f"(CASE WHEN ({x}) IS NULL OR ({y}) IS NULL THEN NULL WHEN {fault} THEN ERROR('{says}') "
        f"ELSE COALESCE((SELECT {of_pairs} FROM {source}), 0.0) END)"
    )


def _norm(x: str, p: float) -> str:
    absolute = "ABS(CAST(_e AS FLOAT64))"
    if p == 0:
        norm = "CAST(COUNTIF(_e != 0) AS FLOAT64)"
    elif math.isinf(p):
        norm = f"MAX({absolute})"
    elif p == 1:
        norm = f"SUM({absolute})"
    elif p == 2:
        norm = "SQRT(SUM(POW(CAST(_e AS FLOAT64), 2)))"
    else:
        norm = f"POW(SUM(POW({absolute}, {number(p)})), {number(1 / p)})"
    return f"COALESCE((SELECT {norm} FROM UNNEST({x}) AS _e), 0.0)"
