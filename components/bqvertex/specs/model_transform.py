"""What BigQuery refuses in the TRANSFORM clause of a CREATE MODEL statement.

https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-create#select_list
"""

from collections.abc import Iterator, Sequence
from typing import Final

from googlesql.tree import Node, identifiers, walk

_STARS: Final = ("ASTStar", "ASTStarWithModifiers", "ASTDotStar", "ASTDotStarWithModifiers")
# Names before a dot that are no dataset, so that the function is none of the user's own.
_NAMESPACES: Final = frozenset(
    {"AEAD", "AI", "HLL_COUNT", "KEYS", "KLL_QUANTILES", "ML", "NET", "OBJ", "SAFE"}
)
_AGGREGATES: Final = frozenset(
    """
    ANY_VALUE APPROX_COUNT_DISTINCT APPROX_QUANTILES APPROX_TOP_COUNT APPROX_TOP_SUM ARRAY_AGG
    ARRAY_CONCAT_AGG AVG BIT_AND BIT_OR BIT_XOR CORR COUNT COUNTIF COVAR_POP COVAR_SAMP GROUPING
    LOGICAL_AND LOGICAL_OR MAX MAX_BY MIN MIN_BY ST_CENTROID_AGG ST_EXTENT ST_UNION_AGG STDDEV
    STDDEV_POP STDDEV_SAMP STRING_AGG SUM VAR_POP VAR_SAMP VARIANCE
    """.split()  # noqa: SIM905, a list would be a line a name
)
"""Aggregate functions of GoogleSQL,
https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/aggregate_functions"""


def transform_problems(statement: Node) -> Iterator[tuple[int, str]]:
    """Yield each item of TRANSFORM that BigQuery refuses.

    Args:
        statement: Syntax tree of a CREATE MODEL statement.

    Yields:
        Byte offset and what is wrong.
    """
    for column in _columns(statement):
        expression = column.child("expression")
        if expression is None:
            continue
        named = expression.kind in ("ASTPathExpression", "ASTDotIdentifier", *_STARS)
        if column.child("alias") is None and not named:
            yield column.start, "an item of TRANSFORM needs a name: write AS name after it"
        for node, above in walk(expression):
            if reason := _refused(node, above):
                yield node.start, f"{reason} cannot stand in TRANSFORM; compute it in the query"


def hands_on(statement: Node, column: str) -> bool | None:
    """Tell whether TRANSFORM hands a column on by its plain name.

    Args:
        statement: Syntax tree of a CREATE MODEL statement with TRANSFORM.
        column: The column's name, in any case.

    Returns:
        None where a star decides, which stands for all that the query has.
    """
    name = column.lower()
    found: bool | None = False
    for item in _columns(statement):
        expression = item.child("expression")
        if expression is None:
            continue
        if expression.kind == "ASTPathExpression" and item.child("alias") is None:
            if [part.lower() for part in identifiers(expression)] == [name]:
                return True
        elif expression.kind in _STARS and name not in _taken(expression):
            found = None
    return found


def _columns(statement: Node) -> Sequence[Node]:
    clause = statement.child("transform_clause")
    listed = clause and clause.child("select_list")
    return listed.children("columns") if listed else ()


def _refused(node: Node, above: Sequence[Node]) -> str:
    if node.kind == "ASTQuery":
        return "a subquery"
    if node.kind != "ASTFunctionCall":
        return ""
    path = [part.upper() for part in identifiers(node.child("function"))]
    analytic = bool(above) and above[-1].kind == "ASTAnalyticFunctionCall"
    if analytic and path[:1] != ["ML"]:
        return f"{'.'.join(path)} OVER (…), which is no function of ML,"
    if path and path[-1] in _AGGREGATES and len(path) == 1 and not analytic:
        return f"the aggregate {path[0]}"
    if len(path) > 1 and path[0] not in _NAMESPACES:
        return f"the user-defined function {'.'.join(identifiers(node.child('function')))}"
    return ""


def _taken(star: Node) -> set[str]:
    """Return the names that EXCEPT drops and REPLACE computes, in lower case."""
    names: list[str] = []
    for node, _ in walk(star):
        if node.kind == "ASTStarExceptList":
            names += [excepted.text("id_string") for excepted in node.children("identifiers")]
        elif node.kind == "ASTStarReplaceItem":
            names += identifiers(node.child("alias"))
    return {name.lower() for name in names}
