"""The TRANSFORM clause: fitted once on the training rows, applied to whatever is scored.

A fitted clause is a list of plain GoogleSQL expressions: stars are written out and preprocessing
functions have become constants, so that it means the same for a table and for one instance.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from local_bigquery.errors import BigQueryError
from local_bigquery.sql.script import Interpreter

from googlesql import parser
from googlesql.create_model import Transformed
from googlesql.errors import SqlError
from googlesql.position import Text
from googlesql.tree import identifiers, walk
from localcloud.bigquery import analysis, scalar_function

_SELECT, _FROM = "SELECT ", " FROM t"
"""What an expression is put between to be a statement."""


@dataclass(frozen=True)
class Item:
    """One output column of TRANSFORM.

    Attributes:
        name: Its name.
        expression: GoogleSQL over the input columns, with what was learnt as constants.
        written: The expression as the statement has it.
        columns: The input columns it reads.
    """

    name: str
    expression: str
    written: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Transform:
    """A fitted TRANSFORM clause; its items are in the statement's order."""

    items: tuple[Item, ...]

    def select(self, outputs: Collection[str], source: str) -> str:
        """A query that computes some outputs over a table.

        Args:
            outputs: Names of the columns wanted, without regard to case; others are left out.
            source: The table's name.
        """
        wanted = {name.casefold() for name in outputs}
        columns = ", ".join(
            f"{item.expression} AS `{item.name}`"
            for item in self.items
            if item.name.casefold() in wanted
        )
        return f"SELECT {columns} FROM `{source}`"

    def inputs(self, outputs: Collection[str]) -> list[str]:
        """The input columns that some outputs read, in the order of first use."""
        wanted = {name.casefold() for name in outputs}
        read = (
            column
            for item in self.items
            if item.name.casefold() in wanted
            for column in item.columns
        )
        return list(dict.fromkeys(read))

    def outputs(self, available: Collection[str]) -> list[str]:
        """The outputs that can be computed from the columns there are."""
        there = {name.casefold() for name in available}
        return [
            item.name
            for item in self.items
            if all(column.casefold() in there for column in item.columns)
        ]

    def to_json(self) -> list[dict[str, Any]]:
        """The clause as JSON values, for the training's directory."""
        return [asdict(item) for item in self.items]

    @classmethod
    def from_json(cls, items: Sequence[Mapping[str, Any]]) -> Self:
        """The clause that `to_json` wrote."""
        return cls(tuple(Item(**{**item, "columns": tuple(item["columns"])}) for item in items))


def fit(
    interpreter: Interpreter, clause: Sequence[Transformed], source: str, columns: Sequence[str]
) -> Transform:
    """Fit a TRANSFORM clause.

    Args:
        interpreter: The CREATE MODEL statement.
        clause: The clause's items as written.
        source: A temporary table with the training query's rows.
        columns: That table's columns.

    Raises:
        BigQueryError: The clause is wrong (`invalidQuery`), or has a function that is not
            implemented (`notImplemented`).
    """
    items: list[Item] = []
    for text, alias in clause:
        if alias is None and not text.lstrip().startswith("*"):
            raise BigQueryError(
                "invalidQuery",
                f"TRANSFORM clause: the expression {text} has no name; give it one with AS.",
            )
        written = _star(text, columns) if alias is None else [(alias, text)]
        for name, expression in written:
            fitted = _fitted(interpreter, expression, source)
            items.append(Item(name, fitted, expression, _columns(fitted, columns)))
    names = [item.name.casefold() for item in items]
    if twice := {name for name in names if names.count(name) > 1}:
        raise BigQueryError(
            "invalidQuery", f"TRANSFORM clause: duplicate column name {', '.join(sorted(twice))}."
        )
    return Transform(tuple(items))


def checked(interpreter: Interpreter, clause: Sequence[Transformed], source: str) -> Transform:
    """Check a clause against a table that may be empty: fits on whatever rows there are."""
    relation = interpreter.cursor.sql(f'SELECT * FROM temp.main."{source}" LIMIT 0')
    return fit(interpreter, clause, source, relation.columns)


def _star(text: str, columns: Sequence[str]) -> list[tuple[str, str]]:
    """The columns that `*`, `* EXCEPT (...)` or `* REPLACE (...)` stands for."""
    sql = Text(f"SELECT {text} FROM t")
    try:
        tree = parser.parse_statement(sql.sql)
    except SqlError as error:
        raise BigQueryError("invalidQuery", f"TRANSFORM clause: {error.message}") from error
    left_out: set[str] = set()
    replaced: dict[str, str] = {}
    for node, _ in walk(tree):
        if node.kind == "ASTStarExceptList":
            left_out |= {name.casefold() for name in identifiers(node)}
        elif node.kind == "ASTStarReplaceItem":
            expression, alias = node.child("expression"), node.child("alias")
            if expression is not None:
                name = identifiers(alias)[-1].casefold()
                replaced[name] = sql.slice(expression.start, expression.end)
    return [
        (column, replaced.get(column.casefold(), f"`{column}`"))
        for column in columns
        if column.casefold() not in left_out
    ]


def _fitted(interpreter: Interpreter, expression: str, source: str) -> str:
    """The expression with its ML functions turned into plain SQL."""

    def rows(call: scalar_function.Call, argument: str) -> str:
        return f"SELECT {argument} AS x FROM `{source}`"

    whole = Text(f"{_SELECT}{expression}{_FROM}")
    try:
        sql = scalar_function.replaced(
            whole.sql, lambda call: scalar_function.plain(interpreter, call, rows)
        )
    except SqlError as error:
        named = SqlError(f"TRANSFORM clause: {error.reason}", error.line, error.column)
        if error.line is not None and error.column is not None:
            at = whole.byte_offset(error.line, error.column) - len(_SELECT)
            named = named.moved(*Text(expression).position(max(at, 0)))
        raise analysis.refusal(named, expression) from error
    return sql.removeprefix(_SELECT).removesuffix(_FROM)


def _columns(expression: str, columns: Sequence[str]) -> tuple[str, ...]:
    """The input columns an expression reads, in the order of first use."""
    by_name = {column.casefold(): column for column in columns}
    tree = parser.parse_statement(f"SELECT {expression} FROM t")
    found = []
    for node, above in walk(tree):
        parent = above[-1] if above else None
        if node.kind != "ASTPathExpression" or parent is None:
            continue
        is_function = parent.child("function") is node
        if not is_function and parent.kind != "ASTTablePathExpression":
            first = identifiers(node)[0].casefold()
            if first in by_name:
                found.append(by_name[first])
    return tuple(dict.fromkeys(found))
