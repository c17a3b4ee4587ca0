"""Online predictions over HTTP, as any application would ask for them."""

from typing import Any

from bqvertex.clients.errors import CloudError, Unavailable
from bqvertex.clients.settings import CloudSettings

_SCOPE = "https://www.googleapis.com/auth/cloud-platform"


def predict(
    settings: CloudSettings, predict_url: str, request: dict[str, Any], *, timeout_s: float = 60.0
) -> dict[str, Any]:
    """Ask an endpoint for predictions.

    Args:
        settings: With an `api_endpoint` no credentials are sent; without, the application default
            credentials.
        predict_url: The endpoint's URL, with `:predict`.
        request: The body, `{"instances": [...], "parameters": {...}}`; see
            https://cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.endpoints/predict.
        timeout_s: Seconds to wait for the answer.

    Returns:
        The endpoint's answer, with `predictions`.

    Raises:
        Unavailable: Nobody answered at that address.
        CloudError: The endpoint answered with an error.
    """
    import google.auth
    import google.auth.transport.requests
    import requests

    session = requests.Session()
    if settings.api_endpoint is None:
        credentials, _ = google.auth.default([_SCOPE])
        session = google.auth.transport.requests.AuthorizedSession(credentials)
    try:
        response = session.post(predict_url, json=request, timeout=timeout_s)
    except requests.ConnectionError as error:
        raise Unavailable(
            f"predict at {predict_url}: nobody answers; is the endpoint's address right, and is "
            "the local cloud running (`bqvertex local status`)?"
        ) from error
    if not response.ok:
        raise CloudError(f"predict at {predict_url}: {response.status_code}: {response.text}")
    answer: dict[str, Any] = response.json()
    return answer
