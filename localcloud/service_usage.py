"""Service Usage v1: which APIs a project has enabled. All that the local cloud has are, at first.

Nothing is refused because an API is disabled; the state is kept and told.
"""

from localcloud.cloud import Cloud
from localcloud.discovery.call import Call, Handler
from localcloud.discovery.control_plane import ControlPlane
from localcloud.discovery.page import page
from localcloud.errors import ApiError, Json
from localcloud.store import Store

OFFERED = {
    "aiplatform.googleapis.com": "Vertex AI API",
    "bigquery.googleapis.com": "BigQuery API",
    "bigqueryconnection.googleapis.com": "BigQuery Connection API",
    "bigquerydatatransfer.googleapis.com": "BigQuery Data Transfer API",
    "cloudresourcemanager.googleapis.com": "Cloud Resource Manager API",
    "iam.googleapis.com": "Identity and Access Management (IAM) API",
    "serviceusage.googleapis.com": "Service Usage API",
    "storage.googleapis.com": "Cloud Storage API",
}


def plane(cloud: Cloud) -> ControlPlane:
    """The service."""
    services = _Services(cloud)
    return ControlPlane(
        "serviceusage.v1",
        cloud,
        package="google.api.serviceusage.v1",
        handlers=services.handlers(),
    )


class _Services:
    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.store: Store = cloud.store

    def handlers(self) -> dict[str, Handler]:
        return {
            "services.get": lambda call: self.show(call.project, call.name.split("/")[-1]),
            "services.list": self.list,
            "services.batchGet": self.batch_get,
            "services.enable": lambda call: self.switch(call, True),
            "services.disable": lambda call: self.switch(call, False),
            "services.batchEnable": self.batch_enable,
        }

    def show(self, project: str, service: str) -> Json:
        if not service.endswith(".googleapis.com"):
            raise ApiError(
                "PERMISSION_DENIED",
                f"Service {service!r} not found or permission denied: service names end in "
                ".googleapis.com.",
            )
        kept = self.store.get(f"projects/{project}/services/{service}")
        state = kept["state"] if kept else "ENABLED" if service in OFFERED else "DISABLED"
        return {
            "name": f"projects/{project}/services/{service}",
            "parent": f"projects/{self.cloud.projects.number(project)}",
            "config": {"name": service, "title": OFFERED.get(service, service)},
            "state": state,
        }

    def list(self, call: Call) -> Json:
        wanted = str(call.query.get("filter") or "")
        if wanted not in ("", "state:ENABLED", "state:DISABLED"):
            raise ApiError(
                "INVALID_ARGUMENT",
                f"Invalid filter {wanted!r}: allowed are state:ENABLED and state:DISABLED.",
            )
        kept = self.store.under(f"projects/{call.project}", "services")
        names = sorted({*OFFERED, *(row["service"] for row in kept)})
        found = [self.show(call.project, name) for name in names]
        found = [f for f in found if wanted in ("", f"state:{f['state']}")]
        shown, token = page(found, call.query, asked=f"{call.name}{wanted}")
        return {"services": list(shown), **({"nextPageToken": token} if token else {})}

    def batch_get(self, call: Call) -> Json:
        names = call.query.get("names", [])
        return {"services": [self.show(call.project, name.split("/")[-1]) for name in names]}

    def switch(self, call: Call, on: bool) -> Json:
        service = call.name.split("/")[-1]
        shown = self._set(call.project, service, on)
        verb = "Enable" if on else "Disable"
        return self.cloud.operations.start(
            "",
            {"@type": f"type.googleapis.com/{call.plane.package}.OperationMetadata"},
            "respond",
            {
                "@type": f"type.googleapis.com/{call.plane.package}.{verb}ServiceResponse",
                "service": shown,
            },
        )

    def batch_enable(self, call: Call) -> Json:
        services = call.body.get("serviceIds", [])
        if not 1 <= len(services) <= 20:
            raise ApiError(
                "INVALID_ARGUMENT", f"service_ids must name 1 to 20 services; got {len(services)}."
            )
        shown = [self._set(call.project, service, True) for service in services]
        return self.cloud.operations.start(
            "",
            {"@type": f"type.googleapis.com/{call.plane.package}.OperationMetadata"},
            "respond",
            {
                "@type": f"type.googleapis.com/{call.plane.package}.BatchEnableServicesResponse",
                "services": shown,
            },
        )

    def _set(self, project: str, service: str, on: bool) -> Json:
        self.show(project, service)
        self.store.put(
            f"projects/{project}/services/{service}",
            {"service": service, "state": "ENABLED" if on else "DISABLED"},
        )
        return self.show(project, service)
