from pathlib import Path

import pulumi
import pytest
from bqvertex.dataset import Dataset
from bqvertex.resources import sql_resource as resource
from bqvertex.sql_resource import SqlResource

from tests.components.plan import SEED_TABLE, planned

SQL_RESOURCE = "pulumi-python:dynamic/bqvertex:SqlResource"
PLACE = {"project": "acme-prod", "location": "us-central1", "dataset_id": "shop"}
COLUMNS = [{"name": "ttl", "type": "INTEGER"}]
CREATE = "CREATE TABLE settings AS SELECT MAX(ttl) AS ttl FROM limits"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "create.sql").write_text(CREATE)
    return tmp_path


def dataset() -> Dataset:
    tables = {name: {"source": "a.csv", "schema": COLUMNS} for name in ("limits", "other")}
    return Dataset("shop", {**PLACE, "tables": tables})


def test_place_columns_and_texts_follow_from_dataset_and_files():
    args = {"create_file": "create.sql", "delete": "DROP TABLE settings", "triggers": [1]}

    plan = planned(lambda: SqlResource("settings", {"dataset": dataset(), **args}))

    assert plan.inputs(SQL_RESOURCE, "settings") == {
        **PLACE,
        "create": CREATE,
        "create_file": "create.sql",
        "delete": "DROP TABLE settings",
        "schemas": {"limits": COLUMNS},
        "triggers": [1],
        "owner": "organization/proj/test/bqvertex:index:SqlResource/settings",
    }
    assert plan.place(SEED_TABLE, "shop-limits") < plan.place(SQL_RESOURCE, "settings")


def test_a_text_that_is_known_later_is_passed_on():
    place = {"project": "acme-prod", "location": "US"}

    def program() -> None:
        later = pulumi.Output.from_input("CREATE TABLE a.b AS SELECT 1 AS c")
        SqlResource("b", {**place, "create": later})

    plan = planned(program)

    assert plan.inputs(SQL_RESOURCE, "b") == {
        **place,
        "create": "CREATE TABLE a.b AS SELECT 1 AS c",
        "owner": "organization/proj/test/bqvertex:index:SqlResource/b",
    }


def test_one_name_below_two_kinds_of_parents_is_two_declarations():
    args = {"project": "acme-prod", "location": "US", "create": "SELECT 1"}

    def program() -> None:
        resource.SqlResource("same", args)
        SqlResource("same", args)

    plan = planned(program)

    owners = {inputs["owner"] for typ, _, inputs in plan.registered if typ == SQL_RESOURCE}
    assert owners == {
        "organization/proj/test/same",
        "organization/proj/test/bqvertex:index:SqlResource/same",
    }


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        ({"create": "SELECT 1"}, "give dataset, or project, location"),
        (PLACE, "give create or create_file"),
        (
            {**PLACE, "create": "SELECT 1", "create_file": "create.sql"},
            "create or create_file, and",
        ),
        ({**PLACE, "create_file": "nowhere.sql"}, "nowhere.sql: No such file"),
        ({**PLACE, "create": "SELECT 1", "trigger": [1]}, "'trigger'; did you mean 'triggers'"),
    ],
)
def test_wrong_inputs_are_said(args, reason):
    with pytest.raises(pulumi.RunError, match=reason):
        planned(lambda: SqlResource("settings", args))
