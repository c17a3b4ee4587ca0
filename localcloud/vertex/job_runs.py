"""How jobs live: begun in a pool of threads, ended once, cancelled on request."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

from localcloud.discovery.call import Call
from localcloud.errors import ApiError, Json
from localcloud.store import Store, now

log = logging.getLogger(__name__)

BROKEN_OFF = "The local cloud stopped while this job was under way; run it again."


class Stopped(Exception):
    """The job was cancelled, or the local cloud ends."""


class JobRuns:
    """The jobs of one collection.

    A job that was running when the process died has failed: it may have had its effect.

    Args:
        store: Where the jobs are kept.
        collection: Such as `customJobs`.
        prefix: What its states begin with, such as `JOB_STATE`.
        work: Does the job of a name; what it gives is added to the job. Its ApiError fails the
            job; one that is CANCELLED or DEADLINE_EXCEEDED cancels it.
        at_a_time: How many run at once.
    """

    def __init__(
        self,
        store: Store,
        collection: str,
        prefix: str,
        work: Callable[[Json], Json],
        at_a_time: int,
    ) -> None:
        self.store = store
        self.collection = collection
        self.prefix = prefix
        self.work = work
        self.stoppers: dict[str, Callable[[], None]] = {}
        self.closing = False
        self._pool = ThreadPoolExecutor(at_a_time, thread_name_prefix=collection)
        self._begun: list[Future[None]] = []
        self._lock = threading.Lock()

    def state(self, word: str) -> str:
        """A state, such as `JOB_STATE_RUNNING` of RUNNING."""
        return f"{self.prefix}_{word}"

    def is_over(self, job: Json) -> bool:
        """Whether a job has ended."""
        return job["state"] not in {self.state(w) for w in ("PENDING", "RUNNING", "CANCELLING")}

    # ------------------------------------------------------------ life
    def begin(self, name: str) -> None:
        """Run a pending job as soon as there is room."""
        begun = self._pool.submit(self.run, name)
        self._begun = [job for job in self._begun if not job.done()] + [begun]
        begun.add_done_callback(partial(self._broke_off, name))

    def resume(self) -> None:
        """Begin what had not begun; end what was under way."""
        for job in self.store.every(self.collection):
            if job["state"] == self.state("PENDING") and job.get("localParent"):
                # What it was a part of has failed.
                self.stop(job)
            elif job["state"] == self.state("PENDING"):
                self.begin(job["name"])
            elif not self.is_over(job):
                self.end(job["name"], ApiError("ABORTED", BROKEN_OFF))

    def close(self) -> None:
        """Stop the jobs under way."""
        self.closing = True
        with self._lock:
            stoppers = list(self.stoppers.values())
        for stop in stoppers:
            stop()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def join(self) -> None:
        """Wait until every job that was begun is over."""
        for job in list(self._begun):
            job.exception()

    # ------------------------------------------------------------ one job
    def run(self, name: str) -> None:
        """Do a pending job to its end, in this thread."""
        with self.store.transaction():
            job = self.store.get(name)
            if job is None or job["state"] != self.state("PENDING"):
                return
            job |= {"state": self.state("RUNNING"), "startTime": now(), "updateTime": now()}
            self.store.put(name, job)
        try:
            found = self.work(job)
        except Stopped:
            self.end(name, ApiError("ABORTED", BROKEN_OFF))
        except ApiError as error:
            log.warning("%s failed: %s", name, error)
            self.end(name, error)
        else:
            self.end(name, None, found)

    def stops_with(self, name: str, stop: Callable[[], None] | None) -> None:
        """Say how a job is stopped; None: not any more.

        Raises:
            Stopped: It was already asked to.
        """
        with self._lock:
            self.stoppers.pop(name, None)
            if stop is not None:
                self.stoppers[name] = stop
        if stop is not None:
            self.stop_if_asked(name)

    def stop_if_asked(self, name: str) -> None:
        """Go on only with a job that nobody stopped.

        Raises:
            Stopped: Somebody did.
        """
        job = self.store.get(name)
        if job is None or self.closing or job["state"] == self.state("CANCELLING"):
            raise Stopped

    def end(self, name: str, error: ApiError | None, found: Json | None = None) -> None:
        """Let a job be over.

        Args:
            name: The job.
            error: What went wrong.
            found: What is added to it.
        """
        with self.store.transaction():
            job = self.store.get(name)
            if job is None or self.is_over(job):
                return
            if job["state"] == self.state("CANCELLING"):
                word, error = "CANCELLED", ApiError("CANCELLED", "The job was cancelled.")
            elif error is None:
                word = "SUCCEEDED"
            else:
                word = "CANCELLED" if error.status == "DEADLINE_EXCEEDED" else "FAILED"
            if error:
                job["error"] = error.operation_error()
            job |= {"state": self.state(word), "endTime": now(), "updateTime": now()}
            self.store.put(name, {**job, **(found or {})})

    def _broke_off(self, name: str, work: Future[None]) -> None:
        """A fault of our own must not leave a job running for ever."""
        if not work.cancelled() and (error := work.exception()):
            log.error("%s broke off", name, exc_info=error)
            self.end(name, ApiError("INTERNAL", f"{type(error).__name__}: {error}"))

    # ------------------------------------------------------------ requests
    def cancel(self, call: Call) -> Json:
        """Answer a cancel; of a job that is over it changes nothing."""
        self.stop(call.resource())
        return {}

    def stop(self, job: Json) -> None:
        """Cancel a job."""
        name = job["name"]
        if self.is_over(job):
            return
        if job["state"] == self.state("PENDING"):
            self.store.put(name, {**job, "state": self.state("CANCELLING")})
            self.end(name, None)
            return
        self.store.put(name, {**job, "state": self.state("CANCELLING"), "updateTime": now()})
        with self._lock:
            stop = self.stoppers.get(name)
        if stop is not None:
            stop()

    def deleting(self, call: Call, job: Json) -> None:
        """Refuse to delete a job that is under way."""
        if not self.is_over(job):
            raise ApiError(
                "FAILED_PRECONDITION",
                f"{job['name']} is {job['state']}: cancel it or wait until it is over.",
            )
