"""INFORMATION_SCHEMA views of datasets, tables, columns, routines and privileges, as documented.

https://cloud.google.com/bigquery/docs/information-schema-tables and the pages beside it.
"""

from typing import Any

from local_bigquery.catalog import datasets, iam
from local_bigquery.catalog import routines as stored_routines
from local_bigquery.models import Routine, Table
from local_bigquery.sql.rules import information_schema as upstream_views
from sqlglot import exp

from localcloud.bigquery import bytes_processed, dataset_policy, project_options

Rows = tuple[list[str], list[list[Any]]]
"""Columns, each with its type unless that is STRING, and rows."""
_TABLE = ["table_catalog", "table_schema", "table_name"]
_time = upstream_views._timestamp


def tables(project_id: str, dataset_id: str | None) -> Rows:
    """A row a table or view."""
    columns = [
        *_TABLE,
        "table_type",
        "managed_table_type",
        "is_insertable_into",
        "is_fine_grained_mutations_enabled",
        "is_typed",
        "is_change_history_enabled",
        "creation_time TIMESTAMP",
        "base_table_catalog",
        "base_table_schema",
        "base_table_name",
        "snapshot_time_ms TIMESTAMP",
        "replica_source_catalog",
        "replica_source_schema",
        "replica_source_name",
        "replication_status",
        "replication_error",
        "ddl",
        "default_collation_name",
        "upsert_stream_apply_watermark TIMESTAMP",
    ]
    rows = [
        [
            *_identity(table),
            _type(table),
            "NATIVE" if table.type in ("TABLE", "SNAPSHOT") else None,
            "YES" if table.type == "TABLE" else "NO",
            "NO",
            "NO",
            "NO",
            _time(table.creationTime),
            *_base(table),
            *[None] * 5,
            _ddl(table),
            "NULL",
            None,
        ]
        for table in upstream_views._tables(project_id, dataset_id)
    ]
    return columns, rows


def columns(project_id: str, dataset_id: str | None) -> Rows:
    """A row a column."""
    names = [
        *_TABLE,
        "column_name",
        "ordinal_position INT64",
        "is_nullable",
        "data_type",
        "is_generated",
        "generation_expression",
        "is_stored",
        "is_hidden",
        "is_updatable",
        "is_system_defined",
        "is_partitioning_column",
        "clustering_ordinal_position INT64",
        "collation_name",
        "column_default",
        "rounding_mode",
        "data_policies ARRAY<STRUCT<name STRING>>",
        "policy_tags ARRAY<STRING>",
    ]
    rows = [
        [
            *_identity(table),
            field.name,
            place,
            "NO" if field.mode == "REQUIRED" else "YES",
            upstream_views._type(field),
            "NEVER",
            None,
            None,
            "NO",
            None,
            "NO",
            "YES" if field.name == upstream_views._partitioning_column(table) else "NO",
            upstream_views._clustering_position(table, field.name),
            field.collation or "NULL",
            field.defaultValueExpression or "NULL",
            field.roundingMode,
            None,
            None,
        ]
        for table in upstream_views._tables(project_id, dataset_id)
        for place, field in enumerate(upstream_views.tables.fields(table), start=1)
    ]
    return names, rows


def column_field_paths(project_id: str, dataset_id: str | None) -> Rows:
    """A row a column and a row a field of a struct."""
    names = [
        *_TABLE,
        "column_name",
        "field_path",
        "data_type",
        "description",
        "collation_name",
        "rounding_mode",
        "data_policies ARRAY<STRUCT<name STRING>>",
        "policy_tags ARRAY<STRING>",
    ]
    rows = [
        [
            *_identity(table),
            path.split(".")[0],
            path,
            upstream_views._type(field),
            field.description,
            field.collation or "NULL",
            field.roundingMode,
            None,
            None,
        ]
        for table in upstream_views._tables(project_id, dataset_id)
        for path, field in upstream_views._paths(upstream_views.tables.fields(table))
    ]
    return names, rows


