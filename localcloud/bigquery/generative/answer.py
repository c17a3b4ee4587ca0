"""What a call of an AI.* function gives for a row: requests to models, and their answers as JSON.

It runs inside DuckDB, on its threads, with a batch of rows at a time; the same arguments are asked
for once in a batch.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import duckdb
import httpx
import pyarrow as pa
from duckdb.func import FunctionNullHandling, PythonUDFType

from localcloud.bigquery import gemini, http
from localcloud.bigquery.generative import errors, output_schema
from localcloud.bigquery.generative.function import GENERATIVE, MOST_ERRORS, NATIVE
from localcloud.bigquery.remote_model.embedding import embed

DEFAULT_MODEL = "gemini-2.5-flash"
DEFAULT_EMBEDDING = "text-embedding-005"
_SCHEMAS: Mapping[str, Mapping[str, Any]] = {
    "AI.GENERATE_BOOL": {"type": "BOOLEAN"},
    "AI.GENERATE_INT": {"type": "INTEGER"},
    "AI.GENERATE_DOUBLE": {"type": "NUMBER"},
    "AI.IF": {"type": "BOOLEAN"},
    "AI.SCORE": {"type": "NUMBER"},
}
Settings = Mapping[str, Any]
Arguments = Mapping[str, Any]
Reply = tuple[Any, gemini.Answer]


def register(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the function known to every cursor of a connection."""
    # Had it no side effects, DuckDB would call it of constants while it plans, in dry runs too.
    connection.create_function(
        NATIVE,
        _batch,
        ["VARCHAR", "VARCHAR"],
        "VARCHAR",
        type=PythonUDFType.ARROW,
        null_handling=FunctionNullHandling.SPECIAL,
        side_effects=True,
    )


def _batch(settings: pa.ChunkedArray, arguments: pa.ChunkedArray) -> pa.Array:
    pairs = list(zip(settings.to_pylist(), arguments.to_pylist(), strict=True))
    distinct = list(dict.fromkeys(pairs))
    answers: dict[Any, str | None] = {}
    read = {pair: (json.loads(pair[0]), json.loads(pair[1])) for pair in distinct}
    texts = [pair for pair in distinct if read[pair][0]["function"] == "AI.EMBED"]
    similar = [pair for pair in distinct if read[pair][0]["function"] == "AI.SIMILARITY"]
    answers |= _embedded({pair: read[pair] for pair in texts})
    answers |= _similar({pair: read[pair] for pair in similar})
    with http.client() as client:
        for pair in distinct:
            if pair not in answers:
                answers[pair] = _asked(client, *read[pair])
    for pair in pairs:
        _count(read[pair], answers[pair])
    return pa.array([_unmarked(answers[pair]) for pair in pairs], pa.string())


_FAILED = "\0"
"""Begins the answer of a function that gives NULL when it fails; what follows says why."""


def _unmarked(answer: str | None) -> str | None:
    return None if answer is not None and answer.startswith(_FAILED) else answer


def _count(call: tuple[Settings, Arguments], answer: str | None) -> None:
    settings, arguments = call
    failure = answer[1:] if answer is not None and answer.startswith(_FAILED) else ""
    most = arguments.get(MOST_ERRORS)
    errors.count(
        settings["statement"], settings["function"], failure, 1.0 if most is None else float(most)
    )


def _asked(client: httpx.Client, settings: Settings, arguments: Arguments) -> str | None:
    function = settings["function"]
    if function == "AI.COUNT_TOKENS":
        return _counted(client, settings, arguments)
    if function in GENERATIVE:
        return _generated(client, settings, arguments)
    if function == "AI.CLASSIFY":
        return _classified(client, settings, arguments)
    if function == "AI.AGG":
        return _summarised(client, settings, arguments)
    texts = gemini.parts(arguments["prompt"])
    if texts is None:
        return None
    examples = [_pair(example) for example in arguments.get("examples") or []]
    value, answer = _structured(
        client, settings, arguments, _contents(texts, examples), _SCHEMAS[function]
    )
    return f"{_FAILED}{answer.status}" if answer.status else json.dumps(value)


def _pair(example: Any) -> tuple[str, str]:
    text, expected = list(example.values() if isinstance(example, Mapping) else example)
    return str(text), json.dumps(expected)


def _contents(texts: Sequence[str], examples: Sequence[tuple[str, str]] = ()) -> list[Any]:
    said: list[tuple[str, Sequence[str]]] = []
    for text, expected in examples:
        said += [("user", [text]), ("model", [expected])]
    said.append(("user", texts))
    return [
        {"role": role, "parts": [{"text": text} for text in told if text]} for role, told in said
    ]


def _request(arguments: Arguments, contents: list[Any], schema: Mapping[str, Any] | None) -> Any:
    given = arguments.get("model_params") or {}
    config = dict(given.get("generationConfig") or {})
    if schema is not None:
        config |= {"responseMimeType": "application/json", "responseSchema": schema}
    body = {**given, "contents": contents}
    return body | ({"generationConfig": config} if config else {})


def _send(
    client: httpx.Client,
    settings: Settings,
    arguments: Arguments,
    contents: list[Any],
    schema: Mapping[str, Any] | None,
) -> gemini.Answer:
    endpoint = arguments.get("endpoint") or DEFAULT_MODEL
    address = gemini.url(endpoint, settings["project"], settings["location"])
    return gemini.ask(client, address, _request(arguments, contents, schema))


def _structured(
    client: httpx.Client,
    settings: Settings,
    arguments: Arguments,
    contents: list[Any],
    schema: Mapping[str, Any],
    read: Callable[[str], Any] = json.loads,
) -> Reply:
    answer = _send(client, settings, arguments, contents, schema)
    if answer.text is None:
        return None, answer
    try:
        return read(answer.text), answer
    except ValueError as error:
        return None, gemini.Answer(None, answer.response, f"the model gave no JSON: {error}")


