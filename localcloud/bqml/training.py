"""CREATE MODEL: from rows and options to a fitted model."""

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from localcloud.bqml import boosted_tree, kinds, linear, metrics, statistics
from localcloud.bqml.column_type import bigquery_type, text
from localcloud.bqml.encoding import Encoding
from localcloud.bqml.errors import BqmlError
from localcloud.bqml.estimator import Estimator, Iteration, OnIteration, TrainingSet, row_weights
from localcloud.bqml.kinds import Kind
from localcloud.bqml.metrics import Floats
from localcloud.bqml.model import Model
from localcloud.bqml.split import ordered, split

EXPLAINED_ROWS = 10_000


def train(
    options: Mapping[str, object], table: pa.Table, *, on_iteration: OnIteration | None = None
) -> Model:
    """Fit a model.

    Args:
        options: What OPTIONS gives; names in upper case.
        table: The training rows, after TRANSFORM.
        on_iteration: Called after each step; may raise to stop the training.

    Returns:
        The model.

    Raises:
        BqmlError: The options or the rows are not what the kind needs.
        NotImplementedError: Google does it and the local cloud does not yet.
    """
    kind = kinds.kind_of(options)
    settings = kinds.settings(kind, options)
    label, rows = _labelled(table, settings)
    features = _features(rows, label, settings)
    classes, target = _target(rows.column(label), label, kind)
    training, evaluation = split(rows, settings)
    if len(training) == 0:
        raise BqmlError("the data split leaves no rows to train on")
    trained_rows = rows.take(pa.array(training))
    encoding = Encoding.fit(
        trained_rows, features, kind.family, settings["CATEGORY_ENCODING_METHOD"]
    )
    matrix = encoding.encode(trained_rows)
    held_out = None if evaluation is None else rows.take(pa.array(evaluation))
    eval_matrix = None if held_out is None else encoding.encode(held_out)
    eval_target = None if evaluation is None else target[evaluation]
    estimator, iterations = _fit(
        kind,
        TrainingSet(
            features=matrix,
            target=target[training],
            weights=_weights(rows, training, target, classes, settings),
            eval_features=eval_matrix,
            eval_target=eval_target,
            class_count=len(classes),
        ),
        settings,
        on_iteration,
    )
    judged = matrix if eval_matrix is None else eval_matrix
    judged_target = target[training] if eval_target is None else eval_target
    predicted = estimator.predict(judged)
    return Model(
        model_type=kind.model_type,
        family=kind.family,
        settings=settings,
        feature_columns=features,
        label_columns=[(label, bigquery_type(rows.schema.field(label).type))],
        classes=classes,
        iterations=iterations,
        evaluation=_evaluate(predicted, judged_target),
        held_out=(judged_target, predicted),
        feature_statistics=statistics.of_features(
            trained_rows,
            features,
            _attributions(estimator, encoding, judged, settings),
        ),
        encoding=encoding,
        estimator=estimator,
    )


def warm_up() -> None:
    """Import what a training needs and what takes seconds to import."""
    for name in ("pandas", "xgboost", "sklearn.linear_model", "sklearn.metrics"):
        importlib.import_module(name)


def _labelled(table: pa.Table, settings: Mapping[str, Any]) -> tuple[str, pa.Table]:
    labels = settings["INPUT_LABEL_COLS"]
    if len(labels) != 1:
        raise BqmlError(f"input_label_cols has {len(labels)} columns; give exactly one")
    by_name = {name.casefold(): name for name in table.column_names}
    label = by_name.get(labels[0].casefold())
    if label is None:
        raise BqmlError(
            f"Unable to identify the label column '{labels[0]}': the query gives "
            f"{', '.join(table.column_names)}; name one of them in input_label_cols"
        )
    rows = table.filter(pc.is_valid(table.column(label)))
    if rows.num_rows == 0:
        raise BqmlError(f"Input data doesn't contain any rows with a label in '{label}'.")
    return label, ordered(rows)


def _features(rows: pa.Table, label: str, settings: Mapping[str, Any]) -> list[tuple[str, str]]:
    aside = {label, settings.get("DATA_SPLIT_COL"), settings.get("INSTANCE_WEIGHT_COL")}
    found = []
    for field in rows.schema:
        if field.name in aside:
            continue
        try:
            found.append((field.name, bigquery_type(field.type)))
        except NotImplementedError as error:
            raise NotImplementedError(f"feature '{field.name}': {error}") from None
    if not found:
        raise BqmlError(f"the query gives no column but the label '{label}'")
    return found


def _target(column: pa.ChunkedArray, label: str, kind: Kind) -> tuple[list[Any], Floats]:
    if not kind.classifier:
        if bigquery_type(column.type) in ("STRING", "BOOL"):
            raise BqmlError(
                f"the label '{label}' is {bigquery_type(column.type)}; a regression needs a number"
            )
        return [], column.cast(pa.float64()).to_numpy().astype(np.float64)
    kind_of_label = bigquery_type(column.type)
    if kind_of_label not in ("STRING", "BOOL", "INT64"):
        raise BqmlError(
            f"the label '{label}' is {kind_of_label}; a classifier needs STRING, BOOL or INT64"
        )
    classes = sorted(column.unique().to_pylist())
    if len(classes) < 2:
        raise BqmlError(
            f"Classification model requires at least 2 unique labels; '{label}' has only "
            f"{text(classes[0])}."
        )
    places = pc.index_in(column, pa.array(classes, column.type))
    return classes, places.to_numpy().astype(np.float64)


def _weights(
    rows: pa.Table,
    training: npt.NDArray[np.intp],
    target: Floats,
    classes: Sequence[Any],
    settings: Mapping[str, Any],
) -> Floats | None:
    name = settings.get("INSTANCE_WEIGHT_COL")
    if name is not None:
        if name not in rows.column_names:
            raise BqmlError(f"instance_weight_col is '{name}', which the query does not have")
        weights: Floats = rows.column(name).cast(pa.float64()).to_numpy()[training]
        return weights
    if not classes:
        return None
    places = target[training].astype(np.intp)
    return row_weights(dict(settings), places, [text(label) for label in classes])


def _fit(
    kind: Kind,
    data: TrainingSet,
    settings: Mapping[str, Any],
    on_iteration: OnIteration | None,
) -> tuple[Estimator, list[Iteration]]:
    if kind.family == "linear":
        return linear.fit(data, settings, on_iteration)
    return boosted_tree.fit(data, settings, on_iteration)


def _evaluate(predicted: Floats, target: Floats) -> dict[str, float]:
    if predicted.ndim == 1:
        return metrics.regression(target, predicted)
    return metrics.classification(target.astype(np.intp), predicted)


def _attributions(
    estimator: Estimator, encoding: Encoding, features: Floats, settings: Mapping[str, Any]
) -> dict[str, float] | None:
    """Mean absolute contribution by feature; None unless ENABLE_GLOBAL_EXPLAIN asks for it."""
    if not settings["ENABLE_GLOBAL_EXPLAIN"]:
        return None
    parts, _, _ = estimator.contributions(features[:EXPLAINED_ROWS])
    owners = np.array(encoding.owners)
    return {
        feature.name: float(np.abs(parts[:, owners == feature.name].sum(axis=1)).mean())
        for feature in encoding.features
    }
