"""Small models that were trained elsewhere, as files, put where the examples look for them."""

from pathlib import Path

import numpy
import skl2onnx
import xgboost
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from sklearn.linear_model import LogisticRegression

from generate.model_page.program import PROJECT
from googlesql.create_model import CreateModel

NAMES = {"ONNX": "model.onnx", "XGBOOST": "model.json"}


def upload(url: str, parts: CreateModel, folder: Path) -> None:
    """Put a model's file where its statement says, on a local cloud.

    Args:
        url: The local cloud's address.
        parts: The statement of an imported model.
        folder: Where files may be written on the way.
    """
    bucket_name, _, path = str(parts.options["MODEL_PATH"]).removeprefix("gs://").partition("/")
    model_type = str(parts.options["MODEL_TYPE"])
    client = storage.Client(PROJECT, AnonymousCredentials(), client_options={"api_endpoint": url})
    bucket = client.bucket(bucket_name)
    if not bucket.exists():
        bucket = client.create_bucket(bucket_name)
    name = path.replace("*", NAMES.get(model_type, "saved_model.pb"))
    bucket.blob(name).upload_from_string(_file(model_type, len(parts.inputs or ()), folder))


def _file(model_type: str, features: int, folder: Path) -> bytes:
    rows = numpy.random.default_rng(0).random((200, features or 2)).astype(numpy.float32)
    labels = rows[:, 0] > 0.5
    match model_type:
        case "ONNX":
            fitted = LogisticRegression().fit(rows, labels)
            model = skl2onnx.to_onnx(fitted, rows[:1], options={"zipmap": False})
            return bytes(model.SerializeToString())
        case "XGBOOST":
            booster = xgboost.train({"max_depth": 2}, xgboost.DMatrix(rows, labels), 3)
            file = folder / "model.json"
            booster.save_model(file)
            return file.read_bytes()
    # TensorFlow is not at hand, neither to write a model nor to read one.
    return b"a SavedModel"
