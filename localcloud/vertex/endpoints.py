"""Endpoints: what is deployed on them and how traffic is split.

Rules: proto comments of google.cloud.aiplatform.v1.EndpointService.
"""

import re
import secrets
from collections.abc import Mapping

from localcloud.cloud import Cloud
from localcloud.discovery import mask
from localcloud.discovery.call import Call, Handler
from localcloud.discovery.operations import explanations_fail
from localcloud.discovery.schema import camel, snake
from localcloud.errors import ApiError, Json, Violation, invalid, invalid_field
from localcloud.store import now
from localcloud.vertex import addresses, serving_resources
from localcloud.vertex.deployed_model import deployed_model, public
from localcloud.vertex.model_capability import NOT_DEPLOYABLE
from localcloud.vertex.models import Models

DEPLOYED_ID = re.compile(r"[1-9][0-9]{0,9}")
DESTINATION = re.compile(r"bq://[a-z][a-z0-9-]+(\.[A-Za-z0-9_]+){0,2}")
MUTABLE = frozenset(
    {
        "dedicatedResources.minReplicaCount",
        "dedicatedResources.maxReplicaCount",
        "dedicatedResources.requiredReplicaCount",
        "dedicatedResources.autoscalingMetricSpecs",
        "automaticResources.minReplicaCount",
        "automaticResources.maxReplicaCount",
        "disableContainerLogging",
    }
)


