"""The token endpoint, as google-auth asks it."""

from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth.transport.requests import Request
from google.cloud import bigquery
from google.oauth2 import credentials, service_account

from localcloud import oauth
from tests.conftest import LocalCloud

EMAIL = "robot@oauth-project.iam.gserviceaccount.com"


@pytest.fixture(scope="module")
def key(local_cloud: LocalCloud) -> dict[str, Any]:
    """A service account's key, as its JSON file has it."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return {
        "type": "service_account",
        "project_id": "oauth-project",
        "client_email": EMAIL,
        "private_key_id": "1",
        "private_key": private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode(),
        "token_uri": f"{local_cloud.url}/token",
    }


@pytest.mark.covers("OAuth tokens")
def test_a_service_account_is_who_asks(local_cloud: LocalCloud, key: dict[str, Any]) -> None:
    client = bigquery.Client(
        project="oauth-project",
        credentials=service_account.Credentials.from_service_account_info(key),
        client_options={"api_endpoint": local_cloud.url},
    )

    assert [row.who for row in client.query("SELECT SESSION_USER() AS who")] == [EMAIL]


@pytest.mark.covers("OAuth tokens")
def test_a_refresh_token_gets_an_access_token(local_cloud: LocalCloud) -> None:
    mine = credentials.Credentials(
        token=None,
        refresh_token="any",
        client_id="any",
        client_secret="any",
        token_uri=f"{local_cloud.url}/token",
    )

    mine.refresh(Request())

    assert mine.valid


@pytest.mark.parametrize(
    ("form", "code"),
    [
        (b"grant_type=password", "unsupported_grant_type"),
        (f"grant_type={oauth.JWT_BEARER}&assertion=a.b".encode(), "invalid_grant"),
        (f"grant_type={oauth.JWT_BEARER}&assertion=e30.e30.e30".encode(), "invalid_grant"),
    ],
)
def test_other_grants_are_refused(form: bytes, code: str) -> None:
    with pytest.raises(oauth.OAuthError) as refused:
        oauth.token(form)

    assert refused.value.body()["error"] == code
