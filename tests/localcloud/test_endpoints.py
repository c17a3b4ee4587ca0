"""Deploying, traffic and online prediction."""

import pytest

from tests.localcloud.conftest import LOCATION, Cloud, OpenCloud

T1, T2 = ("local-bqml://local-project/ds/m/t1", "local-bqml://local-project/ds/m/t2")


def predict(cloud: Cloud, endpoint: str) -> list[str]:
    reply = cloud.call("POST", f"{endpoint}:predict", {"instances": [{"x": 1}]})
    assert reply.status == 200, reply
    return [prediction["artifact"] for prediction in reply.body["predictions"]]


def test_a_deployed_model_answers_with_the_facts_of_its_deployment(cloud: Cloud) -> None:
    cloud.register()
    endpoint = cloud.endpoint()
    cloud.deploy(endpoint, "7", {"0": 100})

    reply = cloud.call("POST", f"{endpoint}:predict", {"instances": [{"x": 1}, {"x": 2}]})

    assert reply.body == {
        "predictions": [{"artifact": T1}, {"artifact": T1}],
        "deployedModelId": "7",
        "model": "projects/1234567890/locations/us-central1/models/m",
        "modelVersionId": "1",
        "modelDisplayName": "m",
    }


def test_key_0_stands_for_the_model_being_deployed(cloud: Cloud) -> None:
    cloud.register()
    endpoint = cloud.endpoint()
    cloud.deploy(endpoint, "7", {"0": 100})

    cloud.deploy(endpoint, "8", {"7": 40, "0": 60})

    assert cloud.get(endpoint)["trafficSplit"] == {"7": 40, "8": 60}


def test_without_a_split_a_deployment_gets_no_traffic(cloud: Cloud) -> None:
    cloud.register()
    endpoint = cloud.endpoint()

    cloud.deploy(endpoint, "7", {})

    reply = cloud.call("POST", f"{endpoint}:predict", {"instances": [{"x": 1}]})
    assert reply.error == (400, "FAILED_PRECONDITION")


@pytest.mark.parametrize("split", [{"0": 90}, {"0": 50, "9": 50}, {"0": 150, "7": -50}])
def test_a_split_shares_a_hundred_among_what_is_deployed(
    cloud: Cloud, split: dict[str, int]
) -> None:
    cloud.register()
    endpoint = cloud.endpoint()
    cloud.deploy(endpoint, "7", {"0": 100})

    assert cloud.deploy(endpoint, "8", split).error == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize("identifier", ["0", "07", "x", "12345678901"])
def test_a_deployment_id_is_1_to_10_digits(cloud: Cloud, identifier: str) -> None:
    cloud.register()

    assert cloud.deploy(cloud.endpoint(), identifier, {"0": 100}).error == (
        400,
        "INVALID_ARGUMENT",
    )


def test_a_deployment_id_is_used_once(cloud: Cloud) -> None:
    cloud.register()
    endpoint = cloud.endpoint()
    cloud.deploy(endpoint, "7", {"0": 100})

    assert cloud.deploy(endpoint, "7", {"0": 100}).error == (409, "ALREADY_EXISTS")


def test_a_deployment_under_way_already_has_its_id(open_cloud: OpenCloud) -> None:
    cloud = open_cloud(operation_seconds=3600)
    cloud.register()
    endpoint = cloud.endpoint()
    cloud.deploy(endpoint, "7", {"0": 100})

    assert "deployedModels" not in cloud.get(endpoint)
    assert cloud.deploy(endpoint, "7", {"0": 100}).error == (409, "ALREADY_EXISTS")
    assert cloud.call("DELETE", endpoint).error == (400, "FAILED_PRECONDITION")


def test_the_model_must_exist(cloud: Cloud) -> None:
    assert cloud.deploy(cloud.endpoint(), "7", {"0": 100}).error == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    "resources",
    [
        {},
        {"dedicatedResources": {"machineSpec": {}, "minReplicaCount": 1}},
        {"dedicatedResources": {"machineSpec": {"machineType": "n1"}}},
        {
            "dedicatedResources": {
                "machineSpec": {"machineType": "n1"},
                "minReplicaCount": 3,
                "maxReplicaCount": 2,
            }
        },
        {
            "dedicatedResources": {"machineSpec": {"machineType": "n1"}, "minReplicaCount": 1},
            "automaticResources": {"minReplicaCount": 1},
        },
    ],
)
def test_a_deployment_has_one_sound_kind_of_resources(
    cloud: Cloud, resources: dict[str, object]
) -> None:
    cloud.register()

    deployed = {"model": f"{LOCATION}/models/m", **resources}
    reply = cloud.call("POST", f"{cloud.endpoint()}:deployModel", {"deployedModel": deployed})

    assert reply.error == (400, "INVALID_ARGUMENT")


def test_a_deployment_keeps_its_training_after_the_model_was_retrained(cloud: Cloud) -> None:
    cloud.register(training="t1")
    endpoint = cloud.endpoint()
    cloud.deploy(endpoint, "7", {"0": 100})

    cloud.register(training="t2")

    assert predict(cloud, endpoint) == [T1]
    assert cloud.server.vertex.artifacts_in_use() == {T1, T2}


def test_traffic_follows_the_split(cloud: Cloud) -> None:
    cloud.register(training="t1")
    endpoint = cloud.endpoint()
    cloud.deploy(endpoint, "7", {"0": 100})
    cloud.register(training="t2")
    cloud.deploy(endpoint, "8", {"7": 0, "0": 100})

    assert {artifact for _ in range(5) for artifact in predict(cloud, endpoint)} == {T2}


