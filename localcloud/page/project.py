"""A project: its datasets, BigQuery's jobs, and all that other services keep of it."""

from collections.abc import Mapping
from typing import Any

from localcloud.page import listing
from localcloud.page.missing import Missing
from localcloud.page.sources import Sources

MOST_JOBS = 50


def page(sources: Sources, project: str) -> tuple[str, Mapping[str, Any]]:
    """A project by its id or number.

    Raises:
        Missing: Nothing was ever asked of it.
    """
    project = of(sources, project)
    reader = sources.bigquery()
    datasets = [
        {"resource": one, "id": one["datasetReference"]["datasetId"]}
        for one in (reader.datasets(project) if reader else ())
    ]
    for row in datasets:
        row["models"] = len(reader.models(project, row["id"])) if reader else 0
    return "project.html", {
        "project": project,
        "is_open": reader is not None,
        "datasets": datasets,
        "jobs": reader.jobs(project, MOST_JOBS) if reader else (),
        "groups": listing.below(sources.cloud.store, f"projects/{project}"),
    }


def of(sources: Sources, project: str) -> str:
    """The id of a project that something was asked of.

    Raises:
        Missing: Nothing was.
    """
    known = sources.projects()
    if project.isdigit():
        project = sources.cloud.projects.id(project)
    if project not in known:
        raise Missing(
            f"The project {project}",
            "A project is there once a client has asked something of it: "
            f"{', '.join(known)} {'is' if len(known) == 1 else 'are'}.",
        )
    return project
