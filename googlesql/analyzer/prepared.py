"""Statements made ready for ZetaSQL: names of tables and calls turned into plain tokens."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from googlesql.analyzer.assumption import UNKNOWN_TYPE, OpenColumns
from googlesql.analyzer.lineage import ASSUMED_FUNCTION
from googlesql.catalog import CONNECTION
from googlesql.edit import Edit, EditedText
from googlesql.errors import SqlError, TableNotFound, UnknownFunction, UnknownType
from googlesql.functions import OPEN_RESULTS, AssumedFunction
from googlesql.literal import quoted
from googlesql.position import Text
from googlesql.reference import Reference, ReferenceKind, read_references
from googlesql.schema import Column
from googlesql.table_function import TableFunction, read_table_functions
from googlesql.tree import Node, identifiers, walk

if TYPE_CHECKING:
    from googlesql.analyzer.request import Analysis, Request

Path: TypeAlias = tuple[str, ...]

_NO_VALUE: Final = ("ASTStar", "ASTLambda")


class Prepared:
    """One statement made ready.

    BigQuery knows a table quoted as a whole, `` `p.d.t` ``, by its last part, and a table function
    answers columns that depend on its model; ZetaSQL's catalog can hold neither.

    Attributes:
        edits: What to put in place of which bytes.
        columns: The columns of each token.
        names: What each token stands for, as SQL.
        read: The tables that are read or changed.
        changed: Those of them that UPDATE, DELETE, MERGE and the like change.
        inputs: What is known of the queries handed to table functions.
        functions: The functions that stand for those that are not known.
        certain: Names of the columns of each token whose types are known, in lower case.
        is_shared: Whether every token is one of the request's own set of tables.
    """

    def __init__(self, request: "Request", statement: Node, text: Text) -> None:
        self._request = request
        self._text = text
        self.edits: list[Edit] = []
        self.columns: dict[str, Sequence[Column]] = {}
        self.names: dict[str, str] = {}
        self.read: list[Path] = []
        self.changed: set[Path] = set()
        self.inputs: list[Analysis] = []
        self.functions: list[AssumedFunction] = []
        self.certain: dict[str, frozenset[str]] = {}
        self.is_shared = True
        self._tokens: dict[Path, str] = {}
        every = request.assumption is not None
        calls = list(_outermost(read_table_functions(statement, text, every=every)))
        for call in calls:
            self._call(call)
        for reference in read_references(statement):
            if reference.kind is ReferenceKind.TABLE and not _is_inside(reference.start, calls):
                self._table(reference, statement)
        self._connection(statement)
        if request.functions:
            self._functions(statement, calls)

    def path(self, token: str) -> Path | None:
        """The table that a token stands for; None for a call."""
        return next((path for path, known in self._tokens.items() if known == token), None)

    def _table(self, reference: Reference, statement: Node) -> None:
        if reference.is_target and statement.kind.startswith(("ASTCreate", "ASTDrop", "ASTAlter")):
            return
        path = reference.path
        if path not in self._tokens:
            columns, certain = self._columns(reference)
            token = self._request.token(path)
            if token is None:
                self.is_shared = False
                token = self._token()
            self._tokens[path] = token
            self.columns[token], self.certain[token] = columns, certain
            self.names[token] = quoted(".".join(path))
        self.read.append(path)
        if reference.is_target:
            self.changed.add(path)
        token = self._tokens[path]
        alias = quoted(path[-1])
        new = f"{token} AS {alias}" if reference.takes_alias and not reference.alias else token
        self.edits.append(Edit(reference.start, reference.end, new))

    def _columns(self, reference: Reference) -> tuple[Sequence[Column], frozenset[str]]:
        from googlesql.analyzer.request import typed

        path, request = reference.path, self._request
        known = request.lookup(path)
        if known is not None and request.assumption is None:
            self._refuse_unknown_types(known, ".".join(path), reference.start)
            return known, _certain(known)
        if request.assumption is None or request.named is None:
            place = self._text.position(reference.start)
            reason = f"Table not found: {'.'.join(path)}{request.near(path)}"
            raise TableNotFound(reason, *place)
        if known is not None:
            pseudo = request.named.pseudo_columns(path, known, request.assumption)
            self.is_shared = self.is_shared and not pseudo
            return [*typed(known, request.assumption), *pseudo], _certain([*known, *pseudo])
        called = request.named.aliases.get(path, frozenset())
        guessed = request.named.columns(called, request.assumption, len(self.columns))
        return guessed, frozenset()

    def _refuse_unknown_types(self, columns: Sequence[Column], name: str, start: int) -> None:
        for column in columns:
            if column.type == UNKNOWN_TYPE:
                place = self._text.position(start)
                raise UnknownType(f"the type of {name}.{column.name} is not known", *place)

    def _token(self) -> str:
        return f"zt_{len(self.columns) + 1}"

    def _call(self, call: TableFunction) -> None:
        from googlesql.analyzer.request import typed

        request = self._request
        inputs = [self._input_columns(call, index) for index in range(len(call.tables))]
        known = request.function_columns(call, inputs) if request.function_columns else None
        is_open = isinstance(known, OpenColumns)
        if known is not None and not is_open:
            if request.assumption is None:
                self._refuse_unknown_types(known, call.name, call.range[0])
            columns = typed(known, request.assumption)
            certain = _certain(known)
        elif request.assumption is not None and request.named is not None:
            called = frozenset({call.alias.lower()} if call.alias else ())
            guessed = request.named.columns(called, request.assumption, len(self.columns))
            there = typed(known or (), request.assumption)
            names = {column.name.lower() for column in there}
            certain = _certain(known or ())
            columns = [*there, *(c for c in guessed if c.name.lower() not in names)]
        else:
            place = self._text.position(call.range[0])
            raise UnknownFunction(f"Table-valued function not found: {call.name}", *place)
        self.is_shared = False
        token = self._token()
        self.columns[token], self.certain[token] = columns, certain
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
        self.inputs.append(analysis)
        return analysis.output_columns

    def _connection(self, statement: Node) -> None:
        clause = statement.child("with_connection_clause")
        inner = clause and clause.child("connection_clause")
        path = inner and inner.child("connection_path")
        if path is not None:
            self.edits.append(Edit(path.start, path.end, CONNECTION))
            self.names[CONNECTION] = self._text.slice(path.start, path.end)

    def _functions(self, statement: Node, calls: Sequence[TableFunction]) -> None:
        """Put functions that take anything in the place of those that are not known."""
        tokens: dict[Path, str] = {}
        for node, above in walk(statement):
            path = node.child("function")
            if node.kind != "ASTFunctionCall" or path is None or _is_inside(node.start, calls):
                continue
            name = function_name(node)
            if name not in self._request.functions:
                continue
            if name not in tokens:
                token = "zt_open_" if name in OPEN_RESULTS else ASSUMED_FUNCTION
                tokens[name] = f"{token}{len(tokens) + 1}"
                over = bool(above) and above[-1].kind == "ASTAnalyticFunctionCall"
                self._assume(name, tokens[name], over=over)
            self.edits.append(Edit(path.start, path.end, tokens[name]))
            for argument in node.children("arguments"):
                self._argument(argument)

    def _assume(self, name: Path, token: str, *, over: bool) -> None:
        assumption = self._request.assumption
        assert assumption is not None, "functions are assumed with an assumption only"
        mode: Literal["scalar", "aggregate"] = "aggregate" if over else assumption.mode
        if name in OPEN_RESULTS:
            mode = "scalar"
        returns = OPEN_RESULTS.get(name, assumption.type)
        self.functions.append(AssumedFunction(token, mode, returns))
        self.is_shared = False

    def _argument(self, argument: Node) -> None:
        value = argument
        if argument.kind == "ASTNamedArgument":
            inner = argument.child("expr")
            assert inner is not None, "the grammar gives a named argument its value"
            self.edits.append(Edit(argument.start, inner.start, ""))
            value = inner
        # A bare name may be a date part, and a lambda needs a signature that says so.
        bare = value.kind == "ASTPathExpression" and len(identifiers(value)) == 1
        if bare or value.kind in _NO_VALUE:
            self.edits.append(Edit(value.start, value.end, "NULL"))


def _certain(columns: Sequence[Column]) -> frozenset[str]:
    return frozenset(c.name.lower() for c in columns if c.type != UNKNOWN_TYPE)


def function_name(call: Node) -> Path:
    """Return the name of a function as it is compared: in lower case, without SAFE."""
    name = tuple(part.lower() for part in identifiers(call.child("function")))
    return name[1:] if len(name) > 1 and name[0] == "safe" else name


def _is_inside(start: int, calls: Sequence[TableFunction]) -> bool:
    return any(call.range[0] <= start < call.range[1] for call in calls)


def _outermost(calls: Sequence[TableFunction]) -> Iterator[TableFunction]:
    for call in calls:
        if not any(
            other is not call
            and other.range[0] <= call.range[0]
            and call.range[1] <= other.range[1]
            for other in calls
        ):
            yield call
