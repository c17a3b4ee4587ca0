"""When the stand-in for Gemini calls a function, and with what arguments.

https://cloud.google.com/vertex-ai/generative-ai/docs/multimodal/function-calling
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from localcloud.errors import ApiError, Json
from localcloud.vertex import judgement
from localcloud.vertex.judgement import Prompt

MODES = ("MODE_UNSPECIFIED", "AUTO", "ANY", "NONE", "VALIDATED")
Value = Callable[[Mapping[str, Any]], Any]


def calls(body: Mapping[str, Any], prompt: Prompt, example: Value) -> list[Json]:
    """The `functionCall`s of an answer; empty where it answers with text.

    In mode AUTO a function is called when its name or description shares a word with the prompt;
    in mode ANY the one that shares most. What a function answered is not asked for again.

    Args:
        body: The request.
        prompt: Its last turn.
        example: Gives a value for the schema of an argument.

    Raises:
        ApiError: The mode is unknown, or it allows functions that are not declared.
    """
    declared = {
        declaration["name"]: declaration
        for tool in body.get("tools", [])
        for declaration in tool.get("functionDeclarations", [])
    }
    config = (body.get("toolConfig") or {}).get("functionCallingConfig") or {}
    mode = config.get("mode", "AUTO")
    if mode not in MODES:
        raise ApiError("INVALID_ARGUMENT", f"mode is {mode!r}; allowed are {', '.join(MODES)}.")
    allowed = config.get("allowedFunctionNames")
    if allowed is not None:
        if mode not in ("ANY", "VALIDATED"):
            raise ApiError(
                "INVALID_ARGUMENT", "allowedFunctionNames needs functionCallingConfig.mode ANY."
            )
        if unknown := [name for name in allowed if name not in declared]:
            raise ApiError(
                "INVALID_ARGUMENT", f"allowedFunctionNames: {unknown[0]} is not declared."
            )
        declared = {name: declared[name] for name in allowed}
    if not declared or mode == "NONE" or _is_answered(body):
        return []
    told = {name: _words(declaration) for name, declaration in declared.items()}
    if mode == "ANY":
        found = [judgement.choice(prompt, list(declared), told)]
    else:
        found = judgement.several(prompt, list(declared), told)
    return [
        {"functionCall": {"name": name, "args": _arguments(declared[name], prompt, example)}}
        for name in found
    ]


def _is_answered(body: Mapping[str, Any]) -> bool:
    return any("functionResponse" in part for part in body["contents"][-1].get("parts", []))


def _words(declaration: Mapping[str, Any]) -> str:
    # `get_current_weather` and `getCurrentWeather` are three words each.
    name = re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", declaration["name"])
    words = f"{name} {declaration.get('description', '')}"
    return re.sub(r"\b(get|set|find|current|given|returns?)\b", " ", words, flags=re.IGNORECASE)


def _arguments(declaration: Mapping[str, Any], prompt: Prompt, example: Value) -> Json:
    schema = declaration.get("parameters") or declaration.get("parametersJsonSchema") or {}
    return {
        name: _argument(inner, prompt, example)
        for name, inner in schema.get("properties", {}).items()
    }


def _argument(schema: Mapping[str, Any], prompt: Prompt, example: Value) -> Any:
    kind = str(schema.get("type", "STRING")).upper()
    numbers = re.findall(r"-?\d+(?:\.\d+)?", prompt.whole)
    if kind == "STRING" and not schema.get("enum"):
        # A name in the prompt, else all of it.
        names = re.findall(r"(?<=\w )[A-Z]\w+(?: [A-Z]\w+)*", prompt.whole)
        return names[-1] if names else prompt.whole
    if kind == "INTEGER" and numbers:
        return int(float(numbers[0]))
    if kind == "NUMBER" and numbers:
        return float(numbers[0])
    return example(schema)
