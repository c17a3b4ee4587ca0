"""Preprocessing functions: what they learn, as SQL that is run over other rows."""

import math
import statistics
from collections.abc import Iterator, Sequence
from typing import Any

import duckdb
import pytest
import sqlglot
from hypothesis import given
from hypothesis import strategies as st
from local_bigquery.errors import BigQueryError

from localcloud.bigquery import preprocessing
from localcloud.bigquery.preprocessing import Fit

NUMBERS = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=20).map(
    lambda values: [round(value, 3) for value in values]
)


@pytest.fixture(scope="module")
def cursor() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


def apply(
    cursor: duckdb.DuckDBPyConnection,
    name: str,
    learnt_from: Sequence[Any],
    given: Sequence[Any],
    *arguments: Any,
) -> list[Any]:
    """The function fitted on some values and applied to others."""
    kind = "VARCHAR" if any(isinstance(value, str) for value in learnt_from) else "DOUBLE"
    for table, values in (("learnt", learnt_from), ("others", given)):
        made = f"CREATE OR REPLACE TABLE {table} AS SELECT unnest(?::{kind}[]) AS x"
        cursor.execute(made, [values])
    sql = preprocessing.ANALYTIC[name](Fit(cursor, "learnt"), "x", arguments)
    query = sqlglot.transpile(f"SELECT {sql} FROM others", read="bigquery", write="duckdb")[0]
    return [value for (value,) in cursor.execute(query).fetchall()]


@given(values=NUMBERS)
def test_standard_scaler_is_the_z_score_of_the_sample(
    cursor: duckdb.DuckDBPyConnection, values: list[float]
) -> None:
    mean, deviation = statistics.mean(values), statistics.stdev(values)

    scaled = apply(cursor, "ML.STANDARD_SCALER", values, values)

    expected = [(value - mean) / (deviation or 1) for value in values]
    assert scaled == pytest.approx(expected, abs=1e-6, rel=1e-6)


def test_standard_scaler_is_as_google_documents_it(cursor: duckdb.DuckDBPyConnection) -> None:
    scaled = apply(cursor, "ML.STANDARD_SCALER", [1, 2, 3, 4, 5], [1, 3, 5])

    assert scaled == pytest.approx([-1.2649110640673518, 0.0, 1.2649110640673518])


@given(values=NUMBERS, other=NUMBERS)
def test_min_max_scaler_stays_within_0_and_1_on_any_rows(
    cursor: duckdb.DuckDBPyConnection, values: list[float], other: list[float]
) -> None:
    scaled = apply(cursor, "ML.MIN_MAX_SCALER", values, other)

    assert all(0 <= value <= 1 for value in scaled)


@given(values=NUMBERS)
def test_max_abs_scaler_stays_within_minus_1_and_1_on_its_own_rows(
    cursor: duckdb.DuckDBPyConnection, values: list[float]
) -> None:
    scaled = apply(cursor, "ML.MAX_ABS_SCALER", values, values)

    assert all(abs(value) <= 1 + 1e-9 for value in scaled)


@given(values=NUMBERS, count=st.integers(2, 6))
def test_quantile_buckets_rise_with_the_value(
    cursor: duckdb.DuckDBPyConnection, values: list[float], count: int
) -> None:
    ordered = sorted(values)

    buckets = apply(cursor, "ML.QUANTILE_BUCKETIZE", values, ordered, count)

    numbers = [int(name.removeprefix("bin_")) for name in buckets]
    assert numbers == sorted(numbers)
    assert set(numbers) <= set(range(1, count + 1))


@pytest.mark.parametrize(
    ("strategy", "filled"), [("mean", 3.25), ("median", 2.0), ("most_frequent", 2.0)]
)
def test_imputer_fills_what_is_missing(
    cursor: duckdb.DuckDBPyConnection, strategy: str, filled: float
) -> None:
    learnt_from = [1.0, 2.0, 2.0, 8.0, None]

    assert apply(cursor, "ML.IMPUTER", learnt_from, [None, 7.0], strategy) == [filled, 7.0]


def test_label_encoder_counts_from_one_in_alphabetical_order(
    cursor: duckdb.DuckDBPyConnection,
) -> None:
    learnt_from = ["b"] * 6 + ["a"] * 5 + ["rare"]

    encoded = apply(cursor, "ML.LABEL_ENCODER", learnt_from, ["a", "b", "rare", "new", None])

    assert encoded == [1, 2, 0, 0, 0]


def test_label_encoder_is_as_google_documents_it(cursor: duckdb.DuckDBPyConnection) -> None:
    values = [None, "a", "b", "b", "c", "c", "c", "d", "d"]

    assert apply(cursor, "ML.LABEL_ENCODER", values, values, 2, 2) == [0, 0, 1, 1, 2, 2, 2, 0, 0]


