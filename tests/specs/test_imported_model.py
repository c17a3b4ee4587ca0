import pytest
from bqvertex.specs.imported_model import imported_kinds, imported_model_statement
from hypothesis import given, settings
from hypothesis import strategies as st

from googlesql.parser import create_model

PATH = "gs://acme-models/late/model.onnx"


def statement(**given):
    return imported_model_statement(
        "late",
        **{
            "model_type": "ONNX",
            "model_path": PATH,
            "inputs": {},
            "outputs": {},
            "options": {},
            **given,
        },
    )


def test_a_model_whose_file_says_what_it_takes():
    assert statement() == (
        "CREATE MODEL `late`\n"
        "OPTIONS (MODEL_TYPE = 'ONNX', MODEL_PATH = 'gs://acme-models/late/model.onnx')"
    )


def test_a_model_whose_file_does_not_say_it():
    written = statement(
        model_type="xgboost",
        inputs={"hour": "int64", "miles": "FLOAT64"},
        outputs={"predicted_late": "FLOAT64"},
        options={"kms_key_name": "projects/p/locations/us/keyRings/r/cryptoKeys/k"},
    )

    assert written == (
        "CREATE MODEL `late`\n"
        "INPUT (`hour` INT64, `miles` FLOAT64)\n"
        "OUTPUT (`predicted_late` FLOAT64)\n"
        f"OPTIONS (MODEL_TYPE = 'XGBOOST', MODEL_PATH = '{PATH}', "
        "KMS_KEY_NAME = 'projects/p/locations/us/keyRings/r/cryptoKeys/k')"
    )


@pytest.mark.parametrize("model_type", imported_kinds())
def test_every_imported_kind_is_written(model_type):
    assert create_model(statement(model_type=model_type)).options["MODEL_TYPE"] == model_type


texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=30)


@settings(deadline=None)
@given(texts, texts, texts)
def test_no_text_escapes_its_literal_or_identifier(path, field, value):
    read = create_model(
        statement(
            model_type="XGBOOST",
            model_path=path,
            inputs={field: "INT64"},
            outputs={"out": "FLOAT64"},
            options={"kms_key_name": value},
        )
    )

    assert (read.path, read.inputs) == (("late",), [(field, "INT64")])
    assert read.options == {"MODEL_TYPE": "XGBOOST", "MODEL_PATH": path, "KMS_KEY_NAME": value}


FIELDS = {"inputs": {"a": "INT64"}, "outputs": {"b": "FLOAT64"}}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            {"model_type": "ONX"},
            "model_type 'ONX' is none of ONNX, TENSORFLOW, TENSORFLOW_LITE, XG",
        ),
        ({"model_type": "ONX"}, "did you mean ONNX?"),
        ({"model_type": "KMEANS"}, "TrainedModel makes such a model"),
        (FIELDS, "inputs and outputs are for model_type XGBOOST; a file of ONNX says its own"),
        ({"model_type": "XGBOOST", "inputs": {"a": "INT64"}}, "give inputs and outputs"),
        (
            {"model_type": "XGBOOST", **FIELDS, "inputs": {"a": "STRING"}},
            "inputs 'a' has type 'STRING'; allowed are INT64, FLOAT64, NUMERIC, BIGNUMERIC",
        ),
        (
            {"model_type": "XGBOOST", **FIELDS, "outputs": {"b": "INT64"}},
            "outputs 'b' has type 'INT64'; allowed are FLOAT64",
        ),
        ({"options": {"model_path": "x"}}, "options has MODEL_PATH, which is an input of its own"),
    ],
)
def test_what_cannot_be_is_said(given, words):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        statement(**given)

    assert words in str(caught.value)
