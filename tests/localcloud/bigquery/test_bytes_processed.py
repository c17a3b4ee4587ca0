"""Bytes that queries and trainings read, and the limit that a job sets to them."""

import httpx
import pytest
from google.api_core import exceptions
from google.cloud import bigquery

from tests.localcloud.bigquery.conftest import PROJECT, Run, Server

pytestmark = pytest.mark.covers("bytes processed")

ROWS, ROW_BYTES = 1000, 8 + 8 + 3
MIB = 1 << 20
TABLE = """
CREATE TABLE t AS
SELECT n AS x, n * 2.0 AS y, IF(MOD(n, 2) = 0, 'a', 'b') AS c
FROM UNNEST(GENERATE_ARRAY(1, 1000)) AS n
"""
MODEL = (
    "CREATE OR REPLACE MODEL m OPTIONS (model_type = 'LINEAR_REG', input_label_cols = ['y']) "
    "AS SELECT x, y, c FROM t"
)
PREDICT = "SELECT * FROM ML.PREDICT(MODEL m, (SELECT x, c FROM t))"
EXCEEDED = (
    rf"Query exceeded limit for bytes billed: 1000\. {10 * MIB} or higher required\..*"
    "bytesBilledLimitExceeded"
)


def job_of(client: bigquery.Client, dataset: str, sql: str, **config: object) -> bigquery.QueryJob:
    settings = bigquery.QueryJobConfig(default_dataset=f"{PROJECT}.{dataset}", **config)
    job = client.query(sql, job_config=settings, job_retry=None)
    if not settings.dry_run:
        job.result()
    return job


@pytest.mark.parametrize(
    ("sql", "tables", "row_bytes"),
    [
        ("SELECT 1", 0, 0),
        ("SELECT x FROM t", 1, 8),
        ("SELECT x FROM seen", 1, 8),
        ("SELECT c FROM seen WHERE y > 1", 1, 11),
        ("SELECT COUNT(*) FROM t", 0, 0),
        ("SELECT a.x FROM t AS a JOIN t AS b USING (x)", 1, 8),
        ("SELECT a.x FROM t AS a JOIN u AS b USING (x)", 2, 16),
        ("WITH u AS (SELECT x FROM t) SELECT x FROM u", 1, 8),
        ("SELECT x FROM `events_*`", 2, 2 * ROW_BYTES),
        ("CREATE OR REPLACE TABLE v AS SELECT x FROM t", 1, 8),
        ("INSERT INTO u SELECT * FROM t", 1, ROW_BYTES),
        ("INSERT INTO u VALUES (1, 1.0, 'a')", 0, 0),
        ("UPDATE u SET x = 1 WHERE x = 1", 1, ROW_BYTES),
        (PREDICT, 1, 11),
        ("SELECT * FROM ML.EVALUATE(MODEL m)", 0, 0),
        ("SELECT * FROM ML.EVALUATE(MODEL m, TABLE t)", 1, ROW_BYTES),
        (MODEL, 1, ROW_BYTES),
    ],
)
@pytest.mark.parametrize("dry_run", [True, False])
def test_a_statement_reads_the_columns_it_uses(
    client: bigquery.Client,
    dataset: str,
    run: Run,
    sql: str,
    tables: int,
    row_bytes: int,
    dry_run: bool,
) -> None:
    run(TABLE)
    for statement in ("TABLE u", "TABLE events_1", "TABLE events_2"):
        run(f"CREATE {statement} AS SELECT * FROM t")
    run("CREATE VIEW seen AS SELECT * FROM t")
    run(MODEL)

    job = job_of(client, dataset, sql, dry_run=dry_run)

    assert job.total_bytes_processed == ROWS * row_bytes
    if not dry_run:
        assert job.total_bytes_billed == tables * 10 * MIB


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_script_that_runs_reads_what_its_statements_use(
    client: bigquery.Client, dataset: str, run: Run, dry_run: bool
) -> None:
    run(TABLE)

    job = job_of(client, dataset, "SELECT x FROM t; SELECT y FROM t; SELECT 1", dry_run=dry_run)

    # Nothing of a script is run to check it: all columns count.
    row_bytes = 2 * ROW_BYTES if dry_run else 8 + 8
    assert job.total_bytes_processed == ROWS * row_bytes


