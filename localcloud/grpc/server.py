"""The gRPC server: one port for every service, a second one with TLS where asked for.

Each call becomes the REST request it stands for, sent to this process's own address. So both ways
in meet the same checks, faults and log.
"""

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import grpc
import httpx

from localcloud.errors import ApiError
from localcloud.grpc.certificate import Certificate
from localcloud.process import HOST, StartError

WORKERS = 64
"""Calls at a time; most of them wait for REST."""
STOP_SECONDS = 2.0
PASSED_ON = ("authorization", "x-goog-")
"""The beginnings of the metadata that REST gets as headers."""

OPTIONS = (
    # Two servers on one port would share its calls.
    ("grpc.so_reuseport", 0),
    # Google takes 10 MB and more of AppendRows; gRPC's own limit is 4 MB.
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
)


class GrpcServer:
    """Every gRPC service of the local cloud.

    Args:
        base_url: Gives the address of its REST.
        wait_for_bigquery: Returns once BigQuery is open, or raises ApiError.
        port: The port; 0 takes a free one.
        certificate: What the port with TLS shows, the next one, or a free one as well; None opens
            none.

    Attributes:
        address: Host and port without TLS.
        tls_address: Host and port with TLS; empty for none.

    Raises:
        StartError: The port is not to be had.
    """

    def __init__(
        self,
        *,
        base_url: Callable[[], str],
        wait_for_bigquery: Callable[[], object],
        port: int,
        certificate: Certificate | None,
    ) -> None:
        self._calls = _Calls(base_url, wait_for_bigquery)
        self._server = grpc.server(
            ThreadPoolExecutor(WORKERS, thread_name_prefix="grpc"),
            handlers=[self._calls],
            options=OPTIONS,
        )
        self.address = self._bound(port, self._server.add_insecure_port)
        self.tls_address = ""
        if certificate is not None:
            credentials = grpc.ssl_server_credentials([(certificate.key, certificate.chain)])
            self.tls_address = self._bound(
                port + 1 if port else 0,
                lambda address: self._server.add_secure_port(address, credentials),
            )

    @staticmethod
    def _bound(port: int, bind: Callable[[str], int]) -> str:
        try:
            return f"{HOST}:{bind(f'{HOST}:{port}')}"
        except RuntimeError as error:
            raise StartError(
                f"port {port} of gRPC is taken: stop who has it, or start with --grpc-port 0."
            ) from error

    def start(self) -> None:
        """Begin to answer."""
        self._server.start()

    def close(self) -> None:
        """Refuse new calls, and end those under way."""
        self._server.stop(STOP_SECONDS).wait()
        self._calls.close()


class _Calls(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Finds who answers a call.

    Every call is answered as a stream: on the wire a stream of one message is the same as a
    message, and so no client library has to be imported to know which it is.
    """

    def __init__(
        self, base_url: Callable[[], str], wait_for_bigquery: Callable[[], object]
    ) -> None:
        self._base_url = base_url
        self._wait_for_bigquery = wait_for_bigquery
        self._client = httpx.Client(
            timeout=None, limits=httpx.Limits(max_connections=None), trust_env=False
        )
        # Python deadlocks now and then when threads import packages that import one another.
        self._importing = threading.Lock()

    def close(self) -> None:
        """Close the connections to REST."""
        self._client.close()

    def service(self, details: Any) -> Any:
        """The handler of one call."""
        from localcloud.grpc import storage

        path: str = details.method
        if path.startswith(f"/{storage.PACKAGE}."):

            def stored(requests: Iterator[bytes], context: Any) -> Iterator[bytes]:
                with _refusals(context):
                    self._wait_for_bigquery()
                    with self._importing:
                        handler = storage.handler(path)
                    yield from storage.answer(handler, requests, context)

            if path in storage.BOTH_STREAM:
                return grpc.stream_stream_rpc_method_handler(stored)
            return grpc.unary_stream_rpc_method_handler(
                lambda raw, context: stored(iter([raw]), context)
            )

        def called(raw: bytes, context: Any) -> Iterator[bytes]:
            with _refusals(context):
                yield from self._rest(path, raw, context)

        return grpc.unary_stream_rpc_method_handler(called)

    def _rest(self, path: str, raw: bytes, context: Any) -> Iterator[bytes]:
        with self._importing:
            from localcloud.grpc import method as methods
            from localcloud.grpc import transcoding

            method = methods.find(path)
        asked = transcoding.request_of(method, raw)
        headers = {
            key: value
            for key, value in context.invocation_metadata()
            if isinstance(value, str) and key.startswith(PASSED_ON)
        }
        if asked.body is not None:
            headers["content-type"] = asked.content_type
        with self._client.stream(
            asked.http,
            f"{self._base_url()}{quote(asked.path, safe='/:@-._~!$&()*+,;=')}",
            params=list(asked.query),
            content=asked.body,
            headers=headers,
        ) as reply:
            content_type = reply.headers.get("content-type", "")
            if reply.status_code >= httpx.codes.BAD_REQUEST:
                raise _Refused(reply.status_code, reply.read())
            if not method.streams:
                yield transcoding.reply_of(method, reply.read(), content_type)
            elif content_type.startswith("text/event-stream"):
                for event in transcoding.events(reply.iter_lines()):
                    yield transcoding.message_of(method, event)
            else:
                yield transcoding.reply_of(method, reply.read(), content_type)


class _Refused(Exception):
    """A reply of REST that is an error."""

    def __init__(self, http_status: int, raw: bytes) -> None:
        super().__init__(raw.decode("utf-8", "replace"))
        self.http_status = http_status
        self.raw = raw


@contextmanager
def _refusals(context: Any) -> Iterator[None]:
    """Ends the call with the status of an error."""
    try:
        yield
    except ApiError as error:
        _abort(context, error.http_status, json.dumps(error.body()).encode())
    except _Refused as error:
        _abort(context, error.http_status, error.raw)
    except httpx.TransportError as error:
        # REST ended before it answered: the server is going down.
        context.abort(grpc.StatusCode.UNAVAILABLE, f"REST did not answer: {error}")


def _abort(context: Any, http_status: int, raw: bytes) -> None:
    from grpc_status import rpc_status

    from localcloud.grpc import status

    context.abort_with_status(rpc_status.to_status(status.of_reply(http_status, raw)))
