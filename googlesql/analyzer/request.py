"""Type-checking statements with ZetaSQL's analyser against declared tables."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import cached_property
from itertools import chain
from typing import Final, TypeAlias

from googlesql.analyzer.assumption import UNKNOWN_TYPE, Assumption, NamedColumns
from googlesql.analyzer.lineage import certain_columns, scanned_columns
from googlesql.analyzer.prepared import Prepared
from googlesql.analyzer.resolved import (
    Parameters,
    build_sql,
    columns,
    defined_columns,
    name_columns,
    resolve,
    unwrapped,
)
from googlesql.catalog import CONNECTION, BuiltCatalog, CatalogTable, TableSet, catalog
from googlesql.edit import Edit, EditedText
from googlesql.errors import SqlError
from googlesql.parser import parse_statement
from googlesql.position import Text
from googlesql.reference import ReferenceKind, read_references
from googlesql.schema import Column
from googlesql.statement_kind import statement_kind
from googlesql.table_function import TableFunction
from googlesql.tree import Node, walk

Path: TypeAlias = tuple[str, ...]
Tables: TypeAlias = (
    Mapping[Path, Sequence[Column]] | Callable[[Path], Sequence[Column] | None] | TableSet
)
_TOKEN: Final = re.compile(r"\bzt_(?:shared_)?\d+\b")
OutputColumns: TypeAlias = Callable[
    [TableFunction, Sequence[Sequence[Column]]], Sequence[Column] | None
]


@dataclass(frozen=True)
class Analysis:
    """What ZetaSQL knows of a correct statement.

    Attributes:
        statement_kind: BigQuery's `statementType`: `SELECT`, `CREATE_MODEL`, `INSERT` and so on.
        output_columns: The columns of a query, or of the query a CREATE statement stores; for
            CREATE MODEL those of its training query. Empty for a statement without one.
        transform_columns: The columns after TRANSFORM of a CREATE MODEL; empty without the clause.
        defined_columns: The columns that a CREATE TABLE or CREATE VIEW lists by name; empty when
            its query alone says them.
        referenced_tables: The tables that are read or changed, once each, in their order; a table
            that the statement makes is not among them.
    """

    statement_kind: str
    output_columns: tuple[Column, ...]
    transform_columns: tuple[Column, ...]
    defined_columns: tuple[Column, ...]
    referenced_tables: tuple[Path, ...]
    _build: Callable[[], str] = field(repr=False, compare=False)
    _read: Callable[[], Mapping[Path, frozenset[str] | None]] = field(repr=False, compare=False)

    @cached_property
    def read_columns(self) -> Mapping[Path, frozenset[str] | None]:
        """Names of the columns, in lower case, that are read of each table.

        None stands for every column: of a table that the statement changes.
        """
        return self._read()

    @cached_property
    def canonical_sql(self) -> str:
        """The statement as ZetaSQL writes it: resolved, desugared, casts and names spelt out.

        Raises:
            SqlError: ZetaSQL cannot write this statement.
            CrashError: ZetaSQL crashes on it.
        """
        return self._build()


def analyze(
    sql: str,
    tables: Tables,
    *,
    parameters: Parameters | None = None,
    output_columns: OutputColumns | None = None,
    tree: Node | None = None,
) -> Analysis:
    """Check one statement: names, types and functions, as BigQuery would before it runs.

    Args:
        sql: The statement. Places in errors are places in this text.
        tables: The columns of each table by the parts of its name as the statement writes them,
            `("departures",)` or `("p", "d", "departures")`; or a function that gives them, None
            for a table that is not there; or a `TableSet`, for many statements on the same tables.
        parameters: Types by names without the at sign, or a list of types for question marks.
            Left out, any named parameter is allowed and its type inferred.
        output_columns: Gives the columns that a table function such as ML.PREDICT answers, from
            the call and the columns of its tables; None when it does not know. Left out, none is
            known, and a statement that calls one raises `UnknownFunction`.
        tree: Its syntax tree, when it has been parsed before. Left out, it is parsed.

    Raises:
        TableNotFound: The statement names a table that `tables` does not know.
        UnknownFunction: ZetaSQL does not know a function; BigQuery may.
        NotImplementedHere: ZetaSQL cannot analyse the statement; BigQuery may.
        SqlError: BigQuery would refuse the statement; the message is Google's.
        CrashError: ZetaSQL crashed on the statement.
        ModuleError: ZetaSQL cannot be loaded.
    """
    return Request(tables, parameters, output_columns).analyze(sql, tree)


@dataclass(frozen=True)
class Request:
    """What stays the same for a statement and the queries handed to its table functions.

    Attributes:
        tables: See `analyze`.
        parameters: See `analyze`.
        function_columns: `output_columns` of `analyze`.
        assumption: What to take for whatever is not known; None to raise instead.
        named: The names that may be columns of undeclared tables; None without an assumption.
        functions: Functions to take for known: their names in parts, in lower case.
    """

    tables: Tables
    parameters: Parameters | None
    function_columns: OutputColumns | None
    assumption: Assumption | None = None
    named: NamedColumns | None = None
    functions: Collection[Path] = ()

    def assuming(
        self, assumption: Assumption, named: NamedColumns, functions: Collection[Path]
    ) -> "Request":
        """Return the same request that takes unknown things as the assumption has them."""
        return replace(self, assumption=assumption, named=named, functions=functions)

    def analyze(self, sql: str, tree: Node | None = None) -> Analysis:
        """Analyse one statement; see `analyze`."""
        statement = parse_statement(sql) if tree is None else tree
        text = Text(sql)
        prepared = Prepared(self, statement, text)
        edited = EditedText(text, prepared.edits)
        built = self._catalog(prepared)
        try:
            resolved = resolve(edited.sql, built, self.parameters, rewritten=False)
        except SqlError as error:
            raise edited.original_error(_in_own_names(error, prepared.names)) from None

        def build() -> str:
            try:
                rewritten = resolve(edited.sql, built, self.parameters, rewritten=True)
            except SqlError as error:
                raise edited.original_error(error) from None
            name_columns(unwrapped(rewritten))
            return _with_names(build_sql(rewritten, built), prepared.names)

        def read() -> Mapping[Path, frozenset[str] | None]:
            found: dict[Path, frozenset[str] | None] = dict.fromkeys(prepared.read, frozenset())
            scanned = [(prepared.path(t), names) for t, names in scanned_columns(resolved).items()]
            every = [scanned, *(analysis.read_columns.items() for analysis in prepared.inputs)]
            for path, names in chain.from_iterable(every):
                if path is None:
                    continue
                before = found.get(path, frozenset())
                found[path] = None if names is None or before is None else before | names
            return {**found, **dict.fromkeys(prepared.changed)}

        create = unwrapped(resolved)
        name_columns(create)
        certain = None
        if self.assumption is not None:
            certain = certain_columns(create, prepared.certain)
        return Analysis(
            statement_kind(statement),
            columns(create, "output_column_list", certain),
            columns(create, "transform_output_column_list", certain),
            defined_columns(create),
            tuple(dict.fromkeys(prepared.read)),
            build,
            read,
        )

    def lookup(self, path: Path) -> Sequence[Column] | None:
        """Return a table's columns; None when it is not known."""
        if isinstance(self.tables, TableSet):
            return self.tables.tables.get(path)
        return self.tables(path) if callable(self.tables) else self.tables.get(path)

    def token(self, path: Path) -> str | None:
        """Return the name that the catalog of many statements has for a table."""
        return self.tables.tokens.get(path) if isinstance(self.tables, TableSet) else None

    def near(self, path: Path) -> str:
        """Return ZetaSQL's way to suggest a table of nearly the same name."""
        if callable(self.tables):
            return ""
        tables = self.tables.tables if isinstance(self.tables, TableSet) else self.tables
        names = {".".join(known): known for known in tables}
        close = get_close_matches(".".join(path), names, n=1, cutoff=0.8)
        return f"; Did you mean {close[0]}?" if close else ""

    def _catalog(self, prepared: Prepared) -> BuiltCatalog:
        if isinstance(self.tables, TableSet) and prepared.is_shared:
            return self.tables.catalog
        entries = [CatalogTable(token, known) for token, known in prepared.columns.items()]
        return catalog(entries, prepared.functions)


