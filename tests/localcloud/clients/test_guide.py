"""docs/local_cloud_clients.md: what a reader copies runs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import LocalCloud
from tests.localcloud.clients import dbt_environment
from tests.test_readme import blocks

GUIDE = Path(__file__).parents[3] / "docs" / "local_cloud_clients.md"


@pytest.mark.covers("google-cloud-bigquery", "google-cloud-aiplatform over gRPC", "bigframes")
def test_the_blocks_of_the_guide_run(local_cloud: LocalCloud) -> None:
    # A process of its own, as a reader has: TLS trusts what the environment says at the start.
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", "\n".join(blocks(GUIDE, "python"))],
        env={**os.environ, "LOCAL_CLOUD_URL": local_cloud.url},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr


def test_the_profile_of_the_guide_is_the_one_that_is_tested() -> None:
    profile = dbt_environment.FOLDER / "project" / "profiles.yml"

    assert blocks(GUIDE, "yaml") == [profile.read_text()]
