"""INFORMATION_SCHEMA: the documented columns in their order, and what they tell."""

from typing import Any

import pytest
from google.cloud import bigquery

from tests.localcloud.bigquery.conftest import PROJECT, Run

COLUMNS = {
    "TABLES": "table_catalog table_schema table_name table_type managed_table_type "
    "is_insertable_into is_fine_grained_mutations_enabled is_typed is_change_history_enabled "
    "creation_time base_table_catalog base_table_schema base_table_name snapshot_time_ms "
    "replica_source_catalog replica_source_schema replica_source_name replication_status "
    "replication_error ddl default_collation_name upsert_stream_apply_watermark",
    "COLUMNS": "table_catalog table_schema table_name column_name ordinal_position is_nullable "
    "data_type is_generated generation_expression is_stored is_hidden is_updatable "
    "is_system_defined is_partitioning_column clustering_ordinal_position collation_name "
    "column_default rounding_mode data_policies policy_tags",
    "COLUMN_FIELD_PATHS": "table_catalog table_schema table_name column_name field_path data_type "
    "description collation_name rounding_mode data_policies policy_tags",
    "SCHEMATA": "catalog_name schema_name schema_owner creation_time last_modified_time location "
    "ddl default_collation_name sync_status",
    "PARTITIONS": "table_catalog table_schema table_name partition_id total_rows "
    "total_logical_bytes total_billable_bytes last_modified_time storage_tier",
    "TABLE_STORAGE": "project_id project_number table_catalog table_schema table_name "
    "creation_time total_rows total_partitions total_logical_bytes active_logical_bytes "
    "long_term_logical_bytes current_physical_bytes total_physical_bytes active_physical_bytes "
    "long_term_physical_bytes time_travel_physical_bytes storage_last_modified_time deleted "
    "table_type managed_table_type fail_safe_physical_bytes last_metadata_index_refresh_time "
    "table_deletion_reason table_deletion_time",
    "ROUTINES": "specific_catalog specific_schema specific_name routine_catalog routine_schema "
    "routine_name routine_type data_type routine_body routine_definition external_language "
    "is_deterministic security_type created last_altered ddl",
    "OBJECT_PRIVILEGES": "object_catalog object_schema object_name object_type privilege_type "
    "grantee",
    "JOBS": "cache_hit creation_time destination_table dml_statistics end_time error_result job_id "
    "job_type parent_job_id priority project_id project_number query reservation_id start_time "
    "state statement_type total_bytes_billed total_bytes_processed total_slot_ms transaction_id "
    "user_email",
}


@pytest.mark.covers("INFORMATION_SCHEMA")
@pytest.mark.parametrize("view", COLUMNS)
def test_a_view_has_the_documented_columns(
    client: bigquery.Client, dataset: str, run: Run, view: str
) -> None:
    run("CREATE TABLE t (a INT64)")

    rows = client.query(f"SELECT * FROM `region-us`.INFORMATION_SCHEMA.{view}").result()

    assert [field.name for field in rows.schema] == COLUMNS[view].split()


@pytest.fixture
def view(run: Run, dataset: str) -> Any:
    def rows(name: str, columns: str, where: str = "TRUE") -> list[tuple[Any, ...]]:
        sql = f"SELECT {columns} FROM {dataset}.INFORMATION_SCHEMA.{name} WHERE {where} ORDER BY 1"
        return [tuple(row.values()) for row in run(sql)]

    return rows


@pytest.fixture
def tables(run: Run) -> None:
    run(
        "CREATE TABLE t (a INT64 NOT NULL, s STRUCT<x INT64, y ARRAY<STRING>>, day DATE) "
        "PARTITION BY day CLUSTER BY a"
    )
    run("INSERT INTO t VALUES (1, NULL, '2024-01-01'), (2, NULL, '2024-01-01'), (3, NULL, NULL)")
    run("CREATE VIEW v AS SELECT a FROM t")
    run("CREATE SNAPSHOT TABLE s CLONE t")
    run("CREATE TABLE c CLONE t")


@pytest.mark.covers("INFORMATION_SCHEMA")
def test_tables_tell_their_type_and_base(view: Any, tables: None, dataset: str) -> None:
    assert view("TABLES", "table_name, table_type, is_insertable_into, base_table_name") == [
        ("c", "CLONE", "YES", "t"),
        ("s", "SNAPSHOT", "NO", "t"),
        ("t", "BASE TABLE", "YES", None),
        ("v", "VIEW", "NO", None),
    ]


