"""Extract jobs and what EXPORT DATA writes: rows as objects of this local cloud's Cloud Storage.

https://cloud.google.com/bigquery/docs/exporting-data
"""

import itertools
import json
import tempfile
import uuid
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import fastavro
import pyarrow as pa
from local_bigquery.catalog import tables
from local_bigquery.engine import types
from local_bigquery.engine.database import quote
from local_bigquery.errors import BigQueryError
from local_bigquery.jobs.storage import literal
from local_bigquery.models import (
    JobConfigurationExtract,
    JobStatistics4,
    TableFieldSchema,
)

from localcloud.bigquery import bytes_processed, model_export, storage

COMPRESSIONS = {
    "CSV": ("NONE", "GZIP"),
    "NEWLINE_DELIMITED_JSON": ("NONE", "GZIP"),
    "PARQUET": ("NONE", "SNAPPY", "GZIP", "ZSTD"),
    "AVRO": ("NONE", "DEFLATE", "SNAPPY"),
}
"""What BigQuery compresses by, for each format."""
CONTENT_TYPES = {"CSV": "text/csv", "NEWLINE_DELIMITED_JSON": "application/json"}
SHARD = "000000000000"
"""What stands for the `*` of a URI: all rows of a URI are in one file."""


class Extract(NamedTuple):
    """What was written.

    Attributes:
        rows: How many rows.
        files: How many objects of each URI.
    """

    rows: int
    files: list[int]


def run(
    cursor: duckdb.DuckDBPyConnection, config: JobConfigurationExtract, upload: str | None
) -> JobStatistics4:
    """Run an extract job of a table or a model.

    Raises:
        BigQueryError: `invalid` for a format or URI that is none, `notFound` for a table or a
            bucket that is not there.
    """
    if config.sourceTable is None:
        return model_export.run(config)
    reference = tables.reference(config.sourceTable)
    table = tables.load(*reference)
    if table.view is not None:
        raise BigQueryError(
            "invalid",
            f"{':'.join(reference[:2])}.{reference[2]} is not allowed for this operation because "
            "it is currently a VIEW.",
        )
    written = write(cursor, f"SELECT * FROM {tables.name(*reference)}", {}, config)
    return JobStatistics4(
        destinationUriFileCounts=[str(count) for count in written.files],
        inputBytes=str(bytes_processed.of_table(reference)),
    )


