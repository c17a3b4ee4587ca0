"""Type-checking statements with ZetaSQL's analyser against declared tables."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeAlias

from googlesql import module
from googlesql.catalog import CONNECTION, CatalogTable, catalog
from googlesql.edit import Edit, EditedText
from googlesql.errors import SqlError, TableNotFound, UnknownFunction
from googlesql.language import ONE_LINE_MESSAGES, language_options
from googlesql.literal import quoted
from googlesql.parser import parse_statement
from googlesql.position import Text
from googlesql.reference import Reference, ReferenceKind, read_references
from googlesql.schema import Column, fill_type_proto, parse_type, type_from_proto
from googlesql.statement_kind import statement_kind
from googlesql.table_function import TableFunction, read_table_functions
from googlesql.tree import Node, walk

if TYPE_CHECKING:
    from google.protobuf.message import Message
    from zetasql.wasi._pb2.zetasql.proto.options_pb2 import AnalyzerOptionsProto

Path: TypeAlias = tuple[str, ...]
Tables: TypeAlias = Mapping[Path, Sequence[Column]] | Callable[[Path], Sequence[Column] | None]
Parameters: TypeAlias = Mapping[str, str] | Sequence[str]
OutputColumns: TypeAlias = Callable[
    [TableFunction, Sequence[Sequence[Column]]], Sequence[Column] | None
]

_UNKNOWN_FUNCTION: Final = re.compile(r"(?:Table-valued function|Function) not found: ")
# Options of ZetaSQL's analyser, `ParameterMode`.
_POSITIONAL: Final = 1
_SYSTEM_VARIABLES: Final = {
    "project_id": "STRING",
    "dataset_id": "STRING",
    "dataset_project_id": "STRING",
    "time_zone": "STRING",
    "query_label": "STRING",
    "row_count": "INT64",
    "last_job_id": "STRING",
    "error.message": "STRING",
    "error.statement_text": "STRING",
}
# The rest turns PIVOT, UNPIVOT, pipes, QUALIFY and the like into plain SELECT.
_NOT_REWRITTEN: Final = ("INVALID", "ANONYMIZATION", "THRESHOLD", "INLINE_SQL", "TEST", "MEASURE")


@dataclass(frozen=True)
class Analysis:
    """What ZetaSQL knows of a correct statement.

    Attributes:
        statement_kind: BigQuery's `statementType`: `SELECT`, `CREATE_MODEL`, `INSERT` and so on.
        output_columns: The columns of a query, or of the query a CREATE statement stores; for
            CREATE MODEL those of its training query. Empty for a statement without one.
        transform_columns: The columns after TRANSFORM of a CREATE MODEL; empty without the clause.
        referenced_tables: The tables that are read or changed, once each, in their order; a table
            that the statement makes is not among them.
    """

    statement_kind: str
    output_columns: tuple[Column, ...]
    transform_columns: tuple[Column, ...]
    referenced_tables: tuple[Path, ...]
    _build: Callable[[], str] = field(repr=False, compare=False)

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
) -> Analysis:
    """Check one statement: names, types and functions, as BigQuery would before it runs.

    Args:
        sql: The statement. Places in errors are places in this text.
        tables: The columns of each table by the parts of its name as the statement writes them,
            `("departures",)` or `("p", "d", "departures")`; or a function that gives them, None
            for a table that is not there.
        parameters: Types by names without the at sign, or a list of types for question marks.
            Left out, any named parameter is allowed and its type inferred.
        output_columns: Gives the columns that a table function such as ML.PREDICT answers, from
            the call and the columns of its tables; None when it does not know. Left out, none is
            known, and a statement that calls one raises `UnknownFunction`.

    Raises:
        TableNotFound: The statement names a table that `tables` does not know.
        UnknownFunction: ZetaSQL does not know a function; BigQuery may.
        SqlError: BigQuery would refuse the statement; the message is Google's.
        CrashError: ZetaSQL crashed on the statement.
        ModuleError: ZetaSQL cannot be loaded.
    """
    return _Request(tables, parameters, output_columns).analyze(sql)


@dataclass(frozen=True)
class _Request:
    """What stays the same for a statement and the queries handed to its table functions."""

    tables: Tables
    parameters: Parameters | None
    function_columns: OutputColumns | None

    def analyze(self, sql: str) -> Analysis:
        statement = parse_statement(sql)
        text = Text(sql)
        prepared = _Prepared(self, statement, text)
        edited = EditedText(text, prepared.edits)
        entries = [CatalogTable(token, columns) for token, columns in prepared.columns.items()]
        try:
            resolved = self._resolve(edited.sql, entries, rewritten=False)
        except SqlError as error:
            raise edited.original_error(error) from None

        def build() -> str:
            try:
                rewritten = self._resolve(edited.sql, entries, rewritten=True)
            except SqlError as error:
                raise edited.original_error(error) from None
            _name_columns(_unwrapped(rewritten))
            return _with_names(_build_sql(rewritten, entries), prepared.names)

        create = _unwrapped(resolved)
        _name_columns(create)
        return Analysis(
            statement_kind(statement),
            _columns(create, "output_column_list"),
            _columns(create, "transform_output_column_list"),
            tuple(dict.fromkeys(prepared.read)),
            build,
        )

    def lookup(self, path: Path) -> Sequence[Column] | None:
        return self.tables(path) if callable(self.tables) else self.tables.get(path)

    def near(self, path: Path) -> str:
        """Return ZetaSQL's way to suggest a table of nearly the same name."""
        if callable(self.tables):
            return ""
        names = {".".join(known): known for known in self.tables}
        close = get_close_matches(".".join(path), names, n=1, cutoff=0.8)
        return f"; Did you mean {close[0]}?" if close else ""

    def _resolve(self, sql: str, entries: Sequence[CatalogTable], *, rewritten: bool) -> "Message":
        from zetasql.wasi._pb2.zetasql.local_service.local_service_pb2 import (
            AnalyzeRequest,
            AnalyzeResponse,
        )

        request = AnalyzeRequest(sql_statement=sql, options=self._options(rewritten=rewritten))
        request.descriptor_pool_list.definitions.add().builtin.SetInParent()
        known = catalog(entries)
        try:
            return module.call(
                "Analyze", request, AnalyzeResponse, catalog=known
            ).resolved_statement
        except module.StatusError as error:
            _refuse(error.message)

    def _options(self, *, rewritten: bool) -> "AnalyzerOptionsProto":
        from zetasql.wasi._pb2.zetasql.proto.options_pb2 import AnalyzerOptionsProto

        options = AnalyzerOptionsProto(
            language_options=language_options(),
            error_message_mode=ONE_LINE_MESSAGES,
            default_timezone="UTC",
            preserve_column_aliases=True,
            allow_undeclared_parameters=self.parameters is None,
        )
        for name, type_ in _SYSTEM_VARIABLES.items():
            variable = options.system_variables.add(name_path=name.split("."))
            fill_type_proto(parse_type(type_), variable.type)
        if isinstance(self.parameters, Mapping):
            for name, type_ in self.parameters.items():
                parameter = options.query_parameters.add(name=name.lower())
                fill_type_proto(parse_type(type_), parameter.type)
        elif self.parameters is not None:
            options.parameter_mode = _POSITIONAL
            for type_ in self.parameters:
                fill_type_proto(parse_type(type_), options.positional_query_parameters.add())
        if rewritten:
            rewrites = options.DESCRIPTOR.fields_by_name["enabled_rewrites"].enum_type
            options.enabled_rewrites.extend(
                value.number
                for value in rewrites.values
                if not any(word in value.name for word in _NOT_REWRITTEN)
            )
        return options


