"""Model Monitoring v1: jobs on endpoints, recorded but not run.

The local cloud computes drift in Model Monitoring v2 (`vertex/monitors.py`). A v1 job is kept with
its state, so that declarations can be tried; asking it for statistics answers 501.
"""

from localcloud.cloud import Cloud
from localcloud.discovery.call import Call, Handler
from localcloud.errors import ApiError, Json


class DeploymentMonitoring:
    """`modelDeploymentMonitoringJobs` of every location."""

    def __init__(self, cloud: Cloud) -> None:
        self.store = cloud.store

    def handlers(self) -> dict[str, Handler]:
        """Handlers by the last two parts of the method id."""
        kind = "modelDeploymentMonitoringJobs"
        return {
            f"{kind}.pause": self._pause,
            f"{kind}.resume": self._resume,
            f"{kind}.searchModelDeploymentMonitoringStatsAnomalies": self._search,
        }

    def creating(self, call: Call, body: Json) -> Json:
        """One job an endpoint, which exists and serves the models named."""
        endpoint = self.store.get(body["endpoint"])
        if endpoint is None:
            raise ApiError("NOT_FOUND", f"The Endpoint {body['endpoint']} does not exist.")
        if endpoint.get("modelDeploymentMonitoringJob"):
            raise ApiError(
                "ALREADY_EXISTS",
                f"The Endpoint {endpoint['name']} has the monitoring job "
                f"{endpoint['modelDeploymentMonitoringJob']} already.",
            )
        deployed = {d["id"] for d in endpoint.get("deployedModels", [])}
        for config in body["modelDeploymentMonitoringObjectiveConfigs"]:
            if config.get("deployedModelId") not in deployed:
                raise ApiError(
                    "INVALID_ARGUMENT",
                    f"deployed_model_id {config.get('deployedModelId')!r} is not deployed on "
                    f"{endpoint['name']}; deployed: {', '.join(sorted(deployed)) or 'nothing'}.",
                )
        self.store.put(endpoint["name"], {**endpoint, "modelDeploymentMonitoringJob": body["name"]})
        return {**body, "state": "JOB_STATE_PENDING", "scheduleState": "PENDING"}

    def deleting(self, call: Call, resource: Json) -> None:
        """A job is paused before it is deleted."""
        if resource["state"] != "JOB_STATE_PAUSED":
            raise ApiError(
                "FAILED_PRECONDITION",
                f"{resource['name']} is {resource['state']}: pause it before deleting it.",
            )
        endpoint = self.store.get(resource["endpoint"])
        if endpoint and endpoint.pop("modelDeploymentMonitoringJob", None):
            self.store.put(endpoint["name"], endpoint)

    def _pause(self, call: Call) -> Json:
        self.store.put(call.name, {**call.resource(), "state": "JOB_STATE_PAUSED"})
        return {}

    def _resume(self, call: Call) -> Json:
        self.store.put(call.name, {**call.resource(), "state": "JOB_STATE_PENDING"})
        return {}

    def _search(self, call: Call) -> Json:
        call.resource()
        raise ApiError(
            "UNIMPLEMENTED",
            "Model Monitoring v1 jobs are recorded but not run by the local cloud: use "
            "modelMonitors (v1beta1), whose jobs are.",
        )
