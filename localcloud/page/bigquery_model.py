"""A model of BigQuery ML: options, trainings with their losses, and what it tells of itself."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from localcloud.page import chart
from localcloud.page import project as of_project
from localcloud.page.chart import Chart
from localcloud.page.missing import Missing, NotOpen
from localcloud.page.sources import Sources

MOST_ROWS = 100


def page(
    sources: Sources, project: str, dataset_id: str, model_id: str
) -> tuple[str, Mapping[str, Any]]:
    """A model.

    Raises:
        Missing: There is none of that name.
        NotOpen: BigQuery is still opening.
    """
    project = of_project.of(sources, project)
    reader = sources.bigquery()
    if reader is None:
        raise NotOpen
    resource = reader.model(project, dataset_id, model_id)
    if resource is None:
        raise Missing(
            f"The Model {project}:{dataset_id}.{model_id}",
            f"Make it with CREATE MODEL `{project}.{dataset_id}.{model_id}`, or look at the "
            "dataset's.",
        )
    runs = resource.get("trainingRuns") or []
    tables = [
        section(name, table)
        for name, table in reader.inspected(project, dataset_id, model_id).items()
        if table.num_rows
    ]
    return "bigquery_model.html", {
        "project": project,
        "dataset": dataset_id,
        "model": model_id,
        "resource": resource,
        "runs": [_run(place, run) for place, run in enumerate(runs)],
        "registered": _registered(sources, f"{project}.{dataset_id}.{model_id}"),
        "sections": tables,
    }


def section(name: str, table: pa.Table) -> Mapping[str, Any]:
    """The rows of a function such as ML.EVALUATE, with a chart where there is one.

    A single row is turned: a metric a line.
    """
    rows = table.slice(0, MOST_ROWS).to_pylist()
    is_single = table.num_rows == 1 and table.num_columns > 1
    return {
        "name": name,
        "is_single": is_single,
        "columns": ["metric", "value"] if is_single else table.column_names,
        "rows": list(rows[0].items()) if is_single else [list(row.values()) for row in rows],
        "more": max(0, table.num_rows - MOST_ROWS),
        "chart": _chart(name, table.to_pylist()),
    }


def _chart(name: str, rows: Sequence[Mapping[str, Any]]) -> Chart | None:
    charts = {
        "ML.ROC_CURVE": chart.roc,
        "ML.CONFUSION_MATRIX": chart.confusion,
        "ML.FEATURE_IMPORTANCE": chart.importance,
    }
    return charts[name](rows) if name in charts else None


def _run(place: int, run: Mapping[str, Any]) -> Mapping[str, Any]:
    results = run.get("results") or []
    return {
        "number": place + 1,
        "started": run.get("startTime"),
        "options": run.get("trainingOptions") or {},
        "results": results,
        "chart": chart.loss(results, f"Loss of training {place + 1}"),
    }


def _registered(sources: Sources, path: str) -> list[tuple[str, str]]:
    """Name and version of each place of a model in the Model Registry."""
    return [
        (str(model["name"]), str(version["versionId"]))
        for model in sources.cloud.store.every("models")
        for version in sources.models.versions(str(model["name"]))
        if version.get("bigqueryModel") == path
    ]
