"""The dynamic host's four threads are not the limit."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.conftest import LocalCloud
from tests.engine.model_program import made
from tests.engine.slow_cloud import slowed

MODELS = 12


@pytest.fixture
def own_cloud() -> Iterator[LocalCloud]:
    """A local cloud that has nothing else to do, nor anything to look through."""
    with tempfile.TemporaryDirectory(prefix="local-cloud-") as folder:
        cloud = LocalCloud(Path(folder) / "state")
        cloud.start()
        yield cloud
        cloud.stop()


def test_twelve_models_of_five_seconds_are_up_in_under_twelve(own_cloud, tmp_path):
    with slowed(own_cloud.url, training_s=5.0) as cloud:
        program = made(tmp_path / "program", cloud.url, own_cloud.url, "parallel-project")
        program.declare(MODELS)

        started = time.monotonic()
        printed = program.up("--parallel", "16")
        took_s = time.monotonic() - started

    # Four at a time train for 15 s at the least, one after another for 60.
    assert took_s < 12.0
    assert len(cloud.inserted) == MODELS
    assert models(own_cloud) == [f"late_{number}" for number in sorted(range(MODELS), key=str)]
    # Eleven threads on a pool of ten connections would say so on the terminal.
    assert "Connection pool is full" not in printed


def models(local_cloud) -> list[str]:
    url = f"{local_cloud.url}/bigquery/v2/projects/parallel-project/datasets/flights/models"
    listed = requests.get(url, timeout=30).json()["models"]
    return sorted(model["modelReference"]["modelId"] for model in listed)
