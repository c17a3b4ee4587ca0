from pathlib import Path

import pulumi
import pytest
from bqvertex.dataset import Dataset
from bqvertex.remote_model import RemoteModel
from bqvertex.resources.model import ModelArgs
from bqvertex.specs.model import derived, problems
from bqvertex.trained_model import TrainedModel

from tests.components.plan import MODEL, SEED_TABLE, planned

PLACE = {"project": "acme-prod", "location": "us-central1", "dataset_id": "nyc"}
COLUMNS = [{"name": "late", "type": "BOOL"}, {"name": "origin", "type": "STRING"}]
STATEMENT = """\
CREATE MODEL arrival_delay
OPTIONS (model_type = 'LOGISTIC_REG', input_label_cols = ['late'])
AS SELECT late, origin FROM flights
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.sql").write_text(STATEMENT)
    return tmp_path


def dataset() -> Dataset:
    tables = {name: {"source": "a.csv", "schema": COLUMNS} for name in ("flights", "other")}
    return Dataset("nyc", {**PLACE, "labels": {"team": "data"}, "tables": tables})


def test_place_name_and_columns_follow_from_dataset_and_statement():
    plan = planned(
        lambda: TrainedModel("late", {"dataset": dataset(), "statement_file": "model.sql"})
    )

    assert plan.inputs(MODEL, "late") == {
        **PLACE,
        "model_id": "arrival_delay",
        "statement": STATEMENT,
        "statement_file": "model.sql",
        "schemas": {"flights": COLUMNS},
        "labels": {"team": "data"},
        "owner": "organization/proj/test/late",
    }


def test_it_is_trained_after_all_of_its_dataset():
    plan = planned(lambda: TrainedModel("late", {"dataset": dataset(), "statement": STATEMENT}))

    assert plan.place(SEED_TABLE, "nyc-flights") < plan.place(MODEL, "late")


def test_without_a_dataset_the_place_is_given_and_bigquery_finds_the_columns_out():
    plan = planned(lambda: TrainedModel("late", {**PLACE, "statement": STATEMENT}))

    assert plan.inputs(MODEL, "late") == {
        **PLACE,
        "model_id": "arrival_delay",
        "statement": STATEMENT,
        "owner": "organization/proj/test/late",
    }


def test_a_table_made_elsewhere_is_declared_by_its_columns():
    schemas = {"weather": COLUMNS}
    text = STATEMENT.replace("flights", "weather")

    plan = planned(
        lambda: TrainedModel("late", {"dataset": dataset(), "statement": text, "schemas": schemas})
    )

    assert plan.inputs(MODEL, "late")["schemas"] == schemas


def test_every_input_of_the_resource_can_be_given():
    given = {
        "adopt": True,
        "adopt_as_is": False,
        "description": "Late?",
        "evaluation": {"roc_auc": {"min": 0.75, "min_change": -0.01}},
        "evaluation_query": "SELECT late, origin FROM flights",
        "expiration": "2030-01-01T00:00:00Z",
        "job_timeout_s": 600.0,
        "labels": {"team": "data"},
        "max_bytes_billed": 10**9,
        "max_price_usd": 2.5,
        "retrain_on": ["2027-01"],
        "schemas": {"flights": COLUMNS},
    }
    put_together = {*PLACE, "model_id", "models", "statement", "statement_file"}

    plan = planned(lambda: TrainedModel("late", {**PLACE, "statement": STATEMENT, **given}))

    assert given.keys() | put_together >= ModelArgs.__annotations__.keys()
    assert plan.inputs(MODEL, "late").items() >= given.items()


def test_it_is_made_after_the_models_whose_functions_it_calls():
    def program() -> None:
        first = TrainedModel("first", {**PLACE, "statement": STATEMENT})
        remote = RemoteModel(
            "remote",
            {**PLACE, "model_id": "r", "connection": "DEFAULT", "endpoint": "text-embedding-005"},
        )
        args = {**PLACE, "statement": STATEMENT, "model_id": "b", "models": [first, remote]}
        TrainedModel("a-second", args)

    plan = planned(program)

    second = plan.place(MODEL, "a-second")
    assert max(plan.place(MODEL, "first"), plan.place(MODEL, "remote")) < second


CALLING = """\
CREATE MODEL second OPTIONS (model_type = 'LINEAR_REG', input_label_cols = ['seats'])
AS SELECT predicted_late, 1 AS seats FROM ML.PREDICT(MODEL arrival_delay, (SELECT * FROM flights))
"""


def test_what_its_models_answer_is_known_at_preview():
    def program() -> None:
        nyc = dataset()
        first = TrainedModel("first", {"dataset": nyc, "statement": STATEMENT})
        second = {"dataset": nyc, "statement": CALLING, "models": [first]}
        calling = CALLING.replace("second", "third").replace("arrival_delay", "second")
        third = {"dataset": nyc, "statement": calling, "models": [TrainedModel("second", second)]}
        TrainedModel("third", third)

    plan = planned(program, preview=True)
    inputs = plan.inputs(MODEL, "second")
    wrong = CALLING.replace("predicted_late,", "predicted_lates,")

    assert list(problems({}, inputs)) == []
    assert derived({}, inputs)["result_columns"] == {"predicted_late": "BOOL", "seats": "INT64"}
    assert [reason for _, reason in problems({}, {**inputs, "statement": wrong})] == [
        "statement:2:11: Unrecognized name: predicted_lates; Did you mean predicted_late?\n"
        f"{wrong.splitlines()[1]}\n          ^"
    ]
    assert plan.inputs(MODEL, "third")["models"]["second"]["label_columns"] == [["seats", "INT64"]]


def test_its_outputs():
    seen = {}

    def program() -> pulumi.Output:
        model = TrainedModel("late", {**PLACE, "statement": STATEMENT})
        return pulumi.Output.all(
            path=model.model_path, hash=model.definition_hash, metrics=model.evaluation_metrics
        ).apply(seen.update)

    planned(program)

    assert seen == {
        "path": "acme-prod.nyc.arrival_delay",
        "hash": "beef",
        "metrics": {"accuracy": 0.75},
    }


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({**PLACE, "statement_file": "no.sql"}, "no.sql: No such file or directory"),
        (PLACE, "model late: give either statement_file or statement"),
        ({"statement": STATEMENT}, "model late: give dataset, or project, location, dataset_id"),
        ({**PLACE, "statement": "SELECT 1"}, "statement:1:1: this is SELECT"),
        (
            {**PLACE, "statement": STATEMENT, "retrained_on": ["a"]},
            "model late: no input 'retrained_on'; did you mean 'retrain_on'? (adopt, ",
        ),
        (
            {
                **PLACE,
                "statement": "CREATE MODEL m REMOTE WITH CONNECTION DEFAULT OPTIONS "
                "(hugging_face_model_id = 'a/b', hugging_face_token = 'hf_sesame')",
            },
            "model late: statement: option HUGGING_FACE_TOKEN is a secret",
        ),
        (
            {**PLACE, "statement": STATEMENT, "schemas": {"flight": COLUMNS}},
            "statement:3:29: table flights is not declared; did you mean flight?",
        ),
    ],
)
def test_a_wrong_declaration_is_one_message_of_the_preview(args, message):
    with pytest.raises(pulumi.RunError) as caught:
        planned(lambda: TrainedModel("late", args))

    assert message in str(caught.value)


JOINED = """\
CREATE MODEL joined OPTIONS (model_type = 'LOGISTIC_REG', input_label_cols = ['late'])
AS SELECT flights.late, told.label FROM flights CROSS JOIN told
"""


def test_what_is_known_is_checked_beside_a_view_of_unknown_columns(folder):
    # Only BigQuery knows what this function answers.
    (folder / "told.sql").write_text("SELECT * FROM ML.PREDICT(MODEL elsewhere, TABLE flights)")

    def program() -> None:
        tables = {"flights": {"source": "a.csv", "schema": COLUMNS}}
        nyc = Dataset("nyc", {**PLACE, "tables": tables, "views": {"told": "told.sql"}})
        TrainedModel("joined", {"dataset": nyc, "statement": JOINED})

    inputs = planned(program, preview=True).inputs(MODEL, "joined")
    wrong = {**inputs, "statement": JOINED.replace("flights.late", "flights.latte")}

    assert inputs["schemas"] == {"flights": COLUMNS, "told": []}
    assert list(problems({}, inputs)) == []
    assert ["latte" in reason for _, reason in problems({}, wrong)] == [True]
