from datetime import UTC, datetime, timedelta

import pytest
from bqvertex.clients.bigquery import Job
from bqvertex.providers.model.training import progress

CREATED = datetime(2026, 1, 1, tzinfo=UTC)
JOB = {
    "job_id": "j",
    "project": "p",
    "location": "US",
    "created": CREATED,
    "ended": CREATED + timedelta(seconds=75),
}


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        ({}, "75 s"),
        ({"iterations": 3, "loss": 0.69314718}, "iteration 3, loss 0.6931, 75 s"),
        (
            {"iterations": 3, "max_iterations": 20, "loss": 12345.678},
            "iteration 3 of 20, loss 1.235e+04, 75 s",
        ),
        ({"trials": 2}, "2 trials, 75 s"),
    ],
)
def test_a_training_tells_how_it_goes_on(seen, words):
    assert progress("p.d.m", Job(**JOB, **seen)) == f"model p.d.m: training, {words}"
