"""Where the rows of a monitoring job come from, and how they become columns.

Source: https://cloud.google.com/vertex-ai/docs/model-monitoring/set-up-model-monitoring
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from localcloud.errors import ApiError, Json
from localcloud.ports import BigQueryEngine
from localcloud.store import Store
from localcloud.vertex import monitoring_file, payload
from localcloud.vertex.request_log import logging_table

Columns = Mapping[str, pa.ChunkedArray]
Find = Callable[[str], Json | None]
"""A resource by its name; None when there is none."""

_UNITS = {"h": "hours", "d": "days", "w": "weeks"}
_FORMATS = ("CSV", "JSONL")


@dataclass(frozen=True)
class Room:
    """What reading needs.

    Attributes:
        engine: BigQuery.
        store: Knows the objects of Cloud Storage.
        project: Where queries run.
    """

    engine: BigQueryEngine
    store: Store
    project: str


@dataclass(frozen=True)
class Fields:
    """What a model takes and gives, in the order of the monitor's schema.

    Attributes:
        features: Names of the features.
        predictions: Names of the outputs.
    """

    features: tuple[str, ...]
    predictions: tuple[str, ...]


class Input(Protocol):
    """One of a job's two data sets."""

    @property
    def location(self) -> str:
        """What results call it."""
        ...

    def read(self, room: Room, fields: Fields) -> Columns:
        """The columns of some fields.

        Raises:
            ValueError: It cannot be read, or a column is missing.
        """
        ...

    def processed(self) -> Json:
        """It in `ModelMonitoringJobExecutionDetail`."""
        ...


@dataclass(frozen=True)
class Span:
    """A range of time.

    Attributes:
        start: First moment; None for no bound.
        end: Moment after the last; None for no bound.
    """

    start: str | None = None
    end: str | None = None

    def conditions(self, column: str) -> str:
        """It as a WHERE over a column; empty when it has no bounds."""
        found = [
            f"TIMESTAMP(`{column}`) {operator} TIMESTAMP('{moment}')"
            for operator, moment in ((">=", self.start), ("<", self.end))
            if moment
        ]
        return f" WHERE {' AND '.join(found)}" if found else ""

    def shown(self, location: str) -> Json:
        """It in a `ProcessedDataset`."""
        times = {"startTime": self.start, "endTime": self.end}
        known = {key: moment for key, moment in times.items() if moment}
        return {"location": location, **({"timeRange": known} if known else {})}


@dataclass(frozen=True)
class BigQueryInput:
    """A table or a query.

    Attributes:
        sql: What follows FROM.
        location: What the results call it.
        timestamp: Column that the range of time is about; empty for none.
        span: The range.
    """

    sql: str
    location: str
    timestamp: str = ""
    span: Span = Span()

    def read(self, room: Room, fields: Fields) -> Columns:
        """See `Input.read`."""
        columns = (*fields.features, *fields.predictions)
        names = ", ".join(f"`{name}`" for name in columns)
        where = self.span.conditions(self.timestamp)
        table = room.engine.query(room.project, f"SELECT {names} FROM {self.sql}{where}")
        return {name: _flat(table.column(name)) for name in columns}

    def processed(self) -> Json:
        """See `Input.processed`."""
        return self.span.shown(self.location)


@dataclass(frozen=True)
class FileInput:
    """Objects of Cloud Storage.

    Attributes:
        location: `gs://bucket/path`; the path may hold wildcards.
        format: `CSV`, with a header, or `JSONL`, with an object a line.
        timestamp: Column that the range of time is about; empty for none.
        span: The range.
    """

    location: str
    format: str
    timestamp: str = ""
    span: Span = Span()

    def read(self, room: Room, fields: Fields) -> Columns:
        """See `Input.read`."""
        table = monitoring_file.read(room.store, self.location, self.format)
        if self.timestamp:
            table = monitoring_file.between(table, self.timestamp, self.span.start, self.span.end)
        columns = (*fields.features, *fields.predictions)
        missing = [name for name in columns if name not in table.column_names]
        if missing:
            raise ValueError(
                f"{self.location} has no column {', '.join(missing)}; it has "
                f"{', '.join(table.column_names)}."
            )
        return {name: _flat(table.column(name)) for name in columns}

    def processed(self) -> Json:
        """See `Input.processed`."""
        return self.span.shown(self.location)


