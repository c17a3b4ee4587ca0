"""Files from the network, whole and with the right checksum, or not at all."""

from __future__ import annotations

import hashlib
import http.client
import socket
import threading
import urllib.error
import urllib.request
from pathlib import Path
from typing import IO, cast

from bootstrap.progress import Step
from bootstrap.way import WayFailed

# Some firewalls drop packets instead of refusing: then only a deadline tells.
ANSWER_SECONDS = 8.0
_SILENCE_SECONDS = 30.0
_CHUNK = 1 << 20


class DownloadFailed(WayFailed):
    """A file did not arrive whole; nothing of it is left."""


def _open(url: str, answer_seconds: float, accept: str = "*/*") -> http.client.HTTPResponse:
    answers: list[http.client.HTTPResponse | Exception] = []

    def ask() -> None:
        headers = {"User-Agent": "bqvertex-bootstrap", "Accept": accept}
        request = urllib.request.Request(url, headers=headers)
        try:
            response = urllib.request.urlopen(request, timeout=_SILENCE_SECONDS)
            answers.append(cast(http.client.HTTPResponse, response))
        except (OSError, http.client.HTTPException, ValueError) as error:
            answers.append(error)

    # urllib's timeout does not cover the look-up of the name, which can hang far longer.
    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(answer_seconds)
    if not answers:
        raise DownloadFailed(f"no answer from {url} in {answer_seconds:g} s")
    answer = answers[0]
    if isinstance(answer, urllib.error.HTTPError):
        raise DownloadFailed(f"{url} answered {answer.code} {answer.reason}")
    if isinstance(answer, Exception):
        reason = getattr(answer, "reason", answer)
        raise DownloadFailed(f"cannot reach {url}: {reason}")
    return answer


def reach(url: str, *, answer_seconds: float = ANSWER_SECONDS) -> None:
    """Finds out quickly whether an address answers.

    Args:
        url: The address, asked for with GET; nothing of the answer is read.
        answer_seconds: How long to wait for the answer to begin.

    Raises:
        DownloadFailed: It does not, or answers with an error.
    """
    _open(url, answer_seconds).close()


def read(url: str, *, accept: str = "*/*", answer_seconds: float = ANSWER_SECONDS) -> bytes:
    """Reads a small file.

    Args:
        url: Its address.
        accept: The media type to ask for.
        answer_seconds: How long to wait for the answer to begin.

    Returns:
        The whole content.

    Raises:
        DownloadFailed: It did not arrive whole.
    """
    with _open(url, answer_seconds, accept) as response:
        try:
            return response.read()
        except (OSError, http.client.HTTPException) as error:
            raise DownloadFailed(f"{url} broke off: {error or type(error).__name__}") from error


def fetch(
    url: str,
    target: Path,
    sha256: str,
    shown: Step,
    *,
    answer_seconds: float = ANSWER_SECONDS,
) -> None:
    """Fetches a file and compares its checksum.

    Args:
        url: Its address.
        target: Where it goes; exists afterwards only if it is whole and right.
        sha256: The SHA-256 that it must have, in hexadecimal.
        shown: The step that shows how much has arrived.
        answer_seconds: How long to wait for the answer to begin.

    Raises:
        DownloadFailed: It did not arrive whole, or is another file than the published one.
    """
    response = _open(url, answer_seconds)
    try:
        with response, target.open("wb") as sink:
            digest = _copy(response, sink, url, shown)
        if digest != sha256.lower():
            raise DownloadFailed(f"{url} has the SHA-256 {digest}, published is {sha256.lower()}")
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def _copy(response: http.client.HTTPResponse, sink: IO[bytes], url: str, shown: Step) -> str:
    announced = response.headers.get("Content-Length")
    digest = hashlib.sha256()
    arrived = 0
    while True:
        try:
            chunk = response.read(_CHUNK)
        except (OSError, http.client.HTTPException, socket.timeout) as error:
            raise DownloadFailed(
                f"{url} broke off after {arrived} bytes: {error or type(error).__name__}"
            ) from error
        if not chunk:
            break
        # A full disk is no failure of this way only: `cache.install` says what to do about it.
        sink.write(chunk)
        digest.update(chunk)
        arrived += len(chunk)
        whole = f" of {int(announced) / 1e6:.0f}" if announced else ""
        shown.note(f"{arrived / 1e6:.0f}{whole} MB")
    # http.client hands a short body of `read(n)` on as if it were the end.
    if announced and arrived != int(announced):
        raise DownloadFailed(f"{url} broke off after {arrived} of {announced} bytes")
    return digest.hexdigest()
