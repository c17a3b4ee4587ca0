"""A stand-in for Google's embedding models: deterministic, near for texts that are alike.

A text becomes the hashed counts of its runs of two to four letters, so texts that share words lie
near each other. It knows nothing of meaning: "car" and "automobile" are as far apart as any words.
"""

import functools
import re
from collections.abc import Mapping, Sequence
from typing import Any

from localcloud.discovery.call import Call, Handler
from localcloud.errors import ApiError, Json, Violation, invalid

DIMENSIONS: Mapping[str, int] = {
    "embeddinggemma-300m": 768,
    "gemini-embedding-001": 3072,
    "gemini-embedding-2": 3072,
    "gemini-embedding-2-preview": 3072,
    "text-embedding-004": 768,
    "text-embedding-005": 768,
    "text-multilingual-embedding-002": 768,
}
"""The text models of
https://cloud.google.com/vertex-ai/generative-ai/docs/embeddings/get-text-embeddings and how many
numbers each gives; EmbeddingGemma is BigQuery's own `model` of AI.EMBED."""
MOST_INSTANCES = 250
TASK_TYPES = (
    "RETRIEVAL_QUERY",
    "RETRIEVAL_DOCUMENT",
    "SEMANTIC_SIMILARITY",
    "CLASSIFICATION",
    "CLUSTERING",
    "QUESTION_ANSWERING",
    "FACT_VERIFICATION",
    "CODE_RETRIEVAL_QUERY",
)
_MODEL = re.compile(r"(?P<name>[^/@]+)(@.*)?")


def handlers() -> dict[str, Handler]:
    """Handlers by method id without the API's name."""
    found: dict[str, Handler] = {}
    for parent in ("projects.locations.publishers.models", "publishers.models"):
        found[f"{parent}.predict"] = _predict
        found[f"{parent}.embedContent"] = _embed_content
    return found


def embed(texts: Sequence[str], dimensions: int) -> list[list[float]]:
    """A vector of length 1 for each text; of zeros for one without a letter.

    Args:
        texts: The texts.
        dimensions: How many numbers each gives.
    """
    vectors = _vectorizer(dimensions).transform(texts).toarray()
    return [[float(value) for value in vector] for vector in vectors]


@functools.cache
def _vectorizer(dimensions: int) -> Any:
    from sklearn.feature_extraction.text import HashingVectorizer

    return HashingVectorizer(
        analyzer="char_wb", ngram_range=(2, 4), n_features=dimensions, norm="l2"
    )


def _predict(call: Call) -> Json:
    most = _dimensions(call)
    instances = call.body.get("instances") or []
    if not 0 < len(instances) <= MOST_INSTANCES:
        raise _refused(
            "instances", f"{len(instances)} instances are given; give 1 to {MOST_INSTANCES}"
        )
    texts = [_content(place, instance) for place, instance in enumerate(instances)]
    parameters = call.body.get("parameters") or {}
    asked = parameters.get("outputDimensionality")
    predictions = [
        {"embeddings": {"values": vector, "statistics": _statistics(text)}}
        for text, vector in zip(texts, embed(texts, _asked(asked, most)), strict=True)
    ]
    return {"predictions": predictions, "metadata": {"billableCharacterCount": len("".join(texts))}}


def _content(place: int, instance: Any) -> str:
    content = instance.get("content") if isinstance(instance, dict) else None
    if not isinstance(content, str) or not content:
        raise _refused(f"instances[{place}].content", "a text that is not empty is needed")
    task = instance.get("task_type") or instance.get("taskType")
    if task is not None and task not in TASK_TYPES:
        raise _refused(
            f"instances[{place}].task_type", f"{task!r} is not one of {', '.join(TASK_TYPES)}"
        )
    return content


def _embed_content(call: Call) -> Json:
    most = _dimensions(call)
    parts = call.body.get("content", {}).get("parts") or []
    text = "\n".join(str(part["text"]) for part in parts if part.get("text"))
    if not text:
        raise _refused("content.parts", "a text is needed; the local cloud embeds texts only")
    config = call.body.get("embedContentConfig") or {}
    asked = config.get("outputDimensionality", call.body.get("outputDimensionality"))
    [vector] = embed([text], _asked(asked, most))
    tokens = len(text.split())
    return {
        "embedding": {"values": vector},
        "truncated": False,
        "usageMetadata": {"promptTokenCount": tokens, "totalTokenCount": tokens},
    }


def _dimensions(call: Call) -> int:
    named = _MODEL.fullmatch(call.name.rsplit("/", 1)[-1])
    name = named["name"] if named else ""
    if name not in DIMENSIONS:
        raise ApiError(
            "UNIMPLEMENTED",
            f"{call.method.id} of {name} is not implemented by the local cloud; its embedding "
            f"models are {', '.join(DIMENSIONS)}.",
        )
    return DIMENSIONS[name]


def _asked(given: Any, most: int) -> int:
    if given is None:
        return most
    # Parameters are a google.protobuf.Value, whose numbers are floating.
    if isinstance(given, bool) or not isinstance(given, int | float) or given != int(given):
        raise _refused("parameters.outputDimensionality", f"{given!r} is no whole number")
    if not 1 <= given <= most:
        raise _refused("parameters.outputDimensionality", f"{int(given)} is not from 1 to {most}")
    return int(given)


def _statistics(text: str) -> Json:
    return {"token_count": len(text.split()), "truncated": False}


def _refused(field: str, description: str) -> ApiError:
    return invalid([Violation(field, f"{field}: {description}.")])
