"""Where pages get what they show."""

from collections.abc import Callable
from dataclasses import dataclass

from localcloud.admin.service import Admin
from localcloud.cloud import Cloud
from localcloud.errors import Json
from localcloud.ports import BigQueryReader
from localcloud.vertex.models import Models


@dataclass(frozen=True)
class Sources:
    """The rooms that pages read.

    Attributes:
        cloud: The resources of all control planes.
        models: The Model Registry.
        admin: Requests seen and faults set.
        status: What `status --json` prints.
        bigquery: BigQuery; None while it is opening.
    """

    cloud: Cloud
    models: Models
    admin: Admin
    status: Callable[[], Json]
    bigquery: Callable[[], BigQueryReader | None]

    def projects(self) -> list[str]:
        """Ids of the projects that anything was asked of."""
        reader = self.bigquery()
        known = {str(row["projectId"]) for row in self.cloud.store.under("", "projects")}
        return sorted(known | set(reader.projects() if reader else ()))