def schemata(project_id: str, dataset_id: str | None) -> Rows:
    """A row a dataset."""
    names = [
        "catalog_name",
        "schema_name",
        "schema_owner",
        "creation_time TIMESTAMP",
        "last_modified_time TIMESTAMP",
        "location",
        "ddl",
        "default_collation_name",
        "sync_status",
    ]
    rows = [
        [
            project_id,
            found.datasetReference.datasetId,
            None,
            _time(found.creationTime),
            _time(found.lastModifiedTime),
            found.location,
            f"CREATE SCHEMA `{project_id}.{found.datasetReference.datasetId}`\n"
            f'OPTIONS(\n  location="{found.location}"\n);',
            "NULL",
            None,
        ]
        for found in datasets.list_(project_id)
    ]
    return names, rows


def partitions(project_id: str, dataset_id: str | None) -> Rows:
    """A row a partition."""
    names = [
        *_TABLE,
        "partition_id",
        "total_rows INT64",
        "total_logical_bytes INT64",
        "total_billable_bytes INT64",
        "last_modified_time TIMESTAMP",
        "storage_tier",
    ]
    rows = []
    for table in upstream_views._tables(project_id, dataset_id):
        if table.view is not None:
            continue
        parts = upstream_views._partitions(table)
        total = sum(count for _, count in parts)
        size = _bytes(table) if total else 0
        for partition_id, count in parts:
            share = size * count // total if total else 0
            changed = _time(table.lastModifiedTime)
            part = [partition_id, count, share, share, changed, "ACTIVE"]
            rows.append([*_identity(table), *part])
    return names, rows


def table_storage(project_id: str, dataset_id: str | None) -> Rows:
    """A row a table that holds data."""
    names = [
        "project_id",
        "project_number INT64",
        *_TABLE,
        "creation_time TIMESTAMP",
        "total_rows INT64",
        "total_partitions INT64",
        "total_logical_bytes INT64",
        "active_logical_bytes INT64",
        "long_term_logical_bytes INT64",
        "current_physical_bytes INT64",
        "total_physical_bytes INT64",
        "active_physical_bytes INT64",
        "long_term_physical_bytes INT64",
        "time_travel_physical_bytes INT64",
        "storage_last_modified_time TIMESTAMP",
        "deleted BOOL",
        "table_type",
        "managed_table_type",
        "fail_safe_physical_bytes INT64",
        "last_metadata_index_refresh_time TIMESTAMP",
        "table_deletion_reason",
        "table_deletion_time TIMESTAMP",
    ]
    rows = []
    for table in upstream_views._tables(project_id, dataset_id):
        if table.view is not None:
            continue
        size = _bytes(table)
        rows.append(
            [
                project_id,
                project_options.number(project_id),
                *_identity(table),
                _time(table.creationTime),
                int(table.numRows),
                len(upstream_views._partitions(table)),
                *[size, size, 0],
                *[size, size, size, 0, 0],
                _time(table.lastModifiedTime),
                False,
                _type(table),
                "NATIVE",
                0,
                *[None] * 3,
            ]
        )
    return names, rows


def routines(project_id: str, dataset_id: str | None) -> Rows:
    """A row a function or procedure."""
    names = [
        "specific_catalog",
        "specific_schema",
        "specific_name",
        "routine_catalog",
        "routine_schema",
        "routine_name",
        "routine_type",
        "data_type",
        "routine_body",
        "routine_definition",
        "external_language",
        "is_deterministic",
        "security_type",
        "created TIMESTAMP",
        "last_altered TIMESTAMP",
        "ddl",
    ]
    rows = []
    for routine in stored_routines.list_(project_id, dataset_id):
        of_javascript = routine.language == "JAVASCRIPT"
        named = _routine(routine)
        rows.append(
            [
                *named,
                *named,
                stored_routines.ROUTINE_TYPES[routine.routineType],
                stored_routines.sql_type(routine.returnType) if routine.returnType else None,
                "EXTERNAL" if of_javascript else "SQL",
                routine.definitionBody,
                "JAVASCRIPT" if of_javascript else None,
                None,
                None,
                _time(routine.creationTime),
                _time(routine.lastModifiedTime),
                None,
            ]
        )
    return names, rows