@dataclass(frozen=True)
class EndpointInput:
    """Requests and responses that endpoints have logged.

    Attributes:
        tables: The logging tables as they stand after FROM, each with the ids of the deployments
            that serve the monitored model.
        schema: The monitor's whole schema: instances that are lists follow its order.
        span: The range of time.
    """

    tables: tuple[tuple[str, tuple[str, ...]], ...]
    schema: Fields
    span: Span = Span()

    @property
    def location(self) -> str:
        """See `Input.location`."""
        return ", ".join(f"bq://{table.strip('`')}" for table, _ in self.tables)

    def read(self, room: Room, fields: Fields) -> Columns:
        """See `Input.read`."""
        instances: list[Any] = []
        predictions: list[Any] = []
        for table, deployed in self.tables:
            where = self.span.conditions("logging_time") or " WHERE TRUE"
            ids = ", ".join(f"'{identifier}'" for identifier in deployed)
            rows = room.engine.query(
                room.project,
                f"SELECT `request_payload`, `response_payload` FROM {table}{where} "
                f"AND `deployed_model_id` IN ({ids})",
            )
            for row in rows.to_pylist():
                instances += row["request_payload"] or []
                predictions += row["response_payload"] or []
        return {
            **payload.columns(instances, self.schema.features, fields.features),
            **payload.columns(predictions, self.schema.predictions, fields.predictions),
        }

    def processed(self) -> Json:
        """See `Input.processed`."""
        return self.span.shown(self.location)


@dataclass(frozen=True)
class BatchInput:
    """What a batch prediction wrote to Cloud Storage: an instance and its prediction a line.

    Attributes:
        location: `gs://` of its folder.
        schema: The monitor's whole schema.
    """

    location: str
    schema: Fields

    def read(self, room: Room, fields: Fields) -> Columns:
        """See `Input.read`."""
        lines = monitoring_file.lines(
            room.store, f"{self.location.rstrip('/')}/prediction.results*"
        )
        return {
            **payload.columns(
                [line.get("instance") for line in lines], self.schema.features, fields.features
            ),
            **payload.columns(
                [line.get("prediction") for line in lines],
                self.schema.predictions,
                fields.predictions,
            ),
        }

    def processed(self) -> Json:
        """See `Input.processed`."""
        return Span().shown(self.location)


def parse(name: str, dataset: Json | None, monitor: Json, present: datetime, find: Find) -> Input:
    """Read a `ModelMonitoringInput`.

    Args:
        name: What errors call it.
        dataset: The message.
        monitor: Whose it is.
        present: The time that offsets are from.
        find: Finds endpoints and batch predictions.

    Raises:
        ApiError: INVALID_ARGUMENT, something is missing or malformed; NOT_FOUND, what it names is
            not there; UNIMPLEMENTED, it is of a kind that the local cloud does not read.
    """
    dataset = dataset or {}
    schema = monitor.get("modelMonitoringSchema", {})
    fields = Fields(
        *(
            tuple(str(field["name"]) for field in schema.get(key, []))
            for key in ("featureFields", "predictionFields")
        )
    )
    span = _span(name, dataset, present)
    if logs := dataset.get("vertexEndpointLogs"):
        return _endpoints(name, logs, monitor, fields, span, find)
    if batch := dataset.get("batchPredictionOutput"):
        return _batch(name, batch, monitor, fields, find)
    columnized = dataset.get("columnizedDataset", {})
    timestamp = str(columnized.get("timestampField", ""))
    if (span.start or span.end) and not timestamp:
        raise _wrong(f"{name} has a time range: name the column in timestamp_field.")
    if columnized.get("vertexDataset"):
        raise ApiError(
            "UNIMPLEMENTED",
            f"{name}: vertex_dataset is not read by the local cloud, which has no managed "
            "datasets: use bigquery_source or gcs_source.",
        )
    if files := columnized.get("gcsSource"):
        return _files(name, files, timestamp, span)
    bigquery = columnized.get("bigquerySource", {})
    table, query = str(bigquery.get("tableUri", "")), str(bigquery.get("query", ""))
    if bool(table) == bool(query):
        raise _wrong(f"{name}: give one of bigquery_source.table_uri and bigquery_source.query.")
    project = str(monitor["name"]).split("/")[1]
    sql = (
        f"({query.rstrip().removesuffix(';')}\n)" if query else bigquery_table(name, table, project)
    )
    return BigQueryInput(sql, table or query, timestamp, span)


def _wrong(message: str) -> ApiError:
    return ApiError("INVALID_ARGUMENT", message)


def _files(name: str, source: Json, timestamp: str, span: Span) -> FileInput:
    kind, uri = str(source.get("format", "")), str(source.get("gcsUri", ""))
    if kind == "TF_RECORD":
        raise ApiError(
            "UNIMPLEMENTED",
            f"{name}: gcs_source.format TF_RECORD is not read by the local cloud; "
            f"{' and '.join(_FORMATS)} are.",
        )
    if kind not in _FORMATS:
        raise _wrong(f"{name}: gcs_source.format {kind!r}: allowed are {', '.join(_FORMATS)}.")
    if not re.fullmatch(r"gs://[^/*]+/.+", uri):
        raise _wrong(f"{name}: gcs_source.gcs_uri {uri!r} must look like gs://bucket/path.")
    return FileInput(uri, kind, timestamp, span)


