"""ML.* functions inside expressions: found, and replaced by plain SQL, the innermost first."""

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa
from local_bigquery.errors import BigQueryError
from local_bigquery.sql.script import Interpreter

from googlesql import parser
from googlesql.constant import Constant, Expression, read_constant
from googlesql.edit import Edit, EditedText
from googlesql.errors import SqlError
from googlesql.position import Text
from googlesql.table_function import common_tables
from googlesql.tree import Node, byte_range, identifiers, walk
from localcloud.bigquery import job, preprocessing, query

_UNNAMED = "_field_"
"""How the names begin that fields without one have in results."""


@dataclass(frozen=True)
class Call:
    """One call.

    Attributes:
        name: The function in upper case, `ML.BUCKETIZE`.
        arguments: Its arguments.
        window: What follows OVER; None without it.
        distinct: Whether DISTINCT comes before its arguments.
        above: The nodes above it, the outermost first.
        text: What it was parsed from.
    """

    name: str
    arguments: tuple[Node, ...]
    window: Node | None
    distinct: bool
    above: tuple[Node, ...]
    text: Text

    @property
    def first(self) -> str:
        """The first argument as written."""
        return self.written(self.arguments[0])

    def written(self, node: Node) -> str:
        """The text of a node."""
        return self.text.slice(node.start, node.end)


Source = Callable[[Call, str], str]
"""Gives a query with one column `x`: an expression on each row that a call is computed for."""


def replaced(sql: str, plain: Callable[[Call], str]) -> str:
    """The statement with each ML or AI function of an expression replaced.

    Args:
        sql: A statement.
        plain: Gives the SQL to put in a call's place; may raise.

    Raises:
        SqlError: The text is no statement, or `plain` refuses a call, with its place in `sql`.
        BigQueryError: Something is not implemented.
    """
    edits: list[EditedText] = []
    while True:
        text = Text(sql)
        calls = [
            (len(above), node, above)
            for node, above in walk(parser.parse_statement(sql))
            if node.kind == "ASTFunctionCall" and _name(node).startswith(("ML.", "AI."))
        ]
        if not calls:
            return sql
        _, node, above = max(calls, key=lambda found: found[0])
        is_over = above[-1].kind == "ASTAnalyticFunctionCall"
        whole = above[-1] if is_over else node
        window = above[-1].child("window_spec") if is_over else None
        try:
            distinct = node.flag("distinct")
            arguments = node.children("arguments")
            new = plain(Call(_name(node), arguments, window, distinct, above, text))
        except BigQueryError as error:
            if error.reason != "invalidQuery":
                raise
            raise _placed(SqlError(error.message), text, whole, edits) from error
        edits.append(EditedText(text, [Edit(whole.start, whole.end, new)]))
        sql = edits[-1].sql


def plain(interpreter: Interpreter, call: Call, source: Source) -> str:
    """A call as plain SQL.

    Args:
        interpreter: The statement.
        call: The call.
        source: Gives the rows that it is computed for.

    Raises:
        BigQueryError: It is wrong (`invalidQuery`), or not implemented.
    """
    name = call.name
    if name == preprocessing.DISTANCE:
        return _distance(interpreter, call, source)
    if name not in preprocessing.ANALYTIC and name not in preprocessing.SCALAR:
        known = [*preprocessing.ANALYTIC, *preprocessing.SCALAR, preprocessing.DISTANCE]
        raise BigQueryError(
            "notImplemented",
            f"{name} is not implemented on the local cloud; implemented are "
            f"{', '.join(sorted(known))}.",
        )
    is_analytic = name in preprocessing.ANALYTIC
    if (call.window is not None) != is_analytic or not call.arguments:
        form = f"{name}(x, ...) OVER()" if is_analytic else f"{name}(x, ...)"
        raise BigQueryError("invalidQuery", f"{name} is written {form}.")
    arguments = [_constant(interpreter, call, place) for place in range(1, len(call.arguments))]
    if call.window is None:
        return preprocessing.SCALAR[name](call.first, arguments)
    if call.window.fields:
        raise BigQueryError("invalidQuery", f"{name} takes an empty OVER() only.")
    table = query.temporary_table(interpreter, _rows(interpreter, call, source))
    try:
        fit = preprocessing.Fit(interpreter.cursor, f'temp.main."{table}"')
        sql = preprocessing.ANALYTIC[name](fit, call.first, arguments)
    finally:
        query.drop(interpreter, table)
    if any(node.kind == "ASTQualify" for node in call.above):
        # DuckDB wants a window function in QUALIFY.
        return f"IF(COUNT(*) OVER () > 0, {sql}, NULL)"
    return sql


