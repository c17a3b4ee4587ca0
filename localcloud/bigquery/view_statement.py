"""CREATE VIEW over functions of BigQuery ML, by a statement or by `tables.insert`."""

from collections.abc import Callable

from local_bigquery.catalog import tables
from local_bigquery.engine import database, types
from local_bigquery.models import Table
from local_bigquery.sql.script import Interpreter
from local_bigquery.sql.translate import Context

from googlesql.position import Text
from googlesql.schema import columns_from_rest
from googlesql.tree import Node, dotted_path
from localcloud.bigquery import job, model_view, query, table_function
from localcloud.bigquery.names import Reference

_create = tables.create
Translate = Callable[[str, str, str], str]
"""Gives DuckDB's SQL for a view's query; takes its project and dataset too."""


def install() -> None:
    """Put the replacement into local-bigquery; repeating it changes nothing."""
    model_view.forget()
    tables.create = insert


def insert(project_id: str, dataset_id: str, body: Table, translate: Translate) -> Table:
    """Make a table or view of `tables.insert`; see `local_bigquery.catalog.tables.create`."""
    written = body.view.query if body.view is not None else None
    if not written or not model_view.concerns(written):
        made: Table = _create(project_id, dataset_id, body, translate)
        return made

    def without_rows(project_id: str, dataset_id: str, sql: str) -> str:
        with database.cursor() as cursor:
            context = Context(project_id, dataset_id)
            interpreter = Interpreter(cursor, context, lambda tree: None, lambda statistics: None)
            return translate(project_id, dataset_id, _without_rows(interpreter, sql))

    view: Table = _create(project_id, dataset_id, body, without_rows)
    assert body.tableReference is not None, "one was made"
    model_view.add(Reference(project_id, dataset_id, body.tableReference.tableId))
    return view


def create(
    interpreter: Interpreter, statement: Node, text: Text, run: Callable[[str], None]
) -> None:
    """Run CREATE VIEW: a view without rows for the columns, and the query in its description.

    Args:
        interpreter: The statement.
        statement: Its tree.
        text: Its text.
        run: Runs another text in its place.

    Raises:
        BigQueryError: As BigQuery answers.
    """
    context = interpreter.context
    inner = statement.child("query")
    assert inner is not None, "the grammar gives CREATE VIEW its query"
    written = text.slice(inner.start, inner.end)
    reference = Reference.resolve(
        dotted_path(statement.child("name")), context.project_id, context.dataset_id
    )
    before = model_view.query_of(reference)
    empty = _without_rows(interpreter, written)
    run(text.slice(0, inner.start) + empty + text.slice(inner.end, len(text.data)))
    if job.is_dry_run() or (before is not None and statement.flag("is_if_not_exists")):
        return
    stored = tables.load(*reference)
    view = {"view": {"query": written, "useLegacySql": False}}
    tables.record(*reference, stored.merged(Table.model_validate(view)))
    model_view.add(reference)


def _without_rows(interpreter: Interpreter, sql: str) -> str:
    """A query with the columns of another and without rows."""
    with job.checking(), table_function.spliced(interpreter, sql) as spliced:
        text, bound = query.duckdb_query(interpreter.context, spliced)
        relation = interpreter.cursor.sql(text, params=bound)
        fields = [
            types.field(name, kind)
            for name, kind in zip(relation.columns, relation.types, strict=True)
        ]
    columns = ", ".join(
        f"CAST(NULL AS {column.type}) AS `{column.name}`"
        for column in columns_from_rest([field.dump() for field in fields])
    )
    return f"SELECT {columns} FROM (SELECT 1) WHERE FALSE"
