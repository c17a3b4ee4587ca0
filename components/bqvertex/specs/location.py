"""Where BigQuery keeps data."""

from difflib import get_close_matches
from typing import Final

LOCATIONS: Final = frozenset(
    """
    US EU
    africa-south1
    asia-east1 asia-east2 asia-northeast1 asia-northeast2 asia-northeast3 asia-south1 asia-south2
    asia-southeast1 asia-southeast2 asia-southeast3 australia-southeast1 australia-southeast2
    europe-central2 europe-north1 europe-north2 europe-southwest1 europe-west1 europe-west2
    europe-west3 europe-west4 europe-west6 europe-west8 europe-west9 europe-west10 europe-west12
    me-central1 me-central2 me-west1
    northamerica-northeast1 northamerica-northeast2 northamerica-south1
    southamerica-east1 southamerica-west1
    us-central1 us-east1 us-east4 us-east5 us-south1 us-west1 us-west2 us-west3 us-west4
    """.split()  # noqa: SIM905, a list would be a line a name
)
"""Locations of BigQuery datasets on Google Cloud itself.

Source: https://docs.cloud.google.com/bigquery/docs/locations. Not all of them have every kind of
model; which ones do is BigQuery's to say.
"""

_BY_LOWER = {location.lower(): location for location in LOCATIONS}


def location_problem(location: str) -> str | None:
    """Say what is wrong with a location.

    Args:
        location: As the user wrote it; BigQuery ignores its case.

    Returns:
        A sentence with the value got and what is allowed, or None when it is one of `LOCATIONS`.
    """
    if location.lower() in _BY_LOWER:
        return None
    near = get_close_matches(location.lower(), _BY_LOWER, n=1, cutoff=0.6)
    hint = f"; did you mean {_BY_LOWER[near[0]]!r}?" if near else ""
    return f"{location!r} is no BigQuery location{hint} (one of {', '.join(sorted(LOCATIONS))})"


def same_location(one: str, other: str) -> bool:
    """Tell whether two spellings name one location."""
    return one.lower() == other.lower()


# What a multi-region spans, and where Vertex AI and Cloud KMS have it.
# Source: https://docs.cloud.google.com/bigquery/docs/locations#locations-for-remote-models
_SPANS: Final = {"us": "us-", "eu": "europe-"}
_OUTSIDE_EU: Final = frozenset({"europe-west2", "europe-west6"})
# Source: https://docs.cloud.google.com/bigquery/docs/customer-managed-encryption
_KEYS: Final = {"us": "us", "eu": "europe"}


def connection_problem(connection: str, dataset: str) -> str | None:
    """Say why a connection's location does not fit a dataset's; None when it does."""
    if same_location(connection, dataset):
        return None
    return (
        f"the connection is in {connection} and the dataset in {dataset}: "
        "they must be in one location"
    )


def endpoint_problem(endpoint: str, dataset: str) -> str | None:
    """Say why the location of a Vertex AI endpoint does not fit a dataset's; None when it does.

    Args:
        endpoint: The endpoint's location; `global`, and `us` and `eu` of Gemini, fit where the
            dataset is in them or anywhere.
        dataset: The dataset's location.
    """
    there, here = endpoint.lower(), dataset.lower()
    if there == "global" or there == here or _is_within(here, there) or _is_within(there, here):
        return None
    wanted = f"a region within {dataset}" if here in _SPANS else here
    return f"the endpoint is in {endpoint} and the dataset in {dataset}: use one in {wanted}"


def key_problem(key: str, dataset: str) -> str | None:
    """Say why the location of a Cloud KMS key does not fit a dataset's; None when it does."""
    wanted = _KEYS.get(dataset.lower(), dataset.lower())
    if key.lower() in (wanted, "global"):
        return None
    return f"the key is in {key} and the dataset in {dataset}: use a key in {wanted}"


def _is_within(region: str, multi_region: str) -> bool:
    span = _SPANS.get(multi_region)
    outside = multi_region == "eu" and region in _OUTSIDE_EU
    return span is not None and region.startswith(span) and not outside
