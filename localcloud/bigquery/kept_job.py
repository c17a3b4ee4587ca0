"""Where jobs are kept: in the file once they ended or were told of, before that in memory.

A short query is told of once, when it has ended: writing it down as pending and as running too
would take it longer than its SQL does.
"""

import threading
from collections import OrderedDict
from typing import Any

from local_bigquery.jobs import runner, store
from local_bigquery.models import Job

LATEST = 256
"""Jobs that ended lately are read again at once: for their results, their statistics."""

_save = store.save
_load = store.load
_list = store.list_
_delete = store.delete
_get = runner.get

_lock = threading.Lock()
_unfinished: dict[tuple[str, str], Job] = {}
_told: dict[tuple[str, str], Job] = {}
_latest: OrderedDict[tuple[str, str], Job] = OrderedDict()


def install() -> None:
    """Put the replacements into local-bigquery; repeating it changes nothing."""
    store.save = save
    store.load = load
    store.list_ = list_
    store.delete = delete
    runner.get = get


def clear() -> None:
    """Forget what is in memory; nothing runs any more."""
    with _lock:
        _unfinished.clear()
        _told.clear()
        _latest.clear()


def save(job: Job) -> Job:
    """Keep a job in its present state."""
    key = _key(job)
    if job.status.state != "DONE":
        with _lock:
            _unfinished[key] = job
        return job
    with _lock:
        # Whoever tells of the job at this moment must not write down after this that it runs.
        _save(job)
        _unfinished.pop(key, None)
        _told.pop(key, None)
        _latest[key] = job
        if len(_latest) > LATEST:
            _latest.popitem(last=False)
    return job


def load(project_id: str, job_id: str) -> Job | None:
    """A job; None when there is none of that id."""
    key = project_id, job_id
    with _lock:
        found = _unfinished.get(key) or _latest.get(key)
    return found or _load(project_id, job_id)


def get(project_id: str, job_id: str) -> Job:
    """A job that a client is told of: after a crash it is found again.

    Raises:
        BigQueryError: `notFound`.
    """
    job: Job = _get(project_id, job_id)
    _write_down(job)
    return job


def list_(*args: Any) -> list[Job]:
    """Jobs of a project; see `local_bigquery.jobs.store.list_`."""
    with _lock:
        running = list(_unfinished.values())
    for job in running:
        _write_down(job)
    return list(_list(*args))


def delete(project_id: str, job_id: str) -> None:
    """Delete a job and its children."""
    _delete(project_id, job_id)
    with _lock:
        _latest.pop((project_id, job_id), None)


def _write_down(job: Job) -> None:
    key = _key(job)
    with _lock:
        # One that has ended meanwhile is in the file already, and must not be put back.
        if _unfinished.get(key) is job and _told.get(key) is not job:
            _save(job)
            _told[key] = job


def _key(job: Job) -> tuple[str, str]:
    return str(job.jobReference.projectId), str(job.jobReference.jobId)