def _in_own_names(error: SqlError, names: Mapping[str, str]) -> SqlError:
    """Return an error with the names that the statement has, for those put in their place."""
    reason = _TOKEN.sub(lambda found: names.get(found[0], found[0]).replace("`", ""), error.reason)
    return type(error)(reason, error.line, error.column)


def typed(columns_: Sequence[Column], assumption: Assumption | None) -> Sequence[Column]:
    """Give the columns without a known type that of the assumption."""
    if assumption is None:
        return columns_
    return [
        replace(c, type=assumption.type, mode="NULLABLE") if c.type == UNKNOWN_TYPE else c
        for c in columns_
    ]


def _with_names(sql: str, names: Mapping[str, str]) -> str:
    """Put the names of tables and of the connection, and the calls, back for their tokens."""
    statement = parse_statement(sql)
    edits = [
        Edit(node.start, node.end, names[CONNECTION])
        for node, above in walk(statement)
        if CONNECTION in names and above and above[-1].kind == "ASTConnectionClause"
    ]
    for reference in read_references(statement):
        token = reference.path[-1]
        if reference.kind is not ReferenceKind.TABLE or token not in names:
            continue
        new = names[token]
        if reference.takes_alias and not reference.alias:
            new = f"{new} AS {token}"
        edits.append(Edit(reference.start, reference.end, new))
    return EditedText(Text(sql), edits).sql
