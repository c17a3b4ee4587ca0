"""How many bytes a query reads, as BigQuery counts logical bytes.

The columns count that a statement uses, in the rows of the partitions that its filter selects.
Where that cannot be told (wildcard tables, hidden columns, scripts that are only checked) all
columns count, so the number is never less than what is read. Types of fixed size are exact; of
strings, bytes and nested values the first 1,000 rows are measured and taken for all.
https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types#data_type_sizes
"""

import re
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass

import duckdb
from local_bigquery.catalog import tables
from local_bigquery.engine import database
from local_bigquery.errors import BigQueryError
from local_bigquery.sql.translate import Context, parse, translate

from localcloud.bigquery import analysis, model_view, names, partition_filter

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


_NAMES_A_TABLE = re.compile(r"\b(FROM|JOIN|TABLE|UPDATE|MERGE|DELETE)\b", re.IGNORECASE)
"""A statement without these words reads no table and need not be parsed for it."""


Key = tuple[str, str, str]
Columns = Mapping[names.Reference, frozenset[str] | None]
"""Names of columns in lower case by table; None for all of them."""


@dataclass
class Meter:
    """What the statements of a job have read.

    Attributes:
        limit: `maximumBytesBilled`; None for no limit.
        processed: Logical bytes read.
        billed: Bytes billed.
    """

    limit: int | None = None
    processed: int = 0
    billed: int = 0

    def add(
        self,
        sql: str,
        project_id: str,
        dataset_id: str | None,
        read_columns: Callable[[], Columns | None] = lambda: None,
        context: Context | None = None,
    ) -> None:
        """Count what a statement will read, each table once.

        Args:
            sql: The statement.
            project_id: The project of names without one.
            dataset_id: The dataset of names without one; None when there is none.
            read_columns: Tells which columns it reads; called when it names a table.
            context: What its parameters stand for; None leaves filters out of account.

        Raises:
            BigQueryError: `bytesBilledLimitExceeded`; nothing of the statement has run.
        """
        if not _NAMES_A_TABLE.search(sql):
            return
        named = names.tables_in(sql, project_id, dataset_id)
        told = read_columns() if named else {}
        read: dict[Key, frozenset[str] | None] = {}
        for key in _expanded(named):
            read[key] = None if told is None else told.get(names.Reference(*key))
        filters = partition_filter.selected(sql, context) if context and named else {}
        sizes = [
            _table(*key, columns, filters.get(names.Reference(*key)))
            for key, columns in _base_columns(read).items()
        ]
        self.processed += sum(sizes)
        self.billed += _billed(sizes)
        if self.limit is not None and self.billed > self.limit:
            raise BigQueryError(
                "bytesBilledLimitExceeded",
                f"Query exceeded limit for bytes billed: {self.limit}. {self.billed} or higher "
                "required.",
            )


meter: ContextVar[Meter | None] = ContextVar("meter", default=None)
"""The meter of the job in hand."""


def _billed(sizes: list[int]) -> int:
    whole = -(-sum(sizes) // MIB) * MIB
    return max(whole, LEAST_BILLED * len(sizes)) if sum(sizes) else 0


def _expanded(references: Iterable[names.Reference]) -> set[tuple[str, str, str]]:
    """The references with the tables that a wildcard such as `d.events_*` stands for."""
    found: set[tuple[str, str, str]] = set()
    for reference in references:
        if not reference.name.endswith("*"):
            found.add((reference.project, reference.dataset, reference.name))
            continue
        prefix = reference.name[:-1]
        found |= {
            (reference.project, reference.dataset, name)
            for name, _, _ in database.objects(*reference[:2])
            if name.startswith(prefix)
        }
    return found


def base_tables(references: Iterable[Key]) -> set[Key]:
    """The stored tables that hold the data of the named tables and views."""
    return set(_base_columns(dict.fromkeys(references)))


def _base_columns(
    read: Mapping[Key, frozenset[str] | None],
) -> dict[Key, frozenset[str] | None]:
    """The stored tables below named tables and views, each with the columns that are read."""
    found: dict[Key, frozenset[str] | None] = {}
    seen: set[tuple[Key, frozenset[str] | None]] = set()
    waiting = list(read.items())
    while waiting:
        reference, columns = waiting.pop()
        if (reference, columns) in seen:
            continue
        seen.add((reference, columns))
        try:
            table = tables.load(*reference)
        except BigQueryError as error:
            if error.reason != "notFound":
                raise
            continue
        if table.view is None:
            before = found.get(reference, frozenset())
            found[reference] = None if columns is None or before is None else before | columns
            continue
        below = analysis.read_by_view(reference[0], reference[1], table.view.query, columns)
        if below is not None:
            waiting.extend(((*key,), used) for key, used in below.items())
        elif model_view.CONCERNS_MODELS.search(table.view.query):
            written = names.tables_in(table.view.query, reference[0], reference[1])
            waiting.extend(((*key,), None) for key in written)
        else:
            context = Context(reference[0], reference[1])
            translate(parse(table.view.query)[0], context)
            waiting.extend((key, None) for key in context.referenced)
    return found


def of_table(reference: tuple[str, str, str]) -> int:
    """The logical bytes of a stored table."""
    return _table(*reference)


def _table(
    project_id: str,
    dataset_id: str,
    table_id: str,
    columns: frozenset[str] | None = None,
    where: partition_filter.Filter | None = None,
) -> int:
    name = tables.name(project_id, dataset_id, table_id)
    with database.cursor() as cursor:
        relation = cursor.sql(f"SELECT * FROM {name} LIMIT 0")
        sizes = [
            _size(column, str(t))
            for column, t in zip(relation.columns, relation.types, strict=True)
            if columns is None or column.casefold() in columns
        ]
        if not sizes:
            return 0
        [(rows,)] = cursor.execute(f"SELECT count(*) FROM {name}").fetchall()
        if rows and where is not None:
            rows = where.rows(cursor, name)
        return int(rows * _average(cursor, name, sizes)) if rows else 0


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
