"""Where Vertex AI keeps what belongs to a BigQuery location."""

from typing import Final

MULTI_REGIONS: Final = {"US": "us-central1", "EU": "europe-west4"}


def registry_region(location: str) -> str:
    """Name the Vertex AI region in which BigQuery registers a dataset's models.

    Source: https://cloud.google.com/bigquery/docs/managing-models-vertex

    Args:
        location: A dataset's location, such as `US`, `EU` or `europe-west4`, in any case.

    Returns:
        The region: a multi-region's companion, else the region itself.
    """
    return MULTI_REGIONS.get(location.upper(), location.lower())
