"""Whether answers have the shape that Google's Discovery documents give them.

`checked` wraps an ASGI application; every JSON answer that passes it is compared with the schema of
its method, and every refusal with Google's shape of errors. What does not fit is kept in a list
that fixtures look at.
"""

import functools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from jsonschema import Draft202012Validator
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from localcloud.discovery.document import Document, Method, load

DOCUMENTS = (
    "aiplatform.v1",
    "aiplatform.v1beta1",
    "bigquery.v2",
    "bigqueryconnection.v1",
    "bigquerydatatransfer.v1",
    "cloudresourcemanager.v1",
    "cloudresourcemanager.v3",
    "iam.v1",
    "serviceusage.v1",
    "storage.v1",
)
ANY = re.compile(
    r"type\.googleapis\.com/google\.cloud\.(?P<api>\w+)\.(?P<version>\w+)\.(?P<name>.+)"
)
BEYOND = ("CLOUD_AI_DOCUMENT_V1",)
"""Values that Google's pages have and the enums of its documents have not: a remote model's service
https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-create-remote-model-service"""
MESSAGE_OF_ANY = {"aiplatform": "GoogleCloudAiplatform"}
"""What the messages of an API begin with in its document, before the version."""

ERROR: Mapping[str, Any] = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {
                "code": {"type": "integer"},
                "message": {"type": "string", "minLength": 1},
                "status": {"type": "string", "pattern": "^[A-Z_]+$"},
                "details": {"type": "array", "items": {"type": "object", "required": ["@type"]}},
                "errors": {
                    "type": "array",
                    "items": {"type": "object", "required": ["message", "reason"]},
                },
            },
            "additionalProperties": False,
        }
    },
    "additionalProperties": False,
}
"""https://cloud.google.com/apis/design/errors#http_mapping; `errors` is of the older APIs."""


def checked(app: ASGIApp, found: list[str]) -> ASGIApp:
    """An application whose answers are compared.

    Args:
        app: What answers.
        found: Takes a sentence for each answer that has another shape.
    """

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        status, parts = 0, []

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                is_json = any(
                    name == b"content-type" and value.startswith(b"application/json")
                    for name, value in message["headers"]
                ) and not any(name == b"content-encoding" for name, _ in message["headers"])
                status = message["status"] if is_json else 0
            elif status:
                parts.append(message.get("body", b""))
                if not message.get("more_body"):
                    found.extend(faults(scope["method"], scope["path"], status, b"".join(parts)))
            await send(message)

        await app(scope, receive, sent)

    return answer


def faults(http: str, path: str, status: int, raw: bytes) -> Iterator[str]:
    """What is wrong with one answer.

    Args:
        http: The request's HTTP method.
        path: The request's path.
        status: The answer's status.
        raw: The answer's body.
    """
    if not raw or path.startswith(("/admin", "/healthz", "/discovery")) or path == "/":
        return
    body = json.loads(raw)
    if status >= 400:
        yield from _wrong(Draft202012Validator(ERROR), body, f"{http} {path} {status}")
        return
    served = _served(http, path)
    if served is None:
        return
    document, method = served
    if method.response in ("", "GoogleApiHttpBody"):
        # A body of any kind.
        return
    # A stream that no client asked for as events is one array.
    for message in body if method.verb.startswith("stream") else [body]:
        yield from _wrong(_validator(document.name, method.response), message, method.id)
    if method.response == "GoogleLongrunningOperation":
        for name in ("response", "metadata"):
            yield from _wrong_any(body.get(name), f"{method.id} {name}")


def _wrong_any(body: Any, where: str) -> Iterator[str]:
    """What is wrong with a message in a google.protobuf.Any."""
    typed = ANY.fullmatch(str((body or {}).get("@type")))
    if typed is None or typed["api"] not in MESSAGE_OF_ANY:
        return
    document = f"{typed['api']}.{typed['version']}"
    message = f"{MESSAGE_OF_ANY[typed['api']]}{typed['version'].capitalize()}{typed['name']}"
    if message not in load(document).raw["schemas"]:
        # Metadata messages are in the protocol buffers only.
        return
    inside = {name: value for name, value in body.items() if name != "@type"}
    yield from _wrong(_validator(document, message), inside, where)


def _wrong(validator: Draft202012Validator, body: Any, where: str) -> Iterator[str]:
    for error in validator.iter_errors(body):
        yield f"{where}: {error.json_path}: {error.message[:300]}"


def _served(http: str, path: str) -> tuple[Document, Method] | None:
    for prefix in ("/resumable/upload", "/upload", "/download"):
        path = path.removeprefix(prefix)
    asked = [path]
    if path.startswith("/ui/"):
        asked = [path.replace("/ui/", f"/{version}/", 1) for version in ("v1", "v1beta1")]
    for one in asked:
        for name in DOCUMENTS:
            document = load(name)
            if method := document.route(http, one):
                return document, method
    return None


@functools.cache
def _validator(document: str, message: str) -> Draft202012Validator:
    schemas = _schemas(document)
    return Draft202012Validator({"$ref": f"#/$defs/{message}", "$defs": schemas})


@functools.cache
def _schemas(document: str) -> dict[str, Any]:
    """A document's schemas as JSON Schema of today."""
    return {name: _modern(schema) for name, schema in load(document).raw["schemas"].items()}


def _modern(schema: Mapping[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        return {"$ref": f"#/$defs/{schema['$ref']}"}
    kind = schema.get("type", "any")
    if kind == "any":
        return {}
    if kind == "array":
        return {"type": "array", "items": _modern(schema["items"])}
    if kind == "object":
        return _modern_object(schema)
    found: dict[str, Any] = {"type": _types(kind, schema)}
    if "enum" in schema and kind == "string":
        # Clients may ask for the numbers of enums.
        found = {"anyOf": [{"enum": [*schema["enum"], *BEYOND]}, {"type": "integer"}]}
    if schema.get("format") in ("int64", "uint64"):
        found["pattern"] = r"^-?\d+$"
    return found


def _types(kind: str, schema: Mapping[str, Any]) -> Sequence[str] | str:
    # Infinity and NaN are texts in the JSON form of protocol buffers.
    return ["number", "string"] if kind == "number" else kind


def _modern_object(schema: Mapping[str, Any]) -> dict[str, Any]:
    if "properties" in schema:
        properties = {name: _modern(part) for name, part in schema["properties"].items()}
        return {"type": "object", "properties": properties, "additionalProperties": False}
    if "additionalProperties" in schema:
        return {"type": "object", "additionalProperties": _modern(schema["additionalProperties"])}
    return {"type": "object"}