@given(st.text(max_size=20))
def test_a_category_of_any_letters_is_found_again(value: str) -> None:
    with duckdb.connect() as cursor:
        cursor.execute("CREATE TABLE learnt AS SELECT unnest(?::VARCHAR[]) AS x", [[value] * 5])

        sql = preprocessing.label_encoder(Fit(cursor, "learnt"), "x", [])

        query = sqlglot.transpile(f"SELECT {sql} FROM learnt", read="bigquery", write="duckdb")[0]
        assert cursor.execute(query).fetchone() == (1,)


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (([2, 4],), ["bin_1", "bin_2", "bin_2", "bin_3", None]),
        (([0, 2, 4, 9], True), ["bin_1", "bin_2", "bin_2", "bin_3", None]),
        (
            ([2, 4], False, "bucket_ranges"),
            ["(-inf, 2)", "[2, 4)", "[2, 4)", "[4, +inf)", None],
        ),
    ],
)
def test_bucketize_puts_a_split_point_above(
    cursor: duckdb.DuckDBPyConnection, arguments: tuple[Any, ...], names: list[str | None]
) -> None:
    sql = preprocessing.bucketize("x", arguments)
    query = f"SELECT {sql} FROM (SELECT unnest([1, 2, 3.5, 4, NULL]) AS x)"

    found = cursor.execute(sqlglot.transpile(query, read="bigquery", write="duckdb")[0]).fetchall()

    assert [name for (name,) in found] == names


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("ML.QUANTILE_BUCKETIZE", (1,), "num_buckets is 1; it is an integer from 2"),
        ("ML.QUANTILE_BUCKETIZE", (), "num_buckets is None"),
        ("ML.IMPUTER", ("mode",), "'mode'; allowed are mean, median, most_frequent"),
    ],
)
def test_a_wrong_argument_is_named(
    cursor: duckdb.DuckDBPyConnection, name: str, arguments: tuple[Any, ...], message: str
) -> None:
    with pytest.raises(BigQueryError, match=message):
        apply(cursor, name, [1.0, 2.0], [1.0], *arguments)


@given(st.floats(allow_nan=False))
def test_a_number_survives_its_literal(value: float) -> None:
    literal = sqlglot.transpile(
        f"SELECT {preprocessing.number(value)}", read="bigquery", write="duckdb"
    )[0]

    with duckdb.connect() as cursor:
        [(found,)] = cursor.execute(f"SELECT CAST(x AS DOUBLE) FROM ({literal}) AS q(x)").fetchall()
    assert found == value or math.isclose(found, value, rel_tol=1e-12)


@pytest.mark.covers("ML.FEATURE_CROSS")
def test_feature_cross_is_as_google_documents_it(cursor: duckdb.DuckDBPyConnection) -> None:
    sql = preprocessing.SCALAR["ML.FEATURE_CROSS"]("STRUCT('a' AS f1, 'b' AS f2, 'c' AS f3)", [])

    query = sqlglot.transpile(f"SELECT {sql} AS x", read="bigquery", write="duckdb")[0]
    [(crossed,)] = cursor.execute(query).fetchall()

    assert crossed == {"f1_f2": "a_b", "f1_f3": "a_c", "f2_f3": "b_c"}


@pytest.mark.covers("ML.FEATURE_CROSS")
def test_feature_cross_of_a_higher_degree_has_the_lower_ones_too() -> None:
    sql = preprocessing.feature_cross("STRUCT(a, t.b, UPPER(c) AS c)", [3])

    assert sql == (
        "STRUCT(CONCAT(a, '_', t.b) AS `a_b`, CONCAT(a, '_', UPPER(c)) AS `a_c`, "
        "CONCAT(t.b, '_', UPPER(c)) AS `b_c`, CONCAT(a, '_', t.b, '_', UPPER(c)) AS `a_b_c`)"
    )


@pytest.mark.parametrize(
    ("written", "degree", "says"),
    [
        ("STRUCT(a)", 2, "crosses 2 to 10 features"),
        ("STRUCT(a, b)", 5, "a degree of 2 to 4"),
        ("STRUCT(a, b)", 1, "integer from 2"),
        ("STRUCT(a, UPPER(b))", 2, "a name of its own"),
        ("STRUCT(a, b AS a)", 2, "a name of its own"),
        ("some_struct", 2, "a STRUCT that is written out"),
    ],
)
def test_what_cannot_be_crossed_is_refused(written: str, degree: int, says: str) -> None:
    with pytest.raises(BigQueryError, match=says):
        preprocessing.feature_cross(written, [degree])
