"""A piece of work at BigQuery, done once however often a run is broken off and repeated."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count

from bqvertex.clients import cancellation
from bqvertex.clients.bigquery import BigQuery, Job
from bqvertex.clients.bigquery.refusals import failed_job
from bqvertex.clients.errors import Cancelled, CloudError, NotFound
from bqvertex.specs.job import job_id

GRANT_DEADLINE_S = 300.0
"""How long a grant may take to spread; Google says 7 minutes at the very worst, 2 as a rule:
https://docs.cloud.google.com/iam/docs/access-change-propagation"""
CLOCK_SLACK = timedelta(seconds=1)
FIRST_PAUSE_S, LAST_PAUSE_S = 1.0, 20.0


@dataclass(frozen=True)
class Pace:
    """How to wait. Tests wait not at all.

    Attributes:
        sleep: Waits so many seconds.
        grant_deadline_s: Seconds for which a passing failure is tried again.
    """

    sleep: Callable[[float], None] = cancellation.sleep
    grant_deadline_s: float = GRANT_DEADLINE_S


class _PassingFailure(Exception):
    """A job failed of something that passes; `error` is what the user reads if it does not."""

    def __init__(self, error: CloudError) -> None:
        super().__init__(str(error))
        self.error = error


def complete(
    bigquery: BigQuery,
    *,
    tried: str,
    on: str,
    verb: str,
    key: str,
    start: Callable[[str], Job],
    took_effect: Callable[[Job], bool],
    timeout_s: float,
    report: Callable[[Job], None],
    pace: Pace,
    is_same: Callable[[Job], bool] = lambda _: True,
) -> Job:
    """Bring a piece of work to its end, in the job of an earlier run where there is one.

    A job that failed, or whose work has since been undone, keeps its id; the next attempt takes
    the next one.

    Args:
        bigquery: The service.
        tried: What is done, for messages.
        on: On what, for messages.
        verb: First part of the job's id.
        key: The work's name, see `bqvertex.specs.job.work_key`.
        start: Inserts the job of an id, or looks at the one that is there.
        took_effect: Tells of a job of an earlier run that ended well whether what it made is
            still there.
        timeout_s: Seconds to wait for one job.
        report: Told of the job each time it was looked at.
        pace: How to wait between attempts.
        is_same: Tells of a job of an earlier run whether it is this work; left out, the key says
            so. Another's id is passed over.

    Returns:
        The job that did the work.

    Raises:
        CloudError: It failed, and nothing that passes was the cause.
    """
    from tenacity import (
        Retrying,
        retry_if_exception_type,
        stop_after_delay,
        wait_exponential_jitter,
    )

    attempts = count(1)

    def attempt() -> Job:
        for number in attempts:
            job = start(job_id(verb, key, number))
            if job.attached and not is_same(job):
                continue
            if job.attached and job.done and (job.error is not None or not took_effect(job)):
                continue
            job = _ended(bigquery, job, tried, on, timeout_s, report)
            if job.error is None:
                return job
            failure = failed_job(job.error, tried, on, job.job_id)
            if job.error.transient or job.error.awaits_grant:
                raise _PassingFailure(failure)
            raise failure
        raise AssertionError("the count of attempts has no end")

    repeated = Retrying(
        retry=retry_if_exception_type(_PassingFailure),
        stop=stop_after_delay(pace.grant_deadline_s),
        wait=wait_exponential_jitter(initial=FIRST_PAUSE_S, max=LAST_PAUSE_S),
        sleep=pace.sleep,
        reraise=True,
    )
    try:
        return repeated(attempt)
    except _PassingFailure as last:
        raise last.error from None


def earlier_jobs(
    bigquery: BigQuery, project: str, location: str, verb: str, key: str
) -> Iterator[Job]:
    """Yield the jobs of earlier runs that did this work, or are still at it.

    Args:
        bigquery: The service.
        project: Project that ran them.
        location: Where they ran.
        verb: First part of their ids.
        key: The work's name.
    """
    for number in count(1):
        try:
            job = bigquery.job(project, location, job_id(verb, key, number))
        except NotFound:
            return
        if job.error is None:
            yield job


def made_by(job: Job, moment: datetime | None) -> bool:
    """Tell whether something that came about at a moment did so in a job.

    The clocks of jobs and of resources are Google's, and differ by less than `CLOCK_SLACK`.
    """
    if moment is None or job.created is None:
        return False
    if moment < job.created - CLOCK_SLACK:
        return False
    return job.ended is None or moment <= job.ended + CLOCK_SLACK


def _ended(
    bigquery: BigQuery,
    job: Job,
    tried: str,
    on: str,
    timeout_s: float,
    report: Callable[[Job], None],
) -> Job:
    try:
        for seen in bigquery.watch(job, timeout_s):
            job = seen
            report(job)
    except KeyboardInterrupt:
        bigquery.cancel(job)
        raise
    except Cancelled as error:
        bigquery.cancel(job)
        raise Cancelled(
            f"{tried} {on}: the run was cancelled, and so is job {job.job_id} at BigQuery; "
            "run it again to begin anew"
        ) from error
    return job
