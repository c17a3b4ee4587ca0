"""What a batch prediction reads: rows of a BigQuery table, or of JSON lines and CSV files.

Source: proto comments of google.cloud.aiplatform.v1.BatchPredictionJob.InputConfig.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from localcloud.errors import ApiError, Json
from localcloud.ports import BigQueryEngine
from localcloud.store import Store
from localcloud.vertex import monitoring_file
from localcloud.vertex.predictions import plain

TABLE = re.compile(r"bq://(?P<project>[^.]+)\.(?P<dataset>[^.]+)\.(?P<table>[^.]+)")


@dataclass(frozen=True)
class InstanceConfig:
    """Which fields of a row are sent to the model, and what tells rows apart.

    Attributes:
        included: Only these; empty: all.
        excluded: All but these.
        key: The field that stands for the row in the output; empty: the whole row does.
    """

    included: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    key: str = ""

    def instance(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """What the model is given of a row."""
        return {
            name: value
            for name, value in row.items()
            if name != self.key
            and name not in self.excluded
            and (not self.included or name in self.included)
        }

    def shown(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """What the output tells of a row, beside its prediction."""
        return {"key": row.get(self.key)} if self.key else dict(row)


def instance_config(given: Json, form: str) -> InstanceConfig:
    """Read an InstanceConfig.

    Args:
        given: The message.
        form: The instances' format.

    Raises:
        ApiError: INVALID_ARGUMENT; UNIMPLEMENTED for instances that are arrays.
    """
    included, excluded = given.get("includedFields", []), given.get("excludedFields", [])
    kind = given.get("instanceType", "")
    if included and excluded:
        raise ApiError(
            "INVALID_ARGUMENT",
            "instance_config: give included_fields or excluded_fields, not both.",
        )
    if form == "csv" and (included or excluded):
        raise ApiError(
            "INVALID_ARGUMENT",
            "instance_config: included_fields and excluded_fields need instances_format jsonl or "
            "bigquery.",
        )
    if kind not in ("", "object", "array"):
        raise ApiError(
            "INVALID_ARGUMENT", f"instance_config.instance_type {kind!r}: object or array."
        )
    if kind == "array":
        raise ApiError(
            "UNIMPLEMENTED",
            "instance_config.instance_type array: the local cloud predicts with BigQuery ML "
            "models, whose instances are objects.",
        )
    return InstanceConfig(tuple(included), tuple(excluded), str(given.get("keyField", "")))


def check(config: Json, formats: Sequence[str]) -> None:
    """Refuse an InputConfig that cannot be read.

    Raises:
        ApiError: INVALID_ARGUMENT.
    """
    form = str(config.get("instancesFormat", ""))
    if form not in formats:
        raise ApiError(
            "INVALID_ARGUMENT",
            f"input_config.instances_format {form!r} is not supported by the model: "
            f"{', '.join(formats)}.",
        )
    if form == "bigquery":
        uri = str(config.get("bigquerySource", {}).get("inputUri", ""))
        if TABLE.fullmatch(uri) is None:
            raise ApiError(
                "INVALID_ARGUMENT",
                "input_config.bigquery_source.input_uri must be bq://project.dataset.table; got "
                f"{uri!r}.",
            )
    else:
        uris = config.get("gcsSource", {}).get("uris", [])
        wrong = [uri for uri in uris if not re.fullmatch(r"gs://[^/]+/.+", str(uri))]
        if not uris or wrong:
            raise ApiError(
                "INVALID_ARGUMENT",
                "input_config.gcs_source.uris must name files as gs://bucket/path; got "
                f"{wrong or uris}.",
            )


def read(
    config: Json, engine: BigQueryEngine, store: Store, project: str
) -> tuple[list[Json], pa.Table | None]:
    """Every row as JSON has it, and the table they come from; JSON lines come from none.

    Args:
        config: An InputConfig that `check` let pass.
        engine: BigQuery.
        store: Knows the objects of Cloud Storage.
        project: The job's project.

    Raises:
        ValueError: Something cannot be read.
    """
    form = config["instancesFormat"]
    uris = [str(uri) for uri in config.get("gcsSource", {}).get("uris", [])]
    if form == "jsonl":
        return [line for uri in uris for line in monitoring_file.lines(store, uri)], None
    if form == "bigquery":
        uri = str(config["bigquerySource"]["inputUri"]).removeprefix("bq://")
        table = engine.query(project, f"SELECT * FROM `{uri}`")
    else:
        found = [monitoring_file.read(store, uri, "CSV") for uri in uris]
        table = pa.concat_tables(found, promote_options="permissive")
    rows = [{name: plain(value) for name, value in row.items()} for row in table.to_pylist()]
    return rows, table


def table_of(rows: Sequence[Json]) -> pa.Table:
    """Rows of JSON as a table with a column a field.

    Raises:
        ValueError: A field has values of several types.
    """
    names = list(dict.fromkeys(name for row in rows for name in row))
    return pa.table({name: [row.get(name) for row in rows] for name in names})
