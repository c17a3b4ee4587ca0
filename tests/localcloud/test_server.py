"""One server: what is still opening, and what did not open."""

import threading
from pathlib import Path
from typing import Any

import pytest

from localcloud.server import LocalCloud
from tests.localcloud.conftest import URL, Cloud, FakeBigQuery, FakeEngine


def opened(tmp_path: Path, bigquery: Any) -> Cloud:
    return Cloud(LocalCloud(tmp_path, base_url=lambda: URL, bigquery=bigquery), FakeEngine())


def test_the_control_planes_answer_while_bigquery_opens(tmp_path: Path) -> None:
    may_open = threading.Event()

    def slow(state: Path, registry: object, url: object, progress: Any) -> FakeBigQuery:
        progress("compiling ZetaSQL")
        assert may_open.wait(30)
        return FakeBigQuery(FakeEngine())

    cloud = opened(tmp_path, slow)
    opening = threading.Thread(target=cloud.server.open)
    opening.start()
    projects = cloud.call("GET", "projects/local-project").status
    health = cloud.call("GET", "/healthz")
    may_open.set()
    # A BigQuery request waits for it instead of failing.
    bigquery = cloud.send("GET", "/bigquery/v2/projects/p/datasets").json()
    opening.join()
    ready = cloud.call("GET", "/healthz").status
    cloud.server.close()

    assert (projects, health.status, health.body["status"]) == (200, 503, "starting")
    assert (bigquery, ready) == ({"kind": "bigquery"}, 200)


def test_a_bigquery_that_does_not_open_says_why(tmp_path: Path) -> None:
    def broken(*_: object) -> FakeBigQuery:
        raise RuntimeError("local-bigquery 0.5 is installed, 0.4 is needed")

    cloud = opened(tmp_path, broken)
    with pytest.raises(RuntimeError):
        cloud.server.open()
    health = cloud.call("GET", "/healthz")
    reply = cloud.call("GET", "/bigquery/v2/projects/p/datasets")
    cloud.server.close()

    assert health.body["status"] == "failed"
    assert reply.error == (503, "UNAVAILABLE")
    assert "0.4 is needed" in reply.body["error"]["message"]


def test_a_full_disk_is_said_and_nothing_half_made_is_kept(cloud: Cloud) -> None:
    cloud.server.store.db.execute("PRAGMA max_page_count=1")

    reply = cloud.call(
        "POST",
        "projects/local-project/locations/us/connections?connectionId=c",
        {"cloudResource": {}, "description": "x" * 10**5},
    )
    found = cloud.call("GET", "projects/local-project/locations/us/connections/c")

    assert reply.error == (500, "INTERNAL")
    assert "database or disk is full" in reply.body["error"]["message"]
    assert found.error == (404, "NOT_FOUND")
