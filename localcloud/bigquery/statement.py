"""One SQL statement: BigQuery ML is taken out, the rest goes to local-bigquery."""

import re
from collections.abc import Callable

from local_bigquery.errors import BigQueryError
from local_bigquery.sql import script
from local_bigquery.sql.script import Interpreter, Statement

from googlesql import parser
from googlesql.errors import SqlError
from googlesql.position import Text
from googlesql.tree import Node
from localcloud.bigquery import (
    analysis,
    anonymous,
    bytes_processed,
    connection_statement,
    create_model,
    database,
    file_statement,
    job,
    model_export,
    model_statement,
    model_view,
    parameter,
    privilege_statement,
    project_options,
    table_function,
    table_statement,
    view_statement,
)
from localcloud.bigquery.index import statement as index_statement

_CONCERNS_THE_CATALOG = re.compile(
    r"\s*(CREATE|ALTER|DROP)\s+(OR\s+REPLACE\s+)?((SEARCH|VECTOR)\s+INDEX|CONNECTION)\b"
    r"|\s*(GRANT|REVOKE)\b"
    r"|\s*ALTER\s+(PROJECT|ORGANIZATION|BI_CAPACITY)\b"
    r"|\s*ALTER\s+TABLE\b.*?\bRENAME\s+TO\b",
    re.IGNORECASE | re.DOTALL,
)
"""Statements that local-bigquery has not, or not as BigQuery has them."""
_CONCERNS_FILES = re.compile(r"\s*(EXPORT|LOAD)\s+DATA\b", re.IGNORECASE)
_NOT_HERE = re.compile(
    r"\s*(?P<words>(?:CREATE|ALTER|DROP)(?:\s+OR\s+REPLACE)?\s+(?:CAPACITY|RESERVATION|ASSIGNMENT"
    r"|DATA_POLICY|PROPERTY\s+GRAPH|EXTERNAL\s+SCHEMA)|UNDROP\s+(?:SCHEMA|TABLE))\b",
    re.IGNORECASE,
)
"""Statements of which there is nothing here; else they read as faults of the text."""
_BARE_PROJECT = re.compile(r"(?i)(\s*ALTER\s+PROJECT\s+)([a-z][a-z0-9-]*)(\s+SET\b)")
"""BigQuery takes a project id with dashes here, ZetaSQL only in backticks."""

_OWN_GRAMMAR = re.compile(
    r"\s*(CREATE|ALTER|DROP|UNDROP|EXPORT|LOAD|GRANT|REVOKE|BEGIN|COMMIT|ROLLBACK|CALL|TRUNCATE)\b",
    re.IGNORECASE,
)
"""Statements of which BigQuery knows more than ZetaSQL: local-bigquery reads those it cannot."""
REFUSED = {
    "ASTCreateExternalTableStatement": "CREATE EXTERNAL TABLE",
}
"""Statements that read or write Cloud Storage, by the kind of their syntax tree.

local-bigquery would take their URIs for local files; a path of this machine is none of theirs.
"""
_FUNCTION_NOT_FOUND = re.compile(
    r'Function not found: (\w+)|Function with name "(\w+)" is not in the catalog, but it exists'
)

_ASSIGNMENT = re.compile(r"(?is)(\s*SET\b[^=]*=)(.*)")
_DECLARATION = re.compile(r"(?is)(\s*DECLARE\b.*?\bDEFAULT\b)(.*)")
_SELECT = "SELECT "
_run = script.Interpreter.sql
_set = script.Interpreter.set
_declare = script.Interpreter.declare
_call = script.Interpreter.call


def install() -> None:
    """Put the replacement into local-bigquery; repeating it changes nothing."""
    script.Interpreter.sql = run
    script.Interpreter.set = assign
    script.Interpreter.declare = declare
    script.Interpreter.call = call


def run(interpreter: Interpreter, statement: Statement) -> None:
    """Run one statement of a script, or of a query that is one statement.

    Raises:
        BigQueryError: As BigQuery answers.
    """
    try:
        _dispatch(interpreter, statement)
    except BigQueryError as error:
        raise _explained(error) from error


def assign(interpreter: Interpreter, statement: Statement) -> None:
    """Run a SET statement of a script."""
    _with_value(interpreter, statement, _ASSIGNMENT, _set)


