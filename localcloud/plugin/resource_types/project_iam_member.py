"""A member of a role on a project.

Source: https://cloud.google.com/resource-manager/reference/rest/v1/projects/setIamPolicy
"""

from localcloud.plugin.configuration import RESOURCE_MANAGER
from localcloud.plugin.policy_member import PROPERTIES, PolicyMember
from localcloud.plugin.property import Property
from localcloud.plugin.property_bag import Bag
from localcloud.plugin.resource_type import ResourceType


class ProjectMember(PolicyMember):
    """The lifecycle of a member of a project's role."""

    update_mask = "bindings,etag,auditConfigs"

    def resource(self, bag: Bag) -> str:
        """The project's id."""
        return str(bag["project"])


TYPE = ResourceType(
    token="gcp:projects/iAMMember:IAMMember",
    service=RESOURCE_MANAGER,
    id="{project}",
    path="projects/{project}",
    imports=("projects/{project}",),
    deletes_first=True,
    lifecycle=ProjectMember,
    properties=(Property("project", field=None, required=True, replaces=True), *PROPERTIES),
)
