"""`Connection`: the identity with which BigQuery calls other Google services."""

from collections.abc import Sequence
from typing import NotRequired, TypedDict

import pulumi
from pulumi_gcp import bigquery, projects


class ConnectionArgs(TypedDict):
    """Inputs of a `Connection`.

    Attributes:
        project: Project of the connection; the roles are granted on it.
        location: Location of the datasets whose models use the connection.
        connection_id: Id, unique in project and location.
        description: Shown with the connection; left out, none.
        roles: Roles that the connection's service account gets on the project, such as
            `roles/aiplatform.user`, which remote models over Vertex AI need; left out, none.
    """

    project: pulumi.Input[str]
    location: pulumi.Input[str]
    connection_id: pulumi.Input[str]
    description: NotRequired[pulumi.Input[str]]
    roles: NotRequired[Sequence[str]]


class Connection(pulumi.ComponentResource):
    """A BigQuery connection of the kind CLOUD_RESOURCE and what its service account may do.

    Google makes the service account with the connection. A grant takes minutes to spread; what
    needs it right away, such as `RemoteModel`, waits for it.

    Attributes:
        path: `project.location.connection`, as SQL names it; known at preview.
        service_account: The service account's email address.
        grants: The grants, for `depends_on` of what needs them.
    """

    path: pulumi.Output[str]
    service_account: pulumi.Output[str]

    def __init__(
        self, name: str, args: ConnectionArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare the connection and its grants.

        Args:
            name: Name of the component in the program.
            args: See `ConnectionArgs`.
            opts: Options of the component.
        """
        super().__init__("bqvertex:index:Connection", name, None, opts)
        connection = bigquery.Connection(
            name,
            project=args["project"],
            location=args["location"],
            connection_id=args["connection_id"],
            description=args.get("description"),
            cloud_resource=bigquery.ConnectionCloudResourceArgs(),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.service_account = connection.cloud_resource.apply(
            lambda resource: (resource.service_account_id or "") if resource else ""
        )
        self.grants: list[pulumi.Resource] = [
            projects.IAMMember(
                f"{name}-{role.rpartition('/')[2]}",
                project=args["project"],
                role=role,
                member=pulumi.Output.concat("serviceAccount:", self.service_account),
                opts=pulumi.ResourceOptions(parent=self),
            )
            for role in args.get("roles", ())
        ]
        # Put together from the inputs: the resource's own outputs are unknown before it is there,
        # and a model's statement, which names the connection, has to be known at preview.
        self.path = pulumi.Output.concat(
            args["project"], ".", args["location"], ".", args["connection_id"]
        )
        self.connection: pulumi.Resource = connection
        self.register_outputs({"path": self.path, "service_account": self.service_account})
