"""Remote models: an endpoint called over HTTP, or Gemini's stand-in.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-create-remote-model-https
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import httpx
import pyarrow as pa
from local_bigquery.errors import BigQueryError

from googlesql.create_model import CreateModel
from localcloud.bigquery import connection, gemini, http, location, model, upstream
from localcloud.bigquery.column import arrow_type, coerce, json_value, standard_sql_field
from localcloud.bigquery.names import Reference
from localcloud.bigquery.query import JSON_COLUMN
from localcloud.bigquery.training import Columns, RemoteEndpoint

BATCH_ROWS = 128


def create(reference: Reference, statement: CreateModel, *, dry_run: bool) -> None:
    """Create a remote model.

    Raises:
        BigQueryError: The connection is not there, is elsewhere, or an option is wrong.
    """
    place = location.of_dataset(*reference[:2]) or location.DEFAULT
    path = connection.resolve(reference, statement.connection, place)
    remote = _endpoint(statement)
    if dry_run:
        return
    resource = model.identity(reference) | {
        "modelType": "MODEL_TYPE_UNSPECIFIED",
        "remoteModelInfo": {
            "endpoint": remote.endpoint,
            "connection": path,
            "maxBatchingRows": str(remote.max_batching_rows),
        },
        "featureColumns": [standard_sql_field(name, kind) for name, kind in remote.inputs],
        "labelColumns": [standard_sql_field(name, kind) for name, kind in remote.outputs],
    }
    store = upstream.runtime().models
    training, directory = store.new_training(reference)
    try:
        remote.save(directory)
        store.publish(reference, training, resource, vertex_ai_model_id=None)
    except BigQueryError:
        store.discard(reference, training)
        raise


def predict(remote: RemoteEndpoint, rows: pa.Table, keep_columns: bool = True) -> pa.Table:
    """ML.PREDICT over an endpoint: OUTPUT columns, `remote_model_status`, then the input's.

    A row that fails has NULL outputs and says why in `remote_model_status`; the query goes on.

    Args:
        remote: A remote model with INPUT and OUTPUT.
        rows: Rows with at least the INPUT columns.
        keep_columns: Whether the input's columns follow.

    Raises:
        BigQueryError: `rows` lacks an INPUT column, or the model has no INPUT and OUTPUT.
    """
    if not remote.inputs or not remote.outputs:
        raise BigQueryError(
            "invalidQuery",
            f"ML.PREDICT is not supported by a remote model over {remote.endpoint}; it needs "
            "INPUT and OUTPUT clauses over an endpoint's URL.",
        )
    by_name = {name.casefold(): name for name in rows.column_names}
    missing = [name for name, _ in remote.inputs if name.casefold() not in by_name]
    if missing:
        raise BigQueryError(
            "invalidQuery", f"Required column '{missing[0]}' is missing from input."
        )
    chosen = rows.select([by_name[name.casefold()] for name, _ in remote.inputs])
    instances = chosen.rename_columns([name for name, _ in remote.inputs]).to_pylist()
    url = http.address(remote.endpoint) + ":predict"
    answers: list[dict[str, Any]] = []
    with http.client() as client:
        for start in range(0, len(instances), remote.max_batching_rows):
            batch = instances[start : start + remote.max_batching_rows]
            answers += _batch(client, url, batch, remote.outputs)
    fields = [pa.field(name, arrow_type(kind)) for name, kind in remote.outputs]
    columns = [pa.array([row[field.name] for row in answers], field.type) for field in fields]
    status = pa.array([row["remote_model_status"] for row in answers], pa.string())
    table = pa.table(
        [*columns, status],
        schema=pa.schema([*fields, pa.field("remote_model_status", pa.string())]),
    )
    return _followed(table, rows) if keep_columns else table


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
        BigQueryError: The model is not a Gemini model, or `rows` has no text column `prompt`.
    """
    if not gemini.is_gemini(remote.endpoint):
        raise BigQueryError(
            "notImplemented",
            f"{function} over {remote.endpoint} is not implemented on the local cloud; over "
            "gemini-* it is answered by a stand-in.",
        )
    if "prompt" not in rows.column_names:
        raise BigQueryError("invalidQuery", f"{function} needs a column named prompt in its input.")
    if not pa.types.is_string(rows.schema.field("prompt").type):
        raise BigQueryError("invalidQuery", f"{function}'s column prompt must be STRING.")
    place = location.of_dataset(*reference[:2]) or location.DEFAULT
    prompts = rows["prompt"].to_pylist()
    answers = gemini.generate(remote.endpoint, reference.project, place, prompts, arguments)
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
    return _followed(table, rows)


