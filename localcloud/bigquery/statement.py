"""One SQL statement: BigQuery ML is taken out, the rest goes to local-bigquery."""

import re

from local_bigquery.errors import BigQueryError
from local_bigquery.sql import script
from local_bigquery.sql.script import Interpreter, Statement

from googlesql import parser
from googlesql.errors import SqlError
from googlesql.position import Text
from googlesql.tree import Node
from localcloud.bigquery import analysis, create_model, model_statement, table_function

_CONCERNS_MODELS = re.compile(r"\bMODEL\b|\b(ML|AI)\s*\.|\bVECTOR_SEARCH\b", re.IGNORECASE)
"""A statement without these words is no concern of BigQuery ML and need not be parsed for it."""

_run = script.Interpreter.sql


def install() -> None:
    """Put the replacement into local-bigquery; repeating it changes nothing."""
    script.Interpreter.sql = run


def run(interpreter: Interpreter, statement: Statement) -> None:
    """Run one statement of a script, or of a query that is one statement.

    Raises:
        BigQueryError: As BigQuery answers.
    """
    if statement.kind != "SQL":
        _run(interpreter, statement)
        return
    if not _CONCERNS_MODELS.search(statement.text):
        _run(interpreter, _analysed(interpreter, statement, statement.text))
        return
    text = Text(statement.text)
    tree = _parsed(statement.text)
    if tree.kind == "ASTCreateModelStatement":
        parts = parser.create_model(statement.text)
        assert parts is not None, "the statement is a CREATE MODEL"
        interpreter.report(create_model.run(interpreter, parts))
    elif tree.kind == "ASTAlterModelStatement":
        interpreter.report(model_statement.alter(interpreter, tree, text))
    elif tree.kind == "ASTDropStatement" and tree.text("schema_object_kind") == "kModel":
        interpreter.report(model_statement.drop(interpreter, tree))
    elif tree.kind == "ASTExportModelStatement":
        raise BigQueryError("notImplemented", "EXPORT MODEL is not implemented on the local cloud.")
    else:
        _with_functions(interpreter, statement, tree)


def _with_functions(interpreter: Interpreter, statement: Statement, tree: Node) -> None:
    if tree.kind == "ASTCreateViewStatement" and parser.table_functions(statement.text):
        raise BigQueryError(
            "notImplemented",
            "A view over ML or AI functions is not implemented on the local cloud; use CREATE "
            "TABLE AS.",
        )
    with table_function.spliced(interpreter, statement.text) as sql:
        _run(interpreter, _analysed(interpreter, statement, sql))


def _analysed(interpreter: Interpreter, statement: Statement, sql: str) -> Statement:
    ready = analysis.prepared(interpreter, sql)
    return Statement(statement.kind, ready, label=statement.label)


def _parsed(sql: str) -> Node:
    try:
        return parser.parse_statement(sql)
    except SqlError as error:
        raise BigQueryError("invalidQuery", error.message) from error
