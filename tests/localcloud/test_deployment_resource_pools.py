"""Pools of machines that deployed models share."""

import pytest

from tests.localcloud.conftest import LOCATION, Cloud

MACHINE = {"machineSpec": {"machineType": "n1-standard-4"}, "minReplicaCount": 1}
POOL = f"{LOCATION}/deploymentResourcePools/p"

pytestmark = pytest.mark.covers(
    *(
        f"aiplatform.projects.locations.deploymentResourcePools.{verb}"
        for verb in ("create", "delete", "get", "list", "patch", "queryDeployedModels")
    )
)


def make(cloud: Cloud, identifier: str = "p", **resources: object) -> object:
    reply = cloud.call(
        "POST",
        f"{LOCATION}/deploymentResourcePools",
        {
            "deploymentResourcePoolId": identifier,
            "deploymentResourcePool": {"dedicatedResources": {**MACHINE, **resources}},
        },
    )
    return reply.body["name"] if reply.status == 200 else reply.error


def deploy(cloud: Cloud, endpoint: str, identifier: str, pool: str = POOL) -> object:
    model = {"id": identifier, "model": f"{LOCATION}/models/m", "sharedResources": pool}
    reply = cloud.call(
        "POST", f"{endpoint}:deployModel", {"deployedModel": model, "trafficSplit": {"0": 100}}
    )
    return reply.status if reply.status == 200 else reply.error


def test_a_pool_is_made_listed_changed_and_deleted(cloud: Cloud) -> None:
    make(cloud)
    listed = cloud.get(f"{LOCATION}/deploymentResourcePools")["deploymentResourcePools"]
    changed = cloud.call(
        "PATCH",
        f"{POOL}?updateMask=dedicatedResources.minReplicaCount",
        {"dedicatedResources": {"minReplicaCount": 2}},
    )
    found = cloud.get(POOL)
    deleted = cloud.call("DELETE", POOL)

    assert [pool["name"].split("/")[-1] for pool in listed] == ["p"]
    assert (changed.status, deleted.status) == (200, 200)
    assert found["dedicatedResources"] == {**MACHINE, "minReplicaCount": 2}
    assert cloud.call("GET", POOL).error == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    "resources", [{"machineSpec": {}}, {"minReplicaCount": 0}, {"maxReplicaCount": -1}]
)
def test_a_pool_has_sound_machines(cloud: Cloud, resources: dict[str, object]) -> None:
    assert make(cloud, **resources) == (400, "INVALID_ARGUMENT")


def test_a_pool_is_made_once(cloud: Cloud) -> None:
    make(cloud)

    assert make(cloud) == (409, "ALREADY_EXISTS")


def test_models_share_a_pool_which_stays_while_they_do(cloud: Cloud) -> None:
    make(cloud)
    cloud.register()
    first, second = cloud.endpoint("a"), cloud.endpoint("b")

    deployed = [deploy(cloud, first, "7"), deploy(cloud, second, "8")]

    users = cloud.get(f"{POOL}:queryDeployedModels")
    assert deployed == [200, 200]
    assert [ref["deployedModelId"] for ref in users["deployedModelRefs"]] == ["7", "8"]
    assert (users["totalDeployedModelCount"], users["totalEndpointCount"]) == (2, 2)
    assert cloud.call("DELETE", POOL).error == (400, "FAILED_PRECONDITION")
    assert (
        cloud.call("POST", f"{first}:predict", {"instances": [{"x": 1}]}).body["deployedModelId"]
        == "7"
    )


def test_a_pool_that_is_not_there_takes_no_model(cloud: Cloud) -> None:
    cloud.register()

    assert deploy(cloud, cloud.endpoint(), "7") == (404, "NOT_FOUND")
