"""A run that its user breaks off stops what it began at BigQuery."""

import os
import signal
import threading

import pytest
import requests

from tests.engine.model_program import made
from tests.engine.slow_cloud import TRAINING

SLOW = "model_type = 'BOOSTED_TREE_REGRESSOR', max_iterations = 40000, early_stop = FALSE"
JOB_WAIT_S = 60.0


@pytest.mark.parametrize("presses", [1, 2])
def test_ctrl_c_stops_the_training_and_the_next_up_begins_anew(local_cloud, tmp_path, presses):
    project = f"cancel-project-{presses}"
    program = made(tmp_path / "program", local_cloud.url, local_cloud.url, project)
    program.declare(1, SLOW)

    running = program.start("up", "--yes", "--skip-preview")
    first = wait_for_training(local_cloud, project)
    for _ in range(presses):
        # As a terminal does: to the whole foreground group.
        os.killpg(running.pid, signal.SIGINT)
    printed, _ = running.communicate(timeout=60)

    assert running.returncode != 0, printed
    assert outcomes(local_cloud, project) == ["stopped"], printed
    if presses == 1:
        assert f"the run was cancelled, and so is job {first} at BigQuery" in printed

    printed = program.up()

    assert outcomes(local_cloud, project) == ["stopped", "trained"], printed
    assert "2 unchanged" in program.up()


def wait_for_training(local_cloud, project: str) -> str:
    """Return the id of the CREATE MODEL job once one runs."""
    pause = threading.Event()
    for _ in range(int(JOB_WAIT_S / 0.05)):
        for job in trainings(local_cloud, project):
            if job["status"]["state"] == "RUNNING":
                return job["jobReference"]["jobId"]
        pause.wait(0.05)
    raise AssertionError("no training ran")


def outcomes(local_cloud, project: str) -> list[str]:
    """Say how the trainings of a project ended, the first first."""
    pause = threading.Event()
    for _ in range(int(JOB_WAIT_S / 0.05)):
        jobs = trainings(local_cloud, project)
        if all(job["status"]["state"] == "DONE" for job in jobs):
            break
        pause.wait(0.05)
    jobs.sort(key=lambda job: job["statistics"]["creationTime"])
    return [
        job["status"].get("errorResult", {}).get("reason", "trained")
        if job["status"]["state"] == "DONE"
        else "still running"
        for job in jobs
    ]


def trainings(local_cloud, project: str) -> list[dict]:
    url = f"{local_cloud.url}/bigquery/v2/projects/{project}/jobs"
    listed = requests.get(url, params={"projection": "full", "allUsers": "true"}, timeout=30)
    sent = [
        (job, job["configuration"].get("query", {}).get("query", ""))
        for job in listed.json()["jobs"]
    ]
    return [job for job, sql in sent if TRAINING.search(sql.encode()) and "late_0" in sql]
