"""AI.PREDICT, and AI.EVALUATE of a label.

Google predicts with TabFM, which learns from the rows of its context; the local cloud has no TabFM
and trains a random forest in its place.
https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-ai-predict
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from localcloud.bqml.column_type import NUMERIC, bigquery_type, is_nested, texts
from localcloud.bqml.errors import BqmlError
from localcloud.bqml.functions import metrics
from localcloud.bqml.functions.table_function import TableFunction, check_settings, column_of
from localcloud.bqml.model import Model

NAME, EVALUATE_NAME = "AI.PREDICT", "AI.EVALUATE"
TYPES = ("STRING", "BOOL", *NUMERIC)


def predict(
    _model: Model | None, tables: Sequence[pa.Table], settings: Mapping[str, Any]
) -> pa.Table:
    """The rows of the second table, with what their label should be by those of the first."""
    check_settings(NAME, settings, "label_col")
    label, task = _label(NAME, tables[0], settings)
    predicted, probabilities = _predicted(NAME, tables, label, task)
    result = tables[1].append_column(f"predicted_{label}", predicted)
    if probabilities is not None:
        result = result.append_column(f"predicted_{label}_probs", probabilities)
    return result


def evaluate(tables: Sequence[pa.Table], settings: Mapping[str, Any]) -> pa.Table:
    """Metrics of predictions of the second table's label."""
    check_settings(EVALUATE_NAME, settings, "label_col")
    label, task = _label(EVALUATE_NAME, tables[0], settings)
    there = column_of(EVALUATE_NAME, {"label_col": label}, "label_col", tables[1])
    judged = tables[1].filter(pc.is_valid(tables[1].column(there)))
    predicted, _ = _predicted(EVALUATE_NAME, [tables[0], judged.drop_columns([there])], label, task)
    return metrics.compared(EVALUATE_NAME, task, judged.column(there), predicted)


def _label(name: str, rows: pa.Table, settings: Mapping[str, Any]) -> tuple[str, str]:
    label = column_of(name, {"label_col": "label", **settings}, "label_col", rows)
    for field in rows.schema:
        if is_nested(field.type) or bigquery_type(field.type) not in TYPES:
            raise BqmlError(
                f"{name}: column '{field.name}' is {field.type}; allowed are {', '.join(TYPES)}"
            )
    kind = bigquery_type(rows.schema.field(label).type)
    return label, "regression" if kind in NUMERIC else "classification"


def _predicted(
    name: str, tables: Sequence[pa.Table], label: str, task: str
) -> tuple[pa.ChunkedArray, pa.ChunkedArray | None]:
    from localcloud.bqml.training import train

    known, asked = tables
    there = {column.casefold() for column in asked.column_names}
    missing = [c for c in known.column_names if c != label and c.casefold() not in there]
    if missing:
        raise BqmlError(f"{name}: the rows to predict lack the feature '{missing[0]}'")
    known = known.filter(pc.is_valid(known.column(label)))
    kind = known.schema.field(label).type
    options = {
        "MODEL_TYPE": f"RANDOM_FOREST_{'REGRESSOR' if task == 'regression' else 'CLASSIFIER'}",
        "INPUT_LABEL_COLS": [label],
        "DATA_SPLIT_METHOD": "NO_SPLIT",
    }
    found = train(options, known).fitted.predict(asked, {})
    predicted = pa.chunked_array([found[f"predicted_{label}"]])
    if task == "regression":
        if pa.types.is_integer(kind):
            predicted = pc.round(predicted)
        return predicted.cast(kind), None
    places = found[f"predicted_{label}_probs"]
    return predicted.cast(kind), pa.chunked_array([_named(places)])


def _named(probabilities: pa.Array) -> pa.Array:
    """Probabilities of classes that are written as text."""
    if isinstance(probabilities, pa.ChunkedArray):
        probabilities = probabilities.combine_chunks()
    pairs = probabilities.values
    names = texts(pa.chunked_array([pairs.field("label")])).combine_chunks()
    written = pa.StructArray.from_arrays([names, pairs.field("prob")], ["label", "prob"])
    return pa.ListArray.from_arrays(probabilities.offsets, written)


PREDICT = TableFunction(NAME, takes_model=False, tables=(2, 2), call=predict)
