"""One spelling for all ways to write the same statement."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Final

from googlesql.lexer import Token, TokenKind, tokens
from googlesql.literal import quoted, string
from googlesql.position import Text
from googlesql.reference import read_references
from googlesql.tree import Node, identifiers, walk

_SPACE: Final = (TokenKind.SPACE, TokenKind.COMMENT)
_BARE_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# https://cloud.google.com/bigquery/docs/reference/standard-sql/lexical#reserved_keywords
_RESERVED_WORDS: Final = """
ALL AND ANY ARRAY AS ASC ASSERT_ROWS_MODIFIED AT BETWEEN BY CASE CAST COLLATE CONTAINS CREATE
CROSS CUBE CURRENT DEFAULT DEFINE DESC DISTINCT ELSE END ENUM ESCAPE EXCEPT EXCLUDE EXISTS
EXTRACT FALSE FETCH FOLLOWING FOR FROM FULL GRAPH_TABLE GROUP GROUPING GROUPS HASH HAVING IF
IGNORE IN INNER INTERSECT INTERVAL INTO IS JOIN LATERAL LEFT LIKE LIMIT LOOKUP MERGE NATURAL
NEW NO NOT NULL NULLS OF ON OR ORDER OUTER OVER PARTITION PRECEDING PROTO QUALIFY RANGE
RECURSIVE RESPECT RIGHT ROLLUP ROWS SELECT SET SOME STRUCT TABLESAMPLE THEN TO TREAT TRUE
UNBOUNDED UNION UNNEST USING WHEN WHERE WINDOW WITH WITHIN
"""
_RESERVED: Final = frozenset(_RESERVED_WORDS.split())
# Fields that name what GoogleSQL compares without regard to case.
_CASELESS: Final = {
    "ASTFunctionCall": ("function",),
    "ASTTVF": ("name",),
    "ASTSimpleType": ("type_name",),
    "ASTSimpleColumnSchema": ("type_name",),
    "ASTIntervalExpr": ("date_part_name", "date_part_name_to"),
    "ASTExtractExpression": ("lhs_expr",),
    "ASTOptionsEntry": ("name",),
}


def canonical(statement: Node, sql: str, *, without_options: Collection[str] = ()) -> str:
    """Write a statement in its one spelling, on one line.

    Comments, white space, the case of keywords, functions, types and option names, how names and
    strings are quoted, and the order of options make no difference; nor do OR REPLACE and IF NOT
    EXISTS of CREATE MODEL, which say how to make the model and not which. Everything else does.

    The form never changes from one version to the next: states hold hashes of it.

    Args:
        statement: The statement's syntax tree.
        sql: The text it was parsed from.
        without_options: Options, in upper case, to leave out, such as those that can be altered
            without training.
    """
    written = [
        token
        for token in tokens(sql)
        if token.kind not in _SPACE and statement.start <= token.start < statement.end
    ]
    return words(statement, written, spans(statement, Text(sql)), without_options)


def words(
    statement: Node,
    written: list[Token],
    spelt: Mapping[int, tuple[int, str]],
    without_options: Collection[str],
) -> str:
    """Write tokens in the one order that a statement's parts have.

    Args:
        statement: The statement's syntax tree.
        written: Its tokens, without white space and comments.
        spelt: What to write for byte ranges: their ends and words, by where they start. Other
            words are written in upper case.
        without_options: Options, in upper case, to leave out.
    """
    if written and written[-1].text == ";":
        written.pop()
    clause = statement.child("options_list")
    head = statement.child("name") if statement.kind == "ASTCreateModelStatement" else None
    before = [t for t in written if head is None or t.start >= head.start]
    found = ["CREATE MODEL"] if head is not None else []
    if clause is None or not clause.children("options_entries"):
        return " ".join((*found, *_spelt(before, spelt)))
    found += _spelt([t for t in before if t.end <= clause.start], spelt)
    entries = sorted(
        (" ".join(_spelt(_within(written, entry), spelt)), identifiers(entry.child("name"))[0])
        for entry in clause.children("options_entries")
    )
    kept = [words for words, name in entries if name.upper() not in without_options]
    found += ["(", " , ".join(kept), ")"]
    found += _spelt([t for t in before if t.start >= clause.end], spelt)
    return " ".join(found)


def _within(written: list[Token], node: Node) -> list[Token]:
    return [token for token in written if node.start <= token.start < node.end]


def _spelt(written: list[Token], spans: Mapping[int, tuple[int, str]]) -> list[str]:
    words: list[str] = []
    end = 0
    for token in written:
        if token.start < end:
            continue
        if token.start in spans:
            end, word = spans[token.start]
            words.append(word)
        else:
            words.append(token.text.upper() if token.kind is not TokenKind.STRING else token.text)
    return words


def spans(statement: Node, text: Text) -> dict[int, tuple[int, str]]:
    """Return what to write for the byte ranges that are not keywords, numbers or marks."""
    found: dict[int, tuple[int, str]] = {}
    caseless: set[int] = set()
    for node, _ in walk(statement):
        if node.kind == "ASTIdentifier":
            found[node.start] = (node.end, _name(node, text))
        elif node.kind == "ASTStringLiteralComponent":
            found[node.start] = (node.end, string(node.text("string_value")))
        for field in _CASELESS.get(node.kind, ()):
            caseless.update(n.start for n in _caseless_identifiers(node.child(field)))
    for start in caseless & found.keys():
        end, word = found[start]
        found[start] = (end, word.upper())
    for reference in read_references(statement):
        found[reference.start] = (reference.end, ".".join(quoted(p) for p in reference.path))
    found.update(_split_closings(statement, text))
    return found


def _caseless_identifiers(node: Node | None) -> Iterator[Node]:
    if node is not None:
        yield from (below for below, _ in walk(node) if below.kind == "ASTIdentifier")


def _name(identifier: Node, text: Text) -> str:
    name = identifier.text("id_string")
    if text.data[identifier.start : identifier.start + 1] != b"`":
        return text.slice(identifier.start, identifier.end)
    bare = _BARE_NAME.fullmatch(name) and name.upper() not in _RESERVED
    return name if bare else quoted(name)


def _split_closings(statement: Node, text: Text) -> dict[int, tuple[int, str]]:
    # `>>` that closes two types is the same as `> >`; elsewhere it is a shift.
    spans: dict[int, tuple[int, str]] = {}
    for node, _ in walk(statement):
        start = node.end - 2
        if node.kind.endswith(("Type", "ColumnSchema")) and text.data[start : node.end] == b">>":
            spans[start] = (node.end, "> >")
    return spans
