"""CREATE MODEL ... REMOTE WITH CONNECTION.

Nothing is deployed and no service is asked: the model is kept, and its functions say what is there.
"""

from typing import Any

from local_bigquery.errors import BigQueryError

from googlesql.create_model import CreateModel
from localcloud.bigquery import connection, gemini, location, model, upstream
from localcloud.bigquery.column import arrow_type, standard_sql_field
from localcloud.bigquery.names import Reference
from localcloud.bigquery.remote_model import options
from localcloud.bigquery.training import RemoteEndpoint

BATCH_ROWS = 128


def create(reference: Reference, statement: CreateModel, *, dry_run: bool) -> None:
    """Create, or in a dry run check, a remote model.

    Raises:
        BigQueryError: The connection is not there, is elsewhere, or an option is wrong;
            `notImplemented` for a model that would have to be tuned.
    """
    place = location.of_dataset(*reference[:2]) or location.DEFAULT
    target = options.checked(statement.options, has_query=statement.query is not None)
    remote = _endpoint(statement, target)
    path = connection.resolve(reference, statement.connection, place)
    if statement.query is not None:
        raise BigQueryError(
            "notImplemented", f"Tuning {remote.target} is not implemented on the local cloud."
        )
    if dry_run:
        return
    resource = model.identity(reference) | {
        "modelType": "MODEL_TYPE_UNSPECIFIED",
        "remoteModelInfo": {"connection": path, **_told(statement, remote, reference, place)},
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


def _endpoint(statement: CreateModel, target: str) -> RemoteEndpoint:
    name = str(statement.options[target])
    if statement.inputs is not None and not (
        target == "ENDPOINT" and options.publisher(name) is None
    ):
        raise BigQueryError(
            "invalidQuery", "INPUT and OUTPUT are for a remote model over an endpoint's URL."
        )
    inputs = tuple((field.name, field.type) for field in statement.inputs or [])
    outputs = tuple((field.name, field.type) for field in statement.outputs or [])
    for column, kind in (*inputs, *outputs):
        if kind.upper().startswith("STRUCT"):
            raise BigQueryError(
                "invalidQuery",
                f"Column {column}: a remote model takes no {kind}; see the types "
                "of INPUT and OUTPUT.",
            )
        try:
            arrow_type(kind)
        except ValueError as error:
            raise BigQueryError("invalidQuery", f"Column {column}: {error}.") from error
    rows = statement.options.get("MAX_BATCHING_ROWS", BATCH_ROWS)
    return RemoteEndpoint(
        endpoint=name if target == "ENDPOINT" else "",
        inputs=inputs,
        outputs=outputs,
        max_batching_rows=rows if isinstance(rows, int) else BATCH_ROWS,
        service="" if target == "ENDPOINT" else name,
    )


def _told(
    statement: CreateModel, remote: RemoteEndpoint, reference: Reference, place: str
) -> dict[str, Any]:
    """The fields of `RemoteModelInfo` beside its connection.

    https://cloud.google.com/bigquery/docs/reference/rest/v2/models#RemoteModelInfo
    """
    given = statement.options
    told: dict[str, Any] = {}
    if remote.endpoint:
        told["endpoint"] = _address(remote.endpoint, reference.project, place)
    if "MAX_BATCHING_ROWS" in given:
        told["maxBatchingRows"] = str(remote.max_batching_rows)
    if "REMOTE_SERVICE_TYPE" in given:
        told["remoteServiceType"] = remote.service.upper()
    if "SPEECH_RECOGNIZER" in given:
        told["speechRecognizer"] = given["SPEECH_RECOGNIZER"]
    return told


def _address(endpoint: str, project: str, place: str) -> str:
    """The URL that a model's bare name stands for."""
    publisher = options.publisher(endpoint)
    if publisher is None:
        return endpoint
    region = gemini.region(place)
    return (
        f"https://{region}-aiplatform.googleapis.com/v1/projects/{project}/locations/{region}/"
        f"publishers/{publisher}/models/{endpoint}"
    )
