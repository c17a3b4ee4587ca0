"""Online predictions over HTTP, as any application would ask for them."""

from typing import Any

from bqvertex.clients.settings import CloudSettings
from bqvertex.clients.vertex.rest import CALL_TIMEOUT_S, translated

_SCOPE = "https://www.googleapis.com/auth/cloud-platform"


def predict(settings: CloudSettings, predict_url: str, request: dict[str, Any]) -> dict[str, Any]:
    """Ask an endpoint for predictions, once.

    Args:
        settings: With an `api_endpoint` no credentials are sent; without, the application default
            credentials.
        predict_url: The endpoint's URL, with `:predict`.
        request: The body, `{"instances": [...], "parameters": {...}}`; see
            https://cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.endpoints/predict.

    Returns:
        The endpoint's answer, with `predictions`.

    Raises:
        Unavailable: Nobody answered at that address, or not in time.
        PermissionDenied: There are no application default credentials, or they may not.
        CloudError: The endpoint answered with another error.
    """
    import google.auth
    import google.auth.transport.requests
    import requests
    from google.api_core.exceptions import from_http_response

    session = requests.Session()
    with translated("get a prediction from", predict_url, settings):
        if settings.api_endpoint is None:
            credentials, _ = google.auth.default([_SCOPE])
            session = google.auth.transport.requests.AuthorizedSession(credentials)
        response = session.post(predict_url, json=request, timeout=CALL_TIMEOUT_S)
        if not response.ok:
            raise from_http_response(response)  # type: ignore[no-untyped-call]
    answer: dict[str, Any] = response.json()
    return answer
