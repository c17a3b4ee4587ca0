"""Options of a live model that are set without a training."""

from collections.abc import Callable
from typing import Final

from bqvertex.clients.bigquery import BigQuery, Job, QueryRequest
from bqvertex.providers.attempt import Pace, complete
from bqvertex.providers.lifecycle import Bag
from bqvertex.specs.job import work_key
from bqvertex.specs.model import ModelSpec, alterable_of
from bqvertex.specs.model_alterable import alter_statement

ALTER_S: Final = 600.0


class Alterations:
    """Runs ALTER MODEL."""

    def __init__(self, bigquery: BigQuery, report: Callable[[str], None], pace: Pace) -> None:
        """Keep what is needed."""
        self._bigquery = bigquery
        self._report = report
        self._pace = pace

    def apply(self, spec: ModelSpec, olds: Bag) -> None:
        """Give the live model the options of its statement that differ from the state's.

        Args:
            spec: What is declared.
            olds: The state.
        """
        path = (spec.project, spec.dataset_id, spec.model_id)
        statement = alter_statement(path, alterable_of(olds), spec.alterable_options)
        if statement is None:
            return

        def start(job_id: str) -> Job:
            return self._bigquery.start_query(
                QueryRequest(
                    job_id=job_id,
                    project=spec.project,
                    location=spec.location,
                    sql=statement,
                    labels=spec.own_labels,
                )
            )

        complete(
            self._bigquery,
            tried="alter",
            on=f"model {spec.path}",
            verb="alter",
            key=work_key(spec.owner, spec.path, statement),
            start=start,
            # An earlier job of these options may be one of a change that was taken back since.
            took_effect=lambda _: False,
            timeout_s=ALTER_S,
            report=lambda _: self._report(f"model {spec.path}: setting its options"),
            pace=self._pace,
        )
