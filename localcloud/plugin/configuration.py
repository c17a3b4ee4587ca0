"""The provider's configuration: which server, as whom, and the defaults of every resource."""

import difflib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from localcloud.plugin.property_bag import Bag
from localcloud.plugin.unknown import has_unknown

ATTRIBUTION_LABEL = ("goog-pulumi-provisioned", "true")


@dataclass(frozen=True)
class Service:
    """A Google API.

    Attributes:
        name: What messages call it.
        key: The provider's property that names another address for it.
        url: Google's own address; `{region}` stands for a region.
    """

    name: str
    key: str
    url: str


BIGQUERY = Service(
    "BigQuery", "bigQueryCustomEndpoint", "https://bigquery.googleapis.com/bigquery/v2/"
)
CONNECTION = Service(
    "BigQuery connection",
    "bigqueryConnectionCustomEndpoint",
    "https://bigqueryconnection.googleapis.com/v1/",
)
VERTEX_AI = Service(
    "Vertex AI", "vertexAiCustomEndpoint", "https://{region}-aiplatform.googleapis.com/v1/"
)
RESOURCE_MANAGER = Service(
    "Resource Manager",
    "resourceManagerCustomEndpoint",
    "https://cloudresourcemanager.googleapis.com/v1/",
)
# The official plugin reads service accounts from this key, not from iamCustomEndpoint (measured).
IAM = Service("IAM", "iamBetaCustomEndpoint", "https://iam.googleapis.com/v1/")
SERVICE_USAGE = Service(
    "Service Usage", "serviceUsageCustomEndpoint", "https://serviceusage.googleapis.com/v1/"
)
STORAGE = Service(
    "Cloud Storage", "storageCustomEndpoint", "https://storage.googleapis.com/storage/v1/"
)

SERVED = (
    "accessToken",
    "addPulumiAttributionLabel",
    "billingProject",
    "defaultLabels",
    "deletionPolicy",
    "project",
    "pulumiAttributionLabelAdditionStrategy",
    "region",
    "requestTimeout",
    "userProjectOverride",
    "zone",
)
"""The provider's properties that mean something here, beside the custom endpoints."""

_WITHOUT_EFFECT = frozenset(
    {"batching", "disableGooglePartnerName", "googlePartnerName", "pollInterval", "version"}
)


@dataclass(frozen=True)
class Configuration:
    """What `gcp.Provider` was given.

    Attributes:
        project: Project of resources that name none.
        region: Region of resources that name none.
        access_token: OAuth access token; None: requests go without.
        user_project: Project that requests are billed to; None: the resource's own.
        endpoints: Addresses by the provider's property, where they differ from Google's.
        default_labels: Labels of every resource that has labels.
        attribution: Whether new resources are labelled as made by Pulumi.
        attribution_on_update: Whether resources that exist get that label when they change.
        deletion_policy: What a destroy does to resources that do not say: DELETE, ABANDON, PREVENT.
    """

    project: str | None = None
    region: str | None = None
    access_token: str | None = None
    user_project: str | None = None
    endpoints: Mapping[str, str] = field(default_factory=dict)
    default_labels: Mapping[str, str] = field(default_factory=dict)
    attribution: bool = True
    attribution_on_update: bool = False
    deletion_policy: str = "DELETE"

    @classmethod
    def load(cls, bag: Bag, environ: Mapping[str, str] = os.environ) -> "Configuration":
        """Read the configuration from the inputs of the provider resource.

        Args:
            bag: The inputs; the engine writes booleans and maps as JSON texts.
            environ: Environment variables; `GOOGLE_OAUTH_ACCESS_TOKEN` stands in for `accessToken`.
        """
        known = {key: _plain(value) for key, value in bag.items() if not has_unknown(value)}
        project = known.get("project")
        override = known.get("userProjectOverride") is True
        return cls(
            project=project,
            region=known.get("region"),
            access_token=known.get("accessToken") or environ.get("GOOGLE_OAUTH_ACCESS_TOKEN"),
            user_project=(known.get("billingProject") or project) if override else None,
            endpoints={k: str(v) for k, v in known.items() if k.endswith("CustomEndpoint") and v},
            default_labels=known.get("defaultLabels") or {},
            attribution=known.get("addPulumiAttributionLabel") is not False,
            attribution_on_update=known.get("pulumiAttributionLabelAdditionStrategy")
            == "PROACTIVE",
            deletion_policy=known.get("deletionPolicy") or "DELETE",
        )

    def url(self, service: Service, path: str, region: str | None = None) -> str:
        """The address of a resource.

        Args:
            service: Whose resource it is.
            path: Its path below the service's version, without a leading slash.
            region: Region of the resource, for services with an address a region.
        """
        start = self.endpoints.get(service.key)
        if start is None:
            start = service.url.format(region=region or self.region)
        return f"{start.rstrip('/')}/{path}"


def problems(bag: Bag) -> dict[str, str]:
    """What is wrong with the provider's inputs, by property."""
    found = {}
    for key in sorted(bag):
        if key in SERVED or key in _WITHOUT_EFFECT or key.endswith("CustomEndpoint"):
            continue
        near = difflib.get_close_matches(key, SERVED, 1)
        found[key] = (
            f"the stand-in for the gcp plugin does not serve the provider's property '{key}'"
            + (f"; did you mean '{near[0]}'?" if near else "")
            + f" It serves {', '.join(SERVED)} and the custom endpoints. To sign in, set "
            "accessToken, such as to the output of `gcloud auth print-access-token`."
        )
    policy = bag.get("deletionPolicy", "DELETE")
    if policy not in ("DELETE", "ABANDON", "PREVENT") and not has_unknown(policy):
        found["deletionPolicy"] = (
            f"deletionPolicy of the provider is '{policy}'; allowed: DELETE, ABANDON, PREVENT"
        )
    return found


def compact(value: Any) -> Any:
    """An input of the provider as the official plugin writes it: JSON texts without blanks."""
    plain = _plain(value)
    if isinstance(value, str) and isinstance(plain, dict | list):
        return json.dumps(plain, sort_keys=True, separators=(",", ":"))
    return value


def _plain(value: Any) -> Any:
    # The provider's own inputs that are no strings arrive as JSON texts.
    if isinstance(value, str) and (value in ("true", "false") or value[:1] in ("{", "[")):
        try:
            return json.loads(value)
        except json.JSONDecodeError:
            return value
    return value
