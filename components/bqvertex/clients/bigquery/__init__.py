"""BigQuery, as the lifecycles see it. Importing this loads no Google library."""

from bqvertex.clients.bigquery.service import (
    BigQuery,
    Job,
    JobError,
    LiveModel,
    LiveTable,
    LoadRequest,
    QueryRequest,
)

__all__ = [
    "BigQuery",
    "Job",
    "JobError",
    "LiveModel",
    "LiveTable",
    "LoadRequest",
    "QueryRequest",
]
