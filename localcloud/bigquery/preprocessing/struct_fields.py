"""The fields of a STRUCT that a function is given."""

from local_bigquery.errors import BigQueryError

from googlesql import parser
from googlesql.position import Text
from googlesql.tree import identifiers, walk

FIELD_DEPTH = 6
"""How deep the fields of a STRUCT are that is all of a query's SELECT list."""


def struct_fields(function: str, x: str) -> dict[str, str]:
    """Names and expressions of the fields of a STRUCT that is written out.

    Raises:
        BigQueryError: A field has no name or that of another; it is not written out.
    """
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
