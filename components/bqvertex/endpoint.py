"""Endpoint: online predictions under an address that stays, from one or more deployed models."""

from collections.abc import Mapping
from typing import NotRequired, TypedDict, cast

import pulumi
from pulumi_gcp import vertex

from bqvertex.registered_model import RegisteredModel
from bqvertex.resources import deployed_model as resource
from bqvertex.specs import endpoint as names


class DeployedModelArgs(TypedDict):
    """One deployed model of an `Endpoint`: `registered_model`, or the two after it.

    Attributes:
        registered_model: Registry entry of this program.
        model: Registry entry made elsewhere: `projects/…/locations/…/models/…`, or an id in the
            endpoint's project and region.
        definition_hash: Any text that changes when `version_alias` moves to a new version: its
            change deploys anew.
        version_alias: Alias or number of the version to deploy; left out, the first alias of
            `registered_model`, else `default`.
        traffic_percent: Whole percent of the endpoint's traffic; those of all deployed models sum
            to 100. Left out, 100, for the only one.
        machine_type: Compute Engine machine type; left out, `n1-standard-2`.
        min_replica_count: Nodes that are always there; left out, 1.
        max_replica_count: Nodes at most; left out, as many as `min_replica_count`.
        service_account: Account the container runs as; left out, Google's own.
        disable_explanations: Whether to ignore the entry's explanation spec, which BigQuery gives
            `LOGISTIC_REG` and which fails to deploy; left out, False.
    """

    registered_model: NotRequired[RegisteredModel]
    model: NotRequired[pulumi.Input[str]]
    definition_hash: NotRequired[pulumi.Input[str]]
    version_alias: NotRequired[pulumi.Input[str]]
    traffic_percent: NotRequired[pulumi.Input[float]]
    machine_type: NotRequired[pulumi.Input[str]]
    min_replica_count: NotRequired[pulumi.Input[float]]
    max_replica_count: NotRequired[pulumi.Input[float]]
    service_account: NotRequired[pulumi.Input[str]]
    disable_explanations: NotRequired[pulumi.Input[bool]]


class EndpointArgs(TypedDict):
    """Inputs of an `Endpoint`.

    Attributes:
        project: Project of the endpoint.
        location: Region, such as `europe-west4`: that of the registry entries.
        deployed_models: Deployed models by the name they have on the endpoint, such as `champion`.
        endpoint_id: The endpoint's number, up to 10 digits without a leading zero. Left out, it
            follows from project, location and the component's name. Another one replaces the
            endpoint.
        display_name: Shown in the console; left out, the component's name.
        description: Shown in the console; left out, none.
        labels: Google Cloud labels; left out, none.
        api_endpoint: Base URL of a server that answers for Google, as in `bqvertex:api_endpoint`;
            left out, or empty, Google itself. Only `predict_url` follows from it.
    """

    project: pulumi.Input[str]
    location: pulumi.Input[str]
    deployed_models: dict[str, DeployedModelArgs]
    endpoint_id: NotRequired[pulumi.Input[str]]
    display_name: NotRequired[pulumi.Input[str]]
    description: NotRequired[pulumi.Input[str]]
    labels: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    api_endpoint: NotRequired[pulumi.Input[str] | None]


class Endpoint(pulumi.ComponentResource):
    """A shared public endpoint with its deployed models and their traffic.

    Shared public, since BigQuery's remote models and `:explain` reach no other kind.

    Attributes:
        endpoint_id: The endpoint's number; known at preview.
        endpoint_name: `projects/…/locations/…/endpoints/…`; known at preview.
        endpoint_url: Address at Google without a verb, as a remote model's `ENDPOINT` option takes
            it; known at preview.
        predict_url: Where to POST `{"instances": […]}`; known at preview.
        model_version_ids: Number of the version that serves, by name on the endpoint.
    """

    endpoint_id: pulumi.Output[str]
    endpoint_name: pulumi.Output[str]
    endpoint_url: pulumi.Output[str]
    predict_url: pulumi.Output[str]
    model_version_ids: pulumi.Output[dict[str, str]]

    def __init__(
        self, name: str, args: EndpointArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare the endpoint.

        Args:
            name: Name of the component in the program.
            args: See `EndpointArgs`.
            opts: Options of the component.
        """
        super().__init__("bqvertex:index:Endpoint", name, None, opts)
        project = pulumi.Output.from_input(args["project"])
        location = pulumi.Output.from_input(args["location"])
        given = pulumi.Output.from_input(args.get("endpoint_id"))
        endpoint_id = pulumi.Output.all(project, location, given).apply(
            lambda place: place[2] or names.endpoint_id(place[0], place[1], name)
        )
        endpoint = vertex.AiEndpoint(
            name,
            name=endpoint_id,
            project=project,
            # No `traffic_split` here: the deployed models set it. Tried with pulumi-gcp 9.31: after
            # deployments and splits that it did not make its refresh is empty, and a change of
            # labels leaves the split as it is.
            # The REST path takes `location`, and without `region` pulumi-gcp picks the host by the
            # provider's default region.
            location=location,
            region=location,
            display_name=args.get("display_name") or name,
            description=args.get("description"),
            labels=args.get("labels"),
            opts=pulumi.ResourceOptions(parent=self),
        )
        split = {
            key: deployed.get("traffic_percent", 100)
            for key, deployed in args["deployed_models"].items()
        }
        deployments = {
            key: resource.DeployedModel(
                f"{name}-{key}",
                cast(
                    resource.DeployedModelArgs,
                    {
                        **_served(deployed),
                        "project": project,
                        "location": location,
                        "endpoint_id": endpoint_id,
                        "display_name": key,
                        "traffic_split": split,
                    },
                ),
                # The id is known before the endpoint is there, so it does not say who comes first.
                pulumi.ResourceOptions(parent=self, depends_on=[endpoint]),
            )
            for key, deployed in args["deployed_models"].items()
        }
        # Inputs of the deployments: known at preview, and yet not before the deployments are there.
        place = pulumi.Output.all(
            project,
            location,
            endpoint_id,
            pulumi.Output.from_input(args.get("api_endpoint") or None),
            *(deployed.endpoint_id for deployed in deployments.values()),
        )
        self.endpoint_id = place.apply(lambda known: known[2])
        self.endpoint_name = place.apply(lambda known: names.endpoint_name(*known[:3]))
        self.endpoint_url = place.apply(lambda known: names.endpoint_url(*known[:3]))
        self.predict_url = place.apply(lambda known: f"{names.endpoint_url(*known[:4])}:predict")
        self.model_version_ids = pulumi.Output.all(
            **{key: deployed.model_version_id for key, deployed in deployments.items()}
        )
        self.register_outputs(
            {
                "endpoint_id": self.endpoint_id,
                "endpoint_name": self.endpoint_name,
                "endpoint_url": self.endpoint_url,
                "predict_url": self.predict_url,
                "model_version_ids": self.model_version_ids,
            }
        )


def _served(deployed: DeployedModelArgs) -> dict[str, object]:
    ours = ("registered_model", "traffic_percent")
    inputs: dict[str, object] = {key: value for key, value in deployed.items() if key not in ours}
    registered = deployed.get("registered_model")
    if registered is not None:
        inputs["model"] = registered.model_name
        inputs["definition_hash"] = registered.definition_hash
        if inputs.get("version_alias") is None:
            inputs["version_alias"] = registered.version_aliases.apply(
                lambda aliases: aliases[0] if aliases else "default"
            )
    return inputs
