"""A stand-in for Google's generative models: deterministic, and unmistakably not a model.

It lets everything around a generative model be tried: prompts arrive, answers have Google's
shape, the same request gets the same answer. What it says is made from a hash of the request.
"""

import base64
import hashlib
import itertools
import json
import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from localcloud.discovery.call import Call, Handler
from localcloud.errors import ApiError, Json, invalid
from localcloud.vertex import function_calling, judgement
from localcloud.vertex.judgement import Prompt
from localcloud.vertex.model_tunings import BASE_MODEL

STAND_IN = "[local cloud stand-in, not a real model]"
_WORDS = (
    "amber",
    "basalt",
    "cedar",
    "delta",
    "ember",
    "fjord",
    "granite",
    "harbor",
    "indigo",
    "juniper",
    "kelp",
    "lagoon",
    "marble",
    "nectar",
    "onyx",
    "prairie",
    "quartz",
    "raven",
    "saffron",
    "tundra",
    "umber",
    "violet",
    "willow",
    "zephyr",
)


def handlers(completed: Callable[[Json], Json]) -> dict[str, Handler]:
    """Handlers by method id without the API's name.

    Args:
        completed: Gives a request with what the cache that it names holds.
    """
    found: dict[str, Handler] = {}

    def generate(call: Call) -> Json:
        return _generate(call, completed)

    for parent in (
        "projects.locations.publishers.models",
        "publishers.models",
        "projects.locations.endpoints",
    ):
        found[f"{parent}.generateContent"] = generate
        found[f"{parent}.countTokens"] = _count
        found[f"{parent}.computeTokens"] = _compute
    return found


def _model(call: Call) -> str:
    """The model that a request names, or that was tuned for the endpoint that it names.

    Raises:
        ApiError: The endpoint is not there, or has no tuned model.
    """
    if "/endpoints/" not in call.name:
        return call.name.rsplit("/", 1)[-1]
    base = call.resource().get(BASE_MODEL)
    if base is None:
        raise ApiError(
            "FAILED_PRECONDITION", f"{call.name} serves no model that a tuning job has made."
        )
    return f"{base}-tuned"


_ASKED_FAILURE = re.compile(r"\[\[local-cloud: (?P<what>[^\]]*)\]\]")
_ERROR = re.compile(r"error (?P<code>\d{3})(?: (?P<message>.+))?")
_STATUS = {
    "400": "INVALID_ARGUMENT",
    "403": "PERMISSION_DENIED",
    "404": "NOT_FOUND",
    "429": "RESOURCE_EXHAUSTED",
    "500": "INTERNAL",
    "503": "UNAVAILABLE",
    "504": "DEADLINE_EXCEEDED",
}
"""The errors that a prompt can ask for."""
HARM = "HARM_CATEGORY_DANGEROUS_CONTENT"
"""What a prompt is taken for that asks to be blocked."""
STREAM, WHOLE = ":streamGenerateContent", ":generateContent"
_WORDS_A_CHUNK = 4


def chunks(reply: Json) -> list[Json]:
    """A reply of `generateContent` as `streamGenerateContent` sends it, a few words at a time.

    The reason of its end and the counts of tokens come with the last chunk.
    """
    [candidate] = reply["candidates"]
    if "text" not in (candidate["content"]["parts"] or [{}])[0]:
        return [reply]
    words = re.findall(r"\S+\s*", candidate["content"]["parts"][0]["text"])
    parts = [
        "".join(words[start : start + _WORDS_A_CHUNK])
        for start in range(0, len(words), _WORDS_A_CHUNK)
    ]
    known = {key: reply[key] for key in ("modelVersion", "responseId")}
    streamed = [
        {
            "candidates": [{"content": {"role": "model", "parts": [{"text": part}]}, "index": 0}],
            **known,
        }
        for part in parts
    ]
    streamed[-1]["candidates"][0]["finishReason"] = candidate["finishReason"]
    streamed[-1]["usageMetadata"] = reply["usageMetadata"]
    return streamed


def answer(model: str, prompt: str, config: Mapping[str, Any], judged: Prompt | None = None) -> str:
    """What the stand-in says.

    Args:
        model: Name of the model it stands in for.
        prompt: The whole prompt.
        config: `generationConfig`; `responseMimeType` and `responseSchema` are followed.
        judged: The prompt in parts, for answers that are chosen; None for one of one part.
    """
    digest = hashlib.sha256(json.dumps([model, prompt]).encode()).digest()
    words = " ".join(_WORDS[byte % len(_WORDS)] for byte in digest[:6])
    text = f"{STAND_IN} {model} was asked {len(prompt.split())} words and says: {words}."
    schema = config.get("responseSchema") or config.get("responseJsonSchema")
    asked = judged or Prompt([prompt])
    if config.get("responseMimeType") == "text/x.enum" and schema and schema.get("enum"):
        return str(judgement.of_schema(schema, asked))
    if config.get("responseMimeType") != "application/json":
        return text
    return json.dumps(_example(schema, text, digest, asked) if schema else {"answer": text})


