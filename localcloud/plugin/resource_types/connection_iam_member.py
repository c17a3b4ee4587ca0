"""A member of a role on a BigQuery connection.

Source: https://cloud.google.com/bigquery/docs/reference/bigqueryconnection/rest
"""

from localcloud.plugin.configuration import CONNECTION
from localcloud.plugin.policy_member import PROPERTIES, PolicyMember
from localcloud.plugin.property import Property
from localcloud.plugin.property_bag import Bag
from localcloud.plugin.resource_type import PROJECT, ResourceType, expand


def _last_step(name: str) -> str:
    return name.rpartition("/")[2]


def _same(one: str, other: str) -> bool:
    return _last_step(one) == _last_step(other)


class ConnectionMember(PolicyMember):
    """The lifecycle of a member of a connection's role."""

    def resource(self, bag: Bag) -> str:
        """The connection's whole name, whether the program gives that or the last step of it."""
        return expand(self.kind.id, {**bag, "connectionId": _last_step(bag["connectionId"])}, False)

    def path(self, bag: Bag) -> str:
        """The connection's path in the API."""
        return expand(self.kind.id, {**bag, "connectionId": _last_step(bag["connectionId"])})

    def complete(self, bag: Bag) -> Bag:
        """The properties with the connection's whole name."""
        return {**bag, "connectionId": self.resource(bag)}


TYPE = ResourceType(
    token="gcp:bigquery/connectionIamMember:ConnectionIamMember",
    service=CONNECTION,
    id="projects/{project}/locations/{location}/connections/{connectionId}",
    imports=("{project}/{location}/{connectionId}",),
    lifecycle=ConnectionMember,
    properties=(
        Property("connectionId", field=None, required=True, replaces=True, same=_same),
        PROJECT,
        Property("location", field=None, required=True, replaces=True),
        *PROPERTIES,
    ),
)
