"""Types are the same in SQL, in the REST API and in ZetaSQL."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from zetasql.wasi._pb2.zetasql.public.type_pb2 import TypeProto

from googlesql.schema import (
    Column,
    Type,
    columns_from_rest,
    fill_type_proto,
    parse_type,
    type_from_proto,
)

SCALARS = st.sampled_from(["INT64", "BOOL", "FLOAT64", "STRING", "DATE", "NUMERIC", "JSON"]).map(
    Type
)
NAMES = st.sampled_from(["a", "b_1", "a b", "größe"])


def nested(inner: st.SearchStrategy[Type]) -> st.SearchStrategy[Type]:
    structs = st.lists(st.tuples(NAMES, inner), min_size=1, max_size=3).map(
        lambda fields: Type("STRUCT", tuple(fields))
    )
    flat = inner.filter(lambda type_: type_.name != "ARRAY")
    return structs | flat.map(lambda type_: Type("ARRAY", element=type_))


TYPES = st.recursive(SCALARS, nested, max_leaves=6)


@given(TYPES)
def test_a_type_is_read_back_from_sql(type_: Type) -> None:
    assert parse_type(str(type_)) == type_


@given(TYPES)
def test_a_type_goes_through_zetasql_unchanged(type_: Type) -> None:
    proto = TypeProto()

    fill_type_proto(type_, proto)

    assert type_from_proto(proto) == type_


@given(TYPES)
def test_a_column_goes_through_the_rest_api_unchanged(type_: Type) -> None:
    column = Column("c", str(type_), description="what it is")

    assert Column.from_rest(column.to_rest()) == column


@pytest.mark.parametrize(
    ("field", "column"),
    [
        ({"name": "a", "type": "INTEGER"}, Column("a", "INT64")),
        ({"name": "a", "type": "bool", "mode": "required"}, Column("a", "BOOL", "REQUIRED")),
        ({"name": "a", "type": "FLOAT", "mode": "REPEATED"}, Column("a", "ARRAY<FLOAT64>")),
        (
            {
                "name": "a",
                "type": "RECORD",
                "mode": "REPEATED",
                "fields": [{"name": "k", "type": "STRING"}, {"name": "v", "type": "BOOLEAN"}],
            },
            Column("a", "ARRAY<STRUCT<k STRING, v BOOL>>", "REPEATED"),
        ),
        (
            {"name": "a", "type": "NUMERIC", "precision": "10", "scale": "2"},
            Column("a", "NUMERIC(10, 2)"),
        ),
        ({"name": "a", "type": "STRING", "maxLength": "5"}, Column("a", "STRING(5)")),
        (
            {"name": "a", "type": "RANGE", "rangeElementType": {"type": "DATE"}},
            Column("a", "RANGE<DATE>"),
        ),
    ],
)
def test_fields_of_the_rest_api_are_columns(field: dict[str, object], column: Column) -> None:
    assert columns_from_rest([field]) == [column]


def test_a_column_is_answered_with_the_names_bigquery_answers() -> None:
    column = Column("a", "ARRAY<STRUCT<k INT64>>")

    assert column.to_rest() == {
        "name": "a",
        "type": "RECORD",
        "mode": "REPEATED",
        "fields": [{"name": "k", "type": "INTEGER", "mode": "NULLABLE"}],
    }


@pytest.mark.parametrize(
    ("text", "type_"),
    [
        ("integer", "INT64"),
        ("INT", "INT64"),
        ("array < struct< a int64 , float64 > >", "ARRAY<STRUCT<a INT64, FLOAT64>>"),
        ("NUMERIC( 10,2 )", "NUMERIC(10, 2)"),
        ("STRUCT<>", "STRUCT<>"),
        ("STRUCT<`a b` DATE>", "STRUCT<`a b` DATE>"),
    ],
)
def test_types_as_people_write_them(text: str, type_: str) -> None:
    assert str(parse_type(text)) == type_


@pytest.mark.parametrize("text", ["", "INT65", "ARRAY", "ARRAY<INT64", "INT64 x", "STRUCT<,>"])
def test_what_is_no_type_is_refused_with_what_is(text: str) -> None:
    with pytest.raises(ValueError, match="is no type of GoogleSQL; allowed are INT64, BOOL"):
        parse_type(text)


def test_a_column_of_no_type_is_named() -> None:
    with pytest.raises(ValueError, match="column 'a' has type 'NUMBER'; allowed are INT64"):
        Column.from_rest({"name": "a", "type": "NUMBER"})
