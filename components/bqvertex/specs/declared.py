"""What a statement reads, held against what a program declares."""

from collections.abc import Collection
from difflib import get_close_matches

from bqvertex.specs.statement import Statement, StatementError
from googlesql.errors import SqlError
from googlesql.position import Text
from googlesql.reference import Reference, ReferenceKind


def error_at(statement: Statement, reason: str, byte_offset: int) -> StatementError:
    """Make the error about a place in a statement: file, line, column and a caret."""
    line, column = Text(statement.sql).position(byte_offset)
    return StatementError(SqlError(reason, line, column), statement.sql, statement.file)


def bare_reads(statement: Statement) -> tuple[str, ...]:
    """Name the tables and views that a statement reads by bare names, each once, in order."""
    return tuple(dict.fromkeys(found.path[-1] for found in _bare(statement)))


def undeclared(statement: Statement, declared: Collection[str]) -> StatementError | None:
    """Say which bare name of a table nobody declared; None when all are known.

    Args:
        statement: The statement.
        declared: The tables and views that bare names may mean.
    """
    for found in _bare(statement):
        name = found.path[-1]
        if name not in declared:
            near = get_close_matches(name, list(declared), n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            return error_at(
                statement,
                f"table {name} is not declared{hint} (declared: {', '.join(sorted(declared))}; "
                "give the columns of one that is made elsewhere in `schemas`, or its whole name)",
                found.start,
            )
    return None


def _bare(statement: Statement) -> list[Reference]:
    return [
        found
        for found in statement.references
        if found.kind is ReferenceKind.TABLE and not found.is_target and len(found.path) == 1
    ]
