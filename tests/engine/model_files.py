"""Small models that were trained elsewhere, as files, put where the examples look for them."""

from pathlib import Path
from typing import Any

import numpy
import skl2onnx
import xgboost
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from sklearn.linear_model import LogisticRegression

from generate.model_page.program import PROJECT
from googlesql.create_model import CreateModel
from localcloud.bqml.tensorflow_library import tensorflow

NAMES = {"ONNX": "model.onnx", "XGBOOST": "model.json", "TENSORFLOW_LITE": "model.tflite"}


def upload(url: str, parts: CreateModel, folder: Path) -> None:
    """Put a model's files where its statement says, on a local cloud.

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
    for name, content in _files(model_type, len(parts.inputs or ()), folder).items():
        bucket.blob(path.replace("*", name)).upload_from_string(content)


def _files(model_type: str, features: int, folder: Path) -> dict[str, bytes]:
    if model_type != "TENSORFLOW":
        return {NAMES[model_type]: _file(model_type, features, folder)}
    tf = tensorflow("a test")
    saved = folder / "saved_model"
    tf.saved_model.save(_late(tf), saved)
    return {
        str(file.relative_to(saved)): file.read_bytes()
        for file in saved.rglob("*")
        if file.is_file()
    }


def _late(tf: Any) -> Any:
    module = tf.Module()
    module.serve = tf.function(
        lambda delay: {"late": tf.sigmoid(delay / 10)},
        input_signature=[tf.TensorSpec([None], tf.float32, name="delay")],
    )
    return module


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
        case "TENSORFLOW_LITE":
            tf = tensorflow("a test")
            module = _late(tf)
            concrete = [module.serve.get_concrete_function()]
            converter = tf.lite.TFLiteConverter.from_concrete_functions(concrete, module)
            return bytes(converter.convert())
    raise ValueError(f"no test makes a model of type {model_type}")
