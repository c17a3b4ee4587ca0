"""Online prediction: raw JSON instances scored by one training of a BigQuery ML model.

What is answered has the shape of BigQuery ML models on Vertex AI endpoints: a classifier gives
`predicted_<label>`, `<label>_values` and `<label>_probs` (in the same order), a regressor
`predicted_<label>`. https://cloud.google.com/bigquery/docs/export-model-tutorial
"""

import tempfile
import threading
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from local_bigquery.engine import database
from local_bigquery.errors import BigQueryError
from local_bigquery.jobs import runner
from local_bigquery.models import JobConfiguration
from local_bigquery.sql.translate import Context
from pyarrow import parquet

from localcloud.bigquery import location as job_location
from localcloud.bigquery import model_export, query, table_function, training
from localcloud.bigquery.column import coerce, json_value
from localcloud.bigquery.model import ModelStore
from localcloud.bigquery.training import Training

INSTANCES = "__instances"
JOB_POLL_MS = 60_000


class Engine:
    """BigQuery as Vertex AI calls it; implements `localcloud.ports.BigQueryEngine`.

    Args:
        models: The trainings.
    """

    def __init__(self, models: ModelStore) -> None:
        self._models = models
        self._transforms: dict[str, str] = {}
        self._lock = threading.Lock()

    def predict(
        self, artifact_uri: str, instances: Sequence[Mapping[str, Any]]
    ) -> list[dict[str, Any]]:
        """Score raw instances with one training; one prediction each.

        Args:
            artifact_uri: Names the training.
            instances: JSON objects with the columns TRANSFORM reads. An INT64 may come as a
                string. Columns that the model does not use are left alone.

        Raises:
            ValueError: An instance lacks a feature or has one of a wrong type, or there is no
                such training.
        """
        loaded = self._load(artifact_uri)
        if not instances:
            return []
        table = _table(loaded, instances)
        if loaded.transform is not None:
            with database.cursor() as cursor:
                cursor.register(INSTANCES, table)
                try:
                    table = query.fetch(cursor, self._transform(artifact_uri, loaded))
                except BigQueryError as error:
                    raise ValueError(f"the instances cannot be transformed: {error}") from error
                finally:
                    cursor.unregister(INSTANCES)
        scored = table_function.score(loaded, "ML.PREDICT", table, {})
        return [_prediction(row, loaded.labels) for row in scored.to_pylist()]

    def export(self, artifact_uri: str, destination_uri: str) -> int:
        """Write the files of one training; see `localcloud.ports.BigQueryEngine.export`."""
        directory = self._models.training_directory(artifact_uri)
        try:
            return model_export.write_training(directory, destination_uri)
        except FileNotFoundError:
            raise _gone(artifact_uri) from None
        except BigQueryError as error:
            if error.reason == "notImplemented":
                raise NotImplementedError(error.message) from error
            raise ValueError(error.message) from error

    def write_table(self, project: str, dataset_id: str, table_id: str, rows: pa.Table) -> None:
        """Make a table of rows; see `localcloud.ports.BigQueryEngine.write_table`."""
        destination = {"projectId": project, "datasetId": dataset_id, "tableId": table_id}
        configuration = JobConfiguration.model_validate(
            {
                "load": {
                    "destinationTable": destination,
                    "sourceFormat": "PARQUET",
                    "writeDisposition": "WRITE_EMPTY",
                    # Without it a repeated column is a RECORD with `list` and `element`.
                    "parquetOptions": {"enableListInference": True},
                }
            }
        )
        job_id = f"batch_prediction_{uuid.uuid4().hex}"
        with tempfile.TemporaryDirectory(prefix="table-") as folder:
            file = Path(folder, "rows.parquet")
            parquet.write_table(rows, file)
            try:
                runner.submit(project, job_id, configuration, str(file))
            except BigQueryError as error:
                raise ValueError(str(error)) from error
            done = _done(project, job_id)
        if failure := done["status"].get("errorResult"):
            raise ValueError(str(failure.get("message", failure)))

    def features(self, artifact_uri: str) -> list[str]:
        """The columns an instance must have; see `localcloud.ports.BigQueryEngine.features`."""
        return [name for name, _ in self._load(artifact_uri).inputs]

    def query(self, project: str, sql: str) -> pa.Table:
        """Run one GoogleSQL query and give its rows.

        Args:
            project: The project of unqualified names.
            sql: A query; names need their dataset.

        Raises:
            ValueError: The query is wrong or fails; the message is BigQuery's.
        """
        try:
            return rows_of(project, sql)
        except BigQueryError as error:
            raise ValueError(str(error)) from error

    def run_job(
        self, project: str, job_id: str, location: str, configuration: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Run a job and give it once it is done; see `localcloud.ports.BigQueryEngine.run_job`."""
        asked = job_location.requested.set(location)
        try:
            runner.submit(project, job_id, JobConfiguration.model_validate(configuration))
        except BigQueryError as error:
            raise ValueError(str(error)) from error
        finally:
            job_location.requested.reset(asked)
        return _done(project, job_id)

    def _load(self, artifact_uri: str) -> Training:
        try:
            loaded = training.load(self._models.training_directory(artifact_uri))
        except FileNotFoundError:
            raise _gone(artifact_uri) from None
        if not isinstance(loaded, Training):
            raise ValueError(
                f"{artifact_uri} was not trained by BigQuery ML; the local cloud does not serve it"
            )
        return loaded

    def _transform(self, artifact_uri: str, loaded: Training) -> str:
        """DuckDB's SQL for the features of a training, translated once."""
        with self._lock:
            if artifact_uri not in self._transforms and loaded.transform is not None:
                project = artifact_uri.split("/")[2]
                context = Context(project, None, temporary={INSTANCES})
                sql = loaded.transform.select(loaded.features, INSTANCES)
                self._transforms[artifact_uri], _ = query.duckdb_query(context, sql)
            return self._transforms[artifact_uri]


def _done(project: str, job_id: str) -> dict[str, Any]:
    """A job once it is over."""
    while (found := runner.wait(project, job_id, JOB_POLL_MS)).status.state != "DONE":
        pass
    done: dict[str, Any] = found.dump()
    return done


def rows_of(project: str, sql: str) -> pa.Table:
    """Run one GoogleSQL query outside any job and give its rows.

    Raises:
        BigQueryError: The query is wrong or fails.
    """
    with database.cursor() as cursor:
        from local_bigquery.sql.script import Interpreter

        database.attach(project)
        interpreter = Interpreter(
            cursor, Context(project, None), lambda tree: None, lambda statistics: None
        )
        with table_function.spliced(interpreter, sql) as text:
            return query.rows(interpreter, text)


def _table(loaded: Training, instances: Sequence[Mapping[str, Any]]) -> pa.Table:
    columns: dict[str, list[Any]] = {name: [] for name, _ in loaded.inputs}
    for place, instance in enumerate(instances):
        if not isinstance(instance, Mapping):
            raise ValueError(f"instance {place} is {instance!r}; it must be a JSON object")
        for name, kind in loaded.inputs:
            if name not in instance:
                needed = ", ".join(name for name, _ in loaded.inputs)
                raise ValueError(
                    f"instance {place} lacks the feature {name}; the model needs {needed}"
                )
            try:
                columns[name].append(coerce(name, kind, instance[name]))
            except ValueError as error:
                raise ValueError(f"instance {place}: {error}") from None
    return pa.table(columns, schema=training.schema(loaded.inputs))


def _prediction(row: Mapping[str, Any], labels: Sequence[str]) -> dict[str, Any]:
    label = labels[0] if labels else None
    probabilities = row.get(f"predicted_{label}_probs")
    if probabilities is None:
        # A tuned model tells its trial in SQL only.
        return {name: json_value(value) for name, value in row.items() if name != "trial_id"}
    return {
        f"predicted_{label}": _class(row[f"predicted_{label}"]),
        f"{label}_values": [_class(entry["label"]) for entry in probabilities],
        f"{label}_probs": [entry["prob"] for entry in probabilities],
    }


def _class(value: Any) -> str:
    """A class as exported models name it: as text."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(json_value(value))


def _gone(artifact_uri: str) -> ValueError:
    return ValueError(
        f"there is no training {artifact_uri} any more; its model was trained again or "
        "deleted while nothing used it"
    )
