"""ML.PREDICT over an endpoint: rows sent over HTTP in batches.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-create-remote-model-https
"""

from collections.abc import Mapping, Sequence
from typing import Any

import httpx
import pyarrow as pa
from local_bigquery.errors import BigQueryError

from localcloud.bigquery import http
from localcloud.bigquery.column import arrow_type, coerce, json_value
from localcloud.bigquery.training import Columns, RemoteEndpoint


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
            f"ML.PREDICT is not supported by a remote model over {remote.target}; it needs "
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
    return followed(table, rows) if keep_columns else table


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


def followed(table: pa.Table, rows: pa.Table) -> pa.Table:
    """A table with those columns of another that it has not."""
    for field in rows.schema:
        if field.name not in table.column_names:
            table = table.append_column(field, rows[field.name])
    return table
