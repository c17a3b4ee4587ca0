"""Look-ups in the catalog whose cost does not grow with the number of tables.

local-bigquery asks `duckdb_tables()` and `duckdb_columns()`, which list every table of every
project, the results of all queries among them: with 3,000 tables 9 ms a look-up, and a query makes
five. The plan of a scan tells the same of one table in 0.3 ms.
"""

import json
from typing import Any

import duckdb
from local_bigquery.catalog import tabledata, tables
from local_bigquery.engine import database, results, types
from local_bigquery.models import TableFieldSchema
from local_bigquery.sql.rules import tables as table_rules

_objects = database.objects
_list_rows = tabledata.list_rows


def install() -> None:
    """Put the replacements into local-bigquery; repeating it changes nothing."""
    database.objects = objects
    table_rules.database.objects = objects
    tables.columns = columns
    tabledata.columns = columns
    tabledata.list_rows = list_rows


def objects(
    project_id: str, dataset_id: str | None, table_id: str | None = None
) -> list[tuple[str, str, int]]:
    """Name, kind (`TABLE` or `VIEW`) and about how many rows: of a dataset's tables, or of one.

    A name in another case than the table's is no name of it. A temporary table has no dataset where
    none is the default, and is not looked for.
    """
    if dataset_id is None:
        return []
    if table_id is None:
        return list(_objects(project_id, dataset_id))
    with database.cursor() as cursor:
        rows = _table_rows(cursor, project_id, dataset_id, table_id)
        if rows is not None:
            return [(table_id, "TABLE", rows)]
        views = cursor.execute(
            "SELECT 1 FROM duckdb_views() WHERE database_name = ? AND schema_name = ? "
            "AND view_name = ? AND NOT internal",
            [project_id, dataset_id, table_id],
        ).fetchall()
    return [(table_id, "VIEW", 0)] if views else []


def columns(project_id: str, dataset_id: str, table_id: str) -> list[TableFieldSchema]:
    """A table's or view's columns.

    Raises:
        BigQueryError: `notFound`.
    """
    table = tables.name(project_id, dataset_id, table_id)
    with database.cursor() as cursor:
        try:
            relation = cursor.sql(f"SELECT * FROM {table} LIMIT 0")
            facts = cursor.execute("SELECT * FROM pragma_table_info(?)", [table]).fetchall()
        except duckdb.CatalogException:
            label = tables.names.label(project_id, dataset_id, table_id)
            raise tables.not_found("Table", label) from None
        required = {name for _, name, _, not_null, *_ in facts if not_null}
        return [
            types.field(name, kind, name in required)
            for name, kind in zip(relation.columns, relation.types, strict=True)
            if name != tables.INGESTION_TIME or dataset_id == tables.RESULTS
        ]


def list_rows(
    project_id: str, dataset_id: str, table_id: str, *paging: Any
) -> tuple[results.Page, list[TableFieldSchema]]:
    """A page of a table's rows with its columns; see `local_bigquery.catalog.tabledata`.

    Of the result of a query nothing is declared but its columns.
    """
    max_results, start, selected_fields, int64_timestamps = paging
    if dataset_id != tables.RESULTS or selected_fields:
        answer: tuple[results.Page, list[TableFieldSchema]] = _list_rows(
            project_id, dataset_id, table_id, *paging
        )
        return answer
    fields = columns(project_id, dataset_id, table_id)
    table = tables.name(project_id, dataset_id, table_id)
    with database.cursor() as cursor:
        page = results.page(cursor, table, max_results, start, None, int64_timestamps)
    return page, fields


def _table_rows(
    cursor: duckdb.DuckDBPyConnection, project_id: str, dataset_id: str, table_id: str
) -> int | None:
    """About how many rows a stored table has; None when the name is no stored table's."""
    try:
        name = database.quote(project_id, dataset_id, table_id)
        [(_, text)] = cursor.execute(f"EXPLAIN (FORMAT json) SELECT * FROM {name}").fetchall()
    except (duckdb.CatalogException, duckdb.BinderException):
        # There is no such table; or it is a view over what is no longer there.
        return None
    scan = json.loads(text)[0]
    facts = scan.get("extra_info") or {}
    scanned = str(facts.get("Table", "")).replace('"', "")
    # A view's plan scans its tables, and the plan has the name in the case it was made with.
    if scan["children"] or scanned != f"{project_id}.{dataset_id}.{table_id}":
        return None
    return int(facts["Estimated Cardinality"])
