"""Views over functions of BigQuery ML, and those functions where queries may stand."""

from collections.abc import Iterator
from typing import Any

import pytest
from google.api_core.exceptions import BadRequest, MethodNotImplemented
from google.cloud import bigquery

from localcloud.bigquery import model_view
from tests.localcloud.bigquery.conftest import PROJECT

DATASET = "views"
PREDICTED = (
    f"SELECT x, predicted_y FROM ML.PREDICT(MODEL `{PROJECT}.{DATASET}.m`, TABLE {DATASET}.t)"
)


@pytest.fixture(scope="module", autouse=True)
def model(client: bigquery.Client) -> Iterator[None]:
    client.create_dataset(DATASET)
    run(client, "CREATE TABLE t AS SELECT x, 2.0 * x AS y FROM UNNEST([1.0, 2.0, 3.0]) AS x")
    run(
        client,
        "CREATE MODEL m OPTIONS (model_type = 'LINEAR_REG', input_label_cols = ['y'], "
        "data_split_method = 'NO_SPLIT', optimize_strategy = 'NORMAL_EQUATION') AS SELECT * FROM t",
    )
    run(client, f"CREATE VIEW predicted OPTIONS (description = 'doubled') AS {PREDICTED}")
    yield
    client.delete_dataset(DATASET, delete_contents=True)


def run(client: bigquery.Client, sql: str, **settings: Any) -> list[tuple[Any, ...]]:
    config = bigquery.QueryJobConfig(default_dataset=f"{PROJECT}.{DATASET}", **settings)
    rows = client.query(sql, job_config=config, job_retry=None).result(retry=None)
    return [tuple(near(value) for value in row.values()) for row in rows]


def near(value: Any) -> Any:
    return round(value, 6) if isinstance(value, float) else value


@pytest.mark.covers("CREATE VIEW")
def test_a_view_over_a_model_has_its_columns_and_its_text(client: bigquery.Client) -> None:
    view = client.get_table(f"{DATASET}.predicted")

    assert (view.table_type, view.description, view.view_query) == ("VIEW", "doubled", PREDICTED)
    assert [(field.name, field.field_type) for field in view.schema] == [
        ("x", "FLOAT"),
        ("predicted_y", "FLOAT"),
    ]


READ = {
    "whole": ("SELECT * FROM predicted ORDER BY x", [(1.0, 2.0), (2.0, 4.0), (3.0, 6.0)]),
    "by its name": ("SELECT MAX(predicted.predicted_y) FROM predicted", [(6.0,)]),
    "by an alias": (f"SELECT p.x FROM {DATASET}.predicted AS p WHERE p.predicted_y > 5", [(3.0,)]),
    "joined": ("SELECT COUNT(*) FROM predicted JOIN t USING (x)", [(3,)]),
    "twice": ("SELECT COUNT(*) FROM predicted AS a CROSS JOIN predicted AS b", [(9,)]),
    "in a common table": ("WITH w AS (SELECT * FROM predicted) SELECT SUM(x) FROM w", [(6.0,)]),
    "hidden by a common table": (
        "WITH predicted AS (SELECT 1 AS z) SELECT z FROM predicted",
        [(1,)],
    ),
    "in a subquery": ("SELECT (SELECT MAX(x) FROM predicted), x FROM t WHERE x = 1", [(3.0, 1.0)]),
    "by another function": (
        "SELECT COUNT(*) FROM ML.PREDICT(MODEL m, TABLE predicted)",
        [(3,)],
    ),
    "in a script": (
        "DECLARE n FLOAT64 DEFAULT (SELECT MAX(predicted_y) FROM predicted); SELECT n + 1",
        [(7.0,)],
    ),
}


@pytest.mark.covers("CREATE VIEW")
@pytest.mark.parametrize("name", READ)
def test_a_view_over_a_model_is_read(client: bigquery.Client, name: str) -> None:
    sql, expected = READ[name]

    assert run(client, sql) == expected


@pytest.mark.covers("CREATE VIEW")
def test_a_view_gives_what_is_there_when_it_is_read(client: bigquery.Client) -> None:
    run(client, "CREATE TABLE more AS SELECT 5.0 AS x")
    run(
        client,
        f"CREATE VIEW live AS SELECT * FROM ML.PREDICT(MODEL {DATASET}.m, TABLE {DATASET}.more)",
    )
    before = run(client, "SELECT predicted_y FROM live")

    run(client, "UPDATE more SET x = 7.0 WHERE TRUE")

    assert (before, run(client, "SELECT predicted_y FROM live")) == ([(10.0,)], [(14.0,)])


@pytest.mark.covers("CREATE VIEW")
def test_a_view_over_such_a_view_is_known_after_a_restart_too(client: bigquery.Client) -> None:
    run(client, f"CREATE OR REPLACE VIEW above AS SELECT x FROM {DATASET}.predicted WHERE x > 1")

    found = run(client, "SELECT COUNT(*) FROM above")
    model_view.forget()

    assert (found, run(client, "SELECT COUNT(*) FROM above")) == ([(2,)], [(2,)])


@pytest.mark.covers("CREATE VIEW")
def test_a_view_is_made_through_the_api(client: bigquery.Client) -> None:
    view = bigquery.Table(f"{PROJECT}.{DATASET}.inserted")
    view.view_query = (
        f"SELECT x, ML.MIN_MAX_SCALER(x) OVER () AS scaled FROM `{PROJECT}.{DATASET}.t`"
    )

    made = client.create_table(view)

    assert [field.name for field in made.schema or client.get_table(made).schema] == ["x", "scaled"]
    assert run(client, "SELECT scaled FROM inserted ORDER BY x") == [(0.0,), (0.5,), (1.0,)]


