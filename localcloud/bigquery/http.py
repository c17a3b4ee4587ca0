"""Calls that BigQuery makes itself, to endpoints and to Gemini."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
import tenacity

from localcloud.bigquery import upstream

TIMEOUT_SECONDS = 60.0
RETRIED = (429, 503)
"""Answers that mean "try again"."""


def client() -> httpx.Client:
    """A client that keeps its connections; to be closed."""
    return httpx.Client(timeout=TIMEOUT_SECONDS)


def address(endpoint: str) -> str:
    """The URL to call for an endpoint: a Google host means this local cloud."""
    parts = urlsplit(endpoint)
    if not parts.scheme:
        # An endpoint by its name, projects/p/locations/l/endpoints/e.
        return f"{upstream.runtime().base_url()}/v1/{endpoint}"
    if parts.hostname is not None and parts.hostname.endswith(".googleapis.com"):
        here = urlsplit(upstream.runtime().base_url())
        parts = parts._replace(scheme=here.scheme, netloc=here.netloc)
    return urlunsplit(parts)


@tenacity.retry(
    retry=tenacity.retry_if_result(lambda response: response.status_code in RETRIED),
    stop=tenacity.stop_after_attempt(4),
    wait=tenacity.wait_exponential_jitter(initial=0.2, max=2),
    retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
)
def post(client: httpx.Client, url: str, body: Mapping[str, Any]) -> httpx.Response:
    """POST JSON; the last answer, when every one of four said to try again.

    Raises:
        httpx.HTTPError: Nobody answered.
    """
    return client.post(url, json=body)


def failure(url: str, response: httpx.Response) -> str:
    """One sentence about an answer that is none, for a row's status."""
    return f"POST {url} answered {response.status_code}: {response.text[:500]}"
