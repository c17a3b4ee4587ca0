"""Places are counted as BigQuery counts them, and can be turned both ways."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from googlesql.errors import SqlError
from googlesql.parser import parse_statement
from googlesql.position import Position, Text

TEXTS = st.text(alphabet="ab é😀\t\r\n", max_size=40)


@given(TEXTS)
def test_every_characters_place_leads_back_to_it(sql: str) -> None:
    text = Text(sql)
    offsets = [len(sql[:index].encode()) for index in range(len(sql))]

    back = [text.byte_offset(*text.position(offset)) for offset in offsets]

    # Between a carriage return and its line feed there is no place of its own.
    inside = [i for i in range(1, len(sql)) if sql[i - 1 : i + 1] == "\r\n"]
    assert [b for i, b in enumerate(back) if i not in inside] == [
        o for i, o in enumerate(offsets) if i not in inside
    ]


@pytest.mark.parametrize(
    ("before", "wrong"),
    [("SELECT\n\t", "FRM"), ("SELECT 'é😀',\r\n  ", "FRM"), ("\tSELECT 1 x ", "y"), ("", "SELEC")],
)
def test_places_are_those_zetasql_tells(before: str, wrong: str) -> None:
    text = Text(f"{before}{wrong} t u")

    with pytest.raises(SqlError) as caught:
        parse_statement(text.sql)

    place = Position(caught.value.line or 0, caught.value.column or 0)
    at = text.byte_offset(*place)
    assert text.position(at) == place
    assert text.slice(at, len(text.data)).split()[0] in (wrong, "t", "u")


def test_an_excerpt_has_its_caret_under_the_place() -> None:
    text = Text("SELECT\n\tcarier,\n  x")

    excerpt = text.excerpt(2, 9)

    assert excerpt == "        carier,\n        ^"


def test_a_place_past_the_end_is_the_end() -> None:
    text = Text("SELECT 1\n")

    assert text.byte_offset(9, 9) == len(text.data)
    assert text.line(9) == ""
