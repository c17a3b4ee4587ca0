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
    ("sql", "tables"),
    [
        ("SELECT 1", 0),
        ("SELECT x FROM t", 1),
        ("SELECT x FROM seen", 1),
        ("SELECT a.x FROM t AS a JOIN t AS b USING (x)", 1),
        ("SELECT a.x FROM t AS a JOIN u AS b USING (x)", 2),
        ("WITH u AS (SELECT x FROM t) SELECT x FROM u", 1),
        ("SELECT x FROM `events_*`", 2),
        ("CREATE OR REPLACE TABLE v AS SELECT x FROM t", 1),
        ("INSERT INTO u SELECT * FROM t", 1),
        ("INSERT INTO u VALUES (1, 1.0, 'a')", 0),
        ("UPDATE u SET x = 1 WHERE x = 1", 1),
        (PREDICT, 1),
        ("SELECT * FROM ML.EVALUATE(MODEL m)", 0),
        ("SELECT * FROM ML.EVALUATE(MODEL m, TABLE t)", 1),
        (MODEL, 1),
        ("SELECT x FROM t; SELECT y FROM t; SELECT 1", 2),
    ],
)
@pytest.mark.parametrize("dry_run", [True, False])
def test_a_statement_reads_its_tables(
    client: bigquery.Client, dataset: str, run: Run, sql: str, tables: int, dry_run: bool
) -> None:
    run(TABLE)
    for statement in ("TABLE u", "TABLE events_1", "TABLE events_2"):
        run(f"CREATE {statement} AS SELECT * FROM t")
    run("CREATE VIEW seen AS SELECT * FROM t")
    run(MODEL)

    job = job_of(client, dataset, sql, dry_run=dry_run)

    assert job.total_bytes_processed == tables * ROWS * ROW_BYTES
    if not dry_run:
        assert job.total_bytes_billed == tables * 10 * MIB


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

    assert job.total_bytes_processed == ROWS * ROW_BYTES


def test_the_short_way_to_query_tells_the_same_bytes(
    server: Server, dataset: str, run: Run
) -> None:
    run(TABLE)
    url = f"{server.url}/bigquery/v2/projects/{PROJECT}/queries"
    body = {"query": f"SELECT x FROM {dataset}.t", "useLegacySql": False}

    ran = httpx.post(url, json=body).json()
    checked = httpx.post(url, json=body | {"dryRun": True}).json()

    assert ran["totalBytesProcessed"] == checked["totalBytesProcessed"] == str(ROWS * ROW_BYTES)
    assert ran["totalBytesBilled"] == str(10 * MIB)


def test_the_short_way_to_query_tells_its_location(client: bigquery.Client, server: Server) -> None:
    url = f"{server.url}/bigquery/v2/projects/{PROJECT}/queries"
    body = {"query": "SELECT 1", "useLegacySql": False, "location": "europe-west4"}

    answer = httpx.post(url, json=body).json()

    assert answer["location"] == "europe-west4"
