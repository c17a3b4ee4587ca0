"""Wrong programs, wrong SQL, wrong config: refused at preview, with nothing touched."""

import pytest
from pulumi.automation import CommandError


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        pytest.param(
            "sql/arrival_delay/model.sql",
            "  plane_age_years\nFROM departures",
            "  plane_agee_years\nFROM departures",
            ["sql/arrival_delay/model.sql:", "plane_agee_years", "plane_age_years"],
            id="unknown-column",
        ),
        pytest.param(
            "sql/arrival_delay/model.sql",
            "FROM departures\nWHERE",
            "FROM departures\nWHEN",
            ["sql/arrival_delay/model.sql:", "Syntax error"],
            id="syntax",
        ),
        pytest.param(
            "sql/arrival_delay/model.sql",
            "max_iterations = 40",
            "max_iteration = 40",
            ["max_iteration", "MAX_ITERATIONS"],
            id="unknown-option",
        ),
        pytest.param(
            "sql/arrival_delay/departures.sql",
            "flights.distance AS",
            "flights.distanze AS",
            ["sql/arrival_delay/departures.sql:", "distanze"],
            id="unknown-column-in-a-view",
        ),
        pytest.param(
            "stacks/Pulumi.local.yaml",
            "bqvertex:location: us-central1",
            "bqvertex:location: us-centrall",
            ["stacks/Pulumi.local.yaml", "bqvertex:location", "us-central1"],
            id="wrong-location",
        ),
        pytest.param(
            "stacks/Pulumi.local.yaml",
            "  bqvertex:location: us-central1\n",
            "",
            ["missing configuration value 'location'"],
            id="missing-key",
        ),
        pytest.param(
            "stacks/Pulumi.local.yaml",
            "  bqvertex:labels:",
            "  bqvertex:min_replica_count: many\n  bqvertex:labels:",
            ["min_replica_count", "integer"],
            id="mistyped-key",
        ),
    ],
)
def test_wrong_input_is_refused_at_preview(stack, file, old, new, says):
    stack.edit(file, old, new)

    with pytest.raises(CommandError) as refused:
        stack.preview()

    assert [text for text in says if text not in str(refused.value)] == []


def test_a_local_cloud_that_does_not_run_is_named_with_what_to_do(stack, local_cloud):
    stack.edit("stacks/Pulumi.local.yaml", local_cloud.url, "http://127.0.0.1:9")

    with pytest.raises(CommandError) as refused:
        stack.up()

    assert "http://127.0.0.1:9" in str(refused.value)
