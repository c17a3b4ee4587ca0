"""One way to call Vertex AI: which client, which address, what is tried again, what went wrong.

Google's libraries are imported where they are used: they cost over a second, which a preview that
changes nothing must not pay.
"""

import concurrent.futures
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Final

from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_exponential
from tenacity.retry import retry_base

from bqvertex.clients import cancellation, errors
from bqvertex.clients.connection_pool import widen
from bqvertex.clients.errors import NotFound
from bqvertex.clients.settings import CloudSettings

CALL_TIMEOUT_S: Final = 60.0
"""Seconds for one request."""
RETRY_DEADLINE_S: Final = 120.0
"""Seconds in which a request is sent again while the answer is 429 or 503."""
OPERATION_DEADLINE_S: Final = 3600.0
"""Seconds for one long-running operation: deploying a large model takes tens of minutes."""
FIRST_POLL_S: Final = 0.1
SLOWEST_POLL_S: Final = 15.0

_QUOTA_REASONS = frozenset(
    {"RATE_LIMIT_EXCEEDED", "RESOURCE_QUOTA_EXCEEDED", "quotaExceeded", "rateLimitExceeded"}
)
_PERMISSION_REASONS = frozenset({"IAM_PERMISSION_DENIED", "SERVICE_DISABLED", "ACCESS_DENIED"})
_BY_STATUS: dict[str, type[errors.CloudError]] = {
    "NOT_FOUND": errors.NotFound,
    "ALREADY_EXISTS": errors.AlreadyExists,
    "ABORTED": errors.Unavailable,
    "PERMISSION_DENIED": errors.PermissionDenied,
    "UNAUTHENTICATED": errors.PermissionDenied,
    "INVALID_ARGUMENT": errors.InvalidRequest,
    "OUT_OF_RANGE": errors.InvalidRequest,
    "UNIMPLEMENTED": errors.InvalidRequest,
    "FAILED_PRECONDITION": errors.FailedPrecondition,
    "RESOURCE_EXHAUSTED": errors.QuotaExceeded,
    "UNAVAILABLE": errors.Unavailable,
    "INTERNAL": errors.Unavailable,
    "DEADLINE_EXCEEDED": errors.DeadlineExceeded,
}
_BY_HTTP_CODE: dict[int, type[errors.CloudError]] = {
    400: errors.InvalidRequest,
    401: errors.PermissionDenied,
    403: errors.PermissionDenied,
    404: errors.NotFound,
    409: errors.AlreadyExists,
    429: errors.QuotaExceeded,
    500: errors.Unavailable,
    501: errors.InvalidRequest,
    502: errors.Unavailable,
    503: errors.Unavailable,
    504: errors.DeadlineExceeded,
}
_ADVICE: dict[type[errors.CloudError], str] = {
    errors.PermissionDenied: (
        "grant the caller roles/aiplatform.user on the project, enable aiplatform.googleapis.com, "
        "and sign in with `gcloud auth application-default login`"
    ),
    errors.QuotaExceeded: "wait a minute and run it again, or ask Google for more quota",
    errors.Unavailable: "run it again: work that was begun is found again",
    errors.DeadlineExceeded: "run it again: it may still be going on, and is found again",
}


class VertexRest:
    """Vertex AI's generated clients over HTTP/JSON, one a service and region."""

    def __init__(self, settings: CloudSettings) -> None:
        """Keep the settings; nothing is imported or connected yet."""
        self._settings = settings
        self._clients: dict[tuple[str, str, str], Any] = {}
        self._lock = threading.Lock()

    def client(self, version: str, service: str, location: str) -> Any:
        """Return a generated client.

        Args:
            version: `v1` or `v1beta1`.
            service: Name of the client class without `Client`, such as `EndpointService`.
            location: Region, such as `europe-west4`.

        Returns:
            The client; one and the same for the same arguments.
        """
        with self._lock:
            key = (version, service, location)
            if key not in self._clients:
                self._clients[key] = self._build(*key)
            return self._clients[key]

    def _build(self, version: str, service: str, location: str) -> Any:
        from google.api_core.client_options import ClientOptions
        from google.auth.credentials import AnonymousCredentials

        package = import_module(f"google.cloud.aiplatform_{version}")
        cls = getattr(package, f"{service}Client")
        if self._settings.api_endpoint is None:
            options = ClientOptions(api_endpoint=f"https://{location}-aiplatform.googleapis.com")
            with translated("find application default credentials for", "Vertex AI"):
                client = cls(transport="rest", client_options=options)
        else:
            client = cls(
                transport="rest",
                credentials=AnonymousCredentials(),
                client_options=ClientOptions(api_endpoint=self._settings.api_endpoint),
            )
        widen(client.transport._session)
        return client

    def call(self, action: str, target: str, method: Callable[..., Any], request: Any) -> Any:
        """Make one call, again while the answer is to try again.

        Args:
            action: What is tried, for the error message, such as `deploy`.
            target: On which resource.
            method: A method of a generated client.
            request: Its request, a message or a dict in its shape.

        Returns:
            What the method returns; a pager is read to its end by the caller.

        Raises:
            CloudError: In the terms of `clients.errors`.
        """
        with translated(action, target, self._settings):
            return method(request=request, retry=_retry(), timeout=CALL_TIMEOUT_S)

    def finish(self, action: str, target: str, operation: Any) -> Any:
        """Wait until a long-running operation is done.

        Args:
            action: What it does, for the error message.
            target: On which resource.
            operation: What a generated method returned.

        Returns:
            The operation's response.

        Raises:
            JobFailed: It ran and failed.
            DeadlineExceeded: It was not done in `OPERATION_DEADLINE_S`.
            CloudError: It could not be asked about.
        """
        from google.api_core.future import polling

        pace = polling.DEFAULT_POLLING.with_delay(
            initial=FIRST_POLL_S, maximum=SLOWEST_POLL_S, multiplier=1.6
        )
        with translated(action, target, self._settings, running=operation):
            return operation.result(timeout=OPERATION_DEADLINE_S, retry=_retry(), polling=pace)

    def outlast(self, client: Any, operation_name: str) -> None:
        """Wait until an operation that somebody began is over, well or badly.

        Args:
            client: A generated client of the service that runs it.
            operation_name: Its full name.

        Raises:
            DeadlineExceeded: It was still going on after `OPERATION_DEADLINE_S`.
        """

        def over() -> bool:
            request = {"name": operation_name}
            return bool(self.call("read", operation_name, client.get_operation, request).done)

        try:
            patiently(retry_if_result(lambda done: not done), OPERATION_DEADLINE_S)(over)
        except NotFound:
            return  # Google forgets finished operations
        except RetryError as error:
            said = f"still running after {OPERATION_DEADLINE_S:.0f} s"
            raise errors.DeadlineExceeded(
                _sentence("wait for", operation_name, said, errors.DeadlineExceeded)
            ) from error


