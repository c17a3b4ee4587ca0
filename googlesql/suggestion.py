"""Hints at what was meant, where ZetaSQL gives none or a far one."""

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from functools import cache
from typing import Final

from googlesql import module
from googlesql.errors import SqlError
from googlesql.language import language_options
from googlesql.lexer import Token, TokenKind, tokens
from googlesql.position import Text

# Words that begin a clause or a statement, and are no names.
_CLAUSE_WORDS: Final = """
SELECT FROM WHERE GROUP HAVING QUALIFY WINDOW ORDER LIMIT OFFSET UNION INTERSECT EXCEPT JOIN LEFT
RIGHT INNER OUTER CROSS USING WITH CREATE REPLACE MODEL TABLE VIEW OPTIONS TRANSFORM REMOTE
CONNECTION INSERT UPDATE DELETE MERGE VALUES DISTINCT PARTITION CLUSTER
"""
_KEYWORDS: Final = tuple(_CLAUSE_WORDS.split())
_SUGGESTED: Final = re.compile(r"; Did you mean .*", re.DOTALL)
_UNEXPECTED_KEYWORD: Final = re.compile(r"Syntax error: Unexpected keyword (\w+)")
_CLOSE: Final = 0.75


def near(name: str, known: Iterable[str]) -> str:
    """Return ZetaSQL's way to suggest the nearest of some names; empty when none is near."""
    lowered = {other.lower(): other for other in known}
    found = get_close_matches(name.lower(), lowered, n=1, cutoff=_CLOSE)
    return f"; Did you mean {lowered[found[0]]}?" if found else ""


def of_syntax(error: SqlError, sql: str) -> SqlError:
    """Return a syntax error with a hint, where a misspelt or a reserved word led to it."""
    if error.line is None or error.column is None or "Did you mean" in error.reason:
        return error
    at = Text(sql).byte_offset(error.line, error.column)
    try:
        written = [t for t in tokens(sql) if t.kind not in (TokenKind.SPACE, TokenKind.COMMENT)]
    except SqlError:
        return error
    before = [token for token in written if token.start < at]
    here = [token for token in written if token.start >= at][:1]
    reserved = _UNEXPECTED_KEYWORD.match(error.reason)
    if reserved and before and before[-1].text.upper() in ("AS", "."):
        word = here[0].text if here else reserved[1]
        hint = f"; {reserved[1]} is reserved: as a name, write `{word}`"
        return SqlError(error.reason + hint, error.line, error.column)
    hint = _keyword([*here, *reversed(before[-2:])])
    return SqlError(error.reason + hint, error.line, error.column) if hint else error


def of_function(reason: str, name: str) -> str:
    """Return the words on an unknown function with the nearest of BigQuery's functions."""
    hint = near(name, _functions())
    return f"{_SUGGESTED.sub('', reason)}{hint}" if hint else reason


def _keyword(written: Sequence[Token]) -> str:
    for token in written:
        word = token.text.upper()
        if token.kind is TokenKind.WORD and word not in _KEYWORDS:
            hint = near(word, _KEYWORDS)
            if hint:
                return hint
    return ""


@cache
def _functions() -> tuple[str, ...]:
    from zetasql.wasi._pb2.zetasql.local_service.local_service_pb2 import (
        GetBuiltinFunctionsResponse,
    )
    from zetasql.wasi._pb2.zetasql.proto.options_pb2 import ZetaSQLBuiltinFunctionOptionsProto

    request = ZetaSQLBuiltinFunctionOptionsProto(language_options=language_options())
    answer = module.call("GetBuiltinFunctions", request, GetBuiltinFunctionsResponse)
    names = (".".join(function.name_path) for function in answer.function)
    return tuple(name.upper() for name in names if not name.startswith("$"))