def write(
    cursor: duckdb.DuckDBPyConnection,
    query: str,
    bound: dict[str, Any],
    config: JobConfigurationExtract,
) -> Extract:
    """Write the rows of a DuckDB query as objects.

    Args:
        cursor: Where the query runs.
        query: DuckDB's SQL.
        bound: The values of its parameters.
        config: Format, compression and URIs; with several URIs each gets its share of the rows.

    Raises:
        BigQueryError: As `run`.
    """
    kind, compression = checked(config)
    uris = config.destinationUris or [str(config.destinationUri)]
    for uri in uris:
        storage.check_bucket(uri)
    rows = f'temp.main."__extract_{uuid.uuid4().hex[:12]}"'
    cursor.execute(f"CREATE TEMP TABLE {rows} AS {query}", bound)
    try:
        [(total,)] = cursor.execute(f"SELECT count(*) FROM {rows}").fetchall()
        share = -(-total // len(uris))
        for number, uri in enumerate(uris):
            part = f"SELECT * FROM {rows} LIMIT {share} OFFSET {number * share}"
            with tempfile.TemporaryDirectory(prefix="extract-") as directory:
                file = Path(directory, "object")
                _WRITERS[kind](cursor, part, file, config, compression)
                storage.write(
                    uri.replace("*", SHARD),
                    file.read_bytes(),
                    CONTENT_TYPES.get(kind, "application/octet-stream"),
                )
    finally:
        cursor.execute(f"DROP TABLE {rows}")
    return Extract(int(total), [1] * len(uris))


def checked(config: JobConfigurationExtract) -> tuple[str, str]:
    """The format and the compression of a configuration that is in order.

    Raises:
        BigQueryError: `invalid`.
    """
    kind = (config.destinationFormat or "CSV").upper()
    kind = "NEWLINE_DELIMITED_JSON" if kind == "JSON" else kind
    if kind not in COMPRESSIONS:
        raise BigQueryError(
            "invalid",
            f"{config.destinationFormat} is not a valid value for destinationFormat; allowed: "
            f"{', '.join(COMPRESSIONS)}",
        )
    compression = (config.compression or "NONE").upper()
    if compression not in COMPRESSIONS[kind]:
        raise BigQueryError(
            "invalid",
            f"Compression {compression} is not supported for {kind}; allowed: "
            f"{', '.join(COMPRESSIONS[kind])}",
        )
    for uri in config.destinationUris or [config.destinationUri or ""]:
        if not uri.startswith("gs://") or uri.count("*") > 1:
            raise BigQueryError(
                "invalid",
                f"Invalid extract destination URI '{uri}'. Must be a valid Google Storage path "
                "with at most one '*'.",
            )
    return kind, compression


def check_absent(uri: str, overwrite: bool) -> None:
    """Refuse a wildcard URI of objects that are there, or make place for new ones.

    Raises:
        BigQueryError: `invalidQuery`.
    """
    storage.check_bucket(uri)
    found = storage.matching(uri)
    if found and not overwrite:
        raise BigQueryError(
            "invalidQuery",
            f"Invalid destination path {uri}: {found[0].uri} is there already. Set overwrite=true "
            "in EXPORT DATA OPTIONS, or name another path.",
        )
    for stored in found:
        storage.delete(stored)


Writer = Callable[
    [duckdb.DuckDBPyConnection, str, Path, JobConfigurationExtract, str],
    None,
]


def _csv(
    cursor: duckdb.DuckDBPyConnection,
    query: str,
    file: Path,
    config: JobConfigurationExtract,
    compression: str,
) -> None:
    relation = cursor.sql(query)
    columns = []
    for name, kind in zip(relation.columns, relation.types, strict=True):
        field = types.field(name, kind)
        if field.mode == "REPEATED" or field.type == "RECORD":
            raise BigQueryError(
                "invalid", f"Operation cannot be performed on a nested schema. Field: {name}"
            )
        columns.append(f"{_text(quote(name), kind)} AS {quote(name)}")
    options = [
        "FORMAT csv",
        f"HEADER {str(config.printHeader is not False).lower()}",
        f"DELIMITER {literal(_delimiter(config.fieldDelimiter))}",
        f"COMPRESSION {compression.lower()}",
    ]
    select = f"SELECT {', '.join(columns)} FROM ({query})"
    cursor.execute(f"COPY ({select}) TO {literal(str(file))} ({', '.join(options)})")


def _delimiter(given: str | None) -> str:
    return {None: ",", "tab": "\t", "\\t": "\t"}.get(given, given) or ","


def _json(
    cursor: duckdb.DuckDBPyConnection,
    query: str,
    file: Path,
    config: JobConfigurationExtract,
    compression: str,
) -> None:
    relation = cursor.sql(query)
    names = itertools.count()
    fields = ", ".join(
        f"{literal(name)}, {_value(quote(name), kind, names)}"
        for name, kind in zip(relation.columns, relation.types, strict=True)
    )
    # The patch of nothing leaves out what is NULL, as BigQuery does.
    line = f"json_merge_patch('{{}}', json_object({fields}))"
    codec = "gzip" if compression == "GZIP" else None
    with pa.output_stream(str(file), compression=codec) as out:
        for (text,) in _fetched(cursor, f"SELECT CAST({line} AS VARCHAR) FROM ({query})"):
            out.write(text.encode() + b"\n")


def _parquet(
    cursor: duckdb.DuckDBPyConnection,
    query: str,
    file: Path,
    config: JobConfigurationExtract,
    compression: str,
) -> None:
    codec = "uncompressed" if compression == "NONE" else compression.lower()
    options = f"FORMAT parquet, COMPRESSION {codec}"
    cursor.execute(f"COPY ({query}) TO {literal(str(file))} ({options})")


def _avro(
    cursor: duckdb.DuckDBPyConnection,
    query: str,
    file: Path,
    config: JobConfigurationExtract,
    compression: str,
) -> None:
    relation = cursor.sql(query)
    fields = [types.field(n, t) for n, t in zip(relation.columns, relation.types, strict=True)]
    logical = bool(config.useAvroLogicalTypes)
    columns = [{"name": field.name, "type": _avro_type(field, logical, "root")} for field in fields]
    schema = fastavro.parse_schema({"type": "record", "name": "Root", "fields": columns})
    names = [str(field.name) for field in fields]
    records = (
        {
            name: _avro_value(value, field, logical)
            for name, value, field in zip(names, row, fields, strict=True)
        }
        for row in _fetched(cursor, query)
    )
    codec = {"NONE": "null", "DEFLATE": "deflate", "SNAPPY": "snappy"}[compression]
    with file.open("wb") as out:
        try:
            fastavro.writer(out, schema, records, codec=codec)
        except ValueError as error:
            if "codec" not in str(error):
                raise
            raise BigQueryError(
                "notImplemented",
                f"Avro files compressed by {compression} are not implemented on the local cloud; "
                "use DEFLATE.",
            ) from error


_WRITERS: dict[str, Writer] = {
    "CSV": _csv,
    "NEWLINE_DELIMITED_JSON": _json,
    "PARQUET": _parquet,
    "AVRO": _avro,
}


def _fetched(cursor: duckdb.DuckDBPyConnection, query: str) -> Iterator[tuple[Any, ...]]:
    result = cursor.execute(query)
    while rows := result.fetchmany(10_000):
        yield from rows


def _text(value: str, kind: Any) -> str:
    """A value as CSV has it; `value` and what is given are DuckDB's SQL."""
    match types.field("v", kind).type:
        case "TIMESTAMP":
            moment = f"CAST({value} AT TIME ZONE 'UTC' AS VARCHAR)"
            return f"{moment} || ' UTC'"
        case "STRING":
            return value
    return str(types.encode(value, kind, False))


def _value(value: str, kind: Any, names: "itertools.count[int]") -> str:
    """A value as JSON has it; `value` and what is given are DuckDB's SQL."""
    if kind.id in ("list", "array"):
        name = f"v{next(names)}"
        element = _value(name, kind.children[0][1], names)
        return f"list_transform(coalesce({value}, []), lambda {name}: to_json({element}))"
    field = types.field("v", kind)
    if field.type == "RECORD":
        members = ", ".join(
            f"{literal(name)}, {_value(f'{value}.{quote(name)}', inner, names)}"
            for name, inner in kind.children
        )
        return f"CASE WHEN {value} IS NOT NULL THEN json_object({members}) END"
    if field.type in ("BOOLEAN", "JSON"):
        return value
    if field.type == "FLOAT":
        # JSON has no number for these.
        return (
            f"CASE WHEN isfinite({value}) THEN to_json({value}) ELSE to_json({_encoded(value)}) END"
        )
    return _text(value, kind)


def _encoded(value: str) -> str:
    return (
        f"CASE WHEN isnan({value}) THEN 'NaN' WHEN {value} > 0 THEN 'Infinity' ELSE '-Infinity' END"
    )


_AVRO_TYPES: dict[str, Any] = {
    "INTEGER": "long",
    "FLOAT": "double",
    "BOOLEAN": "boolean",
    "STRING": "string",
    "BYTES": "bytes",
    "NUMERIC": {"type": "bytes", "logicalType": "decimal", "precision": 38, "scale": 9},
    "BIGNUMERIC": {"type": "bytes", "logicalType": "decimal", "precision": 77, "scale": 38},
    "TIMESTAMP": "long",
}
_AVRO_LOGICAL: dict[str, Any] = {
    "DATE": {"type": "int", "logicalType": "date"},
    "TIME": {"type": "long", "logicalType": "time-micros"},
    "TIMESTAMP": {"type": "long", "logicalType": "timestamp-micros"},
    "DATETIME": {"type": "string", "logicalType": "datetime"},
}


def _avro_type(field: TableFieldSchema, logical: bool, above: str) -> Any:
    if field.mode == "REPEATED":
        element = _avro_type(field.replace(mode="REQUIRED"), logical, above)
        return {"type": "array", "items": element}
    kind = str(field.type)
    if kind == "RECORD":
        name = f"{above}.{field.name}"
        members = [
            {"name": member.name, "type": _avro_type(member, logical, name)}
            for member in field.fields or []
        ]
        avro: Any = {"type": "record", "name": name, "fields": members}
    elif logical and kind in _AVRO_LOGICAL:
        avro = _AVRO_LOGICAL[kind]
    else:
        avro = _AVRO_TYPES.get(kind, {"type": "string", "sqlType": kind})
    return avro if field.mode == "REQUIRED" else ["null", avro]


def _avro_value(value: Any, field: TableFieldSchema, logical: bool) -> Any:
    if field.mode == "REPEATED":
        element = field.replace(mode="NULLABLE")
        return [_avro_value(one, element, logical) for one in value or []]
    if value is None:
        return None
    match field.type:
        case "RECORD":
            return {
                str(member.name): _avro_value(value[member.name], member, logical)
                for member in field.fields or []
            }
        case "TIMESTAMP" if not logical:
            return int(value.timestamp()) * 1_000_000 + value.microsecond
        case "DATE" | "TIME" if not logical:
            return value.isoformat()
        case "DATETIME":
            return value.isoformat()
        case "NUMERIC" | "BIGNUMERIC":
            return Decimal(value)
        case "BYTES" | "INTEGER" | "FLOAT" | "BOOLEAN" | "STRING" | "TIMESTAMP" | "DATE" | "TIME":
            return value
    return value if isinstance(value, str) else json.dumps(value, default=str)
