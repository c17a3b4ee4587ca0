"""Trees as an XGBoost Booster, with what it takes to score raw rows with them.

Google's page names the files; what is in them, beside the booster, is this project's own. Google's
`model.bst` of XGBOOST_VERSION 0.9 and 1.1 is in the binary format that xgboost does not write since
3.0: here it is Universal Binary JSON, as `model.ubj` of 2.1 is.
https://cloud.google.com/bigquery/docs/exporting-models#export_model_formats_and_samples
"""

import io
import json
import tarfile
from importlib import resources
from typing import Any

from localcloud.bqml.column_type import text
from localcloud.bqml.encoding import Category, Number
from localcloud.bqml.errors import BqmlError
from localcloud.bqml.export import Files
from localcloud.bqml.model import Model
from localcloud.bqml.supervised.boosted_tree import BoostedTree
from localcloud.bqml.supervised.predictor import Predictor

PACKAGE = "xgboost_predictor-0.1"
METADATA = "assets/model_metadata.json"
_NEWEST = "2.1"
_FORBIDDEN = str.maketrans("[]<", "___")
"""What xgboost takes in no name of a feature."""
_SETUP = """\
from setuptools import setup

setup(name="xgboost_predictor", version="0.1", scripts=["predictor.py"])
"""


def files(model: Model) -> Files:
    """The files of boosted trees or a random forest.

    Raises:
        BqmlError: A feature is an array.
    """
    fitted = model.fitted
    if not isinstance(fitted, Predictor) or not isinstance(fitted.estimator, BoostedTree):
        raise BqmlError(f"a model of type {model.kind} is no XGBoost Booster")
    name = "model.ubj" if model.options.get("XGBOOST_VERSION") == _NEWEST else "model.bst"
    features, vocabularies = _features(fitted)
    metadata = {
        "model_type": model.kind,
        "booster": name,
        "label": fitted.label,
        "classes": [text(label) for label in fitted.classes],
        "features": features,
    }
    return {
        name: _booster(fitted.estimator, features),
        "main.py": _source("main.py"),
        f"{PACKAGE}.tar.gz": _package(),
        METADATA: (json.dumps(metadata, indent=1) + "\n").encode(),
        **{f"assets/{place}.txt": lines for place, lines in enumerate(vocabularies)},
    }


def _features(fitted: Predictor) -> tuple[list[dict[str, Any]], list[bytes]]:
    features: list[dict[str, Any]] = []
    vocabularies: list[bytes] = []
    for part in fitted.encoding.inputs:
        if isinstance(part, Number):
            features.append({"name": part.column, "kind": "number", "mean": part.mean, "width": 1})
        elif isinstance(part, Category):
            features.append(
                {
                    "name": part.column,
                    "kind": "category",
                    "encoding": part.encoding,
                    "vocabulary": f"{len(vocabularies)}.txt",
                    "has_null": part.has_null,
                    "targets": part.targets,
                    "width": part.width,
                }
            )
            lines = [json.dumps(category, ensure_ascii=False)[1:-1] for category in part.categories]
            vocabularies.append("".join(f"{line}\n" for line in lines).encode())
        else:
            raise BqmlError(f"Exporting a model with an array, '{part.column}', is not supported")
    return features, vocabularies


def _booster(estimator: BoostedTree, features: list[dict[str, Any]]) -> bytes:
    """The booster with its features' names, so that it can be imported without INPUT and OUTPUT."""
    named = estimator.booster.copy()
    names: list[str] = []
    for feature in features:
        plain, width = str(feature["name"]).translate(_FORBIDDEN), feature["width"]
        names += [plain] if width == 1 else [f"{plain}_{place}" for place in range(width)]
    named.feature_names = names
    named.feature_types = ["float"] * len(names)
    return bytes(named.save_raw("ubj"))


def _source(name: str) -> bytes:
    return resources.files(f"{__package__}.xgboost_predictor").joinpath(name).read_bytes()


def _package() -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in (
            ("predictor.py", _source("predictor.py")),
            ("setup.py", _SETUP.encode()),
        ):
            entry = tarfile.TarInfo(f"{PACKAGE}/{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()
