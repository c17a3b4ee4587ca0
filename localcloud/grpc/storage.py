"""BigQuery's Storage API, which exists in gRPC only: local-bigquery's, over the open BigQuery."""

from collections.abc import Iterator
from typing import Any

from localcloud.errors import ApiError

PACKAGE = "google.cloud.bigquery.storage.v1"
BOTH_STREAM = frozenset({f"/{PACKAGE}.BigQueryWrite/AppendRows"})
"""The methods whose request is a stream too."""


def handler(path: str) -> Any:
    """Who answers a method, a `grpc.RpcMethodHandler`; its library is imported the first time.

    Args:
        path: The method, such as `/google.cloud.bigquery.storage.v1.BigQueryRead/ReadRows`.

    Raises:
        ApiError: UNIMPLEMENTED; there is no such method.
    """
    from local_bigquery.grpc.server import SERVICES

    service, _, name = path.strip("/").rpartition("/")
    found = SERVICES.get(service, {}).get(name)
    if found is None:
        raise ApiError("UNIMPLEMENTED", f"{service} has no method {name}.")
    return found


def answer(handler: Any, requests: Iterator[bytes], context: Any) -> Iterator[bytes]:
    """Answer one call, whether its reply is a stream or not.

    Args:
        handler: Who answers it.
        requests: The messages received.
        context: The call, a `grpc.ServicerContext`.
    """
    parsed = map(handler.request_deserializer, requests)
    if handler.stream_stream is not None:
        replies = handler.stream_stream(parsed, context)
    elif handler.unary_stream is not None:
        replies = handler.unary_stream(next(parsed), context)
    else:
        replies = iter([handler.unary_unary(next(parsed), context)])
    yield from map(handler.response_serializer, replies)
