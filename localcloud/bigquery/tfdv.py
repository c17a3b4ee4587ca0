"""ML.TFDV_VALIDATE in an expression: compared once, and put into the text as JSON."""

import json

from local_bigquery.errors import BigQueryError
from local_bigquery.sql.script import Interpreter

from googlesql import parser
from googlesql.position import Text
from googlesql.table_function import common_tables
from googlesql.tree import Node, byte_range, identifiers, walk
from localcloud.bigquery import query

NAME = "ML.TFDV_VALIDATE"


def validated(interpreter: Interpreter, sql: str) -> str:
    """The text with each call replaced by what it says.

    Args:
        interpreter: The statement.
        sql: Its text, whose table functions are tables by now.

    Raises:
        BigQueryError: An argument is wrong, or depends on the row it stands in.
    """
    # Most statements have none, and parsing takes a while.
    while NAME in sql.upper():
        text = Text(sql)
        calls = [
            (node, above)
            for node, above in walk(parser.parse_statement(sql))
            if node.kind == "ASTFunctionCall" and _name(node) == NAME
        ]
        if not calls:
            return sql
        node, above = calls[0]
        said = _said(interpreter, node, above, text)
        literal = f"JSON {json.dumps(said)}"
        sql = text.slice(0, node.start) + literal + text.slice(node.end, len(text.data))
    return sql


def _said(interpreter: Interpreter, node: Node, above: tuple[Node, ...], text: Text) -> str:
    from localcloud.bqml import BqmlError
    from localcloud.bqml.functions import tfdv

    arguments = [text.slice(part.start, part.end) for part in node.children("arguments")]
    entries, recursive = common_tables(node, above)
    with_clause = ", ".join(text.slice(*byte_range(entry)) for entry in entries)
    if with_clause:
        with_clause = f"WITH {'RECURSIVE ' if recursive else ''}{with_clause} "
    columns = ", ".join(f"{argument} AS a{place}" for place, argument in enumerate(arguments))
    try:
        [row] = query.rows(interpreter, f"{with_clause}SELECT {columns}").to_pylist()
    except BigQueryError as error:
        raise BigQueryError(
            error.reason, f"{NAME}, whose arguments cannot depend on a row here: {error}"
        ) from error
    try:
        return tfdv.validate([row[f"a{place}"] for place in range(len(arguments))])
    except BqmlError as error:
        raise BigQueryError("invalidQuery", str(error)) from error


def _name(call: Node) -> str:
    return ".".join(identifiers(call.child("function"))).upper()
