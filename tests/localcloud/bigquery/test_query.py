"""Queries: errors with their places, what is not there, rows."""

import pytest
from google.api_core import exceptions
from google.cloud import bigquery

from tests.localcloud.bigquery.conftest import Run


@pytest.mark.parametrize(
    ("sql", "error", "message"),
    [
        ("SELECT nope FROM t", exceptions.BadRequest, r"Unrecognized name: nope at \[1:8\]"),
        (
            "-- a comment\n\nSELECT\n  nope\nFROM t",
            exceptions.BadRequest,
            r"Unrecognized name: nope at \[4:3\]",
        ),
        (
            "SELECT 1; SELECT nope FROM t",
            exceptions.BadRequest,
            r"Unrecognized name: nope at \[1:18\]",
        ),
        ("SELEC 1", exceptions.BadRequest, r'Unexpected identifier "SELEC" at \[1:1\]'),
        ("SELECT a + 'x' FROM t", exceptions.BadRequest, r"Could not cast literal .* at \[1:12\]"),
        ("SELECT COUNT(*) FROM t GROUP BY", exceptions.BadRequest, r"Syntax error.* at \[1:32\]"),
        ("UPDATE t SET b = 1 WHERE TRUE", exceptions.BadRequest, "Unrecognized name: b"),
        ("SELECT * FROM nothing", exceptions.NotFound, "nothing was not found in location US"),
        ("SELECT 1 / 0", exceptions.BadRequest, "division by zero"),
        (
            "SELECT * FROM t FOR SYSTEM_TIME AS OF "
            "TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL 1 HOUR)",
            exceptions.MethodNotImplemented,
            "for times since a table's last change only",
        ),
        (
            "SELECT ST_AREA(ST_GEOGPOINT(1, 2))",
            exceptions.MethodNotImplemented,
            "is not implemented on the local cloud",
        ),
        *(
            (sql, exceptions.MethodNotImplemented, f"{sql[:9]}.*is not implemented")
            for sql in (
                "CREATE EXTERNAL TABLE u OPTIONS (uris = ['gs://b/x.csv'], format = 'CSV')",
            )
        ),
    ],
)
def test_a_wrong_query_is_refused_in_bigquerys_words(
    run: Run, sql: str, error: type[Exception], message: str
) -> None:
    run("CREATE TABLE t AS SELECT 1 AS a")

    with pytest.raises(error, match=message):
        run(sql)


def test_a_field_of_structs_is_named_bare(run: Run) -> None:
    run("CREATE TABLE t AS SELECT [STRUCT('a' AS label, 0.25 AS prob)] AS probs")

    assert run("SELECT prob FROM t, UNNEST(probs) WHERE label = 'a'") == [{"prob": 0.25}]
    assert run("SELECT (SELECT MAX(prob) FROM UNNEST(probs)) AS p FROM t") == [{"p": 0.25}]


@pytest.mark.parametrize(
    ("sql", "parameters", "rows"),
    [
        (
            "SELECT @a + 1 AS b, x FROM UNNEST(@xs) AS x",
            [
                bigquery.ScalarQueryParameter("a", "INT64", 1),
                bigquery.ArrayQueryParameter("xs", "STRING", ["p"]),
            ],
            [{"b": 2, "x": "p"}],
        ),
        (
            "SELECT ? + ? AS b",
            [
                bigquery.ScalarQueryParameter(None, "INT64", 1),
                bigquery.ScalarQueryParameter(None, "INT64", 5),
            ],
            [{"b": 6}],
        ),
        (
            "SELECT @s.y AS b",
            [bigquery.StructQueryParameter("s", bigquery.ScalarQueryParameter("y", "STRING", "q"))],
            [{"b": "q"}],
        ),
    ],
)
def test_parameters_have_their_types(
    run: Run, sql: str, parameters: list[object], rows: list[object]
) -> None:
    assert run(sql, query_parameters=parameters) == rows


def test_a_script_runs_with_its_variables(run: Run) -> None:
    rows = run(
        "DECLARE n INT64 DEFAULT 2; CREATE TEMP TABLE s AS SELECT x FROM UNNEST([1, 2, 3]) AS x; "
        "IF n > 1 THEN SELECT SUM(x) AS total FROM s WHERE x <= n; END IF;"
    )

    assert rows == [{"total": 3}]


def test_hash_buckets_are_those_of_googles_page(run: Run) -> None:
    rows = run("SELECT f, ML.HASH_BUCKETIZE(f, 3) AS b FROM UNNEST(['a', 'b', 'c', 'd']) AS f")

    assert sorted((row["f"], row["b"]) for row in rows) == [("a", 0), ("b", 1), ("c", 1), ("d", 2)]


def test_bucketize_works_in_any_query(run: Run) -> None:
    assert run("SELECT ML.BUCKETIZE(3, [2, 4]) AS b") == [{"b": "bin_2"}]


@pytest.mark.parametrize("made", ["", "CREATE TABLE made AS "])
def test_positional_parameters_are_counted_once_where_the_text_is_run_as_zetasql_writes_it(
    run: Run, made: str
) -> None:
    parameters = [
        bigquery.ScalarQueryParameter(None, "STRING", "x"),
        bigquery.ScalarQueryParameter(None, "FLOAT64", 0.5),
    ]
    sql = (
        "SELECT ? AS given, (SELECT prob FROM UNNEST(probs) WHERE label = 'a' AND prob > ?) AS p "
        "FROM (SELECT [STRUCT('a' AS label, 0.7 AS prob)] AS probs)"
    )

    rows = run(made + sql, query_parameters=parameters) or run("SELECT * FROM made")

    assert rows == [{"given": "x", "p": 0.7}]
