"""Request-response logging: what an endpoint was asked and answered, as rows of BigQuery.

Source: https://cloud.google.com/vertex-ai/docs/predictions/online-prediction-logging
"""

import math
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from localcloud.errors import Json
from localcloud.vertex.serving_log import ServingLog
from localcloud.vertex.spread import Spread

SILVER = math.sqrt(2) - 1
"""Its multiples are spread evenly too, and independently of those that share traffic out."""


class RequestLog:
    """Logs the requests of endpoints whose `predictRequestResponseLoggingConfig` asks for it.

    The table is made by the first request that is logged. Of a sampling rate of 0.1 every tenth
    request is taken or nearly, rather than each at random.

    Args:
        rows: Writes the rows.
        clock: Gives the time.
    """

    def __init__(self, rows: ServingLog, clock: Callable[[], datetime]) -> None:
        self.rows = rows
        self.clock = clock
        self._spread = Spread(SILVER)

    def saw(
        self, endpoint: Json, deployed: str, instances: Sequence[Any], predictions: Sequence[Any]
    ) -> None:
        """Log a request, if its endpoint logs and the sample takes it."""
        config = endpoint.get("predictRequestResponseLoggingConfig", {})
        if not config.get("enabled"):
            return
        if self._spread.place(endpoint["name"]) >= config["samplingRate"]:
            return
        table = logging_table(endpoint)
        self.rows.record(endpoint["name"], table, deployed, self.clock(), instances, predictions)


def logging_table(endpoint: Json) -> str:
    """Where an endpoint logs its requests, `project.dataset.table`.

    Without a table: `logging_<display name>_<endpoint id>.request_response_logging`, as
    `PredictRequestResponseLoggingConfig.bigquery_destination` says.
    """
    config = endpoint.get("predictRequestResponseLoggingConfig", {})
    uri = str(config.get("bigqueryDestination", {}).get("outputUri", "")).removeprefix("bq://")
    parts = uri.split(".") if uri else []
    plain = re.sub(r"[^A-Za-z0-9_]", "_", str(endpoint.get("displayName", "")))
    identifier = re.sub(r"[^A-Za-z0-9_]", "_", str(endpoint["name"]).rsplit("/", 1)[1])
    defaults = (
        str(endpoint["name"]).split("/")[1],
        f"logging_{plain}_{identifier}",
        "request_response_logging",
    )
    return ".".join([*parts, *defaults[len(parts) :]])
