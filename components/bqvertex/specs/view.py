"""A view over the tables of its own dataset, as plain data."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bqvertex.specs.declared import bare_reads, error_at, undeclared
from bqvertex.specs.statement import Statement, read_statement
from googlesql.canonical import canonical
from googlesql.parser import parse_statement

Schemas = Mapping[str, Sequence[Mapping[str, Any]]]
"""Columns of tables and views, each as `TableFieldSchema`, by bare name."""
_BLANK: Final = 0x20


@dataclass(frozen=True)
class View:
    """A view.

    Attributes:
        view_id: Its id.
        query: Its query; bare names are those of the dataset.
    """

    view_id: str
    query: Statement

    @property
    def reads(self) -> tuple[str, ...]:
        """The tables and views of the dataset that it reads."""
        return bare_reads(self.query)

    @property
    def definition_hash(self) -> str:
        """Hash of what the query means, wherever it stands; 64 hexadecimal digits."""
        return hashlib.sha256(canonical(self.query.tree, self.query.sql).encode()).hexdigest()

    def sql(self, project: str, dataset_id: str) -> str:
        """Write the query with whole names in its one spelling, so that layout means nothing."""
        whole = self.query.qualified(project, dataset_id)
        return canonical(parse_statement(whole), whole)


def read_view(view_id: str, sql: str, file: str) -> View:
    """Read a view.

    Args:
        view_id: Its id.
        sql: A query, or a CREATE VIEW statement of that id.
        file: Where it was read from, for messages.

    Raises:
        StatementError: It cannot be parsed, or is neither.
    """
    statement = read_statement(sql, file)
    if statement.kind == "SELECT":
        return View(view_id, statement)
    query = statement.tree.child("query") if statement.kind == "CREATE_VIEW" else None
    if query is None:
        reason = f"this is {statement.kind}; a view is a query, or CREATE VIEW"
        raise error_at(statement, reason, statement.tree.start)
    target = next(reference for reference in statement.references if reference.is_target)
    if target.path[-1] != view_id:
        reason = f"the statement makes view {target.path[-1]!r}, declared as {view_id!r}"
        raise error_at(statement, reason, target.start)
    # Blanks in place of what precedes the query keep every place in the file what it was.
    data = sql.encode()
    blank = bytes(byte if byte in b"\r\n" else _BLANK for byte in data[: query.start])
    return View(view_id, read_statement((blank + data[query.start : query.end]).decode(), file))


def columns(
    view: View, schemas: Schemas, others: Collection[str] = ()
) -> Sequence[Mapping[str, Any]] | None:
    """Work out a view's columns.

    Args:
        view: The view.
        schemas: Columns of what it may read by a bare name.
        others: What else it may read by a bare name, of unknown columns.

    Returns:
        Columns as `TableFieldSchema`; None where they are not known offline.

    Raises:
        StatementError: A name, a type or a function in the query is wrong.
    """
    if error := undeclared(view.query, {*schemas, *others}):
        raise error
    analysis = view.query.check(schemas)
    if analysis is None:
        return None
    return [column.to_rest() for column in analysis.output_columns]
