"""Dry runs: what a statement would give, and what is wrong with it, without any effect."""

import pytest
from google.api_core import exceptions
from google.cloud import bigquery

from tests.localcloud.bigquery.conftest import PROJECT, Run

pytestmark = pytest.mark.usefixtures("passengers")


def model(options: str, query: str = "SELECT class, age, points FROM shared.passengers") -> str:
    return f"CREATE MODEL m\nOPTIONS ({options})\nAS {query}"


def checked(client: bigquery.Client, dataset: str, sql: str) -> bigquery.QueryJob:
    config = bigquery.QueryJobConfig(default_dataset=f"{PROJECT}.{dataset}", dry_run=True)
    return client.query(sql, job_config=config)


@pytest.mark.parametrize(
    ("statement", "error", "message"),
    [
        (model("model_type = 'LINEAR_REG'"), exceptions.BadRequest, "names the column 'label'"),
        (
            model("model_type = 'LINEAR_REG', input_label_cols = ['nothing']"),
            exceptions.BadRequest,
            "input_label_cols names the column 'nothing'.*it gives class, age, points",
        ),
        (
            model(
                "model_type = 'LINEAR_REG', input_label_cols = ['points'], "
                "data_split_method = 'CUSTOM', data_split_col = 'part'"
            ),
            exceptions.BadRequest,
            "data_split_col names the column 'part'",
        ),
        (
            model("model_type = 'LINEAR_REG', input_label_cols = ['points'], l2_regg = 1"),
            exceptions.BadRequest,
            "option l2_regg",
        ),
        (
            model("model_type = 'LINEAR_REG', input_label_cols = ['points']", "SELECT\n agee"),
            exceptions.BadRequest,
            r"Unrecognized name: agee at \[4:2\]",
        ),
        (
            model("model_type = 'LINEAR_REG'", "SELECT * FROM shared.nobody"),
            exceptions.NotFound,
            "Not found: Table local-project:shared.nobody was not found in location US",
        ),
        ("SELECT age FROM shared.passengers WHERE\n nope", exceptions.BadRequest, r"at \[2:2\]"),
        ("SELEC 1", exceptions.BadRequest, r"at \[1:1\]"),
    ],
)
def test_a_wrong_statement_is_refused_as_when_it_runs(
    client: bigquery.Client, dataset: str, statement: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        checked(client, dataset, statement)


def test_the_label_may_come_from_transform(client: bigquery.Client, dataset: str) -> None:
    statement = (
        "CREATE MODEL m TRANSFORM (points / 2 AS half, age) "
        "OPTIONS (model_type = 'LINEAR_REG', input_label_cols = ['HALF']) "
        "AS SELECT age, points FROM shared.passengers"
    )

    job = checked(client, dataset, statement)

    assert (job.statement_type, job.ddl_operation_performed) == ("CREATE_MODEL", "CREATE")


@pytest.mark.parametrize(
    ("statement", "kind", "columns"),
    [
        (
            "SELECT age, age * 0.5 AS half, [class] AS classes FROM shared.passengers",
            "SELECT",
            [("age", "INTEGER"), ("half", "FLOAT"), ("classes", "STRING")],
        ),
        (
            "CREATE TABLE t AS SELECT class FROM shared.passengers",
            "CREATE_TABLE_AS_SELECT",
            [("class", "STRING")],
        ),
        (
            "SELECT * FROM ML.PREDICT(MODEL m, (SELECT age FROM shared.passengers))",
            "SELECT",
            [("predicted_points", "FLOAT"), ("age", "INTEGER")],
        ),
    ],
)
def test_a_dry_run_tells_the_columns(
    client: bigquery.Client,
    dataset: str,
    run: Run,
    statement: str,
    kind: str,
    columns: list[tuple[str, str]],
) -> None:
    options = "model_type = 'LINEAR_REG', input_label_cols = ['points']"
    run(model(options, "SELECT age, points FROM shared.passengers"))

    job = checked(client, dataset, statement)

    assert job.statement_type == kind
    assert [(field.name, field.field_type) for field in job.schema] == columns


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE other AS SELECT 1 AS x",
        "DROP TABLE t",
        "DELETE FROM t WHERE TRUE",
        "INSERT INTO t VALUES (2)",
        "CREATE MODEL n REMOTE WITH CONNECTION `us.ok` OPTIONS (ENDPOINT = 'gemini-2.5-flash')",
        model("model_type = 'LINEAR_REG', input_label_cols = ['points']"),
    ],
)
def test_a_dry_run_changes_nothing(
    client: bigquery.Client, dataset: str, run: Run, statement: str
) -> None:
    run("CREATE TABLE t AS SELECT 1 AS x")

    checked(client, dataset, statement)

    assert [table.table_id for table in client.list_tables(dataset)] == ["t"]
    assert list(client.list_models(dataset)) == []
    assert run("SELECT x FROM t") == [{"x": 1}]
