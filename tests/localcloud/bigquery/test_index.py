"""Vector and search indexes."""

from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import bigquery

from tests.localcloud.bigquery.conftest import PROJECT, Run

pytestmark = pytest.mark.covers("CREATE VECTOR INDEX", "CREATE SEARCH INDEX")

VECTORS = """
CREATE TABLE vectors AS
SELECT n AS id, [CAST(n AS FLOAT64), 1.0] AS embedding, CONCAT('t', n) AS title, [n] AS numbers
FROM UNNEST(GENERATE_ARRAY(1, 5000)) AS n
"""
TEXTS = """
CREATE TABLE texts (a STRING, b INT64, c STRUCT<d INT64, e ARRAY<STRING>, f STRUCT<g STRING>>)
"""
IVF = "CREATE VECTOR INDEX nearest ON vectors(embedding) OPTIONS (index_type = 'IVF')"
ALL = "CREATE SEARCH INDEX words ON texts(ALL COLUMNS)"


def told(run: Run, dataset: str, view: str, columns: str = "*") -> list[dict[str, Any]]:
    return run(f"SELECT {columns} FROM {dataset}.INFORMATION_SCHEMA.{view}")


def test_a_vector_index_is_told_as_documented(run: Run, dataset: str) -> None:
    run(VECTORS)

    run(
        "CREATE VECTOR INDEX nearest ON vectors(embedding) STORING(id, title) "
        "OPTIONS (index_type = 'IVF', distance_type = 'COSINE', "
        "ivf_options = '{\"num_lists\": 100}')"
    )

    [row] = told(run, dataset, "VECTOR_INDEXES")
    created = row["creation_time"]
    assert row == {
        "index_catalog": PROJECT,
        "index_schema": dataset,
        "table_name": "vectors",
        "index_name": "nearest",
        "index_status": "ACTIVE",
        "creation_time": created,
        "last_modification_time": created,
        "last_refresh_time": created,
        "disable_time": None,
        "disable_reason": None,
        "ddl": (
            f"CREATE VECTOR INDEX `nearest` ON `{PROJECT}.{dataset}.vectors`(embedding)\n"
            "STORING(id, title)\n"
            "OPTIONS (distance_type = 'COSINE', index_type = 'IVF', "
            "ivf_options = '{\"num_lists\": 100}')"
        ),
        "coverage_percentage": 100,
        "unindexed_row_count": 0,
        "total_logical_bytes": 0,
        "total_storage_bytes": 0,
        "last_index_alteration_info": None,
        "last_model_build_time": created,
    }
    assert told(run, dataset, "VECTOR_INDEX_COLUMNS", "index_column_name, index_field_path") == [
        {"index_column_name": "embedding", "index_field_path": "embedding"}
    ]
    assert told(run, dataset, "VECTOR_INDEX_OPTIONS", "option_name, option_type, option_value") == [
        {"option_name": "distance_type", "option_type": "STRING", "option_value": "COSINE"},
        {"option_name": "index_type", "option_type": "STRING", "option_value": "IVF"},
        {
            "option_name": "ivf_options",
            "option_type": "STRING",
            "option_value": '{"num_lists": 100}',
        },
    ]


def test_the_statement_that_a_view_tells_makes_the_same_index(run: Run, dataset: str) -> None:
    run(VECTORS)
    run(IVF)
    [before] = told(run, dataset, "VECTOR_INDEXES", "ddl")
    run("DROP VECTOR INDEX nearest ON vectors")

    run(before["ddl"])

    assert told(run, dataset, "VECTOR_INDEXES", "ddl") == [before]


def test_a_search_index_is_told_as_documented(run: Run, dataset: str) -> None:
    run(TEXTS)

    run(ALL)

    [row] = told(run, dataset, "SEARCH_INDEXES", "index_name, index_status, analyzer, ddl")
    assert row == {
        "index_name": "words",
        "index_status": "ACTIVE",
        "analyzer": "LOG_ANALYZER",
        "ddl": f"CREATE SEARCH INDEX `words` ON `{PROJECT}.{dataset}.texts`(ALL COLUMNS)",
    }
    paths = told(run, dataset, "SEARCH_INDEX_COLUMNS", "index_column_name, index_field_path")
    assert [(p["index_column_name"], p["index_field_path"]) for p in paths] == [
        ("a", "a"),
        ("c", "c.e"),
        ("c", "c.f.g"),
    ]
    options = told(run, dataset, "SEARCH_INDEX_OPTIONS", "option_name, option_type, option_value")
    assert [tuple(o.values()) for o in options] == [
        ("analyzer", "STRING", "LOG_ANALYZER"),
        ("data_types", "ARRAY<STRING>", '["STRING"]'),
    ]


