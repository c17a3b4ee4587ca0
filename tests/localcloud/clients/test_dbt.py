"""dbt as it is installed builds a seed, a view, a table and an incremental model, twice."""

import os
import re
import subprocess
from collections.abc import Callable

import pytest

from tests.conftest import LocalCloud
from tests.localcloud.clients import dbt_environment
from tests.localcloud.clients.bigquery_client import client_of

PROJECT = "dbt-project"
DONE = re.compile(r"Done\. PASS=(\d+) WARN=(\d+) ERROR=(\d+) SKIP=(\d+)")
Dbt = Callable[..., tuple[int, ...]]


@pytest.fixture(scope="module")
def dbt(local_cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> Dbt:
    """Runs one command of dbt; how many nodes passed, warned, failed and were skipped."""
    program = dbt_environment.installed()
    folder = tmp_path_factory.mktemp("dbt")
    environment = os.environ | {
        "LOCAL_CLOUD_URL": local_cloud.url,
        "LOCAL_CLOUD_PROJECT": PROJECT,
        "DBT_LOG_PATH": str(folder),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DO_NOT_TRACK": "1",
    }
    # A fixed place: dbt writes nothing there.
    project = str(dbt_environment.FOLDER / "project")
    folders = ("--project-dir", project, "--profiles-dir", project)

    def run(*arguments: str) -> tuple[int, ...]:
        ended = subprocess.run(
            [program, "--no-version-check", *arguments, *folders],
            env=environment,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        found = DONE.search(ended.stdout)
        assert found is not None, ended.stdout + ended.stderr
        assert ended.returncode == 0, ended.stdout
        return tuple(int(number) for number in found.groups())

    return run


def rows(cloud: LocalCloud, sql: str) -> list[tuple[object, ...]]:
    found = client_of(cloud, PROJECT).query(sql).result()
    return [tuple(row.values()) for row in found]


@pytest.mark.covers("dbt")
def test_dbt_builds_a_seed_and_three_models_twice(dbt: Dbt, local_cloud: LocalCloud) -> None:
    seeded = dbt("seed")
    built = dbt("run")
    first = rows(local_cloud, "SELECT * FROM birds.mass_by_day ORDER BY day")
    built_again = dbt("run")
    second = rows(local_cloud, "SELECT * FROM birds.mass_by_day ORDER BY day")
    tested = dbt("test")

    assert [seeded, built, built_again, tested] == [
        (1, 0, 0, 0),
        (3, 0, 0, 0),
        (3, 0, 0, 0),
        (8, 0, 0, 0),
    ]
    assert first == second
    client = client_of(local_cloud, PROJECT)
    assert {table.table_id: table.table_type for table in client.list_tables("birds")} == {
        "penguins": "TABLE",
        "adults": "VIEW",
        "expected_mass": "TABLE",
        "mass_by_day": "TABLE",
    }
    assert [model.model_id for model in client.list_models("birds")] == ["mass"]