def patiently(again: retry_base, deadline_s: float) -> Retrying:
    """Build the loop that asks, ever more slowly, until it is so.

    Args:
        again: When to ask again.
        deadline_s: Seconds after which it is given up: the last error is raised, or
            `tenacity.RetryError` where there was none.

    Returns:
        A callable that takes what to ask, and its arguments.
    """
    return Retrying(
        retry=again,
        stop=stop_after_delay(deadline_s),
        wait=wait_exponential(multiplier=FIRST_POLL_S, max=SLOWEST_POLL_S),
        sleep=cancellation.sleep,
        reraise=True,
    )


@contextmanager
def translated(
    action: str, target: str, settings: CloudSettings | None = None, running: Any = None
) -> Iterator[None]:
    """Turn what Google's libraries raise into `clients.errors`.

    Args:
        action: What is tried, such as `deploy`.
        target: On which resource.
        settings: Tells the address that did not answer.
        running: The long-running operation that is waited for, if one is.
    """
    from google.api_core import exceptions as api
    from google.auth import exceptions as auth
    from requests import exceptions as http

    try:
        yield
    except api.RetryError as error:
        cause = error.cause if isinstance(error.cause, api.GoogleAPICallError) else None
        kind = _kind(cause) if cause is not None else errors.Unavailable
        said = _message(cause) if cause is not None else str(error)
        raise kind(_sentence(action, target, said, kind)) from error
    except api.GoogleAPICallError as error:
        kind = _kind(error)
        if running is not None and error.response is running.operation:
            # The answer is the operation's own outcome, not a failed question about it.
            kind = errors.JobFailed
        raise kind(_sentence(action, target, _message(error), kind)) from error
    except concurrent.futures.TimeoutError as error:
        said = f"not done after {OPERATION_DEADLINE_S:.0f} s"
        raise errors.DeadlineExceeded(
            _sentence(action, target, said, errors.DeadlineExceeded)
        ) from error
    except auth.GoogleAuthError as error:
        raise errors.PermissionDenied(
            f"could not {action} {target}: {error}; sign in with "
            "`gcloud auth application-default login`"
        ) from error
    except http.ConnectionError as error:
        raise errors.Unavailable(_no_answer(action, target, settings)) from error
    except http.Timeout as error:
        said = f"no answer within {CALL_TIMEOUT_S:.0f} s"
        raise errors.Unavailable(_sentence(action, target, said, errors.Unavailable)) from error


def _retry() -> Any:
    from google.api_core import exceptions as api
    from google.api_core.retry import Retry, if_exception_type

    return Retry(
        predicate=if_exception_type(api.ServiceUnavailable, api.TooManyRequests),
        initial=0.5,
        maximum=20.0,
        timeout=RETRY_DEADLINE_S,
    )


def _kind(error: Any) -> type[errors.CloudError]:
    # The reason first: a quota comes as 403 or 400 too, like a missing permission.
    if error.reason in _QUOTA_REASONS:
        return errors.QuotaExceeded
    if error.reason in _PERMISSION_REASONS:
        return errors.PermissionDenied
    by_status = _BY_STATUS.get(_status(error))
    return by_status or _BY_HTTP_CODE.get(int(error.code or 0), errors.CloudError)


def _status(error: Any) -> str:
    """Google's status name; api_core keeps it only in the answer's body for HTTP."""
    grpc_status = getattr(error.grpc_status_code, "name", "")
    return str(_error_body(error).get("status") or grpc_status)


def _message(error: Any) -> str:
    """Google's own words: api_core puts method and URL before them."""
    return str(_error_body(error).get("message") or error.message)


def _error_body(error: Any) -> dict[str, Any]:
    read = getattr(error.response, "json", None)
    if read is None:  # the outcome of an operation, or no answer at all
        return {}
    try:
        payload = read()
    except ValueError:  # the answer of a proxy, no JSON
        return {}
    body = payload.get("error") if isinstance(payload, dict) else None
    return body if isinstance(body, dict) else {}


def _sentence(action: str, target: str, said: str, kind: type[errors.CloudError]) -> str:
    advice = _ADVICE.get(kind)
    sentence = f"could not {action} {target}: {said.rstrip('. ')}"
    return f"{sentence}; {advice}" if advice else sentence


def _no_answer(action: str, target: str, settings: CloudSettings | None) -> str:
    if settings is not None and settings.api_endpoint is not None:
        return (
            f"could not {action} {target}: the local cloud at {settings.api_endpoint} does not "
            "answer; start it with `bqvertex local start`"
        )
    return f"could not {action} {target}: Google does not answer; check the network connection"
