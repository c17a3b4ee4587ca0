import re

import pytest
from bqvertex.specs.model_kind import kinds
from bqvertex.specs.remote_model import (
    OPTIONS,
    input_problems,
    remote_model_statement,
    with_connection,
)
from bqvertex.specs.statement import StatementError
from hypothesis import given, settings
from hypothesis import strategies as st

from googlesql.constant import Interval
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


def test_an_open_model_is_deployed_as_it_is_said():
    read = create_model(
        statement(
            endpoint=None,
            hugging_face_model_id="google/gemma-3-270m-it",
            machine_type="g2-standard-12",
            min_replica_count=1,
            max_replica_count=2.0,
            endpoint_idle_ttl="interval 8 hour",
            reservation_affinity_type="SPECIFIC_RESERVATION",
            reservation_affinity_values=["projects/p/zones/us-central1-a/reservations/r"],
        )
    )

    assert read.options == {
        "HUGGING_FACE_MODEL_ID": "google/gemma-3-270m-it",
        "MACHINE_TYPE": "g2-standard-12",
        "MIN_REPLICA_COUNT": 1,
        "MAX_REPLICA_COUNT": 2,
        "ENDPOINT_IDLE_TTL": Interval(8, "HOUR"),
        "RESERVATION_AFFINITY_TYPE": "SPECIFIC_RESERVATION",
        "RESERVATION_AFFINITY_VALUES": ["projects/p/zones/us-central1-a/reservations/r"],
        "RESERVATION_AFFINITY_KEY": "compute.googleapis.com/reservation-name",
    }


def test_a_cloud_ai_service_over_the_default_connection():
    written = statement(
        connection="default",
        endpoint=None,
        remote_service_type="CLOUD_AI_DOCUMENT_V1",
        document_processor="639b990bd98a132a",
    )

    assert written == (
        "CREATE MODEL `assistant`\n"
        "REMOTE WITH CONNECTION DEFAULT\n"
        "OPTIONS (REMOTE_SERVICE_TYPE = 'CLOUD_AI_DOCUMENT_V1', "
        "DOCUMENT_PROCESSOR = '639b990bd98a132a')"
    )


def test_every_option_of_a_model_without_a_query_has_an_input():
    remote = [kind for kind in kinds().values() if kind.is_remote and not kind.has_query]

    options = {name for kind in remote for name in kind.options}

    assert options - OPTIONS.keys() == {"HUGGING_FACE_TOKEN", "RESERVATION_AFFINITY_KEY"}


TUNED = """\
CREATE MODEL tuned -- REMOTE WITH CONNECTION a.b.c
REMOTE WITH CONNECTION %s
OPTIONS (endpoint = 'gemini-2.5-flash')
AS SELECT prompt, label FROM examples
"""


@pytest.mark.parametrize("before", ["DEFAULT", "`p.us.c`", "`p`.`us`.`c`"])
@pytest.mark.parametrize(("given", "after"), [("q.eu.d", "`q`.`eu`.`d`"), ("DEFAULT", "DEFAULT")])
def test_another_connection_takes_the_place_of_the_statements_own(before, given, after):
    assert with_connection(TUNED % before, given) == TUNED % after


def test_a_statement_without_a_connection_takes_none():
    with pytest.raises(ValueError, match=r"^a\.sql has no REMOTE WITH CONNECTION"):
        with_connection("CREATE MODEL m AS SELECT 1 AS label", "DEFAULT", "a.sql")


def test_a_statement_that_cannot_be_read_is_named_with_its_place():
    with pytest.raises(StatementError, match=r"^a\.sql:1:8: MODLE is not"):
        with_connection("CREATE MODLE m", "DEFAULT", "a.sql")


@pytest.mark.parametrize(
    ("given", "reasons"),
    [
        ({"endpoint"}, []),
        ({"endpoint", "inputs", "outputs"}, []),
        ({"hugging_face_model_id", "machine_type", "endpoint_idle_ttl"}, []),
        ({"remote_service_type", "speech_recognizer"}, []),
        (set(), ["give exactly one of endpoint, .*; got none"]),
        (
            {"endpoint", "remote_service_type"},
            ["give exactly one of .*; got endpoint and remote_service_type"],
        ),
        (
            {"endpoint", "machine_type"},
            ["machine_type goes with hugging_face_model_id or model_garden_model_name, not with e"],
        ),
        (
            {"hugging_face_model_id", "inputs", "document_processor"},
            [
                "inputs goes with endpoint, not with hugging_face_model_id",
                "document_processor goes with remote_service_type, not with hugging_face_model_id",
            ],
        ),
    ],
)
def test_there_is_one_way_to_say_what_is_called(given, reasons):
    found = list(input_problems(given))

    assert len(found) == len(reasons)
    assert [r for r, words in zip(found, reasons, strict=True) if not re.match(words, r)] == []


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
        ({"options": {"endpoint": "x"}}, "an input of its own: endpoint"),
        ({"options": {"machine_type": "x"}}, "an input of its own: machine_type"),
        ({"endpoint_idle_ttl": "8 hours"}, "'8 hours'; give an interval such as 'INTERVAL 8 HOUR'"),
        ({"options": {"max rows": 1}}, "'MAX ROWS' is no name of an option"),
    ],
)
def test_what_cannot_be_is_said(given, words):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        statement(**given)

    assert words in str(caught.value)


def test_a_token_is_refused_and_not_shown():
    with pytest.raises(ValueError, match="option HUGGING_FACE_TOKEN is a secret") as caught:
        statement(options={"hugging_face_token": "hf_sesame"})

    assert "sesame" not in str(caught.value)
