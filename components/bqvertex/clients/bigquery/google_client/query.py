"""Queries: their rows, and what a statement would read before it runs."""

from typing import Any

from bqvertex.clients.bigquery.google_client.session import (
    REQUEST_TIMEOUT_S,
    Session,
    first_words,
)
from bqvertex.clients.bigquery.service import DryRun


class Queries(Session):
    """The calls that answer at once."""

    def rows(self, project: str, location: str, sql: str) -> list[dict[str, Any]]:
        """See `BigQuery.rows`."""
        from google.cloud import bigquery

        with self._translated("run", first_words(sql)):
            # A short answer comes with the first response, without a job to ask for.
            found = self._client(project).query_and_wait(
                sql,
                # A cached answer of before a retraining would be the old model's.
                job_config=bigquery.QueryJobConfig(use_query_cache=False),
                location=location,
                project=project,
                retry=self._retry(),
                api_timeout=REQUEST_TIMEOUT_S,
            )
            return [dict(row.items()) for row in found]

    def dry_run(self, project: str, location: str, sql: str, *, attempts_s: float) -> DryRun:
        """See `BigQuery.dry_run`."""
        from google.cloud import bigquery

        config = bigquery.QueryJobConfig(
            dry_run=True,
            use_legacy_sql=False,
            # A cached answer reads no bytes; the training would read them all.
            use_query_cache=False,
        )
        with self._translated("dry run", first_words(sql)):
            job = self._client(project).query(
                sql,
                job_config=config,
                location=location,
                project=project,
                retry=self._retry(deadline_s=attempts_s),
                job_retry=None,
                timeout=attempts_s,
            )
            return DryRun(
                bytes_processed=int(job.total_bytes_processed or 0),
                statement_type=job.statement_type or "",
                schema=[field.to_api_repr() for field in job.schema or ()],
            )
