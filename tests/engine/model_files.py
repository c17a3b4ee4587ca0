"""Small models that were trained elsewhere, as files, put where the examples look for them."""

import struct
from collections.abc import Mapping
from pathlib import Path

import numpy
import xgboost
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

from generate.model_page.program import PROJECT
from googlesql.create_model import CreateModel

FLOAT = 1
OPSET, IR_VERSION = 13, 8


def upload(url: str, parts: CreateModel, folder: Path) -> None:
    """Put a model's file where its statement says, on a local cloud.

    Args:
        url: The local cloud's address.
        parts: The statement of an imported model of a type that is made here.
        folder: Where files may be written on the way.
    """
    bucket_name, _, path = str(parts.options["MODEL_PATH"]).removeprefix("gs://").partition("/")
    make = MAKERS[str(parts.options["MODEL_TYPE"])]
    client = storage.Client(PROJECT, AnonymousCredentials(), client_options={"api_endpoint": url})
    bucket = client.bucket(bucket_name)
    if not bucket.exists():
        bucket = client.create_bucket(bucket_name)
    data = make(parts, folder)
    bucket.blob(path.replace("*", "model.json")).upload_from_string(data)


def xgboost_model(parts: CreateModel, folder: Path) -> bytes:
    """Train a tree on the fields of INPUT; its file does not say what they are called."""
    rows = numpy.random.default_rng(0).random((200, len(parts.inputs or ())))
    booster = xgboost.train({"max_depth": 2}, xgboost.DMatrix(rows, rows[:, 0] > 0.5), 3)
    file = folder / "model.json"
    booster.save_model(file)
    return file.read_bytes()


def onnx_model(_parts: CreateModel, _folder: Path) -> bytes:
    """Write a logistic regression of two features, message by message.

    https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
    """
    weights = message({1: [2, 1], 2: FLOAT, 8: "weights", 9: struct.pack("<2f", 0.5, -0.25)})
    nodes = [
        message({1: ["features", "weights"], 2: "score", 3: "multiply", 4: "MatMul"}),
        message({1: "score", 2: "probability", 3: "squash", 4: "Sigmoid"}),
    ]
    graph = {
        1: nodes,
        2: "late_arrival",
        5: weights,
        11: _tensor("features", 2),
        12: _tensor("probability", 1),
    }
    return message({1: IR_VERSION, 7: message(graph), 8: message({1: "", 2: OPSET})})


MAKERS = {"ONNX": onnx_model, "XGBOOST": xgboost_model}
"""What makes a file of a MODEL_TYPE."""


def _tensor(name: str, columns: int) -> bytes:
    shape = message({1: [message({2: "rows"}), message({1: columns})]})
    return message({1: name, 2: message({1: message({1: FLOAT, 2: shape})})})


def message(fields: Mapping[int, object]) -> bytes:
    """Encode a protocol buffer; a list is a field that is repeated."""
    encoded = b""
    for number, value in fields.items():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, int):
                encoded += _varint(number << 3) + _varint(item)
            else:
                data = item.encode() if isinstance(item, str) else bytes(item)
                encoded += _varint(number << 3 | 2) + _varint(len(data)) + data
    return encoded


def _varint(value: int) -> bytes:
    low, high = value & 0x7F, value >> 7
    return bytes([low]) if not high else bytes([low | 0x80]) + _varint(high)
