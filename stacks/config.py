"""The stack's config as one typed value. Nothing else in the project reads `pulumi.Config`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
from bqvertex.connection import ConnectionArgs
from bqvertex.dataset import DatasetArgs, TableArgs
from bqvertex.endpoint import DeployedModelArgs, EndpointArgs
from bqvertex.registered_model import RegisteredModel

LOCATIONS = frozenset(
    {
        "asia-east1",
        "asia-east2",
        "asia-northeast1",
        "asia-northeast3",
        "asia-southeast1",
        "australia-southeast1",
        "europe-west1",
        "europe-west2",
        "europe-west3",
        "europe-west4",
        "europe-west6",
        "northamerica-northeast1",
        "us-central1",
        "us-east4",
    }
)
"""Regions with every BigQuery ML feature: built-in, imported and remote models, and the registry.

Source: https://cloud.google.com/bigquery/docs/locations#bqml-loc, as of 2026-08-22. Multi-regions
are left out on purpose: remote models over a deployed endpoint are documented for regions only.
"""

_PLACEHOLDER = "your-project"
_PROJECT_ID = re.compile(r"[a-z][a-z0-9-]{4,28}[a-z0-9]\Z")
_DATASET_ID = re.compile(r"[A-Za-z0-9_]{1,1024}\Z")
_API_ENDPOINT = re.compile(r"https?://[^/\s]+\Z")


@dataclass(frozen=True)
class StackConfig:
    """One environment.

    Attributes:
        project: Google Cloud project id.
        api_endpoint: Base URL of a local Google Cloud; None is Google itself.
        location: Region of the data, the models and the endpoint, one of `LOCATIONS`.
        dataset_id: BigQuery dataset id.
        protect: Whether a destroy must refuse to delete data, models and the endpoint.
        gemini_endpoint: Gemini model that the remote model calls.
        machine_type: Compute Engine machine type of each serving node.
        min_replica_count: Serving nodes that are always there.
        max_replica_count: Serving nodes at most.
        labels: Labels on everything that takes labels.
    """

    project: str
    location: str
    dataset_id: str
    protect: bool
    gemini_endpoint: str
    machine_type: str
    min_replica_count: int
    max_replica_count: int
    api_endpoint: str | None = None
    labels: dict[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls) -> "StackConfig":
        """Read the config of the running stack.

        Returns:
            The config, with the defaults of `Pulumi.yaml`.

        Raises:
            pulumi.RunError: A value is not allowed; the message lists every such key, the value
                got, the values allowed and the stack's file.
        """
        config = pulumi.Config("bqvertex")
        loaded = cls(
            project=pulumi.Config("gcp").get("project") or "",
            api_endpoint=(config.get("api_endpoint") or "").rstrip("/") or None,
            location=config.require("location"),
            dataset_id=config.get("dataset_id") or "flights",
            protect=config.get_bool("protect") is not False,
            gemini_endpoint=config.get("gemini_endpoint") or "gemini-2.5-flash",
            machine_type=config.get("machine_type") or "n1-standard-2",
            min_replica_count=_or(config.get_int("min_replica_count"), 1),
            max_replica_count=_or(config.get_int("max_replica_count"), 1),
            labels=config.get_object("labels") or {},
        )
        problems = loaded.problems()
        if problems:
            file = f"stacks/Pulumi.{pulumi.get_stack()}.yaml"
            raise pulumi.RunError("\n".join(f"{file}: {problem}" for problem in problems))
        return loaded

    def dataset(self, tables: Mapping[str, TableArgs], views: Mapping[str, str]) -> DatasetArgs:
        """Inputs of the dataset; a destroy empties it unless the stack is protected."""
        return {
            "project": self.project,
            "location": self.location,
            "labels": self.labels,
            "dataset_id": self.dataset_id,
            "delete_contents_on_destroy": not self.protect,
            "tables": tables,
            "views": views,
        }

    def endpoint(self, **deployed_models: DeployedModelArgs) -> EndpointArgs:
        """Inputs of the endpoint with deployed models by name."""
        return {
            "project": self.project,
            "location": self.location,
            "labels": self.labels,
            "api_endpoint": self.api_endpoint or "",
            "deployed_models": deployed_models,
        }

    def deployed_model(
        self, registered_model: RegisteredModel, traffic_percent: int = 100
    ) -> DeployedModelArgs:
        """Inputs of a deployed model on this environment's machines."""
        return {
            "registered_model": registered_model,
            "traffic_percent": traffic_percent,
            "machine_type": self.machine_type,
            "min_replica_count": self.min_replica_count,
            "max_replica_count": self.max_replica_count,
        }

    def connection(self, *roles: str) -> ConnectionArgs:
        """Inputs of the connection; its id differs by dataset, which differs by environment."""
        return {
            "project": self.project,
            "location": self.location,
            "connection_id": f"{self.dataset_id}-vertex-ai",
            "roles": roles,
        }

    def problems(self) -> list[str]:
        """Say what is not allowed, one sentence a key; empty when all is well."""
        found = []
        if self.project.startswith(_PLACEHOLDER):
            found.append(
                f"gcp:project is '{self.project}', which stands for your own: give your project id"
            )
        elif not _PROJECT_ID.match(self.project):
            found.append(
                f"gcp:project is '{self.project}': give your project id; it has 6 to 30 lower "
                "case letters, digits and hyphens, and starts with a letter"
            )
        if self.location not in LOCATIONS:
            found.append(
                f"bqvertex:location is '{self.location}': choose one of "
                f"{', '.join(sorted(LOCATIONS))}"
            )
        if not _DATASET_ID.match(self.dataset_id):
            found.append(
                f"bqvertex:dataset_id is '{self.dataset_id}': use letters, digits and underscores"
            )
        if self.api_endpoint is not None and not _API_ENDPOINT.match(self.api_endpoint):
            found.append(
                f"bqvertex:api_endpoint is '{self.api_endpoint}': give scheme, host and port only, "
                "such as http://127.0.0.1:8470, or leave it out for Google"
            )
        if not 1 <= self.min_replica_count <= self.max_replica_count:
            found.append(
                f"bqvertex:min_replica_count is {self.min_replica_count} and "
                f"bqvertex:max_replica_count is {self.max_replica_count}: use 1 or more, and a "
                "minimum that is no larger than the maximum"
            )
        return found


def _or(value: Any, default: int) -> int:
    return default if value is None else int(value)