def _text(name: str) -> pa.Field:
    return pa.field(name, pa.string())


def _json(name: str) -> pa.Field:
    return pa.field(name, pa.string(), metadata=JSON_COLUMN)


def _followed(table: pa.Table, rows: pa.Table) -> pa.Table:
    for field in rows.schema:
        if field.name not in table.column_names:
            table = table.append_column(field, rows[field.name])
    return table


def _endpoint(statement: CreateModel) -> RemoteEndpoint:
    allowed = {"ENDPOINT", "MAX_BATCHING_ROWS"}
    if unknown := sorted(set(statement.options) - allowed):
        raise BigQueryError(
            "notImplemented",
            f"Option {unknown[0]} of a remote model is not implemented on the local cloud; "
            f"{' and '.join(sorted(allowed))} are.",
        )
    endpoint = statement.options.get("ENDPOINT")
    if not isinstance(endpoint, str) or not endpoint:
        raise BigQueryError("invalidQuery", "A remote model needs the option ENDPOINT, a string.")
    rows = statement.options.get("MAX_BATCHING_ROWS", BATCH_ROWS)
    if not isinstance(rows, int) or rows < 1:
        raise BigQueryError("invalidQuery", "Option MAX_BATCHING_ROWS is an integer from 1.")
    inputs = tuple((field.name, field.type) for field in statement.inputs or [])
    outputs = tuple((field.name, field.type) for field in statement.outputs or [])
    for name, kind in (*inputs, *outputs):
        try:
            arrow_type(kind)
        except ValueError as error:
            raise BigQueryError("invalidQuery", f"Column {name}: {error}.") from error
    if not gemini.is_gemini(endpoint) and urlsplit(endpoint).scheme not in ("http", "https"):
        raise BigQueryError(
            "notImplemented",
            f"The endpoint {endpoint} is not implemented on the local cloud; an endpoint's "
            "https URL and gemini-* are.",
        )
    return RemoteEndpoint(endpoint, inputs, outputs, rows)


def _batch(
    client: httpx.Client, url: str, instances: Sequence[Mapping[str, Any]], outputs: Columns
) -> list[dict[str, Any]]:
    nothing: dict[str, Any] = {name: None for name, _ in outputs}
    try:
        response = http.post(client, url, {"instances": [json_value(row) for row in instances]})
    except httpx.HTTPError as error:
        failure = f"POST {url} failed: {error}"
        return [nothing | {"remote_model_status": failure} for _ in instances]
    predictions = response.json().get("predictions") if response.is_success else None
    if not isinstance(predictions, list) or len(predictions) != len(instances):
        failure = (
            f"POST {url} did not answer one prediction a row"
            if response.is_success
            else http.failure(url, response)
        )
        return [nothing | {"remote_model_status": failure} for _ in instances]
    return [_row(prediction, outputs, nothing) for prediction in predictions]


def _row(prediction: Any, outputs: Columns, nothing: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(prediction, dict):
        # An endpoint with one output may answer it bare.
        prediction = {outputs[0][0]: prediction} if len(outputs) == 1 else {}
    try:
        values = {name: coerce(name, kind, prediction[name]) for name, kind in outputs}
    except KeyError as error:
        return {**nothing, "remote_model_status": f"the prediction has no field {error.args[0]}"}
    except ValueError as error:
        return {**nothing, "remote_model_status": str(error).replace("feature", "output", 1)}
    return {**values, "remote_model_status": ""}
