"""What a killed process leaves: tables and models as written, its jobs as failed."""

import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import tenacity
from google.api_core import exceptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from tests.localcloud.bigquery.conftest import PROJECT

SERVE = """
import sys
from pathlib import Path
import uvicorn
from localcloud.bigquery.app import create_app
url = f"http://127.0.0.1:{sys.argv[2]}"
service = create_app(Path(sys.argv[1]), registry=None, base_url=lambda: url)
uvicorn.run(service.app, port=int(sys.argv[2]), log_level="warning")
service.close()
"""
ENDLESS = (
    "SELECT COUNT(*) FROM UNNEST(GENERATE_ARRAY(1, 1000000)) AS a, "
    "UNNEST(GENERATE_ARRAY(1, 1000000)) AS b"
)


@contextmanager
def serving(state: Path) -> Iterator[tuple[subprocess.Popen[bytes], bigquery.Client]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-c", SERVE, str(state), str(port)])
    try:
        until(lambda: _answers(port))
        yield (
            process,
            bigquery.Client(
                project=PROJECT,
                credentials=AnonymousCredentials(),
                client_options={"api_endpoint": f"http://127.0.0.1:{port}"},
            ),
        )
    finally:
        process.kill()
        process.wait()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def until(condition: Callable[[], bool]) -> None:
    for attempt in tenacity.Retrying(
        stop=tenacity.stop_after_delay(60), wait=tenacity.wait_fixed(0.1), reraise=True
    ):
        with attempt:
            assert condition()


def test_a_killed_process_loses_nothing_and_its_jobs_have_failed(tmp_path: Path) -> None:
    with serving(tmp_path) as (process, client):
        client.create_dataset("d")
        client.query(
            "CREATE TABLE d.t AS SELECT n, n > 50 AS big FROM UNNEST(GENERATE_ARRAY(1, 100)) AS n"
        ).result()
        client.query(
            "CREATE MODEL d.m OPTIONS (model_type = 'LOGISTIC_REG', input_label_cols = ['big'], "
            "data_split_method = 'NO_SPLIT') AS SELECT n, big FROM d.t"
        ).result()
        job = client.query(ENDLESS, job_id="endless", job_retry=None)
        until(lambda: client.get_job("endless").state == "RUNNING")

        process.kill()
        process.wait()

    with serving(tmp_path) as (_, client):
        found = client.get_job("endless")
        rows = list(
            client.query(
                "SELECT COUNTIF(predicted_big) AS n FROM ML.PREDICT(MODEL d.m, TABLE d.t)"
            ).result()
        )
        again = client.query("SELECT 1 AS a", job_id="endless-2", job_retry=None)

        assert job.state != "DONE"
        assert (found.state, found.error_result["reason"]) == ("DONE", "backendError")
        assert "Insert it again under a new job id" in found.error_result["message"]
        with pytest.raises(exceptions.GoogleAPICallError, match="new job id"):
            found.result(timeout=10)
        assert 40 <= rows[0]["n"] <= 60
        assert [row["a"] for row in again.result()] == [1]
