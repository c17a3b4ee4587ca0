import pulumi
import pytest
from bqvertex.connection import Connection
from bqvertex.dataset import Dataset
from bqvertex.remote_model import RemoteModel

from tests.components.plan import DATASET, GRANT, MODEL, planned

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


def test_what_cannot_be_written_is_one_message_of_the_preview():
    args = {**PLACE, "connection": "remote", **GEMINI}

    with pytest.raises(pulumi.RunError, match=r"assistant: connection .remote. is not of the form"):
        planned(lambda: RemoteModel("assistant", args))
