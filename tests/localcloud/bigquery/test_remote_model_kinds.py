"""Remote models of every kind: what is accepted, what is refused, what models.get tells."""

from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import bigquery

from tests.localcloud.bigquery.conftest import PROJECT, Run, Server

GARDEN = "MODEL_GARDEN_MODEL_NAME = 'publishers/google/models/gemma3@gemma-3-270m-it'"
FACE = "HUGGING_FACE_MODEL_ID = 'google/embeddinggemma-300m'"


def create(options: str, clauses: str = "", query: str = "") -> str:
    return f"CREATE MODEL m {clauses} REMOTE WITH CONNECTION `us.ok` OPTIONS ({options}) {query}"


def publisher(who: str, model: str) -> str:
    return (
        f"https://us-central1-aiplatform.googleapis.com/v1/projects/{PROJECT}/locations/"
        f"us-central1/publishers/{who}/models/{model}"
    )


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("ENDPOINT = 'gemini-2.5-flash'", {"endpoint": publisher("google", "gemini-2.5-flash")}),
        (
            "ENDPOINT = 'text-embedding-005'",
            {"endpoint": publisher("google", "text-embedding-005")},
        ),
        (
            "ENDPOINT = 'multimodalembedding@001'",
            {"endpoint": publisher("google", "multimodalembedding@001")},
        ),
        (
            "ENDPOINT = 'claude-sonnet-4-5'",
            {"endpoint": publisher("anthropic", "claude-sonnet-4-5")},
        ),
        ("ENDPOINT = 'mistral-nemo'", {"endpoint": publisher("mistralai", "mistral-nemo")}),
        (
            "ENDPOINT = 'openapi/meta/llama-3.3-70b-instruct-maas'",
            {"endpoint": "openapi/meta/llama-3.3-70b-instruct-maas"},
        ),
        (
            "ENDPOINT = 'https://aiplatform.googleapis.com/v1/projects/p/locations/global/"
            "publishers/google/models/gemini-2.5-pro'",
            {
                "endpoint": "https://aiplatform.googleapis.com/v1/projects/p/locations/global/"
                "publishers/google/models/gemini-2.5-pro"
            },
        ),
        (
            "ENDPOINT = 'https://x.example/v1/endpoints/1', MAX_BATCHING_ROWS = 10",
            {"endpoint": "https://x.example/v1/endpoints/1", "maxBatchingRows": "10"},
        ),
        (
            "REMOTE_SERVICE_TYPE = 'CLOUD_AI_TRANSLATE_V3'",
            {"remoteServiceType": "CLOUD_AI_TRANSLATE_V3"},
        ),
        (
            "REMOTE_SERVICE_TYPE = 'cloud_ai_speech_to_text_v2', "
            "SPEECH_RECOGNIZER = 'projects/1/locations/us/recognizers/r'",
            {
                "remoteServiceType": "CLOUD_AI_SPEECH_TO_TEXT_V2",
                "speechRecognizer": "projects/1/locations/us/recognizers/r",
            },
        ),
        (
            "REMOTE_SERVICE_TYPE = 'CLOUD_AI_DOCUMENT_V1', DOCUMENT_PROCESSOR = '639b990bd98a132a'",
            {"remoteServiceType": "CLOUD_AI_DOCUMENT_V1"},
        ),
        (GARDEN, {}),
        ("HUGGING_FACE_MODEL_ID = 'deepseek-ai/DeepSeek-R1'", {}),
        (
            f"{FACE}, HUGGING_FACE_TOKEN = 'hf_secret', MACHINE_TYPE = 'g2-standard-12', "
            "MIN_REPLICA_COUNT = 1, MAX_REPLICA_COUNT = 2, ENDPOINT_IDLE_TTL = INTERVAL 8 HOUR, "
            "RESERVATION_AFFINITY_TYPE = 'SPECIFIC_RESERVATION', "
            "RESERVATION_AFFINITY_KEY = 'compute.googleapis.com/reservation-name', "
            "RESERVATION_AFFINITY_VALUES = ['projects/p/zones/us-central1-a/reservations/r']",
            {},
        ),
    ],
)
@pytest.mark.parametrize("dry_run", [True, False])
def test_every_kind_is_accepted(
    client: bigquery.Client, dataset: str, options: str, told: dict[str, Any], dry_run: bool
) -> None:
    config = bigquery.QueryJobConfig(default_dataset=f"{PROJECT}.{dataset}", dry_run=dry_run)

    job = client.query(create(options), job_config=config)

    assert (job.statement_type, job.total_bytes_processed) == ("CREATE_MODEL", 0)
    if dry_run:
        assert list(client.list_models(dataset)) == []
        return
    job.result()
    model = client.get_model(f"{dataset}.m")._properties
    assert model["remoteModelInfo"] == {"connection": f"{PROJECT}.us.ok", **told}
    assert model.get("trainingRuns") is None
    assert "hf_secret" not in str(model)


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (create("MAX_BATCHING_ROWS = 1"), "needs one of the options ENDPOINT.*none is given"),
        (create(f"{FACE}, {GARDEN}"), "HUGGING_FACE_MODEL_ID and MODEL_GARDEN_MODEL_NAME is given"),
        (create("ENDPOINT = 'gpt-5'"), "Option ENDPOINT is 'gpt-5'; it is an endpoint's https URL"),
        (create("ENDPOINT = 'gemini-2.5-pro', MACHINE_TYPE = 'x'"), "MACHINE_TYPE is not for"),
        (create("REMOTE_SERVICE_TYPE = 'CLOUD_AI_MAGIC_V1'"), "it is one of CLOUD_AI_NATURAL"),
        (create("REMOTE_SERVICE_TYPE = 'CLOUD_AI_DOCUMENT_V1'"), "needs the option DOCUMENT_PROC"),
        (
            create(
                "REMOTE_SERVICE_TYPE = 'CLOUD_AI_VISION_V1', "
                "SPEECH_RECOGNIZER = 'projects/1/locations/us/recognizers/r'"
            ),
            "SPEECH_RECOGNIZER needs REMOTE_SERVICE_TYPE = 'CLOUD_AI_SPEECH_TO_TEXT_V2'",
        ),
        (create("HUGGING_FACE_MODEL_ID = 'gemma'"), "it is provider_name/model_name"),
        (create("HUGGING_FACE_MODEL_ID = 'a b/c'"), "it is provider_name/model_name"),
        (create(f"{GARDEN}, HUGGING_FACE_TOKEN = 'hf'"), "HUGGING_FACE_TOKEN is not for"),
        (create(f"{FACE}, HUGGING_FACE_TOKEN = 5"), "HUGGING_FACE_TOKEN is hidden"),
        (create(f"{FACE}, MIN_REPLICA_COUNT = 0"), "MIN_REPLICA_COUNT is 0; it is an INT64"),
        (create(f"{FACE}, MIN_REPLICA_COUNT = 3, MAX_REPLICA_COUNT = 2"), "above MAX_REPLICA"),
        (create(f"{FACE}, ENDPOINT_IDLE_TTL = INTERVAL 6 HOUR"), "an INTERVAL from 390 MINUTE"),
        (
            create(f"{FACE}, RESERVATION_AFFINITY_TYPE = 'SPECIFIC_RESERVATION'"),
            "SPECIFIC_RESERVATION needs the option RESERVATION_AFFINITY_KEY",
        ),
        (
            create("ENDPOINT = 'gemini-2.5-pro'", "INPUT (x INT64) OUTPUT (y INT64)"),
            "INPUT and OUTPUT are for a remote model over an endpoint's URL",
        ),
    ],
)
@pytest.mark.parametrize("dry_run", [True, False])
def test_a_wrong_option_is_refused(
    client: bigquery.Client, dataset: str, statement: str, message: str, dry_run: bool
) -> None:
    config = bigquery.QueryJobConfig(default_dataset=f"{PROJECT}.{dataset}", dry_run=dry_run)

    with pytest.raises(exceptions.BadRequest, match=message):
        client.query(statement, job_config=config).result()


