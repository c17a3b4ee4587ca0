import pytest
from bqvertex.specs.remote_model import remote_model_statement
from hypothesis import given, settings
from hypothesis import strategies as st

from googlesql.parser import create_model


def statement(**given):
    return remote_model_statement(
        "assistant",
        **{
            "connection": "acme-prod.us-central1.remote",
            "endpoint": "gemini-2.5-flash",
            "inputs": {},
            "outputs": {},
            "options": {},
            **given,
        },
    )


def test_a_hosted_model():
    assert statement() == (
        "CREATE MODEL `assistant`\n"
        "REMOTE WITH CONNECTION `acme-prod`.`us-central1`.`remote`\n"
        "OPTIONS (ENDPOINT = 'gemini-2.5-flash')"
    )


def test_a_custom_endpoint_is_named_by_its_url():
    name = "projects/acme-prod/locations/us-central1/endpoints/42"

    read = create_model(
        statement(
            endpoint=name,
            inputs={"origin": "string", "hours": "array<int64>"},
            outputs={"is_late": "STRING"},
        )
    )

    assert read.options == {"ENDPOINT": f"https://us-central1-aiplatform.googleapis.com/v1/{name}"}
    assert read.inputs == [("origin", "STRING"), ("hours", "ARRAY<INT64>")]
    assert read.outputs == [("is_late", "STRING")]


texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=30)


@settings(deadline=None)
@given(texts, texts)
def test_no_text_escapes_its_literal(endpoint, value):
    read = create_model(statement(endpoint=endpoint, options={"prompt_col": value}))

    assert read.path == ("assistant",)
    assert read.options["PROMPT_COL"] == value
    if not endpoint.startswith("projects/"):
        assert read.options["ENDPOINT"] == endpoint


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"connection": "remote"}, "project.location.connection"),
        ({"inputs": {"a": "STRING"}}, "inputs and outputs"),
        ({"inputs": {"a": "DATE"}, "outputs": {"b": "STRING"}}, "inputs 'a' has type 'DATE'"),
        ({"inputs": {"a": "TEXT"}, "outputs": {"b": "STRING"}}, "'TEXT' is no type"),
        ({"options": {"endpoint": "x"}}, "an input of its own"),
        ({"options": {"max rows": 1}}, "'MAX ROWS' is no name of an option"),
    ],
)
def test_what_cannot_be_is_said(given, words):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        statement(**given)

    assert words in str(caught.value)
