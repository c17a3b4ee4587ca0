"""AI.GENERATE_TEXT and ML.GENERATE_TEXT over Gemini's stand-in.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-ai-generate-text
"""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from localcloud.bigquery import gemini, location
from localcloud.bigquery.names import Reference
from localcloud.bigquery.query import JSON_COLUMN
from localcloud.bigquery.remote_model.prediction import followed
from localcloud.bigquery.remote_model.prompt import check_gemini, prompts
from localcloud.bigquery.training import RemoteEndpoint


def generate_text(
    remote: RemoteEndpoint,
    reference: Reference,
    function: str,
    rows: pa.Table,
    arguments: Mapping[str, Any],
) -> pa.Table:
    """AI.GENERATE_TEXT or ML.GENERATE_TEXT over Gemini: its columns, then the input's.

    Args:
        remote: The remote model.
        reference: Its name, which says who asks and where.
        function: Either function's name.
        rows: Rows with a column `prompt`.
        arguments: The function's settings.

    Raises:
        BigQueryError: The model is not a Gemini model, or `rows` has no column `prompt`.
    """
    check_gemini(remote, function)
    asked = prompts(function, rows)
    place = location.of_dataset(*reference[:2]) or location.DEFAULT
    answers = gemini.generate(remote.endpoint, reference.project, place, asked, arguments)
    texts = pa.array([answer.text for answer in answers], pa.string())
    responses = pa.array([answer.response for answer in answers], pa.string())
    status = pa.array([answer.status for answer in answers], pa.string())
    nothing = pa.nulls(len(answers), pa.string())
    if function == "AI.GENERATE_TEXT":
        columns = {
            _text("result"): texts,
            _json("rai_result"): nothing,
            _json("grounding_result"): nothing,
            _json("statistics"): nothing,
            _json("full_response"): responses,
            _text("status"): status,
        }
    elif arguments.get("flatten_json_output"):
        columns = {
            _text("ml_generate_text_llm_result"): texts,
            _json("ml_generate_text_rai_result"): nothing,
            _text("ml_generate_text_status"): status,
        }
    else:
        columns = {
            _json("ml_generate_text_result"): responses,
            _text("ml_generate_text_status"): status,
        }
    table = pa.table(list(columns.values()), schema=pa.schema(list(columns)))
    return followed(table, rows)


def _text(name: str) -> pa.Field:
    return pa.field(name, pa.string())


def _json(name: str) -> pa.Field:
    return pa.field(name, pa.string(), metadata=JSON_COLUMN)
