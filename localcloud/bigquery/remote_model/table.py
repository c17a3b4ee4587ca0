"""AI.GENERATE_TABLE over Gemini's stand-in.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-generate-table
"""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
from local_bigquery.errors import BigQueryError

from localcloud.bigquery import gemini, location
from localcloud.bigquery.generative import output_schema
from localcloud.bigquery.names import Reference
from localcloud.bigquery.query import JSON_COLUMN
from localcloud.bigquery.remote_model.prediction import followed
from localcloud.bigquery.remote_model.prompt import check_gemini, prompts
from localcloud.bigquery.training import RemoteEndpoint

SETTINGS = (
    "output_schema",
    "max_output_tokens",
    "top_p",
    "temperature",
    "stop_sequences",
    "safety_settings",
    "request_type",
)


def generate_table(
    remote: RemoteEndpoint,
    reference: Reference,
    function: str,
    rows: pa.Table,
    arguments: Mapping[str, Any],
) -> pa.Table:
    """The columns of the output schema, `full_response`, `status`; then the input's.

    Args:
        remote: The remote model.
        reference: Its name, which says who asks and where.
        function: The function's name.
        rows: Rows with a column `prompt`.
        arguments: The function's settings.

    Raises:
        BigQueryError: The model is not a Gemini model, a setting is wrong, or `rows` has no column
            `prompt`.
    """
    check_gemini(remote, function)
    if unknown := sorted(arguments.keys() - set(SETTINGS)):
        raise BigQueryError(
            "invalidQuery",
            f"{function} has no setting {unknown[0]}; it has {', '.join(SETTINGS)}.",
        )
    written = arguments.get("output_schema")
    if not isinstance(written, str):
        raise BigQueryError("invalidQuery", f"{function} needs the setting output_schema.")
    fields = output_schema.read(function, written)
    asked = prompts(function, rows)
    place = location.of_dataset(*reference[:2]) or location.DEFAULT
    answers = gemini.generate(
        remote.endpoint,
        reference.project,
        place,
        asked,
        arguments,
        output_schema.response_schema(fields),
    )
    told = [_row(fields, answer) for answer in answers]
    columns = {
        pa.field(field.name, field.arrow): pa.array(
            [row[field.name] for row, _ in told], field.arrow
        )
        for field in fields
    }
    columns[pa.field("full_response", pa.string(), metadata=JSON_COLUMN)] = pa.array(
        [answer.response for answer in answers], pa.string()
    )
    columns[pa.field("status", pa.string())] = pa.array([why for _, why in told], pa.string())
    return followed(pa.table(list(columns.values()), schema=pa.schema(list(columns))), rows)


def _row(
    fields: tuple[output_schema.Field, ...], answer: gemini.Answer
) -> tuple[Mapping[str, Any], str]:
    nothing = dict.fromkeys(field.name for field in fields)
    if answer.text is None:
        return nothing, answer.status
    try:
        return output_schema.values(fields, answer.text), ""
    except ValueError as error:
        return nothing, f"the model gave no JSON: {error}"
