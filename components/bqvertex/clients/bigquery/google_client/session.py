"""The way to BigQuery: clients by project, their connections, what is asked again."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from bqvertex.clients import cancellation
from bqvertex.clients.bigquery import refusals
from bqvertex.clients.connection_pool import widen
from bqvertex.clients.settings import CloudSettings

if TYPE_CHECKING:
    from google.api_core.retry import Retry
    from google.cloud import bigquery

REQUEST_TIMEOUT_S = 60.0
RETRY_DEADLINE_S = 120.0
MISSING_DEADLINE_S = 10.0


class Session:
    """What the calls on jobs, models and tables share. Threads may share one."""

    def __init__(
        self, settings: CloudSettings, *, sleep: Callable[[float], None] = cancellation.sleep
    ) -> None:
        """Keep the settings; nothing is imported or connected yet.

        Args:
            settings: Where BigQuery answers.
            sleep: Waits between two looks at a job; left out, until the run is cancelled.
        """
        self._endpoint = settings.api_endpoint
        self._sleep = sleep
        self._clients: dict[str, bigquery.Client] = {}
        self._lock = threading.Lock()

    def _translated(self, tried: str, on: str) -> AbstractContextManager[None]:
        return refusals.translated(tried, on, self._endpoint)

    def _client(self, project: str) -> "bigquery.Client":
        from google.auth.credentials import AnonymousCredentials
        from google.cloud import bigquery

        with self._lock:
            if project not in self._clients:
                if self._endpoint is None:
                    client = bigquery.Client(project=project)
                else:
                    client = bigquery.Client(
                        project=project,
                        credentials=AnonymousCredentials(),
                        client_options={"api_endpoint": self._endpoint},
                    )
                # Built by the library at the first call, which two threads may make at once.
                widen(client._http)
                self._clients[project] = client
            return self._clients[project]

    def _retry(
        self, *, also_missing: bool = False, deadline_s: float = RETRY_DEADLINE_S
    ) -> "Retry":
        """Ask again what passes, by Google's reason, ever more slowly and never in step."""
        from google.api_core.exceptions import NotFound
        from google.api_core.retry import Retry

        def worth_it(error: BaseException) -> bool:
            if also_missing and isinstance(error, NotFound):
                return True
            return refusals.is_worth_repeating(error, self._endpoint)

        return Retry(
            predicate=worth_it,
            initial=0.25,
            maximum=20.0,
            # jobs.get may say 404 for a moment after jobs.insert said 409:
            # https://github.com/googleapis/python-bigquery/issues/2134
            timeout=MISSING_DEADLINE_S if also_missing else deadline_s,
        )


def project_of(path: str) -> str:
    """Read the project out of `project.dataset.table`; a project may have dots itself."""
    return path.rsplit(".", 2)[0]


def first_words(sql: str) -> str:
    """Name a statement in a message."""
    return " ".join(sql.split()[:6])