def test_a_search_index_of_all_columns_holds_columns_that_come_later(
    run: Run, dataset: str
) -> None:
    run(TEXTS)
    run(ALL)

    run("ALTER TABLE texts ADD COLUMN later STRING")

    paths = told(run, dataset, "SEARCH_INDEX_COLUMNS", "index_field_path")
    assert {"index_field_path": "later"} in paths


def test_columns_of_a_search_index_have_options_of_their_own(run: Run, dataset: str) -> None:
    run(TEXTS)

    run(
        "CREATE SEARCH INDEX words ON texts(ALL COLUMNS WITH COLUMN OPTIONS("
        "a OPTIONS(index_granularity = 'GLOBAL'), b OPTIONS(data_types = ['INT64']))) "
        "OPTIONS (default_index_column_granularity = 'COLUMN')"
    )

    columns = "index_column_name, option_name, option_type, option_value"
    rows = told(run, dataset, "SEARCH_INDEX_COLUMN_OPTIONS", columns)
    assert [tuple(row.values()) for row in rows] == [
        ("a", "index_granularity", "STRING", "GLOBAL"),
        ("b", "data_types", "ARRAY<STRING>", '["INT64"]'),
    ]
    paths = told(run, dataset, "SEARCH_INDEX_COLUMNS", "index_field_path")
    assert [p["index_field_path"] for p in paths] == ["a", "b", "c.e", "c.f.g"]


@pytest.mark.parametrize(
    ("before", "statement", "kind", "operation"),
    [
        ([], IVF, "CREATE_VECTOR_INDEX", "CREATE"),
        ([IVF], IVF.replace("VECTOR", "OR REPLACE VECTOR", 1), "CREATE_VECTOR_INDEX", "REPLACE"),
        ([IVF], IVF.replace("INDEX", "INDEX IF NOT EXISTS", 1), "CREATE_VECTOR_INDEX", "SKIP"),
        ([IVF], "ALTER VECTOR INDEX nearest ON vectors REBUILD", "ALTER_VECTOR_INDEX", "ALTER"),
        ([IVF], "DROP VECTOR INDEX nearest ON vectors", "DROP_VECTOR_INDEX", "DROP"),
        ([], "DROP VECTOR INDEX IF EXISTS nearest ON vectors", "DROP_VECTOR_INDEX", "SKIP"),
        ([ALL], "DROP SEARCH INDEX words ON texts", "DROP_SEARCH_INDEX", "DROP"),
    ],
)
def test_a_statement_tells_what_it_did(
    client: bigquery.Client,
    dataset: str,
    run: Run,
    before: list[str],
    statement: str,
    kind: str,
    operation: str,
) -> None:
    for sql in (VECTORS, TEXTS, *before):
        run(sql)

    config = bigquery.QueryJobConfig(default_dataset=f"{PROJECT}.{dataset}")
    job = client.query(statement, job_config=config)
    job.result()

    assert (job.statement_type, job.ddl_operation_performed) == (kind, operation)
    assert job.ddl_target_table is not None


