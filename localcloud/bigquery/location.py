"""Where a job runs: in its datasets' location, which every dataset it names must share.

https://cloud.google.com/bigquery/docs/locations#specify_locations
"""

import re
from collections.abc import Iterable
from contextvars import ContextVar
from typing import Any

from local_bigquery.catalog import datasets, metadata, tables
from local_bigquery.errors import BigQueryError
from local_bigquery.models import Dataset, JobConfiguration

from localcloud.bigquery import names

DEFAULT = "US"
_CREATED_IN = re.compile(
    r"\bCREATE\s+SCHEMA\b[^;]*?\bOPTIONS\s*\([^;]*?\blocation\s*=\s*[\"']([\w-]+)[\"']",
    re.IGNORECASE | re.DOTALL,
)
"""CREATE SCHEMA runs where it makes the schema."""
requested: ContextVar[str | None] = ContextVar("requested_location", default=None)
"""The location that the request in hand asks for; None when it leaves it to BigQuery."""

running: ContextVar[str] = ContextVar("running_location", default=DEFAULT)
"""Where the job in hand runs."""


def of_running_job() -> str:
    """Where the job in hand runs; `US` outside a job."""
    return running.get()


def of_region(qualifier: str) -> str | None:
    """The location that a region qualifier such as `region-eu` names; None for any other text."""
    prefix, _, place = qualifier.partition("-")
    if prefix.casefold() != "region" or not place:
        return None
    return spelled(place)


def spelled(place: str) -> str:
    """A location as datasets tell it: `EU`, `us-central1`."""
    return place.upper() if place.casefold() in ("us", "eu") else place.lower()


def of_dataset(project_id: str, dataset_id: str) -> str | None:
    """A dataset's location such as `EU`; None when there is no such dataset.

    The hidden dataset is in every location: as one of the job in hand, it is where that runs.
    """
    if region := of_region(dataset_id):
        return region
    if dataset_id == tables.RESULTS:
        return running.get()
    stored = metadata.load(Dataset, project_id, dataset_id)
    if stored is None:
        return DEFAULT if datasets.exists(project_id, dataset_id) else None
    return str(stored.location or DEFAULT)


def of_job(project_id: str, configuration: JobConfiguration) -> str:
    """Where a job runs: as requested, else where its first existing dataset is, else `US`."""
    if asked := requested.get():
        return asked
    for reference in named_datasets(project_id, configuration):
        if found := of_dataset(*reference):
            return found
    query = configuration.query
    created = _CREATED_IN.search((query and query.query) or "")
    return spelled(created[1]) if created else DEFAULT


def check(project_id: str, configuration: JobConfiguration, location: str) -> None:
    """Refuse a job that names a dataset of another location.

    Raises:
        BigQueryError: `notFound`, in BigQuery's words.
    """
    for dataset in named_datasets(project_id, configuration):
        found = of_dataset(*dataset)
        if found is not None and found.casefold() != location.casefold():
            raise BigQueryError(
                "notFound",
                f"Not found: Dataset {dataset[0]}:{dataset[1]} was not found in location "
                f"{location}",
            )


def named_datasets(project_id: str, configuration: JobConfiguration) -> list[tuple[str, str]]:
    """The (project, dataset) pairs a job's configuration and its SQL name, in that order."""
    given: dict[str, Any] = configuration.dump()
    found = list(_references(given))
    if query := given.get("query"):
        default = query.get("defaultDataset") or {}
        found += names.datasets_in(
            query.get("query") or "",
            default.get("projectId") or project_id,
            default.get("datasetId"),
        )
    return list(dict.fromkeys(pair for pair in found if not pair[1].startswith("_")))


def _references(node: Any) -> Iterable[tuple[str, str]]:
    if isinstance(node, dict):
        if "datasetId" in node and "projectId" in node:
            yield node["projectId"], node["datasetId"]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)
