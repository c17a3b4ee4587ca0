"""Deleting a model that somebody relies on."""

from dataclasses import replace
from typing import Any

import pytest
from bqvertex.clients.errors import FailedPrecondition
from bqvertex.clients.vertex.registry import ModelVersion
from bqvertex.providers.attempt import Pace
from bqvertex.providers.model import ModelLifecycle

from tests.fakes import FakeBigQuery
from tests.fakes_vertex import FakeModelRegistry

PATH = "acme-prod.flights.late"
NAME = "projects/acme-prod/locations/europe-west4/models/late"
STATEMENT = (
    "CREATE MODEL late OPTIONS (model_type = 'LOGISTIC_REG', input_label_cols = ['is_late'], "
    "model_registry = 'VERTEX_AI', vertex_ai_model_version_aliases = ['nightly']) "
    "AS SELECT is_late, origin FROM departures"
)


class World:
    """A model in BigQuery and in the registry."""

    def __init__(self) -> None:
        self.bigquery = FakeBigQuery()
        self.registry = FakeModelRegistry()
        self.models = ModelLifecycle(self.bigquery, self.registry, pace=Pace(sleep=lambda _: None))
        inputs: dict[str, Any] = {
            "project": "acme-prod",
            "location": "EU",
            "dataset_id": "flights",
            "model_id": "late",
            "statement": STATEMENT,
            "owner": "org/proj/dev/late",
        }
        self.state = self.models.create(self.models.check({}, inputs).inputs).outs
        self.bigquery.models[PATH] = replace(
            self.bigquery.models[PATH], vertex_ai_model_id="late", vertex_ai_model_version="3"
        )

    def named(self, *aliases: str) -> None:
        version = ModelVersion(model_name=NAME, version_id="3", aliases=aliases, source_type="BQML")
        self.registry.versions[NAME] = [version]


@pytest.fixture
def world() -> World:
    return World()


def test_a_deployed_model_stays_and_says_where_it_serves(world):
    endpoint = (
        "endpoint projects/1/locations/europe-west4/endpoints/7 (deployed model 9, version 3)"
    )
    world.registry.held[NAME] = [endpoint]

    with pytest.raises(FailedPrecondition) as caught:
        world.models.delete(PATH, world.state)

    assert str(caught.value) == (
        f"delete model {PATH}: it is {NAME}, version 3, in the Model Registry, served by "
        f"{endpoint}; undeploy it there first, then run it again"
    )
    assert PATH in world.bigquery.models


def test_a_version_that_somebody_named_stays(world):
    world.named("default", "champion")

    with pytest.raises(
        FailedPrecondition, match="its version is named champion; somebody may rely"
    ):
        world.models.delete(PATH, world.state)

    assert PATH in world.bigquery.models


@pytest.mark.parametrize("aliases", [(), ("default",), ("default", "nightly")])
def test_a_registered_model_that_nobody_uses_goes(world, aliases):
    world.named(*aliases)

    world.models.delete(PATH, world.state)

    assert world.bigquery.models == {}


def test_an_entry_that_is_gone_already_holds_nothing(world):
    world.models.delete(PATH, world.state)

    assert world.bigquery.models == {}


def test_a_model_that_is_gone_already_is_asked_about_nowhere(world):
    world.bigquery.models.clear()
    world.registry.held[NAME] = ["endpoint 7"]

    world.models.delete(PATH, world.state)
