"""Ids of BigQuery jobs that say whose work they are, so that a repeated run finds its own."""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from bqvertex.specs.inputs import Problem, canonical_json
from bqvertex.specs.unknown import is_unknown


def work_key(*parts: object) -> str:
    """Name a piece of work: the same parts are the same work.

    Args:
        *parts: Plain data that tells it from other work, such as the owner, the model's path and
            the hash of its definition.

    Returns:
        24 hexadecimal digits.
    """
    return hashlib.sha256(canonical_json(list(parts)).encode()).hexdigest()[:24]


def job_id(verb: str, key: str, attempt: int) -> str:
    """Name one attempt at a piece of work.

    A job that has ended keeps its id for half a year, so each attempt needs its own.

    Args:
        verb: What the job does, such as `train`; letters only.
        key: See `work_key`.
        attempt: 1 for the first.

    Returns:
        The id: letters, digits and `_`, as BigQuery asks.
    """
    return f"bqvertex_{verb}_{key}_{attempt}"


def names_work(job_id_: str, verb: str, key: str) -> bool:
    """Tell whether a job's id is that of any attempt at a piece of work, see `job_id`."""
    return job_id_.startswith(job_id(verb, key, 0).removesuffix("0"))


def timeout_problems(inputs: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield what is wrong with the input `job_timeout_s`, a number of seconds."""
    timeout = inputs.get("job_timeout_s")
    if timeout is None or is_unknown(timeout):
        return
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or timeout <= 0:
        yield "job_timeout_s", f"is {timeout!r}: give a number of seconds above 0"
