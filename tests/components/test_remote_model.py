import pulumi
import pytest
from bqvertex.connection import Connection
from bqvertex.dataset import Dataset
from bqvertex.default_connection import DefaultConnection
from bqvertex.remote_model import RemoteModel

from tests.components.plan import DATASET, GRANT, MODEL, planned

DEFAULT_CONNECTION = "pulumi-python:dynamic/bqvertex:DefaultConnection"
PLACE = {"project": "acme-prod", "location": "us-central1", "dataset_id": "nyc"}
GEMINI = {"model_id": "assistant", "endpoint": "gemini-2.5-flash"}


def connection() -> Connection:
    place = {key: PLACE[key] for key in ("project", "location")}
    args = {**place, "connection_id": "remote", "roles": ["roles/aiplatform.user"]}
    return Connection("remote", args)


def test_it_is_made_after_the_grants_of_its_connection_and_its_dataset():
    plan = planned(
        lambda: RemoteModel(
            "assistant",
            {"dataset": Dataset("nyc", PLACE), "connection": connection(), **GEMINI},
        )
    )

    model = plan.place(MODEL, "assistant")
    assert plan.place(GRANT, "remote-aiplatform.user") < model
    assert plan.place(DATASET, "nyc") < model


def test_it_is_made_after_the_default_connection_that_it_names():
    def program() -> None:
        default = DefaultConnection("default", {"connection": connection()})
        RemoteModel("assistant", {**PLACE, "connection": default, **GEMINI})

    plan = planned(program)

    assert "REMOTE WITH CONNECTION DEFAULT\n" in plan.inputs(MODEL, "assistant")["statement"]
    assert plan.place(DEFAULT_CONNECTION, "default") < plan.place(MODEL, "assistant")


def test_its_statement_names_connection_and_endpoint():
    plan = planned(
        lambda: RemoteModel("assistant", {**PLACE, "connection": connection(), **GEMINI})
    )

    assert plan.inputs(MODEL, "assistant") == {
        **PLACE,
        "model_id": "assistant",
        "statement": "CREATE MODEL `assistant`\n"
        "REMOTE WITH CONNECTION `acme-prod`.`us-central1`.`remote`\n"
        "OPTIONS (ENDPOINT = 'gemini-2.5-flash')",
        "owner": "organization/proj/test/assistant",
    }


def test_a_custom_endpoint_says_what_it_takes_and_answers():
    fields = {"inputs": {"origin": "STRING"}, "outputs": {"predicted_late": "STRING"}}

    plan = planned(
        lambda: RemoteModel(
            "late",
            {
                **PLACE,
                "model_id": "late",
                "connection": "acme-prod.us-central1.remote",
                "endpoint": pulumi.Output.from_input("projects/1/locations/eu/endpoints/2"),
                **fields,
            },
        )
    )

    assert plan.inputs(MODEL, "late")["statement"] == (
        "CREATE MODEL `late`\n"
        "INPUT (`origin` STRING)\n"
        "OUTPUT (`predicted_late` STRING)\n"
        "REMOTE WITH CONNECTION `acme-prod`.`us-central1`.`remote`\n"
        "OPTIONS (ENDPOINT = "
        "'https://eu-aiplatform.googleapis.com/v1/projects/1/locations/eu/endpoints/2')"
    )


@pytest.mark.parametrize(
    ("called", "options"),
    [
        (
            {"remote_service_type": "CLOUD_AI_TRANSLATE_V3"},
            "REMOTE_SERVICE_TYPE = 'CLOUD_AI_TRANSLATE_V3'",
        ),
        (
            {
                "remote_service_type": "CLOUD_AI_SPEECH_TO_TEXT_V2",
                "speech_recognizer": "projects/1/locations/us/rec/a",
            },
            "REMOTE_SERVICE_TYPE = 'CLOUD_AI_SPEECH_TO_TEXT_V2', "
            "SPEECH_RECOGNIZER = 'projects/1/locations/us/rec/a'",
        ),
        (
            {"model_garden_model_name": "publishers/google/models/gemma3@gemma-3-1b-it"},
            "MODEL_GARDEN_MODEL_NAME = 'publishers/google/models/gemma3@gemma-3-1b-it'",
        ),
        (
            {"hugging_face_model_id": "google/gemma-3-270m-it", "min_replica_count": 2},
            "HUGGING_FACE_MODEL_ID = 'google/gemma-3-270m-it', MIN_REPLICA_COUNT = 2",
        ),
        (
            {"endpoint": "text-embedding-005", "options": {"x": 1}},
            "ENDPOINT = 'text-embedding-005', X = 1",
        ),
    ],
)
def test_its_statement_says_what_it_calls(called, options):
    args = {**PLACE, "model_id": "assistant", "connection": "DEFAULT", **called}

    plan = planned(lambda: RemoteModel("assistant", args))

    assert plan.inputs(MODEL, "assistant")["statement"] == (
        f"CREATE MODEL `assistant`\nREMOTE WITH CONNECTION DEFAULT\nOPTIONS ({options})"
    )


