"""Which names in a statement mean tables and models, and which mean something of its own.

A name in FROM may also be a WITH entry, or a path into an array of a table on its left. The rules
are those of the name resolver of ZetaSQL, which tells names but not their places:
https://cloud.google.com/bigquery/docs/reference/standard-sql/query-syntax#from_clause
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final

from googlesql.table_function import with_entry_name
from googlesql.tree import Node, dotted_path, identifiers


class ReferenceKind(Enum):
    """What a name means."""

    TABLE = "table"
    MODEL = "model"


@dataclass(frozen=True)
class Reference:
    """A name that means a table or a model outside the statement.

    Attributes:
        kind: Table (a view likewise) or model.
        path: The parts of the name; dots inside quotes part it too.
        start: Byte offset of the name's first byte.
        end: Byte offset after the name's last byte.
        is_target: Whether the statement makes or changes it, as CREATE, INSERT and DROP do.
        takes_alias: Whether an alias may follow: the name stands in FROM or is what UPDATE,
            DELETE or MERGE change.
        alias: The alias that follows; None without one.
    """

    kind: ReferenceKind
    path: tuple[str, ...]
    start: int
    end: int
    is_target: bool = False
    takes_alias: bool = False
    alias: str | None = None


_MODEL_STATEMENTS: Final = (
    "ASTCreateModelStatement",
    "ASTAlterModelStatement",
    "ASTExportModelStatement",
)
# The fields that name what a statement makes or changes.
_TARGET_FIELDS: Final = {
    "ASTCreateModelStatement": "name",
    "ASTCreateTableStatement": "name",
    "ASTCreateViewStatement": "name",
    "ASTCreateMaterializedViewStatement": "name",
    "ASTCreateSnapshotTableStatement": "name",
    "ASTExportModelStatement": "model_name_path",
    "ASTAlterModelStatement": "path",
    "ASTAlterTableStatement": "path",
    "ASTAlterViewStatement": "path",
    "ASTDropMaterializedViewStatement": "name",
    "ASTDropStatement": "name",
    "ASTInsertStatement": "target_path",
    "ASTUpdateStatement": "target_path",
    "ASTDeleteStatement": "target_path",
    "ASTMergeStatement": "target_path",
    "ASTTruncateStatement": "target_path",
}
_ALIASED_TARGETS: Final = ("ASTUpdateStatement", "ASTDeleteStatement", "ASTMergeStatement")
_DROPPED: Final = {
    "kTable": ReferenceKind.TABLE,
    "kView": ReferenceKind.TABLE,
    "kModel": ReferenceKind.MODEL,
}


def read_references(statement: Node) -> list[Reference]:
    """Find the tables and models a statement names, in the order of the text."""
    return sorted(
        _in_node(statement, _Scope(frozenset(), frozenset())), key=lambda found: found.start
    )


@dataclass(frozen=True)
class _Scope:
    """What a name can mean at one place: WITH entries, and tables whose arrays can be named.

    Both in lower case: GoogleSQL compares them without regard to case.
    """

    with_entries: frozenset[str]
    tables: frozenset[str]

    def with_entry(self, name: str) -> "_Scope":
        return _Scope(self.with_entries | {name.lower()}, self.tables)

    def with_tables(self, names: Iterable[str]) -> "_Scope":
        return _Scope(self.with_entries, self.tables | {name.lower() for name in names})


def _in_node(node: Node, scope: _Scope) -> Iterator[Reference]:
    if node.kind == "ASTQuery":
        yield from _in_query(node, scope)
    elif node.kind == "ASTSelect":
        yield from _in_select(node, scope)
    elif node.kind in _TARGET_FIELDS:
        yield from _in_statement(node, scope)
    elif node.kind in _FROM_ITEMS:
        yield from _from_item(node, scope, [])
    elif node.kind == "ASTTableClause" and node.child("table_path") is not None:
        path = node.child("table_path")
        assert path is not None, "looked at just above"
        yield from _table(path, scope)
    elif node.kind in ("ASTCloneDataSource", "ASTCopyDataSource"):
        path = node.child("path_expr")
        if path is not None:
            yield from _table(path, scope)
    elif node.kind == "ASTModelClause":
        path = node.child("model_path")
        if path is not None:
            yield Reference(ReferenceKind.MODEL, dotted_path(path), path.start, path.end)
    else:
        for below in node.nodes():
            yield from _in_node(below, scope)


def _in_query(query: Node, scope: _Scope) -> Iterator[Reference]:
    clause = query.child("with_clause")
    if clause is not None:
        entries = clause.children("with")
        if clause.flag("recursive"):
            for entry in entries:
                scope = scope.with_entry(with_entry_name(entry))
        for entry in entries:
            for below in entry.nodes():
                yield from _in_node(below, scope)
            scope = scope.with_entry(with_entry_name(entry))
    # ORDER BY and pipe operators see the tables of the FROM clause before them.
    named: list[str] = []
    for name, value in query.fields.items():
        if name == "with_clause":
            continue
        for below in (value,) if isinstance(value, Node) else query.children(name):
            inner = scope.with_tables(named)
            if below.kind == "ASTSelect":
                yield from _in_select(below, inner, named)
            elif below.kind == "ASTFromQuery":
                yield from _in_from_clause(below, inner, named)
            elif below.kind == "ASTPipeJoin":
                for item in below.nodes():
                    yield from _from_item(item, inner, named)
            else:
                yield from _in_node(below, inner)


def _in_select(select: Node, scope: _Scope, named: list[str] | None = None) -> Iterator[Reference]:
    names: list[str] = []
    clause = select.child("from_clause")
    if clause is not None:
        yield from _in_from_clause(clause, scope, names)
    inner = scope.with_tables(names)
    for below in select.nodes():
        if below is not clause:
            yield from _in_node(below, inner)
    if named is not None:
        named.extend(names)


def _in_from_clause(node: Node, scope: _Scope, named: list[str]) -> Iterator[Reference]:
    for below in node.nodes():
        if below.kind == "ASTFromClause":
            yield from _in_from_clause(below, scope, named)
        else:
            yield from _from_item(below, scope, named)


_FROM_ITEMS: Final = (
    "ASTJoin",
    "ASTParenthesizedJoin",
    "ASTTablePathExpression",
    "ASTTableSubquery",
    "ASTTVF",
)


def _from_item(node: Node, scope: _Scope, named: list[str]) -> Iterator[Reference]:
    """Find what one item of FROM names; add the names by which it is known to its right."""
    inner = scope.with_tables(named)
    match node.kind:
        case "ASTJoin" | "ASTParenthesizedJoin":
            for field in ("join", "lhs", "rhs"):
                below = node.child(field)
                if below is not None:
                    yield from _from_item(below, scope, named)
            inner = scope.with_tables(named)
            for name, value in node.fields.items():
                if name not in ("join", "lhs", "rhs"):
                    for below in (value,) if isinstance(value, Node) else node.children(name):
                        yield from _in_node(below, inner)
        case "ASTTablePathExpression":
            yield from _table_path(node, inner)
            named.extend(_known_as(node))
        case "ASTTableSubquery" if not node.flag("is_lateral"):
            # It sees what lies around the whole FROM clause, and no item of it.
            for below in node.nodes():
                yield from _in_node(below, scope)
            named.extend(_known_as(node))
        case _:
            for below in node.nodes():
                yield from _in_node(below, inner)
            named.extend(_known_as(node))


def _table_path(node: Node, scope: _Scope) -> Iterator[Reference]:
    path = node.child("path_expr")
    alias = identifiers(node.child("alias"))
    for below in node.nodes():
        if below is not path:
            yield from _in_node(below, scope)
    if path is not None:
        yield from _table(path, scope, takes_alias=True, alias=alias[-1] if alias else None)


def _table(
    path: Node, scope: _Scope, *, takes_alias: bool = False, alias: str | None = None
) -> Iterator[Reference]:
    names = identifiers(path)
    first = names[0].lower()
    # One name is a WITH entry or a table; more may also lead from a table into its array.
    if first not in (scope.with_entries if len(names) == 1 else scope.tables):
        yield Reference(
            ReferenceKind.TABLE,
            dotted_path(path),
            path.start,
            path.end,
            takes_alias=takes_alias,
            alias=alias,
        )


def _known_as(node: Node) -> list[str]:
    outputs = [operator.child("output_alias") for operator in node.children("postfix_operators")]
    for alias in (*reversed(outputs), node.child("alias")):
        if alias is not None:
            return list(identifiers(alias))
    return list(dotted_path(node.child("path_expr"))[-1:])


def _in_statement(node: Node, scope: _Scope) -> Iterator[Reference]:
    target = node.child(_TARGET_FIELDS[node.kind])
    kind = ReferenceKind.MODEL if node.kind in _MODEL_STATEMENTS else ReferenceKind.TABLE
    known = node.kind != "ASTDropStatement" or node.text("schema_object_kind") in _DROPPED
    names: list[str] = []
    if node.kind == "ASTDropStatement" and known:
        kind = _DROPPED[node.text("schema_object_kind")]
    if target is not None and known:
        alias = identifiers(node.child("alias"))
        path = dotted_path(target)
        takes_alias = node.kind in _ALIASED_TARGETS
        yield Reference(
            kind,
            path,
            target.start,
            target.end,
            is_target=True,
            takes_alias=takes_alias,
            alias=alias[-1] if alias else None,
        )
        names = [alias[-1] if alias else path[-1]] if takes_alias else []
    inner = scope.with_tables(names)
    for below in node.nodes():
        if below is node.child("like_table_name"):
            yield from _table(below, inner)
        elif below is not target:
            yield from _in_node(below, inner)
