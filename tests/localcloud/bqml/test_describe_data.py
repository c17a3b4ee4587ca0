"""ML.DESCRIBE_DATA."""

import datetime

import pyarrow as pa
import pytest

from localcloud import bqml
from tests.localcloud.bqml.conftest import call, schema


def described(column: pa.Array, **settings: int) -> dict[str, object]:
    (row,) = call("DESCRIBE_DATA", None, pa.table({"c": column}), **settings).to_pylist()
    return {name: value for name, value in row.items() if value is not None}


def test_columns_and_types():
    rows = call("DESCRIBE_DATA", None, pa.table({"c": [1]}))

    texts = dict.fromkeys(("name", "min", "max"), "string")
    floats = dict.fromkeys(
        ("mean", "stddev", "median", "avg_string_length", "avg_array_length"), "double"
    )
    arrays = {
        "quantiles": "list<item: double>",
        "top_values": "list<item: struct<value: string, count: int64>>",
        "array_length_quantiles": "list<item: int64>",
    }
    names = [
        "name", "num_rows", "num_values", "num_nulls", "num_zeros", "min", "max", "mean", "stddev",
        "median", "quantiles", "unique", "avg_string_length", "top_values", "min_array_length",
        "max_array_length", "avg_array_length", "total_array_length", "array_length_quantiles",
        "dimension",
    ]  # fmt: skip
    kinds = texts | floats | arrays
    assert list(schema(rows).items()) == [(name, kinds.get(name, "int64")) for name in names]


def test_numbers():
    assert described(pa.array([0, 1, 2, 5, None])) == {
        "name": "c",
        "num_rows": 5,
        "num_values": 4,
        "num_nulls": 1,
        "num_zeros": 1,
        "min": "0",
        "max": "5",
        "mean": 2.0,
        "stddev": pytest.approx(2.160247),
        "median": 1.5,
        "quantiles": [0.0, 1.5, 5.0],
    }


def test_categories():
    assert described(pa.array(["b", "a", "b", None, "ccc"]), top_k=2) == {
        "name": "c",
        "num_rows": 5,
        "num_values": 4,
        "num_nulls": 1,
        "min": "a",
        "max": "ccc",
        "unique": 3,
        "avg_string_length": 1.5,
        "top_values": [{"value": "b", "count": 2}, {"value": "a", "count": 1}],
    }


@pytest.mark.parametrize(
    ("column", "least"),
    [
        (pa.array([True, False]), "false"),
        (pa.array([19_000, 19_001], pa.date32()), "2022-01-08"),
        (
            pa.array([datetime.datetime(2013, 1, 2, tzinfo=datetime.UTC)]),
            "2013-01-02 00:00:00+00",
        ),
    ],
)
def test_other_types_are_cast_to_strings(column, least):
    facts = described(column)

    assert facts["min"] == least
    assert "mean" not in facts


def test_arrays_are_unnested():
    facts = described(pa.array([["a", "b"], [], ["b"]]), num_array_length_quantiles=2)

    assert facts == {
        "name": "c",
        "num_rows": 3,
        "num_values": 3,
        "num_nulls": 0,
        "min": "a",
        "max": "b",
        "unique": 2,
        "avg_string_length": 1.0,
        "top_values": [{"value": "b", "count": 2}],
        "min_array_length": 0,
        "max_array_length": 2,
        "avg_array_length": 1.0,
        "total_array_length": 3,
        "array_length_quantiles": [0, 1, 2],
    }


def test_a_sparse_tensor_has_a_dimension():
    sparse = pa.array([[{"k": 1, "v": 2.0}], [{"k": 6, "v": 0.0}]])

    facts = described(sparse)

    assert (facts["dimension"], facts["mean"], facts["num_zeros"]) == (7, 1.0, 1)


def test_fields_of_a_struct_are_columns():
    table = pa.table({"s": pa.array([{"x": 1, "y": "a"}])})

    rows = call("DESCRIBE_DATA", None, table)

    assert rows["name"].to_pylist() == ["s_x", "s_y"]


def test_a_column_without_values_has_none():
    facts = described(pa.nulls(3, pa.float64()))

    assert facts == {"name": "c", "num_rows": 3, "num_values": 0, "num_nulls": 3, "num_zeros": 0}


def test_wrong_counts_are_refused():
    with pytest.raises(bqml.BqmlError, match="top_k is 0; give a whole number, 1 to 10,000"):
        described(pa.array([1]), top_k=0)