TUNED = """\
CREATE MODEL tuned
REMOTE WITH CONNECTION DEFAULT
OPTIONS (endpoint = 'gemini-2.5-flash')
AS SELECT prompt, label FROM examples
"""
COLUMNS = [{"name": "prompt", "type": "STRING"}, {"name": "label", "type": "STRING"}]


def test_a_model_that_is_tuned_is_given_as_a_statement(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tuned.sql").write_text(TUNED)
    limits = {"max_price_usd": 5.0, "retrain_on": ["2027-01"], "schemas": {"examples": COLUMNS}}

    plan = planned(lambda: RemoteModel("t", {**PLACE, "statement_file": "tuned.sql", **limits}))

    assert plan.inputs(MODEL, "t") == {
        **PLACE,
        **limits,
        "model_id": "tuned",
        "statement": TUNED,
        "statement_file": "tuned.sql",
        "owner": "organization/proj/test/t",
    }


def test_a_statement_is_called_through_the_connection_that_is_given():
    plan = planned(
        lambda: RemoteModel("t", {**PLACE, "statement": TUNED, "connection": connection()})
    )

    assert plan.inputs(MODEL, "t")["statement"] == TUNED.replace(
        "DEFAULT", "`acme-prod`.`us-central1`.`remote`"
    )
    assert plan.place(GRANT, "remote-aiplatform.user") < plan.place(MODEL, "t")


REMOTE = {**PLACE, "connection": "DEFAULT", "model_id": "assistant"}


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (
            {**PLACE, "connection": "remote", **GEMINI},
            "assistant: connection 'remote' is neither of the form project.location.connection",
        ),
        (REMOTE, "give exactly one of endpoint, remote_service_type, hugging_face_model_id, "),
        (
            {**REMOTE, "endpoint": "e", "hugging_face_model_id": "h"},
            "which says what it calls; got endpoint and hugging_face_model_id",
        ),
        ({**REMOTE, **GEMINI, "machine_type": "g2"}, "machine_type goes with hugging_face_model"),
        ({**PLACE, **GEMINI}, "model assistant: give connection, or a statement that says it"),
        ({**PLACE, "connection": "DEFAULT", "endpoint": "e"}, "give model_id, or a statement"),
        ({**REMOTE, **GEMINI, "max_price_usd": 1.0}, "max_price_usd goes with a statement"),
        ({**REMOTE, **GEMINI, "statement": TUNED}, "endpoint: with a statement, write it there"),
        ({**REMOTE, "statement": TUNED, "options": {}}, "options: with a statement, write it th"),
        ({**REMOTE, **GEMINI, "endpont": "e"}, "no input 'endpont'; did you mean 'endpoint'? (ad"),
        ({**PLACE, "statement": "CREATE MODEL"}, "statement:1:13: Syntax error"),
        (
            {**REMOTE, "statement": "CREATE MODEL m OPTIONS (model_type = 'PCA') AS SELECT 1 AS a"},
            "model assistant: statement has no REMOTE WITH CONNECTION, as connection needs",
        ),
    ],
)
def test_a_wrong_declaration_is_one_message_of_the_preview(args, message):
    with pytest.raises(pulumi.RunError) as caught:
        planned(lambda: RemoteModel("assistant", args), preview=True)

    assert message in str(caught.value)


@pytest.mark.parametrize(
    "args",
    [
        {"hugging_face_model_id": "a/b", "options": {"hugging_face_token": "hf_sesame"}},
        {
            "statement": "CREATE MODEL m REMOTE WITH CONNECTION DEFAULT OPTIONS "
            "(hugging_face_model_id = 'a/b', hugging_face_token = 'hf_sesame')"
        },
    ],
)
def test_a_token_reaches_neither_state_nor_messages(args):
    with pytest.raises(pulumi.RunError, match="HUGGING_FACE_TOKEN is a secret") as caught:
        planned(lambda: RemoteModel("assistant", {**REMOTE, **args}), preview=True)

    assert "sesame" not in str(caught.value)
