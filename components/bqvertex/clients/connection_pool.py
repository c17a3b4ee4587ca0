"""Connections kept open to one host."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from google.auth.transport.requests import AuthorizedSession

POOL_SIZE = 64
"""As many as a host works on at a time. Of the library's ten, the eleventh thread's would be
closed after each request and opened anew, with a warning on the terminal."""


def widen(session: "AuthorizedSession") -> None:
    """Let `POOL_SIZE` threads share a session.

    Google's clients have no setting for it. Sessions with a client certificate keep the adapter
    that knows it.
    """
    from requests.adapters import HTTPAdapter

    if not session.is_mtls:
        session.mount("https://", HTTPAdapter(pool_maxsize=POOL_SIZE))
    session.mount("http://", HTTPAdapter(pool_maxsize=POOL_SIZE))
