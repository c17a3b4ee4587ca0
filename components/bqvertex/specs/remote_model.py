"""The statement of a remote model, from plain values."""

import re
from collections.abc import Mapping
from typing import Any, Final

from bqvertex.specs.identifier import quoted_path
from bqvertex.specs.literal import options as rendered_options
from googlesql.schema import parse_type

ENDPOINT_TYPES: Final = ("BOOL", "INT64", "FLOAT64", "NUMERIC", "BIGNUMERIC", "STRING")
"""Types of the fields of a custom endpoint; arrays of them too. Source:
https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-create-remote-model-https"""

_ENDPOINT_NAME = re.compile(r"projects/[^/]+/locations/(?P<location>[^/]+)/endpoints/[^/]+\Z")


def remote_model_statement(
    model_id: str,
    *,
    connection: str,
    endpoint: str,
    inputs: Mapping[str, str],
    outputs: Mapping[str, str],
    options: Mapping[str, Any],
) -> str:
    """Write the CREATE MODEL statement of a remote model.

    Args:
        model_id: Id of the model.
        connection: `project.location.connection`.
        endpoint: A hosted model's name, or a Vertex AI endpoint's resource name or URL.
        inputs: Type by name of the fields of a request; empty for a hosted model.
        outputs: Type by name of the fields of a prediction; empty for a hosted model.
        options: Further options by name in any case.

    Raises:
        ValueError: Something cannot be written in SQL, or would not be taken; the message says
            what is allowed.
    """
    # A project id of old times, `example.com:name`, has dots too.
    parts = connection.rsplit(".", 2)
    if len(parts) != 3:
        raise ValueError(
            f"connection {connection!r} is not of the form project.location.connection"
        )
    if bool(inputs) != bool(outputs):
        raise ValueError("give inputs and outputs, for a custom endpoint, or neither")
    given = {name.upper(): value for name, value in options.items()}
    if "ENDPOINT" in given:
        raise ValueError("options has ENDPOINT, which is an input of its own: endpoint")
    lines = [f"CREATE MODEL {quoted_path([model_id])}"]
    if inputs:
        lines.append(f"INPUT ({_fields('inputs', inputs)})")
        lines.append(f"OUTPUT ({_fields('outputs', outputs)})")
    lines.append(f"REMOTE WITH CONNECTION {quoted_path(parts)}")
    lines.append(f"OPTIONS ({rendered_options({'ENDPOINT': _address(endpoint), **given})})")
    return "\n".join(lines)


def _address(endpoint: str) -> str:
    named = _ENDPOINT_NAME.match(endpoint)
    if named is None:
        return endpoint
    return f"https://{named['location']}-aiplatform.googleapis.com/v1/{endpoint}"


def _fields(noun: str, fields: Mapping[str, str]) -> str:
    for name, written in fields.items():
        type_ = parse_type(written)
        inner = type_.element if type_.name == "ARRAY" and type_.element else type_
        if inner.name not in ENDPOINT_TYPES:
            raise ValueError(
                f"{noun} {name!r} has type {written!r}; allowed are {', '.join(ENDPOINT_TYPES)} "
                "and arrays of them"
            )
    return ", ".join(f"{quoted_path([name])} {parse_type(t)}" for name, t in fields.items())
