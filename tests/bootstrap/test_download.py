import hashlib
import io
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bootstrap import download
from bootstrap.download import DownloadFailed
from bootstrap.progress import Step

BODY = b"tool" * 1000
SUM = hashlib.sha256(BODY).hexdigest()


@pytest.fixture
def shown() -> Step:
    return Step("downloading", io.StringIO(), lambda: 0.0)


@pytest.fixture
def silent() -> Iterator[str]:
    """An address that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@pytest.fixture
def fetch(tmp_path: Path, shown: Step) -> Callable[..., Path]:
    def run(url: str, sha256: str = SUM, answer_seconds: float = 5) -> Path:
        download.fetch(url, tmp_path / "tool", sha256, shown, answer_seconds=answer_seconds)
        return tmp_path / "tool"

    return run


def test_a_file_with_the_published_checksum_is_kept(server, fetch) -> None:
    url = server.serve("/tool", BODY)

    target = fetch(url, SUM.upper())

    assert target.read_bytes() == BODY


def test_another_file_than_the_published_one_is_refused_and_not_kept(
    server, fetch, tmp_path
) -> None:
    url = server.serve("/tool", b"malicious")

    with pytest.raises(DownloadFailed, match=f"has the SHA-256 [0-9a-f]+, published is {SUM}"):
        fetch(url)

    assert list(tmp_path.iterdir()) == []


def test_a_file_that_breaks_off_is_refused_and_not_kept(server, fetch, tmp_path) -> None:
    url = server.serve("/tool", BODY[:100], announced=len(BODY))

    with pytest.raises(DownloadFailed, match="broke off after 100"):
        fetch(url)

    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_download_leaves_nothing(server, tmp_path) -> None:
    class Interrupting(Step):
        def note(self, text: str) -> None:
            raise KeyboardInterrupt

    shown = Interrupting("downloading", io.StringIO(), lambda: 0.0)

    with pytest.raises(KeyboardInterrupt):
        download.fetch(server.serve("/tool", BODY), tmp_path / "tool", SUM, shown)

    assert list(tmp_path.iterdir()) == []


def test_an_address_where_nothing_listens_is_given_up(closed_port, fetch) -> None:
    with pytest.raises(DownloadFailed, match=r"cannot reach .*: .*refused"):
        fetch(closed_port)


def test_an_address_that_never_answers_is_given_up(silent, fetch) -> None:
    with pytest.raises(DownloadFailed, match=r"no answer from .* in 0.05 s"):
        fetch(silent, answer_seconds=0.05)


@pytest.mark.parametrize("ask", [download.read, download.reach])
def test_an_error_of_the_server_is_a_failure(ask, server) -> None:
    with pytest.raises(DownloadFailed, match="/gone answered 404"):
        ask(server.url + "/gone")
