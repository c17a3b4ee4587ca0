"""Labels: what a user may write, and those by which this toolkit knows its own work."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from bqvertex.specs.inputs import Problem
from bqvertex.specs.unknown import is_unknown

RESERVED_PREFIX: Final = "bqvertex_"
DEFINITION: Final = f"{RESERVED_PREFIX}definition"
"""Label with the hash of what the live resource was made of."""
OWNER: Final = f"{RESERVED_PREFIX}owner"
"""Label with the hash of the declaration that made the live resource."""
JOB: Final = f"{RESERVED_PREFIX}job"
"""Label with the id of the job that trained the live resource."""
WORK: Final = f"{RESERVED_PREFIX}work"
"""Label of a job with the name of the work that it does, see `bqvertex.specs.job.work_key`."""

_WORD = re.compile(r"[\w-]{0,63}\Z")


def short_hash(text: str) -> str:
    """Hash a text to 16 hexadecimal digits, which a label's value may hold."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def label_problems(labels: Any) -> Iterator[Problem]:
    """Yield what Google would refuse.

    Source: https://docs.cloud.google.com/bigquery/docs/labels-intro#requirements

    Args:
        labels: The input `labels`, whatever it is; None means none.
    """
    if labels is None or is_unknown(labels):
        return
    if not isinstance(labels, Mapping):
        yield "labels", f"is {type(labels).__name__}: give a map from text to text"
        return
    for key, value in labels.items():
        if key.startswith(RESERVED_PREFIX):
            yield (
                "labels",
                f"{key!r} begins with {RESERVED_PREFIX!r}, which this toolkit sets itself",
            )
        elif not key or not key[0].isalpha() or not _is_word(key):
            yield (
                "labels",
                f"key {key!r} must begin with a lower-case letter and hold at most 63 lower-case "
                "letters, digits, '_' and '-'",
            )
        if is_unknown(value):
            continue
        if not isinstance(value, str) or not _is_word(value):
            yield (
                "labels",
                f"value {value!r} of {key!r} must be text of at most 63 lower-case letters, "
                "digits, '_' and '-'",
            )


def own(labels: Mapping[str, str]) -> dict[str, str]:
    """Pick the labels that the user wrote out of those on a live resource."""
    return {key: text for key, text in labels.items() if not key.startswith(RESERVED_PREFIX)}


def patch(live: Mapping[str, str], wanted: Mapping[str, str]) -> dict[str, str | None]:
    """Turn labels that are there into those that should be; None takes one away."""
    gone: dict[str, str | None] = dict.fromkeys(live.keys() - wanted.keys())
    return gone | dict(wanted)


def _is_word(text: str) -> bool:
    return text == text.lower() and _WORD.match(text) is not None
