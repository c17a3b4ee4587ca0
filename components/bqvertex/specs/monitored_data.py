"""What a model monitor reads: tables and queries, with whole names and the watched columns."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from bqvertex.specs.declared import bare_reads, error_at, undeclared
from bqvertex.specs.inputs import Problem
from bqvertex.specs.statement import Statement, StatementError, read_statement
from bqvertex.specs.unknown import UNKNOWN, holds_unknown
from googlesql.canonical import canonical
from googlesql.parser import parse_statement

_WHOLE: Final = 3


def read_monitored_query(
    sql: str,
    file: str,
    schemas: Mapping[str, Sequence[Mapping[str, Any]]],
    others: Collection[str] = (),
) -> list[str] | None:
    """Check a query and list the columns it gives.

    Args:
        sql: The query.
        file: Where it was read from, for messages; empty for none.
        schemas: Columns of the tables it may read by a bare name.
        others: What else it may read by a bare name, of unknown columns. With neither, any name
            will do.

    Returns:
        Column names, None where they are not known offline.

    Raises:
        StatementError: It is no query, or a name or a type in it is wrong.
    """
    statement = _read(sql, file)
    declared = {*schemas, *others}
    if declared and (error := undeclared(statement, declared)):
        raise error
    analysis = statement.check(schemas) if schemas else None
    return None if analysis is None else [column.name for column in analysis.output_columns]


def missing_features(features: Collection[str], columns: Collection[str]) -> str:
    """Say which watched features are no columns; empty when all are."""
    missing = sorted(set(features) - set(columns))
    if not missing:
        return ""
    return (
        f"gives no column {', '.join(missing)}, which `features` names; it gives "
        f"{', '.join(columns)}"
    )


def whole(name: str, data: Any, project: Any, dataset_id: Any) -> tuple[Any, tuple[Problem, ...]]:
    """Write one side of the comparison with whole names, a query in its one spelling.

    The spelling makes that comments and layout are no change.

    Args:
        name: The input, `baseline` or `target`.
        data: `{"table": name}` or `{"query": SELECT}`.
        project: Project of names without one.
        dataset_id: Dataset of names without one; None where none was given.

    Returns:
        The data, `UNKNOWN` where something it needs is not known yet, and what is wrong.
    """
    if holds_unknown([data, project, dataset_id]):
        return UNKNOWN, ()
    if "table" in data:
        parts = data["table"].split(".")
        if len(parts) < _WHOLE - 1 and not dataset_id:
            return data, ((name, _no_dataset(data["table"])),)
        lacking = (project, dataset_id)[: _WHOLE - len(parts)]
        return {"table": ".".join((*lacking, *parts))}, ()
    try:
        statement = _read(data["query"], "")
    except StatementError as error:
        return data, ((name, str(error)),)
    bare = bare_reads(statement)
    if bare and not dataset_id:
        return data, tuple((name, _no_dataset(table)) for table in bare)
    written = statement.qualified(project, dataset_id or "")
    return {"query": canonical(parse_statement(written), written)}, ()


def _read(sql: str, file: str) -> Statement:
    statement = read_statement(sql, file)
    if statement.kind != "SELECT":
        reason = f"this is {statement.kind}: give a SELECT statement"
        raise error_at(statement, reason, statement.tree.start)
    return statement


def _no_dataset(table: str) -> str:
    return f"names {table} without its dataset: write project.dataset.{table}, or give dataset_id"
