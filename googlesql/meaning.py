"""What a statement means: one text for all that BigQuery reads alike.

`googlesql.canonical` spells a statement in a form that never changes; this form may, from one
version to the next, when another way to write the same is found. Who keeps a hash of it has to hash
the old statement anew before comparing.
"""

import math
from collections.abc import Collection, Iterator, Mapping
from typing import Final

from googlesql.canonical import spans, words
from googlesql.lexer import Token, TokenKind, tokens
from googlesql.literal import render
from googlesql.position import Text
from googlesql.tree import Node, identifiers, walk

_SPACE: Final = (TokenKind.SPACE, TokenKind.COMMENT)
# A comma before one of these ends a list that allows it.
_ENDS_A_LIST: Final = frozenset(
    {"FROM", ")", "]", "WHERE", "GROUP", "HAVING", "QUALIFY", "WINDOW", "ORDER", "LIMIT", "UNION"}
    | {"INTERSECT", "EXCEPT", "|>", ";"}
)
_DATE_PARTS: Final = {"_TRUNC": 1, "LAST_DAY": 1, "_DIFF": 2}
# What may stand before a parenthesis that only groups; a word before any other may call something.
_BEFORE_A_GROUP: Final = frozenset(
    {"SELECT", "DISTINCT", "ALL", "WHERE", "ON", "HAVING", "QUALIFY", "AND", "OR", "NOT", "WHEN"}
    | {"THEN", "ELSE", "CASE", "BY", "LIKE", "BETWEEN", "FROM", "LIMIT", "AS"}
    | {"(", "[", ",", "=", "<", ">", "<=", ">=", "<>", "!=", "+", "-", "*", "/", "||", "=>"}
)
_LITERALS: Final = (
    "ASTIntLiteral",
    "ASTFloatLiteral",
    "ASTStringLiteral",
    "ASTBytesLiteral",
    "ASTBooleanLiteral",
    "ASTNullLiteral",
    "ASTNumericLiteral",
    "ASTBigNumericLiteral",
    "ASTDateOrTimeLiteral",
)
# Nothing outside can take these apart.
_PRIMARY: Final = (
    *_LITERALS,
    "ASTPathExpression",
    "ASTFunctionCall",
    "ASTAnalyticFunctionCall",
    "ASTCastExpression",
    "ASTExtractExpression",
    "ASTParameterExpr",
    "ASTArrayConstructor",
    "ASTStructConstructorWithKeyword",
    "ASTExpressionSubquery",
    "ASTCaseValueExpression",
    "ASTCaseNoValueExpression",
)
# What these hold ends with a comma, a keyword or a parenthesis of their own.
_BOUNDED: Final = (
    "ASTSelectColumn",
    "ASTWhereClause",
    "ASTOnClause",
    "ASTHaving",
    "ASTQualify",
    "ASTFunctionCall",
    "ASTOrderingExpression",
    "ASTGroupingItem",
    "ASTPartitionBy",
    "ASTCaseValueExpression",
    "ASTCaseNoValueExpression",
    "ASTCastExpression",
    "ASTArrayConstructor",
    "ASTStructConstructorArg",
    "ASTStructConstructorWithParens",
    "ASTInList",
    "ASTNamedArgument",
    "ASTOptionsEntry",
)
_POSITIONS: Final = ("ASTOrderingExpression", "ASTGroupingItem")
_OR, _AND, _NOT, _COMPARED, _ADDED, _MULTIPLIED = range(6)
_OPERATORS: Final[Mapping[str, int]] = {
    **dict.fromkeys(("EQ", "NE", "NE2", "GT", "LT", "GE", "LE", "LIKE", "IS"), _COMPARED),
    **dict.fromkeys(("PLUS", "MINUS"), _ADDED),
    **dict.fromkeys(("MULTIPLY", "DIVIDE", "CONCAT_OP"), _MULTIPLIED),
}
_LEVELS: Final[Mapping[str, int]] = {
    "ASTOrExpr": _OR,
    "ASTAndExpr": _AND,
    "ASTBetweenExpression": _COMPARED,
    "ASTInExpression": _COMPARED,
}


def meaning(
    statement: Node,
    sql: str,
    *,
    without_options: Collection[str] = (),
    caseless_options: Collection[str] = (),
) -> str:
    """Write what a statement means, on one line; it is a statement that means the same.

    Beside what `canonical` leaves out, these make no difference: AS before an alias, parentheses
    that only group what is one anyway, a comma at the end of a list, the case of date parts,
    `<>` for `!=`, INNER, OUTER and ASC where they are the default, the prefix and quotes of a
    BYTES literal, and how a number is written.

    Args:
        statement: The statement's syntax tree.
        sql: The text it was parsed from.
        without_options: Options, in upper case, to leave out.
        caseless_options: Options, in upper case, whose texts BigQuery reads in any case.
    """
    text = Text(sql)
    written = [token for token in tokens(sql) if token.kind not in _SPACE]
    written = [t for t in written if statement.start <= t.start < statement.end]
    found = spans(statement, text)
    found.update(_literals(statement, caseless_options))
    found.update(_date_parts(statement, found))
    dropped = {t.start for t in _redundant_words(written, found)}
    dropped |= {t.start for t in _redundant_parentheses(statement, written)}
    kept = [token for token in written if token.start not in dropped]
    found.update(_operators(kept, found))
    found.update(_aliases(statement, text, found))
    return words(statement, kept, found, without_options)


