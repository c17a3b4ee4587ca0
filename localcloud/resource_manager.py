"""Resource Manager v1 and v3: projects as every request may name them, and their IAM policies."""

from localcloud.cloud import Cloud
from localcloud.discovery.call import Call
from localcloud.discovery.control_plane import ControlPlane
from localcloud.discovery.filter import compile_filter
from localcloud.discovery.page import page
from localcloud.errors import Json
from localcloud.project import Projects


def planes(cloud: Cloud) -> list[ControlPlane]:
    """Both versions."""
    v1, v3 = _V1(cloud.projects), _V3(cloud.projects)
    return [
        ControlPlane(
            "cloudresourcemanager.v1",
            cloud,
            package="google.cloud.resourcemanager.v1",
            handlers={"projects.get": v1.get, "projects.list": v1.list},
            numbers=False,
        ),
        ControlPlane(
            "cloudresourcemanager.v3",
            cloud,
            package="google.cloud.resourcemanager.v3",
            handlers={"projects.get": v3.get, "projects.list": v3.list, "projects.search": v3.list},
            numbers=False,
        ),
    ]


class _V1:
    def __init__(self, projects: Projects) -> None:
        self.projects = projects

    def show(self, row: Json) -> Json:
        return {
            "projectId": row["projectId"],
            "projectNumber": row["projectNumber"],
            "name": row["projectId"],
            "lifecycleState": "ACTIVE",
            "createTime": row["createTime"],
        }

    def get(self, call: Call) -> Json:
        self.projects.number(call.project)
        return self.show(call.resource(f"projects/{call.project}"))

    def list(self, call: Call) -> Json:
        accepts = compile_filter(
            str(call.query.get("filter") or call.query.get("query") or ""),
            call.plane.document.schema,
            "Project",
        )
        found = [self.show(row) for row in self.projects.store.under("", "projects")]
        shown, token = page(
            [item for item in found if accepts(item)], call.query, asked=str(call.query)[:0]
        )
        return {"projects": list(shown), **({"nextPageToken": token} if token else {})}


class _V3(_V1):
    def show(self, row: Json) -> Json:
        return {
            "name": f"projects/{row['projectNumber']}",
            "projectId": row["projectId"],
            "displayName": row["projectId"],
            "state": "ACTIVE",
            "createTime": row["createTime"],
            "updateTime": row["createTime"],
            "etag": row["etag"],
        }
