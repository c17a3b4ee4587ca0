"""Protocol buffers to a REST request, and a REST reply to protocol buffers.

Source: https://github.com/googleapis/googleapis/blob/master/google/api/http.proto
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from google.api_core import path_template, rest_helpers
from google.protobuf import json_format
from google.protobuf.message import Message

from localcloud.errors import ApiError
from localcloud.grpc.method import Method, register_messages

HTTP_BODY = "google.api.HttpBody"
ANY = "@type"


@dataclass(frozen=True)
class RestRequest:
    """One REST request.

    Attributes:
        http: HTTP method.
        path: The path, not yet quoted.
        query: Query parameters.
        body: The body; None for none.
        content_type: What the body is.
    """

    http: str
    path: str
    query: Sequence[tuple[str, str]]
    body: bytes | None
    content_type: str


def request_of(method: Method, raw: bytes) -> RestRequest:
    """The REST request that a gRPC request stands for.

    Raises:
        ApiError: UNIMPLEMENTED when REST has no such method; INVALID_ARGUMENT when the resource's
            name fits none of the method's paths.
    """
    if not method.rules:
        raise ApiError(
            "UNIMPLEMENTED",
            f"{method.path} exists in gRPC only, and the local cloud answers what REST has.",
        )
    message = method.request.FromString(raw)
    try:
        found = path_template.transcode(method.rules, message)  # type: ignore[no-untyped-call]
    except ValueError as error:
        raise ApiError("INVALID_ARGUMENT", _unfit(method, message)) from error
    body, content_type = _body(found.get("body"))
    query = rest_helpers.flatten_query_params(  # type: ignore[no-untyped-call]
        _json(found["query_params"]), strict=True
    )
    if method.streams:
        query.append(("alt", "sse"))
    return RestRequest(found["method"].upper(), found["uri"], query, body, content_type)


def _unfit(method: Method, message: Message) -> str:
    said = ", ".join(
        f"{field.name}={value!r}" for field, value in message.ListFields() if isinstance(value, str)
    )
    wanted = " or ".join(dict.fromkeys(rule["uri"] for rule in method.rules[:3]))
    return f"{method.path} of {said or 'an empty request'}: the name must fit {wanted}."


def _body(message: Any) -> tuple[bytes | None, str]:
    if message is None:
        return None, ""
    for field, value in message.ListFields():
        if field.message_type is not None and field.message_type.full_name == HTTP_BODY:
            return bytes(value.data), value.content_type or "application/json"
    return json.dumps(_json(message)).encode(), "application/json"


def _json(message: Message) -> Any:
    return json_format.MessageToDict(message)


def reply_of(method: Method, raw: bytes, content_type: str) -> bytes:
    """A whole REST reply as the method's message.

    Raises:
        ApiError: INTERNAL when the reply does not fit the installed client library.
    """
    if method.response.DESCRIPTOR.full_name == HTTP_BODY:
        return serialized(method.response(content_type=content_type, data=raw))
    return message_of(method, json.loads(raw) if raw.strip() else {})


def message_of(method: Method, reply: Any) -> bytes:
    """One JSON reply as the method's message.

    Raises:
        ApiError: INTERNAL when the reply does not fit the installed client library.
    """
    for name in _any_types(reply):
        register_messages(name.rpartition("/")[2])
    try:
        # The Discovery documents may know fields that the installed library does not.
        parsed = json_format.ParseDict(reply, method.response(), ignore_unknown_fields=True)
    except json_format.ParseError as error:
        raise ApiError(
            "INTERNAL", f"The reply of {method.path} does not fit the installed client: {error}"
        ) from error
    return serialized(parsed)


def serialized(message: Message) -> bytes:
    """A message's bytes on the wire."""
    raw: bytes = message.SerializeToString()
    return raw


def events(lines: Iterator[str]) -> Iterator[Any]:
    """The JSON of each server-sent event."""
    data: list[str] = []
    for line in lines:
        if line.startswith("data:"):
            data.append(line.removeprefix("data:").strip())
        elif not line and data:
            yield json.loads("\n".join(data))
            data = []
    if data:
        yield json.loads("\n".join(data))


def _any_types(reply: Any) -> Iterator[str]:
    if isinstance(reply, dict):
        if isinstance(found := reply.get(ANY), str):
            yield found
        for value in reply.values():
            yield from _any_types(value)
    elif isinstance(reply, list):
        for value in reply:
            yield from _any_types(value)
