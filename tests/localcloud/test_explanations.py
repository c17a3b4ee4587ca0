"""`:explain` of deployed models."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from tests.localcloud.conftest import LOCATION, Cloud, FakeEngine, OpenCloud

SPEC = {
    "parameters": {"sampledShapleyAttribution": {"pathCount": 3}},
    "metadata": {
        "inputs": {"x": {"inputBaselines": [1]}, "y": {"inputBaselines": [0]}},
        "outputs": {"out": {}},
    },
}
ASKED = {"instances": [{"x": 3, "y": 10}]}

pytestmark = pytest.mark.covers("aiplatform.projects.locations.endpoints.explain")


class Regressor(FakeEngine):
    def predict(
        self, artifact_uri: str, instances: Sequence[Mapping[str, Any]]
    ) -> list[dict[str, Any]]:
        return [{"predicted_z": 2 * one["x"] + one["y"]} for one in instances]


class Classifier(FakeEngine):
    def predict(
        self, artifact_uri: str, instances: Sequence[Mapping[str, Any]]
    ) -> list[dict[str, Any]]:
        # The likeliest class comes first, as in answers of BigQuery ML.
        return [
            {"predicted_z": "yes", "z_values": ["yes", "no"], "z_probs": [share, 1 - share]}
            if (share := one["x"] / 10 + one["y"] / 100) >= 0.5
            else {"predicted_z": "no", "z_values": ["no", "yes"], "z_probs": [1 - share, share]}
            for one in instances
        ]


def deployed(cloud: Cloud, **settings: Any) -> str:
    cloud.register()
    endpoint = cloud.endpoint(**settings.pop("endpoint", {}))
    model = {
        "id": "7",
        "model": f"{LOCATION}/models/m",
        "automaticResources": {"minReplicaCount": 1},
        **settings,
    }
    reply = cloud.call(
        "POST", f"{endpoint}:deployModel", {"deployedModel": model, "trafficSplit": {"0": 100}}
    )
    assert reply.status == 200, reply
    return endpoint


def test_a_regression_is_attributed_to_its_features(open_cloud: OpenCloud) -> None:
    cloud = open_cloud(engine=Regressor())

    reply = cloud.call("POST", f"{deployed(cloud, explanationSpec=SPEC)}:explain", ASKED)

    assert reply.body == {
        "explanations": [
            {
                "attributions": [
                    {
                        "baselineOutputValue": 2.0,
                        "instanceOutputValue": 16.0,
                        "featureAttributions": {"x": pytest.approx(4), "y": pytest.approx(10)},
                        "approximationError": pytest.approx(0),
                        "outputName": "out",
                    }
                ]
            }
        ],
        "predictions": [{"predicted_z": 16}],
        "deployedModelId": "7",
    }


@pytest.mark.parametrize(("top_k", "classes"), [(1, ["yes"]), (-1, ["yes", "no"])])
def test_the_likeliest_classes_are_explained(
    open_cloud: OpenCloud, top_k: int, classes: list[str]
) -> None:
    cloud = open_cloud(engine=Classifier())
    asked = {
        "instances": [{"x": 6, "y": 10}],
        "explanationSpecOverride": {"parameters": {"topK": top_k}},
    }

    reply = cloud.call("POST", f"{deployed(cloud, explanationSpec=SPEC)}:explain", asked)

    attributions = reply.body["explanations"][0]["attributions"]
    assert [one["outputDisplayName"] for one in attributions] == classes
    assert attributions[0]["featureAttributions"] == {
        "x": pytest.approx(0.5),
        "y": pytest.approx(0.1),
    }


@pytest.mark.parametrize(
    "settings",
    [{}, {"explanationSpec": SPEC, "disableExplanations": True}],
    ids=["no specification", "disabled"],
)
def test_a_deployment_without_explanations_does_not_explain(
    open_cloud: OpenCloud, settings: dict[str, Any]
) -> None:
    cloud = open_cloud(engine=Regressor())

    reply = cloud.call("POST", f"{deployed(cloud, **settings)}:explain", ASKED)

    assert reply.error == (400, "FAILED_PRECONDITION")


def test_a_dedicated_endpoint_does_not_explain(open_cloud: OpenCloud) -> None:
    cloud = open_cloud(engine=Regressor())
    endpoint = deployed(cloud, explanationSpec=SPEC, endpoint={"dedicatedEndpointEnabled": True})

    assert cloud.call("POST", f"{endpoint}:explain", ASKED).error == (400, "FAILED_PRECONDITION")


@pytest.mark.parametrize(
    ("parameters", "status"),
    [
        ({"sampledShapleyAttribution": {"pathCount": 51}}, 400),
        ({"sampledShapleyAttribution": {"pathCount": 0}}, 400),
        ({"integratedGradientsAttribution": {"stepCount": 5}}, 501),
    ],
)
def test_only_sampled_shapley_of_1_to_50_paths_is_explained(
    open_cloud: OpenCloud, parameters: dict[str, Any], status: int
) -> None:
    cloud = open_cloud(engine=Regressor())
    endpoint = deployed(cloud, explanationSpec={**SPEC, "parameters": parameters})

    assert cloud.call("POST", f"{endpoint}:explain", ASKED).status == status


def test_what_is_no_number_is_not_explained(open_cloud: OpenCloud) -> None:
    cloud = open_cloud()

    reply = cloud.call("POST", f"{deployed(cloud, explanationSpec=SPEC)}:explain", ASKED)

    assert reply.error == (400, "FAILED_PRECONDITION")


def test_a_named_deployment_explains_whatever_its_traffic(open_cloud: OpenCloud) -> None:
    cloud = open_cloud(engine=Regressor())
    endpoint = deployed(cloud, explanationSpec=SPEC)

    replies = [
        cloud.call("POST", f"{endpoint}:explain", {**ASKED, "deployedModelId": identifier}).status
        for identifier in ("7", "8")
    ]

    assert replies == [200, 404]
