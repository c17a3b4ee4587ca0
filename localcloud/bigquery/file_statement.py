"""EXPORT DATA and LOAD DATA: statements over the objects of Cloud Storage.

https://cloud.google.com/bigquery/docs/reference/standard-sql/export-statements
https://cloud.google.com/bigquery/docs/reference/standard-sql/load-statements
"""

from typing import Any

from local_bigquery.catalog import datasets
from local_bigquery.errors import BigQueryError
from local_bigquery.jobs import query as upstream_query
from local_bigquery.models import (
    JobConfigurationExtract,
    JobConfigurationLoad,
    JobStatistics2,
)
from local_bigquery.sql.rules import ddl
from local_bigquery.sql.script import Interpreter
from local_bigquery.sql.translate import parse

from googlesql.constant import Constant, read_constant
from googlesql.position import Text
from googlesql.tree import Node, dotted_path, identifiers, walk
from localcloud.bigquery import analysis, extract, job, load, query, table_function
from localcloud.bigquery.names import Reference

EXPORTED = ("CSV", "JSON", "PARQUET", "AVRO")
LOADED = {
    "AVRO": "AVRO",
    "CSV": "CSV",
    "JSON": "NEWLINE_DELIMITED_JSON",
    "NEWLINE_DELIMITED_JSON": "NEWLINE_DELIMITED_JSON",
    "ORC": "ORC",
    "PARQUET": "PARQUET",
}
_EXPORT_OPTIONS: dict[str, tuple[str, type]] = {
    "compression": ("compression", str),
    "field_delimiter": ("fieldDelimiter", str),
    "format": ("destinationFormat", str),
    "header": ("printHeader", bool),
    "uri": ("destinationUri", str),
    "use_avro_logical_types": ("useAvroLogicalTypes", bool),
}
_FILE_OPTIONS: dict[str, tuple[str, type]] = {
    "allow_jagged_rows": ("allowJaggedRows", bool),
    "allow_quoted_newlines": ("allowQuotedNewlines", bool),
    "enable_logical_types": ("useAvroLogicalTypes", bool),
    "encoding": ("encoding", str),
    "field_delimiter": ("fieldDelimiter", str),
    "max_bad_records": ("maxBadRecords", int),
    "null_marker": ("nullMarker", str),
    "quote": ("quote", str),
    "skip_leading_rows": ("skipLeadingRows", int),
}
_TABLE_OPTIONS = {"description": "description", "friendly_name": "friendlyName"}


def export(interpreter: Interpreter, statement: Node, text: Text) -> JobStatistics2:
    """Run or check EXPORT DATA.

    Raises:
        BigQueryError: `invalidQuery` for options that are none, `duplicate` for objects that are
            there when nothing says to overwrite them.
    """
    node = statement.child("query")
    if node is None or statement.child("with_connection_clause") is not None:
        raise BigQueryError(
            "notImplemented", "EXPORT DATA WITH CONNECTION is not implemented on the local cloud."
        )
    given = options(statement.child("options_list"), text)
    overwrite = given.pop("overwrite", False)
    config: dict[str, Any] = {}
    for name, value in given.items():
        field, kind = _known(name, _EXPORT_OPTIONS, "EXPORT DATA")
        config[field] = _typed(name, value, kind, "EXPORT DATA")
    if not config.get("destinationUri"):
        raise BigQueryError("invalidQuery", "Option 'uri' is missing or empty.")
    if "destinationFormat" not in config:
        raise BigQueryError("invalidQuery", "Option 'format' is missing or empty.")
    if config["destinationFormat"].upper() not in EXPORTED:
        raise BigQueryError(
            "invalidQuery",
            f"'{config['destinationFormat']}' is not a valid value; failed to set 'format' in "
            f"EXPORT DATA OPTIONS. Allowed: {', '.join(EXPORTED)}",
        )
    uri = config["destinationUri"]
    if "*" not in uri:
        raise BigQueryError(
            "invalidQuery",
            f"Option 'uri' value must be a wildcard URI; got {uri}. Write gs://bucket/path/*.csv.",
        )
    wanted = JobConfigurationExtract.model_validate(config)
    extract.checked(wanted)
    sql = text.slice(node.start, node.end)
    analysis.check(interpreter, sql, table_function.columns(interpreter))
    told: dict[str, Any] = {"statementType": "EXPORT_DATA"}
    if job.is_dry_run():
        return JobStatistics2.model_validate(told)
    extract.check_absent(uri, bool(overwrite))
    with table_function.spliced(interpreter, sql) as spliced:
        ready, bound = query.duckdb_query(
            interpreter.context, analysis.prepared(interpreter, spliced)
        )
        written = extract.write(interpreter.cursor, ready, bound, wanted)
    counted = {"fileCount": str(sum(written.files)), "rowCount": str(written.rows)}
    return JobStatistics2.model_validate(told | {"exportDataStatistics": counted})


