"""CREATE MODEL of a file in Cloud Storage, and the functions of such a model.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-create-onnx and
…/bigqueryml-syntax-create-xgboost
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from local_bigquery.errors import BigQueryError

from googlesql.create_model import CreateModel, ModelField
from localcloud.bigquery import model, storage, upstream
from localcloud.bigquery.column import arrow_type, standard_sql_field
from localcloud.bigquery.names import Reference
from localcloud.bigquery.storage import StoredObject

if TYPE_CHECKING:
    from localcloud.bqml.imported import Columns, ImportedFile

FACTS = "training.json"
OPTIONS = ("MODEL_TYPE", "MODEL_PATH", "KMS_KEY_NAME")


@dataclass(frozen=True)
class ImportedModel:
    """What an imported model's directory holds.

    Attributes:
        model_type: Such as `ONNX`.
        file: The model as its file has it.
    """

    model_type: str
    file: "ImportedFile"

    @classmethod
    def load(cls, directory: Path, facts: Mapping[str, Any]) -> "ImportedModel":
        """Read what `create` kept.

        Args:
            directory: The training's directory.
            facts: What its facts file holds.
        """
        from localcloud.bqml import imported

        file = imported.read(
            facts["model_type"],
            directory / facts["file"],
            _pairs(facts["inputs"]),
            _pairs(facts["outputs"]),
        )
        return cls(facts["model_type"], file)

    def predict(self, rows: pa.Table) -> pa.Table:
        """ML.PREDICT: what the file gives, then the input's columns.

        Raises:
            BigQueryError: `rows` lacks a column, or has one that the model does not take.
        """
        from localcloud.bqml.errors import BqmlError

        by_name = {name.casefold(): name for name in rows.column_names}
        taken: dict[str, pa.ChunkedArray] = {}
        for name, kind in self.file.inputs:
            if name.casefold() not in by_name:
                raise BigQueryError(
                    "invalidQuery", f"Required column '{name}' is missing from input."
                )
            column = rows.column(by_name[name.casefold()])
            taken[name] = _cast(name, kind, column)
        try:
            table = self.file.predict(pa.table(taken))
        except BqmlError as error:
            raise BigQueryError("invalidQuery", f"{error}.") from error
        for field in rows.schema:
            if field.name not in table.column_names:
                table = table.append_column(field, rows[field.name])
        return table

    def feature_importance(self) -> pa.Table:
        """ML.FEATURE_IMPORTANCE.

        Raises:
            BigQueryError: Models of its type have none.
        """
        from localcloud.bqml.errors import BqmlError

        try:
            return self.file.feature_importance()
        except BqmlError as error:
            raise BigQueryError("invalidQuery", f"{error}.") from error


def is_imported(statement: CreateModel) -> bool:
    """Whether a statement makes a model of a file."""
    from localcloud.bqml import imported

    named = str(statement.options.get("MODEL_TYPE") or "").upper()
    return named in imported.FILES or named in imported.NOT_HERE


def create(reference: Reference, statement: CreateModel, *, dry_run: bool) -> None:
    """Import a model, or in a dry run check whether its file is there.

    Raises:
        BigQueryError: An option is wrong, the file is not there, too large or unreadable;
            `notImplemented` for a type of which no runtime is here.
    """
    from localcloud.bqml import imported
    from localcloud.bqml.errors import BqmlError

    model_type = str(statement.options["MODEL_TYPE"]).upper()
    path = _checked(statement, model_type)
    stored = _file(path, model_type)
    if model_type in imported.NOT_HERE:
        raise BigQueryError(
            "notImplemented",
            f"Models of type {model_type} are not there on the local cloud: it has no TensorFlow; "
            f"{' and '.join(sorted(imported.FILES))} are.",
        )
    if dry_run:
        return
    started = datetime.now(UTC)
    inputs, outputs = _fields(statement.inputs), _fields(statement.outputs)
    store = upstream.runtime().models
    training, directory = store.new_training(reference)
    name = "model" + Path(stored.name).suffix
    facts = {
        "kind": "imported",
        "model_type": model_type,
        "file": name,
        "inputs": inputs,
        "outputs": outputs,
    }
    try:
        (directory / name).write_bytes(storage.read(stored))
        try:
            found = ImportedModel.load(directory, facts)
        except BqmlError as error:
            raise BigQueryError(
                "invalidQuery", f"Cannot import {stored.uri} as {model_type}: {error}."
            ) from error
        # Last, so that a directory with this file in it is whole.
        (directory / FACTS).write_text(json.dumps(facts, indent=1) + "\n")
        run = {"startTime": started.isoformat(), "trainingOptions": {"modelUri": path}}
        resource = model.identity(reference) | {
            "modelType": model_type,
            "featureColumns": [standard_sql_field(*column) for column in found.file.inputs],
            "labelColumns": [standard_sql_field(*column) for column in found.file.outputs],
            "trainingRuns": [run],
        }
        store.publish(reference, training, resource, vertex_ai_model_id=None)
    except BigQueryError:
        store.discard(reference, training)
        raise


def _checked(statement: CreateModel, model_type: str) -> str:
    from localcloud.bqml import imported

    if unknown := [name for name in statement.options if name not in OPTIONS]:
        raise BigQueryError(
            "invalidQuery",
            f"Option {unknown[0]} is not for models of type {model_type}; allowed are "
            f"{', '.join(OPTIONS)}.",
        )
    if statement.query is not None or statement.transform is not None:
        raise BigQueryError(
            "invalidQuery", f"A model of type {model_type} takes neither TRANSFORM nor a query."
        )
    file_type = imported.FILES.get(model_type)
    if statement.inputs is not None and not (file_type and file_type.takes_fields):
        raise BigQueryError(
            "invalidQuery", f"INPUT and OUTPUT are not for models of type {model_type}."
        )
    path = statement.options.get("MODEL_PATH")
    if not isinstance(path, str) or not path:
        raise BigQueryError(
            "invalidQuery",
            f"A model of type {model_type} needs the option MODEL_PATH, such as "
            "'gs://bucket/path/*'.",
        )
    return path


def _file(path: str, model_type: str) -> StoredObject:
    from localcloud.bqml import imported

    found = storage.find(path)
    file_type = imported.FILES.get(model_type)
    if file_type is None:
        return found[0]
    fitting = [one for one in found if Path(one.name).suffix.lower() in file_type.suffixes]
    if len(fitting) != 1:
        raise BigQueryError(
            "invalidQuery",
            f"{path} holds {len(fitting)} files that end in {', '.join(file_type.suffixes)}; a "
            f"model of type {model_type} is one.",
        )
    [one] = fitting
    if one.size_bytes > file_type.most_bytes:
        raise BigQueryError(
            "invalidQuery",
            f"{one.uri} has {one.size_bytes:,} bytes; a model of type {model_type} can have "
            f"{file_type.most_bytes:,}.",
        )
    return one


def _fields(fields: list[ModelField] | None) -> "Columns | None":
    if fields is None:
        return None
    for field in fields:
        try:
            arrow_type(field.type)
        except ValueError as error:
            raise BigQueryError("invalidQuery", f"Column {field.name}: {error}.") from error
    return [(field.name, field.type) for field in fields]


def _pairs(columns: Any) -> "Columns | None":
    return None if columns is None else [(name, kind) for name, kind in columns]


def _cast(name: str, kind: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    try:
        return column.cast(arrow_type(kind))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise BigQueryError(
            "invalidQuery", f"Column '{name}' must be {kind} for this model: {error}."
        ) from error
