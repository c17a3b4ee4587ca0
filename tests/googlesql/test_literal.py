"""What is written as a literal is read back by ZetaSQL as the same value."""

import math
from datetime import date, datetime, time, timezone
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from googlesql.constant import Call, Constant, Interval, read_constant
from googlesql.literal import quoted, render
from googlesql.parser import identifiers, parse_statement
from googlesql.position import Text
from googlesql.tree import Node, walk

NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(codec="utf-8")),
    st.binary(),
    st.decimals(-(10**28), 10**28, places=9, allow_nan=False),
    st.dates(),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, min_size=1, max_size=3).map(tuple),
        st.dictionaries(NAMES, inner, min_size=1, max_size=3),
    ),
    max_leaves=6,
)


def selected(sql: str) -> Node:
    """Return the one expression of `SELECT …`."""
    columns = [node for node, _ in walk(parse_statement(sql)) if node.kind == "ASTSelectColumn"]
    assert len(columns) == 1
    expression = columns[0].child("expression")
    assert expression is not None
    return expression


def read(sql: str) -> Constant:
    return read_constant(selected(sql), Text(sql))


@settings(max_examples=150, deadline=None)
@given(VALUES)
def test_a_value_is_read_back_as_it_was(value: Constant) -> None:
    back = read(f"SELECT {render(value)} -- ' \" ` */")

    assert (back, repr(back)) == (value, repr(value))


@settings(deadline=None)
@given(NAMES)
def test_a_name_is_read_back_as_it_was_and_does_not_escape(name: str) -> None:
    tree = parse_statement(f"SELECT {quoted(name)} -- ` x")

    assert identifiers(tree) == (name,)


@settings(deadline=None)
@given(st.text())
def test_a_string_is_one_line_and_hides_no_comment(value: str) -> None:
    sql = f"SELECT {render(value)}"

    assert len(sql.splitlines()) == 1
    assert selected(sql).end == len(sql.encode())


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (Interval(390, "MINUTE"), "INTERVAL 390 MINUTE"),
        (Interval("1-2 3", "YEAR TO DAY"), "INTERVAL '1-2 3' YEAR TO DAY"),
        (Call("HPARAM_CANDIDATES", ([2, 4],)), "HPARAM_CANDIDATES([2, 4])"),
        (Decimal("1.50"), "NUMERIC '1.50'"),
        (Decimal("1e-20"), "BIGNUMERIC '0.00000000000000000001'"),
        ([("a", 0.5)], "[STRUCT('a', 0.5)]"),
        ({"a b": 1}, "STRUCT(1 AS `a b`)"),
        (date(2013, 7, 1), "DATE '2013-07-01'"),
        (datetime(2013, 7, 1, 5), "DATETIME '2013-07-01 05:00:00'"),
        (
            datetime(2013, 7, 1, 5, tzinfo=timezone.utc),  # noqa: UP017
            "TIMESTAMP '2013-07-01 05:00:00+00:00'",
        ),
        (time(5, 30), "TIME '05:30:00'"),
        (math.inf, "CAST('inf' AS FLOAT64)"),
        (-math.inf, "CAST('-inf' AS FLOAT64)"),
        (math.nan, "CAST('nan' AS FLOAT64)"),
        ([], "[]"),
    ],
)
def test_values_of_every_type_are_written_as_sql(value: object, written: str) -> None:
    assert render(value) == written
    parse_statement(f"SELECT {written}")


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (2**63, "not within INT64"),
        (Decimal("NaN"), "neither infinity nor NaN"),
        (Decimal(10) ** 40, "41 digits before"),
        ("\ud800", "not valid Unicode"),
        (object(), "has no literal in GoogleSQL; allowed are"),
        ({1, 2}, "is a set"),
        ({"": 1}, "a name is empty"),
    ],
)
def test_a_value_without_a_literal_is_refused_with_the_reason(value: object, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        render(value)