def test_a_model_is_not_tuned(run: Run) -> None:
    statement = create(
        "ENDPOINT = 'gemini-2.5-flash', PROMPT_COL = 'p', MAX_ITERATIONS = 3",
        query="AS SELECT 'a' AS p, 'b' AS label",
    )

    with pytest.raises(exceptions.MethodNotImplemented, match=r"Tuning gemini-2\.5-flash is not"):
        run(statement)


@pytest.mark.parametrize(
    ("options", "function"),
    [
        ("ENDPOINT = 'multimodalembedding@001'", "AI.GENERATE_EMBEDDING"),
        ("ENDPOINT = 'gemini-embedding-001'", "AI.GENERATE_TEXT"),
        ("ENDPOINT = 'claude-sonnet-4-5'", "AI.GENERATE_TEXT"),
        ("REMOTE_SERVICE_TYPE = 'CLOUD_AI_VISION_V1'", "ML.ANNOTATE_IMAGE"),
        ("REMOTE_SERVICE_TYPE = 'CLOUD_AI_SPEECH_TO_TEXT_V2'", "ML.TRANSCRIBE"),
        (GARDEN, "AI.GENERATE_TEXT"),
    ],
)
def test_a_function_that_is_not_there_is_named(run: Run, options: str, function: str) -> None:
    run(create(options))

    with pytest.raises(exceptions.MethodNotImplemented, match=f"{function} .*is not implemented"):
        run(f"SELECT * FROM {function}(MODEL m, (SELECT 'x' AS prompt, 'x' AS content))")


def test_an_endpoint_by_its_name_is_this_clouds(run: Run, server: Server) -> None:
    server.endpoints.answers["named"] = lambda instances: {
        "predictions": [{"y": instance["x"] + 1} for instance in instances]
    }
    run(
        create(
            "ENDPOINT = 'projects/p/locations/us-central1/endpoints/named'",
            "INPUT (x INT64) OUTPUT (y INT64)",
        )
    )

    rows = run("SELECT y, remote_model_status FROM ML.PREDICT(MODEL m, (SELECT 1 AS x))")

    assert rows == [{"y": 2, "remote_model_status": ""}]
