"""What registering, serving and monitoring declare, under Pulumi's mocks."""

from typing import Any

import pulumi
import pytest
from bqvertex.endpoint import Endpoint
from bqvertex.model_monitor import ModelMonitor
from bqvertex.registered_model import RegisteredModel

MODEL = "projects/acme/locations/europe-west4/models/arrival_delay"


class Recorder(pulumi.runtime.Mocks):
    """Answers every registration with its inputs, and keeps them by type."""

    def __init__(self) -> None:
        self.declared: dict[str, dict[str, dict[str, Any]]] = {}

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        inputs = {key: value for key, value in args.inputs.items() if key != "__provider"}
        self.declared.setdefault(args.typ, {})[args.name] = inputs
        computed = {"model_version_id": "1", "drift": {"origin": 0.5}} if args.custom else {}
        if args.typ.endswith("RegisteredModel"):
            computed["model_name"] = MODEL
        return f"{args.name}-id", {**inputs, **computed}

    def call(self, args: pulumi.runtime.MockCallArgs) -> dict[str, Any]:
        return {}


@pytest.fixture
def recorder() -> Recorder:
    mocks = Recorder()
    pulumi.runtime.set_mocks(mocks, project="proj", stack="test", preview=False)
    return mocks


PLACE = {"project": "acme", "location": "europe-west4"}
DYNAMIC = "pulumi-python:dynamic/bqvertex"


def served(**args: Any) -> Endpoint:
    deployed = {"model": MODEL, "definition_hash": "one"}
    return Endpoint("late", {**PLACE, "deployed_models": {"champion": deployed}, **args})


@pulumi.runtime.test
async def test_an_endpoint_has_a_number_and_says_its_region_twice(recorder):
    endpoint = served(labels={"team": "data"})

    declared_id = await endpoint.endpoint_id.future()

    declared = recorder.declared["gcp:vertex/aiEndpoint:AiEndpoint"]["late"]
    assert declared == {
        "name": declared_id,
        "displayName": "late",
        "project": "acme",
        "location": "europe-west4",
        "region": "europe-west4",
        "labels": {"team": "data"},
    }
    assert len(declared_id) == 10
    assert declared_id.isdigit()


@pulumi.runtime.test
async def test_the_only_deployed_model_gets_all_traffic(recorder):
    endpoint = served()

    version_ids = await endpoint.model_version_ids.future()

    declared = recorder.declared[f"{DYNAMIC}:DeployedModel"]["late-champion"]
    assert declared == {
        "project": "acme",
        "location": "europe-west4",
        "endpoint_id": await endpoint.endpoint_id.future(),
        "display_name": "champion",
        "model": MODEL,
        "definition_hash": "one",
        "traffic_split": {"champion": 100},
    }
    assert version_ids == {"champion": "1"}


@pulumi.runtime.test
async def test_each_deployed_model_is_told_the_whole_split(recorder):
    deployed = {"model": MODEL, "definition_hash": "one"}
    endpoint = served(
        deployed_models={
            "champion": {**deployed, "traffic_percent": 90},
            "challenger": {**deployed, "traffic_percent": 10, "machine_type": "n1-highmem-4"},
        }
    )

    await endpoint.model_version_ids.future()

    declared = recorder.declared[f"{DYNAMIC}:DeployedModel"]
    split = {"champion": 90, "challenger": 10}
    assert [one["traffic_split"] for one in declared.values()] == [split, split]
    assert declared["late-challenger"]["machine_type"] == "n1-highmem-4"
    assert "traffic_percent" not in declared["late-challenger"]


@pulumi.runtime.test
async def test_addresses_are_googles_unless_a_local_cloud_answers(recorder):
    google = served(endpoint_id="1234567890")
    local = served(endpoint_id="1234567890", api_endpoint="http://127.0.0.1:8470")

    name = "projects/acme/locations/europe-west4/endpoints/1234567890"
    host = "https://europe-west4-aiplatform.googleapis.com"
    assert await google.endpoint_name.future() == name
    assert await google.predict_url.future() == f"{host}/v1/{name}:predict"
    assert await local.predict_url.future() == f"http://127.0.0.1:8470/v1/{name}:predict"
    assert await local.endpoint_url.future() == f"{host}/v1/{name}"


@pulumi.runtime.test
async def test_an_empty_api_endpoint_is_google(recorder):
    endpoint = served(api_endpoint="")

    url = await endpoint.predict_url.future()

    assert url is not None
    assert url.startswith("https://europe-west4-aiplatform.googleapis.com/v1/projects/acme/")


@pulumi.runtime.test
async def test_a_registry_id_is_the_models_unless_given(recorder):
    place = {**PLACE, "dataset_id": "flights", "model_id": "Arrival_Delay"}
    derived = RegisteredModel("a", {**place, "definition_hash": "one"})
    given = RegisteredModel(
        "b",
        {**place, "definition_hash": "one", "vertex_ai_model_id": "late"},
    )

    names = [await derived.model_name.future(), await given.model_name.future()]

    declared = recorder.declared[f"{DYNAMIC}:RegisteredModel"]
    assert [declared[key]["vertex_ai_model_id"] for key in "ab"] == ["arrival_delay", "late"]
    assert names == [MODEL, MODEL]


@pulumi.runtime.test
async def test_a_monitor_bears_the_components_name_and_tells_the_drift(recorder):
    monitor = ModelMonitor(
        "arrival-delay",
        {
            **PLACE,
            "dataset_id": "flights",
            "model": MODEL,
            "definition_hash": "one",
            "baseline": {"table": "before"},
            "target": {"table": "after"},
            "features": {"origin": {"type": "categorical"}},
        },
    )

    drift = await monitor.drift.future()

    declared = recorder.declared[f"{DYNAMIC}:MonitoringJob"]["arrival-delay"]
    assert declared["model_monitor_id"] == "arrival-delay"
    assert drift == {"origin": 0.5}
