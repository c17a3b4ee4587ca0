import threading
from collections.abc import Iterator

import pytest
from bqvertex.clients import cancellation
from bqvertex.clients.errors import Cancelled


@pytest.fixture(autouse=True)
def process(monkeypatch) -> Iterator[None]:
    """A process of its own: a request is for good."""
    monkeypatch.setattr(cancellation, "_requested", threading.Event())
    return


def test_who_waits_is_woken_up():
    ended = []

    def wait() -> None:
        try:
            cancellation.sleep(600.0)
        except Cancelled as error:
            ended.append(str(error))

    waiting = threading.Thread(target=wait)
    waiting.start()
    cancellation.request()
    waiting.join(timeout=10)

    assert ended == ["the run was cancelled"]


def test_nobody_waits_in_a_cancelled_run():
    cancellation.request()

    with pytest.raises(Cancelled):
        cancellation.sleep(600.0)


def test_a_wait_that_nobody_cancels_ends_by_itself():
    assert cancellation.sleep(0.0) is None
