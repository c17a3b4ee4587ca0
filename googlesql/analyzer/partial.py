"""Checking a statement as far as its surroundings are known."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Final, Literal, TypeAlias

from googlesql import suggestion
from googlesql.analyzer.assumption import (
    ASSUMPTIONS,
    UNKNOWN_TYPE,
    Assumption,
    NamedColumns,
    Names,
    names_pseudo_columns,
    read_named_columns,
)
from googlesql.analyzer.prepared import function_name
from googlesql.analyzer.request import Analysis, OutputColumns, Path, Request, Tables
from googlesql.analyzer.resolved import Parameters
from googlesql.edit import Edit, EditedText
from googlesql.errors import (
    NotImplementedHere,
    SqlError,
    TableNotFound,
    UnknownFunction,
    UnknownType,
)
from googlesql.functions import OPEN_RESULTS
from googlesql.module import CrashError
from googlesql.parser import parse_statement
from googlesql.position import Text
from googlesql.reference import ReferenceKind, read_references
from googlesql.schema import Column
from googlesql.statement_kind import statement_kind
from googlesql.table_function import (
    TableFunction,
    common_tables,
    read_table_functions,
    with_entry_name,
)
from googlesql.tree import Node, identifiers, walk

UnknownKind: TypeAlias = Literal["table", "function", "statement"]
_Place: TypeAlias = tuple[str, int | None, int | None]

# What these hold may name columns of the query around it.
_SEES_OUTSIDE: Final = ("ASTExpressionSubquery", "ASTInExpression", "ASTQuantifiedComparison")
_FUNCTIONS_AT_MOST: Final = 50
_TRIES_FOR_COLUMNS: Final = 5
# The names put in place of others begin so.
_OWN_NAME: Final = "zt_"
# Only the names in scope decide on these, whatever types they have.
_NAME_ERROR: Final = re.compile(r"Unrecognized name: |Name .+ not found inside ")
_NOT_INSIDE: Final = re.compile(r"Name (.+) not found inside (.+)")
_SUGGESTION: Final = re.compile(r"; Did you mean .*", re.DOTALL)


@dataclass(frozen=True)
class Unknown:
    """Something in a statement that is not known, so that what hangs on it is not checked.

    Attributes:
        kind: `table`, `function`, or `statement` when ZetaSQL cannot analyse it at all.
        name: Its name as the statement has it, `p.d.t` or `ML.PREDICT`; empty for a statement.
        reason: ZetaSQL's words, with its suggestion.
        start: Byte offset of the first place that names it.
    """

    kind: UnknownKind
    name: str
    reason: str
    start: int


@dataclass(frozen=True)
class PartialAnalysis:
    """What is known of a statement that nothing known makes wrong.

    Attributes:
        statement_kind: BigQuery's `statementType`.
        analysis: The whole analysis; None when something is not known.
        output_columns: Its columns, with an empty type where only the name is known; None when not
            even the names are.
        transform_columns: Likewise, those after TRANSFORM.
        unknown: What is not known, in the order of the text.
    """

    statement_kind: str
    analysis: Analysis | None
    output_columns: tuple[Column, ...] | None
    transform_columns: tuple[Column, ...] | None
    unknown: tuple[Unknown, ...]


def analyze_partially(
    sql: str,
    tables: Tables,
    *,
    parameters: Parameters | None = None,
    output_columns: OutputColumns | None = None,
    tree: Node | None = None,
) -> PartialAnalysis:
    """Check one statement as far as the tables and functions that it names are known.

    Where a table or a function is not known, the statement is analysed with several guesses of
    what it might be. An error is raised only when all of them lead to the same one. Queries that
    read known tables alone are checked by themselves too.

    Args:
        sql: The statement. Places in errors are places in this text.
        tables: See `analyze`; a column may have an empty type when only its name is known.
        parameters: See `analyze`.
        output_columns: See `analyze`; what it does not know is taken as a table of unknown columns.
        tree: See `analyze`.

    Raises:
        SqlError: BigQuery would refuse the statement, whatever is not known; the message is
            Google's.
        ModuleError: ZetaSQL cannot be loaded.
    """
    statement = parse_statement(sql) if tree is None else tree
    return _Partial(Request(tables, parameters, output_columns), sql, statement).analyze()


class _Partial:
    """One statement, its surroundings and what turned out not to be known of them."""

    def __init__(self, request: Request, sql: str, statement: Node) -> None:
        self._sql = sql
        self._text = Text(sql)
        self._statement = statement
        self._kind = statement_kind(statement)
        self._unknown: dict[tuple[str, str], Unknown] = {}
        self._functions: set[Path] = set()
        self._known_columns = request.function_columns
        self._request = replace(request, function_columns=self._columns_of)

    def analyze(self) -> PartialAnalysis:
        try:
            return self._analyzed()
        except SqlError as error:
            raise self._with_suggestion(error) from None

    def _with_suggestion(self, error: SqlError) -> SqlError:
        """Name the nearest column of a table, of which ZetaSQL says only that it is not there."""
        wrong = _NOT_INSIDE.fullmatch(error.reason)
        if wrong is None:
            return error
        columns = [
            column.name
            for reference in read_references(self._statement)
            if (reference.alias or reference.path[-1]).lower() == wrong[2].lower()
            for column in self._request.lookup(reference.path) or ()
        ]
        hint = suggestion.near(wrong[1], columns)
        return type(error)(error.reason + hint, error.line, error.column)

    def _analyzed(self) -> PartialAnalysis:
        if names_pseudo_columns(self._statement):
            return self._guessed()
        try:
            whole = self._request.analyze(self._sql, self._statement)
        except (TableNotFound, UnknownFunction, UnknownType):
            return self._guessed()
        except NotImplementedHere as error:
            return self._beyond(error.reason, error)
        except CrashError as error:
            return self._beyond(str(error))
        output, transform = whole.output_columns, whole.transform_columns
        return PartialAnalysis(self._kind, whole, output, transform, ())

    def _beyond(self, reason: str, error: SqlError | None = None) -> PartialAnalysis:
        start = self._statement.start
        if error is not None and error.line is not None and error.column is not None:
            start = self._text.byte_offset(error.line, error.column)
        unknown = (*self._unknown.values(), Unknown("statement", "", reason, start))
        return PartialAnalysis(self._kind, None, None, None, unknown)

    def _guessed(self) -> PartialAnalysis:
        self._find_tables()
        named = self._named()
        right: dict[Assumption, Analysis] = {}
        errors: dict[_Place, dict[Assumption, SqlError]] = {}
        try:
            for number, assumption in enumerate(ASSUMPTIONS, start=1):
                try:
                    right[assumption] = self._under(assumption, named)
                except NotImplementedHere as error:
                    return self._beyond(error.reason, error)
                except SqlError as error:
                    errors.setdefault(_place(error), {})[assumption] = error
                if _two_that_differ(right) is not None:
                    break
                if (right or not _may_be_certain(errors)) and number >= _TRIES_FOR_COLUMNS:
                    break
        except CrashError as error:
            return self._beyond(str(error))
        if not right:
            _raise_certain(errors)
            self._check_closed_queries()
        output, transform = _agreed(right)
        unknown = tuple(sorted(self._unknown.values(), key=lambda found: found.start))
        return PartialAnalysis(self._kind, None, output, transform, unknown)

    def _under(self, assumption: Assumption, named: NamedColumns) -> Analysis:
        for _ in range(_FUNCTIONS_AT_MOST):
            request = self._request.assuming(assumption, named, frozenset(self._functions))
            try:
                return request.analyze(self._sql, self._statement)
            except UnknownFunction as error:
                self._learn(error)
            except SqlError as error:
                if error.reason.startswith("Syntax error"):
                    # It was parsed: what was put in place of something does not fit there.
                    raise NotImplementedHere(error.reason, error.line, error.column) from None
                raise
        raise NotImplementedHere("the statement calls too many functions that are not known")

    def _learn(self, error: UnknownFunction) -> None:
        """Take the function of an error for one that BigQuery knows."""
        if error.line is None or error.column is None:
            raise NotImplementedHere(error.reason)
        at = self._text.byte_offset(error.line, error.column)
        for node, _ in walk(self._statement):
            path = node.child("function")
            if node.kind == "ASTFunctionCall" and path is not None and path.start == at:
                name = function_name(node)
                if name not in self._functions:
                    self._functions.add(name)
                    if name not in OPEN_RESULTS:
                        written = ".".join(identifiers(path))
                        reason = suggestion.of_function(error.reason, written)
                        self._add(Unknown("function", written, reason, at))
                    return
        raise NotImplementedHere(error.reason, error.line, error.column)

    def _columns_of(
        self, call: TableFunction, inputs: Sequence[Sequence[Column]]
    ) -> Sequence[Column] | None:
        columns = self._known_columns(call, inputs) if self._known_columns else None
        if columns is None:
            # In the query of another call its place is that of a text made of parts.
            calls = read_table_functions(self._statement, self._text, every=True)
            starts = [c.range[0] for c in calls if (c.name, c.model) == (call.name, call.model)]
            reason = f"Table-valued function not found: {call.name}"
            self._add(Unknown("function", call.name, reason, min(starts, default=call.range[0])))
        return columns

    def _find_tables(self) -> None:
        for reference in read_references(self._statement):
            made = reference.is_target and self._statement.kind.startswith(
                ("ASTCreate", "ASTDrop", "ASTAlter")
            )
            if reference.kind is not ReferenceKind.TABLE or made:
                continue
            if self._request.lookup(reference.path) is None:
                name = ".".join(reference.path)
                reason = f"Table not found: {name}{self._request.near(reference.path)}"
                self._add(Unknown("table", name, reason, reference.start))

    def _add(self, unknown: Unknown) -> None:
        self._unknown.setdefault((unknown.kind, unknown.name), unknown)

    def _named(self) -> NamedColumns:
        references = read_references(self._statement)
        known = [c for r in references for c in self._request.lookup(r.path) or ()]
        return read_named_columns(self._statement, references, known)

    def _check_closed_queries(self) -> None:
        """Check by itself each query that sees nothing but tables: no error hides another's."""
        right: list[Node] = []
        for node, above in walk(self._statement):
            outer = any(inside.start <= node.start and node.end <= inside.end for inside in right)
            lateral = any(n.kind in _SEES_OUTSIDE or n.flag("is_lateral") for n in above)
            if (
                node.kind == "ASTQuery"
                and not outer
                and not lateral
                and self._is_right(node, above)
            ):
                right.append(node)

    def _is_right(self, query: Node, above: Sequence[Node]) -> bool:
        """Tell whether all that a query reads is known, and it is right.

        Raises:
            SqlError: The query is wrong.
        """
        entries, recursive = common_tables(query, above)
        if recursive:
            return False
        edits: list[Edit] = []
        at = 0
        for number, entry in enumerate(_needed(query, entries)):
            edits.append(Edit(at, entry.start, ", " if number else "WITH "))
            at = entry.end
        edits.append(Edit(at, query.start, " "))
        edits.append(Edit(query.end, len(self._text.data), ""))
        edited = EditedText(self._text, edits)
        try:
            self._request.analyze(edited.sql)
        except (TableNotFound, UnknownFunction, UnknownType, NotImplementedHere, CrashError):
            return False
        except SqlError as error:
            raise edited.original_error(error) from None
        return True


