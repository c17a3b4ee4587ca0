"""ZetaSQL's analysis of a statement: BigQuery's own errors with their places, before it runs.

local-bigquery runs the statement as written. Only where DuckDB cannot bind what was written, such
as bare field names over UNNEST of structs, the text as ZetaSQL writes it is run instead.
"""

import re
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import replace
from typing import Any

import duckdb
import pyarrow as pa
import sqlglot
from local_bigquery.catalog import tables
from local_bigquery.engine import types
from local_bigquery.errors import BigQueryError
from local_bigquery.models import QueryParameter, QueryParameterType
from local_bigquery.sql.script import Interpreter
from local_bigquery.sql.translate import parse, translate

from googlesql import analyzer
from googlesql.edit import EditedText
from googlesql.errors import SqlError, UnknownFunction
from googlesql.module import CrashError
from googlesql.position import Text
from googlesql.schema import Column, columns_from_rest
from localcloud.bigquery.names import Reference

ANALYSED = (
    "ASTQueryStatement",
    "ASTCreateTableStatement",
    "ASTCreateViewStatement",
    "ASTCreateModelStatement",
    "ASTInsertStatement",
    "ASTUpdateStatement",
    "ASTDeleteStatement",
    "ASTMergeStatement",
)
"""Statements that are analysed; local-bigquery checks the others by itself."""
_HIDDEN_COLUMNS = re.compile(
    r"\b(_PARTITIONTIME|_PARTITIONDATE|_TABLE_SUFFIX|_FILE_NAME|_SESSION)\b", re.IGNORECASE
)
"""Names that no schema lists: a statement with them is not analysed."""
_NAMED_PLACE = re.compile(r"@p\d+\b")
"""A positional parameter as `localcloud.bigquery.parameter` writes it."""
_BEYOND_ZETASQL = re.compile(r"not supported|unsupported|not implemented", re.IGNORECASE)

parameters: ContextVar[Sequence[QueryParameter]] = ContextVar("parameters", default=())
"""The query parameters of the job in hand."""

script: ContextVar[str] = ContextVar("script", default="")
"""The whole text of the job in hand, in which BigQuery counts lines."""


_latest: ContextVar[tuple[int, str, analyzer.Analysis] | None] = ContextVar("latest", default=None)
"""What was found of the statement in hand, so that it is not analysed twice."""


class _NotAnalysed(Exception):
    """The statement has something that ZetaSQL here cannot know of."""


def check(
    interpreter: Interpreter,
    sql: str,
    output_columns: analyzer.OutputColumns | None = None,
    written: EditedText | None = None,
) -> None:
    """Refuse a wrong statement as BigQuery does; say nothing of what ZetaSQL cannot know.

    Args:
        interpreter: The statement's context.
        sql: The statement as written.
        output_columns: The columns of table functions; see `googlesql.analyzer.analyze`.
        written: The statement as it will run, when that is not as written.

    Raises:
        BigQueryError: `invalidQuery` with the place in the script.
    """
    try:
        text = written.sql if written else sql
        found = _latest.get()
        _latest.set(None)
        if found is None or found[:2] != (id(interpreter), text):
            _analyse(interpreter, text, output_columns)
    except (_NotAnalysed, UnknownFunction, CrashError):
        return
    except SqlError as error:
        if not _BEYOND_ZETASQL.search(error.reason):
            own = written.original_error(error) if written else error
            raise refusal(own, sql) from error


def read_columns(
    interpreter: Interpreter, sql: str, output_columns: analyzer.OutputColumns | None = None
) -> Mapping[Reference, frozenset[str] | None] | None:
    """Names of the columns, in lower case, that a statement reads of each table.

    Args:
        interpreter: The statement's context.
        sql: A query, CREATE or DML statement.
        output_columns: See `check`.

    Returns:
        None for every column of a table; None for a statement of which ZetaSQL cannot tell.
    """
    try:
        found = _analyse(interpreter, sql, output_columns)
        _latest.set((id(interpreter), sql, found))
        context = interpreter.context
        return {
            Reference.resolve(path, context.project_id, context.dataset_id): names
            for path, names in found.read_columns.items()
            if len(path) > 1 or context.dataset_id is not None
        }
    except (_NotAnalysed, SqlError, CrashError):
        return None


def read_by_view(
    project_id: str, dataset_id: str, query: str, columns: frozenset[str] | None
) -> Mapping[Reference, frozenset[str] | None] | None:
    """The columns that a view reads of each table for some of its own; see `read_columns`."""
    if columns is not None:
        names = ", ".join(f"`{name}`" for name in sorted(columns)) or "1"
        query = f"SELECT {names} FROM ({query})"

    def look_up(path: tuple[str, ...]) -> Sequence[Column] | None:
        if "INFORMATION_SCHEMA" in [part.upper() for part in path] or path[-1].endswith("*"):
            raise _NotAnalysed
        fields = tables.columns(*Reference.resolve(path, project_id, dataset_id))
        return columns_from_rest([field.dump() for field in fields])

    try:
        found = analyzer.analyze(query, look_up).read_columns
    except (_NotAnalysed, SqlError, CrashError, BigQueryError, ValueError):
        return None
    return {Reference.resolve(path, project_id, dataset_id): found[path] for path in found}


