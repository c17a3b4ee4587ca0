"""Whether answers have the shape that Google's Discovery documents give them.

`checked` wraps an ASGI application; every JSON answer that passes it is compared with the schema of
its method, and every refusal with Google's shape of errors. What does not fit is kept in a list
that fixtures look at; which methods answered what they were asked for, in `COMPARED`.
"""

import functools
import gzip
import json
import os
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

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
UNFINISHED = 308
"""The status of a part of a resumable upload: no body, as in the answer that begins one."""
BEYOND = {"RemoteModelInfo.remoteServiceType": ("CLOUD_AI_DOCUMENT_V1",)}
"""Values that Google's pages have and the enum of a field in its documents has not
https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-create-remote-model-service"""
OWN = re.compile(r"/|/admin/.*|/healthz|/discovery/.*|/\$discovery/rest|/token|/web/.*")
"""Paths that are no method's: the local cloud's own, Discovery's and OAuth's."""
UNPUBLISHED = re.compile(r"/bigquery/v2/projects/[^/]+/datasets/[^/:]+:(get|set)IamPolicy")
"""Methods that the bq command calls and the public document has of tables and routines only."""
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

COMPARED: dict[str, set[str]] = defaultdict(set)
"""Document and method, such as `bigquery.v2 bigquery.jobs.insert` -> the files of the tests that
had an answer of it, no refusal, compared in this process."""


def checked(app: ASGIApp, found: list[str]) -> ASGIApp:
    """An application whose answers are compared.

    Args:
        app: What answers.
        found: Takes a sentence for each answer that has another shape.
    """

    async def answered(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        answer = _Answer()

        async def sent(message: Message) -> None:
            answer.take(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                found.extend(answer.faults(scope))
            await send(message)

        await app(scope, receive, sent)

    return answered


class _Answer:
    """One answer, as it is sent."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        self.parts: list[bytes] = []

    def take(self, message: Message) -> None:
        """Take what is sent."""
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], dict(message["headers"])
        else:
            self.parts.append(message.get("body", b""))

    def faults(self, scope: Scope) -> Iterator[str]:
        """What is wrong with it, once it is whole."""
        raw = b"".join(self.parts)
        if self.headers.get(b"content-encoding") == b"gzip":
            raw = gzip.decompress(raw)
        # An object's name is one segment, whose slashes only the raw path tells from others.
        path = scope.get("raw_path", scope["path"].encode()).split(b"?")[0].decode()
        kind = self.headers.get(b"content-type", b"").split(b";")[0].decode()
        begun = not raw and b"location" in self.headers
        if begun or self.status == UNFINISHED or (self.status < 400 and _is_media(scope)):
            return
        if kind == "text/event-stream":
            raw = _events(raw)
        elif not (
            not raw
            or kind == "application/json"
            or OWN.fullmatch(path)
            or (self.status < 400 and _is_any(scope["method"], path))
        ):
            yield f"{scope['method']} {path}: {self.status} of the type {kind!r}"
            return
        yield from faults(scope["method"], path, self.status, raw)


def _events(raw: bytes) -> bytes:
    """The messages of a stream of events, as the array that they are without `alt=sse`."""
    return b"[" + b",".join(re.findall(rb"^data: (.*?)\r?$", raw, re.MULTILINE)) + b"]"


def _is_media(scope: Scope) -> bool:
    """Whether an object's bytes are asked for."""
    asked = b"alt=media" in scope.get("query_string", b"")
    return asked or scope["path"].startswith("/download/")


def _is_any(http: str, path: str) -> bool:
    """Whether the answer is a body of any kind."""
    served = _served(http, path)
    return served is not None and served[1].response == "GoogleApiHttpBody"


def faults(http: str, path: str, status: int, raw: bytes) -> Iterator[str]:
    """What is wrong with one answer.

    Args:
        http: The request's HTTP method.
        path: The request's path.
        status: The answer's status.
        raw: The answer's body; empty when it has none.
    """
    if OWN.fullmatch(path):
        return
    if status >= 400:
        yield from _wrong(Draft202012Validator(ERROR), json.loads(raw), f"{http} {path} {status}")
        return
    served = _served(http, path)
    if served is None and UNPUBLISHED.fullmatch(path):
        return
    if served is None:
        yield f"{http} {path}: answered with {status}, and no document has such a method"
        return
    document, method = served
    wrong = list(_misshapen(document, method, raw))
    yield from wrong
    if wrong:
        return
    COMPARED[f"{document.name} {method.id}"].add(_test_file())
    if ".operations." in method.id:
        # Services that have an operation's path in common have one kind of operations.
        for name in DOCUMENTS:
            if (other := load(name).route(http, path)) and ".operations." in other.id:
                COMPARED[f"{name} {other.id}"].add(_test_file())


def _test_file() -> str:
    # Servers of the tests run in threads of the tests' own process.
    return os.environ.get("PYTEST_CURRENT_TEST", "").split("::")[0]


def _misshapen(document: Document, method: Method, raw: bytes) -> Iterator[str]:
    if method.response in ("", "GoogleApiHttpBody"):
        if raw and not method.response:
            yield f"{method.id}: a body where there is none: {raw[:300]!r}"
        return
    if not raw:
        yield f"{method.id}: no body where a {method.response} is told"
        return
    body = json.loads(raw)
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
        if http == "PUT" and path.startswith(prefix):
            # The rest of what a POST began.
            http = "POST"
        path = path.removeprefix(prefix)
    asked = [path]
    if path.startswith("/ui/"):
        asked = [path.replace("/ui/", f"/{version}/", 1) for version in ("v1", "v1beta1")]
    for one in (*asked, *map(unquote, asked)):
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
    return {name: _modern(schema, name) for name, schema in load(document).raw["schemas"].items()}


def _modern(schema: Mapping[str, Any], field: str) -> dict[str, Any]:
    if "$ref" in schema:
        return {"$ref": f"#/$defs/{schema['$ref']}"}
    kind = schema.get("type", "any")
    if kind == "any":
        return {}
    if kind == "array":
        return {"type": "array", "items": _modern(schema["items"], field)}
    if kind == "object":
        return _modern_object(schema, field)
    found: dict[str, Any] = {"type": _types(kind, schema)}
    if "enum" in schema and kind == "string":
        # Clients may ask for the numbers of enums.
        found = {
            "anyOf": [{"enum": [*schema["enum"], *BEYOND.get(field, ())]}, {"type": "integer"}]
        }
    if schema.get("format") in ("int64", "uint64"):
        found["pattern"] = r"^-?\d+$"
    return found


def _types(kind: str, schema: Mapping[str, Any]) -> Sequence[str] | str:
    # Infinity and NaN are texts in the JSON form of protocol buffers.
    return ["number", "string"] if kind == "number" else kind


def _modern_object(schema: Mapping[str, Any], field: str) -> dict[str, Any]:
    if "properties" in schema:
        properties = {
            name: _modern(part, f"{field}.{name}") for name, part in schema["properties"].items()
        }
        return {"type": "object", "properties": properties, "additionalProperties": False}
    if "additionalProperties" in schema:
        return {
            "type": "object",
            "additionalProperties": _modern(schema["additionalProperties"], field),
        }
    return {"type": "object"}