def _place(error: SqlError) -> _Place:
    """Return what is the same of an error under all guesses."""
    return _SUGGESTION.sub("", error.reason), error.line, error.column


def _may_be_certain(errors: Mapping[_Place, Mapping[Assumption, SqlError]]) -> bool:
    return len(errors) == 1 or any(_NAME_ERROR.match(reason) for reason, _, _ in errors)


def _raise_certain(errors: Mapping[_Place, Mapping[Assumption, SqlError]]) -> None:
    """Raise the error that no guess can do away with, if there is one.

    Raises:
        SqlError: The error, as it is with the fewest names taken for columns.
    """
    for (reason, _, _), under in errors.items():
        names = {assumption.names: error for assumption, error in under.items()}
        by_name = _NAME_ERROR.match(reason) and len(names) == len(Names)
        if (len(errors) == 1 or by_name) and _OWN_NAME not in reason:
            raise names.get(Names.FEW, next(iter(under.values())))


def _needed(query: Node, entries: Sequence[Node]) -> list[Node]:
    """Return the WITH entries that a query reads, itself or through others, in their order."""
    needed: list[Node] = []
    wanted = _names(query)
    for entry in reversed(entries):
        if with_entry_name(entry).lower() in wanted:
            needed.insert(0, entry)
            wanted |= _names(entry)
    return needed


def _names(node: Node) -> set[str]:
    return {n.text("id_string").lower() for n, _ in walk(node) if n.kind == "ASTIdentifier"}


def _two_that_differ(
    right: Mapping[Assumption, Analysis],
) -> tuple[Analysis, Analysis] | None:
    """Return the analyses under two guesses with other columns."""
    for one, two in combinations(right, 2):
        if one.names != two.names:
            return right[one], right[two]
    return None


def _agreed(
    right: Mapping[Assumption, Analysis],
) -> tuple[tuple[Column, ...] | None, tuple[Column, ...] | None]:
    """Return the columns on which two guesses agree, those of a query and those of TRANSFORM."""
    pair = _two_that_differ(right)
    if pair is None:
        return None, None
    one, two = pair
    return (
        _same(one.output_columns, two.output_columns),
        _same(one.transform_columns, two.transform_columns),
    )


def _same(one: Sequence[Column], two: Sequence[Column]) -> tuple[Column, ...] | None:
    if [column.name for column in one] != [column.name for column in two]:
        return None
    return tuple(
        column if column == other else Column(column.name, UNKNOWN_TYPE)
        for column, other in zip(one, two, strict=True)
    )
