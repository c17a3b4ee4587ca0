from dataclasses import replace

import pytest

from stacks.config import StackConfig

GOOD = StackConfig(
    project="acme-data",
    location="europe-west4",
    dataset_id="flights",
    protect=True,
    gemini_endpoint="gemini-2.5-flash",
    machine_type="n1-standard-2",
    min_replica_count=1,
    max_replica_count=2,
)


def test_a_good_config_has_no_problems():
    assert GOOD.problems() == []


@pytest.mark.parametrize(
    ("change", "key", "says"),
    [
        pytest.param({"project": "Acme"}, "gcp:project", "'Acme'", id="project"),
        pytest.param(
            {"project": "your-project-dev"}, "gcp:project", "your own", id="project-not-filled-in"
        ),
        pytest.param({"location": "eu-west4"}, "bqvertex:location", "europe-west4", id="location"),
        pytest.param({"location": "US"}, "bqvertex:location", "us-central1", id="multi-region"),
        pytest.param({"dataset_id": "my-data"}, "bqvertex:dataset_id", "'my-data'", id="dataset"),
        pytest.param(
            {"api_endpoint": "127.0.0.1:8470"},
            "bqvertex:api_endpoint",
            "http://127.0.0.1:8470",
            id="endpoint-without-scheme",
        ),
        pytest.param(
            {"min_replica_count": 3}, "bqvertex:min_replica_count", "is 3", id="minimum-too-large"
        ),
        pytest.param(
            {"min_replica_count": 0}, "bqvertex:min_replica_count", "is 0", id="minimum-zero"
        ),
    ],
)
def test_a_wrong_value_is_named_with_its_key_and_what_is_allowed(change, key, says):
    (problem,) = replace(GOOD, **change).problems()

    assert problem.startswith(f"{key} is ")
    assert says in problem


def test_all_problems_are_told_at_once():
    wrong = replace(GOOD, project="x", location="moon", dataset_id="a b")

    assert len(wrong.problems()) == 3
