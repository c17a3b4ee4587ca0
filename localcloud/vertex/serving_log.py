"""Requests of endpoints and their responses, as rows of BigQuery.

The columns are those of https://cloud.google.com/vertex-ai/docs/predictions/online-prediction-logging
"""

import json
import logging
import re
import secrets
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from localcloud.errors import Json
from localcloud.ports import BigQueryEngine

log = logging.getLogger(__name__)

COLUMNS = (
    "endpoint STRING, deployed_model_id STRING, logging_time TIMESTAMP, request_id NUMERIC, "
    "request_payload ARRAY<STRING>, response_payload ARRAY<STRING>"
)
INSERT = """INSERT INTO `{table}`
(endpoint, deployed_model_id, logging_time, request_id, request_payload, response_payload)
SELECT JSON_VALUE(row, '$.endpoint'), JSON_VALUE(row, '$.deployed_model_id'),
  TIMESTAMP(JSON_VALUE(row, '$.logging_time')), CAST(JSON_VALUE(row, '$.request_id') AS NUMERIC),
  JSON_VALUE_ARRAY(row, '$.request_payload'), JSON_VALUE_ARRAY(row, '$.response_payload')
FROM UNNEST(@rows) AS row"""


def table_of(endpoint: str) -> str:
    """`project.dataset.table` of a monitored endpoint's log, `….serving_predict`."""
    # A dataset's id has no hyphens, an endpoint's may.
    identifier = re.sub(r"[^A-Za-z0-9_]", "_", endpoint.rsplit("/", 1)[1])
    project = endpoint.split("/")[1]
    return f"{project}.model_deployment_monitoring_{identifier}.serving_predict"


def window(endpoint: str, deployed: str, start: datetime, end: datetime) -> str:
    """The query for what one deployment was asked from `start` until before `end`."""
    return (
        f"SELECT `request_payload` FROM `{table_of(endpoint)}` "
        f"WHERE `deployed_model_id` = '{deployed}' "
        f"AND `logging_time` >= TIMESTAMP('{start.isoformat()}') "
        f"AND `logging_time` < TIMESTAMP('{end.isoformat()}')"
    )


class ServingLog:
    """Writes rows in the background, all that wait at a time, so that requests do not.

    Args:
        engine: Gives BigQuery.
    """

    def __init__(self, engine: Callable[[], BigQueryEngine]) -> None:
        self.engine = engine
        self._lock = threading.Lock()
        self._waiting: dict[tuple[str, str], list[Json]] = {}
        self._made: set[str] = set()
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="serving-log")

    def open(self, endpoint: str, table: str) -> None:
        """Make a table, where its endpoint is, if it is not there."""
        self._worker.submit(self._write, endpoint, table)

    def record(
        self,
        endpoint: str,
        table: str,
        deployed: str,
        moment: datetime,
        instances: Sequence[Any],
        predictions: Sequence[Any],
    ) -> None:
        """Log one request."""
        row = {
            "endpoint": endpoint,
            "deployed_model_id": deployed,
            "logging_time": moment.isoformat(),
            "request_id": str(secrets.randbelow(9 * 10**18) + 10**18),
            "request_payload": [json.dumps(instance) for instance in instances],
            "response_payload": [json.dumps(prediction) for prediction in predictions],
        }
        with self._lock:
            self._waiting.setdefault((endpoint, table), []).append(row)
        self._worker.submit(self._write, endpoint, table)

    def flush(self) -> None:
        """Wait until all that was recorded is written."""
        self._worker.submit(lambda: None).result()

    def close(self) -> None:
        """Write what waits, and end."""
        self._worker.shutdown(wait=True)

    def _write(self, endpoint: str, table: str) -> None:
        with self._lock:
            rows = self._waiting.pop((endpoint, table), [])
        try:
            self._make(endpoint, table)
            if rows:
                self._run(endpoint, INSERT.format(table=table), rows)
        except (ValueError, RuntimeError) as error:
            # A request that was answered cannot be failed by its log any more.
            log.error("%d requests of %s were not logged: %s", len(rows), endpoint, error)
            self._made.discard(table)

    def _make(self, endpoint: str, table: str) -> None:
        if table in self._made:
            return
        dataset, location = table.rsplit(".", 1)[0], endpoint.split("/")[3]
        self._run(
            endpoint, f"CREATE SCHEMA IF NOT EXISTS `{dataset}` OPTIONS(location='{location}')"
        )
        self._run(endpoint, f"CREATE TABLE IF NOT EXISTS `{table}` ({COLUMNS})")
        self._made.add(table)

    def _run(self, endpoint: str, sql: str, rows: Sequence[Json] = ()) -> None:
        query: Json = {"query": sql, "useLegacySql": False}
        if rows:
            query |= {
                "parameterMode": "NAMED",
                "queryParameters": [
                    {
                        "name": "rows",
                        "parameterType": {"type": "ARRAY", "arrayType": {"type": "STRING"}},
                        "parameterValue": {
                            "arrayValues": [{"value": json.dumps(row)} for row in rows]
                        },
                    }
                ],
            }
        job = self.engine().run_job(
            endpoint.split("/")[1], f"request_log_{secrets.token_hex(12)}", "", {"query": query}
        )
        if error := job["status"].get("errorResult"):
            raise ValueError(str(error.get("message", error)))
