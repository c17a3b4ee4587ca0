"""The local cloud as a process: its command line, crashes, and refusals in one sentence."""

import json
import os
import socket
import subprocess
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from localcloud import process
from localcloud.process import StartError
from tests.conftest import LocalCloud


def fetch(url: str) -> object:
    with urllib.request.urlopen(url, timeout=10) as reply:
        return json.load(reply)


def test_a_running_cloud_reports_itself(local_cloud: LocalCloud) -> None:
    report = json.loads(local_cloud.run("status", "--json").stdout)

    assert report["url"] == local_cloud.url
    assert (report["project"], report["ready"]) == ("local-project", True)
    assert report["pid"] == local_cloud.pid
    assert Path(report["state"]) == local_cloud.state
    assert {(row["name"], row["status"]) for row in report["services"]} >= {
        ("bigquery", "ready"),
        ("aiplatform", "ready"),
    }
    assert fetch(f"{local_cloud.url}/healthz") == {"status": "ready"}


def test_a_second_start_says_it_runs_and_succeeds(local_cloud: LocalCloud) -> None:
    second = local_cloud.run("start")

    assert second.returncode == 0
    assert f"running already at {local_cloud.url}" in second.stdout


def test_after_kill_9_it_starts_again_with_what_it_kept(local_cloud: LocalCloud) -> None:
    url = f"{local_cloud.url}/v1/projects/killed-project/locations/us/connections"
    request = urllib.request.Request(
        f"{url}?connectionId=kept",
        data=b'{"cloudResource": {}}',
        headers={"content-type": "application/json"},
    )
    made = fetch(request)  # type: ignore[arg-type]
    before, address = local_cloud.pid, local_cloud.url

    local_cloud.kill()
    after_kill = local_cloud.run("status", "--json")
    local_cloud.start()

    assert after_kill.returncode == 1
    assert json.loads(after_kill.stdout)["ready"] is False
    assert local_cloud.pid != before
    assert local_cloud.url == address
    assert fetch(f"{url}/kept") == made


def test_the_log_holds_a_line_a_request(local_cloud: LocalCloud) -> None:
    fetch(f"{local_cloud.url}/v1/projects/logged-project")

    assert "GET /v1/projects/logged-project 200" in local_cloud.run("logs").stdout


def test_a_cloud_lives_from_start_to_reset(tmp_path: Path) -> None:
    cloud = LocalCloud(tmp_path / "state")
    cloud.start()

    stopped = [cloud.run("stop").stdout, cloud.run("stop").stdout]
    status = cloud.run("status")
    cloud.run("reset")

    assert stopped == ["The local cloud is stopped.\n", "The local cloud was not running.\n"]
    assert status.returncode == 1
    assert not psutil.pid_exists(cloud.pid)
    assert not cloud.state.exists()


@pytest.mark.covers("bqvertex local start --ephemeral")
def test_an_ephemeral_cloud_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    command = [sys.executable, "-m", "localcloud"]

    started = subprocess.run(
        [*command, "start", "--ephemeral", "--json"], check=True, capture_output=True, text=True
    )
    report = json.loads(started.stdout)
    while_it_runs = [path.name for path in tmp_path.iterdir()]
    subprocess.run([*command, "stop", "--state", report["state"]], check=True, capture_output=True)

    assert report["ready"]
    assert not report["url"].endswith(f":{process.DEFAULT_PORT}")
    assert while_it_runs == [Path(report["state"]).name]
    assert list(tmp_path.iterdir()) == []


def test_an_ephemeral_cloud_deletes_only_a_state_of_a_local_cloud(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")

    refused = LocalCloud(tmp_path).run("start", "--ephemeral", "--port", "0")

    assert refused.returncode == 1
    assert "is not empty and no state of the local cloud" in refused.stderr
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_a_taken_port_is_named_with_its_holder_and_a_way_out(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        refused = LocalCloud(tmp_path / "state").run("start", "--port", str(port))

    assert refused.returncode == 1
    assert f"port {port} is taken by" in refused.stderr
    assert f"(pid {os.getpid()})" in refused.stderr
    assert "start with --port" in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_a_folder_of_something_else_is_not_taken_over(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")

    with pytest.raises(StartError, match="is not empty and no state of the local cloud"):
        process.prepare(tmp_path)
    with pytest.raises(StartError, match="nothing was deleted"):
        process.wipe(tmp_path)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(StartError, match=r"cannot be written .*name another with --state"):
        process.prepare(tmp_path / "file" / "state")


def test_a_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "LEAST_FREE_BYTES", 2**63)

    with pytest.raises(StartError, match="MiB left and the local cloud needs"):
        process.prepare(tmp_path / "state")


def test_one_state_is_used_by_one_process(tmp_path: Path) -> None:
    process.prepare(tmp_path / "state")

    with (
        process.lock(tmp_path / "state"),
        pytest.raises(StartError, match="another local cloud uses"),
    ):
        process.lock(tmp_path / "state")


def test_a_reused_pid_is_not_taken_for_the_server(tmp_path: Path) -> None:
    note = {"pid": os.getpid(), "created": 1.0, "port": 1}
    (tmp_path / "server.json").write_text(json.dumps(note))

    assert process.running(tmp_path) is None
    assert process.last(tmp_path) is not None


@pytest.mark.parametrize("note", ["", "{", "[]", '{"pid": 1}'])
def test_a_note_cut_off_by_a_crash_counts_as_none(tmp_path: Path, note: str) -> None:
    (tmp_path / "server.json").write_text(note)

    assert process.running(tmp_path) is None


def test_two_starts_at_once_leave_one_server(tmp_path: Path) -> None:
    cloud = LocalCloud(tmp_path / "state")
    with ThreadPoolExecutor() as pool:
        started = [
            run.result()
            for run in [pool.submit(cloud.run, "start", "--port", "0") for _ in range(2)]
        ]
    report = json.loads(cloud.run("status", "--json").stdout)
    cloud.run("reset")

    assert [run.returncode for run in started] == [0, 0], [run.stderr for run in started]
    assert all(report["url"] in run.stdout for run in started)


def test_replies_are_not_held_back_by_nagles_algorithm() -> None:
    with process.bind(0) as listening, socket.create_connection(listening.getsockname()):
        accepted, _ = listening.accept()

        # What asyncio looks at before it turns the algorithm off.
        assert accepted.proto == socket.IPPROTO_TCP
        accepted.close()
