"""Jobs are written down when they end, or when a client is told of them."""

import uuid
from collections.abc import Callable

import pytest
from local_bigquery.engine import database
from local_bigquery.models import Job

from localcloud.bigquery import kept_job
from tests.localcloud.bigquery.conftest import PROJECT, Server

MakeJob = Callable[[str], Job]


@pytest.fixture
def job(server: Server) -> MakeJob:
    """Makes one job in a state."""
    job_id = uuid.uuid4().hex

    def made(state: str) -> Job:
        return Job(
            jobReference={"projectId": PROJECT, "jobId": job_id, "location": "US"},
            status={"state": state},
            statistics={"creationTime": "1"},
        )

    return made


def written(job: Job) -> list[str]:
    """The states of a job in the file."""
    rows = database.fetch(
        "SELECT state FROM emulator.jobs WHERE job_id = ?", [job.jobReference.jobId]
    )
    return [state for (state,) in rows]


@pytest.mark.covers("bigquery.jobs.insert")
def test_a_job_of_which_nobody_was_told_is_written_when_it_ends(job: MakeJob) -> None:
    states = []

    for state in ("PENDING", "RUNNING", "DONE"):
        kept_job.save(job(state))
        states.append(written(job(state)))

    assert states == [[], [], ["DONE"]]


@pytest.mark.covers("bigquery.jobs.get")
def test_a_job_that_a_client_was_told_of_is_written(job: MakeJob) -> None:
    running = kept_job.save(job("RUNNING"))

    told = kept_job.get(PROJECT, str(running.jobReference.jobId))

    assert (told, written(running)) == (running, ["RUNNING"])


@pytest.mark.covers("bigquery.jobs.list")
def test_a_job_that_runs_is_listed(job: MakeJob) -> None:
    running = kept_job.save(job("RUNNING"))

    listed = kept_job.list_(PROJECT)

    ids = [one.jobReference.jobId for one in listed]
    assert running.jobReference.jobId in ids
    kept_job.save(job("DONE"))


def test_a_job_that_ended_stays_ended_however_often_it_is_read(job: MakeJob) -> None:
    job_id = str(kept_job.save(job("RUNNING")).jobReference.jobId)
    kept_job.get(PROJECT, job_id)
    kept_job.save(job("DONE"))

    kept_job.get(PROJECT, job_id)

    assert written(job("DONE")) == ["DONE"]


def test_a_deleted_job_is_not_remembered(job: MakeJob) -> None:
    job_id = str(kept_job.save(job("DONE")).jobReference.jobId)

    kept_job.delete(PROJECT, job_id)

    assert kept_job.load(PROJECT, job_id) is None


def test_nobody_tells_of_a_job_while_its_end_is_written(
    job: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept_job.save(job("RUNNING"))
    locked = []
    write = kept_job._save
    monkeypatch.setattr(
        kept_job, "_save", lambda one: (locked.append(kept_job._lock.locked()), write(one))
    )

    kept_job.save(job("DONE"))

    # Two who write one row at a time would fail, or leave the job running for ever.
    assert locked == [True]