@pytest.mark.parametrize(
    ("before", "statement", "error", "message"),
    [
        ([IVF], IVF, exceptions.Conflict, r"Already Exists: Vector index .*vectors\.nearest"),
        (
            [IVF],
            IVF.replace("nearest", "other"),
            exceptions.BadRequest,
            "already has the vector index nearest; a table can have one",
        ),
        (
            [IVF],
            IVF.replace("INDEX nearest", "INDEX IF NOT EXISTS other"),
            exceptions.BadRequest,
            "already has the vector index nearest",
        ),
        (
            ["CREATE SEARCH INDEX nearest ON vectors(title)"],
            IVF,
            exceptions.BadRequest,
            "already has an index of the other kind named nearest",
        ),
        ([], IVF.replace("vectors", "nothing"), exceptions.NotFound, "Not found: Table"),
        ([], IVF.replace("(embedding)", "(nothing)"), exceptions.BadRequest, "Column nothing"),
        (
            [],
            IVF.replace("(embedding)", "(numbers)"),
            exceptions.BadRequest,
            "is ARRAY<INT64>; a vector index needs ARRAY<FLOAT64>",
        ),
        ([], IVF.replace("'IVF'", "'LSH'"), exceptions.BadRequest, "allowed are IVF, TREE_AH"),
        (
            [],
            IVF.replace("index_type = 'IVF'", "distance_type = 'COSINE'"),
            exceptions.BadRequest,
            "needs the option index_type",
        ),
        (
            [],
            IVF.replace("'IVF'", "'IVF', tree_ah_options = '{}'"),
            exceptions.BadRequest,
            "tree_ah_options needs index_type = 'TREE_AH'",
        ),
        (
            [],
            IVF.replace("'IVF'", "'IVF', ivf_options = '{\"num_lists\": 5001}'"),
            exceptions.BadRequest,
            "num_lists is 5001; it is an integer from 1 to 5000",
        ),
        (
            ["DELETE FROM vectors WHERE id = 1"],
            IVF,
            exceptions.BadRequest,
            "Total rows 4999 is smaller than min allowed 5000",
        ),
        ([], "DROP VECTOR INDEX nearest ON vectors", exceptions.NotFound, "Not found: Vector"),
        (
            [],
            "CREATE SEARCH INDEX words ON vectors(embedding)",
            exceptions.BadRequest,
            "is ARRAY<FLOAT64>; a search index of STRING cannot hold it",
        ),
        (
            [],
            "CREATE SEARCH INDEX words ON texts(b)",
            exceptions.BadRequest,
            "is INT64; a search index of STRING cannot hold it",
        ),
        (
            [],
            "CREATE SEARCH INDEX words ON texts(a) OPTIONS (analyser = 'LOG_ANALYZER')",
            exceptions.BadRequest,
            "Unknown option analyser of a search index",
        ),
        (
            ["CREATE VIEW seen AS SELECT 'x' AS a"],
            "CREATE SEARCH INDEX words ON seen(a)",
            exceptions.BadRequest,
            "is a VIEW; a search index needs a table",
        ),
    ],
)
def test_what_is_against_the_rules_is_refused(
    run: Run, before: list[str], statement: str, error: type[Exception], message: str
) -> None:
    for sql in (VECTORS, TEXTS, *before):
        run(sql)

    with pytest.raises(error, match=message):
        run(statement)


def test_a_search_index_is_altered(run: Run, dataset: str) -> None:
    run(TEXTS)
    run("CREATE SEARCH INDEX words ON texts(a)")

    run(
        "ALTER SEARCH INDEX words ON texts ADD COLUMN b OPTIONS (data_types = ['INT64']), "
        "SET OPTIONS (analyzer = 'NO_OP_ANALYZER'), DROP COLUMN a, REBUILD"
    )

    [row] = told(run, dataset, "SEARCH_INDEXES", "ddl, last_modification_time > creation_time AS m")
    assert row == {
        "ddl": (
            f"CREATE SEARCH INDEX `words` ON `{PROJECT}.{dataset}.texts`"
            "(b OPTIONS(data_types = ['INT64']))\nOPTIONS (analyzer = 'NO_OP_ANALYZER')"
        ),
        "m": True,
    }


def test_a_column_dropped_from_all_columns_leaves_the_others(run: Run, dataset: str) -> None:
    run(TEXTS)
    run(ALL)

    run("ALTER SEARCH INDEX words ON texts DROP COLUMN c")

    [row] = told(run, dataset, "SEARCH_INDEXES", "ddl")
    assert row["ddl"].endswith("texts`(a)")


def test_an_index_goes_with_its_table(run: Run, dataset: str) -> None:
    run(VECTORS)
    run(IVF)

    run("DROP TABLE vectors")
    run(VECTORS)

    assert told(run, dataset, "VECTOR_INDEXES") == []


def test_a_dry_run_makes_no_index(client: bigquery.Client, dataset: str, run: Run) -> None:
    run(VECTORS)
    config = bigquery.QueryJobConfig(default_dataset=f"{PROJECT}.{dataset}", dry_run=True)

    job = client.query(IVF, job_config=config)

    assert job.statement_type == "CREATE_VECTOR_INDEX"
    assert told(run, dataset, "VECTOR_INDEXES") == []


def test_a_dataset_without_indexes_has_the_documented_columns(
    client: bigquery.Client, dataset: str
) -> None:
    rows = client.query(f"SELECT * FROM {dataset}.INFORMATION_SCHEMA.VECTOR_INDEXES").result()

    fields = {field.name: field.field_type for field in rows.schema}
    assert list(rows) == []
    assert fields["coverage_percentage"] == "INTEGER"
    assert fields["last_refresh_time"] == "TIMESTAMP"
    assert fields["last_index_alteration_info"] == "RECORD"
