"""google-cloud-aiplatform's own classes, over both transports."""

from collections.abc import Iterator
from typing import Any

import pytest
from google.api_core import exceptions
from google.auth.credentials import AnonymousCredentials

from tests.conftest import LocalCloud

CONTAINER = "us-docker.pkg.dev/vertex-ai/prediction/sklearn-cpu.1-3:latest"


@pytest.fixture(params=["rest", "grpc"])
def sdk(local_cloud: LocalCloud, request: pytest.FixtureRequest) -> Iterator[Any]:
    """The SDK with one transport; a project for each."""
    from google.cloud import aiplatform

    by_rest = request.param == "rest"
    aiplatform.init(
        project=f"sdk-{request.param}",
        location="us-central1",
        credentials=AnonymousCredentials(),
        api_endpoint=local_cloud.url if by_rest else local_cloud.grpc["tls_address"],
        api_transport=request.param,
    )
    yield aiplatform
    aiplatform.initializer.global_pool.shutdown(wait=True)


@pytest.mark.covers(
    "google-cloud-aiplatform over REST",
    "google-cloud-aiplatform over gRPC",
    "aiplatform.projects.locations.models.upload",
    "aiplatform.projects.locations.endpoints.deployModel",
    "aiplatform.projects.locations.endpoints.undeployModel",
)
def test_a_model_is_uploaded_deployed_and_taken_away(sdk: Any) -> None:
    model = sdk.Model.upload(display_name="sdk", serving_container_image_uri=CONTAINER)
    endpoint = sdk.Endpoint.create(display_name="sdk")

    model.deploy(endpoint=endpoint, machine_type="n1-standard-2", traffic_percentage=100)
    with pytest.raises((exceptions.BadRequest, exceptions.FailedPrecondition), match="is deployed"):
        model.delete()
    deployed = [found.model for found in endpoint.list_models()]
    endpoint.undeploy_all()
    endpoint.delete()
    model.delete()

    assert deployed == [model.resource_name]
    assert sdk.Model.list() == sdk.Endpoint.list() == []


@pytest.mark.covers("aiplatform.projects.locations.featureGroups.create")
def test_a_feature_group_lives(sdk: Any) -> None:
    from vertexai.resources.preview import FeatureGroup
    from vertexai.resources.preview.feature_store import utils

    source = utils.FeatureGroupBigQuerySource(uri="bq://p.d.t", entity_id_columns=["id"])
    group = FeatureGroup.create(name="birds", source=source)
    group.create_feature(name="mass", version_column_name="body_mass_g")

    features = [feature.name for feature in group.list_features()]
    group.delete(force=True)

    assert features == ["mass"]
