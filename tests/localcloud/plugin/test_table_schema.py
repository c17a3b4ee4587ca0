"""A table's schema: what is the same, what can be altered, what takes another table."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.plugin.resource_types import table_schema


def schema(*columns: dict[str, object] | str) -> str:
    fields = [
        dict(zip(("name", "type", "mode"), each.split(":"), strict=False))
        if isinstance(each, str)
        else each
        for each in columns
    ]
    return json.dumps(fields)


def record(*inner: str) -> dict[str, object]:
    return {"name": "r", "type": "RECORD", "fields": json.loads(schema(*inner))}


@pytest.mark.parametrize(
    "other",
    [
        schema("b:INTEGER", "a:STRING"),
        schema("A:string", "b:int64:nullable"),
        schema({"name": "a", "type": "STRING", "description": ""}, "b:INT64"),
        schema({"name": "a", "type": "STRING", "policyTags": {"names": []}}, "b:INT64"),
    ],
)
def test_spelling_and_order_are_no_difference(other: str) -> None:
    assert table_schema.same(schema("a:STRING", "b:INT64"), other)


@pytest.mark.parametrize(
    ("wanted", "new_table"),
    [
        (schema("a:STRING", "b:INT64", record("x:DATE"), "c:DATE"), False),
        (schema("a:STRING", record("x:DATE")), False),
        (schema("a:STRING", "b:INT64", record("x:DATE", "y:DATE")), False),
        (schema("a:STRING", "b:INT64:NULLABLE", record("x:DATE")), False),
        (schema({"name": "a", "type": "STRING", "description": "d"}, "b:INT64"), False),
        (schema("a:STRING", "b:INT64", record("x:DATE"), "c:DATE:REQUIRED"), True),
        (schema("a:STRING:REQUIRED", "b:INT64", record("x:DATE")), True),
        (schema("a:STRING", "b:NUMERIC", record("x:DATE")), True),
        (schema("a:STRING", "b:INT64", record("y:DATE")), True),
        (schema("z:STRING"), True),
        ("not JSON", True),
    ],
)
def test_only_what_google_cannot_alter_takes_another_table(wanted: str, new_table: bool) -> None:
    have = schema("a:STRING", "b:INT64:REQUIRED", record("x:DATE"))

    assert table_schema.needs_new_table(have, wanted) is new_table


def test_the_columns_that_go_are_named_as_the_table_has_them() -> None:
    assert table_schema.dropped(schema("Left", "a:STRING"), schema("A:STRING")) == ["Left"]


NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
COLUMNS = st.recursive(
    st.fixed_dictionaries(
        {
            "name": NAMES,
            "type": st.sampled_from(["STRING", "INTEGER", "FLOAT", "BOOLEAN", "DATE"]),
            "mode": st.sampled_from(["NULLABLE", "REQUIRED", "REPEATED"]),
        }
    ),
    lambda inner: st.fixed_dictionaries(
        {
            "name": NAMES,
            "type": st.just("RECORD"),
            "mode": st.just("NULLABLE"),
            "fields": st.lists(inner, min_size=1, max_size=3, unique_by=lambda each: each["name"]),
        }
    ),
    max_leaves=6,
)
SCHEMAS = st.lists(COLUMNS, min_size=1, max_size=5, unique_by=lambda each: each["name"])


@given(SCHEMAS)
def test_a_schema_comes_back_the_same(columns: list[dict[str, object]]) -> None:
    text = json.dumps(columns)

    back = table_schema.decode(table_schema.encode(text))

    assert table_schema.same(text, back)
    assert not table_schema.needs_new_table(back, text)
    assert table_schema.dropped(back, text) == []