def object_privileges(project_id: str, dataset_id: str | None) -> Rows:
    """A row a role that a member has on a dataset, table or view by its own policy."""
    names = ["object_catalog", "object_schema", "object_name", "object_type"]
    names += ["privilege_type", "grantee"]
    rows = []
    for found in datasets.list_(project_id):
        name = found.datasetReference.datasetId
        bindings = dataset_policy.get(project_id, name)["bindings"]
        rows += _granted([project_id, None, name, "SCHEMA"], bindings)
    for table in upstream_views._tables(project_id, dataset_id):
        policy = iam.get("projects/{}/datasets/{}/tables/{}".format(*_identity(table))).dump()
        kind = "VIEW" if table.view is not None else "TABLE"
        rows += _granted([*_identity(table), kind], policy.get("bindings") or [])
    return names, rows


VIEWS = {
    "TABLES": tables,
    "COLUMNS": columns,
    "COLUMN_FIELD_PATHS": column_field_paths,
    "SCHEMATA": schemata,
    "PARTITIONS": partitions,
    "TABLE_STORAGE": table_storage,
    "TABLE_STORAGE_BY_PROJECT": table_storage,
    "ROUTINES": routines,
    "OBJECT_PRIVILEGES": object_privileges,
}


def _granted(named: list[Any], bindings: list[dict[str, Any]]) -> list[list[Any]]:
    return [
        [*named, binding["role"], member] for binding in bindings for member in binding["members"]
    ]


def _identity(table: Table) -> list[str]:
    found: list[str] = upstream_views._identity(table)
    return found


def _bytes(table: Table) -> int:
    project_id, dataset_id, table_id = _identity(table)
    return bytes_processed.of_table((project_id, dataset_id, table_id))


def _routine(routine: Routine) -> list[str]:
    reference = routine.routineReference
    return [reference.projectId, reference.datasetId, reference.routineId]


def _type(table: Table) -> str:
    if table.cloneDefinition is not None:
        return "CLONE"
    return str(upstream_views.TABLE_TYPES.get(table.type, table.type))


def _base(table: Table) -> list[Any]:
    definition = table.snapshotDefinition or table.cloneDefinition
    if definition is None:
        return [None] * 4
    base = definition.baseTableReference
    moment = getattr(definition, "snapshotTime", None) or getattr(definition, "cloneTime", None)
    return [base.projectId, base.datasetId, base.tableId, _time(moment)]


def _ddl(table: Table) -> str:
    name = "`{}.{}.{}`".format(*_identity(table))
    if table.view is not None:
        return f"CREATE VIEW {name}\nAS {table.view.query};"
    fields = ",\n".join(
        f"  {field.name} {upstream_views._type(field)}"
        f"{' NOT NULL' if field.mode == 'REQUIRED' else ''}"
        for field in upstream_views.tables.fields(table)
    )
    text = f"CREATE TABLE {name}\n(\n{fields}\n)"
    if table.timePartitioning is not None and table.timePartitioning.field:
        text += f"\nPARTITION BY {_partition(table)}"
    if table.clustering is not None and table.clustering.fields:
        text += f"\nCLUSTER BY {', '.join(table.clustering.fields)}"
    return f"{text};"


def _partition(table: Table) -> str:
    partitioning = table.timePartitioning
    assert partitioning is not None, "the table has partitions by time"
    field, unit = str(partitioning.field), partitioning.type or "DAY"
    kinds = {f.name: f.type for f in upstream_views.tables.fields(table)}
    kind = str(kinds.get(field, "DATE"))
    if unit == "DAY":
        return field if kind == "DATE" else f"DATE({field})"
    return f"{kind}_TRUNC({field}, {unit})"


def in_region(rows: Rows, region: str, project_id: str, place_of: Any) -> Rows:
    """The rows about datasets of one location."""
    names, found = rows
    place = next(
        (n for n, column in enumerate(names) if column.split(" ")[0].endswith("_schema")), None
    )
    if place is None:
        place = names.index("schema_name") if "schema_name" in names else None
    if place is None:
        return rows
    kept = []
    for row in found:
        # Of a dataset itself, OBJECT_PRIVILEGES has no schema.
        dataset_id = row[place] if row[place] is not None else row[place + 1]
        if isinstance(dataset_id, exp.Expression) or place_of(project_id, dataset_id) == region:
            kept.append(row)
    return names, kept
