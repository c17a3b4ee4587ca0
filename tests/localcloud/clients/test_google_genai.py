"""google-genai, unchanged, over the running local cloud."""

from collections.abc import Iterator
from typing import Any

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


def embedded(client: Any, model: str, text: str, **config: Any) -> list[float]:
    reply = client.models.embed_content(model=model, contents=text, config=config or None)
    [embedding] = reply.embeddings
    values: list[float] = embedding.values
    return values