class Endpoints:
    """The endpoints of every project and location.

    What changes deployments takes effect when its operation is due, so that an endpoint keeps
    answering with what it has while something else is being deployed on it.
    """

    def __init__(self, cloud: Cloud, models: Models) -> None:
        self.cloud = cloud
        self.store = cloud.store
        self.models = models
        cloud.operations.effect("deploy", self._deployed)
        cloud.operations.effect("undeploy", self._undeployed)
        cloud.operations.effect("mutate", self._mutated)

    def handlers(self) -> dict[str, Handler]:
        """Handlers by the last two parts of the method id."""
        return {
            "endpoints.deployModel": self._deploy,
            "endpoints.undeployModel": self._undeploy,
            "endpoints.mutateDeployedModel": self._mutate,
        }

    # ------------------------------------------------------------ the collection's own rules
    def creating(self, call: Call, body: Json) -> Json:
        """A new endpoint has nothing deployed, hence no traffic."""
        if body.get("trafficSplit"):
            raise invalid_field(
                "endpoint.traffic_split",
                "traffic_split must be empty for a new Endpoint: nothing is deployed on it.",
            )
        addresses.check_kind(body)
        check_logging(body)
        if body.get("dedicatedEndpointEnabled"):
            dns = addresses.dedicated_dns(body["name"], self.cloud.projects)
            return {**body, "dedicatedEndpointDns": dns}
        return body

    def updating(self, call: Call, before: Json, after: Json) -> Json:
        """The traffic may be split only among what is deployed."""
        if after.get("trafficSplit") != before.get("trafficSplit"):
            check_split(after.get("trafficSplit", {}), before.get("deployedModels", []))
        fixed = [k for k in addresses.EXCLUSIVE if before.get(k) != after.get(k)]
        if fixed:
            raise invalid_field(
                f"endpoint.{snake(fixed[0])}",
                f"{snake(fixed[0])} is fixed when an Endpoint is made: make another one.",
            )
        check_logging(after)
        return after

    def deleting(self, call: Call, resource: Json) -> None:
        """An endpoint with deployed models or a monitoring job stays."""
        if job := resource.get("modelDeploymentMonitoringJob"):
            raise ApiError(
                "FAILED_PRECONDITION",
                f"The Endpoint {resource['name']} is watched by {job}: delete that first.",
            )
        deployed = [d["id"] for d in resource.get("deployedModels", [])]
        deployed += self._arriving(resource["name"])
        if deployed:
            raise ApiError(
                "FAILED_PRECONDITION",
                f"The Endpoint {resource['name']} has deployed or being-deployed models "
                f"({', '.join(deployed)}) and cannot be deleted: undeploy them first.",
            )

    # ------------------------------------------------------------ deploy
    def _deploy(self, call: Call) -> Json:
        endpoint = call.resource()
        schema = call.plane.document.schema
        missing = schema.missing(call.method.request, call.body)
        if missing:
            raise invalid(missing)
        deployed: Json = dict(call.body["deployedModel"])
        if not deployed.get("model"):
            raise invalid(
                [
                    Violation(
                        "deployed_model.model", "Required field is not set: deployed_model.model."
                    )
                ]
            )
        model, version = self.models.find(deployed["model"])
        self._check_deployable(endpoint, model, version)
        self._check_peered(endpoint)
        serving_resources.check(deployed, endpoint["name"], self.store)
        taken = {d["id"] for d in endpoint.get("deployedModels", [])}
        taken |= set(self._arriving(endpoint["name"]))
        deployed["id"] = _deployed_id(deployed.get("id", ""), taken, endpoint["name"])
        split = {
            deployed["id"] if key == "0" else key: percent
            for key, percent in call.body.get("trafficSplit", {}).items()
        }
        if split:
            check_split(split, [*endpoint.get("deployedModels", []), deployed])
        deployed.update(
            model=model["name"],
            modelVersionId=version["versionId"],
            displayName=deployed.get("displayName") or model.get("displayName", ""),
        )
        for key in ("localArtifactUri", "bigqueryModel"):
            if key in version:
                deployed[key] = version[key]
        if explanations_fail.get() and (
            version.get("bigqueryModel") and version["bigqueryModelType"] == "LOGISTIC_REGRESSION"
        ):
            # https://github.com/GoogleCloudPlatform/vertex-ai-samples/issues/2723
            failure = {"status": "INVALID_ARGUMENT", "message": "Explanation preprocessing failed."}
            return call.plane.operation(endpoint["name"], "DeployModel", "fail", failure)
        return call.plane.operation(
            endpoint["name"],
            "DeployModel",
            "deploy",
            {
                "endpoint": endpoint["name"],
                "deployedModel": deployed,
                "trafficSplit": split,
                "type": call.plane.any(f"{call.plane.prefix}DeployModelResponse", {}),
            },
        )

    def _check_deployable(self, endpoint: Json, model: Json, version: Json) -> None:
        kind = version.get("bigqueryModelType", "")
        if kind in NOT_DEPLOYABLE:
            raise ApiError(
                "FAILED_PRECONDITION",
                f"The Model {model['name']} is a BigQuery ML model of type {kind}, which cannot "
                "be deployed to an Endpoint.",
            )
        if "localArtifactUri" not in version and not version.get("containerSpec"):
            raise ApiError(
                "FAILED_PRECONDITION",
                f"The Model {model['name']}@{version['versionId']} has neither a container_spec "
                "nor a BigQuery ML artifact: a reference model cannot be deployed.",
            )
        place = endpoint["name"].split("/")[3]
        if "localArtifactUri" in version and model["name"].split("/")[3] != place:
            raise ApiError(
                "INVALID_ARGUMENT",
                f"The Model {model['name']} and the Endpoint {endpoint['name']} are in different "
                "locations: a BigQuery ML model is served where it is registered.",
            )

    def _check_peered(self, endpoint: Json) -> None:
        there = [d["id"] for d in endpoint.get("deployedModels", [])]
        there += self._arriving(endpoint["name"])
        if endpoint.get("network") and there:
            raise ApiError(
                "FAILED_PRECONDITION",
                f"The Endpoint {endpoint['name']} is peered to a network and has the DeployedModel "
                f"{there[0]}: such an endpoint serves one model and splits no traffic.",
            )

    def _arriving(self, endpoint: str) -> list[str]:
        return [
            str(arguments["deployedModel"]["id"])
            for effect, arguments in self.cloud.operations.pending(endpoint)
            if effect == "deploy"
        ]

    def _deployed(self, arguments: Json) -> Json:
        endpoint = self._endpoint(arguments["endpoint"])
        deployed = {**arguments["deployedModel"], "createTime": now()}
        deployed |= addresses.private_endpoints(endpoint, self.cloud.base_url)
        endpoint["deployedModels"] = [*endpoint.get("deployedModels", []), deployed]
        if arguments["trafficSplit"]:
            # Checked again: what was there when it began may have gone since.
            check_split(arguments["trafficSplit"], endpoint["deployedModels"])
            endpoint["trafficSplit"] = arguments["trafficSplit"]
        self._put(endpoint)
        return {**arguments["type"], "deployedModel": public(deployed)}

    # ------------------------------------------------------------ undeploy, mutate
    def _undeploy(self, call: Call) -> Json:
        endpoint = call.resource()
        identifier = str(call.body.get("deployedModelId", ""))
        if not identifier:
            raise invalid(
                [Violation("deployed_model_id", "Required field is not set: deployed_model_id.")]
            )
        deployed_model(endpoint, identifier)
        split = call.body.get("trafficSplit") or {}
        self._split_without(endpoint, identifier, split)
        return call.plane.operation(
            endpoint["name"],
            "UndeployModel",
            "undeploy",
            {
                "endpoint": endpoint["name"],
                "deployedModelId": identifier,
                "trafficSplit": split,
                "type": call.plane.any(f"{call.plane.prefix}UndeployModelResponse", {}),
            },
        )

    def _split_without(self, endpoint: Json, identifier: str, split: Mapping[str, int]) -> Json:
        left = [d for d in endpoint["deployedModels"] if d["id"] != identifier]
        if not left:
            return {}
        if split:
            check_split({k: v for k, v in split.items() if k != identifier or v}, left)
            return {key: percent for key, percent in split.items() if key != identifier}
        traffic = endpoint.get("trafficSplit", {})
        if traffic.get(identifier):
            raise ApiError(
                "FAILED_PRECONDITION",
                f"The DeployedModel {identifier} of {endpoint['name']} carries "
                f"{traffic[identifier]} % of the traffic: give a traffic_split without it.",
            )
        return {key: percent for key, percent in traffic.items() if key != identifier}

    def _undeployed(self, arguments: Json) -> Json:
        endpoint, identifier = self._endpoint(arguments["endpoint"]), arguments["deployedModelId"]
        deployed_model(endpoint, identifier)
        endpoint["trafficSplit"] = self._split_without(
            endpoint, identifier, arguments["trafficSplit"]
        )
        endpoint["deployedModels"] = [
            d for d in endpoint["deployedModels"] if d["id"] != identifier
        ]
        self._put(endpoint)
        response: Json = arguments["type"]
        return response

    def _mutate(self, call: Call) -> Json:
        endpoint = call.resource()
        schema = call.plane.document.schema
        body = call.body.get("deployedModel", {})
        text = str(call.body.get("updateMask", ""))
        if not text or not body.get("id"):
            raise ApiError("INVALID_ARGUMENT", "deployed_model.id and update_mask must be set.")
        message = f"{call.plane.prefix}DeployedModel"
        paths = mask.paths(",".join(camel(p) for p in text.split(",")), schema, message)
        mutable = MUTABLE | {"enableContainerLogging"}
        for keys in paths:
            if ".".join(keys) not in mutable:
                raise invalid_field(
                    "update_mask",
                    f"{snake('.'.join(keys))} of a DeployedModel cannot be changed; only "
                    f"{', '.join(sorted(snake(m) for m in mutable))} can.",
                )
        changed = dict(deployed_model(endpoint, str(body["id"])))
        for keys in paths:
            changed[keys[0]] = dict(changed[keys[0]]) if len(keys) > 1 else changed.get(keys[0])
            mask.write(changed, keys, mask.read(body, keys))
        serving_resources.check(changed, endpoint["name"], self.store)
        return call.plane.operation(
            endpoint["name"],
            "MutateDeployedModel",
            "mutate",
            {
                "endpoint": endpoint["name"],
                "deployedModel": changed,
                "type": call.plane.any(f"{call.plane.prefix}MutateDeployedModelResponse", {}),
            },
        )

    def _mutated(self, arguments: Json) -> Json:
        endpoint, changed = self._endpoint(arguments["endpoint"]), arguments["deployedModel"]
        deployed_model(endpoint, changed["id"])
        endpoint["deployedModels"] = [
            changed if d["id"] == changed["id"] else d for d in endpoint["deployedModels"]
        ]
        self._put(endpoint)
        return {**arguments["type"], "deployedModel": public(changed)}

    def _endpoint(self, name: str) -> Json:
        endpoint = self.store.get(name)
        if endpoint is None:
            raise ApiError("NOT_FOUND", f"The Endpoint {name} does not exist.")
        return endpoint

    def _put(self, endpoint: Json) -> None:
        self.store.put(endpoint["name"], {**endpoint, "updateTime": now()})