def _generated(client: httpx.Client, settings: Settings, arguments: Arguments) -> str:
    texts = gemini.parts(arguments["prompt"])
    fields: tuple[output_schema.Field, ...] = ()
    if "output_schema" in settings:
        fields = output_schema.read(settings["function"], settings["output_schema"])
    if texts is None or not "".join(texts):
        answer, value = gemini.Answer(None, None, gemini.EMPTY), None
    elif fields:
        value, answer = _structured(
            client,
            settings,
            arguments,
            _contents(texts),
            output_schema.response_schema(fields),
            lambda text: output_schema.values(fields, text),
        )
    elif schema := _SCHEMAS.get(settings["function"]):
        value, answer = _structured(client, settings, arguments, _contents(texts), schema)
    else:
        answer = _send(client, settings, arguments, _contents(texts), None)
        value = answer.text
    given = (value or dict.fromkeys(f.name for f in fields)) if fields else {"result": value}
    whole = None if answer.response is None else json.loads(answer.response)
    return json.dumps({**given, "full_response": whole, "status": answer.status})


def _classified(client: httpx.Client, settings: Settings, arguments: Arguments) -> str | None:
    texts = gemini.parts(arguments["input"])
    if texts is None:
        return None
    categories = [_category(each) for each in arguments["categories"] or []]
    kind = {
        "type": "STRING",
        "format": "enum",
        "enum": [name for name, _ in categories],
        "description": "\n".join(f"{name}: {told}" for name, told in categories if told),
    }
    mode = arguments.get("output_mode")
    schema = {"type": "ARRAY", "items": kind} if mode == "multi" else kind
    examples = [_pair(example) for example in arguments.get("examples") or []]
    read = json.loads if mode == "multi" else _choice
    value, answer = _structured(
        client, settings, arguments, _contents(texts, examples), schema, read
    )
    if answer.status:
        return f"{_FAILED}{answer.status}"
    if mode is None:
        return str(value)
    return json.dumps(value if mode == "multi" else [value])


def _choice(text: str) -> str:
    # A choice comes as a bare word or as a JSON text.
    return str(json.loads(text)) if text.startswith('"') else text


def _category(given: Any) -> tuple[str, str]:
    if isinstance(given, str):
        return given, ""
    name, description = list(given.values() if isinstance(given, Mapping) else given)
    return str(name), str(description)


def _summarised(client: httpx.Client, settings: Settings, arguments: Arguments) -> str | None:
    # A group has no order of its own; sorted, the same rows give the same answer.
    found = [gemini.parts(value) for value in arguments["input"] or []]
    texts = sorted("".join(text) for text in found if text is not None)
    if not texts:
        return None
    instruction = str(arguments["instruction"])
    answer = _send(client, settings, arguments, _contents([instruction, *texts]), None)
    return answer.text


def _counted(client: httpx.Client, settings: Settings, arguments: Arguments) -> str:
    text = arguments["input"]
    nothing = json.dumps({"result": None, "full_response": None})
    if text is None:
        return nothing
    endpoint = arguments.get("endpoint") or DEFAULT_MODEL
    address = gemini.url(endpoint, settings["project"], settings["location"], "countTokens")
    try:
        response = http.post(client, address, {"contents": _contents([str(text)])})
    except httpx.HTTPError:
        return nothing
    if not response.is_success:
        return nothing
    whole = response.json()
    return json.dumps({"result": whole["totalTokens"], "full_response": whole})


def _vectors(
    settings: Settings, arguments: Arguments, texts: Sequence[str | None]
) -> list[tuple[Sequence[float], str]]:
    endpoint = arguments.get("model") or arguments.get("endpoint") or DEFAULT_EMBEDDING
    address = gemini.url(endpoint, settings["project"], settings["location"], "predict")
    found = embed(address, texts, arguments.get("model_params") or {}, arguments.get("task_type"))
    return [(one.vector, one.status) for one in found]


Calls = Mapping[Any, tuple[Settings, Arguments]]


def _together(calls: Calls, of_row: tuple[str, ...]) -> list[list[Any]]:
    """Calls that differ in their texts only, which one request can hold."""
    groups: dict[str, list[Any]] = {}
    for pair, (settings, arguments) in calls.items():
        rest = {name: value for name, value in arguments.items() if name not in of_row}
        groups.setdefault(json.dumps([settings, rest], sort_keys=True), []).append(pair)
    return list(groups.values())


def _embedded(calls: Calls) -> dict[Any, str | None]:
    answers: dict[Any, str | None] = {}
    for group in _together(calls, ("content",)):
        settings, arguments = calls[group[0]]
        texts = [calls[pair][1]["content"] for pair in group]
        for pair, (vector, status) in zip(group, _vectors(settings, arguments, texts), strict=True):
            answers[pair] = json.dumps({"result": list(vector), "status": status})
    return answers


def _similar(calls: Calls) -> dict[Any, str | None]:
    answers: dict[Any, str | None] = {}
    for group in _together(calls, ("content1", "content2")):
        settings, arguments = calls[group[0]]
        sides = [
            _vectors(settings, arguments, [calls[pair][1][side] for pair in group])
            for side in ("content1", "content2")
        ]
        for pair, (one, _), (other, _) in zip(group, *sides, strict=True):
            answers[pair] = json.dumps(_cosine(one, other)) if one and other else None
    return answers


def _cosine(one: Sequence[float], other: Sequence[float]) -> float:
    length = math.sqrt(math.sumprod(one, one) * math.sumprod(other, other))
    return math.sumprod(one, other) / length if length else 0.0
