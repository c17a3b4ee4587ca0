"""A Vertex AI endpoint; which models it serves is no part of it.

Source: https://cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.endpoints
"""

import json
from typing import Any

from localcloud.plugin.configuration import VERTEX_AI
from localcloud.plugin.property import Kind, Property, from_rest
from localcloud.plugin.resource_type import DELETION_POLICY, LABELS, PROJECT, ResourceType
from localcloud.plugin.rest_resource import LongRunning


def _same_split(one: str, other: str) -> bool:
    return bool(_split(one) == _split(other))


def _split(text: str) -> Any:
    try:
        return json.loads(text or "{}")
    except json.JSONDecodeError:
        return text


def _text(value: dict[str, Any]) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


_MACHINE = (
    Property("machineType", output=True),
    Property("acceleratorType", output=True),
    Property("acceleratorCount", Kind.INTEGER, output=True),
)
_METRIC = (Property("metricName", output=True), Property("target", Kind.INTEGER, output=True))
_REPLICAS = (
    Property("minReplicaCount", Kind.INTEGER, output=True),
    Property("maxReplicaCount", Kind.INTEGER, output=True),
)


def _listed(name: str, field: str, properties: tuple[Property, ...]) -> Property:
    # Pulumi's schema makes a list of what is one object in the API.
    def decode(value: dict[str, Any]) -> list[dict[str, Any]]:
        return [from_rest(properties, value)]

    return Property(name, Kind.OBJECTS, field, output=True, decode=decode)


_DEPLOYED_MODEL = (
    Property("id", output=True),
    Property("model", output=True),
    Property("modelVersionId", output=True),
    Property("displayName", output=True),
    Property("createTime", output=True),
    Property("serviceAccount", output=True, absent=""),
    Property("enableAccessLogging", Kind.BOOLEAN, output=True, absent=False),
    Property("enableContainerLogging", Kind.BOOLEAN, output=True, absent=False),
    Property("sharedResources", output=True, absent=""),
    _listed("automaticResources", "automaticResources", _REPLICAS),
    _listed(
        "dedicatedResources",
        "dedicatedResources",
        (
            _listed("machineSpecs", "machineSpec", _MACHINE),
            *_REPLICAS,
            Property("autoscalingMetricSpecs", Kind.OBJECTS, output=True, properties=_METRIC),
        ),
    ),
)

TYPE = ResourceType(
    token="gcp:vertex/aiEndpoint:AiEndpoint",
    service=VERTEX_AI,
    id="projects/{project}/locations/{location}/endpoints/{name}",
    imports=("{project}/{location}/{name}", "{location}/{name}"),
    collection="projects/{project}/locations/{location}/endpoints",
    create_query={"endpointId": "{name}"},
    deletes_first=True,
    lifecycle=LongRunning,
    properties=(
        Property("name", field=None, autonamed=True, replaces=True),
        PROJECT,
        Property("location", field=None, required=True, replaces=True),
        Property("region", field=None, replaces=True),
        Property("displayName", required=True),
        Property("description", absent=""),
        Property("network", replaces=True, absent=""),
        Property("dedicatedEndpointEnabled", Kind.BOOLEAN, absent=False),
        Property(
            "encryptionSpec",
            Kind.OBJECT,
            replaces=True,
            properties=(Property("kmsKeyName", required=True, replaces=True),),
        ),
        Property(
            "predictRequestResponseLoggingConfig",
            Kind.OBJECT,
            properties=(
                Property("enabled", Kind.BOOLEAN),
                Property("samplingRate", Kind.NUMBER),
                Property("bigqueryDestination", Kind.OBJECT, properties=(Property("outputUri"),)),
            ),
        ),
        Property(
            "privateServiceConnectConfig",
            Kind.OBJECT,
            replaces=True,
            properties=(
                Property("enablePrivateServiceConnect", Kind.BOOLEAN, required=True),
                Property("projectAllowlists", Kind.STRINGS, "projectAllowlist"),
            ),
        ),
        Property(
            "trafficSplit",
            computed=True,
            same=_same_split,
            encode=_split,
            decode=_text,
            absent="",
        ),
        *LABELS,
        DELETION_POLICY,
        Property("createTime", output=True),
        Property("updateTime", output=True),
        Property("dedicatedEndpointDns", output=True, absent=""),
        Property("modelDeploymentMonitoringJob", output=True, absent=""),
        Property(
            "deployedModels", Kind.OBJECTS, output=True, properties=_DEPLOYED_MODEL, absent=[]
        ),
    ),
)
