"""The jobs that Data Transfer asks for, on the real engine."""

from datetime import UTC, date, datetime

import pytest
from google.cloud import bigquery

from localcloud.data_transfer import scheduled_query
from tests.localcloud.bigquery.conftest import PROJECT, Run, Server

RUN_TIME = datetime(2024, 2, 29, 9, tzinfo=UTC)


@pytest.mark.covers("scheduled queries")
def test_a_scheduled_query_writes_the_table_of_its_day(
    client: bigquery.Client, server: Server, dataset: str, run: Run
) -> None:
    params = {
        "query": "SELECT @run_date AS day, EXTRACT(HOUR FROM @run_time) AS hour",
        "destination_table_name_template": "t_{run_date}",
        "partitioning_field": "day",
    }
    config = scheduled_query.job(
        PROJECT, {"params": params, "destinationDatasetId": dataset}, RUN_TIME
    )

    for number in range(2):
        job_id = f"scheduled_query_{dataset}_{number}"
        job = server.service.engine.run_job(PROJECT, job_id, "US", config)

    table = client.get_table(f"{dataset}.t_20240229")
    told = job["status"]["state"], job["jobReference"]["location"], table.time_partitioning.field
    assert (told, run("SELECT * FROM t_20240229")) == (
        ("DONE", "US", "day"),
        [{"day": date(2024, 2, 29), "hour": 9}] * 2,
    )


@pytest.mark.covers("scheduled queries")
def test_a_scheduled_query_that_fails_gives_the_jobs_error(server: Server, dataset: str) -> None:
    config = scheduled_query.job(PROJECT, {"params": {"query": "SELECT nope"}}, RUN_TIME)

    job = server.service.engine.run_job(PROJECT, f"failing_{dataset}", "US", config)

    assert job["status"]["errorResult"]["message"] == "Unrecognized name: nope at [1:8]"
