"""Request-response logging: what an endpoint was asked and answered, as rows of BigQuery.

Source: https://cloud.google.com/vertex-ai/docs/predictions/online-prediction-logging
"""

import math
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import count
from typing import Any

from localcloud.errors import Json
from localcloud.vertex.monitoring_input import logging_table
from localcloud.vertex.serving_log import ServingLog

STEP = math.sqrt(2)
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
        self._numbers: dict[str, Iterator[int]] = {}

    def saw(
        self, endpoint: Json, deployed: str, instances: Sequence[Any], predictions: Sequence[Any]
    ) -> None:
        """Log a request, if its endpoint logs and the sample takes it."""
        config = endpoint.get("predictRequestResponseLoggingConfig", {})
        if not config.get("enabled"):
            return
        number = next(self._numbers.setdefault(endpoint["name"], count()))
        if number * STEP % 1 >= config["samplingRate"]:
            return
        table = logging_table(endpoint).strip("`")
        self.rows.record(endpoint["name"], table, deployed, self.clock(), instances, predictions)
