"""Tokens are what ZetaSQL takes for tokens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from googlesql.errors import SqlError
from googlesql.lexer import TokenKind, header_comment, tokens
from googlesql.literal import render
from googlesql.parser import parse_statement

PIECES = st.sampled_from(
    [
        "SELECT", "a1", "@p", "@@v", "12", ".5", "1e-3", "0xFF", "'a\\'b'", '"--"', "r'\\d'",
        "b'x'", "rb'''a'b'''", '"""a"b\n"""', "`q.r`", "-- c\n", "# '\n", "/* ' */", "(", ")",
        "<<", ">>", "=>", "|>", "||", "!=", ",", ";", "*", "é", " ", "\t", "\n",
    ]
)  # fmt: skip


@given(st.lists(PIECES, max_size=20).map(" ".join))
def test_tokens_together_are_the_text(sql: str) -> None:
    found = tokens(sql)

    assert "".join(token.text for token in found) == sql
    assert [t.end for t in found[:-1]] == [t.start for t in found[1:]]
    assert all(sql.encode()[t.start : t.end].decode() == t.text for t in found)


@given(st.lists(PIECES.filter(str.strip), max_size=12))
def test_each_piece_is_one_token(pieces: list[str]) -> None:
    found = [t.text for t in tokens(" ".join(pieces)) if t.kind is not TokenKind.SPACE]

    assert found == [piece.rstrip("\n") for piece in pieces]


@given(st.text())
def test_a_rendered_string_is_one_token(value: str) -> None:
    found = tokens(f"{render(value)}--")

    assert [token.kind for token in found] == [TokenKind.STRING, TokenKind.COMMENT]


@pytest.mark.parametrize(
    "sql", ["SELECT 'a", 'SELECT "a\nb"', "SELECT `a", "SELECT /* a", "'''a''"]
)
def test_what_does_not_end_is_refused_by_both(sql: str) -> None:
    with pytest.raises(SqlError, match="Unclosed"):
        tokens(sql)
    with pytest.raises(SqlError):
        parse_statement(sql)


def test_the_header_comment_loses_its_marks_and_stops_at_the_statement() -> None:
    sql = "\n-- Will it be late?\n#Label: is_late\n/* Grain:\n * flight */\nSELECT 1 -- not this\n"

    assert header_comment(sql) == "Will it be late?\nLabel: is_late\nGrain:\nflight"


def test_a_text_without_a_header_has_an_empty_one() -> None:
    assert header_comment("SELECT 1 -- x") == ""
