"""BigQuery, as the lifecycles see it. Importing this loads no Google library."""

from bqvertex.clients.bigquery.service import (
    BigQuery,
    CopyRequest,
    DryRun,
    Job,
    JobError,
    LiveModel,
    LiveTable,
    LoadRequest,
    QueryRequest,
)

__all__ = [
    "BigQuery",
    "CopyRequest",
    "DryRun",
    "Job",
    "JobError",
    "LiveModel",
    "LiveTable",
    "LoadRequest",
    "QueryRequest",
]
