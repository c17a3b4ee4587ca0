"""The token endpoint: clients with a service account's key or a refresh token ask it first.

Nobody is refused, so every grant gets a token. It says who asked, which BigQuery tells by
SESSION_USER() and row access policies, where the grant says so itself.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from urllib.parse import parse_qsl

from localcloud.errors import Json

PATH = "/token"
LIFETIME_SECONDS = 3600
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class OAuthError(Exception):
    """A refusal in the shape of RFC 6749, 5.2.

    Attributes:
        code: Such as `invalid_grant`.
        description: The sentence.
    """

    def __init__(self, code: str, description: str) -> None:
        super().__init__(description)
        self.code = code
        self.description = description

    def body(self) -> Json:
        """The reply; its HTTP status is 400."""
        return {"error": self.code, "error_description": self.description}


def token(raw: bytes) -> Json:
    """An access token for a grant.

    Args:
        raw: The request's body, a form.

    Raises:
        OAuthError: The grant is of another kind, or unreadable.
    """
    form = dict(parse_qsl(raw.decode("utf-8", "replace")))
    kind = form.get("grant_type", "")
    if kind not in (JWT_BEARER, "refresh_token"):
        raise OAuthError(
            "unsupported_grant_type",
            f"grant_type {kind!r} is not implemented on the local cloud: it knows {JWT_BEARER} and "
            "refresh_token.",
        )
    claims = _claims(form.get("assertion", "")) if kind == JWT_BEARER else {}
    answer: Json = {
        "access_token": _bearer({"email": claims["iss"]}) if claims else "local-cloud",
        "expires_in": LIFETIME_SECONDS,
        "token_type": "Bearer",
    }
    if "target_audience" in claims:
        answer["id_token"] = _bearer({"email": claims["iss"], "aud": claims["target_audience"]})
    return answer


def _claims(assertion: str) -> Json:
    # The signature is not looked at: there are no keys here to check it with.
    try:
        _, payload, _ = assertion.split(".")
        claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    except (ValueError, binascii.Error) as error:
        raise OAuthError("invalid_grant", f"The assertion is no JSON Web Token: {error}") from error
    if not isinstance(claims, dict) or not isinstance(claims.get("iss"), str):
        raise OAuthError("invalid_grant", "The assertion does not say who issued it (iss).")
    return claims


def _bearer(claims: Mapping[str, str]) -> str:
    parts = ({"alg": "none", "typ": "JWT"}, claims)
    encoded = (base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts)
    return ".".join([*(part.decode() for part in encoded), "local-cloud"])
