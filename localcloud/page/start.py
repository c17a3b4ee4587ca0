"""The start page: what there is, by project."""

from collections.abc import Mapping
from typing import Any

from localcloud.page.sources import Sources

COUNTED = (
    ("Registered models", "models"),
    ("Endpoints", "endpoints"),
    ("Monitors", "modelMonitors"),
    ("Pipeline jobs", "pipelineJobs"),
)


def page(sources: Sources) -> tuple[str, Mapping[str, Any]]:
    """Projects with counts, and the services."""
    reader = sources.bigquery()
    names = {title: _projects_of(sources, collection) for title, collection in COUNTED}
    rows = [
        {
            "name": project,
            "counts": [
                len(reader.datasets(project)) if reader else None,
                *(owners.count(project) for owners in names.values()),
            ],
        }
        for project in sources.projects()
    ]
    return "start.html", {
        "titles": ["Datasets", *names],
        "projects": rows,
        "requests": len(sources.admin.seen()),
        "faults": len(sources.admin.faults()),
    }


def _projects_of(sources: Sources, collection: str) -> list[str]:
    return [str(one["name"]).split("/")[1] for one in sources.cloud.store.every(collection)]
