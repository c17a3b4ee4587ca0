import json
from pathlib import Path

import pulumi
import pytest
from bqvertex.dataset import Dataset

from tests.components.plan import DATASET, SEED_TABLE, TABLE, planned

PLACE = {"project": "acme-prod", "location": "us-central1", "dataset_id": "flights"}
COLUMNS = [{"name": "origin", "type": "STRING"}, {"name": "delay", "type": "INT64"}]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flights.schema.json").write_text(json.dumps(COLUMNS))
    (tmp_path / "late.sql").write_text("-- Late ones.\nSELECT origin FROM flights WHERE delay > 30")
    return tmp_path


def dataset(**more) -> Dataset:
    tables = {"flights": {"source": "flights.csv", "schema_file": "flights.schema.json"}}
    return Dataset("nyc", {**PLACE, "tables": tables, "views": {"late": "late.sql"}, **more})


def test_tables_come_before_the_views_that_read_them():
    plan = planned(dataset)

    order = [plan.place(DATASET, "nyc"), plan.place(SEED_TABLE, "nyc-flights")]
    order += [plan.place(TABLE, "nyc-late")]
    assert order == sorted(order)


def test_a_view_is_sent_with_whole_names_and_without_comments():
    plan = planned(dataset)

    assert plan.inputs(TABLE, "nyc-late")["view"] == {
        "query": "SELECT origin FROM `acme-prod`.`flights`.`flights` WHERE delay > 30",
        "useLegacySql": False,
    }


def test_a_table_gets_its_columns_from_the_file_and_the_datasets_labels():
    plan = planned(lambda: dataset(labels={"team": "data"}))

    assert plan.inputs(SEED_TABLE, "nyc-flights") == {
        **PLACE,
        "table_id": "flights",
        "source": "flights.csv",
        "schema": COLUMNS,
        "labels": {"team": "data"},
        "owner": "organization/proj/test/nyc-flights",
    }


def test_the_columns_of_tables_and_views_are_known_while_the_program_runs():
    schemas = {}

    planned(lambda: schemas.update(dataset().schemas))

    assert schemas == {
        "flights": COLUMNS,
        "late": [{"name": "origin", "type": "STRING", "mode": "NULLABLE"}],
    }


def test_a_comment_in_a_view_changes_neither_its_definition_nor_what_is_sent(folder):
    seen = []
    first = planned(lambda: seen.append(dataset().definitions))
    (folder / "late.sql").write_text("select origin -- where from\nFROM `flights` WHERE delay>30")

    second = planned(lambda: seen.append(dataset().definitions))

    assert seen[0] == seen[1]
    assert first.inputs(TABLE, "nyc-late") == second.inputs(TABLE, "nyc-late")


def test_views_may_read_views_in_any_order(folder):
    (folder / "a.sql").write_text("SELECT origin FROM late")

    plan = planned(lambda: dataset(views={"a_first": "a.sql", "late": "late.sql"}))

    assert plan.place(TABLE, "nyc-late") < plan.place(TABLE, "nyc-a_first")


def test_a_view_may_be_a_create_view_statement(folder):
    (folder / "late.sql").write_text("CREATE OR REPLACE VIEW late AS\nSELECT origin FROM flights;")

    plan = planned(dataset)

    assert plan.inputs(TABLE, "nyc-late")["view"]["query"] == (
        "SELECT origin FROM `acme-prod`.`flights`.`flights`"
    )


def test_outputs_are_put_together_from_what_is_known():
    seen = {}

    def program() -> pulumi.Output:
        made = dataset()
        return pulumi.Output.all(t=made.tables, v=made.views, c=made.contents).apply(seen.update)

    planned(program)

    assert seen == {
        "t": {"flights": "acme-prod.flights.flights"},
        "v": {"late": "acme-prod.flights.late"},
        "c": {"flights": "c0ffee"},
    }


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT\n  orgin FROM flights", "late.sql:2:3: Unrecognized name: orgin; Did you mean"),
        ("SELECT 1 FROM flight", "late.sql:1:15: table flight is not declared; did you mean fl"),
        ("SELEC 1", "late.sql:1:1: Syntax error"),
        ("DROP TABLE flights", "late.sql:1:1: this is DROP_TABLE; a view is a query"),
        ("CREATE VIEW other AS SELECT 1", "the statement makes view 'other', declared as 'late'"),
        ("SELECT * FROM late", "views read one another in a circle"),
    ],
)
def test_a_wrong_view_is_one_message_of_the_preview(folder, sql, message):
    (folder / "late.sql").write_text(sql)

    with pytest.raises(pulumi.RunError) as caught:
        planned(dataset)

    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"schema_file": "no.json"}, "no.json: No such file or directory"),
        ({}, "table flights: give either schema_file or schema"),
        ({"schema": [{"name": "a", "type": "TEXT"}]}, "table flights: schema: column 'a' has type"),
        ({"schema_file": "late.sql"}, "late.sql:1:1: Expecting value"),
    ],
)
def test_a_wrong_schema_is_one_message_of_the_preview(table, message):
    with pytest.raises(pulumi.RunError) as caught:
        planned(lambda: dataset(tables={"flights": {"source": "flights.csv", **table}}, views={}))

    assert message in str(caught.value)
