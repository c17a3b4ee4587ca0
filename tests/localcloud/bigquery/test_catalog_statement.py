"""Statements about connections and tables, and those of which there is nothing."""

import pytest
from google.api_core import exceptions
from google.cloud import bigquery

from tests.localcloud.bigquery.conftest import PROJECT, Run

CREATE = "CREATE CONNECTION `us.made` OPTIONS (connection_type = 'CLOUD_RESOURCE')"
REMOTE = "CREATE MODEL m REMOTE WITH CONNECTION `us.made` OPTIONS (ENDPOINT = 'gemini-2.5-flash')"


def test_a_connection_is_made_used_and_dropped(run: Run) -> None:
    run(CREATE)
    run(REMOTE)

    run(f"DROP CONNECTION `{PROJECT}.us.made`")

    with pytest.raises(exceptions.NotFound, match=r"Not found: Connection local-project\.us\.made"):
        run(REMOTE.replace("MODEL m", "MODEL n"))


def test_a_connection_is_not_made_twice(run: Run) -> None:
    run(CREATE)
    run(CREATE.replace("CONNECTION", "CONNECTION IF NOT EXISTS"))

    with pytest.raises(exceptions.Conflict, match="Already Exists: Connection"):
        run(CREATE)

    run("DROP CONNECTION `us.made`")
    run("DROP CONNECTION IF EXISTS `us.made`")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("connection_type = 'SPARK'", "needs connection_type = 'CLOUD_RESOURCE'"),
        ("connection_type = 'CLOUD_RESOURCE', kind = 'x'", "Unknown option kind"),
    ],
)
def test_a_wrong_connection_is_refused(run: Run, options: str, message: str) -> None:
    with pytest.raises(exceptions.BadRequest, match=message):
        run(f"CREATE CONNECTION `us.wrong` OPTIONS ({options})")


def test_a_table_is_renamed(client: bigquery.Client, dataset: str, run: Run) -> None:
    run("CREATE TABLE t AS SELECT 1 AS x")
    run("ALTER TABLE t SET OPTIONS (description = 'd')")

    run("ALTER TABLE t RENAME TO u")

    assert run("SELECT x FROM u") == [{"x": 1}]
    assert [table.table_id for table in client.list_tables(dataset)] == ["u"]
    assert client.get_table(f"{dataset}.u").description == "d"


def test_an_index_does_not_go_with_a_new_name(run: Run, dataset: str) -> None:
    run("CREATE TABLE t (a STRING)")
    run("CREATE SEARCH INDEX i ON t(a)")

    run("ALTER TABLE t RENAME TO u")

    assert run(f"SELECT index_name FROM {dataset}.INFORMATION_SCHEMA.SEARCH_INDEXES") == []


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("ALTER TABLE nothing RENAME TO u", exceptions.NotFound),
        ("ALTER TABLE t RENAME TO t", exceptions.Conflict),
    ],
)
def test_a_table_is_not_renamed(run: Run, statement: str, error: type[Exception]) -> None:
    run("CREATE TABLE t AS SELECT 1 AS x")
    run("ALTER TABLE IF EXISTS nothing RENAME TO u")

    with pytest.raises(error):
        run(statement)


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("CREATE RESERVATION `p.region-us.r` OPTIONS (slot_capacity = 1)", "CREATE RESERVATION"),
        ("DROP CAPACITY `p.region-us.c`", "DROP CAPACITY"),
        ("CREATE ASSIGNMENT `p.region-us.r.a` OPTIONS (job_type = 'QUERY')", "CREATE ASSIGNMENT"),
        ("ALTER BI_CAPACITY `p.region-us.default` SET OPTIONS (size_gb = 1)", "ALTER BI_CAPACITY"),
        ("CREATE PROPERTY GRAPH g NODE TABLES (t KEY (x))", "CREATE PROPERTY GRAPH"),
        ("CREATE OR REPLACE DATA_POLICY `p.region-us.d` OPTIONS ()", "CREATE OR REPLACE DATA_POL"),
        ("UNDROP SCHEMA d", "UNDROP SCHEMA"),
        ("UNDROP TABLE t", "UNDROP TABLE"),
        (
            "CREATE FUNCTION f(x INT64) RETURNS INT64 LANGUAGE python "
            "OPTIONS (runtime_version = 'python-3.11', entry_point = 'f') AS 'f = abs'",
            "A function in python",
        ),
        (
            "CREATE FUNCTION f(x INT64) RETURNS INT64 REMOTE WITH CONNECTION `us.ok` "
            "OPTIONS (endpoint = 'https://x.example')",
            "A remote function",
        ),
        ("CREATE EXTERNAL TABLE e OPTIONS (format = 'CSV', uris = ['gs://b/o'])", "CREATE EXTERN"),
    ],
)
def test_what_is_not_there_is_named(run: Run, statement: str, words: str) -> None:
    with pytest.raises(exceptions.MethodNotImplemented, match=f"{words}.* is not implemented"):
        run(statement)
