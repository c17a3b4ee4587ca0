"""What a job tells of itself while it runs.

https://cloud.google.com/bigquery/docs/reference/rest/v2/Job#MlStatistics
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

from local_bigquery.jobs import store
from local_bigquery.models import MlStatistics

INTERVAL_S = 0.5
"""A training of many short iterations is not slowed down by telling of each."""


class IterationProgress:
    """The iterations of a training so far, kept in its job for whoever looks at it.

    Args:
        job: Project and id of the job; None for a statement that is no job.
        max_iterations: How many iterations there are at most; None when nobody knows.
        clock: Seconds of a clock that never goes back.
    """

    def __init__(
        self,
        job: tuple[str, str] | None,
        max_iterations: int | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._job = job
        self._max_iterations = max_iterations
        self._clock = clock
        self._results: list[dict[str, Any]] = []
        self._kept_at: float | None = None

    def add(self, result: Mapping[str, Any]) -> None:
        """Tell of an iteration that has ended.

        Args:
            result: `IterationResult` of BigQuery's REST API.
        """
        self._results.append(dict(result))
        now = self._clock()
        if self._job is None or (self._kept_at is not None and now - self._kept_at < INTERVAL_S):
            return
        self._kept_at = now
        found = store.load(*self._job)
        if found is None or found.status.state != "RUNNING":
            return
        query = {"statementType": "CREATE_MODEL", "mlStatistics": self._statistics()}
        statistics = found.statistics.model_validate(found.statistics.dump() | {"query": query})
        store.save(found.replace(statistics=statistics))

    def _statistics(self) -> dict[str, Any]:
        told: dict[str, Any] = {"iterationResults": self._results}
        if self._max_iterations is not None:
            told["maxIterations"] = str(self._max_iterations)
        checked: dict[str, Any] = MlStatistics.model_validate(told).dump()
        return checked