def _example(schema: Mapping[str, Any], text: str, digest: bytes, asked: Prompt) -> Any:
    if (value := judgement.of_schema(schema, asked)) is not None:
        return value
    kind = str(schema.get("type", "STRING")).upper()
    if kind == "OBJECT":
        return {
            name: _example(inner, text, digest, asked)
            for name, inner in schema.get("properties", {}).items()
        }
    if kind == "ARRAY":
        return [_example(schema.get("items", {}), text, digest, asked)]
    if kind == "INTEGER":
        return digest[0]
    return bool(digest[0] % 2) if kind == "BOOLEAN" else text


def _prompt(body: Mapping[str, Any]) -> str:
    contents = [body["systemInstruction"]] if body.get("systemInstruction") else []
    contents += body.get("contents", [])
    said = [_said(part) for content in contents for part in content.get("parts", [])]
    return "\n".join(text for text in said if text)


def _said(part: Mapping[str, Any]) -> str:
    for field in ("functionCall", "functionResponse"):
        if field in part:
            return json.dumps(part[field], sort_keys=True)
    return str(part.get("text") or "")


def _is_filtered(settings: Sequence[Mapping[str, Any]]) -> bool:
    """Whether what is harmful is blocked: the last setting for `HARM` lets nothing pass."""
    given = [each.get("threshold") for each in settings if each.get("category") == HARM]
    return not given or given[-1] not in ("OFF", "BLOCK_NONE")


def _judged(body: Mapping[str, Any]) -> Prompt:
    """The last turn in parts, and the turns before it in which the model answered."""
    turns = [
        (
            content.get("role", "user"),
            [str(p["text"]) for p in content.get("parts", []) if p.get("text")],
        )
        for content in body.get("contents", [])
    ]
    examples = [
        (" ".join(asked), " ".join(said))
        for (_, asked), (role, said) in itertools.pairwise(turns)
        if role == "model"
    ]
    return Prompt(turns[-1][1] if turns else [], examples)


def _generate(call: Call, completed: Callable[[Json], Json]) -> Json:
    missing = call.plane.document.schema.missing(call.method.request, call.body)
    if missing:
        raise invalid(missing)
    if not any(content.get("parts") for content in call.body["contents"]):
        raise ApiError("INVALID_ARGUMENT", "contents must hold at least one part.")
    model, body = _model(call), completed(call.body)
    prompt, judged = _prompt(body), _judged(body)
    is_harmful = asked_failure(prompt)
    blocked = is_harmful and _is_filtered(body.get("safetySettings", []))
    config = body.get("generationConfig", {})
    digest = hashlib.sha256(json.dumps([model, prompt]).encode()).digest()
    called = function_calling.calls(
        body, judged, lambda schema: _example(schema, prompt, digest, judged)
    )
    text = "" if blocked or called else answer(model, prompt, config, judged)
    said_parts = called or [{"text": text}]
    cached = len(prompt.split()) - len(_prompt(call.body).split())
    rating = {"category": HARM, "probability": "HIGH", **({"blocked": True} if blocked else {})}
    asked, said = len(prompt.split()), len(text.split())
    return {
        "candidates": [
            {
                "content": {"role": "model", "parts": [] if blocked else said_parts},
                "finishReason": "SAFETY" if blocked else "STOP",
                "index": 0,
                **({"safetyRatings": [rating]} if is_harmful else {}),
            }
        ],
        "usageMetadata": {
            "promptTokenCount": asked,
            **({"cachedContentTokenCount": cached} if cached else {}),
            "candidatesTokenCount": said,
            "totalTokenCount": asked + said,
        },
        "modelVersion": f"{model}-local-stand-in",
        "responseId": hashlib.sha256(json.dumps(said_parts).encode()).hexdigest()[:22],
    }


def asked_failure(prompt: str) -> bool:
    """Whether a prompt asks to be blocked: it has `[[local-cloud: safety]]`.

    Raises:
        ApiError: It asks for an error, as in `[[local-cloud: error 429 no quota]]`, or for what
            there is not.
    """
    asked = _ASKED_FAILURE.search(prompt)
    if asked is None:
        return False
    if asked["what"] == "safety":
        return True
    error = _ERROR.fullmatch(asked["what"])
    if error is None or error["code"] not in _STATUS:
        raise ApiError(
            "INVALID_ARGUMENT",
            f"The prompt asks the local cloud for {asked['what']!r}; it can ask for safety, or for "
            f"error with one of {', '.join(_STATUS)} and a message.",
        )
    message = error["message"] or "The prompt asked for this error."
    raise ApiError(_STATUS[error["code"]], message)


def _count(call: Call) -> Json:
    prompt = _prompt(call.body)
    count = len(prompt.split())
    return {
        "totalTokens": count,
        "totalBillableCharacters": len(prompt),
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": count}],
    }


def _compute(call: Call) -> Json:
    """Words as tokens; a token's id is made from its letters."""
    return {
        "tokensInfo": [
            {
                "role": content.get("role", "user"),
                "tokens": [base64.b64encode(word.encode()).decode() for word in words],
                "tokenIds": [str(zlib.crc32(word.encode())) for word in words],
            }
            for content in call.body.get("contents", [])
            for words in [
                re.findall(r"\S+\s*", " ".join(_said(p) for p in content.get("parts", [])))
            ]
        ]
    }