def check_split(split: Mapping[str, int], deployed: list[Json]) -> None:
    """A traffic split is empty, or shares 100 % among what is deployed.

    Raises:
        ApiError: INVALID_ARGUMENT.
    """
    ids = [d["id"] for d in deployed]
    unknown = sorted(set(split) - set(ids))
    if unknown:
        raise invalid_field(
            "traffic_split",
            f"traffic_split names {', '.join(unknown)}, which is not deployed; deployed: "
            f"{', '.join(ids) or 'nothing'}.",
        )
    if any(not 0 <= percent <= 100 for percent in split.values()) or (
        split and sum(split.values()) != 100
    ):
        raise invalid_field(
            "traffic_split",
            f"The percentages of traffic_split must be 0 to 100 and add up to 100; got {split}.",
        )


def check_logging(endpoint: Json) -> None:
    """The logging of requests has a sound destination and sampling rate.

    Raises:
        ApiError: INVALID_ARGUMENT.
    """
    config = endpoint.get("predictRequestResponseLoggingConfig", {})
    if not config.get("enabled"):
        return
    field = "endpoint.predict_request_response_logging_config"
    if endpoint.get("network"):
        raise invalid_field(
            field, "An Endpoint that is peered to a network does not log its requests."
        )
    rate = config.get("samplingRate", 0)
    if not 0 < rate <= 1:
        raise invalid_field(
            f"{field}.sampling_rate", f"sampling_rate must be above 0 and at most 1; got {rate}."
        )
    uri = str(config.get("bigqueryDestination", {}).get("outputUri", ""))
    if not DESTINATION.fullmatch(uri):
        raise invalid_field(
            f"{field}.bigquery_destination.output_uri",
            f"output_uri must be bq://project, bq://project.dataset or bq://project.dataset.table; "
            f"got {uri!r}.",
        )


def _deployed_id(given: str, taken: set[str], endpoint: str) -> str:
    if given and not DEPLOYED_ID.fullmatch(given):
        raise invalid_field(
            "deployed_model.id",
            f"Invalid deployed_model.id {given!r}: 1 to 10 digits, not starting with 0.",
        )
    if given in taken:
        raise ApiError(
            "ALREADY_EXISTS", f"A DeployedModel {given} is deployed on {endpoint} already."
        )
    identifier = given
    while not identifier or identifier in taken:
        identifier = str(10**9 + secrets.randbelow(9 * 10**9))
    return identifier
