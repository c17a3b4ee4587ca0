"""Persistent resources and the Ray clusters that they are."""

import copy
from typing import Any

import pytest

from tests.localcloud.conftest import LOCATION, Cloud, OpenCloud
from tests.localcloud.test_custom_jobs import begin, shell

RESOURCES = f"{LOCATION}/persistentResources"
METHOD = "aiplatform.projects.locations.persistentResources"
MACHINE = {"machineType": "n1-standard-16"}
RAY = {
    "displayName": "ray",
    "resourcePools": [
        {"id": "head", "machineSpec": MACHINE, "replicaCount": "1"},
        {"id": "workers", "machineSpec": MACHINE, "replicaCount": "2"},
    ],
    "resourceRuntimeSpec": {
        "raySpec": {
            "imageUri": "us-docker.pkg.dev/vertex-ai/training/ray-cpu.2-47.py311:latest",
            "headNodeResourcePoolId": "head",
        }
    },
}


def create(cloud: Cloud, body: Any = RAY) -> Any:
    return cloud.call("POST", f"{RESOURCES}?persistentResourceId=ray", body)


def state(cloud: Cloud) -> str:
    return str(cloud.get(f"{RESOURCES}/ray")["state"])


def changed(*path: Any, value: Any) -> Any:
    body = copy.deepcopy(RAY)
    at: Any = body
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return body


@pytest.mark.covers(f"{METHOD}.create", f"{METHOD}.get", f"{METHOD}.list")
def test_a_cluster_runs_when_its_operation_is_done(open_cloud: OpenCloud) -> None:
    moment = [0.0]
    cloud = open_cloud(operation_seconds=600)
    cloud.server.cloud.operations.clock = lambda: moment[0]

    operation = create(cloud).body
    before = state(cloud)
    used = begin(cloud, shell("true"), persistentResourceId="ray")
    moment[0] = 601
    done = cloud.call("GET", f"/v1/{operation['name']}").body

    [listed] = cloud.get(RESOURCES)["persistentResources"]
    assert (before, done["done"], done["response"]["state"]) == ("PROVISIONING", True, "RUNNING")
    assert used.error == (400, "FAILED_PRECONDITION")
    assert listed["resourceRuntimeSpec"] == RAY["resourceRuntimeSpec"]
    assert listed["state"] == "RUNNING"
    assert "startTime" in listed


@pytest.mark.covers(f"{METHOD}.patch", f"{METHOD}.reboot")
def test_replicas_can_be_changed_and_the_cluster_rebooted(open_cloud: OpenCloud) -> None:
    cloud = open_cloud()
    create(cloud)
    more = changed("resourcePools", 1, "replicaCount", value="5")

    patched = cloud.call("PATCH", f"{RESOURCES}/ray?updateMask=resourcePools", more)
    rebooted = cloud.call("POST", f"{RESOURCES}/ray:reboot", {})

    assert patched.body["response"]["resourcePools"][1]["replicaCount"] == "5"
    assert (rebooted.body["done"], state(cloud)) == (True, "RUNNING")


@pytest.mark.parametrize(
    ("mask", "body", "said"),
    [
        (
            "resourcePools",
            changed("resourcePools", 1, "machineSpec", value={"machineType": "n1-standard-4"}),
            "machineSpec",
        ),
        ("resourcePools", changed("resourcePools", value=RAY["resourcePools"][:1]), "neither"),
        ("network", {"network": "projects/1/global/networks/n"}, "network"),
    ],
)
def test_what_a_cluster_is_made_of_cannot_be_changed(
    cloud: Cloud, mask: str, body: Any, said: str
) -> None:
    create(cloud)

    reply = cloud.call("PATCH", f"{RESOURCES}/ray?updateMask={mask}", body)

    assert reply.error == (400, "INVALID_ARGUMENT")
    assert said in reply.body["error"]["message"]


def test_only_a_running_cluster_can_be_changed(open_cloud: OpenCloud) -> None:
    cloud = open_cloud(operation_seconds=600)
    create(cloud)

    patched = cloud.call("PATCH", f"{RESOURCES}/ray?updateMask=labels", {"labels": {"a": "b"}})
    rebooted = cloud.call("POST", f"{RESOURCES}/ray:reboot", {})

    assert patched.error == rebooted.error == (400, "FAILED_PRECONDITION")


@pytest.mark.covers(f"{METHOD}.delete")
def test_a_resource_in_use_is_not_deleted(cloud: Cloud) -> None:
    create(cloud)
    job = begin(cloud, shell("exec sleep 600"), persistentResourceId="ray").body

    refused = cloud.call("DELETE", f"{RESOURCES}/ray")
    path = f"{LOCATION}/customJobs/{job['name'].rsplit('/', 1)[1]}"
    cloud.call("POST", f"{path}:cancel", {})
    cloud.server.vertex.custom_jobs.runs.join()
    deleted = cloud.call("DELETE", f"{RESOURCES}/ray")

    assert refused.error == (400, "FAILED_PRECONDITION")
    assert (deleted.body["done"], cloud.get(RESOURCES)) == (True, {})


def test_a_job_on_an_absent_resource_is_refused(cloud: Cloud) -> None:
    reply = begin(cloud, shell("true"), persistentResourceId="absent")

    assert reply.error == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (changed("resourcePools", value=[]), "resource_pools"),
        (changed("resourcePools", 0, "replicaCount", value="2"), "head node"),
        (changed("resourcePools", 1, "replicaCount", value="0"), "from 1 to 1000"),
        (changed("resourcePools", 1, "id", value="head"), "more than once"),
        (changed("resourcePools", 1, "machineSpec", value={}), "machine_spec"),
        (
            changed(
                "resourcePools",
                1,
                "autoscalingSpec",
                value={"minReplicaCount": "3", "maxReplicaCount": "5"},
            ),
            "min_replica_count 3",
        ),
        (changed("resourceRuntimeSpec", "raySpec", "headNodeResourcePoolId", value="x"), "'x'"),
        (
            changed(
                "resourceRuntimeSpec", value={"raySpec": {"resourcePoolImages": {"head": "i"}}}
            ),
            "image_uri",
        ),
    ],
)
def test_a_resource_that_could_not_be_is_refused(cloud: Cloud, body: Any, said: str) -> None:
    reply = create(cloud, body)

    assert reply.error == (400, "INVALID_ARGUMENT")
    assert said in reply.body["error"]["message"]
