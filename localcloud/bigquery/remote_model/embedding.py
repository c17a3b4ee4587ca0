"""AI.GENERATE_EMBEDDING and ML.GENERATE_EMBEDDING over an embedding model of texts.

Texts are sent in batches to this cloud's own `predict`, where a stand-in answers.
https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-ai-generate-embedding
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import pyarrow as pa
from local_bigquery.errors import BigQueryError

from localcloud.bigquery import gemini, http, location, upstream
from localcloud.bigquery.names import Reference
from localcloud.bigquery.query import JSON_COLUMN
from localcloud.bigquery.remote_model.prediction import followed
from localcloud.bigquery.training import RemoteEndpoint

SETTINGS = ("output_dimensionality", "task_type")
BATCH_TEXTS = 250
"""The most texts that `predict` of an embedding model takes."""
_OF_TEXTS = re.compile(r"(text-(multilingual-)?embedding-\d+|gemini-embedding-001)(@.*)?")


@dataclass(frozen=True)
class Vector:
    """What one text got.

    Attributes:
        vector: Its numbers; empty when it failed.
        statistics: JSON about the text; None when it failed.
        status: Why it failed; empty when it did not.
    """

    vector: Sequence[float]
    statistics: str | None
    status: str


def generate_embedding(
    remote: RemoteEndpoint,
    reference: Reference,
    function: str,
    rows: pa.Table,
    arguments: Mapping[str, Any],
) -> pa.Table:
    """The vector of each row's text, its statistics and status; then the input's columns.

    A text that is NULL or empty, and each of a batch that fails, has an empty vector and says why.

    Args:
        remote: The remote model.
        reference: Its name, which says who asks and where.
        function: Either function's name.
        rows: Rows with a column `content`.
        arguments: The function's settings.

    Raises:
        BigQueryError: The model gives no vectors of texts, a setting is unknown, or `rows` has no
            text column `content`.
    """
    name = remote.endpoint.rsplit("/", 1)[-1]
    if not _OF_TEXTS.fullmatch(name):
        raise BigQueryError(
            "notImplemented",
            f"{function} over {remote.target} is not implemented on the local cloud; over "
            "text-embedding-*, text-multilingual-embedding-* and gemini-embedding-001 it is "
            "answered by a stand-in.",
        )
    parameters, task = _asked(function, arguments)
    if "content" not in rows.column_names:
        raise BigQueryError(
            "invalidQuery", f"{function} needs a column named content in its input."
        )
    if not pa.types.is_string(rows.schema.field("content").type):
        raise BigQueryError("invalidQuery", f"{function}'s column content must be STRING.")
    url = _url(remote.endpoint, reference)
    answers = embed(url, rows["content"].to_pylist(), parameters, task)
    prefix = "ml_generate_embedding_" if function.startswith("ML.") else ""
    fields = [
        pa.field(f"{prefix}result" if prefix else "embedding", pa.list_(pa.float64())),
        pa.field(f"{prefix}statistics", pa.string(), metadata=JSON_COLUMN),
        pa.field(f"{prefix}status", pa.string()),
    ]
    columns = [
        pa.array([answer.vector for answer in answers], fields[0].type),
        pa.array([answer.statistics for answer in answers], pa.string()),
        pa.array([answer.status for answer in answers], pa.string()),
    ]
    return followed(pa.table(columns, schema=pa.schema(fields)), rows)


def _asked(function: str, arguments: Mapping[str, Any]) -> tuple[dict[str, Any], str | None]:
    known = (*SETTINGS, "flatten_json_output") if function.startswith("ML.") else SETTINGS
    unknown = sorted(arguments.keys() - set(known))
    if unknown:
        raise BigQueryError(
            "invalidQuery",
            f"{function} over texts has no setting {unknown[0]}; it has {', '.join(known)}.",
        )
    if arguments.get("flatten_json_output") is False:
        raise BigQueryError(
            "notImplemented",
            f"{function} with flatten_json_output FALSE is not implemented on the local cloud.",
        )
    dimensions = arguments.get("output_dimensionality")
    return {} if dimensions is None else {"outputDimensionality": dimensions}, arguments.get(
        "task_type"
    )


def _url(endpoint: str, reference: Reference) -> str:
    if "://" in endpoint:
        return f"{http.address(endpoint)}:predict"
    place = gemini.region(location.of_dataset(*reference[:2]) or location.DEFAULT)
    model = f"projects/{reference.project}/locations/{place}/publishers/google/models/{endpoint}"
    return f"{upstream.runtime().base_url()}/v1/{model}:predict"


def embed(
    url: str, texts: Sequence[str | None], parameters: Mapping[str, Any], task: str | None
) -> list[Vector]:
    """Embed texts in batches; one that is NULL or empty is not sent.

    Args:
        url: The address of the model's `predict`.
        texts: The texts.
        parameters: Of `predict`, such as `outputDimensionality`.
        task: The task type; None for the model's own.
    """
    answers = [Vector([], None, "the content is NULL or empty")] * len(texts)
    sent = [place for place, text in enumerate(texts) if text]
    with http.client() as client:
        for start in range(0, len(sent), BATCH_TEXTS):
            batch = sent[start : start + BATCH_TEXTS]
            instances = [
                {"content": texts[place], **({"task_type": task} if task else {})}
                for place in batch
            ]
            body = {"instances": instances, **({"parameters": parameters} if parameters else {})}
            for place, answer in zip(batch, _batch(client, url, body), strict=True):
                answers[place] = answer
    return answers


def _batch(client: httpx.Client, url: str, body: Mapping[str, Any]) -> list[Vector]:
    try:
        response = http.post(client, url, body)
    except httpx.HTTPError as error:
        return [Vector([], None, f"POST {url} failed: {error}")] * len(body["instances"])
    if not response.is_success:
        return [Vector([], None, http.failure(url, response))] * len(body["instances"])
    found = [prediction["embeddings"] for prediction in response.json()["predictions"]]
    return [Vector(one["values"], json.dumps(one["statistics"]), "") for one in found]
