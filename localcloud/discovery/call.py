"""A request on its way to the code that answers it, and the collections that need none."""

import secrets
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from localcloud.discovery.document import Method
from localcloud.discovery.filter import FilterFunction
from localcloud.errors import Json
from localcloud.store import Store

if TYPE_CHECKING:
    from localcloud.discovery.control_plane import ControlPlane


@dataclass
class Call:
    """One request that has passed validation.

    Attributes:
        plane: The service it came to.
        method: The method it asks for.
        name: The resource or collection it names, `projects/<id>/…`, without the custom verb.
        query: Query parameters in camel case.
        body: Parsed body; empty for none.
        host: The request's Host header, with or without a port.
    """

    plane: "ControlPlane"
    method: Method
    name: str
    query: Mapping[str, Any]
    body: Json
    host: str = ""

    @property
    def store(self) -> Store:
        """The resources."""
        return self.plane.cloud.store

    @property
    def project(self) -> str:
        """The project id in the name."""
        return self.name.split("/")[1]

    @property
    def location(self) -> str:
        """`projects/<id>/locations/<location>`, the resource's location."""
        return "/".join(self.name.split("/")[:4])

    def resource(self, name: str = "") -> Json:
        """A stored resource.

        Args:
            name: Its name; empty for the one the request names.

        Raises:
            ApiError: NOT_FOUND.
        """
        found = self.store.get(name or self.name)
        if found is None:
            raise self.plane.not_found(name or self.name)
        return found


Handler = Callable[[Call], Json]
"""Answers one method."""


def new_id() -> str:
    """An id of the services that choose 19 digits."""
    return str(secrets.randbelow(8 * 10**18) + 10**18)


@dataclass(frozen=True)
class Collection:
    """A collection whose standard methods are generated.

    Attributes:
        message: The resource's message, such as `GoogleCloudAiplatformV1Endpoint`.
        noun: What errors and operation metadata call it, such as `Endpoint`.
        id_parameter: Query parameter with the client's id; empty: the service always chooses.
        id_pattern: What a client's id must look like.
        new_id: The service's own ids.
        creating: Completes or refuses a new resource: call, body with its name -> body.
        updating: Completes or refuses a changed one: call, before, after -> after.
        deleting: Refuses a delete: call, resource.
        children: What a delete does to resources below: `refuse` unless `force`, or `take`.
        effect: What the operations of create and patch do when due; given the response.
        functions: Functions of one text in its filters, as `in_context("…")`.
    """

    message: str
    noun: str
    id_parameter: str = ""
    id_pattern: str = r"[a-z0-9_-]{1,63}"
    new_id: Callable[[], str] = new_id
    creating: Callable[[Call, Json], Json] = field(default=lambda call, body: body)
    updating: Callable[[Call, Json, Json], Json] = field(default=lambda call, before, after: after)
    deleting: Callable[[Call, Json], None] = field(default=lambda call, resource: None)
    children: str = "refuse"
    effect: str = "respond"
    functions: Mapping[str, FilterFunction] = field(default_factory=dict)


def new_uuid() -> str:
    """An id of the services that choose UUIDs."""
    return str(uuid.uuid4())
