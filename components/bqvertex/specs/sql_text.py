"""A text of one statement or a script: read, made to name whole paths, compared."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Final

from bqvertex.specs.identifier import quoted_path
from bqvertex.specs.statement import Statement, StatementError, whole_path
from googlesql import suggestion
from googlesql.canonical import canonical
from googlesql.edit import Edit, EditedText
from googlesql.errors import SqlError
from googlesql.parser import statements
from googlesql.position import Text
from googlesql.reference import read_references
from googlesql.schema import columns_from_rest
from googlesql.statement_kind import statement_kind
from googlesql.tree import Node, dotted_path, identifiers, walk

CHECKED: Final = frozenset(
    {
        "CREATE_FUNCTION",
        "CREATE_MATERIALIZED_VIEW",
        "CREATE_MODEL",
        "CREATE_TABLE",
        "CREATE_TABLE_AS_SELECT",
        "CREATE_VIEW",
        "DELETE",
        "EXPORT_DATA",
        "INSERT",
        "MERGE",
        "SELECT",
        "UPDATE",
    }
)
"""Kinds of statements whose tables are found, so that names and types can be checked."""

# Where a statement names what lives in a dataset, beside the tables and models of
# `googlesql.reference`: the fields that lead to the name.
_IN_DATASET: Final[Mapping[str, tuple[str, ...]]] = {
    "ASTAlterIndexStatement": ("table_name",),
    "ASTAlterMaterializedViewStatement": ("path",),
    "ASTAuxLoadDataStatement": ("name",),
    "ASTCallStatement": ("procedure_name",),
    "ASTCreateExternalTableStatement": ("name",),
    "ASTCreateFunctionStatement": ("function_declaration", "name"),
    "ASTCreateIndexStatement": ("table_name",),
    "ASTCreateProcedureStatement": ("name",),
    "ASTCreateRowAccessPolicyStatement": ("target_path",),
    "ASTCreateTableFunctionStatement": ("function_declaration", "name"),
    "ASTDropAllRowAccessPoliciesStatement": ("table_name",),
    "ASTDropFunctionStatement": ("name",),
    "ASTDropRowAccessPolicyStatement": ("table_name",),
    "ASTDropSearchIndexStatement": ("table_name",),
    "ASTDropSnapshotTableStatement": ("name",),
    "ASTDropTableFunctionStatement": ("name",),
    "ASTDropVectorIndexStatement": ("table_name",),
}
# Where it names a dataset.
_SCHEMA: Final = {
    "ASTAlterSchemaStatement": "path",
    "ASTCreateSchemaStatement": "name",
    "ASTUndropStatement": "name",
}
_DROPPED_IN_DATASET: Final = ("kExternalTable", "kProcedure", "kSnapshotTable")
_PRIVILEGES: Final = ("ASTGrantStatement", "ASTRevokeStatement")
# Names that belong to a session or to BigQuery and to no dataset.
_OWN: Final = ("_SESSION", "BQ")


@dataclass(frozen=True)
class _Name:
    path: tuple[str, ...]
    start: int
    end: int
    is_schema: bool = False


# One operation asks several times: for the statement, for the query, for what they mean.
@lru_cache(maxsize=64)
def read_sql_text(sql: str, file: str = "") -> "SqlText":
    """Read a text of one statement or more.

    Args:
        sql: The text, comments and all.
        file: Where it comes from, for messages; left out for a text of no file.

    Raises:
        StatementError: The text is no GoogleSQL.
    """
    try:
        read = tuple(statements(sql))
        if not read:
            raise SqlError("the text holds no statement, only comments", 1, 1)
    except SqlError as error:
        raise StatementError(suggestion.of_syntax(error, sql), sql, file) from None
    return SqlText(sql, file, read)


@dataclass(frozen=True)
class SqlText:
    """One statement, or a script.

    Attributes:
        sql: The text as given.
        file: Where it comes from; empty for a text of no file.
        statements: The syntax trees of the statements at its top, in order.
    """

    sql: str
    file: str
    statements: tuple[Node, ...]

    @property
    def kinds(self) -> tuple[str, ...]:
        """BigQuery's `statementType` of each statement; `SCRIPT` for what has none of its own."""
        return tuple(statement_kind(node) for node in self.statements)

    @property
    def bare_names(self) -> frozenset[str]:
        """The names that lack their dataset."""
        return frozenset(
            name.path[0] for name in self._names if len(name.path) == 1 and not name.is_schema
        )

    def qualified(self, project: str, dataset_id: str = "") -> str:
        """Write the text with whole paths; everything else stays as it is, comments too.

        Names of tables, views, models, routines and datasets get what they lack, apart from what
        the text makes as TEMP and from functions that a query calls: whether a bare one is
        BigQuery's own, the text does not tell.

        Args:
            project: Project for names without one.
            dataset_id: Dataset for names without one; empty: there must be no such name.

        Raises:
            StatementError: A name lacks its dataset, and none was given.
        """
        return self._edited(project, dataset_id, spelt=False)

    def definition_hash(self, project: str, dataset_id: str = "") -> str:
        """Hash what the text means, SHA-256 in hexadecimal.

        Comments, white space, the case of keywords, quoting, the order of options, and whether a
        name is bare or whole make no difference.

        Args:
            project: See `qualified`.
            dataset_id: See `qualified`.

        Raises:
            StatementError: See `qualified`.
        """
        whole = read_sql_text(self._edited(project, dataset_id, spelt=True))
        spelt = ";".join(canonical(node, whole.sql) for node in whole.statements)
        return hashlib.sha256(spelt.encode()).hexdigest()

    def check(self, schemas: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        """Check names and types as far as tables are known, where the text is one statement.

        Args:
            schemas: Columns of tables by the names that the text uses for them.

        Raises:
            StatementError: BigQuery would refuse the statement.
        """
        if len(self.statements) != 1 or self.kinds[0] not in CHECKED:
            return
        tables = {tuple(name.split(".")): columns_from_rest(s) for name, s in schemas.items()}
        Statement(self.sql, self.file, self.statements[0]).check_partially(tables)

    def error_at(self, reason: str, byte_offset: int) -> StatementError:
        """Make the error about a place in the text: file, line, column and a caret."""
        line, column = Text(self.sql).position(byte_offset)
        return StatementError(SqlError(reason, line, column), self.sql, self.file)

    def _edited(self, project: str, dataset_id: str, *, spelt: bool) -> str:
        edits = []
        for name in self._names:
            path = whole_path(name.path, project, dataset_id)
            if name.is_schema:
                path = (project, *name.path) if len(name.path) == 1 else name.path
            if "" in path:
                raise self.error_at(
                    f"{'.'.join(name.path)} names no dataset: write dataset.{name.path[-1]}, or "
                    "give dataset_id",
                    name.start,
                )
            # `p.d.t` in one pair of quotes is the same as `p`.`d`.`t`.
            if spelt or path != name.path:
                edits.append(Edit(name.start, name.end, quoted_path(path)))
        return EditedText(Text(self.sql), edits).sql

    @cached_property
    def _names(self) -> tuple[_Name, ...]:
        nodes = [node for top in self.statements for node, _ in walk(top)]
        temporary = {path[-1] for node in nodes if (path := _temporary(node))}
        found = {
            name.start: name
            for name in (*self._tables_and_models(), *(n for node in nodes for n in _objects(node)))
            if name.path[0].upper() not in _OWN
            and not (len(name.path) == 1 and name.path[0] in temporary)
        }
        return tuple(found.values())

    def _tables_and_models(self) -> Iterator[_Name]:
        for top in self.statements:
            for found in read_references(top):
                yield _Name(found.path, found.start, found.end)


def _objects(node: Node) -> Iterator[_Name]:
    field: Sequence[str] = _IN_DATASET.get(node.kind, ())
    is_schema = node.kind in _SCHEMA
    if is_schema:
        field = (_SCHEMA[node.kind],)
    elif node.kind == "ASTDropStatement":
        dropped = node.text("schema_object_kind")
        is_schema = dropped == "kSchema"
        field = ("name",) if is_schema or dropped in _DROPPED_IN_DATASET else ()
    elif node.kind in _PRIVILEGES:
        parts = [identifiers(part)[0].upper() for part in node.children("target_type_parts")]
        is_schema = parts == ["SCHEMA"]
        field = ("target_path",) if parts else ()
    if not field:
        return
    below: Node | None = node
    for step in field:
        below = below.child(step) if below is not None else None
    if below is not None:
        yield _Name(dotted_path(below), below.start, below.end, is_schema)


def _temporary(node: Node) -> tuple[str, ...] | None:
    if not node.kind.startswith("ASTCreate") or node.text("scope") != "TEMPORARY":
        return None
    named = node.child("name")
    if named is None:
        declaration = node.child("function_declaration")
        named = declaration.child("name") if declaration else None
    return dotted_path(named) if named else None
