import pulumi
import pytest
from bqvertex.dataset import Dataset
from bqvertex.imported_model import ImportedModel

from tests.components.plan import DATASET, MODEL, planned

PLACE = {"project": "acme-prod", "location": "us-central1", "dataset_id": "nyc"}
ONNX = {"model_id": "late", "model_type": "ONNX", "model_path": "gs://acme-models/late.onnx"}


def test_its_statement_names_kind_and_file():
    plan = planned(lambda: ImportedModel("late", {**PLACE, **ONNX}))

    assert plan.inputs(MODEL, "late") == {
        **PLACE,
        "model_id": "late",
        "statement": "CREATE MODEL `late`\n"
        "OPTIONS (MODEL_TYPE = 'ONNX', MODEL_PATH = 'gs://acme-models/late.onnx')",
        "owner": "organization/proj/test/late",
    }


def test_it_is_imported_anew_when_its_file_is_another():
    def program() -> None:
        checksum = pulumi.Output.from_input("crc-1")
        ImportedModel("late", {**PLACE, **ONNX, "retrain_on": [checksum]})

    plan = planned(program)

    assert plan.inputs(MODEL, "late")["retrain_on"] == ["crc-1"]


def test_it_goes_where_its_dataset_is_and_comes_after_it():
    labels = {"labels": {"team": "data"}}

    plan = planned(
        lambda: ImportedModel("late", {"dataset": Dataset("nyc", {**PLACE, **labels}), **ONNX})
    )

    assert plan.inputs(MODEL, "late").items() >= {**PLACE, **labels}.items()
    assert plan.place(DATASET, "nyc") < plan.place(MODEL, "late")


def test_an_xgboost_model_says_what_it_takes_and_answers():
    fields = {"inputs": {"hour": "INT64"}, "outputs": {"predicted_late": "FLOAT64"}}

    plan = planned(
        lambda: ImportedModel("late", {**PLACE, **ONNX, "model_type": "XGBOOST", **fields})
    )

    assert plan.inputs(MODEL, "late")["statement"].splitlines()[1:3] == [
        "INPUT (`hour` INT64)",
        "OUTPUT (`predicted_late` FLOAT64)",
    ]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({**PLACE, **ONNX, "model_type": "ONX"}, "model late: model_type 'ONX' is none of ONNX, "),
        ({**PLACE, **ONNX, "model_pth": "x"}, "no input 'model_pth'; did you mean 'model_path'? ("),
        (ONNX, "model late: give dataset, or project, location, dataset_id"),
        ({**PLACE, **ONNX, "inputs": {"a": "INT64"}}, "inputs and outputs are for model_type XGB"),
    ],
)
@pytest.mark.parametrize("preview", [True, False])
def test_a_wrong_declaration_is_one_message_of_the_preview(args, message, preview):
    with pytest.raises(pulumi.RunError) as caught:
        planned(lambda: ImportedModel("late", args), preview=preview)

    assert message in str(caught.value)
