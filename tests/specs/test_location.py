import pytest
from bqvertex.specs.location import LOCATIONS, location_problem, same_location


@pytest.mark.parametrize("location", [*sorted(LOCATIONS), "us", "eu", "US-Central1"])
def test_a_location_of_bigquery(location):
    assert location_problem(location) is None


@pytest.mark.parametrize(
    ("location", "near"),
    [("us-centrall1", "us-central1"), ("europe-west", "europe-west")],
)
def test_a_slip_is_answered_with_what_was_meant(location, near):
    reason = location_problem(location)

    assert f"did you mean '{near}" in reason
    assert repr(location) in reason


def test_case_makes_no_other_location():
    assert same_location("us", "US")
    assert not same_location("US", "us-central1")
