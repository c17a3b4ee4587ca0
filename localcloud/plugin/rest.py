"""Requests to Google's REST APIs: the bearer token, retries, errors, long-running operations."""

from collections.abc import Callable, Mapping
from typing import Any

import httpx
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_after_delay,
    stop_any,
    stop_when_event_set,
    wait_random_exponential,
)
from tenacity.nap import sleep_using_event

from localcloud.plugin.configuration import Configuration, Service
from localcloud.plugin.lifecycle import Operation, Refused
from localcloud.plugin.request_error import HttpError, OperationFailed

Json = dict[str, Any]

_BUSY = frozenset({429, 502, 503, 504})
"""Statuses on which the same request is sent again: nothing has happened yet."""

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class Rest:
    """Sends requests for one configuration. Safe for use by several threads."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        headers = {"User-Agent": "bqvertex-localcloud-plugin"}
        if configuration.access_token:
            headers["Authorization"] = f"Bearer {configuration.access_token}"
        if configuration.user_project:
            headers["X-Goog-User-Project"] = configuration.user_project
        self._client = httpx.Client(
            headers=headers,
            timeout=httpx.Timeout(120, connect=15),
            limits=httpx.Limits(max_connections=64),
            trust_env=True,
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def call(
        self,
        operation: Operation,
        method: str,
        service: Service,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Json | None = None,
        region: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Json:
        """Send a request, again while the server is busy, and return the JSON reply.

        Args:
            operation: What it is part of; its deadline and cancellation end the retries.
            method: HTTP method.
            service: Whose API it is.
            path: Path below the API's version.
            query: Query parameters.
            body: JSON body.
            region: Region of the resource, for APIs with an address a region.
            headers: Further headers.

        Raises:
            HttpError: Refused, or nobody answered.
        """
        url = self._configuration.url(service, path, region)
        return self.send(operation, method, service, url, query=query, body=body, headers=headers)

    def send(
        self,
        operation: Operation,
        method: str,
        service: Service,
        url: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Json | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Json:
        """As `call`, to a whole address."""

        def once() -> Json:
            return self._once(method, service, url, query, body, content, headers)

        return self.again(operation, once, lambda error: error.status in _BUSY)

    def again(
        self, operation: Operation, once: Callable[[], Json], worth: Callable[[HttpError], bool]
    ) -> Json:
        """Do something until it succeeds or fails for good.

        Args:
            operation: What it is part of.
            once: The attempt.
            worth: Whether an error is worth another attempt.
        """
        retrying = Retrying(
            retry=retry_if_exception(lambda e: isinstance(e, HttpError) and worth(e)),
            wait=wait_random_exponential(multiplier=0.25, max=20),
            stop=stop_any(
                stop_after_delay(max(operation.seconds_left, 0)),
                stop_when_event_set(operation.cancelled),
            ),
            sleep=sleep_using_event(operation.cancelled),
            reraise=True,
        )
        return retrying(once)

    def finished(
        self, operation: Operation, service: Service, reply: Json, region: str | None
    ) -> Json:
        """Wait for a long-running operation.

        Args:
            operation: What it is part of.
            service: Whose operation it is.
            reply: The operation as first answered.
            region: Region of the resource.

        Returns:
            Its `response`.

        Raises:
            OperationFailed: It failed, or was still running at the deadline.
        """
        name = reply.get("name", "")

        def poll() -> Json:
            current = reply
            if not reply.get("done"):
                current = self.call(operation, "GET", service, name, region=region)
            if not current.get("done"):
                raise _Running
            return current

        retrying = Retrying(
            retry=retry_if_exception(lambda error: isinstance(error, _Running)),
            wait=_growing,
            stop=stop_any(
                stop_after_delay(max(operation.seconds_left, 0)),
                stop_when_event_set(operation.cancelled),
            ),
            sleep=sleep_using_event(operation.cancelled),
            reraise=True,
        )
        try:
            done = retrying(poll)
        except _Running:
            why = "interrupted" if operation.cancelled.is_set() else "still running at the deadline"
            raise OperationFailed(f"operation {name} of {service.name}: {why}") from None
        if "error" in done:
            message = done["error"].get("message", "no message")
            raise OperationFailed(f"operation {name} of {service.name} failed: {message}")
        response: Json = done.get("response", {})
        return response

    def _once(
        self,
        method: str,
        service: Service,
        url: str,
        query: Mapping[str, str] | None,
        body: Json | None,
        content: bytes | None,
        headers: Mapping[str, str] | None,
    ) -> Json:
        if self._configuration.access_token is None and httpx.URL(url).host not in _LOOPBACK:
            raise Refused(
                f"{method} {url}: no access token for {service.name}. Set accessToken on the "
                "provider or GOOGLE_OAUTH_ACCESS_TOKEN, such as to the output of `gcloud auth "
                f"print-access-token`; or point {service.key} to a local cloud."
            )
        try:
            response = self._client.request(
                method,
                url,
                params={"alt": "json", **(query or {})},
                json=body if content is None else None,
                content=content,
                headers=dict(headers or {}),
            )
        except httpx.TransportError as error:
            raise HttpError(
                0,
                "unreachable",
                f"{method} {url}: nobody answers ({error}). Start the local cloud (`python -m "
                f"localcloud start`), or correct {service.key} of the provider.",
            ) from error
        if response.is_success:
            return response.json() if response.content else {}
        raise _refusal(method, url, response, service)


class _Running(Exception):
    """The operation is not done."""


def _growing(state: RetryCallState) -> float:
    return float(min(0.1 * 1.5**state.attempt_number, 10))


def _refusal(method: str, url: str, response: httpx.Response, service: Service) -> HttpError:
    try:
        error = response.json()["error"]
        reason = error.get("status") or next(
            (each["reason"] for each in error.get("errors", []) if "reason" in each), ""
        )
        message = str(error.get("message", ""))
    except (ValueError, KeyError, TypeError, AttributeError):
        reason, message = "", response.text[:500] or response.reason_phrase
    text = f"{method} {url}: {service.name} answered {response.status_code}"
    text += f" {reason}: {message}" if reason else f": {message}"
    if response.status_code == 401:
        text += " Set accessToken on the provider to a token that has not run out."
    return HttpError(response.status_code, reason, text)
