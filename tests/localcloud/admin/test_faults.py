"""Faults on request, through the admin API."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from localcloud.admin.fault import Fault, Faults
from tests.conftest import LocalCloud
from tests.localcloud.conftest import LOCATION, Cloud

pytestmark = pytest.mark.covers("faults on request")
ENDPOINTS = f"{LOCATION}/endpoints"


def ask(cloud: Cloud, **fault: Any) -> None:
    assert cloud.call("POST", "/admin/faults", fault).status == 200


@pytest.mark.parametrize(
    ("status", "code"),
    [("RESOURCE_EXHAUSTED", 429), ("INTERNAL", 500), ("UNAVAILABLE", 503)],
)
def test_a_refusal_has_googles_shape_and_nothing_happens(
    cloud: Cloud, status: str, code: int
) -> None:
    ask(cloud, path="endpoints$", method="POST", status=status, message="not now")

    refused = cloud.call("POST", ENDPOINTS, {"displayName": "e"})

    assert refused.error == (code, status)
    assert refused.body["error"]["message"] == "not now"
    assert cloud.get(ENDPOINTS) == {}


def test_a_client_is_told_when_to_come_back(cloud: Cloud) -> None:
    ask(cloud, status="RESOURCE_EXHAUSTED", retry_after_seconds=7)

    refused = cloud.send("GET", f"/v1/{ENDPOINTS}")

    assert (refused.status_code, refused.headers["retry-after"]) == (429, "7")


def test_only_the_second_and_third_of_the_matching_requests_are_hit(cloud: Cloud) -> None:
    ask(cloud, path="endpoints$", method="GET", status="UNAVAILABLE", skip=1, times=2)

    statuses = [cloud.call("GET", ENDPOINTS).status for _ in range(5)]

    assert statuses == [200, 503, 503, 200, 200]
    [told] = cloud.call("GET", "/admin/faults").body["faults"]
    assert (told["matched"], told["hit"]) == (5, 2)


def test_requests_of_another_path_or_method_go_through(cloud: Cloud) -> None:
    ask(cloud, path="endpoints$", method="POST", status="INTERNAL")

    statuses = [cloud.call("GET", ENDPOINTS).status, cloud.call("GET", f"{LOCATION}/models").status]

    assert statuses == [200, 200]


def test_an_answer_comes_late(cloud: Cloud) -> None:
    ask(cloud, path="endpoints$", latency_seconds=0.2)
    began = time.monotonic()

    status = cloud.call("GET", ENDPOINTS).status

    assert status == 200
    assert time.monotonic() - began >= 0.2


def test_an_operation_fails_and_leaves_what_it_had_made(cloud: Cloud) -> None:
    ask(cloud, path="endpoints$", method="POST", operation_status="INTERNAL", message="half-way")

    operation = cloud.call("POST", f"{ENDPOINTS}?endpointId=e1", {"displayName": "e"}).body

    assert operation["done"]
    assert operation["error"] == {"code": 13, "message": "half-way"}
    assert "response" not in operation
    assert cloud.get(f"{ENDPOINTS}/e1")["displayName"] == "e"


def test_a_deployment_that_fails_deploys_nothing(cloud: Cloud) -> None:
    cloud.register()
    endpoint = cloud.endpoint()
    ask(cloud, path=":deployModel$", operation_status="UNAVAILABLE", times=1)

    failed = cloud.deploy(endpoint, "1", {"0": 100}).body
    deployed = [one["id"] for one in cloud.get(endpoint).get("deployedModels", [])]
    again = cloud.deploy(endpoint, "1", {"0": 100}).body

    assert (failed["error"]["code"], deployed) == (14, [])
    assert "error" not in again


def test_a_registered_logistic_regression_cannot_be_deployed_and_another_model_can(
    cloud: Cloud,
) -> None:
    cloud.register()
    cloud.register("trees", model_type="BOOSTED_TREE_CLASSIFIER")
    endpoint = cloud.endpoint()
    ask(cloud, path=":deployModel$", logistic_explanation=True)

    failed = cloud.deploy(endpoint, "1", {"0": 100}).body
    other = cloud.deploy(endpoint, "2", {"0": 100}, model="trees").body

    assert failed["error"] == {"code": 3, "message": "Explanation preprocessing failed."}
    assert other["response"]["deployedModel"]["id"] == "2"
    assert [one["id"] for one in cloud.get(endpoint)["deployedModels"]] == ["2"]


def test_without_faults_all_goes_well_again(cloud: Cloud) -> None:
    ask(cloud, status="INTERNAL")

    cloud.call("DELETE", "/admin/faults")

    assert cloud.call("GET", ENDPOINTS).status == 200
    assert cloud.call("GET", "/admin/faults").body == {"faults": []}


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ({}, "nothing goes wrong"),
        ({"status": "TIRED"}, "Input should be 'INVALID_ARGUMENT'"),
        ({"status": "INTERNAL", "colour": "red"}, "colour"),
        ({"status": "INTERNAL", "path": "("}, "is no regular expression"),
        ({"status": "INTERNAL", "times": 0}, "greater than or equal to 1"),
        ({"status": "INTERNAL", "probability": 2}, "less than or equal to 1"),
        ({"latency_seconds": -1}, "greater than or equal to 0"),
    ],
)
def test_a_wrong_fault_is_refused(cloud: Cloud, fault: Any, says: str) -> None:
    refused = cloud.call("POST", "/admin/faults", fault)

    assert refused.error == (400, "INVALID_ARGUMENT")
    assert says in str(refused.body)
    assert cloud.call("GET", "/admin/faults").body == {"faults": []}


def test_an_unknown_admin_path_says_what_there_is(cloud: Cloud) -> None:
    refused = cloud.call("GET", "/admin/nothing")

    assert refused.error == (404, "NOT_FOUND")
    assert "/admin/faults" in refused.body["error"]["message"]


def test_requests_are_remembered_without_those_of_the_admin_api(cloud: Cloud) -> None:
    cloud.call("DELETE", "/admin/requests")
    cloud.call("GET", f"{ENDPOINTS}/none?readMask=name")

    seen = cloud.call("GET", "/admin/requests").body["requests"]

    assert [(one["method"], one["path"], one["status"]) for one in seen] == [
        ("GET", f"/v1/{ENDPOINTS}/none?readMask=name", 400)
    ]


@given(
    skip=st.integers(0, 5),
    times=st.none() | st.integers(1, 5),
    requests_made=st.integers(0, 12),
)
def test_a_fault_hits_as_often_as_it_says(skip: int, times: int | None, requests_made: int) -> None:
    faults = Faults()
    faults.add(Fault(status="INTERNAL", skip=skip, times=times))

    hit = [bool(faults.of("GET", "/")) for _ in range(requests_made)]

    left = max(requests_made - skip, 0)
    hits = left if times is None else min(left, times)
    assert hit == [False] * min(skip, requests_made) + [True] * hits + [False] * (left - hits)


def test_a_seed_hits_the_same_requests_each_time() -> None:
    def hit() -> list[bool]:
        faults = Faults()
        faults.add(Fault(status="INTERNAL", probability=0.5, seed=3))
        return [bool(faults.of("GET", "/")) for _ in range(100)]

    assert hit() == hit()
    assert 30 < sum(hit()) < 70


@pytest.fixture
def process(tmp_path: Path) -> Iterator[LocalCloud]:
    started = LocalCloud(tmp_path / "state")
    started.start()
    yield started
    started.run("reset")


def test_the_process_dies_before_or_after_what_was_asked_for(process: LocalCloud) -> None:
    there = {}
    for when in ("before", "after"):
        url = f"{process.url}/v1/{ENDPOINTS}"
        fault = {"path": "endpoints$", "method": "POST", "exit": when}
        requests.post(f"{process.url}/admin/faults", json=fault, timeout=30).raise_for_status()
        with pytest.raises(requests.ConnectionError):
            requests.post(url, params={"endpointId": when}, json={"displayName": "e"}, timeout=30)

        process.start()
        there[when] = requests.get(f"{url}/{when}", timeout=30).status_code

    assert there == {"before": 404, "after": 200}
