"""CREATE MODEL of files in Cloud Storage, and the functions of such a model.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-create-onnx,
…-create-xgboost, …-create-tensorflow and …-create-tflite
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

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
MODEL = "saved_model"
"""The directory, in that of a training, of a model that is a directory."""
OPTIONS = ("MODEL_TYPE", "MODEL_PATH", "KMS_KEY_NAME")


@dataclass(frozen=True)
class ImportedModel:
    """What an imported model's directory holds.

    Attributes:
        model_type: Such as `ONNX`.
        file: The model as its file has it.
        path: That file, or the directory of a model that is one.
    """

    model_type: str
    file: "ImportedFile"
    path: Path

    @classmethod
    def load(cls, directory: Path, facts: Mapping[str, Any]) -> "ImportedModel":
        """Read what `create` kept.

        Args:
            directory: The training's directory.
            facts: What its facts file holds.

        Raises:
            BqmlError: The files cannot be read.
            BigQueryError: `notImplemented`; what runs them is not installed.
        """
        from localcloud.bqml import imported

        path = directory / facts["file"]
        with _runtime():
            file = imported.read(
                facts["model_type"], path, _pairs(facts["inputs"]), _pairs(facts["outputs"])
            )
        return cls(facts["model_type"], file, path)

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
    return named in imported.FILES


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
    found_files = _files(path, model_type)
    with _runtime():
        imported.check_runtime(model_type)
    if dry_run:
        return
    started = datetime.now(UTC)
    inputs, outputs = _fields(statement.inputs), _fields(statement.outputs)
    store = upstream.runtime().models
    training, directory = store.new_training(reference)
    name = found_files.name
    facts = {
        "kind": "imported",
        "model_type": model_type,
        "file": name,
        "inputs": inputs,
        "outputs": outputs,
    }
    try:
        for stored, place in found_files.objects:
            file = directory / place
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(storage.read(stored))
        try:
            found = ImportedModel.load(directory, facts)
        except BqmlError as error:
            raise BigQueryError(
                "invalidQuery", f"Cannot import {path} as {model_type}: {error}."
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


@contextmanager
def _runtime() -> Iterator[None]:
    """Answer 501 where what runs a model is not installed."""
    try:
        yield
    except NotImplementedError as error:
        raise BigQueryError("notImplemented", str(error)) from error


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


class _Files(NamedTuple):
    """The objects of a model.

    Attributes:
        name: What the model is called in the training's directory: a file or a directory.
        objects: Each with its place in the training's directory.
    """

    name: str
    objects: list[tuple[StoredObject, str]]


def _files(path: str, model_type: str) -> _Files:
    from localcloud.bqml import imported

    found = storage.find(path)
    file_type = imported.FILES[model_type]
    fitting = [one for one in found if one.name.lower().endswith(file_type.suffixes)]
    if file_type.is_directory and fitting:
        # A model with a preprocessing model below it has two.
        highest = min(one.name.count("/") for one in fitting)
        fitting = [one for one in fitting if one.name.count("/") == highest]
    if len(fitting) != 1:
        raise BigQueryError(
            "invalidQuery",
            f"{path} holds {len(fitting)} files that end in {', '.join(file_type.suffixes)}; a "
            f"model of type {model_type} is one.",
        )
    [one] = fitting
    if not file_type.is_directory:
        name = "model" + PurePosixPath(one.name).suffix
        files = _Files(name, [(one, name)])
    else:
        root = one.name.removesuffix(PurePosixPath(one.name).name)
        below = [stored for stored in found if stored.name.startswith(root)]
        files = _Files(
            MODEL,
            [
                (stored, f"{MODEL}/{stored.name.removeprefix(root)}")
                for stored in below
                # What consoles make for a folder.
                if not stored.name.endswith("/")
            ],
        )
    _check_size(files, one, model_type, file_type.most_bytes)
    return files


def _check_size(files: _Files, one: StoredObject, model_type: str, most_bytes: int) -> None:
    size = sum(stored.size_bytes for stored, _ in files.objects)
    if size > most_bytes:
        raise BigQueryError(
            "invalidQuery",
            f"{one.uri} has {size:,} bytes; a model of type {model_type} can have {most_bytes:,}.",
        )
    for _, place in files.objects:
        if ".." in PurePosixPath(place).parts:
            raise BigQueryError("invalidQuery", f"{place} is no place for a file of a model.")


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
