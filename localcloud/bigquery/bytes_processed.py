"""How many bytes a query reads: an upper bound, as BigQuery counts logical bytes.

All columns of every referenced table count, those below a view too; BigQuery would leave out
columns that the query does not use. Types of fixed size are exact; of strings, bytes and nested
values the first 1,000 rows are measured and taken for all.
https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types#data_type_sizes
"""

from collections.abc import Iterable

import duckdb
from local_bigquery.catalog import tables
from local_bigquery.engine import database
from local_bigquery.errors import BigQueryError
from local_bigquery.models import TableReference
from local_bigquery.sql.translate import Context, parse, translate

FIXED = {
    "BOOLEAN": 1,
    "TINYINT": 8,
    "SMALLINT": 8,
    "INTEGER": 8,
    "BIGINT": 8,
    "FLOAT": 8,
    "DOUBLE": 8,
    "DATE": 8,
    "TIME": 8,
    "TIMESTAMP": 8,
    "TIMESTAMP WITH TIME ZONE": 8,
    "INTERVAL": 16,
}
"""Bytes a value, by DuckDB type. DECIMAL is NUMERIC's 16 up to nine digits of scale, else 32."""
SAMPLE = 1000
MIB = 1 << 20
LEAST_BILLED = 10 * MIB
"""A query is billed for this much of each table it reads, at least:
https://cloud.google.com/bigquery/docs/best-practices-costs"""


def of(references: Iterable[TableReference]) -> int:
    """Logical bytes of the named tables together, each counted once; a missing table counts 0."""
    return sum(_table(*key) for key in base_tables(map(tables.reference, references)))


def billed(references: Iterable[TableReference]) -> int:
    """Bytes that a query over the named tables is billed for: whole MiB, and a least a table."""
    sizes = [_table(*key) for key in base_tables(map(tables.reference, references))]
    whole = -(-sum(sizes) // MIB) * MIB
    return max(whole, LEAST_BILLED * len(sizes)) if sum(sizes) else 0


def base_tables(references: Iterable[tuple[str, str, str]]) -> set[tuple[str, str, str]]:
    """The stored tables that hold the data of the named tables and views."""
    found: set[tuple[str, str, str]] = set()
    seen: set[tuple[str, str, str]] = set()
    waiting = list(references)
    while waiting:
        reference = waiting.pop()
        if reference in seen:
            continue
        seen.add(reference)
        try:
            table = tables.load(*reference)
        except BigQueryError as error:
            if error.reason != "notFound":
                raise
            continue
        if table.view is None:
            found.add(reference)
        else:
            context = Context(reference[0], reference[1])
            translate(parse(table.view.query)[0], context)
            waiting.extend(context.referenced)
    return found


def _table(project_id: str, dataset_id: str, table_id: str) -> int:
    name = tables.name(project_id, dataset_id, table_id)
    with database.cursor() as cursor:
        [(rows,)] = cursor.execute(f"SELECT count(*) FROM {name}").fetchall()
        relation = cursor.sql(f"SELECT * FROM {name} LIMIT 0")
        sizes = [
            _size(column, str(t))
            for column, t in zip(relation.columns, relation.types, strict=True)
        ]
        if not rows:
            return 0
        return int(rows * _average(cursor, name, sizes))


def _average(cursor: duckdb.DuckDBPyConnection, name: str, sizes: list[str]) -> float:
    row = f"SELECT {' + '.join(sizes)} AS size FROM (SELECT * FROM {name} LIMIT {SAMPLE})"
    [(average,)] = cursor.execute(f"SELECT avg(size) FROM ({row})").fetchall()
    return float(average)


def _size(column: str, kind: str) -> str:
    quoted = database.quote(column)
    if kind.startswith("DECIMAL"):
        scale = int(kind.rstrip(")").rsplit(",", 1)[1])
        fixed: int | None = 16 if scale <= 9 else 32
    else:
        fixed = FIXED.get(kind)
    if fixed is not None:
        return f"CASE WHEN {quoted} IS NULL THEN 0 ELSE {fixed} END"
    text = f"octet_length({quoted})" if kind == "BLOB" else f"strlen(CAST({quoted} AS VARCHAR))"
    return f"coalesce({text} + 2, 0)"
