"""The statement of a remote model, from plain values."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from bqvertex.specs.identifier import quoted_path
from bqvertex.specs.model_clause import fields_clauses, options_clause
from bqvertex.specs.model_kind import REMOTE, kinds
from bqvertex.specs.model_secret import secret_problem
from bqvertex.specs.statement import read_statement
from googlesql.constant import Interval
from googlesql.edit import Edit, EditedText
from googlesql.position import Text

DEFAULT_CONNECTION: Final = "DEFAULT"
"""Stands for the connection that the project, or BigQuery, has for all that names none:
https://docs.cloud.google.com/bigquery/docs/default-connections"""

CALLS: Final = (
    "endpoint",
    "remote_service_type",
    "hugging_face_model_id",
    "model_garden_model_name",
)
"""Inputs that say what a remote model calls, of which exactly one is given."""

_DEPLOYED_BY_BIGQUERY: Final = ("hugging_face_model_id", "model_garden_model_name")
GOES_WITH: Final[Mapping[str, tuple[str, ...]]] = {
    "inputs": ("endpoint",),
    "outputs": ("endpoint",),
    "document_processor": ("remote_service_type",),
    "speech_recognizer": ("remote_service_type",),
    "machine_type": _DEPLOYED_BY_BIGQUERY,
    "min_replica_count": _DEPLOYED_BY_BIGQUERY,
    "max_replica_count": _DEPLOYED_BY_BIGQUERY,
    "reservation_affinity_type": _DEPLOYED_BY_BIGQUERY,
    "reservation_affinity_values": _DEPLOYED_BY_BIGQUERY,
    "endpoint_idle_ttl": _DEPLOYED_BY_BIGQUERY,
}
"""Inputs that need one of some others."""

_NO_OPTIONS: Final = ("inputs", "outputs")
OPTIONS: Final[Mapping[str, str]] = {
    name.upper(): name for name in (*CALLS, *GOES_WITH) if name not in _NO_OPTIONS
}
"""The input that says an option, by the option's name."""

# Its only value, so nobody has to write it:
# https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-create-remote-model-open#reservation_affinity_key
_AFFINITY: Final = {"RESERVATION_AFFINITY_KEY": "compute.googleapis.com/reservation-name"}
_SPECIFIC: Final = "reservation_affinity_values"

_ENDPOINT_NAME: Final = re.compile(
    r"projects/[^/]+/locations/(?P<location>[^/]+)/endpoints/[^/]+\Z"
)
_INTERVAL: Final = re.compile(r"\s*INTERVAL\s+(?P<value>\d+)\s+(?P<unit>[A-Z]+)\s*\Z", re.I)


def input_problems(given: Collection[str]) -> Iterator[str]:
    """Yield why inputs make no sense together.

    Args:
        given: Names of the inputs that are given, of `CALLS` and `GOES_WITH`.
    """
    calls = [name for name in CALLS if name in given]
    if len(calls) != 1:
        got = f"got {' and '.join(calls)}" if calls else "got none"
        yield f"give exactly one of {', '.join(CALLS)}, which says what it calls; {got}"
    for name, wanted in GOES_WITH.items():
        if name in given and calls and not set(wanted) & set(calls):
            yield f"{name} goes with {' or '.join(wanted)}, not with {' and '.join(calls)}"


def remote_model_statement(
    model_id: str,
    *,
    connection: str,
    inputs: Mapping[str, str],
    outputs: Mapping[str, str],
    options: Mapping[str, Any],
    **values: Any,
) -> str:
    """Write the CREATE MODEL statement of a remote model.

    Args:
        model_id: Id of the model.
        connection: `project.location.connection`, or `DEFAULT`.
        inputs: Type by name of the fields of a request; empty for a hosted model.
        outputs: Type by name of the fields of a prediction; empty for a hosted model.
        options: Further options by name in any case.
        values: Inputs of `OPTIONS` by their names; None for none. `endpoint` is a hosted model's
            name, or a Vertex AI endpoint's resource name or URL; `endpoint_idle_ttl` an INTERVAL.

    Raises:
        ValueError: Something cannot be written in SQL, or would not be taken; the message says
            what is allowed.
    """
    if reason := secret_problem(options):
        raise ValueError(reason)
    custom = kinds()[f"{REMOTE}https"]
    written = {name: values.get(input_name) for name, input_name in OPTIONS.items()}
    if written["ENDPOINT"] is not None:
        written["ENDPOINT"] = _address(written["ENDPOINT"])
    if written["ENDPOINT_IDLE_TTL"] is not None:
        written["ENDPOINT_IDLE_TTL"] = _interval(written["ENDPOINT_IDLE_TTL"])
    if values.get(_SPECIFIC) is not None:
        written |= _AFFINITY
    lines = [
        f"CREATE MODEL {quoted_path([model_id])}",
        *fields_clauses(inputs, outputs, custom.input_types, custom.output_types),
        f"REMOTE WITH CONNECTION {_connection(connection)}",
        options_clause(written, options, OPTIONS),
    ]
    return "\n".join(lines)


def with_connection(sql: str, connection: str, file: str = "") -> str:
    """Write a statement of a remote model with another connection.

    Args:
        sql: The statement.
        connection: See `remote_model_statement`.
        file: Where the statement was read from, for messages; left out for a text of no file.

    Raises:
        StatementError: It cannot be parsed.
        ValueError: It has no connection to put another one in the place of.
    """
    create = read_statement(sql, file).create_model
    if create is None or "connection" not in create.ranges:
        raise ValueError(
            f"{file or 'statement'} has no REMOTE WITH CONNECTION, as connection needs"
        )
    edit = Edit(*create.ranges["connection"], _connection(connection))
    return EditedText(Text(sql), [edit]).sql


def _connection(connection: str) -> str:
    if connection.upper() == DEFAULT_CONNECTION:
        return DEFAULT_CONNECTION
    # A project id of old times, `example.com:name`, has dots too.
    parts = connection.rsplit(".", 2)
    if len(parts) != 3:
        raise ValueError(
            f"connection {connection!r} is neither of the form project.location.connection nor "
            f"{DEFAULT_CONNECTION}"
        )
    return quoted_path(parts)


def _address(endpoint: str) -> str:
    named = _ENDPOINT_NAME.match(endpoint)
    if named is None:
        return endpoint
    return f"https://{named['location']}-aiplatform.googleapis.com/v1/{endpoint}"


def _interval(written: str) -> Interval:
    found = _INTERVAL.match(written)
    if found is None:
        raise ValueError(
            f"endpoint_idle_ttl is {written!r}; give an interval such as 'INTERVAL 8 HOUR'"
        )
    return Interval(int(found["value"]), found["unit"].upper())
