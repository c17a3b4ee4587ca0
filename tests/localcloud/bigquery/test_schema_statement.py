"""CREATE SCHEMA, and what is listed of a schema."""

import pytest
from google.cloud import bigquery

from tests.localcloud.bigquery.conftest import PROJECT, Run


@pytest.mark.covers("CREATE SCHEMA")
@pytest.mark.parametrize(
    ("options", "location", "place"),
    [
        ("OPTIONS (location = 'eu')", None, "EU"),
        ("OPTIONS (description = 'x', location = 'Europe-West4')", None, "europe-west4"),
        ("OPTIONS (description = 'x')", "europe-west1", "europe-west1"),
        ("", None, "US"),
    ],
)
def test_a_schema_is_made_where_its_options_or_the_job_say(
    client: bigquery.Client, dataset: str, options: str, location: str | None, place: str
) -> None:
    name = f"{dataset}_made"

    job = client.query(f"CREATE SCHEMA {name} {options}", location=location)
    job.result()
    made = client.get_dataset(name)
    client.query(f"CREATE TABLE {name}.t AS SELECT 1 AS a").result()
    client.delete_dataset(name, delete_contents=True)

    assert (made.location, job.location) == (place, place)


@pytest.mark.covers("CREATE FUNCTION", "bigquery.tables.list")
def test_functions_are_no_tables(client: bigquery.Client, dataset: str, run: Run) -> None:
    run("CREATE TABLE t (a INT64)")
    run("CREATE FUNCTION f(x INT64) AS (x + 1)")
    run("CREATE FUNCTION j(x FLOAT64) RETURNS FLOAT64 LANGUAGE js AS 'return x'")
    run("CREATE TABLE FUNCTION tf(x INT64) AS SELECT x AS y")

    listed = [table.table_id for table in client.list_tables(dataset)]
    viewed = run(f"SELECT table_name FROM {dataset}.INFORMATION_SCHEMA.TABLES")

    assert (listed, viewed) == (["t"], [{"table_name": "t"}])


@pytest.mark.covers("bigquery.jobs.query")
def test_a_request_that_is_sent_again_is_answered_by_the_same_job(
    client: bigquery.Client, dataset: str, run: Run
) -> None:
    run("CREATE TABLE t (a INT64)")
    body = {
        "query": f"INSERT INTO {dataset}.t VALUES (1)",
        "requestId": f"request-{dataset}",
        "useLegacySql": False,
    }

    answers = [
        client._connection.api_request(
            method="POST", path=f"/projects/{PROJECT}/queries", data=body
        )["jobReference"]
        for _ in range(2)
    ]

    assert (answers[0], run("SELECT COUNT(*) AS n FROM t")) == (answers[1], [{"n": 1}])


@pytest.mark.covers("ML.PREDICT", "positional parameters")
def test_positional_parameters_are_bound_in_their_order_around_a_function(
    run: Run, survival: str
) -> None:
    values = [("STRING", "before"), ("INT64", 160), ("STRING", "after")]
    parameters = [bigquery.ScalarQueryParameter(None, kind, value) for kind, value in values]

    rows = run(
        "SELECT ? AS first, predicted_survived FROM ML.PREDICT(MODEL shared.survival, "
        "(SELECT 'a' AS class, ? AS age, 1.5 AS fare)) WHERE ? = 'after'",
        query_parameters=parameters,
    )

    assert rows == [{"first": "before", "predicted_survived": True}]
