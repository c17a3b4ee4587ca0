"""Tables: what is there, its metadata, its end."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from bqvertex.clients.bigquery.google_client.session import (
    REQUEST_TIMEOUT_S,
    Session,
    project_of,
)
from bqvertex.clients.bigquery.service import LiveTable

if TYPE_CHECKING:
    from google.cloud import bigquery


class Tables(Session):
    """The calls on tables."""

    def table(self, path: str) -> LiveTable:
        """See `BigQuery.table`."""
        with self._translated("read table", path):
            return _live_table(self._get_table(path))

    def patch_table(
        self, path: str, *, description: str, labels: Mapping[str, str | None]
    ) -> LiveTable:
        """See `BigQuery.patch_table`."""
        with self._translated("update metadata of table", path):
            table = self._get_table(path)
            table.description = description or None
            # The stub says `str`; None is how the library deletes a label.
            table.labels = cast(dict[str, str], dict(labels))
            return _live_table(
                self._client(project_of(path)).update_table(
                    table,
                    ["description", "labels"],
                    retry=self._retry(),
                    timeout=REQUEST_TIMEOUT_S,
                )
            )

    def delete_table(self, path: str) -> None:
        """See `BigQuery.delete_table`."""
        with self._translated("delete table", path):
            self._client(project_of(path)).delete_table(
                path, retry=self._retry(), timeout=REQUEST_TIMEOUT_S
            )

    def _get_table(self, path: str) -> "bigquery.Table":
        return self._client(project_of(path)).get_table(
            path, retry=self._retry(), timeout=REQUEST_TIMEOUT_S
        )


def _live_table(table: "bigquery.Table") -> LiveTable:
    return LiveTable(
        location=str(table.location),
        schema=[field.to_api_repr() for field in table.schema],
        num_rows=int(table.num_rows or 0),
        description=table.description or "",
        labels=dict(table.labels or {}),
        created=table.created,
        modified=table.modified,
    )
