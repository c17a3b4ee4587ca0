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
