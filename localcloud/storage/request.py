"""What a request to Cloud Storage says."""

import json

from starlette.requests import Request

from localcloud.discovery.document import load
from localcloud.errors import ApiError, Json


def query(request: Request, name: str, *, required: bool = False) -> str:
    """One query parameter; empty when it is absent.

    Raises:
        ApiError: INVALID_ARGUMENT; it is required and absent.
    """
    value = request.query_params.get(name, "")
    if required and not value:
        raise ApiError("INVALID_ARGUMENT", f"Required parameter: {name}")
    return value


async def read_json(request: Request, message: str) -> Json:
    """A parsed body.

    Raises:
        ApiError: INVALID_ARGUMENT; it is no JSON, or not this message.
    """
    raw = await request.body()
    try:
        body = json.loads(raw) if raw.strip() else {}
    except ValueError as error:
        raise ApiError("INVALID_ARGUMENT", f"Parse Error: {error}.") from error
    return load("storage.v1").schema.parse(message, body)
