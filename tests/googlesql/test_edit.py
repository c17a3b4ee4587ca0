"""An edited text knows where each of its bytes came from."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from googlesql.edit import Edit, EditedText
from googlesql.errors import SqlError, TableNotFound
from googlesql.position import Text


@st.composite
def edits(draw: st.DrawFn) -> tuple[str, list[Edit]]:
    sql = draw(st.text(alphabet="abcdef\n", max_size=30))
    places = sorted(draw(st.lists(st.integers(0, len(sql)), max_size=8, unique=True)))
    texts = draw(st.lists(st.text("XYZ", max_size=5), min_size=4, max_size=4))
    pairs = zip(places[::2], places[1::2], strict=False)
    return sql, [Edit(start, end, text) for (start, end), text in zip(pairs, texts, strict=False)]


@given(edits())
def test_what_was_not_edited_keeps_its_place(case: tuple[str, list[Edit]]) -> None:
    sql, changes = case
    edited = EditedText(Text(sql), changes)

    untouched = [i for i, c in enumerate(edited.sql) if c not in "XYZ"]

    kept = [i for i in range(len(sql)) if not any(e.start <= i < e.end for e in changes)]
    assert [edited.original_offset(i) for i in untouched] == kept
    assert "".join(edited.sql[i] for i in untouched) == "".join(sql[i] for i in kept)


@given(edits())
def test_what_was_put_in_belongs_to_where_it_was_put(case: tuple[str, list[Edit]]) -> None:
    sql, changes = case
    edited = EditedText(Text(sql), changes)

    put_in = {edited.original_offset(i) for i, c in enumerate(edited.sql) if c in "XYZ"}

    assert put_in == {e.start for e in changes if e.text}


def test_an_error_moves_to_the_place_in_the_original_and_stays_of_its_kind() -> None:
    edited = EditedText(Text("SELECT a\nFROM t"), [Edit(7, 8, "1,\n2,\n3"), Edit(14, 15, "zt_1")])

    moved = edited.original_error(TableNotFound("Table not found: t", 4, 6))

    assert type(moved) is TableNotFound
    assert moved.message == "Table not found: t at [2:6]"


def test_an_error_without_a_place_stays_without() -> None:
    error = SqlError("Too complex")

    assert EditedText(Text("x"), []).original_error(error) is error


def test_overlapping_edits_are_refused() -> None:
    with pytest.raises(ValueError, match="overlap at byte 1"):
        EditedText(Text("abc"), [Edit(0, 2, "x"), Edit(1, 3, "y")])
