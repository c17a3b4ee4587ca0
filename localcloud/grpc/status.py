"""An error of REST as the google.rpc.Status that gRPC answers with."""

import json
from typing import Any

from google.protobuf import json_format
from google.rpc import error_details_pb2, status_pb2

from localcloud.errors import CODE, HTTP_STATUS, Json

# The details of an error are messages of this module; a reader finds them once it is imported.
_DETAILS = error_details_pb2.DESCRIPTOR

UNKNOWN = 2


def of_reply(http_status: int, raw: bytes) -> Any:
    """The status of a reply that REST refused.

    Args:
        http_status: The reply's HTTP status.
        raw: Its body, JSON with an `error` in all of Google's APIs.

    Returns:
        A `google.rpc.status_pb2.Status`.
    """
    error = _error(raw)
    status = status_pb2.Status(
        code=CODE.get(str(error.get("status")), _of_http(http_status)),
        message=str(error.get("message") or raw.decode("utf-8", "replace")),
    )
    for detail in error.get("details", ()):
        json_format.ParseDict(detail, status.details.add(), ignore_unknown_fields=True)
    return status


def _error(raw: bytes) -> Json:
    try:
        body = json.loads(raw)
    except ValueError:
        return {}
    error = body.get("error") if isinstance(body, dict) else None
    return error if isinstance(error, dict) else {}


def _of_http(http_status: int) -> int:
    named = {number: name for name, number in reversed(HTTP_STATUS.items())}
    return CODE.get(named.get(http_status, ""), UNKNOWN)
