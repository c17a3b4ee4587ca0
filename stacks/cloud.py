"""Where pulumi-gcp finds Google: Google itself, or the local cloud at one address."""

import socket
from urllib.parse import urlsplit

import pulumi
import pulumi_gcp as gcp

from stacks.config import StackConfig


def options(config: StackConfig) -> pulumi.ResourceOptions:
    """Options for every component of the stack.

    Args:
        config: The stack's config; its `api_endpoint` decides.

    Returns:
        Options that send pulumi-gcp's requests to `api_endpoint`; with none, empty options, so
        that pulumi-gcp's default provider talks to Google with the usual credentials.

    Raises:
        pulumi.RunError: Nobody answers at `api_endpoint`, and this is no preview, which needs
            nobody.
    """
    if config.api_endpoint is None:
        return pulumi.ResourceOptions(protect=config.protect)
    url = config.api_endpoint
    if not pulumi.runtime.is_dry_run():
        require(url)
    provider = gcp.Provider(
        "local-cloud",
        project=config.project,
        region=config.location,
        access_token="local",  # the plugin wants one; the local cloud takes any
        user_project_override=False,
        big_query_custom_endpoint=f"{url}/bigquery/v2/",
        bigquery_connection_custom_endpoint=f"{url}/v1/",
        resource_manager_custom_endpoint=f"{url}/v1/",
        iam_beta_custom_endpoint=f"{url}/v1/",
        service_usage_custom_endpoint=f"{url}/v1/",
        storage_custom_endpoint=f"{url}/storage/v1/",
        vertex_ai_custom_endpoint=f"{url}/v1/",
    )
    return pulumi.ResourceOptions(providers={"gcp": provider}, protect=config.protect)


def require(url: str, timeout_s: float = 5.0) -> None:
    """Refuse to go on when nobody answers at an address.

    Without this each resource would fail on its own, in its own words.

    Args:
        url: The address, with scheme, host and perhaps a port.
        timeout_s: Seconds to wait for an answer.

    Raises:
        pulumi.RunError: Nobody answers; the message says what to do.
    """
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname or "", port), timeout_s).close()
    except OSError as error:
        raise pulumi.RunError(
            f"the local cloud at {url} (bqvertex:api_endpoint) does not answer: "
            f"{error.strerror or error}; start it with `bqvertex local start --port {port}`, or "
            "use `make up`, which does"
        ) from error
