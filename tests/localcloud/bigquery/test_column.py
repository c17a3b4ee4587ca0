"""Values of instances, as the types of columns."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.bigquery.column import (
    ARROW,
    arrow_type,
    bigquery_type,
    coerce,
    standard_sql_field,
)


@given(st.integers(-(2**63), 2**63 - 1))
def test_an_int64_comes_as_a_number_or_as_its_digits(value: int) -> None:
    assert coerce("n", "INT64", value) == coerce("n", "INT64", str(value)) == value


@given(st.floats(allow_nan=False))
def test_a_float64_keeps_its_value(value: float) -> None:
    assert coerce("x", "FLOAT64", value) == value


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("INT64", "x"),
        ("INT64", 1.5),
        ("INT64", True),
        ("INT64", 2**63),
        ("FLOAT64", "x"),
        ("FLOAT64", [1.0]),
        ("STRING", 1),
        ("BOOL", 1),
        ("DATE", "yesterday"),
        ("ARRAY<INT64>", 1),
    ],
)
def test_a_value_of_another_type_is_refused_by_name(kind: str, value: object) -> None:
    with pytest.raises(ValueError, match=r"feature size is"):
        coerce("size", kind, value)


@pytest.mark.parametrize("kind", [kind for kind in ARROW if kind != "JSON"])
def test_a_type_survives_arrow(kind: str) -> None:
    assert bigquery_type(arrow_type(kind)) == kind
    assert bigquery_type(arrow_type(f"ARRAY<{kind}>")) == f"ARRAY<{kind}>"


def test_a_nested_column_is_written_as_the_rest_api_does() -> None:
    kind = bigquery_type(pa.list_(pa.struct([("label", pa.string()), ("prob", pa.float64())])))

    assert standard_sql_field("probs", kind) == {
        "name": "probs",
        "type": {
            "typeKind": "ARRAY",
            "arrayElementType": {
                "typeKind": "STRUCT",
                "structType": {
                    "fields": [
                        {"name": "label", "type": {"typeKind": "STRING"}},
                        {"name": "prob", "type": {"typeKind": "FLOAT64"}},
                    ]
                },
            },
        },
    }