@pytest.mark.covers("CREATE VIEW")
def test_a_table_in_the_place_of_a_view_is_read_as_one(client: bigquery.Client) -> None:
    run(client, f"CREATE VIEW gone AS {PREDICTED}")
    run(client, "DROP VIEW gone")
    run(client, "CREATE TABLE gone AS SELECT 'table' AS x")

    assert run(client, "SELECT x FROM gone") == [("table",)]


@pytest.mark.covers("CREATE VIEW")
def test_a_wrong_view_is_refused_and_not_made(client: bigquery.Client) -> None:
    with pytest.raises(BadRequest, match=r"Unrecognized name: nothing at \[2:8\]"):
        run(client, "CREATE VIEW wrong AS\nSELECT nothing FROM ML.PREDICT(MODEL m, TABLE t)")

    assert "wrong" not in [table.table_id for table in client.list_tables(DATASET)]


def test_a_materialized_view_over_a_model_is_refused(client: bigquery.Client) -> None:
    with pytest.raises(MethodNotImplemented, match="materialized view"):
        run(client, f"CREATE MATERIALIZED VIEW kept AS {PREDICTED}")


@pytest.mark.covers("dry run")
def test_a_dry_run_of_a_view_makes_none(client: bigquery.Client) -> None:
    config = bigquery.QueryJobConfig(dry_run=True, default_dataset=f"{PROJECT}.{DATASET}")

    client.query(f"CREATE VIEW tried AS {PREDICTED}", job_config=config)

    assert "tried" not in [table.table_id for table in client.list_tables(DATASET)]


WRITTEN = {
    "CREATE TABLE AS": f"CREATE TABLE written AS {PREDICTED}",
    "INSERT": f"CREATE TABLE written (x FLOAT64, y FLOAT64); INSERT INTO written {PREDICTED}",
    "INSERT from a view": "CREATE TABLE written (x FLOAT64, y FLOAT64); "
    "INSERT INTO written SELECT * FROM predicted",
    "MERGE": "CREATE TABLE written AS SELECT 1.0 AS x, 0.0 AS y; "
    f"MERGE written AS w USING ({PREDICTED}) AS p ON w.x = p.x "
    "WHEN MATCHED THEN UPDATE SET y = p.predicted_y "
    "WHEN NOT MATCHED THEN INSERT (x, y) VALUES (p.x, p.predicted_y)",
    "MERGE of a view": "CREATE TABLE written AS SELECT 1.0 AS x, 0.0 AS y; "
    "MERGE written AS w USING predicted AS p ON w.x = p.x "
    "WHEN MATCHED THEN UPDATE SET y = p.predicted_y "
    "WHEN NOT MATCHED THEN INSERT (x, y) VALUES (p.x, p.predicted_y)",
    "UPDATE": "CREATE TABLE written AS SELECT x, 0.0 AS y FROM t; UPDATE written AS w SET y = "
    f"p.predicted_y FROM ({PREDICTED}) AS p WHERE w.x = p.x",
    "a loop": "CREATE TABLE written (x FLOAT64, y FLOAT64); FOR row IN (SELECT x FROM t) DO INSERT "
    "INTO written SELECT x, predicted_y FROM ML.PREDICT(MODEL m, (SELECT row.x AS x)); END FOR",
}


@pytest.mark.covers("ML.PREDICT")
@pytest.mark.parametrize("name", WRITTEN)
def test_predictions_are_written(client: bigquery.Client, name: str) -> None:
    run(client, f"DROP TABLE IF EXISTS written; {WRITTEN[name]}")

    assert run(client, "SELECT * FROM written ORDER BY x") == [(1.0, 2.0), (2.0, 4.0), (3.0, 6.0)]


@pytest.mark.covers("query parameters", "ML.PREDICT")
def test_named_parameters_are_those_of_the_rows_too(client: bigquery.Client) -> None:
    rows = run(
        client,
        "SELECT predicted_y + @plus FROM ML.PREDICT(MODEL m, (SELECT @x AS x)) WHERE x = @x",
        query_parameters=[
            bigquery.ScalarQueryParameter("x", "FLOAT64", 4.0),
            bigquery.ScalarQueryParameter("plus", "FLOAT64", 1.0),
        ],
    )

    assert rows == [(9.0,)]


def test_a_table_function_over_a_model_is_refused(client: bigquery.Client) -> None:
    with pytest.raises(MethodNotImplemented, match="not implemented"):
        run(
            client,
            "CREATE TABLE FUNCTION f(low FLOAT64) AS SELECT * FROM ML.PREDICT(MODEL m, (SELECT low "
            "AS x))",
        )


@pytest.mark.covers("CREATE PROCEDURE")
def test_a_procedure_predicts_when_it_is_called(client: bigquery.Client) -> None:
    run(client, "CREATE TABLE taken AS SELECT 1.0 AS x")
    run(
        client,
        f"CREATE PROCEDURE {DATASET}.predict() BEGIN CREATE OR REPLACE TABLE {DATASET}.answered AS "
        f"SELECT * FROM ML.PREDICT(MODEL {DATASET}.m, TABLE {DATASET}.taken); END",
    )
    run(client, "UPDATE taken SET x = 6.0 WHERE TRUE")

    run(client, f"CALL {DATASET}.predict()")

    assert run(client, "SELECT predicted_y FROM answered") == [(12.0,)]
