"""Look-ups of one table: exact names, tables and views, required columns."""

import pytest
from google.api_core.exceptions import NotFound
from google.cloud import bigquery
from local_bigquery.engine import database

from localcloud.bigquery import catalog
from tests.localcloud.bigquery.conftest import PROJECT, Run


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("t", [("t", "TABLE", 2)]),
        ("T", []),
        ("v", [("v", "VIEW", 0)]),
        ("V", []),
        ("of_v", [("of_v", "VIEW", 0)]),
        ("broken", [("broken", "VIEW", 0)]),
        ("nothing", []),
    ],
)
def test_a_name_finds_the_table_or_view_of_exactly_that_name(
    run: Run, dataset: str, name: str, found: list[tuple[str, str, int]]
) -> None:
    run("CREATE TABLE t AS SELECT * FROM UNNEST([1, 2]) AS n")
    run("CREATE TABLE gone AS SELECT 1 AS n")
    run("CREATE VIEW v AS SELECT * FROM t")
    run("CREATE VIEW of_v AS SELECT * FROM v")
    run("CREATE VIEW broken AS SELECT * FROM gone")
    run("DROP TABLE gone")

    looked_up = catalog.objects(PROJECT, dataset, name)

    assert looked_up == found


def test_all_names_of_a_dataset_are_listed(run: Run, dataset: str) -> None:
    run("CREATE TABLE t AS SELECT 1 AS n")
    run("CREATE VIEW v AS SELECT * FROM t")

    names = [(name, kind) for name, kind, _ in catalog.objects(PROJECT, dataset)]

    assert names == [("t", "TABLE"), ("v", "VIEW")]


def test_required_columns_are_told(client: bigquery.Client, dataset: str) -> None:
    schema = [
        bigquery.SchemaField("id", "INTEGER", mode="REQUIRED"),
        bigquery.SchemaField("name", "STRING"),
    ]
    made = client.create_table(bigquery.Table(f"{PROJECT}.{dataset}.t", schema=schema))

    read = client.get_table(made)

    assert [(field.name, field.mode) for field in read.schema] == [
        ("id", "REQUIRED"),
        ("name", "NULLABLE"),
    ]


def test_columns_of_a_missing_table_are_not_found(client: bigquery.Client, dataset: str) -> None:
    with pytest.raises(NotFound, match=f"Table {PROJECT}:{dataset}.t"):
        client.list_rows(f"{PROJECT}.{dataset}.t", selected_fields=[], max_results=1).to_arrow()


def test_a_query_reads_no_list_of_all_tables(
    run: Run, dataset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("CREATE TABLE t AS SELECT 1 AS n")
    asked: list[str] = []

    def recording(sql: str, params: list[object] | None = None) -> list[tuple[object, ...]]:
        asked.append(sql)
        with database.cursor() as cursor:
            return list(cursor.execute(sql, params).fetchall())

    monkeypatch.setattr(database, "fetch", recording)
    rows = run("SELECT n FROM t")

    assert (rows, [sql for sql in asked if "duckdb_tables()" in sql]) == ([{"n": 1}], [])


def test_a_temporary_table_needs_no_dataset(client: bigquery.Client) -> None:
    script = "CREATE TEMP TABLE t AS SELECT 1 AS n; SELECT n + 1 AS more FROM t;"

    rows = [dict(row) for row in client.query(script, job_retry=None).result()]

    assert rows == [{"more": 2}]
