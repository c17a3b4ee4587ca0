"""How many rows of a statement an AI.* function failed on, against `max_error_ratio`."""

import threading
from collections import Counter
from dataclasses import dataclass, field

from local_bigquery.errors import BigQueryError


@dataclass
class _Count:
    rows: int = 0
    most: float = 1.0
    failures: Counter[str] = field(default_factory=Counter)


_counts: dict[tuple[str, str], _Count] = {}
_lock = threading.Lock()
"""Rows are counted on the threads of DuckDB."""


def count(statement: str, function: str, failure: str, most: float) -> None:
    """Count one row of a function that answers NULL when it fails.

    Args:
        statement: Names the statement; empty for an argument's query, which nothing is counted of.
        function: The function.
        failure: Why it failed; empty when it did not.
        most: The ratio of failures that the call accepts, 0 to 1.
    """
    if not statement:
        return
    with _lock:
        kept = _counts.setdefault((statement, function), _Count())
        kept.rows += 1
        kept.most = min(kept.most, most)
        if failure:
            kept.failures[failure] += 1


def check(statement: str) -> None:
    """Refuse a statement of which too many rows failed, and forget it.

    Raises:
        BigQueryError: More than the accepted ratio of a function's rows failed, or all.
    """
    for (_, function), found in forget(statement):
        failed = found.failures.total()
        if failed and (failed == found.rows or failed / found.rows > found.most):
            most = "; ".join(
                f"{number} times: {why}" for why, number in found.failures.most_common(3)
            )
            raise BigQueryError(
                "invalidQuery",
                f"{function} failed on {failed} of {found.rows} rows; max_error_ratio is "
                f"{found.most}. The most frequent errors are: {most}",
            )


def forget(statement: str) -> list[tuple[tuple[str, str], _Count]]:
    """Take out what was counted of a statement."""
    with _lock:
        keys = [key for key in _counts if key[0] == statement]
        return [(key, _counts.pop(key)) for key in keys]
