"""ALTER PROJECT, and what INFORMATION_SCHEMA tells of it."""

from collections.abc import Iterator

import pytest
from google.api_core import exceptions
from google.cloud import bigquery

from localcloud.bigquery.project_options import OPTIONS
from tests.localcloud.bigquery.conftest import PROJECT, Run

CONNECTION = "default_cloud_resource_connection_id"
REMOTE = (
    "CREATE OR REPLACE MODEL remote REMOTE WITH CONNECTION DEFAULT "
    "OPTIONS (ENDPOINT = 'gemini-2.5-flash')"
)


@pytest.fixture(autouse=True)
def _clear(client: bigquery.Client) -> Iterator[None]:
    yield
    for region in ("us", "eu"):
        options = ", ".join(
            f"`region-{region}.{name}` = NULL" for name in OPTIONS if name != "default_location"
        )
        client.query(f"ALTER PROJECT SET OPTIONS ({options}, default_location = NULL)").result()


def test_an_option_is_told_with_its_project(run: Run) -> None:
    run(
        f"ALTER PROJECT `{PROJECT}` SET OPTIONS (`region-us.default_time_zone` = 'America/Lima', "
        "`region-us.default_query_job_timeout_ms` = 1800000)"
    )

    rows = run("SELECT * FROM `region-us`.INFORMATION_SCHEMA.PROJECT_OPTIONS ORDER BY option_name")

    assert [{k: v for k, v in row.items() if k != "option_description"} for row in rows] == [
        {
            "option_name": "default_query_job_timeout_ms",
            "project_id": PROJECT,
            "project_number": 1234567890,
            "option_type": "INT64",
            "option_value": "1800000",
        },
        {
            "option_name": "default_time_zone",
            "project_id": PROJECT,
            "project_number": 1234567890,
            "option_type": "STRING",
            "option_value": "America/Lima",
        },
    ]


def test_an_effective_option_tells_where_it_is_set(run: Run) -> None:
    run(f"ALTER PROJECT SET OPTIONS (`region-us.{CONNECTION}` = 'ok')")

    rows = run(
        "SELECT option_name, option_set_level, option_set_on_id, option_value "
        "FROM `region-us`.INFORMATION_SCHEMA.EFFECTIVE_PROJECT_OPTIONS"
    )

    assert rows == [
        {
            "option_name": CONNECTION,
            "option_set_level": "PROJECTS",
            "option_set_on_id": PROJECT,
            "option_value": "ok",
        }
    ]


def test_an_option_is_of_one_region(client: bigquery.Client, run: Run) -> None:
    run("ALTER PROJECT SET OPTIONS (`region-eu.default_time_zone` = 'Europe/Rome')")
    view = "INFORMATION_SCHEMA.PROJECT_OPTIONS"

    here = run(f"SELECT option_value FROM `region-us`.{view}")
    there = client.query(f"SELECT option_value FROM `region-eu`.{view}", location="EU").result()

    assert here == []
    assert [row["option_value"] for row in there] == ["Europe/Rome"]


def test_null_clears_an_option(run: Run) -> None:
    run("ALTER PROJECT local-project SET OPTIONS (`region-us.query_runtime` = 'advanced')")

    run("ALTER PROJECT local-project SET OPTIONS (`region-us.query_runtime` = NULL)")

    assert run("SELECT * FROM `region-us`.INFORMATION_SCHEMA.PROJECT_OPTIONS") == []


def test_a_dry_run_sets_nothing(client: bigquery.Client, run: Run) -> None:
    config = bigquery.QueryJobConfig(dry_run=True)

    job = client.query(
        "ALTER PROJECT SET OPTIONS (`region-us.query_runtime` = 'advanced')", job_config=config
    )

    assert job.statement_type == "ALTER_PROJECT"
    assert run("SELECT * FROM `region-us`.INFORMATION_SCHEMA.PROJECT_OPTIONS") == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("`region-us.default_timezone` = 'UTC'", "Unknown option region-us.default_timezone"),
        ("default_time_zone = 'UTC'", r"write `region-us\.default_time_zone`"),
        ("`region-us.default_time_zone` = 5", "is 5; it is STRING"),
        ("`region-us.enable_reservation_based_fairness` = 'yes'", "is 'yes'; it is BOOL"),
        ("`region-us.default_query_job_timeout_ms` = TRUE", "is True; it is INT64"),
        ("`region-us.default_sql_dialect_option` = 'sql'", "allowed are default_legacy_sql"),
        (f"`region-us.{CONNECTION}` = 'us.ok'", "give the connection's id alone"),
    ],
)
def test_a_wrong_option_is_refused(run: Run, options: str, message: str) -> None:
    with pytest.raises(exceptions.BadRequest, match=message):
        run(f"ALTER PROJECT SET OPTIONS ({options})")


def test_settings_of_an_organization_are_not_there(run: Run) -> None:
    with pytest.raises(exceptions.MethodNotImplemented, match="ALTER ORGANIZATION"):
        run("ALTER ORGANIZATION SET OPTIONS (`region-us.default_time_zone` = 'UTC')")


def test_default_means_the_connection_that_is_set(
    client: bigquery.Client, dataset: str, run: Run
) -> None:
    run(f"ALTER PROJECT SET OPTIONS (`region-us.{CONNECTION}` = 'ok')")

    run(REMOTE)

    info = client.get_model(f"{dataset}.remote")._properties["remoteModelInfo"]
    assert info["connection"] == f"{PROJECT}.us.ok"


def test_default_makes_a_connection_where_none_is_set(
    client: bigquery.Client, dataset: str, run: Run
) -> None:
    run(REMOTE)

    info = client.get_model(f"{dataset}.remote")._properties["remoteModelInfo"]
    rows = run("SELECT option_value FROM `region-us`.INFORMATION_SCHEMA.PROJECT_OPTIONS")
    assert info["connection"] == f"{PROJECT}.us.__default_cloudresource_connection__"
    assert rows == [{"option_value": "__default_cloudresource_connection__"}]


def test_a_default_connection_that_is_gone_is_not_found(run: Run) -> None:
    run(f"ALTER PROJECT SET OPTIONS (`region-us.{CONNECTION}` = 'gone')")

    with pytest.raises(exceptions.NotFound, match=rf"Not found: Connection {PROJECT}\.us\.gone"):
        run(REMOTE)
