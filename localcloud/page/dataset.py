"""A dataset: its tables with their columns, and its models."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from localcloud.page import project as of_project
from localcloud.page.missing import Missing, NotOpen
from localcloud.page.sources import Sources


def page(sources: Sources, project: str, dataset_id: str) -> tuple[str, Mapping[str, Any]]:
    """A dataset.

    Raises:
        Missing: There is none of that name.
        NotOpen: BigQuery is still opening.
    """
    project = of_project.of(sources, project)
    reader = sources.bigquery()
    if reader is None:
        raise NotOpen
    resource = reader.dataset(project, dataset_id)
    if resource is None:
        raise Missing(
            f"The Dataset {project}:{dataset_id}",
            f"Make it with CREATE SCHEMA `{project}.{dataset_id}`, or look at the project's.",
        )
    tables = [
        {"resource": one, "columns": list(columns(one.get("schema", {}).get("fields", [])))}
        for one in reader.tables(project, dataset_id)
    ]
    return "dataset.html", {
        "project": project,
        "dataset": dataset_id,
        "resource": resource,
        "tables": tables,
        "models": reader.models(project, dataset_id),
    }


def columns(fields: Sequence[Mapping[str, Any]], before: str = "") -> Iterator[Mapping[str, Any]]:
    """Every column, those of records after them with their path.

    Args:
        fields: `schema.fields` of a table.
        before: The path of the record they are in, with its last dot.
    """
    for field in fields:
        yield {**field, "path": before + str(field["name"])}
        yield from columns(field.get("fields", []), f"{before}{field['name']}.")