def load_data(interpreter: Interpreter, statement: Node, text: Text) -> JobStatistics2:
    """Run or check LOAD DATA.

    Raises:
        BigQueryError: `invalidQuery` for options that are none, else as a load job.
    """
    if statement.flag("is_temp_table"):
        raise BigQueryError(
            "notImplemented", "LOAD DATA into a temporary table is not on the local cloud."
        )
    context = interpreter.context
    reference = Reference.resolve(
        dotted_path(statement.child("name")), context.project_id, context.dataset_id
    )
    datasets.get(*reference[:2])
    target = dict(zip(("projectId", "datasetId", "tableId"), reference, strict=True))
    overwrite = statement.text("insertion_mode") == "OVERWRITE"
    config: dict[str, Any] = {
        "destinationTable": target,
        "writeDisposition": "WRITE_TRUNCATE" if overwrite else "WRITE_APPEND",
        **_source(statement, text),
        **_layout(statement, text),
    }
    columns = _fields(interpreter, statement.child("table_element_list"), text)
    if columns:
        config["schema"] = {"fields": columns}
    elif config["sourceFormat"] in load.WITHOUT_OWN_SCHEMA:
        config["autodetect"] = overwrite or not load.has_columns(reference)
    described = {}
    for name, value in options(statement.child("options_list"), text).items():
        if name not in _TABLE_OPTIONS:
            raise BigQueryError(
                "notImplemented",
                f"Table option {name} of LOAD DATA is not implemented on the local cloud; use "
                f"ALTER TABLE ... SET OPTIONS after it.",
            )
        described[_TABLE_OPTIONS[name]] = value
    if described:
        config["destinationTableProperties"] = described
    told = {"statementType": "LOAD_DATA", "ddlTargetTable": target}
    if not job.is_dry_run():
        loaded = load.run(
            interpreter.cursor, JobConfigurationLoad.model_validate(config), upload=None
        )
        counted = {"inputFiles": loaded.inputFiles, "inputFileBytes": loaded.inputFileBytes}
        counted |= {"outputRows": loaded.outputRows, "badRecords": loaded.badRecords}
        told |= {"loadQueryStatistics": counted | {"outputBytes": loaded.outputBytes}}
    return JobStatistics2.model_validate(told)


def options(node: Node | None, text: Text) -> dict[str, Constant]:
    """The options of a list by their lower-case names."""
    found: dict[str, Constant] = {}
    for entry in node.children("options_entries") if node else ():
        name, value = entry.child("name"), entry.child("value")
        if name is not None and value is not None:
            found[identifiers(name)[0].lower()] = read_constant(value, text)
    return found


def _source(statement: Node, text: Text) -> dict[str, Any]:
    files = statement.child("from_files")
    given = options(files.child("options_list") if files else None, text)
    kind, uris = given.pop("format", None), given.pop("uris", None)
    if not isinstance(kind, str) or kind.upper() not in LOADED:
        raise BigQueryError(
            "invalidQuery",
            f"Option 'format' of FROM FILES is {kind!r}; allowed: {', '.join(LOADED)}",
        )
    if not isinstance(uris, list) or not uris:
        raise BigQueryError("invalidQuery", "Option 'uris' of FROM FILES is missing or empty.")
    config: dict[str, Any] = {"sourceFormat": LOADED[kind.upper()], "sourceUris": uris}
    prefix = given.pop("hive_partition_uri_prefix", None)
    partitions = statement.child("with_partition_columns_clause")
    if partitions is not None or prefix:
        config["hivePartitioningOptions"] = {"mode": "AUTO", "sourceUriPrefix": prefix}
    if partitions is not None and partitions.child("table_element_list") is not None:
        raise BigQueryError(
            "notImplemented",
            "WITH PARTITION COLUMNS with a list of columns is not implemented on the local cloud; "
            "leave the list out, and types are detected.",
        )
    for name, value in given.items():
        field, wanted = _known(name, _FILE_OPTIONS, "LOAD DATA")
        config[field] = _typed(name, value, wanted, "LOAD DATA")
    return config


def _fields(interpreter: Interpreter, columns: Node | None, text: Text) -> list[dict[str, Any]]:
    if columns is None:
        return []
    written = text.slice(columns.start, columns.end)
    [tree] = parse(f"CREATE TABLE declared {written}")
    found = upstream_query._declared_schema(
        interpreter.cursor, ddl.normalise(tree), interpreter.context
    )
    return [field.dump() for field in found or []]


def _layout(statement: Node, text: Text) -> dict[str, Any]:
    layout: dict[str, Any] = {}
    clusters = statement.child("cluster_by")
    if clusters is not None:
        fields = [".".join(identifiers(n)) for n in clusters.children("clustering_expressions")]
        layout["clustering"] = {"fields": fields}
    partitions = statement.child("partition_by")
    if partitions is not None:
        [expression] = partitions.children("partitioning_expressions")
        layout["timePartitioning"] = _partitioning(expression, text)
    return layout


def _partitioning(expression: Node, text: Text) -> dict[str, Any]:
    names = [".".join(identifiers(n)) for n, _ in walk(expression) if n.kind == "ASTPathExpression"]
    if expression.kind == "ASTPathExpression" and not names[0].startswith("_"):
        return {"type": "DAY", "field": names[0]}
    match [name.upper() for name in names]:
        case ["DATE", _]:
            return {"type": "DAY", "field": names[1]}
        case ["DATE_TRUNC" | "DATETIME_TRUNC" | "TIMESTAMP_TRUNC", _, unit] if unit in (
            "HOUR",
            "DAY",
            "MONTH",
            "YEAR",
        ):
            return {"type": unit, "field": names[1]}
    written = text.slice(expression.start, expression.end)
    raise BigQueryError(
        "notImplemented", f"LOAD DATA partitioned by {written} is not on the local cloud."
    )


def _known(name: str, known: dict[str, tuple[str, type]], what: str) -> tuple[str, type]:
    if name not in known:
        raise BigQueryError(
            "notImplemented",
            f"Option {name} of {what} is not known on the local cloud; it knows "
            f"{', '.join(sorted(known))}.",
        )
    return known[name]


def _typed(name: str, value: Constant, kind: type, what: str) -> Any:
    if not isinstance(value, kind):
        words = {str: "STRING", bool: "BOOL", int: "INT64"}
        raise BigQueryError("invalidQuery", f"Option {name} of {what} must be {words[kind]}.")
    return value
