"""Shared, dedicated and peered endpoints, and where each answers."""

import pytest

from tests.localcloud.conftest import LOCATION, URL, Cloud

DNS = "e.us-central1-1234567890.prediction.vertexai.goog"
ASKED = {"instances": [{"x": 1}]}

pytestmark = pytest.mark.covers(
    "aiplatform.projects.locations.endpoints.predict", "dedicated addresses of endpoints"
)


def test_a_dedicated_endpoint_has_a_name_of_its_own(cloud: Cloud) -> None:
    endpoint = cloud.endpoint(dedicatedEndpointEnabled=True)

    assert cloud.get(endpoint)["dedicatedEndpointDns"] == DNS


@pytest.mark.parametrize("verb", ["predict", "rawPredict", "streamRawPredict"])
def test_a_dedicated_endpoint_answers_under_its_own_address_alone(cloud: Cloud, verb: str) -> None:
    cloud.register()
    endpoint = cloud.endpoint(dedicatedEndpointEnabled=True)
    cloud.deploy(endpoint, "7", {"0": 100})

    shared = cloud.call("POST", f"{endpoint}:{verb}", ASKED)
    own = cloud.call("POST", f"{endpoint}:{verb}", ASKED, headers={"host": f"{DNS}:8470"})

    assert shared.error == (400, "FAILED_PRECONDITION")
    assert DNS in shared.body["error"]["message"]
    assert own.status == 200, own


def test_a_dedicated_endpoint_takes_larger_requests(cloud: Cloud) -> None:
    cloud.register()
    large = {"instances": [{"x": "x" * 2_000_000}]}
    replies = []
    for name, is_dedicated in (("e", True), ("shared", False)):
        endpoint = cloud.endpoint(name, dedicatedEndpointEnabled=is_dedicated)
        cloud.deploy(endpoint, "7", {"0": 100})
        replies.append(cloud.call("POST", f"{endpoint}:predict", large, headers={"host": DNS}))

    assert [reply.status for reply in replies] == [200, 400]


def test_the_kind_of_an_endpoint_is_fixed(cloud: Cloud) -> None:
    endpoint = cloud.endpoint()

    reply = cloud.call(
        "PATCH",
        f"{endpoint}?updateMask=dedicatedEndpointEnabled",
        {"dedicatedEndpointEnabled": True},
    )

    assert reply.error == (400, "INVALID_ARGUMENT")


def test_an_endpoint_is_of_one_kind(cloud: Cloud) -> None:
    reply = cloud.call(
        "POST",
        f"{LOCATION}/endpoints",
        {
            "displayName": "e",
            "dedicatedEndpointEnabled": True,
            "network": "projects/1/global/networks/n",
        },
    )

    assert reply.error == (400, "INVALID_ARGUMENT")


def test_a_peered_endpoint_serves_one_model_at_its_private_address(cloud: Cloud) -> None:
    cloud.register()
    endpoint = cloud.endpoint(network="projects/1/global/networks/n")

    cloud.deploy(endpoint, "7", {"0": 100})
    second = cloud.deploy(endpoint, "8", {"7": 50, "0": 50})

    address = cloud.get(endpoint)["deployedModels"][0]["privateEndpoints"]["predictHttpUri"]
    assert cloud.call("POST", address.removeprefix(URL), ASKED).status == 200
    assert second.error == (400, "FAILED_PRECONDITION")