def of_query(call: Call, expression: str) -> str:
    """The rows of a call outside TRANSFORM: those of the SELECT that it stands in.

    They are read once to learn from and once for the result.
    """
    select = _select(call)
    entries, recursive = common_tables(call.arguments[0], call.above)
    clause = ", ".join(call.text.slice(*byte_range(entry)) for entry in entries)
    with_clause = f"WITH {'RECURSIVE ' if recursive else ''}{clause} " if clause else ""
    if select is None:
        return f"{with_clause}SELECT {expression} AS x"
    clauses = " ".join(
        call.written(part)
        for part in (
            select.child(name) for name in ("from_clause", "where_clause", "group_by", "having")
        )
        if part is not None
    )
    if select.child("group_by") is None:
        return f"{with_clause}SELECT {expression} AS x {clauses}"
    # GROUP BY may name the columns of the list, or count them.
    columns = ", ".join(_column(call, item) for item in _items(select))
    inner = f"SELECT {columns}, {expression} AS __ml_x {clauses}"
    return f"{with_clause}SELECT __ml_x AS x FROM ({inner})"


def in_query(interpreter: Interpreter) -> Callable[[Call], str]:
    """What calls outside TRANSFORM become."""
    return lambda call: plain(interpreter, call, of_query)


def _distance(interpreter: Interpreter, call: Call, source: Source) -> str:
    if call.window is not None or len(call.arguments) < 2:
        raise BigQueryError("invalidQuery", f"{call.name} is written {call.name}(x, y, ...).")
    arguments = [_constant(interpreter, call, place) for place in range(2, len(call.arguments))]
    second = call.written(call.arguments[1])
    try:
        kind = query.rows(interpreter, source(call, call.first), limit=0).schema.field(0).type
    except BigQueryError:
        # The vector is one of an outer query, of which no type is known here.
        kind = pa.list_(pa.float64())
    if not pa.types.is_list(kind) or not pa.types.is_struct(kind.value_type):
        return preprocessing.distance(call.first, second, arguments, None)
    fields = list(kind.value_type)
    if len(fields) != 2:
        raise BigQueryError(
            "invalidQuery",
            f"{call.name} takes elements that are numbers, or a STRUCT of an identifier and a "
            f"number, and {call.first} has elements of {len(fields)} fields.",
        )
    names = (fields[0].name, fields[1].name)
    if not names[0].startswith(_UNNAMED):
        return preprocessing.distance(call.first, second, arguments, names)
    identifier = "INT64" if pa.types.is_integer(fields[0].type) else "STRING"
    named = f"ARRAY<STRUCT<identifier {identifier}, number FLOAT64>>"
    first, second = (f"CAST({vector} AS {named})" for vector in (call.first, second))
    return preprocessing.distance(first, second, arguments, ("identifier", "number"))


def _constant(interpreter: Interpreter, call: Call, place: int) -> Constant:
    """The value of an argument, which may be an expression without columns."""
    node = call.arguments[place]
    value = read_constant(node, call.text)
    parts = value if isinstance(value, list) else [value]
    if not any(isinstance(part, Expression) for part in parts):
        return value
    try:
        [row] = query.rows(interpreter, f"SELECT {call.written(node)} AS x").to_pylist()
    except BigQueryError as error:
        raise BigQueryError(
            "invalidQuery",
            f"Argument {place + 1} of {call.name} must be a constant, and it is "
            f"{call.written(node)}.",
        ) from error
    found: Constant = row["x"]
    return found


def _rows(interpreter: Interpreter, call: Call, source: Source) -> pa.Table:
    """What a function learns from; in a dry run only its type."""
    limit = 0 if job.is_dry_run() else None
    try:
        return query.rows(interpreter, source(call, call.first), limit)
    except BigQueryError as error:
        if not any(node.kind == "ASTExpressionSubquery" for node in call.above):
            raise
        raise BigQueryError(
            "notImplemented",
            f"{call.name} in a subquery that reads columns of an outer query is not implemented "
            "on the local cloud.",
        ) from error


def _select(call: Call) -> Node | None:
    for node in reversed(call.above):
        if node.kind == "ASTSelect":
            return node
        if node.kind == "ASTQuery":
            # The call stands in ORDER BY.
            inner = node.child("query_expr")
            return inner if inner is not None and inner.kind == "ASTSelect" else None
    return None


def _items(select: Node) -> tuple[Node, ...]:
    listed = select.child("select_list")
    return () if listed is None else listed.children("columns")


def _column(call: Call, item: Node) -> str:
    """A column of the list; NULL in the place of one that is learnt itself."""
    is_learnt = any(
        node.kind == "ASTFunctionCall" and _name(node) in preprocessing.ANALYTIC
        for node, _ in walk(item)
    )
    return "NULL" if is_learnt else call.written(item)


def _placed(error: SqlError, text: Text, node: Node, edits: list[EditedText]) -> SqlError:
    placed = error.moved(*text.position(node.start))
    for edited in reversed(edits):
        placed = edited.original_error(placed)
    return placed


def _name(call: Node) -> str:
    return ".".join(identifiers(call.child("function"))).upper()
