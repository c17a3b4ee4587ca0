"""Deployment resource pools: machines that several deployed models share.

Source: https://cloud.google.com/vertex-ai/docs/predictions/model-co-hosting
"""

from dataclasses import replace

from localcloud.cloud import Cloud
from localcloud.discovery.call import Call, Collection, Handler
from localcloud.discovery.page import page
from localcloud.errors import ApiError, Json, invalid
from localcloud.vertex.deployed_model import public
from localcloud.vertex.serving_resources import check_dedicated

ID_PARAMETER = "deploymentResourcePoolId"


class DeploymentResourcePools:
    """The pools of every location; no machine is started.

    Args:
        cloud: What all services share.
    """

    def __init__(self, cloud: Cloud) -> None:
        self.store = cloud.store

    def collections(self, prefix: str) -> dict[str, Collection]:
        """The generated collection."""
        return {
            "deploymentResourcePools": Collection(
                message=f"{prefix}DeploymentResourcePool",
                noun="DeploymentResourcePool",
                id_parameter=ID_PARAMETER,
                id_pattern=r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?",
                creating=self._creating,
                deleting=self._deleting,
            )
        }

    def handlers(self) -> dict[str, Handler]:
        """Handlers by the last two parts of the method id."""
        return {
            "deploymentResourcePools.create": self._create,
            "deploymentResourcePools.queryDeployedModels": self._query,
        }

    def _create(self, call: Call) -> Json:
        missing = call.plane.document.schema.missing(call.method.request, call.body)
        if missing:
            raise invalid(missing)
        # The id stands in the body here, in the query of every other collection.
        query = {**call.query, ID_PARAMETER: call.body[ID_PARAMETER]}
        return call.plane.standard.created(
            replace(call, body=call.body["deploymentResourcePool"], query=query)
        )

    def _creating(self, call: Call, body: Json) -> Json:
        check_dedicated(body["dedicatedResources"], "deployment_resource_pool.dedicated_resources")
        return body

    def _deleting(self, call: Call, resource: Json) -> None:
        users = [f"{endpoint} ({item['id']})" for endpoint, item in self._users(resource["name"])]
        if users:
            raise ApiError(
                "FAILED_PRECONDITION",
                f"The DeploymentResourcePool {resource['name']} is used by {', '.join(users)}: "
                "undeploy them first.",
            )

    def _users(self, name: str) -> list[tuple[str, Json]]:
        return [
            (endpoint["name"], item)
            for endpoint in self.store.every("endpoints")
            for item in endpoint.get("deployedModels", [])
            if item.get("sharedResources") == name
        ]

    def _query(self, call: Call) -> Json:
        pool = call.resource()
        users: list[Json] = [
            {"endpoint": endpoint, "item": item} for endpoint, item in self._users(pool["name"])
        ]
        shown, token = page(users, dict(call.query), asked=call.name)
        return {
            "deployedModels": [public(user["item"]) for user in shown],
            "deployedModelRefs": [
                {"endpoint": user["endpoint"], "deployedModelId": user["item"]["id"]}
                for user in shown
            ],
            "totalDeployedModelCount": len(users),
            "totalEndpointCount": len({user["endpoint"] for user in users}),
            **({"nextPageToken": token} if token else {}),
        }
