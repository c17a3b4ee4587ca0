"""FOR SYSTEM_TIME AS OF: what a table held at a time since its last change is what it holds now.

Storage keeps the present rows only. When a table changed last is known for as long as the process
runs; of one that nobody has changed since, that it was before the start. Anything earlier is
refused, never answered with other rows.
"""

import time
from typing import Any

from local_bigquery.catalog import names, tabledata, tables
from local_bigquery.engine import database
from local_bigquery.errors import BigQueryError
from local_bigquery.jobs import query
from local_bigquery.sql.dialect import DuckDBDialect
from local_bigquery.sql.rules import NODE_RULES
from local_bigquery.sql.rules import tables as table_rules
from sqlglot import exp

Reference = tuple[str, str, str]

_statement = query._statement
_write = tables.write
_insert_all = tabledata.insert_all
_time_travel = table_rules.time_travel
_changed: dict[Reference, float] = {}
_started = time.time()


def install() -> None:
    """Put the replacements into local-bigquery; repeating it changes nothing."""
    query._statement = statement
    tables.write = write
    tabledata.insert_all = insert_all
    if _time_travel in NODE_RULES:
        NODE_RULES[NODE_RULES.index(_time_travel)] = as_of


def statement(cursor: Any, tree: exp.Expression, context: Any, *rest: Any) -> Any:
    """Run one statement; see `local_bigquery.jobs.query._statement`."""
    statistics = _statement(cursor, tree, context, *rest)
    target = names.target(tree)
    if target is not None:
        _touch(names.reference(target, context.project_id, context.dataset_id))
    return statistics


def write(cursor: Any, sql: str, bound: Any, reference: Reference, *rest: Any, **named: Any) -> Any:
    """Write rows into a table; see `local_bigquery.catalog.tables.write`."""
    created = _write(cursor, sql, bound, reference, *rest, **named)
    _touch(reference)
    return created


def insert_all(project_id: str, dataset_id: str, table_id: str, body: Any) -> Any:
    """Append rows; see `local_bigquery.catalog.tabledata.insert_all`."""
    answer = _insert_all(project_id, dataset_id, table_id, body)
    _touch((project_id, dataset_id, table_id))
    return answer


def as_of(node: exp.Expression, context: Any) -> exp.Expression:
    """A table of a query without its time, when the rows of that time are those of now.

    Raises:
        BigQueryError: `notImplemented`; they may be others.
    """
    if not isinstance(node, exp.Table) or (version := node.args.get("version")) is None:
        return node
    reference = _reference(node)
    asked = _seconds(version.expression)
    changed = _changed.get(reference, _started)
    if asked < changed:
        raise BigQueryError(
            "notImplemented",
            f"FOR SYSTEM_TIME AS OF is implemented on the local cloud for times since a table's "
            f"last change only: {names.label(*reference)} changed "
            f"{'' if reference in _changed else 'no later than '}{_text(changed)}, and "
            f"{_text(asked)} is asked for.",
        )
    node.set("version", None)
    return node


def _reference(table: exp.Table) -> Reference:
    # The rule that came before has put the place in storage for the name.
    project_id, dataset_id, table_id = table.catalog, table.db, table.name
    if (project_id, dataset_id) == ("emulator", tables.RESULTS):
        project_id, _, table_id = table_id.partition(":")
    return project_id, dataset_id, table_id


def _seconds(time_asked: exp.Expression) -> float:
    text = exp.cast(time_asked.copy(), "TIMESTAMPTZ").sql(dialect=DuckDBDialect)
    with database.cursor() as cursor:
        [(microseconds,)] = cursor.execute(f"SELECT epoch_us({text})").fetchall()
    if microseconds is None:
        raise BigQueryError("invalidQuery", "The time of FOR SYSTEM_TIME AS OF is NULL.")
    return float(microseconds) / 1e6


def _touch(reference: Reference) -> None:
    _changed[reference] = time.time()


def _text(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))