class _Prepared:
    """A statement made ready for ZetaSQL: names of tables and calls turned into plain tokens.

    BigQuery knows a table quoted as a whole, `` `p.d.t` ``, by its last part, and a table function
    answers columns that depend on its model; ZetaSQL's catalog can hold neither.

    Attributes:
        edits: What to put in place of which bytes.
        columns: The columns of each token.
        names: What each token stands for, as SQL.
        read: The tables that are read or changed.
    """

    def __init__(self, request: _Request, statement: Node, text: Text) -> None:
        self._request = request
        self._text = text
        self.edits: list[Edit] = []
        self.columns: dict[str, Sequence[Column]] = {}
        self.names: dict[str, str] = {}
        self.read: list[Path] = []
        self._tokens: dict[Path, str] = {}
        calls = list(_outermost(read_table_functions(statement, text)))
        for call in calls:
            self._call(call)
        for reference in read_references(statement):
            inside = any(c.range[0] <= reference.start < c.range[1] for c in calls)
            if reference.kind is ReferenceKind.TABLE and not inside:
                self._table(reference, statement)
        self._connection(statement)

    def _table(self, reference: Reference, statement: Node) -> None:
        if reference.is_target and statement.kind.startswith(("ASTCreate", "ASTDrop", "ASTAlter")):
            return
        path = reference.path
        if path not in self._tokens:
            columns = self._request.lookup(path)
            if columns is None:
                place = self._text.position(reference.start)
                reason = f"Table not found: {'.'.join(path)}{self._request.near(path)}"
                raise TableNotFound(reason, *place)
            token = self._token()
            self._tokens[path] = token
            self.columns[token] = columns
            self.names[token] = quoted(".".join(path))
        self.read.append(path)
        token = self._tokens[path]
        alias = quoted(path[-1])
        new = f"{token} AS {alias}" if reference.takes_alias and not reference.alias else token
        self.edits.append(Edit(reference.start, reference.end, new))

    def _token(self) -> str:
        return f"zt_{len(self.columns) + 1}"

    def _call(self, call: TableFunction) -> None:
        inputs = [self._input_columns(call, index) for index in range(len(call.tables))]
        known = self._request.function_columns
        columns = known(call, inputs) if known is not None else None
        if columns is None:
            place = self._text.position(call.range[0])
            raise UnknownFunction(f"Table-valued function not found: {call.name}", *place)
        token = self._token()
        self.columns[token] = columns
        self.names[token] = self._text.slice(*call.range)
        self.edits.append(Edit(*call.range, token))

    def _input_columns(self, call: TableFunction, index: int) -> Sequence[Column]:
        """Analyse a query handed to a table function, with the WITH entries it can name."""
        argument = call.tables[index]
        start, end = argument.query_range
        clause = f"WITH {'RECURSIVE ' if call.recursive else ''}"
        edits: list[Edit] = []
        at = 0
        for number, (entry_start, entry_end) in enumerate(call.common_table_ranges):
            edits.append(Edit(at, entry_start, ", " if number else clause))
            at = entry_end
        # `TABLE t` and a nested call are no queries of their own.
        edits.append(Edit(at, start, " SELECT * FROM " if argument.is_name else " "))
        edits.append(Edit(end, len(self._text.data), ""))
        edited = EditedText(self._text, edits)
        try:
            analysis = self._request.analyze(edited.sql)
        except SqlError as error:
            raise edited.original_error(error) from None
        self.read.extend(analysis.referenced_tables)
        return analysis.output_columns

    def _connection(self, statement: Node) -> None:
        clause = statement.child("with_connection_clause")
        inner = clause and clause.child("connection_clause")
        path = inner and inner.child("connection_path")
        if path is not None:
            self.edits.append(Edit(path.start, path.end, CONNECTION))
            self.names[CONNECTION] = self._text.slice(path.start, path.end)


