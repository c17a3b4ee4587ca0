"""Under which address an endpoint answers predictions.

Source: https://cloud.google.com/vertex-ai/docs/predictions/choose-endpoint-type
"""

from collections.abc import Callable

from localcloud.errors import ApiError, Json
from localcloud.project import Projects

DEDICATED = "prediction.vertexai.goog"
EXCLUSIVE = ("network", "privateServiceConnectConfig", "dedicatedEndpointEnabled")


def dedicated_dns(endpoint: str, projects: Projects) -> str:
    """The name in the DNS of a dedicated endpoint, `<id>.<region>-<number>.prediction.…`.

    Args:
        endpoint: The endpoint's name.
        projects: Knows the projects' numbers.
    """
    _, project, _, location, _, identifier = endpoint.split("/")
    return f"{identifier}.{location}-{projects.number(project)}.{DEDICATED}"


def check_kind(endpoint: Json) -> None:
    """Refuse an endpoint of two kinds at once.

    Raises:
        ApiError: INVALID_ARGUMENT.
    """
    chosen = [key for key in EXCLUSIVE if endpoint.get(key)]
    if len(chosen) > 1 and chosen != ["privateServiceConnectConfig", "dedicatedEndpointEnabled"]:
        raise ApiError(
            "INVALID_ARGUMENT",
            f"{' and '.join(chosen)} exclude each other: an Endpoint is public, dedicated, private "
            "by Private Service Connect, or peered to a network.",
        )


def check_address(endpoint: Json, host: str) -> None:
    """Refuse what was sent to a dedicated endpoint under the shared address.

    Args:
        endpoint: Who is asked.
        host: The request's Host header, with or without a port.

    Raises:
        ApiError: FAILED_PRECONDITION.
    """
    own = endpoint.get("dedicatedEndpointDns", "")
    if own and host.partition(":")[0] != own:
        raise ApiError(
            "FAILED_PRECONDITION",
            f"The dedicated Endpoint {endpoint['name']} does not answer under the shared address "
            f"{host or 'of Vertex AI'}: send the request to {own}. On the local cloud that is this "
            f"server with the header Host: {own}.",
        )


def private_endpoints(endpoint: Json, base_url: Callable[[], str]) -> Json:
    """The addresses within the network of a model deployed on a peered endpoint, else nothing.

    The local cloud has one network, so these are its ordinary address.
    """
    if not endpoint.get("network"):
        return {}
    address = f"{base_url()}/v1/{endpoint['name']}"
    return {
        "privateEndpoints": {
            "predictHttpUri": f"{address}:predict",
            "explainHttpUri": f"{address}:explain",
            "healthHttpUri": f"{base_url()}/healthz",
        }
    }
