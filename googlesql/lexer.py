"""The tokens of GoogleSQL, for what a syntax tree leaves out: comments, parentheses, spelling.

https://cloud.google.com/bigquery/docs/reference/standard-sql/lexical
"""

import re
from enum import Enum
from typing import Final, NamedTuple

from googlesql.errors import SqlError
from googlesql.position import Text


class TokenKind(Enum):
    """What a token is."""

    SPACE = "space"
    COMMENT = "comment"
    STRING = "string"
    QUOTED_NAME = "quoted name"
    NUMBER = "number"
    WORD = "word"
    SYMBOL = "symbol"


class Token(NamedTuple):
    """One token.

    Attributes:
        kind: What it is. A WORD is a keyword or a bare name: only the syntax tree tells which.
        text: Its text as written.
        start: Byte offset of its first byte.
        end: Byte offset after its last byte.
    """

    kind: TokenKind
    text: str
    start: int
    end: int


_TOKEN: Final = re.compile(
    r"""
    (?P<SPACE>\s+)
  | (?P<COMMENT>(?:--|\#)[^\r\n]* | /\*(?:.|[\r\n])*?\*/)
  | (?P<STRING>
      (?:[rR][bB]?|[bB][rR]?)?
      (?: '''(?:\\(?:.|[\r\n])|(?!''')(?:.|[\r\n]))*'''
        | \"\"\"(?:\\(?:.|[\r\n])|(?!\"\"\")(?:.|[\r\n]))*\"\"\"
        | '(?:\\.|[^'\\\r\n])*'
        | "(?:\\.|[^"\\\r\n])*"
      ))
  | (?P<QUOTED_NAME>`(?:\\.|[^`\\\r\n])+`)
  | (?P<NUMBER>0[xX][0-9a-fA-F]+ | (?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
  | (?P<WORD>@@?\w+ | [^\W\d]\w*)
  | (?P<SYMBOL><<|>>|<=|>=|<>|!=|\|\||=>|->|\|>|\+=|-=|[^\w\s'"`])
    """,
    re.VERBOSE,
)


def tokens(sql: str) -> list[Token]:
    """Split a text into tokens that together are the whole text.

    Raises:
        SqlError: A string, a quoted name or a comment does not end.
    """
    found: list[Token] = []
    at = offset = 0
    while at < len(sql):
        match = _TOKEN.match(sql, at)
        if match is None or (sql.startswith("/*", at) and match.lastgroup != "COMMENT"):
            raise SqlError("Syntax error: Unclosed literal or comment", *Text(sql).position(offset))
        text = match.group()
        end = offset + len(text.encode())
        found.append(Token(TokenKind[match.lastgroup or ""], text, offset, end))
        at, offset = match.end(), end
    return found


def header_comment(sql: str) -> str:
    """Return the comment before the first statement without its marks; empty for none."""
    lines: list[str] = []
    for token in tokens(sql):
        if token.kind is TokenKind.SPACE:
            continue
        if token.kind is not TokenKind.COMMENT:
            break
        if token.text.startswith("/*"):
            body = token.text[2:-2].splitlines()
            lines.extend(line.strip().removeprefix("*").strip() for line in body)
        else:
            lines.append(token.text.removeprefix("--").removeprefix("#").strip())
    return "\n".join(lines).strip()