def _endpoints(
    name: str, logs: Json, monitor: Json, fields: Fields, span: Span, find: Find
) -> EndpointInput:
    model, version = _target(monitor)
    tables = []
    for endpoint_name in logs.get("endpoints", []):
        endpoint = find(endpoint_name)
        if endpoint is None:
            raise ApiError("NOT_FOUND", f"{name}: the Endpoint {endpoint_name} does not exist.")
        config = endpoint.get("predictRequestResponseLoggingConfig", {})
        if not config.get("enabled"):
            raise ApiError(
                "FAILED_PRECONDITION",
                f"{name}: the Endpoint {endpoint_name} does not log its requests: enable its "
                "predict_request_response_logging_config.",
            )
        deployed = tuple(
            str(one["id"])
            for one in endpoint.get("deployedModels", [])
            if one["model"] == model and version in ("", one.get("modelVersionId"))
        )
        if not deployed:
            raise ApiError(
                "FAILED_PRECONDITION",
                f"{name}: {model}@{version or 'any version'} is not deployed on {endpoint_name}.",
            )
        tables.append((f"`{logging_table(endpoint)}`", deployed))
    if not tables:
        raise _wrong(f"{name}: vertex_endpoint_logs.endpoints must not be empty.")
    if not fields.features:
        raise _wrong(f"{name}: the monitor needs a model_monitoring_schema to read requests.")
    return EndpointInput(tuple(tables), fields, span)


def _batch(name: str, batch: Json, monitor: Json, fields: Fields, find: Find) -> Input:
    job_name = str(batch.get("batchPredictionJob", ""))
    job = find(job_name)
    if job is None:
        raise ApiError("NOT_FOUND", f"{name}: the BatchPredictionJob {job_name} does not exist.")
    model, version = _target(monitor)
    ran, _, ran_version = str(job.get("model", "")).partition("@")
    ran_version = str(job.get("modelVersionId") or ran_version)
    if ran != model or (version and ran_version and ran_version != version):
        raise _wrong(
            f"{name}: {job_name} ran {ran}@{ran_version}, but the monitor is of {model}@{version}."
        )
    if job.get("state") != "JOB_STATE_SUCCEEDED":
        # Google waits for it; here a monitoring job would hold the only worker meanwhile.
        raise ApiError(
            "FAILED_PRECONDITION",
            f"{name}: {job_name} is {job.get('state')}: wait until it has succeeded.",
        )
    written = job.get("outputInfo", {})
    if folder := written.get("gcsOutputDirectory"):
        return BatchInput(str(folder), fields)
    dataset, table = written.get("bigqueryOutputDataset"), written.get("bigqueryOutputTable")
    if not dataset or not table:
        raise ApiError("FAILED_PRECONDITION", f"{name}: {job_name} has no output_info.")
    uri = f"{dataset}.{table}"
    return BigQueryInput(bigquery_table(name, uri, str(monitor["name"]).split("/")[1]), uri)


def _target(monitor: Json) -> tuple[str, str]:
    source = monitor.get("modelMonitoringTarget", {}).get("vertexModel", {})
    return str(source.get("model", "")), str(source.get("modelVersionId", ""))


def bigquery_table(name: str, uri: str, project: str) -> str:
    """A `bq://` address as it stands after FROM.

    Raises:
        ApiError: INVALID_ARGUMENT, it is none.
    """
    parts = uri.removeprefix("bq://").split(".")
    if len(parts) == 2:
        parts.insert(0, project)
    if len(parts) != 3 or not all(re.fullmatch(r"[^`\s.]+", part) for part in parts):
        raise _wrong(f"{name}: table_uri {uri!r} must look like bq://project.dataset.table.")
    return f"`{'.'.join(parts)}`"


def _span(name: str, dataset: Json, present: datetime) -> Span:
    if interval := dataset.get("timeInterval"):
        return Span(interval.get("startTime"), interval.get("endTime"))
    if offset := dataset.get("timeOffset"):
        end = present - _length(name, "offset", offset.get("offset", "0d"))
        start = end - _length(name, "window", offset.get("window", ""))
        return Span(start.isoformat(), end.isoformat())
    return Span()


def _length(name: str, field: str, text: str) -> timedelta:
    found = re.fullmatch(r"(\d+)([hdw])", text.lower())
    if found is None:
        raise _wrong(f"{name}.time_offset.{field} {text!r} must look like 1h, 7d or 2w.")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _flat(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A repeated field counts by its elements."""
    repeated = pa.types.is_list(column.type) or pa.types.is_large_list(column.type)
    if not repeated:
        return column
    return pc.list_flatten(column)
