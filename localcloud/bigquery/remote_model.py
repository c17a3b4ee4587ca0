"""Remote models: an endpoint called over HTTP, or Gemini's stand-in.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-create-remote-model-https
"""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import urlsplit, urlunsplit

import httpx
import pyarrow as pa
import tenacity
from local_bigquery.errors import BigQueryError

from googlesql.create_model import CreateModel
from localcloud.bigquery import gemini, location, model, upstream
from localcloud.bigquery.column import arrow_type, coerce, json_value
from localcloud.bigquery.names import Reference
from localcloud.bigquery.query import JSON_COLUMN
from localcloud.bigquery.training import Columns, RemoteEndpoint

TIMEOUT_SECONDS = 60.0
BATCH_ROWS = 128
RETRIED = (429, 503)


class ConnectionDirectory(Protocol):
    """Says which BigQuery connections there are."""

    def exists(self, project: str, location: str, connection_id: str) -> bool:
        """Whether a connection is there.

        Args:
            project: Project id.
            location: A location in lower case, such as `us` or `europe-west4`.
            connection_id: The connection's id.
        """
        ...


class ConnectionService:
    """The connections as the Connection API of this local cloud tells them.

    Args:
        base_url: Gives the local cloud's address.
    """

    def __init__(self, base_url: Callable[[], str]) -> None:
        self._base_url = base_url

    def exists(self, project: str, location: str, connection_id: str) -> bool:
        """See `ConnectionDirectory.exists`."""
        name = f"projects/{project}/locations/{location}/connections/{connection_id}"
        response = httpx.get(f"{self._base_url()}/v1/{name}", timeout=TIMEOUT_SECONDS)
        if response.status_code == 404:
            return False
        response.raise_for_status()
        return True


