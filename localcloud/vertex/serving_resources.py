"""The machines that a deployed model is to run on: which declarations are sound.

Source: proto comments of google.cloud.aiplatform.v1.DeployedModel and DedicatedResources
"""

from collections.abc import Mapping
from typing import Any

from localcloud.discovery.schema import snake
from localcloud.errors import ApiError, invalid_field
from localcloud.store import Store

KINDS = ("dedicatedResources", "automaticResources", "sharedResources")


def check(deployed: Mapping[str, Any], endpoint: str, store: Store) -> None:
    """A deployed model has exactly one sound kind of resources.

    Args:
        deployed: The deployed model.
        endpoint: Name of its endpoint.
        store: Has the pools.

    Raises:
        ApiError: INVALID_ARGUMENT; NOT_FOUND, there is no such pool.
    """
    chosen = [key for key in KINDS if deployed.get(key)]
    if len(chosen) != 1:
        raise invalid_field(
            "deployed_model",
            "Exactly one of dedicated_resources, automatic_resources and shared_resources must "
            f"be set; got {', '.join(snake(c) for c in chosen) or 'none'}.",
        )
    field = f"deployed_model.{snake(chosen[0])}"
    if chosen == ["sharedResources"]:
        _check_pool(str(deployed["sharedResources"]), endpoint, store)
    elif chosen == ["dedicatedResources"]:
        check_dedicated(deployed["dedicatedResources"], field)
    else:
        _check_replicas(deployed["automaticResources"], field)


def check_dedicated(resources: Mapping[str, Any], field: str) -> None:
    """Dedicated resources name a machine and a sound number of replicas.

    Args:
        resources: The `DedicatedResources`.
        field: What violations call them.

    Raises:
        ApiError: INVALID_ARGUMENT.
    """
    if not resources.get("machineSpec", {}).get("machineType"):
        raise invalid_field(
            f"{field}.machine_spec.machine_type",
            f"{field}.machine_spec.machine_type must be set.",
        )
    if int(resources.get("minReplicaCount") or 0) < 1:
        raise invalid_field(
            f"{field}.min_replica_count", f"{field}.min_replica_count must be at least 1."
        )
    _check_replicas(resources, field)


def _check_replicas(resources: Mapping[str, Any], field: str) -> None:
    least, most = int(resources.get("minReplicaCount") or 0), resources.get("maxReplicaCount")
    if most and int(most) < least:
        raise invalid_field(
            f"{field}.max_replica_count",
            f"max_replica_count {most} is below min_replica_count {least}.",
        )


def _check_pool(pool: str, endpoint: str, store: Store) -> None:
    if "/deploymentResourcePools/" not in pool or store.get(pool) is None:
        raise ApiError("NOT_FOUND", f"The DeploymentResourcePool {pool} does not exist.")
    if pool.split("/")[:4] != endpoint.split("/")[:4]:
        raise invalid_field(
            "deployed_model.shared_resources",
            f"{pool} and the Endpoint {endpoint} are in different locations.",
        )
