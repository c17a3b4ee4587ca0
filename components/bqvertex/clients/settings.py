"""How to reach Google: the only thing that tells the local cloud from the real one."""

from collections.abc import Callable
from dataclasses import dataclass

API_ENDPOINT_KEY = "bqvertex:api_endpoint"


@dataclass(frozen=True)
class CloudSettings:
    """Where the Google APIs answer.

    Attributes:
        api_endpoint: Base URL, such as `http://127.0.0.1:8470`, of one server that answers every
            Google API; requests to it carry no credentials. None: Google itself, with the
            application default credentials.
    """

    api_endpoint: str | None = None

    @classmethod
    def from_config(cls, get: Callable[[str], str | None]) -> "CloudSettings":
        """Read the settings out of a stack's config.

        Args:
            get: Returns the value of a full key, such as `bqvertex:api_endpoint`, or None.

        Returns:
            The settings.
        """
        endpoint = get(API_ENDPOINT_KEY)
        return cls(api_endpoint=endpoint.rstrip("/") if endpoint else None)