_Spans = Mapping[int, tuple[int, str]]


def _literals(statement: Node, caseless_options: Collection[str]) -> dict[int, tuple[int, str]]:
    found: dict[int, tuple[int, str]] = {}
    for node, above in walk(statement):
        if node.kind == "ASTBytesLiteral":
            held = node.fields["bytes_value"]
            as_bytes = held if isinstance(held, bytes) else str(held).encode()
            found[node.start] = (node.end, render(as_bytes))
        elif node.kind == "ASTIntLiteral":
            image = node.text("image")
            found[node.start] = (node.end, str(int(image, 16 if image[:2].lower() == "0x" else 10)))
        elif node.kind == "ASTFloatLiteral":
            value = float(node.text("image"))
            if math.isfinite(value):
                found[node.start] = (node.end, repr(value))
        elif node.kind == "ASTStringLiteralComponent":
            names = [identifiers(n.child("name")) for n in above if n.kind == "ASTOptionsEntry"]
            if names and names[0][0].upper() in caseless_options:
                found[node.start] = (node.end, render(node.text("string_value").upper()))
    return found


def _date_parts(statement: Node, spelt: _Spans) -> dict[int, tuple[int, str]]:
    found: dict[int, tuple[int, str]] = {}
    for node, _ in walk(statement):
        if node.kind != "ASTFunctionCall":
            continue
        name = ".".join(identifiers(node.child("function"))).upper()
        arguments = node.children("arguments")
        for ending, position in _DATE_PARTS.items():
            if name.endswith(ending) and len(arguments) > position:
                # WEEK(MONDAY) is a date part too, and looks like a call.
                for below, _ in walk(arguments[position]):
                    if below.kind == "ASTIdentifier" and below.start in spelt:
                        end, word = spelt[below.start]
                        found[below.start] = (end, word.upper())
    return found


def _redundant_words(written: list[Token], spelt: _Spans) -> Iterator[Token]:
    following = [*written[1:], None]
    for token, after in zip(written, following, strict=True):
        if token.start in spelt:
            continue
        word, then = token.text.upper(), "" if after is None else after.text.upper()
        ends = after is None or (then in _ENDS_A_LIST and after.start not in spelt)
        is_last = ends and (token.text == "," or (after is None and token.text == ";"))
        is_default = word == "ASC" or (word in ("INNER", "OUTER") and then == "JOIN")
        if is_last or (is_default and token.kind is TokenKind.WORD):
            yield token


def _operators(written: list[Token], spelt: _Spans) -> Iterator[tuple[int, tuple[int, str]]]:
    for token in written:
        if token.text == "<>" and token.start not in spelt:
            yield token.start, (token.end, "!=")


def _aliases(statement: Node, text: Text, spelt: _Spans) -> Iterator[tuple[int, tuple[int, str]]]:
    for node, _ in walk(statement):
        name = node.child("identifier")
        if node.kind == "ASTAlias" and name is not None and name.start == node.start:
            end, word = spelt.get(name.start, (name.end, text.slice(name.start, name.end)))
            yield name.start, (end, f"AS {word}")


def _redundant_parentheses(statement: Node, written: list[Token]) -> Iterator[Token]:
    first = {token.start: number for number, token in enumerate(written)}
    last = {token.end: number for number, token in enumerate(written)}
    for node, above in walk(statement):
        if not node.flag("parenthesized") or node.start not in first or node.end not in last:
            continue
        start, end = first[node.start], last[node.end]
        pairs: list[tuple[Token, Token]] = []
        while start > 0 and end + 1 < len(written):
            start, end = start - 1, end + 1
            if (written[start].text, written[end].text) != ("(", ")"):
                start += 1
                break
            pairs.append((written[start], written[end]))
        before = written[start - 1].text.upper() if start > 0 else ""
        if before and before not in _BEFORE_A_GROUP:
            # The outermost are those of a call, or of IN.
            pairs = pairs[:-1]
        if not _only_groups(node, above):
            pairs = pairs[1:]
        for pair in pairs:
            yield from pair


def _only_groups(node: Node, above: tuple[Node, ...]) -> bool:
    """Tell whether a node means the same without any parentheses around it."""
    parent = above[-1] if above else None
    if parent is None or parent.kind.startswith("ASTDot") or parent.flag("is_chained_call"):
        return False
    if node.kind == "ASTQuery":
        return parent.kind.startswith("ASTCreate") or parent.kind == "ASTQueryStatement"
    if node.kind in _LITERALS and (
        parent.kind in _POSITIONS or parent.kind == "ASTUnaryExpression"
    ):
        # ORDER BY 1 means the first column, and - 1 is one number.
        return False
    if node.kind in _PRIMARY or parent.kind in _BOUNDED:
        return parent.kind != "ASTIntervalExpr"
    inner, outer = _level(node), _level(parent)
    if inner is None or outer is None:
        return False
    is_left = parent.child("lhs") is node
    return inner > outer or (inner == outer and inner >= _ADDED and is_left)


def _level(node: Node) -> int | None:
    if node.kind == "ASTBinaryExpression":
        return None if node.flag("is_not") else _OPERATORS.get(node.text("op"))
    if node.kind == "ASTUnaryExpression" and node.text("op") == "NOT":
        return _NOT
    return _LEVELS.get(node.kind)
