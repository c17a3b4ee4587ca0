"""GoogleSQL run inside a statement: with its parameters, variables and temporary tables."""

import uuid
from typing import Any

import duckdb
import pyarrow as pa
from local_bigquery.engine import types
from local_bigquery.engine.database import quote
from local_bigquery.engine.results import unique
from local_bigquery.errors import BigQueryError, from_duckdb
from local_bigquery.sql.script import Interpreter
from local_bigquery.sql.translate import Context, parse, translate

from localcloud.bigquery import analysis

JSON_COLUMN = {b"bigquery_type": b"JSON"}
"""Metadata of an Arrow text field whose column is JSON."""
_PLAIN_TYPES = {
    pa.string(): "VARCHAR",
    pa.int64(): "BIGINT",
    pa.float64(): "DOUBLE",
    pa.bool_(): "BOOLEAN",
}
"""What may stand beside JSON in a struct."""


def duckdb_query(context: Context, sql: str) -> tuple[str, dict[str, Any]]:
    """One GoogleSQL query as DuckDB's SQL with the values of its parameters.

    Raises:
        BigQueryError: The text is not one query that the engine can translate.
    """
    trees = parse(sql)
    if len(trees) != 1:
        raise BigQueryError("invalidQuery", "Expected one query.")
    query, bound = translate(trees[0], context)
    return query, bound


def rows(interpreter: Interpreter, sql: str, limit: int | None = None) -> pa.Table:
    """The rows of a GoogleSQL query, in BigQuery's types.

    Args:
        interpreter: The statement it runs in.
        sql: The query.
        limit: At most this many rows; None for all.

    Raises:
        BigQueryError: The query is wrong or fails.
    """
    context = interpreter.context
    position = context.position
    try:
        return _fetched(interpreter, sql, limit)
    except BigQueryError:
        # Translating counts positional parameters.
        context.position = position
        ready = analysis.prepared(interpreter, sql)
        if ready == sql:
            raise
        return _fetched(interpreter, ready, limit)


def _fetched(interpreter: Interpreter, sql: str, limit: int | None) -> pa.Table:
    query, bound = duckdb_query(interpreter.context, sql)
    if limit is not None:
        query = f"SELECT * FROM ({query}) LIMIT {limit}"
    return fetch(interpreter.cursor, query, bound, interpreter.context)


def fetch(
    cursor: duckdb.DuckDBPyConnection,
    query: str,
    bound: dict[str, Any] | None = None,
    context: Context | None = None,
) -> pa.Table:
    """The rows of a DuckDB query, each column in the one type that BigQuery has for it.

    Raises:
        BigQueryError: The query is wrong or fails.
    """
    try:
        relation = cursor.sql(query, params=bound)
        places = [f"c{index}" for index in range(len(relation.columns))]
        columns = ", ".join(
            f"{types.cast(place, kind)} AS {quote(name)}"
            for place, name, kind in zip(
                places, unique(relation.columns), relation.types, strict=True
            )
        )
        select = f"SELECT {columns} FROM ({query}) AS q({', '.join(places)})"
        return cursor.sql(select, params=bound).to_arrow_table()
    except duckdb.Error as error:
        raise from_duckdb(error, context) from error


def temporary_table(interpreter: Interpreter, table: pa.Table) -> str:
    """Keep an Arrow table as a temporary table of the statement and give its name."""
    name = f"__ml_{uuid.uuid4().hex[:12]}"
    columns = ", ".join(
        f"CAST({quote(field.name)} AS {_type_with_json(field)}) AS {quote(field.name)}"
        if _holds_json(field)
        else quote(field.name)
        for field in table.schema
    )
    cursor = interpreter.cursor
    source = f"{name}_source"
    cursor.register(source, table)
    try:
        cursor.execute(f'CREATE TEMP TABLE "{name}" AS SELECT {columns} FROM "{source}"')
    finally:
        cursor.unregister(source)
    interpreter.context.temporary.add(name)
    return name


def _holds_json(field: pa.Field) -> bool:
    """Whether a field is JSON, or has parts that are."""
    if (field.metadata or {}) == JSON_COLUMN:
        return True
    kind = field.type
    if pa.types.is_list(kind):
        return _holds_json(kind.value_field)
    return pa.types.is_struct(kind) and any(_holds_json(part) for part in kind)


def _type_with_json(field: pa.Field) -> str:
    """DuckDB's type of a field that is JSON or has parts that are."""
    kind = field.type
    if (field.metadata or {}) == JSON_COLUMN:
        return "JSON"
    if pa.types.is_list(kind):
        return f"{_type_with_json(kind.value_field)}[]"
    if pa.types.is_struct(kind):
        return f"STRUCT({', '.join(f'{quote(p.name)} {_type_with_json(p)}' for p in kind)})"
    return _PLAIN_TYPES[kind]


def drop(interpreter: Interpreter, name: str) -> None:
    """Drop a table that `temporary_table` made."""
    interpreter.cursor.execute(f'DROP TABLE IF EXISTS temp.main."{name}"')
    interpreter.context.temporary.discard(name)
