"""Models on disk and in the REST API."""

import json
import subprocess
import sys
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from googleapiclient.discovery_cache import get_static_doc

from localcloud import bqml
from localcloud.bqml import kinds
from tests.localcloud.bqml.conftest import LOGISTIC, TREE, small_training

MODELS = ["tree", "logistic", "carriers", "softmax", "minutes"]


@pytest.mark.parametrize("name", MODELS)
def test_a_model_read_back_says_the_same(name, request, flights, delays, tmp_path):
    model = request.getfixturevalue(name)
    rows = delays if name == "minutes" else flights
    model.save(tmp_path)

    again = bqml.Model.load(tmp_path)

    assert np.array_equal(again.fitted.scores(rows), model.fitted.scores(rows))
    assert again.training_runs == model.training_runs
    assert again.feature_statistics == model.feature_statistics


def test_nothing_on_disk_is_a_pickle(tree, tmp_path):
    tree.save(tmp_path)

    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "booster.ubj",
        "held_out.npz",
        "model.json",
    ]


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [("format", 99, "format 99.*train the model again"), ("kind", "TABFM", "type TABFM")],
)
def test_a_model_of_another_version_is_not_guessed_at(tree, tmp_path, key, value, says):
    tree.save(tmp_path)
    file = tmp_path / "model.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), key: value}))

    with pytest.raises(bqml.BqmlError, match=says):
        bqml.Model.load(tmp_path)


@pytest.mark.parametrize("name", MODELS)
def test_a_training_run_has_the_fields_of_googles_api_and_no_others(name, request):
    run = request.getfixturevalue(name).training_runs[0]

    schemas = json.loads(get_static_doc("bigquery", "v2"))["schemas"]

    assert json.loads(json.dumps(run)) == run
    assert list(_wrong(schemas, {"$ref": "TrainingRun"}, run, "run")) == []


def _wrong(schemas: Any, schema: Any, value: Any, path: str) -> Any:
    """Where a value is not what the Discovery document says."""
    schema = schemas[schema["$ref"]] if "$ref" in schema else schema
    if schema["type"] == "object":
        for key, part in value.items():
            inner = schema.get("properties", {}).get(key) or schema.get("additionalProperties")
            if inner is None:
                yield f"{path}.{key} is unknown"
            else:
                yield from _wrong(schemas, inner, part, f"{path}.{key}")
    elif schema["type"] == "array":
        for place, part in enumerate(value):
            yield from _wrong(schemas, schema["items"], part, f"{path}[{place}]")
    else:
        kinds = {"string": str, "number": (int, float), "integer": int, "boolean": bool}
        if not isinstance(value, kinds[schema["type"]]) or (
            isinstance(value, bool) != (schema["type"] == "boolean")
        ):
            yield f"{path} is {value!r}, not {schema['type']}"
        if "enum" in schema and value not in schema["enum"]:
            yield f"{path} is {value!r}, not one of {schema['enum']}"


@pytest.mark.parametrize("name", sorted(kinds.KINDS))
def test_every_option_that_is_reported_is_one_of_googles_api(name, flights, delays):
    options, table = small_training(name, flights, delays)

    before = table if kinds.KINDS[name].is_transform else None
    model = bqml.train({"MODEL_TYPE": name, **options}, table, before_transform=before)
    run = model.training_runs[0]

    schemas = json.loads(get_static_doc("bigquery", "v2"))["schemas"]
    assert list(_wrong(schemas, {"$ref": "TrainingRun"}, run, "run")) == []


def test_a_training_run_tells_options_iterations_and_metrics(flights):
    options = {**LOGISTIC, "MAX_ITERATIONS": 2, "CLASS_WEIGHTS": [("true", 2.0), ("false", 1.0)]}
    model = bqml.train(options, flights)

    run = model.training_runs[0]

    assert run["trainingOptions"]["maxIterations"] == "2"
    assert run["trainingOptions"]["labelClassWeights"] == {"true": 2.0, "false": 1.0}
    assert run["trainingOptions"]["initialLearnRate"] == 0.1
    assert "learnRate" not in run["trainingOptions"]
    assert [step["index"] for step in run["results"]] == [0, 1]
    metrics = run["evaluationMetrics"]["binaryClassificationMetrics"]
    assert (metrics["negativeLabel"], metrics["positiveLabel"]) == ("false", "true")
    scores = model.fitted.evaluate(None, {})
    assert metrics["aggregateClassificationMetrics"]["rocAuc"] == scores["roc_auc"]
    middle = metrics["binaryConfusionMatrixList"][10]
    assert middle["positiveClassThreshold"] == pytest.approx(0.5)
    assert middle["recall"] == pytest.approx(scores["recall"])


def test_a_precision_that_is_undefined_is_left_out_of_json():
    table = pa.table({"late": [False] * 99 + [True], "x": [0] * 100})

    run = bqml.train({**TREE, "MAX_ITERATIONS": 1}, table).training_runs[0]

    metrics = run["evaluationMetrics"]["binaryClassificationMetrics"]
    assert "precision" not in metrics["aggregateClassificationMetrics"]
    json.dumps(run, allow_nan=False)


def test_naming_the_package_imports_nothing_heavy():
    code = (
        "import sys, localcloud.bqml\n"
        "print([m for m in ('numpy', 'pyarrow', 'xgboost', 'sklearn') if m in sys.modules])"
    )

    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert out.stdout == "[]\n"


def test_an_attribute_that_is_not_there_is_named():
    with pytest.raises(AttributeError, match="no attribute 'predict'"):
        bqml.predict  # noqa: B018
