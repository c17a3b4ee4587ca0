"""What clients such as bigframes rely on: sessions' tables, destinations, times of tables."""

import pytest
from google.api_core import exceptions
from google.cloud import bigquery

from tests.localcloud.bigquery.conftest import Run


@pytest.fixture
def session(client: bigquery.Client) -> str:
    job = client.query("SELECT 1", bigquery.QueryJobConfig(create_session=True))
    job.result()
    assert job.session_info is not None
    return str(job.session_info.session_id)


def inside(session: str) -> bigquery.QueryJobConfig:
    """The settings of a job of that session."""
    properties = [bigquery.ConnectionProperty("session_id", session)]
    return bigquery.QueryJobConfig(connection_properties=properties)


@pytest.mark.covers("sessions")
def test_a_table_of_a_session_is_found_outside_by_its_full_name(
    client: bigquery.Client, session: str
) -> None:
    made = client.query("CREATE TEMP TABLE _SESSION.kept (x INT64)", inside(session))
    made.result()

    client.query("INSERT INTO _SESSION.kept VALUES (1), (2)", inside(session)).result()
    bare = client.query("SELECT SUM(kept.x) AS total FROM kept", inside(session)).result()
    outside = client.query(f"SELECT COUNT(*) AS n FROM `{made.destination}`").result()

    assert [dict(row) for row in (*bare, *outside)] == [{"total": 3}, {"n": 2}]


@pytest.mark.covers("sessions")
def test_the_end_of_a_session_takes_its_tables_away(client: bigquery.Client, session: str) -> None:
    made = client.query("CREATE TEMP TABLE _SESSION.gone AS SELECT 1 AS x", inside(session))
    made.result()

    client.query(f"CALL BQ.ABORT_SESSION('{session}')").result()

    with pytest.raises(exceptions.NotFound):
        client.get_table(made.destination)
    with pytest.raises(exceptions.BadRequest, match="Invalid input session id"):
        client.query("SELECT 1", inside(session)).result()


def test_a_session_holds_temporary_tables_only(client: bigquery.Client, session: str) -> None:
    with pytest.raises(exceptions.BadRequest, match="CREATE TEMP TABLE"):
        client.query("CREATE TABLE _SESSION.t (x INT64)", inside(session)).result()


@pytest.mark.covers("bigquery.jobs.insert")
def test_what_a_statement_makes_is_its_destination_and_no_result(
    client: bigquery.Client, dataset: str
) -> None:
    table = client.query(f"CREATE TABLE {dataset}.t AS SELECT 1.0 AS x, 2.0 AS y")
    rows = list(table.result())
    model = client.query(
        f"CREATE MODEL {dataset}.m OPTIONS (model_type = 'LINEAR_REG', input_label_cols = ['y']) "
        "AS SELECT x, 2.0 * x AS y FROM UNNEST([1.0, 2.0, 3.0]) AS x"
    )
    rows += list(model.result())

    assert [str(table.destination), str(model.destination), rows] == [
        f"{client.project}.{dataset}.t",
        f"{client.project}.{dataset}.m",
        [],
    ]


@pytest.mark.covers("FOR SYSTEM_TIME AS OF")
def test_a_table_as_of_a_time_since_its_last_change_is_the_table(run: Run) -> None:
    run("CREATE TABLE t AS SELECT 1 AS x")

    assert run("SELECT x FROM t FOR SYSTEM_TIME AS OF CURRENT_TIMESTAMP()") == [{"x": 1}]


@pytest.mark.covers("FOR SYSTEM_TIME AS OF")
def test_a_table_as_of_a_time_before_its_last_change_is_refused(run: Run) -> None:
    run("CREATE TABLE t AS SELECT 1 AS x")
    [before] = run("SELECT STRING(CURRENT_TIMESTAMP()) AS moment")
    run("INSERT INTO t VALUES (2)")

    with pytest.raises(exceptions.MethodNotImplemented, match="since a table's last change only"):
        run(f"SELECT x FROM t FOR SYSTEM_TIME AS OF TIMESTAMP('{before['moment']}')")


def test_windows_are_ordered_by_chance(run: Run) -> None:
    rows = run(
        "SELECT *, ROW_NUMBER() OVER (ORDER BY CAST(RAND() AS STRING)) AS n "
        "FROM UNNEST(GENERATE_ARRAY(1, 50)) AS x"
    )
    kept = run(
        "SELECT t.x, ROW_NUMBER() OVER (ORDER BY RAND()) AS n FROM "
        "(SELECT x FROM UNNEST([1, 2, 3]) AS x) AS t"
    )

    assert {tuple(row) for row in rows} == {("x", "n")}
    assert [row["x"] for row in sorted(rows, key=lambda row: row["n"])] != list(range(1, 51))
    assert sorted(row["x"] for row in kept) == [1, 2, 3]


def test_merge_takes_a_query_without_a_name(run: Run) -> None:
    run("CREATE TABLE t AS SELECT 1 AS x")

    run(
        "MERGE INTO t USING (SELECT 5 AS x) ON FALSE "
        "WHEN NOT MATCHED BY SOURCE THEN DELETE WHEN NOT MATCHED THEN INSERT ROW"
    )

    assert run("SELECT x FROM t") == [{"x": 5}]


def test_a_column_may_be_called_as_a_function_is(run: Run) -> None:
    [row] = run("SELECT CURRENT_TIMESTAMP() AS `current_timestamp`")

    assert list(row) == ["current_timestamp"]


def test_labels_may_be_numbers(run: Run) -> None:
    assert run("SELECT 1 AS x", labels={"count": 2}) == [{"x": 1}]
