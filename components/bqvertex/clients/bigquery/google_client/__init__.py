"""BigQuery through google-cloud-bigquery, which is imported by the first call and not before.

The library takes half a second and more to import; a preview that changes nothing never calls it.
"""

from bqvertex.clients.bigquery.google_client.job import Jobs
from bqvertex.clients.bigquery.google_client.model import Models
from bqvertex.clients.bigquery.google_client.query import Queries
from bqvertex.clients.bigquery.google_client.table import Tables


class GoogleBigQuery(Jobs, Queries, Models, Tables):
    """Implements `bqvertex.clients.bigquery.BigQuery`. Threads may share one."""


__all__ = ["GoogleBigQuery"]
