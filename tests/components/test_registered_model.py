from types import SimpleNamespace
from typing import Any

import pulumi
import pytest
from bqvertex.registered_model import RegisteredModel

from tests.components.plan import planned

REGISTERED = "pulumi-python:dynamic/bqvertex:RegisteredModel"
OF_THE_MODEL = {
    "project": "acme-prod",
    "location": "EU",
    "dataset_id": "flights",
    "model_id": "Arrival_Delay",
    "definition_hash": "one",
}


def entry(**args: Any) -> dict[str, Any]:
    plan = planned(lambda: RegisteredModel("late", args))
    return plan.inputs(REGISTERED, "late")


def test_a_model_of_the_program_says_where_it_is_and_what_it_was_made_from():
    def program() -> None:
        outputs = {key: pulumi.Output.from_input(value) for key, value in OF_THE_MODEL.items()}
        RegisteredModel("late", {"model": SimpleNamespace(**outputs)})

    inputs = planned(program).inputs(REGISTERED, "late")

    assert inputs == {**OF_THE_MODEL, "vertex_ai_model_id": "arrival_delay"}


@pytest.mark.parametrize(
    ("given", "registered"), [({}, "arrival_delay"), ({"vertex_ai_model_id": "late"}, "late")]
)
def test_the_registry_id_is_the_models_in_lower_case_unless_given(given, registered):
    inputs = entry(**OF_THE_MODEL, **given)

    assert inputs["vertex_ai_model_id"] == registered


def test_the_region_of_a_multi_region_is_the_registrys():
    found: list[str] = []

    def program() -> pulumi.Output[None]:
        return RegisteredModel("late", OF_THE_MODEL).location.apply(found.append)

    planned(program)

    assert found == ["europe-west4"]
