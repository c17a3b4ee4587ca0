"""Whether all that a CREATE MODEL statement names is where its dataset is."""

import re
from collections.abc import Iterator
from typing import Final

from bqvertex.specs.location import connection_problem, endpoint_problem, key_problem
from bqvertex.specs.model_option_rule import OptionProblem
from bqvertex.specs.region import registry_region
from googlesql.create_model import CreateModel

_ENDPOINT: Final = re.compile(
    r"https://(?P<host>[^/]+)/\w+/projects/[^/]+/locations/(?P<location>[^/]+)/.+"
)
# Of a region, of the multi-regions us and eu, and of all the world.
_HOSTS: Final = (
    "{}-aiplatform.googleapis.com",
    "aiplatform.{}.rep.googleapis.com",
)
_GLOBAL: Final = "aiplatform.googleapis.com"
_IN_PATH: Final = re.compile(r".*/locations/(?P<location>[^/]+)/.*")
_ZONE: Final = re.compile(r".*/zones/(?P<region>[^/]+)-[a-z]/.*")


def place_problems(parts: CreateModel, location: str) -> Iterator[OptionProblem]:
    """Yield what is not where the dataset is.

    Args:
        parts: The statement.
        location: The dataset's location.
    """
    # `project.location.id`; a project of old times has dots too.
    if parts.connection is not None and len(parts.connection) > 1:
        reason = connection_problem(parts.connection[-2], location)
        if reason is not None:
            yield OptionProblem("connection", reason)
    key = parts.options.get("KMS_KEY_NAME")
    if isinstance(key, str) and (found := _IN_PATH.fullmatch(key)):
        reason = key_problem(found["location"], location)
        if reason is not None:
            yield OptionProblem("option KMS_KEY_NAME", reason)
    endpoint = parts.options.get("ENDPOINT")
    if isinstance(endpoint, str) and (found := _ENDPOINT.fullmatch(endpoint)):
        yield from _endpoint_problems(found["host"], found["location"], location)
    region = registry_region(location)
    for value in _texts(parts, "RESERVATION_AFFINITY_VALUES"):
        zone = _ZONE.fullmatch(value)
        if zone is not None and zone["region"] != region:
            yield OptionProblem(
                "option RESERVATION_AFFINITY_VALUES",
                f"the reservation is in {zone['region']} and the model of a dataset in {location} "
                f"in {region}",
            )


def _endpoint_problems(host: str, written: str, location: str) -> Iterator[OptionProblem]:
    hosts = [_GLOBAL] if written == "global" else [form.format(written) for form in _HOSTS]
    if host.endswith("googleapis.com") and host not in hosts:
        reason = f"the endpoint's host {host!r} is not that of locations/{written}: {hosts[0]}"
        yield OptionProblem("option ENDPOINT", reason)
        return
    elsewhere = endpoint_problem(written, location)
    if elsewhere is not None:
        yield OptionProblem("option ENDPOINT", elsewhere)


def _texts(parts: CreateModel, option: str) -> list[str]:
    value = parts.options.get(option)
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
