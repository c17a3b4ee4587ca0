"""Calls of BigQuery ML's table functions inside a query."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from googlesql.constant import Constant, read_constant
from googlesql.lexer import tokens
from googlesql.position import Text
from googlesql.tree import Node, byte_range, dotted_path, identifiers, walk

_FAMILIES: Final = ("ML", "AI")
_BARE_NAMES: Final = ("VECTOR_SEARCH",)


@dataclass(frozen=True)
class TableArgument:
    """A table handed to a table function.

    Attributes:
        query: A query that gives the table: `SELECT * FROM t` for `TABLE t`, else the argument
            without its parentheses, as written.
        path: The table's name in parts when it was handed as `TABLE t`; empty for a query.
        range: Byte range of the argument.
        query_range: Byte range of the query inside the argument, or of the table's name.
        is_name: Whether `query_range` holds a name or a call to put after `SELECT * FROM`.
    """

    query: str
    path: tuple[str, ...]
    range: tuple[int, int]
    query_range: tuple[int, int]
    is_name: bool


@dataclass(frozen=True)
class TableFunction:
    """One call.

    Attributes:
        name: The function in upper case, `ML.PREDICT`.
        range: Byte range of the call, up to and with its closing parenthesis; no alias.
        model: The model's name in parts; None when the call has no MODEL argument.
        model_range: Byte range of the model's name; None without one.
        tables: The tables and queries among the arguments, in order.
        settings_text: The STRUCT argument as written; None without one.
        settings: Its fields by their names in lower case.
        named: Arguments of the form `name => value`, by their names in lower case.
        positional: Arguments that are neither a model, a table, the STRUCT nor named, in order.
        common_tables: The WITH entries in scope, in order, as text: `x AS (SELECT 1)`.
        common_table_ranges: Their byte ranges.
        recursive: Whether one of those WITH clauses says RECURSIVE.
        alias: The name given to the result in FROM; None without one.
        depth: How many nodes lie above; the innermost call has the largest.
    """

    name: str
    range: tuple[int, int]
    model: tuple[str, ...] | None
    model_range: tuple[int, int] | None
    tables: tuple[TableArgument, ...]
    settings_text: str | None
    settings: Mapping[str, Constant]
    named: Mapping[str, Constant]
    positional: tuple[Constant, ...]
    common_tables: tuple[str, ...]
    common_table_ranges: tuple[tuple[int, int], ...]
    recursive: bool
    alias: str | None
    depth: int

    def with_clause(self) -> str:
        """Return the WITH clause to put before an argument's query; empty when none is in scope."""
        if not self.common_tables:
            return ""
        word = "WITH RECURSIVE" if self.recursive else "WITH"
        return f"{word} {', '.join(self.common_tables)} "


def read_table_functions(
    statement: Node, text: Text, *, every: bool = False
) -> list[TableFunction]:
    """Find the calls below a node, the innermost first, then in the order of the text.

    Args:
        statement: The node.
        text: The text it was parsed from.
        every: Whether calls of other table functions than BigQuery ML's are wanted too.
    """
    found = [
        _call(node, above, text)
        for node, above in walk(statement)
        if node.kind == "ASTTVF"
        and (every or _is_machine_learning(identifiers(node.child("name"))))
    ]
    return sorted(found, key=lambda call: (-call.depth, call.range))


def _is_machine_learning(name: tuple[str, ...]) -> bool:
    return (len(name) > 1 and name[0].upper() in _FAMILIES) or (
        len(name) == 1 and name[0].upper() in _BARE_NAMES
    )


def _call(node: Node, above: tuple[Node, ...], text: Text) -> TableFunction:
    model: Node | None = None
    struct: Node | None = None
    tables: list[TableArgument] = []
    named: dict[str, Constant] = {}
    positional: list[Constant] = []
    for argument in node.children("argument_entries"):
        if clause := argument.child("model_clause"):
            model = clause.child("model_path")
        elif clause := argument.child("table_clause"):
            tables.append(_named_table(clause, text))
        elif expression := argument.child("expr"):
            if expression.kind == "ASTExpressionSubquery":
                tables.append(_query(expression, argument, text))
            elif expression.kind.startswith("ASTStructConstructor"):
                struct = expression
            elif expression.kind == "ASTNamedArgument":
                value = expression.child("expr")
                name = "".join(identifiers(expression.child("name"))).lower()
                named[name] = None if value is None else read_constant(value, text)
            else:
                positional.append(read_constant(expression, text))
    settings = {} if struct is None else read_constant(struct, text)
    entries, recursive = common_tables(node, above)
    common = tuple(byte_range(entry) for entry in entries)
    alias = identifiers(node.child("alias"))
    return TableFunction(
        name=".".join(identifiers(node.child("name"))).upper(),
        range=(node.start, _closing_parenthesis(node, text)),
        model=None if model is None else dotted_path(model),
        model_range=None if model is None else byte_range(model),
        tables=tuple(tables),
        settings_text=None if struct is None else text.slice(struct.start, struct.end),
        settings=_lowered(settings),
        named=named,
        positional=tuple(positional),
        common_tables=tuple(text.slice(*entry) for entry in common),
        common_table_ranges=common,
        recursive=recursive,
        alias=alias[-1] if alias else None,
        depth=len(above),
    )


def _lowered(settings: Constant) -> dict[str, Constant]:
    if not isinstance(settings, dict):
        return {}
    return {name.lower(): value for name, value in settings.items()}


def _named_table(clause: Node, text: Text) -> TableArgument:
    # `TABLE t`, or `TABLE f(…)` for the answer of another table function.
    named = clause.child("table_path") or clause.child("tvf")
    assert named is not None, "the grammar gives TABLE one of both"
    query = f"SELECT * FROM {text.slice(named.start, named.end)}"
    path = dotted_path(clause.child("table_path"))
    return TableArgument(query, path, byte_range(clause), byte_range(named), is_name=True)


def _query(subquery: Node, argument: Node, text: Text) -> TableArgument:
    inner = subquery.child("query")
    assert inner is not None, "the grammar gives a subquery its query"
    source = text.slice(inner.start, inner.end)
    return TableArgument(source, (), byte_range(argument), byte_range(inner), is_name=False)


def common_tables(node: Node, above: Sequence[Node]) -> tuple[list[Node], bool]:
    """Find the WITH entries that a node can name, in their order.

    Args:
        node: The node.
        above: Its ancestors, the outermost first.

    Returns:
        The entries, and whether one of their clauses says RECURSIVE.
    """
    found: list[Node] = []
    recursive = False
    for ancestor in above:
        clause = ancestor.child("with_clause")
        if clause is None:
            continue
        entries = clause.children("with")
        # Inside an entry only those before it are in scope, unless the clause is recursive.
        found.extend(e for e in entries if e.end <= node.start or not _holds(clause, node))
        recursive = recursive or clause.flag("recursive")
    return found, recursive


def with_entry_name(entry: Node) -> str:
    """Return the name that a WITH entry gives to its query."""
    aliased = entry if entry.child("alias") else entry.child("aliased_query")
    return "".join(identifiers(aliased.child("alias"))) if aliased else ""


def _holds(outer: Node, inner: Node) -> bool:
    return outer.start <= inner.start and inner.end <= outer.end


def _closing_parenthesis(node: Node, text: Text) -> int:
    # The node's range goes on to an alias or a sample clause, so the parentheses are counted.
    depth = 0
    for token in tokens(text.slice(node.start, node.end)):
        depth += (token.text == "(") - (token.text == ")")
        if token.text == ")" and depth == 0:
            return node.start + token.end
    return node.end
