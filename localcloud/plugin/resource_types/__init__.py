"""The resource types that are served, one noun a file; each is read when it is first asked for."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from localcloud.plugin.resource_type import ResourceType

_MODULES = {
    "gcp:bigquery/connection:Connection": "connection",
    "gcp:bigquery/connectionIamMember:ConnectionIamMember": "connection_iam_member",
    "gcp:bigquery/dataset:Dataset": "dataset",
    "gcp:bigquery/datasetIamMember:DatasetIamMember": "dataset_iam_member",
    "gcp:bigquery/table:Table": "table",
    "gcp:projects/iAMMember:IAMMember": "project_iam_member",
    "gcp:projects/service:Service": "service",
    "gcp:serviceaccount/account:Account": "service_account",
    "gcp:storage/bucket:Bucket": "bucket",
    "gcp:vertex/aiEndpoint:AiEndpoint": "endpoint",
}

TOKENS = tuple(sorted(_MODULES))
"""Pulumi's type tokens of what is served."""


def of(token: str) -> "ResourceType":
    """The resource type of a token.

    Raises:
        KeyError: It is not served.
    """
    kind: ResourceType = import_module(f"{__name__}.{_MODULES[token]}").TYPE
    return kind
