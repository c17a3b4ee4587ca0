"""Google's BigQuery client, pointed at a local cloud."""

from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from tests.conftest import LocalCloud


def client_of(cloud: LocalCloud, project: str, location: str = "US") -> bigquery.Client:
    """A client of one project."""
    return bigquery.Client(
        project=project,
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": cloud.url},
        location=location,
    )
