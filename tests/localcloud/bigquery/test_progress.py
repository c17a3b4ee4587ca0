"""What a training tells of itself while it runs."""

from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import bigquery
from local_bigquery.jobs import store
from local_bigquery.models import Job

from localcloud.bigquery.progress import INTERVAL_S, IterationProgress
from tests.localcloud.bigquery.conftest import PROJECT

LONG = """
CREATE OR REPLACE MODEL long_one
OPTIONS (model_type = 'BOOSTED_TREE_REGRESSOR', input_label_cols = ['points'],
  max_iterations = 1000000, early_stop = FALSE, data_split_method = 'NO_SPLIT')
AS SELECT class, age, points FROM shared.passengers
"""


def ml_statistics(job: Any) -> dict[str, Any]:
    found = job._properties["statistics"].get("query", {}).get("mlStatistics", {})
    return dict(found)


@pytest.mark.usefixtures("passengers")
def test_iterations_are_seen_while_the_training_runs(client: bigquery.Client, dataset: str) -> None:
    config = bigquery.QueryJobConfig(default_dataset=f"{PROJECT}.{dataset}")
    job = client.query(LONG, job_config=config)
    told: dict[str, Any] = {}

    while not told.get("iterationResults"):
        found = client.get_job(job.job_id, location="US")
        assert found.state != "DONE", found.error_result
        told = ml_statistics(found)

    client.cancel_job(job.job_id, location="US")
    assert told["maxIterations"] == "1000000"
    assert 0 < len(told["iterationResults"]) < 1000000
    assert told["iterationResults"][0]["trainingLoss"] > 0
    with pytest.raises(exceptions.GoogleAPICallError, match="cancelled"):
        job.result()


def test_a_job_is_written_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    running = Job.model_validate({"status": {"state": "RUNNING"}, "statistics": {}})
    saved: list[Job] = []
    monkeypatch.setattr(store, "load", lambda *job: running)
    monkeypatch.setattr(store, "save", saved.append)
    times = iter([0.0, INTERVAL_S / 2, INTERVAL_S])
    progress = IterationProgress(("p", "j"), None, clock=lambda: next(times))

    for index in range(3):
        progress.add({"index": index, "trainingLoss": 1.0})

    told = [job.statistics.query.mlStatistics.iterationResults for job in saved]
    assert [len(results) for results in told] == [1, 3]


def test_a_statement_that_is_no_job_tells_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "load", lambda *job: pytest.fail("no job to look for"))

    IterationProgress(None, None).add({"index": 0, "trainingLoss": 1.0})
