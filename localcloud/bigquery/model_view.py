"""Which views are over functions of BigQuery ML, and where a statement reads them.

DuckDB keeps such a view as one without rows, for its columns. Where it is read its query is run,
and the rows take the view's place in the statement.
"""

import re
from typing import NamedTuple

from local_bigquery.catalog import metadata
from local_bigquery.engine import database
from local_bigquery.models import Table

from googlesql import parser
from googlesql.errors import SqlError
from googlesql.tree import byte_range, dotted_path, identifiers
from localcloud.bigquery.names import Reference

CONCERNS_MODELS = re.compile(r"\bMODEL\b|\b(ML|AI)\s*\.|\bVECTOR_SEARCH\b", re.IGNORECASE)
"""A statement without these words is no concern of BigQuery ML and need not be parsed for it."""
_TABLES = ("ASTTablePathExpression", "ASTTableClause")

_known: set[Reference] | None = None
"""The views that may be such; None before they are looked for."""


class Reading(NamedTuple):
    """A place in a statement that names such a view.

    Attributes:
        reference: The view.
        start: Byte offset of its name.
        end: Byte offset after its name.
        alias: What the rows are called where the statement says nothing else; empty where it does.
    """

    reference: Reference
    start: int
    end: int
    alias: str


def forget() -> None:
    """Look for the views anew: another state directory is open."""
    global _known
    _known = None


def add(reference: Reference) -> None:
    """Take a view for one over functions of BigQuery ML."""
    _views().add(reference)


def query_of(reference: Reference) -> str | None:
    """The query of a view; None for a table, or when it is gone."""
    stored = metadata.load(Table, *reference)
    view = stored.view if stored is not None else None
    return view.query if view is not None else None


def concerns(sql: str) -> bool:
    """Whether a statement may call functions of BigQuery ML, or read a view over them."""
    return bool(CONCERNS_MODELS.search(sql)) or is_read(sql)


def is_read(sql: str) -> bool:
    """Whether a statement may read such a view, as far as its words tell."""
    views = _views()
    if not views:
        return False
    text = sql.casefold()
    return any(view.name.casefold() in text for view in views)


def readings(sql: str, project_id: str, dataset_id: str | None) -> list[Reading]:
    """Where a statement reads such views, in the order of the text.

    Args:
        sql: A statement; the names of its WITH clauses are no views.
        project_id: The project of a name that has none.
        dataset_id: The default dataset; None when there is none.
    """
    if not is_read(sql):
        return []
    try:
        nodes = list(parser.walk(parser.parse_statement(sql)))
    except SqlError:
        return []
    own = {
        part.casefold()
        for node, _ in nodes
        if node.kind in ("ASTWithClauseEntry", "ASTAliasedQuery")
        for part in identifiers(node.child("alias"))
    }
    found = []
    for node, _ in nodes:
        named = node.child("path_expr") or node.child("table_path")
        if node.kind not in _TABLES or named is None:
            continue
        path = dotted_path(named)
        if len(path) == 1 and (path[0].casefold() in own or dataset_id is None):
            continue
        reference = Reference.resolve(path, project_id, dataset_id)
        if reference in _views() and query_of(reference) is not None:
            needs_alias = node.kind == _TABLES[0] and node.child("alias") is None
            found.append(Reading(reference, *byte_range(named), path[-1] if needs_alias else ""))
    return sorted(found, key=lambda reading: reading.start)


def _views() -> set[Reference]:
    global _known
    if _known is None:
        _known = _found()
    return _known


def _found() -> set[Reference]:
    """The views whose queries concern BigQuery ML, and those over them."""
    rows = database.fetch("SELECT project_id, dataset_id, table_id, resource FROM emulator.tables")
    queries = {
        Reference(*keys): table.view.query
        for *keys, resource in rows
        if (table := Table.model_validate_json(resource)).view is not None and table.view.query
    }
    found = {view for view, query in queries.items() if CONCERNS_MODELS.search(query)}
    while more := {
        view
        for view, query in queries.items()
        if view not in found and any(inner.name.casefold() in query.casefold() for inner in found)
    }:
        found |= more
    return found
