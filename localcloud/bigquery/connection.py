"""The connections that remote models name.

https://cloud.google.com/bigquery/docs/connections-api-intro
"""

from collections.abc import Callable, Sequence
from typing import Protocol

import httpx
from local_bigquery.errors import BigQueryError

from localcloud.bigquery import http, project_options, upstream
from localcloud.bigquery.names import Reference


class ConnectionDirectory(Protocol):
    """Says which BigQuery connections there are."""

    def exists(self, project: str, location: str, connection_id: str) -> bool:
        """Whether a connection is there.

        Args:
            project: Project id.
            location: A location in lower case, such as `us` or `europe-west4`.
            connection_id: The connection's id.
        """
        ...

    def create(
        self,
        project: str,
        location: str,
        connection_id: str,
        *,
        friendly_name: str = "",
        description: str = "",
    ) -> None:
        """Make a connection to Cloud resources.

        Raises:
            BigQueryError: It cannot be made.
        """
        ...

    def delete(self, project: str, location: str, connection_id: str) -> None:
        """Delete a connection.

        Raises:
            BigQueryError: It cannot be deleted.
        """
        ...

    def project_number(self, project: str) -> int | None:
        """The number of a project; None when nobody knows it."""
        ...


class ConnectionService:
    """The connections as the Connection API of this local cloud tells them.

    Args:
        base_url: Gives the local cloud's address.
    """

    def __init__(self, base_url: Callable[[], str]) -> None:
        self._base_url = base_url

    def exists(self, project: str, location: str, connection_id: str) -> bool:
        """See `ConnectionDirectory.exists`."""
        name = f"projects/{project}/locations/{location}/connections/{connection_id}"
        response = httpx.get(f"{self._base_url()}/v1/{name}", timeout=http.TIMEOUT_SECONDS)
        if response.status_code == 404:
            return False
        response.raise_for_status()
        return True

    def create(
        self,
        project: str,
        location: str,
        connection_id: str,
        *,
        friendly_name: str = "",
        description: str = "",
    ) -> None:
        """See `ConnectionDirectory.create`."""
        told = {"friendlyName": friendly_name, "description": description}
        response = httpx.post(
            f"{self._base_url()}/v1/projects/{project}/locations/{location}/connections",
            params={"connectionId": connection_id},
            json={"cloudResource": {}, **{key: text for key, text in told.items() if text}},
            timeout=http.TIMEOUT_SECONDS,
        )
        if not response.is_success:
            raise BigQueryError("invalidQuery", http.failure(str(response.url), response))

    def delete(self, project: str, location: str, connection_id: str) -> None:
        """See `ConnectionDirectory.delete`."""
        name = f"projects/{project}/locations/{location}/connections/{connection_id}"
        response = httpx.delete(f"{self._base_url()}/v1/{name}", timeout=http.TIMEOUT_SECONDS)
        if not response.is_success:
            raise BigQueryError("invalidQuery", http.failure(str(response.url), response))

    def project_number(self, project: str) -> int | None:
        """See `ConnectionDirectory.project_number`."""
        response = httpx.get(
            f"{self._base_url()}/v1/projects/{project}", timeout=http.TIMEOUT_SECONDS
        )
        return int(response.json()["projectNumber"]) if response.is_success else None


def resolve(reference: Reference, path: Sequence[str] | None, place: str) -> str:
    """The connection that a remote model names, `project.location.id`.

    Args:
        reference: The model.
        path: The connection as written in parts; `("DEFAULT",)` for the project's default one.
        place: The location of the model's dataset.

    Raises:
        BigQueryError: It is not there, or is elsewhere.
    """
    if path is None:
        raise BigQueryError("invalidQuery", "A remote model needs REMOTE WITH CONNECTION.")
    return _resolved(
        path, reference.project, place, f"dataset {reference.project}:{reference.dataset}"
    )


def resolve_for_query(project: str, path: Sequence[str], place: str) -> str:
    """The connection that a function of a query names, `project.location.id`.

    Args:
        project: Who runs the query.
        path: The connection as written in parts.
        place: Where the query runs.

    Raises:
        BigQueryError: It is not there, or is elsewhere.
    """
    return _resolved(path, project, place, "query")


def _resolved(path: Sequence[str], project: str, place: str, user: str) -> str:
    if tuple(path) == ("DEFAULT",):
        path = (place.lower(), project_options.default_connection(project, place))
    if len(path) == 2:
        path = (project, *path)
    if len(path) < 3:
        raise BigQueryError(
            "invalidQuery",
            f"Connection {'.'.join(path)} is not a connection's name; it is "
            "[project.]location.connection_id.",
        )
    owner, region, connection_id = ".".join(path[:-2]), path[-2].lower(), path[-1]
    if region != place.lower():
        raise BigQueryError(
            "invalidQuery",
            f"The connection {'.'.join(path)} is in location {region}, but the {user} is in "
            f"{place}; both must be the same.",
        )
    if not upstream.runtime().connections.exists(owner, region, connection_id):
        raise BigQueryError("notFound", f"Not found: Connection {owner}.{region}.{connection_id}")
    return f"{owner}.{region}.{connection_id}"
