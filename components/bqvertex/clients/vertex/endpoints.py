"""Endpoints: what is deployed on them, who gets how much traffic."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from bqvertex.clients.errors import NotFound
from bqvertex.clients.vertex.registry import location_of
from bqvertex.clients.vertex.rest import VertexRest


@dataclass(frozen=True, kw_only=True)
class LiveDeployment:
    """One deployed model of an endpoint, as Vertex AI returns it or is to make it.

    Attributes:
        id: Deployed model id.
        display_name: Its name on the endpoint.
        model: Registry entry without version, as Google writes it.
        model_version_id: The version that serves.
        machine_type: Of dedicated resources; empty for the other kinds.
        min_replica_count: Nodes at least.
        max_replica_count: Nodes at most.
        service_account: Account it runs as; empty for Google's own.
        disable_explanations: Whether the model's explanation spec is ignored.
    """

    id: str
    display_name: str
    model: str
    model_version_id: str
    machine_type: str
    min_replica_count: int
    max_replica_count: int
    service_account: str = ""
    disable_explanations: bool = False


@dataclass(frozen=True, kw_only=True)
class LiveEndpoint:
    """An endpoint as Vertex AI returns it.

    Attributes:
        name: `projects/…/locations/…/endpoints/…` as Google writes it.
        deployments: All deployed models.
        traffic: Percent by deployed model id, without zeros.
    """

    name: str
    deployments: tuple[LiveDeployment, ...]
    traffic: Mapping[str, int]


class Endpoints(Protocol):
    """What the providers need of Vertex AI's endpoints."""

    def get(self, name: str) -> LiveEndpoint:
        """Read an endpoint.

        Raises:
            NotFound: There is none of that name.
        """
        ...

    def settle(self, name: str) -> None:
        """Wait until no operation runs on an endpoint, so that its list is complete."""
        ...

    def deploy(self, name: str, deployment: LiveDeployment, traffic: Mapping[str, int]) -> None:
        """Deploy a model and wait until it serves.

        Args:
            name: The endpoint.
            deployment: What to deploy; its `model_version_id` decides the version.
            traffic: The split to set in the same call, the key `0` for the new one; empty leaves
                the split as it is.

        Raises:
            AlreadyExists: A deployed model has that id already.
            JobFailed: It was tried and failed.
        """
        ...

    def mutate_replicas(self, name: str, deployment: LiveDeployment) -> None:
        """Set the replica counts of a deployed model and wait until they are."""
        ...

    def set_traffic(self, name: str, traffic: Mapping[str, int]) -> None:
        """Set the whole split; empty takes all traffic away."""
        ...

    def undeploy(self, name: str, deployed_model_id: str, traffic: Mapping[str, int]) -> None:
        """Take a deployed model off the endpoint and wait until it is gone.

        Args:
            name: The endpoint.
            deployed_model_id: Which; that it is gone already is success.
            traffic: The split to set in the same call; empty leaves it as it is.
        """
        ...


class VertexEndpoints:
    """Endpoints of Vertex AI, or of the local cloud."""

    def __init__(self, rest: VertexRest) -> None:
        """Keep the way to Vertex AI."""
        self._rest = rest

    def get(self, name: str) -> LiveEndpoint:
        """See `Endpoints.get`."""
        client = self._client(name)
        endpoint = self._rest.call("read endpoint", name, client.get_endpoint, {"name": name})
        return LiveEndpoint(
            name=endpoint.name,
            deployments=tuple(_deployment(deployed) for deployed in endpoint.deployed_models),
            traffic={id_: share for id_, share in endpoint.traffic_split.items() if share},
        )

    def settle(self, name: str) -> None:
        """See `Endpoints.settle`."""
        client = self._client(name)
        page = ""
        while True:
            request = {"name": name, "page_token": page}
            action = "list the operations of"
            listed = self._rest.call(action, name, client.list_operations, request)
            for operation in listed.operations:
                if not operation.done:
                    self._rest.outlast(client, operation.name)
            page = listed.next_page_token
            if not page:
                return

    def deploy(self, name: str, deployment: LiveDeployment, traffic: Mapping[str, int]) -> None:
        """See `Endpoints.deploy`."""
        client = self._client(name)
        action = f"deploy {deployment.model}@{deployment.model_version_id} on"
        deployed: dict[str, Any] = {
            "id": deployment.id,
            "display_name": deployment.display_name,
            "model": f"{deployment.model}@{deployment.model_version_id}",
            "dedicated_resources": {
                "machine_spec": {"machine_type": deployment.machine_type},
                "min_replica_count": deployment.min_replica_count,
                "max_replica_count": deployment.max_replica_count,
            },
            "disable_explanations": deployment.disable_explanations,
        }
        if deployment.service_account:
            deployed["service_account"] = deployment.service_account
        request = {"endpoint": name, "deployed_model": deployed, "traffic_split": dict(traffic)}
        started = self._rest.call(action, name, client.deploy_model, request)
        self._rest.finish(action, name, started)

    def mutate_replicas(self, name: str, deployment: LiveDeployment) -> None:
        """See `Endpoints.mutate_replicas`."""
        client = self._client(name)
        action = f"set the replica counts of deployed model {deployment.id} of"
        request = {
            "endpoint": name,
            "deployed_model": {
                "id": deployment.id,
                "dedicated_resources": {
                    "machine_spec": {"machine_type": deployment.machine_type},
                    "min_replica_count": deployment.min_replica_count,
                    "max_replica_count": deployment.max_replica_count,
                },
            },
            "update_mask": {
                "paths": [
                    "dedicated_resources.min_replica_count",
                    "dedicated_resources.max_replica_count",
                ]
            },
        }
        started = self._rest.call(action, name, client.mutate_deployed_model, request)
        self._rest.finish(action, name, started)

    def set_traffic(self, name: str, traffic: Mapping[str, int]) -> None:
        """See `Endpoints.set_traffic`."""
        client = self._client(name)
        request = {
            "endpoint": {"name": name, "traffic_split": dict(traffic)},
            "update_mask": {"paths": ["traffic_split"]},
        }
        self._rest.call("set the traffic split of", name, client.update_endpoint, request)

    def undeploy(self, name: str, deployed_model_id: str, traffic: Mapping[str, int]) -> None:
        """See `Endpoints.undeploy`."""
        client = self._client(name)
        action = f"undeploy deployed model {deployed_model_id} from"
        request = {
            "endpoint": name,
            "deployed_model_id": deployed_model_id,
            "traffic_split": dict(traffic),
        }
        try:
            started = self._rest.call(action, name, client.undeploy_model, request)
        except NotFound:
            return
        self._rest.finish(action, name, started)

    def _client(self, name: str) -> Any:
        return self._rest.client("v1", "EndpointService", location_of(name))


def _deployment(deployed: Any) -> LiveDeployment:
    dedicated = deployed.dedicated_resources
    return LiveDeployment(
        id=deployed.id,
        display_name=deployed.display_name,
        model=deployed.model.partition("@")[0],
        model_version_id=deployed.model_version_id,
        machine_type=dedicated.machine_spec.machine_type,
        min_replica_count=dedicated.min_replica_count,
        max_replica_count=dedicated.max_replica_count or dedicated.min_replica_count,
        service_account=deployed.service_account,
        disable_explanations=deployed.disable_explanations,
    )
