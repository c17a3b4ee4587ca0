"""Models that were made elsewhere and come as files: ONNX, XGBoost, TensorFlow and its Lite.

A new type is a module with a class like `ImportedFile` and a row in `FILES`.
"""

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from localcloud.bqml import tensorflow_library
from localcloud.bqml.errors import BqmlError

Columns = Sequence[tuple[str, str]]
"""Names and BigQuery types."""


class ImportedFile(Protocol):
    """A model as its file has it.

    Attributes:
        inputs: The columns that it takes.
        outputs: The columns that it gives.
    """

    inputs: Columns
    outputs: Columns

    def predict(self, rows: pa.Table) -> pa.Table:
        """Its outputs for each row.

        Args:
            rows: The columns of `inputs`, by their names, and no others.

        Raises:
            BqmlError: A column has a type or a value that the model does not take.
        """
        ...

    def feature_importance(self) -> pa.Table:
        """What ML.FEATURE_IMPORTANCE gives.

        Raises:
            BqmlError: The type of model has none.
        """
        ...


@dataclass(frozen=True)
class FileType:
    """One MODEL_TYPE of imported models.

    Attributes:
        home: The module under `localcloud.bqml.imported` that reads it.
        suffixes: The endings of its file.
        most_bytes: How large BigQuery lets it be.
        takes_fields: Whether the statement may have INPUT and OUTPUT.
        is_directory: Whether it is the directory of its file, with all that is in it.
        needs_tensorflow: Whether TensorFlow runs it.
    """

    home: str
    suffixes: tuple[str, ...]
    most_bytes: int
    takes_fields: bool
    is_directory: bool = False
    needs_tensorflow: bool = False


FILES: Mapping[str, FileType] = {
    "ONNX": FileType("onnx_file", (".onnx",), 450 << 20, False),
    "XGBOOST": FileType("xgboost_file", (".json", ".ubj", ".bst"), 250 << 20, True),
    "TENSORFLOW": FileType(
        "saved_model",
        ("saved_model.pb",),
        450 << 20,
        False,
        is_directory=True,
        needs_tensorflow=True,
    ),
    "TENSORFLOW_LITE": FileType("lite_file", (".tflite",), 450 << 20, False, needs_tensorflow=True),
}


def read(
    model_type: str, path: Path, inputs: Columns | None, outputs: Columns | None
) -> ImportedFile:
    """Read a model's file.

    Args:
        model_type: A key of `FILES`.
        path: The file, or the directory of a type that is one.
        inputs: What INPUT says; None without that clause.
        outputs: What OUTPUT says; None without that clause.

    Raises:
        BqmlError: The file cannot be read, or does not go with `inputs` and `outputs`.
        NotImplementedError: What runs it is not installed.
    """
    module = importlib.import_module(f"{__name__}.{FILES[model_type].home}")
    found: ImportedFile = module.read(path, inputs, outputs)
    return found


def check_runtime(model_type: str) -> None:
    """Refuse a type of which what runs it is not installed.

    Raises:
        NotImplementedError: Then.
    """
    if FILES[model_type].needs_tensorflow:
        tensorflow_library.check(f"A model of type {model_type}")


def no_importance(model_type: str) -> BqmlError:
    """The refusal of ML.FEATURE_IMPORTANCE."""
    return BqmlError(f"ML.FEATURE_IMPORTANCE is not for models of type {model_type}")