def test_a_model_with_traffic_is_undeployed_only_with_a_new_split(cloud: Cloud) -> None:
    cloud.register()
    endpoint = cloud.endpoint()
    cloud.deploy(endpoint, "7", {"0": 100})
    cloud.deploy(endpoint, "8", {"7": 50, "0": 50})

    refused = cloud.call("POST", f"{endpoint}:undeployModel", {"deployedModelId": "7"})
    cloud.call(
        "POST",
        f"{endpoint}:undeployModel",
        {"deployedModelId": "7", "trafficSplit": {"8": 100}},
    )

    found = cloud.get(endpoint)
    assert refused.error == (400, "FAILED_PRECONDITION")
    assert [d["id"] for d in found["deployedModels"]] == ["8"]
    assert found["trafficSplit"] == {"8": 100}


def test_the_last_model_is_undeployed_with_its_traffic(cloud: Cloud) -> None:
    cloud.register()
    endpoint = cloud.endpoint()
    cloud.deploy(endpoint, "7", {"0": 100})

    cloud.call("POST", f"{endpoint}:undeployModel", {"deployedModelId": "7"})

    assert cloud.get(endpoint).get("trafficSplit", {}) == {}
    assert cloud.call("DELETE", endpoint).status == 200


def test_an_endpoint_in_use_stays(cloud: Cloud) -> None:
    cloud.register()
    endpoint = cloud.endpoint()
    cloud.deploy(endpoint, "7", {"0": 100})

    assert cloud.call("DELETE", endpoint).error == (400, "FAILED_PRECONDITION")


def test_replicas_are_mutated_and_the_machine_is_not(cloud: Cloud) -> None:
    cloud.register()
    endpoint = cloud.endpoint()
    cloud.deploy(endpoint, "7", {"0": 100})
    resources = {
        "machineSpec": {"machineType": "n1-standard-8"},
        "minReplicaCount": 2,
        "maxReplicaCount": 3,
    }
    body = {"deployedModel": {"id": "7", "dedicatedResources": resources}}
    replicas = "dedicatedResources.minReplicaCount,dedicated_resources.max_replica_count"

    done = cloud.call("POST", f"{endpoint}:mutateDeployedModel", {**body, "updateMask": replicas})
    refused = cloud.call(
        "POST",
        f"{endpoint}:mutateDeployedModel",
        {**body, "updateMask": "dedicatedResources.machineSpec"},
    )

    assert done.status == 200, done
    assert refused.error == (400, "INVALID_ARGUMENT")
    assert cloud.get(endpoint)["deployedModels"][0]["dedicatedResources"] == {
        "machineSpec": {"machineType": "n1-standard-2"},
        "minReplicaCount": 2,
        "maxReplicaCount": 3,
    }


def test_traffic_is_patched_among_the_deployed(cloud: Cloud) -> None:
    cloud.register()
    endpoint = cloud.endpoint()
    cloud.deploy(endpoint, "7", {"0": 100})

    path = f"{endpoint}?updateMask=traffic_split"
    replies = [
        cloud.call("PATCH", path, {"trafficSplit": split}) for split in ({"7": 90}, {"9": 100}, {})
    ]

    assert [reply.status for reply in replies] == [400, 400, 200]


@pytest.mark.parametrize(
    "instances", [[], [[1, 2]], [{"y": 1}], "x"], ids=["none", "list", "feature", "text"]
)
def test_a_bad_instance_is_refused(cloud: Cloud, instances: object) -> None:
    cloud.register()
    endpoint = cloud.endpoint()
    cloud.deploy(endpoint, "7", {"0": 100})

    reply = cloud.call("POST", f"{endpoint}:predict", {"instances": instances})

    assert reply.error == (400, "INVALID_ARGUMENT")


def test_a_raw_prediction_takes_the_callers_own_json(cloud: Cloud) -> None:
    cloud.register()
    endpoint = cloud.endpoint()
    cloud.deploy(endpoint, "7", {"0": 100})

    reply = cloud.call("POST", f"{endpoint}:rawPredict", {"instances": [{"x": 1}], "own": 2})

    assert reply.body == {"predictions": [{"artifact": T1}]}


def test_a_container_is_deployed_but_not_run(cloud: Cloud) -> None:
    model = {"displayName": "c", "containerSpec": {"imageUri": "x/y"}}
    cloud.call("POST", f"{LOCATION}/models:upload", {"modelId": "c", "model": model})
    endpoint = cloud.endpoint()
    cloud.deploy(endpoint, "7", {"0": 100}, model="c")

    reply = cloud.call("POST", f"{endpoint}:predict", {"instances": [1]})

    assert reply.error == (501, "UNIMPLEMENTED")


def test_a_reference_model_is_not_deployed(cloud: Cloud) -> None:
    model = {"displayName": "r"}
    cloud.call("POST", f"{LOCATION}/models:upload", {"modelId": "r", "model": model})

    reply = cloud.deploy(cloud.endpoint(), "7", {"0": 100}, model="r")

    assert reply.error == (400, "FAILED_PRECONDITION")


def test_the_deployed_training_is_nobodys_business(cloud: Cloud) -> None:
    cloud.register()
    endpoint = cloud.endpoint()
    cloud.deploy(endpoint, "7", {"0": 100})

    assert "local" not in str(sorted(cloud.get(endpoint)["deployedModels"][0]))