def create(reference: Reference, statement: CreateModel, *, dry_run: bool) -> None:
    """Create a remote model.

    Raises:
        BigQueryError: The connection is not there, is elsewhere, or an option is wrong.
    """
    place = location.of_dataset(*reference[:2]) or location.DEFAULT
    connection = _connection(reference, statement, place)
    remote = _endpoint(statement)
    if dry_run:
        return
    resource = model.identity(reference) | {
        "modelType": "MODEL_TYPE_UNSPECIFIED",
        "remoteModelInfo": {
            "endpoint": remote.endpoint,
            "connection": connection,
            "maxBatchingRows": str(remote.max_batching_rows),
        },
        "featureColumns": [_field(name, kind) for name, kind in remote.inputs],
        "labelColumns": [_field(name, kind) for name, kind in remote.outputs],
    }
    store = upstream.runtime().models
    training, directory = store.new_training(reference)
    try:
        remote.save(directory)
        store.publish(reference, training, resource, vertex_ai_model_id=None)
    except BigQueryError:
        shutil.rmtree(directory)
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
    url = _address(remote.endpoint) + ":predict"
    answers: list[dict[str, Any]] = []
    with httpx.Client(timeout=TIMEOUT_SECONDS) as client:
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
    remote: RemoteEndpoint, function: str, rows: pa.Table, arguments: Mapping[str, Any]
) -> pa.Table:
    """AI.GENERATE_TEXT or ML.GENERATE_TEXT by the stand-in: its columns, then the input's.

    Raises:
        BigQueryError: The model is not a Gemini model, or `rows` has no column `prompt`.
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
    prompts = rows["prompt"].to_pylist()
    flatten = bool(arguments.get("flatten_json_output", False))
    settings = {key: value for key, value in arguments.items() if key != "flatten_json_output"}
    texts = [p and gemini.text(remote.endpoint, p, settings) for p in prompts]
    full = [p and json.dumps(gemini.response(remote.endpoint, p, settings)) for p in prompts]
    status = ["" if p else "the prompt is NULL or empty" for p in prompts]
    nothing: list[str | None] = [None] * len(prompts)
    if function == "AI.GENERATE_TEXT":
        table = _text_table(
            {"result": texts, "status": status},
            {
                "full_response": full,
                "rai_result": nothing,
                "grounding_result": nothing,
                "statistics": nothing,
            },
            ("result", "rai_result", "grounding_result", "statistics", "full_response", "status"),
        )
    elif flatten:
        table = _text_table(
            {"ml_generate_text_llm_result": texts, "ml_generate_text_status": status},
            {"ml_generate_text_rai_result": nothing},
            (
                "ml_generate_text_llm_result",
                "ml_generate_text_rai_result",
                "ml_generate_text_status",
            ),
        )
    else:
        table = _text_table(
            {"ml_generate_text_status": status},
            {"ml_generate_text_result": full},
            ("ml_generate_text_result", "ml_generate_text_status"),
        )
    return _followed(table, rows)


def _text_table(
    texts: Mapping[str, Sequence[Any]],
    json_texts: Mapping[str, Sequence[Any]],
    order: Sequence[str],
) -> pa.Table:
    fields = [
        pa.field(name, pa.string(), metadata=JSON_COLUMN if name in json_texts else None)
        for name in order
    ]
    values = {**texts, **json_texts}
    return pa.table(
        [
            pa.array([v or None if n in json_texts else v for v in values[n]], pa.string())
            for n in order
        ],
        schema=pa.schema(fields),
    )


def _followed(table: pa.Table, rows: pa.Table) -> pa.Table:
    for field in rows.schema:
        if field.name not in table.column_names:
            table = table.append_column(field, rows[field.name])
    return table


def _connection(reference: Reference, statement: CreateModel, place: str) -> str:
    path = statement.connection
    if path is None:
        raise BigQueryError("invalidQuery", "A remote model needs REMOTE WITH CONNECTION.")
    if path == ("DEFAULT",):
        raise BigQueryError(
            "notImplemented",
            "REMOTE WITH CONNECTION DEFAULT is not implemented on the local cloud; name the "
            "connection.",
        )
    if len(path) == 2:
        path = (reference.project, *path)
    if len(path) < 3:
        raise BigQueryError(
            "invalidQuery",
            f"Connection {'.'.join(path)} is not a connection's name; it is "
            "[project.]location.connection_id.",
        )
    project, region, connection_id = ".".join(path[:-2]), path[-2].lower(), path[-1]
    if region != place.lower():
        raise BigQueryError(
            "invalidQuery",
            f"The connection {'.'.join(path)} is in location {region}, but the dataset "
            f"{reference.project}:{reference.dataset} is in {place}; both must be the same.",
        )
    if not upstream.runtime().connections.exists(project, region, connection_id):
        raise BigQueryError("notFound", f"Not found: Connection {project}.{region}.{connection_id}")
    return f"{project}.{region}.{connection_id}"


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


def _field(name: str, kind: str) -> dict[str, Any]:
    from localcloud.bigquery.column import standard_sql_field

    return standard_sql_field(name, kind)


def _address(endpoint: str) -> str:
    """The URL to call: a Google host means this local cloud."""
    parts = urlsplit(endpoint)
    if parts.hostname is not None and parts.hostname.endswith(".googleapis.com"):
        here = urlsplit(upstream.runtime().base_url())
        parts = parts._replace(scheme=here.scheme, netloc=here.netloc)
    return urlunsplit(parts)


def _batch(
    client: httpx.Client, url: str, instances: Sequence[Mapping[str, Any]], outputs: Columns
) -> list[dict[str, Any]]:
    nothing: dict[str, Any] = {name: None for name, _ in outputs}
    try:
        response = _post(client, url, {"instances": [json_value(row) for row in instances]})
    except httpx.HTTPError as error:
        failure = f"POST {url} failed: {error}"
        return [nothing | {"remote_model_status": failure} for _ in instances]
    predictions = response.json().get("predictions") if response.is_success else None
    if not isinstance(predictions, list) or len(predictions) != len(instances):
        said = response.text[:500] if not response.is_success else "not one prediction a row"
        failure = f"POST {url} answered {response.status_code}: {said}"
        return [nothing | {"remote_model_status": failure} for _ in instances]
    return [_row(prediction, outputs, nothing) for prediction in predictions]


@tenacity.retry(
    retry=tenacity.retry_if_result(lambda response: response.status_code in RETRIED),
    stop=tenacity.stop_after_attempt(4),
    wait=tenacity.wait_exponential_jitter(initial=0.2, max=2),
    retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
)
def _post(client: httpx.Client, url: str, body: Mapping[str, Any]) -> httpx.Response:
    return client.post(url, json=body)


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