def _outermost(calls: Sequence[TableFunction]) -> Iterator[TableFunction]:
    for call in calls:
        if not any(
            other is not call
            and other.range[0] <= call.range[0]
            and call.range[1] <= other.range[1]
            for other in calls
        ):
            yield call


def _refuse(message: str) -> NoReturn:
    error = SqlError.from_zetasql(message)
    kind = UnknownFunction if _UNKNOWN_FUNCTION.match(message) else SqlError
    raise kind(error.reason, error.line, error.column) from None


def _unwrapped(message: Any) -> Any:
    """Return the statement inside the choices that `AnyResolvedStatementProto` nests."""
    while message.DESCRIPTOR.name.startswith("AnyResolved"):
        fields = message.ListFields()
        if len(fields) != 1:
            return message
        message = fields[0][1]
    return message


def _columns(statement: Any, field_name: str) -> tuple[Column, ...]:
    if field_name not in statement.DESCRIPTOR.fields_by_name:
        parent = getattr(statement, "parent", None)
        return () if parent is None else _columns(parent, field_name)
    return tuple(
        Column(output.name, str(type_from_proto(output.column.type)))
        for output in getattr(statement, field_name)
    )


def _name_columns(query: Any) -> None:
    """Name a query's columns without a name as BigQuery does: f0_, f1_ and so on."""
    if query.DESCRIPTOR.name != "ResolvedQueryStmtProto":
        return
    anonymous = (o for o in query.output_column_list if o.name.startswith("$"))
    for number, output in enumerate(anonymous):
        output.name = f"f{number}_"


def _build_sql(resolved: "Message", entries: Sequence[CatalogTable]) -> str:
    from zetasql.wasi._pb2.zetasql.local_service.local_service_pb2 import (
        BuildSqlRequest,
        BuildSqlResponse,
    )

    request = BuildSqlRequest(resolved_statement=resolved)
    request.descriptor_pool_list.definitions.add().builtin.SetInParent()
    try:
        return str(module.call("BuildSql", request, BuildSqlResponse, catalog=catalog(entries)).sql)
    except module.StatusError as error:
        _refuse(error.message)


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