def declare(interpreter: Interpreter, statement: Statement) -> None:
    """Run a DECLARE statement of a script."""
    _with_value(interpreter, statement, _DECLARATION, _declare)


def _with_value(
    interpreter: Interpreter,
    statement: Statement,
    pattern: re.Pattern[str],
    run_statement: Callable[[Interpreter, Statement], None],
) -> None:
    """Run a statement that gives a variable a value, which may call functions of BigQuery ML."""
    found = pattern.fullmatch(statement.text)
    if found is None or not model_view.concerns(found[2]):
        run_statement(interpreter, statement)
        return
    # ZetaSQL reads what is in a script only as part of a whole one.
    with table_function.spliced(interpreter, _SELECT + found[2]) as sql:
        text = found[1] + " " + sql.removeprefix(_SELECT)
        run_statement(interpreter, _with_text(statement, text))


def call(interpreter: Interpreter, statement: Statement) -> None:
    """Call a procedure; of the system's, also the one that ends a session by its id.

    Raises:
        BigQueryError: As BigQuery answers.
    """
    if statement.text.upper() != "BQ.ABORT_SESSION":
        _call(interpreter, statement)
        return
    for session_id, _ in statement.items:
        anonymous.abort(str(interpreter.evaluate(session_id)))


def _dispatch(interpreter: Interpreter, statement: Statement) -> None:
    if statement.kind != "SQL":
        _run(interpreter, statement)
        return
    if meter := bytes_processed.meter.get():
        context = interpreter.context
        meter.add(
            statement.text,
            context.project_id,
            context.dataset_id,
            lambda: _read_columns(interpreter, statement.text),
            context,
        )
    if not_here := _NOT_HERE.match(statement.text):
        raise _refused(" ".join(not_here["words"].upper().split()))
    if _CONCERNS_THE_CATALOG.match(statement.text) and _in_catalog(interpreter, statement.text):
        return
    if _CONCERNS_FILES.match(statement.text):
        _with_files(interpreter, statement.text)
        return
    if not model_view.concerns(statement.text):
        _run_query(interpreter, statement, _analysed(interpreter, statement))
        return
    text = Text(statement.text)
    tree = _parsed(statement.text)
    if tree.kind == "ASTCreateModelStatement":
        parts = parser.create_model(statement.text)
        assert parts is not None, "the statement is a CREATE MODEL"
        analysis.check(interpreter, statement.text, table_function.columns(interpreter))
        interpreter.report(create_model.run(interpreter, parts))
    elif tree.kind == "ASTAlterModelStatement":
        interpreter.report(model_statement.alter(interpreter, tree, text))
    elif tree.kind == "ASTDropStatement" and tree.text("schema_object_kind") == "kModel":
        interpreter.report(model_statement.drop(interpreter, tree))
    elif tree.kind == "ASTExportModelStatement":
        interpreter.report(model_export.export(interpreter, tree, text))
    elif tree.kind in REFUSED:
        raise _refused(REFUSED[tree.kind])
    elif tree.kind == "ASTCreateViewStatement":
        analysis.check(interpreter, statement.text, table_function.columns(interpreter))
        view_statement.create(
            interpreter,
            tree,
            text,
            lambda sql: _run_query(interpreter, _with_text(statement, sql), tree.kind),
        )
    elif tree.kind == "ASTCreateMaterializedViewStatement":
        raise _refused("A materialized view over functions of BigQuery ML")
    else:
        written = parameter.named(interpreter, statement.text)
        if tree.kind in analysis.ANALYSED:
            columns = table_function.columns(interpreter)
            analysis.check(interpreter, statement.text, columns, written)
        with table_function.spliced(interpreter, written.sql) as sql:
            _run_query(interpreter, _with_text(statement, sql), tree.kind)


def _read_columns(interpreter: Interpreter, sql: str) -> bytes_processed.Columns | None:
    concerns_models = model_view.CONCERNS_MODELS.search(sql)
    columns = table_function.columns(interpreter) if concerns_models else None
    return analysis.read_columns(interpreter, sql, columns)