def refusal(error: SqlError, sql: str) -> BigQueryError:
    """The error of a statement with its place in the whole script.

    Args:
        error: Its place is one in `sql`.
        sql: The statement, or a query in it, as the script has it.
    """
    whole = Text(script.get())
    start = whole.data.find(sql.encode())
    if error.line is not None and error.column is not None and start >= 0:
        at = start + Text(sql).byte_offset(error.line, error.column)
        error = error.moved(*whole.position(at))
    return BigQueryError("invalidQuery", error.message)


def prepared(interpreter: Interpreter, sql: str) -> str:
    """The query as written when DuckDB can bind it, else as ZetaSQL writes it."""
    if _binds(interpreter, sql):
        return sql
    try:
        canonical = _analyse(interpreter, sql, None).canonical_sql
    except (_NotAnalysed, SqlError, CrashError):
        return sql
    return canonical if _binds(interpreter, canonical) else sql


def _analyse(
    interpreter: Interpreter, sql: str, output_columns: analyzer.OutputColumns | None
) -> analyzer.Analysis:
    context = interpreter.context
    if context.variables or _HIDDEN_COLUMNS.search(sql):
        raise _NotAnalysed
    return analyzer.analyze(
        sql,
        lambda path: _columns(interpreter, path),
        parameters=_parameters(sql, set(context.parameters)),
        output_columns=output_columns,
    )


def _columns(interpreter: Interpreter, path: tuple[str, ...]) -> Sequence[Column] | None:
    context = interpreter.context
    if "INFORMATION_SCHEMA" in [part.upper() for part in path] or path[-1].endswith("*"):
        raise _NotAnalysed
    if len(path) == 1 and path[0].casefold() in context.temporary:
        relation = interpreter.cursor.sql(f'SELECT * FROM "{path[0]}" LIMIT 0')
        fields = [
            types.field(name, kind)
            for name, kind in zip(relation.columns, relation.types, strict=True)
        ]
    elif len(path) == 1 and context.dataset_id is None:
        raise _NotAnalysed
    else:
        reference = Reference.resolve(path, context.project_id, context.dataset_id)
        try:
            fields = tables.columns(*reference)
        except BigQueryError as error:
            if error.reason != "notFound":
                raise
            # local-bigquery says of a missing table or dataset where it was looked for.
            raise _NotAnalysed from error
    try:
        return columns_from_rest([field.dump() for field in fields])
    except ValueError as error:
        raise _NotAnalysed from error


def columns_of(table: pa.Table) -> list[Column]:
    """The columns of an Arrow table."""
    from localcloud.bigquery.column import bigquery_type

    return [Column(field.name, bigquery_type(field.type)) for field in table.schema]


def _binds(interpreter: Interpreter, sql: str) -> bool:
    # A copy: translating counts positional parameters and gathers names in the context.
    context = replace(interpreter.context, used=set(), referenced=set())
    try:
        trees = parse(sql)
        if len(trees) != 1 or not isinstance(trees[0], sqlglot.exp.Query):
            return True
        text, bound = translate(trees[0], context)
        return bool(interpreter.cursor.sql(text, params=bound).columns)
    except (BigQueryError, duckdb.Error, sqlglot.errors.SqlglotError, NotImplementedError):
        return False


def _parameters(sql: str, known: set[str]) -> dict[str, str] | list[str] | None:
    """The types of the job's parameters; None when the statement has others, as in EXECUTE."""
    given = list(parameters.get())
    if any(not parameter.name for parameter in given):
        if _NAMED_PLACE.search(sql):
            return {f"p{place}": _type(p.parameterType) for place, p in enumerate(given)}
        return [_type(parameter.parameterType) for parameter in given]
    named = {parameter.name: _type(parameter.parameterType) for parameter in given}
    return named if set(named) == known else None


def _type(parameter: QueryParameterType) -> str:
    kind: Any = parameter.type
    if kind == "ARRAY":
        return f"ARRAY<{_type(parameter.arrayType)}>"
    if kind == "RANGE":
        return f"RANGE<{_type(parameter.rangeElementType)}>"
    if kind == "STRUCT":
        fields = ", ".join(f"`{f.name}` {_type(f.type)}" for f in parameter.structTypes or [])
        return f"STRUCT<{fields}>"
    return str(kind)
