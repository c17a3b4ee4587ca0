"""Names and addresses of a Vertex AI endpoint, known before it is there."""

import hashlib


def endpoint_id(project: str, location: str, name: str) -> str:
    """Derive an endpoint's id, which has to be a number.

    Args:
        project: Project id.
        location: Region.
        name: Any text that is unique in project and region.

    Returns:
        10 digits, the first not zero; the same for the same arguments.
    """
    digest = hashlib.sha256("\0".join((project, location, name)).encode()).digest()
    return str(10**9 + int.from_bytes(digest[:8]) % (9 * 10**9))


def endpoint_name(project: str, location: str, endpoint_id: str) -> str:
    """Name an endpoint, `projects/…/locations/…/endpoints/…`."""
    return f"projects/{project}/locations/{location}/endpoints/{endpoint_id}"


def endpoint_url(
    project: str, location: str, endpoint_id: str, api_endpoint: str | None = None
) -> str:
    """Give the address under which an endpoint of the shared public kind answers.

    Args:
        project: Project id.
        location: Region.
        endpoint_id: The endpoint's number.
        api_endpoint: Base URL of a server that answers for Google; None or empty is Google itself.

    Returns:
        The URL without a verb; `:predict` goes behind it.
    """
    host = api_endpoint or f"https://{location}-aiplatform.googleapis.com"
    return f"{host.rstrip('/')}/v1/{endpoint_name(project, location, endpoint_id)}"
