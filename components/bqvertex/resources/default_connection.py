"""`DefaultConnection`: the connection that SQL means by CONNECTION DEFAULT."""

from typing import NotRequired, TypedDict

import pulumi
from pulumi.dynamic import Resource

from bqvertex.clients.bigquery.google_client import GoogleBigQuery
from bqvertex.clients.settings import CloudSettings
from bqvertex.providers.lifecycle import Lifecycle
from bqvertex.providers.sql_object import SqlLifecycle
from bqvertex.resources.host import DynamicHost
from bqvertex.resources.owner import owner_of
from bqvertex.resources.progress import report
from bqvertex.specs.default_connection import KIND


class DefaultConnectionArgs(TypedDict):
    """Inputs of a `DefaultConnection`.

    https://docs.cloud.google.com/bigquery/docs/default-connections

    Attributes:
        project: Project whose default it is. Another one sets it there and unsets it here.
        location: Location of the connection, and of the tables and models that are made with it. A
            project has one default in each. Another one sets it there and unsets it here.
        connection_id: The connection's id, or its path `project.location.id`, which has to be of
            the same project and location. Another one is set in place.
        adopt: Put it in the place of one that is set already. Left out, that is an error.
        job_timeout_s: Seconds that each statement may take; left out, 3600.
    """

    project: pulumi.Input[str]
    location: pulumi.Input[str]
    connection_id: pulumi.Input[str]
    adopt: NotRequired[pulumi.Input[bool]]
    job_timeout_s: NotRequired[pulumi.Input[float]]


class DefaultConnectionProvider(DynamicHost):
    """Serves `SqlLifecycle` of default connections. The state names this class: see ADR 7."""

    def lifecycle(self, settings: CloudSettings) -> Lifecycle:
        """See `DynamicHost.lifecycle`."""
        return SqlLifecycle(KIND, GoogleBigQuery(settings), report=report)


class DefaultConnection(Resource, module="bqvertex", name="DefaultConnection"):
    """The default connection of a project in one location.

    Attributes:
        option_value: The connection's id as BigQuery has it.
        job_id: The BigQuery job that set it; empty for what was taken over as it was.
    """

    option_value: pulumi.Output[str]
    job_id: pulumi.Output[str]

    def __init__(
        self, name: str, args: DefaultConnectionArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare it.

        Args:
            name: Name of the resource in the program.
            args: See `DefaultConnectionArgs`.
            opts: Options of the resource.
        """
        props = {**dict.fromkeys(KIND.computed), **args, "owner": owner_of(name)}
        super().__init__(DefaultConnectionProvider(), name, props, opts)
