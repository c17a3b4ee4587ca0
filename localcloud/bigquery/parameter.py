"""Positional parameters by name, so that the parts of a query may be bound in any order."""

from local_bigquery.sql.script import Interpreter

from googlesql import parser
from googlesql.edit import Edit, EditedText
from googlesql.position import Text
from googlesql.tree import walk


def named(interpreter: Interpreter, sql: str) -> EditedText:
    """A statement with `@p0` for the first `?` of its script; the places are used up.

    Args:
        interpreter: The statement's context, which counts the places.
        sql: A statement that ZetaSQL can parse.
    """
    if "?" not in sql:
        return EditedText(Text(sql), ())
    places = sorted(
        (node.start, node.end)
        for node, _ in walk(parser.parse_statement(sql))
        if node.kind == "ASTParameterExpr" and node.child("name") is None
    )
    context = interpreter.context
    edits = [
        Edit(start, end, f"@p{context.position + number}")
        for number, (start, end) in enumerate(places)
    ]
    context.position += len(places)
    return EditedText(Text(sql), edits)
