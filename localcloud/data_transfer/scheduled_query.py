"""What a scheduled query runs: its parameters, checked, as the configuration of a job.

https://cloud.google.com/bigquery/docs/scheduling-queries
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from localcloud.errors import ApiError, Json

DATA_SOURCE = "scheduled_query"
PARAMETERS = {
    "query": str,
    "destination_table_name_template": str,
    "write_disposition": str,
    "partitioning_field": str,
    "partitioning_type": str,
}
WRITE_DISPOSITIONS = ("WRITE_APPEND", "WRITE_TRUNCATE")
_PLACE = re.compile(r'\{run_date\}|\{run_time(?P<offsets>(?:[+-]\d+[hms])*)\|"(?P<format>[^"]+)"\}')
_UNITS = {"h": "hours", "m": "minutes", "s": "seconds"}


def check(config: Json) -> None:
    """Refuse a configuration whose parameters are wrong.

    Raises:
        ApiError: INVALID_ARGUMENT, with the parameter's name and what is allowed.
    """
    params: Mapping[str, Any] = config.get("params") or {}
    for name, value in params.items():
        if name not in PARAMETERS:
            raise ApiError(
                "INVALID_ARGUMENT",
                f"Unknown parameter {name!r} of data source {DATA_SOURCE}; it has "
                f"{', '.join(PARAMETERS)}.",
            )
        if not isinstance(value, str):
            raise ApiError("INVALID_ARGUMENT", f"Parameter {name} must be a string; got {value!r}.")
    if not params.get("query"):
        raise ApiError("INVALID_ARGUMENT", "Parameter query of a scheduled query must be set.")
    disposition = params.get("write_disposition")
    if disposition and disposition not in WRITE_DISPOSITIONS:
        raise ApiError(
            "INVALID_ARGUMENT",
            f"write_disposition is {disposition!r}; allowed: {', '.join(WRITE_DISPOSITIONS)}.",
        )
    template = params.get("destination_table_name_template")
    if template and not config.get("destinationDatasetId"):
        raise ApiError(
            "INVALID_ARGUMENT",
            "destination_table_name_template needs destination_dataset_id: where the table is.",
        )
    if template:
        left = _PLACE.sub("", template)
        if "{" in left or "}" in left:
            raise ApiError(
                "INVALID_ARGUMENT",
                f"destination_table_name_template {template!r} has a parameter that is none; "
                'write {run_date}, {run_time|"%Y%m%d"} or {run_time-1h|"%Y%m%d"}.',
            )


def table_name(template: str, run_time: datetime) -> str:
    """The name of the destination table of one run."""

    def filled(found: re.Match[str]) -> str:
        if found["format"] is None:
            return run_time.strftime("%Y%m%d")
        moment = run_time
        for sign, number, unit in re.findall(r"([+-])(\d+)([hms])", found["offsets"] or ""):
            offset = timedelta(**{_UNITS[unit]: int(number)})
            moment = moment + offset if sign == "+" else moment - offset
        return moment.strftime(found["format"])

    return _PLACE.sub(filled, template)


def job(project: str, run: Json, run_time: datetime) -> Json:
    """The configuration of the job of one run."""
    params: Mapping[str, str] = run["params"]
    moment = run_time.strftime("%Y-%m-%d %H:%M:%S.%f+00:00")
    query: Json = {
        "query": params["query"],
        "useLegacySql": False,
        "priority": "BATCH",
        "parameterMode": "NAMED",
        "queryParameters": [
            _parameter("run_time", "TIMESTAMP", moment),
            _parameter("run_date", "DATE", run_time.strftime("%Y-%m-%d")),
        ],
    }
    template = params.get("destination_table_name_template")
    if template:
        query["destinationTable"] = {
            "projectId": project,
            "datasetId": run["destinationDatasetId"],
            "tableId": table_name(template, run_time),
        }
        query["writeDisposition"] = params.get("write_disposition") or "WRITE_APPEND"
        query["createDisposition"] = "CREATE_IF_NEEDED"
        if field := params.get("partitioning_field"):
            query["timePartitioning"] = {
                "type": params.get("partitioning_type") or "DAY",
                "field": field,
            }
    elif dataset := run.get("destinationDatasetId"):
        query["defaultDataset"] = {"projectId": project, "datasetId": dataset}
    return {"query": query, "labels": {"data_source_id": DATA_SOURCE}}


def _parameter(name: str, kind: str, value: str) -> Json:
    return {"name": name, "parameterType": {"type": kind}, "parameterValue": {"value": value}}