@pytest.mark.covers("INFORMATION_SCHEMA")
def test_the_ddl_of_a_table_makes_it_again(
    client: bigquery.Client, run: Run, view: Any, tables: None, dataset: str
) -> None:
    before = client.get_table(f"{dataset}.t")
    [(ddl,)] = view("TABLES", "ddl", "table_name = 't'")

    run("DROP TABLE t")
    run(ddl)

    after = client.get_table(f"{dataset}.t")
    assert (after.schema, after.time_partitioning, after.clustering_fields) == (
        before.schema,
        before.time_partitioning,
        before.clustering_fields,
    )


@pytest.mark.covers("INFORMATION_SCHEMA")
def test_columns_and_paths_tell_types_and_layout(view: Any, tables: None) -> None:
    columns = view(
        "COLUMNS",
        "column_name, is_nullable, data_type, is_partitioning_column, clustering_ordinal_position",
        "table_name = 't'",
    )
    paths = view("COLUMN_FIELD_PATHS", "field_path", "table_name = 't'")

    assert (columns, [path for (path,) in paths]) == (
        [
            ("a", "NO", "INT64", "NO", 1),
            ("day", "YES", "DATE", "YES", None),
            ("s", "YES", "STRUCT<x INT64, y ARRAY<STRING>>", "NO", None),
        ],
        ["a", "day", "s", "s.x", "s.y"],
    )


@pytest.mark.covers("INFORMATION_SCHEMA")
def test_partitions_tell_their_rows_and_bytes(view: Any, tables: None) -> None:
    found = view("PARTITIONS", "partition_id, total_rows", "table_name = 't'")
    [(rows, partitions)] = view("TABLE_STORAGE", "total_rows, total_partitions", "table_name = 't'")

    assert (found, rows, partitions) == ([("20240101", 2), ("__NULL__", 1)], 3, 2)


@pytest.mark.covers("INFORMATION_SCHEMA")
def test_a_view_of_a_region_tells_of_its_datasets_alone(
    client: bigquery.Client, dataset: str, run: Run
) -> None:
    made = bigquery.Dataset(f"{PROJECT}.{dataset}_eu")
    made.location = "EU"
    client.create_dataset(made)
    client.query(f"CREATE TABLE {dataset}_eu.in_eu (a INT64)").result()
    run("CREATE TABLE in_us (a INT64)")

    found = {}
    for region in ("us", "eu"):
        sql = (
            f"SELECT table_name FROM `region-{region}`.INFORMATION_SCHEMA.TABLES "
            f"WHERE STARTS_WITH(table_schema, '{dataset}')"
        )
        found[region] = [row["table_name"] for row in client.query(sql, location=region).result()]
    client.delete_dataset(f"{dataset}_eu", delete_contents=True)

    assert found == {"us": ["in_us"], "eu": ["in_eu"]}


@pytest.mark.covers("INFORMATION_SCHEMA")
def test_jobs_tell_how_they_ended(client: bigquery.Client, dataset: str, run: Run) -> None:
    run("CREATE TABLE t AS SELECT 1 AS a")
    job = client.query(f"INSERT INTO {dataset}.t SELECT a FROM {dataset}.t")
    job.result()

    [row] = run(
        "SELECT job_type, statement_type, state, dml_statistics.inserted_row_count AS inserted, "
        "total_bytes_processed AS bytes, error_result IS NULL AS fine "
        f"FROM `region-us`.INFORMATION_SCHEMA.JOBS WHERE job_id = '{job.job_id}'"
    )

    assert row == {
        "job_type": "QUERY",
        "statement_type": "INSERT",
        "state": "DONE",
        "inserted": 1,
        "bytes": 8,
        "fine": True,
    }


@pytest.mark.covers("INFORMATION_SCHEMA", "GRANT")
def test_privileges_tell_what_was_granted(run: Run, dataset: str) -> None:
    run("CREATE TABLE granted (a INT64)")
    run("GRANT `roles/bigquery.dataViewer` ON TABLE granted TO 'user:a@b.co'")

    rows = run(
        "SELECT object_name, object_type, privilege_type, grantee "
        "FROM `region-us`.INFORMATION_SCHEMA.OBJECT_PRIVILEGES WHERE object_name = 'granted'"
    )

    assert [tuple(row.values()) for row in rows] == [
        ("granted", "TABLE", "roles/bigquery.dataViewer", "user:a@b.co")
    ]


@pytest.mark.covers("INFORMATION_SCHEMA")
def test_routines_tell_their_text(run: Run, view: Any) -> None:
    run("CREATE FUNCTION f(x INT64) RETURNS INT64 AS (x + 1)")

    assert view("ROUTINES", "routine_name, routine_type, data_type, routine_body") == [
        ("f", "FUNCTION", "INT64", "SQL")
    ]
