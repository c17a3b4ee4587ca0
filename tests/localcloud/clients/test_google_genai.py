"""google-genai, unchanged, over the running local cloud."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest

from tests.conftest import LocalCloud

pytestmark = pytest.mark.covers("google-genai")
MODEL = "gemini-2.5-flash"
STAND_IN = "[local cloud stand-in, not a real model]"


@pytest.fixture(scope="module")
def client(local_cloud: LocalCloud) -> Iterator[Any]:
    from google import genai
    from google.oauth2.credentials import Credentials

    made = genai.Client(
        vertexai=True,
        project="genai-project",
        location="us-central1",
        credentials=Credentials(token="local"),
        http_options={"base_url": local_cloud.url},
    )
    yield made
    made.close()


@pytest.mark.covers("aiplatform.projects.locations.publishers.models.generateContent")
def test_the_same_prompt_gets_the_same_unmistakable_answer(client: Any) -> None:
    answers = [
        client.models.generate_content(model=MODEL, contents="Why is the sky blue?")
        for _ in range(2)
    ]
    other = client.models.generate_content(model=MODEL, contents="Why is the sea salty?")

    assert answers[0].text.startswith(STAND_IN)
    assert answers[0].text == answers[1].text
    assert answers[0].text != other.text


def test_an_answer_follows_the_schema_that_is_asked_for(client: Any) -> None:
    from google.genai import types

    schema = {
        "type": "OBJECT",
        "properties": {"n": {"type": "INTEGER"}, "good": {"type": "BOOLEAN"}},
    }
    config = types.GenerateContentConfig(
        response_mime_type="application/json", response_schema=schema
    )

    answer = client.models.generate_content(model=MODEL, contents="How many?", config=config)

    assert {name: type(value) for name, value in answer.parsed.items()} == {"n": int, "good": bool}


@pytest.mark.covers("aiplatform.projects.locations.publishers.models.streamGenerateContent")
def test_a_stream_gives_the_answer_in_parts_and_says_at_last_why_it_ends(client: Any) -> None:
    whole = client.models.generate_content(model=MODEL, contents="Why is the sky blue?")

    chunks = list(
        client.models.generate_content_stream(model=MODEL, contents="Why is the sky blue?")
    )

    assert len(chunks) > 1
    assert "".join(chunk.text for chunk in chunks) == whole.text
    assert [bool(chunk.candidates[0].finish_reason) for chunk in chunks] == [
        *([False] * (len(chunks) - 1)),
        True,
    ]
    assert chunks[-1].usage_metadata == whole.usage_metadata


def test_a_chat_sends_what_was_said_before(client: Any) -> None:
    chat = client.chats.create(model=MODEL)

    first = chat.send_message("Hello")
    second = chat.send_message("Hello")

    assert first.text != second.text
    assert [content.role for content in chat.get_history()] == ["user", "model", "user", "model"]


@pytest.mark.covers("aiplatform.projects.locations.publishers.models.countTokens")
def test_tokens_are_counted(client: Any) -> None:
    assert client.models.count_tokens(model=MODEL, contents="one two three").total_tokens == 3


@pytest.mark.covers("aiplatform.projects.locations.publishers.models.predict")
@pytest.mark.parametrize(
    ("model", "dimensions"),
    [("text-embedding-005", 768), ("gemini-embedding-001", 3072)],
)
def test_texts_that_are_alike_lie_near_each_other(client: Any, model: str, dimensions: int) -> None:
    texts = ["late flights to Boston", "a late flight to Boston", "quarterly revenue of bakeries"]

    vectors = np.array([embedded(client, model, text) for text in texts])

    assert vectors.shape == (3, dimensions)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1)
    assert vectors[0] @ vectors[1] > 0.5 > 0.2 > vectors[0] @ vectors[2]
    assert embedded(client, model, texts[0]) == vectors[0].tolist()


@pytest.mark.covers("aiplatform.projects.locations.publishers.models.embedContent")
def test_gemini_embeddings_are_asked_for_in_their_own_way(client: Any) -> None:
    vector = embedded(
        client, "gemini-embedding-2-preview", "late flights", output_dimensionality=256
    )

    assert len(vector) == 256


def test_more_dimensions_than_a_model_has_are_refused(client: Any) -> None:
    from google.genai import errors

    with pytest.raises(errors.ClientError, match="769 is not from 1 to 768"):
        embedded(client, "text-embedding-005", "x", output_dimensionality=769)


def test_an_embedding_of_another_model_is_not_made_up(client: Any) -> None:
    from google.genai import errors

    with pytest.raises(errors.ServerError, match="of imagen-4 is not implemented"):
        embedded(client, "imagen-4", "x")


@pytest.mark.covers("failures on request")
@pytest.mark.parametrize(
    ("asked", "code", "message"),
    [
        ("error 429 no quota left", 429, "no quota left"),
        ("error 500", 500, "The prompt asked for this error"),
        ("error 999", 400, "it can ask for safety"),
    ],
)
def test_a_prompt_can_ask_for_an_error(client: Any, asked: str, code: int, message: str) -> None:
    from google.genai import errors

    with pytest.raises(errors.APIError, match=message) as caught:
        client.models.generate_content(model=MODEL, contents=f"Hello [[local-cloud: {asked}]]")

    assert caught.value.code == code


@pytest.mark.covers("failures on request")
def test_a_prompt_can_ask_to_be_blocked(client: Any) -> None:
    asked = "Hello [[local-cloud: safety]]"

    whole = client.models.generate_content(model=MODEL, contents=asked)
    streamed = list(client.models.generate_content_stream(model=MODEL, contents=asked))

    assert [
        (answer.text, answer.candidates[0].finish_reason.name) for answer in (whole, *streamed)
    ] == [(None, "SAFETY")] * 2


WEATHER = {
    "name": "get_current_weather",
    "description": "Weather of a city",
    "parameters": {
        "type": "OBJECT",
        "properties": {
            "city": {"type": "STRING"},
            "days": {"type": "INTEGER"},
            "unit": {"type": "STRING", "enum": ["celsius", "fahrenheit"]},
        },
    },
}


@pytest.mark.covers("function calling")
def test_a_function_is_called_when_the_prompt_is_about_it(client: Any) -> None:
    from google.genai import types

    config = types.GenerateContentConfig(tools=[{"function_declarations": [WEATHER]}])
    asked = "What is the weather of Boston for 3 days in fahrenheit?"
    first = client.models.generate_content(model=MODEL, contents=asked, config=config)
    other = client.models.generate_content(model=MODEL, contents="Tell a joke", config=config)

    [call] = first.function_calls
    assert (call.name, call.args) == (
        "get_current_weather",
        {"city": "Boston", "days": 3, "unit": "fahrenheit"},
    )
    assert other.function_calls is None
    assert other.text.startswith(STAND_IN)

    reply = types.Part.from_function_response(name=call.name, response={"sky": "blue"})
    second = client.models.generate_content(
        model=MODEL,
        contents=[
            types.Content(role="user", parts=[types.Part(text=asked)]),
            first.candidates[0].content,
            types.Content(role="user", parts=[reply]),
        ],
        config=config,
    )

    assert second.function_calls is None
    assert second.text.startswith(STAND_IN)


@pytest.mark.covers("function calling")
def test_mode_any_calls_a_function_whatever_is_asked(client: Any) -> None:
    def config(mode: str) -> dict[str, Any]:
        return {
            "tools": [{"function_declarations": [WEATHER]}],
            "tool_config": {"function_calling_config": {"mode": mode}},
        }

    called = client.models.generate_content(model=MODEL, contents="Hi", config=config("ANY"))
    streamed = list(
        client.models.generate_content_stream(model=MODEL, contents="Hi", config=config("ANY"))
    )
    silent = client.models.generate_content(
        model=MODEL, contents="weather of a city", config=config("NONE")
    )

    assert [call.name for call in called.function_calls] == ["get_current_weather"]
    assert [chunk.function_calls[0].name for chunk in streamed] == ["get_current_weather"]
    assert silent.function_calls is None


@pytest.mark.covers("aiplatform.projects.locations.publishers.models.computeTokens")
def test_tokens_are_told_one_by_one(client: Any) -> None:
    reply = client.models.compute_tokens(model=MODEL, contents="one two one ")

    [info] = reply.tokens_info
    assert info.tokens == [b"one ", b"two ", b"one "]
    assert info.token_ids[0] == info.token_ids[2] != info.token_ids[1]


def test_a_safety_setting_lets_pass_what_would_be_blocked(client: Any) -> None:
    asked = "Hello [[local-cloud: safety]]"
    category = "HARM_CATEGORY_DANGEROUS_CONTENT"

    def answer(threshold: str) -> Any:
        config = {"safety_settings": [{"category": category, "threshold": threshold}]}
        reply = client.models.generate_content(model=MODEL, contents=asked, config=config)
        return reply.candidates[0]

    blocked, passed = answer("BLOCK_ONLY_HIGH"), answer("OFF")

    assert (blocked.finish_reason.name, passed.finish_reason.name) == ("SAFETY", "STOP")
    assert [each.blocked for each in (*blocked.safety_ratings, *passed.safety_ratings)] == [
        True,
        None,
    ]


@pytest.mark.covers(
    *(
        f"aiplatform.projects.locations.cachedContents.{verb}"
        for verb in ("create", "get", "list", "patch", "delete")
    )
)
def test_a_cache_comes_before_the_contents_of_a_request(client: Any) -> None:
    from google.genai import errors

    cache = client.caches.create(
        model=MODEL,
        config={
            "contents": "four words of context",
            "system_instruction": "Be brief",
            "ttl": "300s",
            "display_name": "c",
        },
    )

    found = client.caches.get(name=cache.name)
    reply = client.models.generate_content(
        model=MODEL, contents="Hi", config={"cached_content": cache.name}
    )
    plain = client.models.generate_content(model=MODEL, contents="Hi")
    later = client.caches.update(name=cache.name, config={"ttl": "900s"})
    client.caches.delete(name=cache.name)

    assert (found.display_name, found.usage_metadata.total_token_count) == ("c", 6)
    assert reply.usage_metadata.cached_content_token_count == 6
    assert reply.text != plain.text
    assert later.expire_time > cache.expire_time
    assert cache.name not in [each.name for each in client.caches.list()]
    with pytest.raises(errors.ClientError, match="is not found"):
        client.models.generate_content(
            model=MODEL, contents="Hi", config={"cached_content": cache.name}
        )


def _tuned(client: Any, name: str) -> Any:
    for _ in range(200):
        job = client.tunings.get(name=name)
        if job.has_ended:
            return job
        threading.Event().wait(0.05)
    raise AssertionError(f"{name} has not ended")


def _dataset(local_cloud: LocalCloud, name: str, lines: list[Any]) -> str:
    httpx.post(
        f"{local_cloud.url}/storage/v1/b?project=genai-project", json={"name": "tuning-data"}
    )
    httpx.post(
        f"{local_cloud.url}/upload/storage/v1/b/tuning-data/o",
        params={"uploadType": "media", "name": name},
        content="\n".join(json.dumps(line) for line in lines),
    ).raise_for_status()
    return f"gs://tuning-data/{name}"


@pytest.mark.covers(
    *(f"aiplatform.projects.locations.tuningJobs.{verb}" for verb in ("create", "get", "list")),
    "aiplatform.projects.locations.endpoints.generateContent",
)
def test_a_tuning_job_registers_a_model_and_serves_it(client: Any, local_cloud: LocalCloud) -> None:
    turns = [
        {"role": "user", "parts": [{"text": "a"}]},
        {"role": "model", "parts": [{"text": "b"}]},
    ]
    uri = _dataset(local_cloud, "good.jsonl", [{"contents": turns}] * 3)

    begun = client.tunings.tune(
        base_model=MODEL,
        training_dataset={"gcs_uri": uri},
        config={"tuned_model_display_name": "mine", "epoch_count": 1},
    )
    job = _tuned(client, begun.name)

    assert job.state.name == "JOB_STATE_SUCCEEDED"
    assert job.name in [each.name for each in client.tunings.list()]
    model = httpx.get(f"{local_cloud.url}/v1/{job.tuned_model.model.split('@')[0]}").json()
    assert model["displayName"] == "mine"
    reply = client.models.generate_content(model=job.tuned_model.endpoint, contents="Hi")
    assert f"{MODEL}-tuned" in reply.text


def test_a_tuning_job_over_wrong_examples_fails_and_says_where(
    client: Any, local_cloud: LocalCloud
) -> None:
    uri = _dataset(local_cloud, "wrong.jsonl", [{"contents": [{"role": "user"}]}])

    begun = client.tunings.tune(base_model=MODEL, training_dataset={"gcs_uri": uri})
    job = _tuned(client, begun.name)

    assert job.state.name == "JOB_STATE_FAILED"
    assert "wrong.jsonl:1: the last of contents" in job.error.message


def embedded(client: Any, model: str, text: str, **config: Any) -> list[float]:
    reply = client.models.embed_content(model=model, contents=text, config=config or None)
    [embedding] = reply.embeddings
    values: list[float] = embedding.values
    return values
