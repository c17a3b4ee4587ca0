"""Jobs: ids, locations, dry runs, what fails."""

import duckdb
import pytest
from google.api_core import exceptions
from google.cloud import bigquery
from local_bigquery.jobs import runner

from tests.localcloud.bigquery.conftest import PROJECT, Run


def test_a_job_id_is_used_once(client: bigquery.Client, dataset: str) -> None:
    client.query("SELECT 1", job_id=f"{dataset}-1", job_retry=None).result()

    with pytest.raises(exceptions.Conflict, match=rf"Already Exists: Job .*US\.{dataset}-1"):
        client.query("SELECT 2", job_id=f"{dataset}-1", job_retry=None, retry=None)


def test_a_job_runs_where_its_tables_are(client: bigquery.Client, dataset: str) -> None:
    place = bigquery.Dataset(f"{PROJECT}.{dataset}_eu")
    place.location = "EU"
    client.create_dataset(place)

    job = client.query(f"CREATE TABLE {dataset}_eu.t AS SELECT 1 AS a")
    job.result()

    client.delete_dataset(f"{dataset}_eu", delete_contents=True)
    assert job.location == "EU"


def test_a_job_in_another_location_than_its_dataset_fails(
    client: bigquery.Client, dataset: str
) -> None:
    job = client.query(f"CREATE TABLE {dataset}.t AS SELECT 1 AS a", location="EU", job_retry=None)

    with pytest.raises(exceptions.NotFound, match=rf"{dataset} was not found in location EU"):
        job.result()


def test_a_job_is_not_found_in_another_location(client: bigquery.Client, dataset: str) -> None:
    client.query("SELECT 1", job_id=f"{dataset}-2", job_retry=None).result()

    with pytest.raises(exceptions.NotFound):
        client.get_job(f"{dataset}-2", location="asia-east1", retry=None)


def test_a_dry_run_tells_schema_and_bytes_and_runs_nothing(
    client: bigquery.Client, dataset: str, run: Run
) -> None:
    run("CREATE TABLE t AS SELECT n AS a, 'four' AS s FROM UNNEST(GENERATE_ARRAY(1, 10)) AS n")
    config = bigquery.QueryJobConfig(dry_run=True, use_query_cache=False)

    job = client.query(f"SELECT a, s FROM {dataset}.t", job_config=config)
    made = client.query(f"CREATE TABLE {dataset}.u AS SELECT 1 AS a", job_config=config)

    assert [(f.name, f.field_type) for f in job.schema] == [("a", "INTEGER"), ("s", "STRING")]
    assert job.total_bytes_processed == 10 * (8 + 2 + 4)
    assert made.state == "DONE"
    with pytest.raises(exceptions.NotFound):
        client.get_table(f"{dataset}.u")


def test_the_bytes_of_a_view_are_those_of_its_table(
    client: bigquery.Client, dataset: str, run: Run
) -> None:
    run("CREATE TABLE t AS SELECT n AS a FROM UNNEST(GENERATE_ARRAY(1, 10)) AS n")
    run(f"CREATE VIEW v AS SELECT a FROM {dataset}.t")

    job = client.query(
        f"SELECT a FROM {dataset}.v", job_config=bigquery.QueryJobConfig(dry_run=True)
    )

    assert job.total_bytes_processed == 80


def test_a_cancelled_job_ends_as_stopped(client: bigquery.Client, dataset: str) -> None:
    endless = (
        "SELECT COUNT(*) FROM UNNEST(GENERATE_ARRAY(1, 1000000)) AS a, "
        "UNNEST(GENERATE_ARRAY(1, 1000000)) AS b"
    )
    job = client.query(endless, job_retry=None)

    job.cancel()

    assert job.exception(timeout=30) is not None
    assert (job.state, job.error_result["reason"]) == ("DONE", "stopped")


def test_a_job_that_ends_while_it_is_cancelled_is_left_as_it_ended(
    client: bigquery.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = client.query("SELECT 1", job_retry=None)
    ended.result()
    closed = duckdb.connect().cursor()
    closed.close()
    running = runner.Running(cursor=closed)
    monkeypatch.setitem(runner._running, (ended.project, ended.job_id), running)

    ended.cancel()

    assert (ended.state, ended.error_result) == ("DONE", None)
