"""Google Cloud pipeline components for BigQuery, run as jobs of the local cloud's BigQuery.

Source: https://google-cloud-pipeline-components.readthedocs.io
"""

import json
from collections.abc import Mapping
from typing import Any

from localcloud.errors import Json
from localcloud.ports import BigQueryEngine
from localcloud.vertex.pipeline_spec import Values

API = "https://www.googleapis.com/bigquery/v2"


def run(
    engine: BigQueryEngine, launcher: str, given: Values, project: str, location: str, job_id: str
) -> Values:
    """Run one component to its end.

    Args:
        engine: BigQuery.
        launcher: Which component it is, one of `pipeline_spec.LAUNCHERS`.
        given: What the task is given.
        project: The pipeline's project, for a task that names none.
        location: The pipeline's location, likewise.
        job_id: The id of its job.

    Raises:
        ValueError: The job failed or was refused.
    """
    asked = given.parameters
    project = str(asked.get("project") or project)
    location = str(asked.get("location") or location)
    settings: Json = dict(asked.get("job_configuration_query") or {})
    query = _statement(launcher, given) or str(settings.get("query") or "")
    settings |= {"query": query, "useLegacySql": False}
    if asked.get("query_parameters"):
        settings["queryParameters"] = asked["query_parameters"]
    configuration = {"query": settings, "labels": dict(asked.get("labels") or {})}
    job = engine.run_job(project, job_id, location, configuration)
    if error := job["status"].get("errorResult"):
        raise ValueError(f"BigQuery job {job_id} failed: {error.get('message', error)}")
    uri = f"{API}/projects/{project}/jobs/{job_id}?location={location}"
    resources = {"resources": [{"resourceType": "BigQueryJob", "resourceUri": uri}]}
    found = Values({"gcp_resources": json.dumps(resources)})
    if launcher == "create_model":
        found.artifacts["model"] = _model(job)
    elif launcher in ("query_job", "predict_model"):
        found.artifacts["destination_table"] = _table(job)
    elif launcher == "evaluate_model":
        table = _table(job)["metadata"]
        name = ".".join(f"{table[key]}" for key in ("projectId", "datasetId", "tableId"))
        rows = engine.query(project, f"SELECT * FROM `{name}`")
        found.artifacts["evaluation_metrics"] = _artifact(
            "google.BQMLMetrics", "", {"schema": _schema(rows), "rows": _rows(rows)}
        )
    return found


def _statement(launcher: str, given: Values) -> str:
    asked = given.parameters
    if launcher in ("query_job", "create_model"):
        return str(asked.get("query") or "")
    metadata = given.artifacts["model"]["metadata"]
    model = ".".join(str(metadata[key]) for key in ("projectId", "datasetId", "modelId"))
    if launcher == "drop_model":
        return f"DROP MODEL `{model}`"
    function = "ML.EVALUATE" if launcher == "evaluate_model" else "ML.PREDICT"
    arguments = [f"MODEL `{model}`"]
    if asked.get("table_name"):
        arguments.append(f"TABLE `{asked['table_name']}`")
    elif asked.get("query_statement"):
        arguments.append(f"({asked['query_statement']})")
    if (threshold := asked.get("threshold")) is not None and float(threshold) >= 0:
        arguments.append(f"STRUCT({float(threshold)} AS threshold)")
    return f"SELECT * FROM {function}({', '.join(arguments)})"


def _artifact(schema: str, uri: str, metadata: Json) -> Json:
    return {"schemaTitle": schema, "uri": uri, "metadata": metadata}


def _model(job: Mapping[str, Any]) -> Json:
    # BigQuery calls what a CREATE MODEL made its job's destination.
    made = job.get("configuration", {}).get("query", {}).get("destinationTable")
    if not made:
        raise ValueError("the query of a create_model component made no model")
    project, dataset, model = (made[key] for key in ("projectId", "datasetId", "tableId"))
    uri = f"{API}/projects/{project}/datasets/{dataset}/models/{model}"
    metadata = {"projectId": project, "datasetId": dataset, "modelId": model}
    return _artifact("google.BQMLModel", uri, metadata)


def _table(job: Mapping[str, Any]) -> Json:
    table = dict(job.get("configuration", {}).get("query", {}).get("destinationTable", {}))
    if not table:
        return _artifact("google.BQTable", "", {})
    uri = (
        f"{API}/projects/{table['projectId']}/datasets/{table['datasetId']}"
        f"/tables/{table['tableId']}"
    )
    return _artifact("google.BQTable", uri, table)


def _schema(rows: Any) -> Json:
    return {"fields": [{"name": name} for name in rows.column_names]}


def _rows(rows: Any) -> list[Json]:
    return [
        {"f": [{"v": None if value is None else str(value)} for value in row.values()]}
        for row in rows.to_pylist()
    ]
