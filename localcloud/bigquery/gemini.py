"""Remote models over Gemini: prompts sent to this cloud's own `generateContent`, over HTTP.

What answers there is a stand-in that says so in every answer; see `localcloud.vertex.gemini`.
https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-ai-generate-text
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from local_bigquery.errors import BigQueryError

from localcloud.bigquery import http, upstream

REGIONS = {"us": "us-central1", "eu": "europe-west4"}
"""Where a multi-region's Gemini is asked; every other location asks its own."""
GENERATION = {
    "max_output_tokens": "maxOutputTokens",
    "temperature": "temperature",
    "top_p": "topP",
    "stop_sequences": "stopSequences",
}
"""Settings of AI.GENERATE_TEXT and their names in `generationConfig`."""
EMPTY = "the prompt is NULL or empty"
"""The status of a row that is not sent."""


@dataclass(frozen=True)
class Answer:
    """What one prompt got.

    Attributes:
        text: The generated text; None when it failed or was blocked.
        response: The whole response as JSON; None when nobody answered.
        status: Why it failed; empty when it did not.
    """

    text: str | None
    response: str | None
    status: str


def is_gemini(endpoint: str) -> bool:
    """Whether a remote model's endpoint is a Gemini model: `gemini-...`, or a URL that ends so."""
    name = endpoint.rsplit("/", 1)[-1]
    return name.startswith("gemini-") and not name.startswith("gemini-embedding-")


def region(location: str) -> str:
    """The region that serves a model for a dataset of a location."""
    return REGIONS.get(location.lower(), location.lower())


def generate(
    endpoint: str,
    project: str,
    location: str,
    prompts: Sequence[str | None],
    settings: Mapping[str, Any],
    schema: Mapping[str, Any] | None = None,
) -> list[Answer]:
    """Ask for each prompt; one that fails says why and the others go on.

    Args:
        endpoint: A model such as `gemini-2.5-flash`, or its URL.
        project: The project that asks.
        location: The remote model's location, such as `US`.
        prompts: A prompt that is None or empty is not sent.
        settings: Of the SQL function, by names in lower case; see `GENERATION`.
        schema: What every answer must look like, as `responseSchema`; None for any text.
    """
    address = url(endpoint, project, location)
    config = {GENERATION[name]: value for name, value in settings.items() if name in GENERATION}
    if schema is not None:
        config |= {"responseMimeType": "application/json", "responseSchema": schema}
    with http.client() as client:
        return [_answer(client, address, prompt, config) for prompt in prompts]


def parts(value: Any) -> list[str] | None:
    """The texts of a prompt in their order; None when one of them is NULL.

    Args:
        value: A text, or a struct of texts and arrays of texts.

    Raises:
        ValueError: It holds something else.
    """
    if value is None:
        return None
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping) and "uri" in value and "authorizer" in value:
        raise ValueError("an ObjectRef in a prompt is not implemented on the local cloud")
    if not isinstance(value, Mapping | list):
        raise ValueError(f"a prompt holds texts; {value!r} is none")
    found = [parts(inner) for inner in (value.values() if isinstance(value, Mapping) else value)]
    if any(texts is None for texts in found):
        return None
    return [text for texts in found for text in texts or []]


def joined(function: str, value: Any) -> str | None:
    """A prompt of a table function as one text; None when a part of it is NULL.

    Raises:
        BigQueryError: It holds something else than texts.
    """
    try:
        texts = parts(value)
    except ValueError as error:
        raise BigQueryError("invalidQuery", f"{function}: {error}.") from error
    return None if texts is None else "".join(texts)


def url(endpoint: str, project: str, location: str, method: str = "generateContent") -> str:
    """The address of a method of a model.

    Args:
        endpoint: A model such as `gemini-2.5-flash`, or its URL.
        project: The project that asks.
        location: Where the query runs, such as `US`.
        method: The method.
    """
    if "://" in endpoint or endpoint.startswith("projects/"):
        return f"{http.address(endpoint)}:{method}"
    place = region(location)
    model = f"projects/{project}/locations/{place}/publishers/google/models/{endpoint}"
    return f"{upstream.runtime().base_url()}/v1/{model}:{method}"


def _answer(
    client: httpx.Client, url: str, prompt: str | None, config: Mapping[str, Any]
) -> Answer:
    if not prompt:
        return Answer(None, None, EMPTY)
    body = {
        "contents": [{"role": "user", "parts": [{"text": prompt}]}],
        **({"generationConfig": config} if config else {}),
    }
    return ask(client, url, body)


def ask(client: httpx.Client, url: str, body: Mapping[str, Any]) -> Answer:
    """Send one request of `generateContent`.

    Args:
        client: Keeps connections.
        url: The method's address.
        body: `GenerateContentRequest`.
    """
    try:
        response = http.post(client, url, body)
    except httpx.HTTPError as error:
        return Answer(None, None, f"POST {url} failed: {error}")
    if not response.is_success:
        return Answer(None, None, http.failure(url, response))
    whole = response.json()
    candidate = whole["candidates"][0]
    parts = candidate.get("content", {}).get("parts")
    if not parts:
        reason = candidate.get("finishReason", "no reason")
        return Answer(None, json.dumps(whole), f"the model gave no text: {reason}")
    return Answer("".join(part.get("text", "") for part in parts), json.dumps(whole), "")
