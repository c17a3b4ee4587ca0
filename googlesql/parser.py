"""Reading statements with ZetaSQL's parser: syntax only, no name is looked up."""

import functools
from typing import Any

from googlesql import module
from googlesql.create_model import CreateModel, read_create_model
from googlesql.errors import SqlError
from googlesql.language import ONE_LINE_MESSAGES, language_options
from googlesql.position import Text
from googlesql.table_function import TableFunction, read_table_functions
from googlesql.tree import Node, byte_range, dotted_path, from_message, identifiers, walk

__all__ = [
    "CreateModel",
    "Node",
    "TableFunction",
    "byte_range",
    "create_model",
    "dotted_path",
    "identifiers",
    "parse_script",
    "parse_statement",
    "statements",
    "table_functions",
    "walk",
]


REMEMBERED = 64
"""One query is read by several readers in turn: where it runs, what it reads, what it calls."""


@functools.lru_cache(maxsize=REMEMBERED)
def parse_statement(sql: str) -> Node:
    """Read one statement; a semicolon may end it.

    Raises:
        SqlError: The text is not one GoogleSQL statement.
    """
    response = _parse(sql, allow_script=False)
    return from_message(response.parsed_statement)


@functools.lru_cache(maxsize=REMEMBERED)
def parse_script(sql: str) -> Node:
    """Read a script: statements parted by semicolons, with variables, loops and the like.

    Raises:
        SqlError: The text is not a GoogleSQL script.
    """
    response = _parse(sql, allow_script=True)
    return from_message(response.parsed_script)


def statements(sql: str) -> list[Node]:
    """Return the statements at the top of a script, in order.

    Raises:
        SqlError: The text is not a GoogleSQL script.
    """
    listed = parse_script(sql).child("statement_list_node")
    return [] if listed is None else list(listed.children("statement_list"))


def create_model(sql: str) -> CreateModel | None:
    """Read a CREATE MODEL statement; None when the statement is another one.

    Raises:
        SqlError: The text is not one GoogleSQL statement.
    """
    statement = parse_statement(sql)
    if statement.kind != "ASTCreateModelStatement":
        return None
    return read_create_model(statement, Text(sql))


def table_functions(sql: str) -> list[TableFunction]:
    """Find the calls of BigQuery ML's table functions (`ML.…`, `AI.…`, `VECTOR_SEARCH`).

    The innermost come first: once a call's text is replaced from the list's first item on, the
    calls around it can be found again in the new text.

    Raises:
        SqlError: The text is not one GoogleSQL statement.
    """
    return read_table_functions(parse_statement(sql), Text(sql))


def _parse(sql: str, *, allow_script: bool) -> Any:
    from zetasql.wasi._pb2.zetasql.local_service.local_service_pb2 import (
        ParseRequest,
        ParseResponse,
    )

    if not sql.strip():
        raise SqlError("Syntax error: the text is empty; a GoogleSQL statement is expected", 1, 1)
    request = ParseRequest(sql_statement=sql, options=language_options(), allow_script=allow_script)
    try:
        return module.call("Parse", request, ParseResponse)
    except module.StatusError as error:
        raise _located(sql, error) from None


def _located(sql: str, refusal: module.StatusError) -> SqlError:
    """Find the place of a syntax error: for a single statement only the analyser tells it."""
    from zetasql.wasi._pb2.zetasql.local_service.local_service_pb2 import (
        AnalyzeRequest,
        AnalyzeResponse,
    )
    from zetasql.wasi._pb2.zetasql.proto.options_pb2 import AnalyzerOptionsProto

    error = SqlError.from_zetasql(refusal.message)
    if error.line is not None:
        return error
    options = AnalyzerOptionsProto(
        language_options=language_options(), error_message_mode=ONE_LINE_MESSAGES
    )
    try:
        module.call("Analyze", AnalyzeRequest(sql_statement=sql, options=options), AnalyzeResponse)
    except module.StatusError as again:
        located = SqlError.from_zetasql(again.message)
        return located if located.reason == error.reason else error
    return error
