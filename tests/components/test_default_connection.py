import pulumi
import pytest
from bqvertex.connection import Connection
from bqvertex.default_connection import DefaultConnection

from tests.components.plan import CONNECTION, planned

DEFAULT = "pulumi-python:dynamic/bqvertex:DefaultConnection"
PLACE = {"project": "acme-prod", "location": "us-central1", "connection_id": "remote"}
OWNER = {"owner": "organization/proj/test/default"}


def test_it_takes_project_location_and_id_of_the_connection_and_waits_for_it():
    plan = planned(
        lambda: DefaultConnection("default", {"connection": Connection("remote", PLACE)})
    )

    assert plan.inputs(DEFAULT, "default") == {**PLACE, **OWNER}
    assert plan.place(CONNECTION, "remote") < plan.place(DEFAULT, "default")


def test_the_id_of_a_project_of_a_domain_has_dots_of_its_own():
    place = {**PLACE, "project": "example.com:acme"}

    plan = planned(
        lambda: DefaultConnection("default", {"connection": Connection("remote", place)})
    )

    assert plan.inputs(DEFAULT, "default") == {**place, **OWNER}


def test_a_connection_that_is_made_elsewhere_is_given_by_its_parts():
    plan = planned(lambda: DefaultConnection("default", {**PLACE, "adopt": True}))

    assert plan.inputs(DEFAULT, "default") == {**PLACE, "adopt": True, **OWNER}


@pytest.mark.parametrize(
    "args", [{}, {"project": "acme-prod"}, {"connection": Connection, "location": "EU"}]
)
def test_half_a_place_is_refused(args):
    def program() -> None:
        made = {"connection": Connection("remote", PLACE)} if "connection" in args else {}
        DefaultConnection("default", {**args, **made})

    with pytest.raises(pulumi.RunError, match="give either connection or project, location"):
        planned(program)
