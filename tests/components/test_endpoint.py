from typing import Any

import pulumi
import pytest
from bqvertex.endpoint import Endpoint
from bqvertex.registered_model import RegisteredModel

from tests.components import plan as module
from tests.components.plan import Plan, planned

ENDPOINT = "gcp:vertex/aiEndpoint:AiEndpoint"
DEPLOYED = "pulumi-python:dynamic/bqvertex:DeployedModel"
REGISTERED = "pulumi-python:dynamic/bqvertex:RegisteredModel"
PLACE = {"project": "acme-prod", "location": "europe-west4"}
MODEL = "projects/acme-prod/locations/europe-west4/models/arrival_delay"
ELSEWHERE = {"model": MODEL, "definition_hash": "one"}


@pytest.fixture(autouse=True)
def computed(monkeypatch) -> None:
    monkeypatch.setitem(module.COMPUTED, DEPLOYED, {"model_version_id": "1"})
    monkeypatch.setitem(module.COMPUTED, REGISTERED, {"model_name": MODEL})


def declared(**args: Any) -> tuple[Plan, dict[str, Any]]:
    """Declare an endpoint; return the plan and the values of its outputs."""
    outputs: dict[str, Any] = {}

    def program() -> pulumi.Output[object]:
        inputs = {**PLACE, "deployed_models": {"champion": ELSEWHERE}, **args}
        endpoint = Endpoint("late", inputs)
        names = tuple(Endpoint.__annotations__)
        return pulumi.Output.all(**{name: getattr(endpoint, name) for name in names}).apply(
            outputs.update
        )

    return planned(program), outputs


def test_an_endpoint_has_a_number_and_says_its_region_twice():
    plan, outputs = declared(labels={"team": "data"})

    number = outputs["endpoint_id"]
    assert plan.inputs(ENDPOINT, "late") == {
        "name": number,
        "displayName": "late",
        "project": "acme-prod",
        "location": "europe-west4",
        "region": "europe-west4",
        "labels": {"team": "data"},
    }
    assert (len(number), number.isdigit(), number[0] != "0") == (10, True, True)


def test_the_number_stays_and_differs_from_region_to_region():
    first, again = declared()[1]["endpoint_id"], declared()[1]["endpoint_id"]
    other = declared(location="us-central1")[1]["endpoint_id"]

    assert first == again
    assert first != other


def test_the_only_deployed_model_gets_all_traffic():
    plan, outputs = declared()

    assert plan.inputs(DEPLOYED, "late-champion") == {
        **PLACE,
        **ELSEWHERE,
        "endpoint_id": outputs["endpoint_id"],
        "display_name": "champion",
        "traffic_split": {"champion": 100},
    }
    assert outputs["model_version_ids"] == {"champion": "1"}


def test_a_model_is_deployed_after_the_endpoint_is_there():
    plan, _ = declared()

    assert plan.place(ENDPOINT, "late") < plan.place(DEPLOYED, "late-champion")


def test_each_deployed_model_is_told_the_whole_split():
    plan, _ = declared(
        deployed_models={
            "champion": {**ELSEWHERE, "traffic_percent": 90},
            "challenger": {**ELSEWHERE, "traffic_percent": 10, "machine_type": "n1-highmem-4"},
        }
    )

    challenger = plan.inputs(DEPLOYED, "late-challenger")
    split = {"champion": 90, "challenger": 10}
    assert plan.inputs(DEPLOYED, "late-champion")["traffic_split"] == split
    assert challenger["traffic_split"] == split
    assert challenger["machine_type"] == "n1-highmem-4"
    assert "traffic_percent" not in challenger


@pytest.mark.parametrize(
    ("more", "aliases", "deployed"),
    [
        ({}, ["champion", "live"], "champion"),
        ({}, [], "default"),
        ({"version_alias": "live"}, ["champion", "live"], "live"),
    ],
)
def test_a_registered_model_says_what_to_deploy(more, aliases, deployed):
    def program() -> None:
        registered = RegisteredModel(
            "late",
            {
                **PLACE,
                "dataset_id": "flights",
                "model_id": "arrival_delay",
                "definition_hash": "two",
                "version_aliases": aliases,
            },
        )
        served = {"registered_model": registered, **more}
        Endpoint("late", {**PLACE, "deployed_models": {"champion": served}})

    inputs = planned(program).inputs(DEPLOYED, "late-champion")

    assert (inputs["model"], inputs["definition_hash"]) == (MODEL, "two")
    assert inputs["version_alias"] == deployed


def test_addresses_are_googles_unless_a_local_cloud_answers():
    google = declared(endpoint_id="1234567890")[1]
    local = declared(endpoint_id="1234567890", api_endpoint="http://127.0.0.1:8470")[1]

    name = "projects/acme-prod/locations/europe-west4/endpoints/1234567890"
    host = "https://europe-west4-aiplatform.googleapis.com"
    assert (google["endpoint_name"], local["endpoint_name"]) == (name, name)
    assert google["predict_url"] == f"{host}/v1/{name}:predict"
    assert local["predict_url"] == f"http://127.0.0.1:8470/v1/{name}:predict"
    assert local["endpoint_url"] == f"{host}/v1/{name}"


@pytest.mark.parametrize("nothing", [None, ""])
def test_no_api_endpoint_is_google(nothing):
    _, outputs = declared(api_endpoint=nothing)

    assert outputs["predict_url"].startswith("https://europe-west4-aiplatform.googleapis.com/v1/")
