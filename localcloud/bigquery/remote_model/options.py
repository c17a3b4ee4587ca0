"""OPTIONS of remote models: which there are over what, and what they may hold.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-create-remote-model
and its sisters -https, -service, -open, -tuned and -embedding-maas, as of 2026-08.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from local_bigquery.errors import BigQueryError

from googlesql.constant import Constant, Interval

TARGETS = (
    "ENDPOINT",
    "REMOTE_SERVICE_TYPE",
    "HUGGING_FACE_MODEL_ID",
    "MODEL_GARDEN_MODEL_NAME",
)
"""Options that say what a remote model is over; one is given."""
SERVICES = (
    "CLOUD_AI_NATURAL_LANGUAGE_V1",
    "CLOUD_AI_TRANSLATE_V3",
    "CLOUD_AI_VISION_V1",
    "CLOUD_AI_DOCUMENT_V1",
    "CLOUD_AI_SPEECH_TO_TEXT_V2",
)
PUBLISHERS = {
    "gemini-": "google",
    "text-embedding-": "google",
    "text-multilingual-embedding-": "google",
    "multimodalembedding": "google",
    "claude-": "anthropic",
    "mistral-": "mistralai",
    "codestral": "mistralai",
}
"""Whose model a bare name is, by its beginning."""
_OPEN_API = re.compile(r"(openapi/)?[a-z0-9-]+/[A-Za-z0-9._-]+-maas")
_RESOURCE = re.compile(r"projects/[^/]+/locations/[^/]+/endpoints/[^/]+")
_HUGGING_FACE = re.compile(r"[^/\s]+/[^/\s]+")
_MODEL_GARDEN = re.compile(r"publishers/[^/]+/models/[^/@]+@[^/@]+")
_RECOGNIZER = re.compile(r"projects/[^/]+/locations/[^/]+/recognizers/[^/]+")
_PROCESSOR = re.compile(
    r"[0-9a-z]+|projects/[^/]+/locations/[^/]+/processors/[^/]+(/processorVersions/[^/]+)?"
)
_RESERVATION = re.compile(r"projects/[^/]+/zones/[^/]+/reservations/[^/]+")
_MINUTES = {"MINUTE": 1, "HOUR": 60, "DAY": 24 * 60}

Check = Callable[[Constant], bool]


def publisher(endpoint: str) -> str | None:
    """Who publishes a model, by its bare name such as `gemini-2.5-pro`; None for other texts."""
    return next((who for start, who in PUBLISHERS.items() if endpoint.startswith(start)), None)


def is_url(endpoint: str) -> bool:
    """Whether an endpoint is an address."""
    return urlsplit(endpoint).scheme in ("http", "https")


def _is_endpoint(value: Constant) -> bool:
    return isinstance(value, str) and bool(
        is_url(value)
        or publisher(value)
        or _OPEN_API.fullmatch(value)
        or _RESOURCE.fullmatch(value)
    )


def _matches(pattern: re.Pattern[str]) -> Check:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def _whole(low: int, high: int) -> Check:
    return lambda value: type(value) is int and low <= value <= high


def _one_of(*names: str) -> Check:
    return lambda value: isinstance(value, str) and value.upper() in names


def _is_text(value: Constant) -> bool:
    return isinstance(value, str) and value != ""


def _is_idle_time(value: Constant) -> bool:
    if not isinstance(value, Interval) or not isinstance(value.value, int):
        return False
    minutes = value.value * _MINUTES.get(value.unit, 0)
    return 390 <= minutes <= 7 * 24 * 60


def _are_reservations(value: Constant) -> bool:
    return (
        isinstance(value, list)
        and len(value) > 0
        and all(_matches(_RESERVATION)(item) for item in value)
    )


_DEPLOYED: Mapping[str, tuple[Check, str]] = {
    "HUGGING_FACE_TOKEN": (_is_text, "a STRING"),
    "MACHINE_TYPE": (_is_text, "a STRING such as 'g2-standard-12'"),
    "MIN_REPLICA_COUNT": (_whole(1, 4096), "an INT64 from 1 to 4096"),
    "MAX_REPLICA_COUNT": (_whole(1, 4096), "an INT64 from 1 to 4096"),
    "RESERVATION_AFFINITY_TYPE": (
        _one_of("NO_RESERVATION", "ANY_RESERVATION", "SPECIFIC_RESERVATION"),
        "NO_RESERVATION, ANY_RESERVATION or SPECIFIC_RESERVATION",
    ),
    "RESERVATION_AFFINITY_KEY": (
        lambda value: value == "compute.googleapis.com/reservation-name",
        "'compute.googleapis.com/reservation-name'",
    ),
    "RESERVATION_AFFINITY_VALUES": (
        _are_reservations,
        "an array of names such as 'projects/p/zones/us-central1-a/reservations/r'",
    ),
    "ENDPOINT_IDLE_TTL": (_is_idle_time, "an INTERVAL from 390 MINUTE to 7 DAY"),
}
_TUNED = (
    "PROMPT_COL",
    "INPUT_LABEL_COLS",
    "MAX_ITERATIONS",
    "LEARNING_RATE_MULTIPLIER",
    "DATA_SPLIT_METHOD",
    "DATA_SPLIT_EVAL_FRACTION",
    "DATA_SPLIT_COL",
    "EVALUATION_TASK",
)
"""Options of tuning a Gemini model, which needs a query after AS."""
OPTIONS: Mapping[str, Mapping[str, tuple[Check, str]]] = {
    "ENDPOINT": {
        "ENDPOINT": (
            _is_endpoint,
            "an endpoint's https URL, projects/p/locations/l/endpoints/e, or a model's name such "
            "as gemini-2.5-flash, text-embedding-005, claude-sonnet-4-5, mistral-nemo or "
            "openapi/meta/llama-3.3-70b-instruct-maas",
        ),
        "MAX_BATCHING_ROWS": (_whole(1, 2**63 - 1), "an INT64 from 1"),
    },
    "REMOTE_SERVICE_TYPE": {
        "REMOTE_SERVICE_TYPE": (_one_of(*SERVICES), f"one of {', '.join(SERVICES)}"),
        "DOCUMENT_PROCESSOR": (
            _matches(_PROCESSOR),
            "a processor's id or its name, projects/p/locations/l/processors/i",
        ),
        "SPEECH_RECOGNIZER": (_matches(_RECOGNIZER), "projects/p/locations/l/recognizers/i"),
    },
    "HUGGING_FACE_MODEL_ID": {
        "HUGGING_FACE_MODEL_ID": (_matches(_HUGGING_FACE), "provider_name/model_name"),
        **_DEPLOYED,
    },
    "MODEL_GARDEN_MODEL_NAME": {
        "MODEL_GARDEN_MODEL_NAME": (
            _matches(_MODEL_GARDEN),
            "publishers/publisher/models/model_name@model_version",
        ),
        **{name: option for name, option in _DEPLOYED.items() if name != "HUGGING_FACE_TOKEN"},
    },
}
"""Options by what the model is over, each with its check and what it allows in words."""


def checked(given: Mapping[str, Constant], *, has_query: bool) -> str:
    """Check OPTIONS and give what the model is over, one of `TARGETS`.

    Args:
        given: Options by their names in upper case.
        has_query: Whether a query follows after AS, which tunes a model.

    Raises:
        BigQueryError: An option is unknown, missing, wrong or beside one that it does not fit.
    """
    targets = [name for name in TARGETS if name in given]
    if len(targets) != 1:
        raise BigQueryError(
            "invalidQuery",
            f"A remote model needs one of the options {', '.join(TARGETS)}; "
            f"{' and '.join(targets) or 'none'} is given.",
        )
    [target] = targets
    allowed = OPTIONS[target]
    for name, value in given.items():
        if has_query and target == "ENDPOINT" and name in _TUNED:
            continue
        if name not in allowed:
            raise BigQueryError(
                "invalidQuery",
                f"Option {name} is not for a remote model with {target}; allowed are "
                f"{', '.join(allowed)}.",
            )
        accepts, words = allowed[name]
        if not accepts(value):
            raise BigQueryError(
                "invalidQuery", f"Option {name} is {_shown(name, value)}; it is {words}."
            )
    _check_together(given)
    return target


def _check_together(given: Mapping[str, Constant]) -> None:
    low = given.get("MIN_REPLICA_COUNT", 1)
    high = given.get("MAX_REPLICA_COUNT", low)
    if isinstance(low, int) and isinstance(high, int) and low > high:
        raise BigQueryError(
            "invalidQuery", f"MIN_REPLICA_COUNT is {low}, above MAX_REPLICA_COUNT, {high}."
        )
    service = str(given.get("REMOTE_SERVICE_TYPE") or "").upper()
    if service == "CLOUD_AI_DOCUMENT_V1" and "DOCUMENT_PROCESSOR" not in given:
        raise BigQueryError("invalidQuery", f"{service} needs the option DOCUMENT_PROCESSOR.")
    for name, needed in (
        ("DOCUMENT_PROCESSOR", "CLOUD_AI_DOCUMENT_V1"),
        ("SPEECH_RECOGNIZER", "CLOUD_AI_SPEECH_TO_TEXT_V2"),
    ):
        if name in given and service != needed:
            raise BigQueryError(
                "invalidQuery", f"Option {name} needs REMOTE_SERVICE_TYPE = '{needed}'."
            )
    affinity = ("RESERVATION_AFFINITY_KEY", "RESERVATION_AFFINITY_VALUES")
    if str(given.get("RESERVATION_AFFINITY_TYPE") or "").upper() == "SPECIFIC_RESERVATION":
        if missing := [name for name in affinity if name not in given]:
            raise BigQueryError(
                "invalidQuery", f"SPECIFIC_RESERVATION needs the option {missing[0]}."
            )
    elif found := [name for name in affinity if name in given]:
        raise BigQueryError(
            "invalidQuery",
            f"Option {found[0]} needs RESERVATION_AFFINITY_TYPE = 'SPECIFIC_RESERVATION'.",
        )


def _shown(name: str, value: Any) -> str:
    return "hidden" if name == "HUGGING_FACE_TOKEN" else repr(value)
