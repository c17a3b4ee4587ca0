"""`DefaultConnection`: the connection that SQL means by CONNECTION DEFAULT in one location."""

from typing import NotRequired, TypedDict, cast

import pulumi

from bqvertex.connection import Connection
from bqvertex.dataset_member import refuse_unknown_inputs
from bqvertex.resources import default_connection as resource


class DefaultConnectionArgs(TypedDict):
    """Inputs of a `DefaultConnection`: `connection`, or the three after it.

    Attributes:
        connection: The connection; it becomes the default of its own project and location.
        project: Project whose default it is.
        location: Location of the connection, and of the tables and models made with it.
        connection_id: The connection's id, or its path `project.location.id`.
        adopt: Put it in the place of one that is set already; left out, that is an error.
        job_timeout_s: Seconds that each statement may take; left out, 3600.
    """

    connection: NotRequired[Connection]
    project: NotRequired[pulumi.Input[str]]
    location: NotRequired[pulumi.Input[str]]
    connection_id: NotRequired[pulumi.Input[str]]
    adopt: NotRequired[pulumi.Input[bool]]
    job_timeout_s: NotRequired[pulumi.Input[float]]


class DefaultConnection(pulumi.ComponentResource):
    """The default connection of a project in one location.

    Statements say `REMOTE WITH CONNECTION DEFAULT` and `WITH CONNECTION DEFAULT`; make them depend
    on it, since nothing in their text does. Deleted, it is unset, unless another one was set
    meanwhile.

    Attributes:
        connection_id: The connection's id, or its path, as declared; known at preview.
        default_connection: The resource itself, for `depends_on`.
    """

    connection_id: pulumi.Output[str]

    def __init__(
        self, name: str, args: DefaultConnectionArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare it.

        Args:
            name: Name of the component in the program.
            args: See `DefaultConnectionArgs`.
            opts: Options of the component.

        Raises:
            RunError: Neither `connection` nor all of the three after it is given, or both are.
        """
        super().__init__("bqvertex:index:DefaultConnection", name, None, opts)
        what = f"default connection {name}"
        refuse_unknown_inputs(what, args, DefaultConnectionArgs)
        connection = args.get("connection")
        given = [key for key in _PLACE if args.get(key) is not None]
        if given != ([] if connection else list(_PLACE)):
            raise pulumi.RunError(f"{what}: give either connection or {', '.join(_PLACE)}")
        inputs = {key: value for key, value in args.items() if key != "connection"}
        if connection is not None:
            # The id of a project of a domain has dots of its own.
            parts = connection.path.apply(lambda path: path.rsplit(".", 2))
            inputs |= {key: parts[at] for at, key in enumerate(_PLACE)}
        waits_for = [connection.connection] if connection else []
        self.default_connection = resource.DefaultConnection(
            name,
            cast(resource.DefaultConnectionArgs, inputs),
            pulumi.ResourceOptions(parent=self, depends_on=waits_for),
        )
        self.connection_id = pulumi.Output.from_input(
            cast(pulumi.Input[str], inputs["connection_id"])
        )
        self.register_outputs({"connection_id": self.connection_id})


_PLACE = ("project", "location", "connection_id")
