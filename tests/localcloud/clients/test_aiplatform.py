"""google-cloud-aiplatform's own classes, over both transports."""

from collections.abc import Iterator
from typing import Any

import pytest
from google.api_core import exceptions
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

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


TRAIN = """
CREATE OR REPLACE MODEL ds.late OPTIONS(model_type='LOGISTIC_REG', input_label_cols=['late'],
  model_registry='VERTEX_AI', vertex_ai_model_id='late') AS
SELECT CAST(n AS FLOAT64) AS minutes, IF(MOD(n, 3) = 0, 'AA', 'UA') AS carrier, n > 200 AS late
FROM UNNEST(GENERATE_ARRAY(1, 400)) AS n
"""


@pytest.mark.covers(
    "aiplatform.projects.locations.endpoints.explain",
    "aiplatform.projects.locations.endpoints.predict",
)
def test_a_model_trained_in_sql_predicts_and_explains(sdk: Any, local_cloud: LocalCloud) -> None:
    client = bigquery.Client(
        project=sdk.initializer.global_config.project,
        credentials=AnonymousCredentials(),
        client_options=ClientOptions(api_endpoint=local_cloud.url),
    )
    client.create_dataset("ds")
    client.query(TRAIN).result()
    endpoint = sdk.Endpoint.create(display_name="late")
    sdk.Model("late").deploy(
        endpoint=endpoint,
        machine_type="n1-standard-2",
        explanation_parameters=sdk.explain.ExplanationParameters(
            {"sampled_shapley_attribution": {"path_count": 10}}
        ),
        explanation_metadata=sdk.explain.ExplanationMetadata(
            inputs={"minutes": {}, "carrier": {}}, outputs={"late_probs": {}}
        ),
    )
    asked = [{"minutes": 390.0, "carrier": "AA"}]

    predicted = endpoint.predict(asked).predictions[0]
    explained = endpoint.explain(asked)

    attribution = explained.explanations[0].attributions[0]
    by_feature = dict(attribution.feature_attributions)
    way = attribution.instance_output_value - attribution.baseline_output_value
    assert predicted["predicted_late"] == attribution.output_display_name == "true"
    assert attribution.instance_output_value == pytest.approx(predicted["late_probs"][0])
    assert sum(by_feature.values()) == pytest.approx(way)
    assert by_feature["minutes"] > 0.1 > abs(by_feature["carrier"])
