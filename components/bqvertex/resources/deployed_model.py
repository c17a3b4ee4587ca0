"""`DeployedModel`: a model that serves online predictions on a Vertex AI endpoint."""

from collections.abc import Mapping
from typing import NotRequired, TypedDict

import pulumi
from pulumi.dynamic import Resource

from bqvertex.clients.settings import CloudSettings
from bqvertex.clients.vertex.endpoints import VertexEndpoints
from bqvertex.clients.vertex.registry import VertexModelRegistry
from bqvertex.clients.vertex.rest import VertexRest
from bqvertex.providers.deployed_model import DeployedModelLifecycle
from bqvertex.providers.lifecycle import Lifecycle
from bqvertex.resources.host import DynamicHost
from bqvertex.resources.progress import report


class DeployedModelArgs(TypedDict):
    """Inputs of a `DeployedModel`.

    A change of `model`, `version_alias`, `definition_hash`, `machine_type`, `service_account` or
    `disable_explanations` deploys anew: the new deployment takes the traffic in the call that makes
    it, then the old one is undeployed.

    Attributes:
        project: Project of the endpoint. Another one replaces the deployed model.
        location: Region of the endpoint. Another one replaces the deployed model.
        endpoint_id: The endpoint's number. Another one replaces the deployed model.
        display_name: Its name on the endpoint, and its key in `traffic_split`, such as `champion`.
            Another one replaces the deployed model.
        model: Registry entry: `projects/…/locations/…/models/…`, or an id in the same project and
            region.
        version_alias: Alias or number of the version to deploy; left out, `default`.
        definition_hash: `definition_hash` of the model; its change says that the alias is on a
            new version. Left out, a new version is deployed when another input changes.
        machine_type: Compute Engine machine type; left out, `n1-standard-2`.
        min_replica_count: Nodes that are always there, 1 or more; left out, 1. Changed in place.
        max_replica_count: Nodes at most; left out, as many as `min_replica_count`. Changed in
            place.
        service_account: Account the container runs as; left out, Google's own.
        disable_explanations: Whether to ignore the explanation spec of the registry entry; left
            out, False. BigQuery gives `LOGISTIC_REG` one that fails to deploy
            (https://github.com/GoogleCloudPlatform/vertex-ai-samples/issues/2723).
        traffic_split: The endpoint's whole split, percent by display name, summing to 100, such as
            `{"champion": 90, "challenger": 10}`: the same for each deployed model of the endpoint.
            While some are not there yet the others have their shares, in proportion. Changed in
            place.
    """

    project: pulumi.Input[str]
    location: pulumi.Input[str]
    endpoint_id: pulumi.Input[str]
    display_name: pulumi.Input[str]
    model: pulumi.Input[str]
    traffic_split: pulumi.Input[Mapping[str, pulumi.Input[float]]]
    version_alias: NotRequired[pulumi.Input[str]]
    definition_hash: NotRequired[pulumi.Input[str]]
    machine_type: NotRequired[pulumi.Input[str]]
    min_replica_count: NotRequired[pulumi.Input[float]]
    max_replica_count: NotRequired[pulumi.Input[float]]
    service_account: NotRequired[pulumi.Input[str]]
    disable_explanations: NotRequired[pulumi.Input[bool]]


class DeployedModelProvider(DynamicHost):
    """Serves `DeployedModelLifecycle`. The state names this class: see ADR 7."""

    def lifecycle(self, settings: CloudSettings) -> Lifecycle:
        """See `DynamicHost.lifecycle`."""
        rest = VertexRest(settings)
        return DeployedModelLifecycle(
            VertexEndpoints(rest), VertexModelRegistry(rest), report=report
        )


class DeployedModel(Resource, module="bqvertex", name="DeployedModel"):
    """A model that serves online predictions on a Vertex AI endpoint.

    Attributes:
        endpoint_id: As given; known at preview.
        display_name: As given; known at preview.
        endpoint: `projects/…/locations/…/endpoints/…`.
        deployed_model_id: Its id on the endpoint, 10 digits; another one after each deployment.
        model_version_id: Number of the version that serves.
        traffic_percent: Percent of the endpoint's traffic that it has once all deployed models are
            there; after a `refresh`, the live percent where it was changed by hand.
    """

    endpoint_id: pulumi.Output[str]
    display_name: pulumi.Output[str]
    endpoint: pulumi.Output[str]
    deployed_model_id: pulumi.Output[str]
    model_version_id: pulumi.Output[str]
    traffic_percent: pulumi.Output[int]

    def __init__(
        self, name: str, args: DeployedModelArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare the deployed model.

        Args:
            name: Name of the resource in the program.
            args: See `DeployedModelArgs`.
            opts: Options of the resource.
        """
        props = {
            "endpoint": None,
            "deployed_model_id": None,
            "model_version_id": None,
            "traffic_percent": None,
            **args,
        }
        super().__init__(DeployedModelProvider(), name, props, opts)
