"""A stand-in for Gemini: deterministic, and unmistakably not a language model.

Each answer begins with `[local Gemini stand-in <hash>]`; nothing leaves the machine.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

WORDS = 24


def is_gemini(endpoint: str) -> bool:
    """Whether a remote model's endpoint is a Gemini model: `gemini-...`, or a URL that ends so."""
    return endpoint.rsplit("/", 1)[-1].startswith("gemini-")


def text(endpoint: str, prompt: str, parameters: Mapping[str, Any]) -> str:
    """The answer to a prompt: the same for the same endpoint, prompt and parameters.

    Args:
        endpoint: The model, such as `gemini-2.5-flash`.
        prompt: The prompt; its first words are repeated so that answers can be told apart.
        parameters: Generation parameters, such as `temperature`; they only change the hash.
    """
    asked = json.dumps([endpoint, prompt, sorted(parameters.items())], default=str)
    digest = hashlib.sha256(asked.encode()).hexdigest()[:8]
    words = prompt.split()
    echo = " ".join(words[:WORDS]) + (" …" if len(words) > WORDS else "")
    return f"[local Gemini stand-in {digest}] no model was asked; the prompt was: {echo}"


def response(endpoint: str, prompt: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The same answer in the shape of `generateContent`, token counts being words.

    https://cloud.google.com/vertex-ai/docs/reference/rest/v1/GenerateContentResponse
    """
    answer = text(endpoint, prompt, parameters)
    asked, answered = len(prompt.split()), len(answer.split())
    return {
        "candidates": [
            {
                "content": {"role": "model", "parts": [{"text": answer}]},
                "finish_reason": "STOP",
            }
        ],
        "model_version": endpoint.rsplit("/", 1)[-1],
        "usage_metadata": {
            "prompt_token_count": asked,
            "candidates_token_count": answered,
            "total_token_count": asked + answered,
        },
    }