def _in_catalog(interpreter: Interpreter, sql: str) -> bool:
    """Run a statement about the catalog that is not local-bigquery's; False for another one."""
    sql = _BARE_PROJECT.sub(r"\1`\2`\3", sql)
    text, tree = Text(sql), _parsed(sql)
    if tree.kind in index_statement.STATEMENTS:
        interpreter.report(index_statement.run(interpreter, tree, text))
        return True
    if tree.kind in privilege_statement.STATEMENTS:
        interpreter.report(privilege_statement.run(interpreter, tree))
        return True
    if tree.kind == "ASTCreateConnectionStatement":
        interpreter.report(connection_statement.create(interpreter, tree, text))
        return True
    if tree.kind == "ASTDropStatement" and tree.text("schema_object_kind") == "kConnection":
        interpreter.report(connection_statement.drop(interpreter, tree))
        return True
    if tree.kind == "ASTAlterTableStatement" and (new_id := table_statement.new_name(tree)):
        interpreter.report(table_statement.rename(interpreter, tree, new_id))
        return True
    kind = tree.child("type")
    if tree.kind != "ASTAlterEntityStatement" or kind is None:
        return False
    entity = kind.text("id_string").upper()
    if entity != "PROJECT":
        raise _refused(f"ALTER {entity}")
    interpreter.report(project_options.alter(interpreter, tree, text))
    return True


def _with_files(interpreter: Interpreter, sql: str) -> None:
    text, tree = Text(sql), _parsed(sql)
    if tree.kind == "ASTExportDataStatement":
        interpreter.report(file_statement.export(interpreter, tree, text))
    else:
        interpreter.report(file_statement.load_data(interpreter, tree, text))


def _analysed(interpreter: Interpreter, statement: Statement) -> str:
    """The kind of a statement that is in order; empty for one that ZetaSQL does not know."""
    try:
        tree = parser.parse_statement(statement.text)
    except SqlError as error:
        if _OWN_GRAMMAR.match(statement.text):
            return ""
        raise analysis.refusal(error, statement.text) from error
    if tree.kind in REFUSED:
        raise _refused(REFUSED[tree.kind])
    if tree.kind == "ASTCreateFunctionStatement":
        _check_language(tree)
    if tree.kind in analysis.ANALYSED:
        analysis.check(interpreter, statement.text)
    return tree.kind


def _run_query(interpreter: Interpreter, statement: Statement, kind: str) -> None:
    """Run a statement as written and, where DuckDB cannot bind its query, as ZetaSQL writes it.

    What DuckDB cannot bind has changed nothing. To find that out beforehand would be to translate
    and bind every query twice, a third of the time of a short one.
    """
    context = interpreter.context
    position = context.position
    job.cancellation()()
    try:
        _run(interpreter, statement)
    except BigQueryError:
        # Translating counts positional parameters.
        context.position = position
        bound = _bound(interpreter, kind, statement.text)
        if bound == statement.text:
            raise
        _run(interpreter, _with_text(statement, bound))


def _check_language(function: Node) -> None:
    # local-bigquery would keep such a function, and fail when it is called.
    if function.flag("is_remote"):
        raise _refused("A remote function")
    named = function.child("language")
    language = named.text("id_string") if named else "SQL"
    if language.upper() not in ("SQL", "JS"):
        raise _refused(f"A function in {language}")


def _bound(interpreter: Interpreter, kind: str, sql: str) -> str:
    if kind == "ASTQueryStatement":
        return analysis.prepared(interpreter, sql)
    if kind != "ASTCreateTableStatement":
        return sql
    text = Text(sql)
    query = _parsed(sql).child("query")
    if query is None:
        return sql
    ready = analysis.prepared(interpreter, text.slice(query.start, query.end))
    return text.slice(0, query.start) + ready + text.slice(query.end, len(text.data))


def _with_text(statement: Statement, text: str) -> Statement:
    return Statement(statement.kind, text, label=statement.label)


def _parsed(sql: str) -> Node:
    try:
        return parser.parse_statement(sql)
    except SqlError as error:
        raise analysis.refusal(error, sql) from error


def _refused(what: str) -> BigQueryError:
    return BigQueryError("notImplemented", f"{what} is not implemented on the local cloud.")


def _explained(error: BigQueryError) -> BigQueryError:
    """What this engine cannot do, said as such instead of as a fault of the query."""
    found = _FUNCTION_NOT_FOUND.search(error.message)
    name = (found[1] or found[2]).upper() if found else ""
    if found and (found[2] or name in database.UNAVAILABLE):
        return BigQueryError(
            "notImplemented", f"Function {name} is not implemented on the local cloud."
        )
    return error