@pytest.mark.covers("dry run")
@pytest.mark.parametrize(
    ("condition", "rows"),
    [
        ("TRUE", 100),
        ("day = '2024-01-03'", 10),
        ("'2024-01-03' >= day AND x > 5", 30),
        ("day BETWEEN '2024-01-02' AND DATE_ADD('2024-01-02', INTERVAL 1 DAY)", 20),
        ("(day IN ('2024-01-01', '2024-01-09'))", 20),
        ("day = @day", 10),
        ("day IS NULL", 0),
        ("day = '2024-01-03' OR x > 5", 100),
        ("day = (SELECT MAX(day) FROM parts)", 100),
    ],
)
def test_a_filter_of_the_partitioning_column_leaves_partitions_out(
    client: bigquery.Client, dataset: str, run: Run, condition: str, rows: int
) -> None:
    run(
        "CREATE TABLE parts PARTITION BY day AS SELECT n AS x, "
        "DATE_ADD('2024-01-01', INTERVAL MOD(n, 10) DAY) AS day "
        "FROM UNNEST(GENERATE_ARRAY(1, 100)) AS n"
    )
    parameter = bigquery.ScalarQueryParameter("day", "DATE", "2024-01-05")

    job = job_of(
        client,
        dataset,
        f"SELECT x FROM parts WHERE {condition}",
        dry_run=True,
        query_parameters=[parameter],
    )

    columns = 8 if condition == "TRUE" else 16
    assert job.total_bytes_processed == rows * columns


@pytest.mark.parametrize("sql", ["SELECT x FROM t", MODEL, PREDICT, "SELECT 1; SELECT x FROM t"])
def test_a_statement_over_the_limit_is_refused(
    client: bigquery.Client, dataset: str, run: Run, sql: str
) -> None:
    run(TABLE)
    run(MODEL)
    before = client.get_model(f"{dataset}.m").modified

    # Google's library knows no class for this reason.
    with pytest.raises(exceptions.GoogleAPICallError, match=EXCEEDED):
        job_of(client, dataset, sql, maximum_bytes_billed=1000)

    assert client.get_model(f"{dataset}.m").modified == before


@pytest.mark.parametrize(("sql", "limit"), [("SELECT x FROM t", 10 * MIB), ("SELECT 1", 1)])
def test_a_statement_within_the_limit_runs(
    client: bigquery.Client, dataset: str, run: Run, sql: str, limit: int
) -> None:
    run(TABLE)

    job = job_of(client, dataset, sql, maximum_bytes_billed=limit)

    assert job.state == "DONE"


def test_a_limit_does_not_stop_a_dry_run(client: bigquery.Client, dataset: str, run: Run) -> None:
    run(TABLE)

    job = job_of(client, dataset, "SELECT x FROM t", maximum_bytes_billed=1, dry_run=True)

    assert job.total_bytes_processed == ROWS * 8


def test_the_short_way_to_query_tells_the_same_bytes(
    server: Server, dataset: str, run: Run
) -> None:
    run(TABLE)
    url = f"{server.url}/bigquery/v2/projects/{PROJECT}/queries"
    body = {"query": f"SELECT x FROM {dataset}.t", "useLegacySql": False}

    ran = httpx.post(url, json=body).json()
    checked = httpx.post(url, json=body | {"dryRun": True}).json()

    assert ran["totalBytesProcessed"] == checked["totalBytesProcessed"] == str(ROWS * 8)
    assert ran["totalBytesBilled"] == str(10 * MIB)


def test_the_short_way_to_query_tells_its_location(client: bigquery.Client, server: Server) -> None:
    url = f"{server.url}/bigquery/v2/projects/{PROJECT}/queries"
    body = {"query": "SELECT 1", "useLegacySql": False, "location": "europe-west4"}

    answer = httpx.post(url, json=body).json()

    assert answer["location"] == "europe-west4"
