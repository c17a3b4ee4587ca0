import socket
from collections.abc import Iterator
from dataclasses import replace

import pulumi
import pytest

from stacks import cloud
from stacks.config import StackConfig
from tests.components.plan import Plan, planned

PROVIDER = "pulumi:providers:gcp"
GOOGLE = StackConfig(
    project="acme-data",
    location="europe-west4",
    dataset_id="flights",
    protect=True,
    gemini_endpoint="gemini-2.5-flash",
    machine_type="n1-standard-2",
    min_replica_count=1,
    max_replica_count=1,
)


@pytest.fixture
def local() -> Iterator[StackConfig]:
    """The config of a stack at whose address somebody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield at(listening.getsockname()[1])


@pytest.fixture
def nobody() -> Iterator[StackConfig]:
    """The config of a stack at whose address nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield at(bound.getsockname()[1])


def at(port: int) -> StackConfig:
    return replace(GOOGLE, api_endpoint=f"http://127.0.0.1:{port}", protect=False)


def declared(config: StackConfig, *, preview: bool = False) -> tuple[Plan, pulumi.ResourceOptions]:
    made: list[pulumi.ResourceOptions] = []
    plan = planned(lambda: made.append(cloud.options(config)), preview=preview)
    return plan, made[0]


def test_without_an_api_endpoint_pulumi_gcp_is_left_to_talk_to_google():
    plan, options = declared(GOOGLE)

    assert [typ for typ, _, _ in plan.registered if typ == PROVIDER] == []
    assert (options.providers, options.provider) == (None, None)


def test_with_an_api_endpoint_every_service_is_asked_there(local):
    plan, options = declared(local)

    url = local.api_endpoint
    inputs = plan.inputs(PROVIDER, "local-cloud")
    assert {key: value for key, value in inputs.items() if key.endswith("Endpoint")} == {
        "bigQueryCustomEndpoint": f"{url}/bigquery/v2/",
        "bigqueryConnectionCustomEndpoint": f"{url}/v1/",
        "iamBetaCustomEndpoint": f"{url}/v1/",
        "resourceManagerCustomEndpoint": f"{url}/v1/",
        "serviceUsageCustomEndpoint": f"{url}/v1/",
        "storageCustomEndpoint": f"{url}/storage/v1/",
        "vertexAiCustomEndpoint": f"{url}/v1/",
    }
    assert list(options.providers) == ["gcp"]


def test_the_provider_has_the_stacks_project_and_region_and_no_credentials_of_the_user(local):
    plan, _ = declared(local)

    inputs = plan.inputs(PROVIDER, "local-cloud")
    token = inputs.pop("accessToken")
    assert token["value"] == "local"  # inside the envelope of a secret, which it is to pulumi-gcp
    assert {key: value for key, value in inputs.items() if not key.endswith("Endpoint")} == {
        "project": "acme-data",
        "region": "europe-west4",
        "userProjectOverride": "false",
    }


@pytest.mark.parametrize("protect", [True, False])
def test_a_stack_is_protected_where_its_config_says_so(local, protect):
    for config in (GOOGLE, local):
        _, options = declared(replace(config, protect=protect))

        assert options.protect is protect


def test_a_local_cloud_that_does_not_answer_is_one_sentence_with_what_to_do(nobody):
    with pytest.raises(pulumi.RunError) as refused:
        declared(nobody)

    url = nobody.api_endpoint
    assert str(refused.value).startswith(f"the local cloud at {url} (bqvertex:api_endpoint) does")
    assert f"bqvertex local start --port {url.rsplit(':', 1)[1]}" in str(refused.value)


def test_a_preview_needs_nobody_to_answer(nobody):
    plan, _ = declared(nobody, preview=True)

    assert plan.inputs(PROVIDER, "local-cloud")["project"] == "acme-data"


@pytest.mark.parametrize(("url", "port"), [("http://127.0.0.1", 80), ("https://127.0.0.1", 443)])
def test_an_address_without_a_port_is_asked_at_that_of_its_scheme(monkeypatch, url, port):
    asked = []

    def refuse(address, timeout):
        asked.append(address)
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(socket, "create_connection", refuse)

    with pytest.raises(pulumi.RunError, match="does not answer: Connection refused"):
        cloud.require(url)

    assert asked == [("127.0.0.1", port)]
