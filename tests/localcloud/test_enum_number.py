"""Numbers of enum values are those of Google's client library."""

from typing import Any

import pytest

from localcloud.discovery.document import load
from localcloud.discovery.enum_number import name_of_number

SERVED = ("Endpoint", "Model", "ModelDeploymentMonitoringJob", "FeatureGroup", "Feature")


def enums(message: Any, seen: set[str]) -> dict[str, dict[str, int]]:
    """Every enum below a message: names and numbers by `Message.field`."""
    found: dict[str, dict[str, int]] = {}
    if message.full_name in seen:
        return found
    seen.add(message.full_name)
    name = message.full_name.partition("aiplatform.v1.")[2].replace(".", "")
    for field in message.fields:
        if field.enum_type:
            values = {value.name: value.number for value in field.enum_type.values}
            found[f"GoogleCloudAiplatformV1{name}.{field.json_name}"] = values
        elif field.message_type and "aiplatform.v1." in field.message_type.full_name:
            found |= enums(field.message_type, seen)
    return found


@pytest.mark.parametrize("name", SERVED)
def test_the_numbers_that_clients_send_mean_the_same_name(name: str) -> None:
    from google.cloud import aiplatform_v1

    schemas = load("aiplatform.v1").schema.schemas
    kind = getattr(aiplatform_v1, name)
    wrong = {}
    for place, values in enums(kind.pb(kind()).DESCRIPTOR, set()).items():
        message, _, json_name = place.partition(".")
        field = schemas.get(message, {}).get("properties", {}).get(json_name)
        # Maps and fields that the document does not have.
        if field is None:
            continue
        names = field.get("items", field)["enum"]
        read = {name: name_of_number(names, values[name]) for name in names if name in values}
        wrong |= {f"{place} {name}": got for name, got in read.items() if got != name}

    assert wrong == {}
