"""Which partitions of a table a query's filter selects.

A condition counts when it compares the partitioning column with constants, stands at the top of the
WHERE of the query that names the table, and the statement names the table once: BigQuery prunes by
more, never by less. https://cloud.google.com/bigquery/docs/querying-partitioned-tables
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import duckdb
import sqlglot
from local_bigquery.catalog import metadata, tables
from local_bigquery.engine.database import quote
from local_bigquery.errors import BigQueryError
from local_bigquery.models import Table
from local_bigquery.sql.translate import Context, parse, translate
from sqlglot import exp

from googlesql import parser
from googlesql.errors import SqlError
from localcloud.bigquery.names import Reference

_TEXT = "coalesce(CAST({} AS VARCHAR), '')"
"""NULL has a partition of its own."""
_NOT_CONSTANT = (exp.Query, exp.Placeholder, exp.AggFunc, exp.Window, exp.Rand)


@dataclass(frozen=True)
class Filter:
    """The partitions that a condition selects.

    Attributes:
        column: The partitioning column, quoted.
        partition: The partition of a value `{}`, an expression in DuckDB's SQL.
        matching: DuckDB's query for the partitioning column of the rows that match.
        bound: The values of its parameters.
    """

    column: str
    partition: str
    matching: str
    bound: dict[str, Any]

    def rows(self, cursor: duckdb.DuckDBPyConnection, name: str) -> int:
        """How many rows the selected partitions of a table hold."""
        of_row, of_match = (self.partition.format(column) for column in (self.column, "value"))
        [(count,)] = cursor.execute(
            f"SELECT count(*) FROM {name} WHERE {of_row} IN "
            f"(SELECT {of_match} FROM ({self.matching}) AS matching(value))",
            self.bound,
        ).fetchall()
        return int(count)


def selected(sql: str, context: Context) -> dict[Reference, Filter]:
    """The filters of a statement by the tables whose partitions they select."""
    named: dict[Reference, list[exp.Table]] = {}
    for tree in _trees(sql):
        for table in tree.find_all(exp.Table):
            if reference := _reference(table, context):
                named.setdefault(reference, []).append(table)
    found: dict[Reference, Filter] = {}
    for reference, places in named.items():
        if len(places) == 1 and (made := _filter(places[0], reference, context)):
            found[reference] = made
    return found


def _trees(sql: str) -> list[exp.Expression]:
    try:
        calls = parser.table_functions(sql)
        queries = [table.query for call in calls for table in call.tables] if calls else [sql]
        return [tree for query in queries for tree in parse(query)]
    except (BigQueryError, SqlError):
        return []


def _reference(table: exp.Table, context: Context) -> Reference | None:
    parts = [part.name for part in table.parts]
    if len(parts) == 1 and context.dataset_id is None:
        return None
    return Reference.resolve(
        [piece for part in parts for piece in part.split(".")],
        context.project_id,
        context.dataset_id,
    )


def _filter(table: exp.Table, reference: Reference, context: Context) -> Filter | None:
    stored = metadata.load(Table, *reference)
    partition = _partition(stored) if stored else None
    select = table.find_ancestor(exp.Select)
    if partition is None or select is None or not isinstance(table.parent, (exp.From, exp.Join)):
        return None
    column, of_row = partition
    where = select.args.get("where")
    is_alone = not select.args.get("joins")
    conditions = [
        condition
        for condition in (_conjuncts(where.this) if where else ())
        if _is_about(condition, column, table.alias_or_name, is_alone)
    ]
    if not conditions:
        return None
    bare = [condition.copy() for condition in conditions]
    for condition in bare:
        for node in condition.find_all(exp.Column):
            node.set("table", None)
    query = (
        exp.select(exp.column(column))
        .distinct()
        .from_(exp.table_(reference.name, reference.dataset, reference.project, quoted=True))
        .where(*bare)
    )
    own = replace(context, used=set(), referenced=set())
    try:
        matching, bound = translate(query, own)
    except (BigQueryError, sqlglot.errors.SqlglotError, NotImplementedError):
        return None
    return Filter(quote(column), of_row, matching, bound)


def _partition(table: Table) -> tuple[str, str] | None:
    if table.timePartitioning is not None:
        unit = (table.timePartitioning.type or "DAY").lower()
        column = table.timePartitioning.field or tables.INGESTION_TIME
        return column, _TEXT.format(f"date_trunc('{unit}', {{}})")
    if table.rangePartitioning is not None and table.rangePartitioning.range is not None:
        bounds = table.rangePartitioning.range
        start, step = int(bounds.start), int(bounds.interval)
        of_value = _TEXT.format(f"floor(({{}} - {start}) / {step})")
        return str(table.rangePartitioning.field), of_value
    return None


def _conjuncts(condition: Any) -> Iterator[exp.Expression]:
    if isinstance(condition, exp.Paren):
        yield from _conjuncts(condition.this)
    elif isinstance(condition, exp.And):
        yield from _conjuncts(condition.left)
        yield from _conjuncts(condition.right)
    else:
        yield condition


def _is_about(condition: exp.Expression, column: str, alias: str, is_alone: bool) -> bool:
    if condition.find(*_NOT_CONSTANT):
        return False
    columns = list(condition.find_all(exp.Column))
    return bool(columns) and all(
        node.name.casefold() == column.casefold()
        and (node.table == alias if node.table else is_alone)
        for node in columns
    )
