"""From rows and options to a fitted predictor: what all kinds that learn a label do."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from localcloud.bqml import statistics
from localcloud.bqml.arrays import Floats
from localcloud.bqml.column_type import bigquery_type, floats, is_numeric, text
from localcloud.bqml.encoding import Encoding
from localcloud.bqml.errors import BqmlError
from localcloud.bqml.features import feature_columns
from localcloud.bqml.kind import Kind
from localcloud.bqml.model import Model, OnIteration
from localcloud.bqml.supervised import weights
from localcloud.bqml.supervised.estimator import Fit, TrainingSet
from localcloud.bqml.supervised.explanation import global_explanation
from localcloud.bqml.supervised.predictor import Predictor
from localcloud.bqml.supervised.split import split
from localcloud.bqml.warm_start import check_features

LABEL_TYPES = ("STRING", "BOOL", "INT64")


def train(
    kind: Kind,
    settings: Mapping[str, Any],
    table: pa.Table,
    on_iteration: OnIteration | None,
    *,
    fit: Fit,
    most_classes: int,
    standardize: bool,
    encoding_method: str | None = None,
    previous: Model | None = None,
) -> Model:
    """Fit a model that predicts a label.

    Args:
        kind: Which kind it is.
        settings: A value for each option.
        table: The training rows; those without a label are left out.
        on_iteration: Called after each step.
        fit: Fits the estimator.
        most_classes: How many classes it can tell apart; 0: it predicts numbers.
        standardize: Whether it takes numbers centred and divided by their deviation.
        encoding_method: How categories are encoded by a kind that has no CATEGORY_ENCODING_METHOD.
        previous: The model to go on from; None: none.

    Raises:
        BqmlError: The rows are not what the kind needs.
        NotImplementedError: A column's type is not taken yet.
    """
    label, rows = _labelled(table, settings)
    aside = {label, settings["DATA_SPLIT_COL"], settings.get("INSTANCE_WEIGHT_COL")}
    features = feature_columns(rows, aside)
    before = None if previous is None else _before(previous, features)
    known = None if before is None else before.classes
    classes, target = _target(rows.column(label), label, most_classes, known)
    trains, evaluates = split(rows, settings)
    if len(trains) == 0:
        raise BqmlError("the data split leaves no rows to train on")
    training = rows.take(pa.array(trains))
    held_out = None if evaluates is None else rows.take(pa.array(evaluates))
    encoding = (
        Encoding.fit(
            training,
            features,
            method=encoding_method or settings["CATEGORY_ENCODING_METHOD"],
            standardize=standardize,
            target=target[trains],
            class_count=len(classes),
        )
        if before is None
        else before.encoding
    )
    by_class = (
        weights.of_classes(target[trains].astype(np.intp), [text(c) for c in classes], settings)
        if classes
        else None
    )

    def weigh(part: pa.Table, wanted: Floats) -> Floats | None:
        if by_class is not None:
            return by_class[wanted.astype(np.intp)]
        return weights.of_rows(part, settings)

    data = TrainingSet(
        features=encoding.encode(training),
        target=target[trains],
        weights=weigh(training, target[trains]),
        eval_features=None if held_out is None else encoding.encode(held_out),
        eval_target=None if evaluates is None else target[evaluates],
        eval_weights=None if held_out is None else weigh(held_out, target[evaluates]),
        class_count=len(classes),
        start=None if before is None else before.estimator,
    )
    estimator, iterations = fit(data, settings, on_iteration)
    # Without evaluation rows a model is judged on those it was trained on.
    judged = data.features if data.eval_features is None else data.eval_features
    predicted = estimator.predict(judged)
    label_type = bigquery_type(rows.schema.field(label).type)
    return Model(
        kind=kind.name,
        model_type=kind.model_type,
        options=settings,
        feature_columns=features,
        label_columns=[(label, label_type)],
        iterations=iterations,
        feature_statistics=statistics.of_columns(rows, [name for name, _ in features]),
        fitted=Predictor(
            label=label,
            label_type=label_type,
            classes=classes,
            encoding=encoding,
            estimator=estimator,
            held_out=(
                data.target if data.eval_target is None else data.eval_target,
                predicted,
            ),
            explanation=global_explanation(estimator, encoding, judged, predicted, settings),
        ),
    )


def _labelled(table: pa.Table, settings: Mapping[str, Any]) -> tuple[str, pa.Table]:
    (asked,) = settings["INPUT_LABEL_COLS"]
    by_name = {name.casefold(): name for name in table.column_names}
    label = by_name.get(asked.casefold())
    if label is None:
        raise BqmlError(
            f"Unable to identify the label column '{asked}': the query gives "
            f"{', '.join(table.column_names)}; name one of them in input_label_cols"
        )
    rows = table.filter(pc.is_valid(table.column(label)))
    if rows.num_rows == 0:
        raise BqmlError(f"Input data doesn't contain any rows with a label in '{label}'.")
    return label, rows


def _before(previous: Model, features: Sequence[tuple[str, str]]) -> Predictor:
    check_features(features, previous)
    if not isinstance(previous.fitted, Predictor):
        raise BqmlError(f"a model of type {previous.kind} predicts no label")
    return previous.fitted


def _target(
    column: pa.ChunkedArray, label: str, most_classes: int, known: Sequence[Any] | None
) -> tuple[list[Any], Floats]:
    try:
        name = bigquery_type(column.type)
    except NotImplementedError as error:
        raise NotImplementedError(f"label '{label}': {error}") from None
    if most_classes == 0:
        return [], _numbers(column, label, name)
    if name not in LABEL_TYPES:
        raise BqmlError(
            f"the label '{label}' is {name}; a classifier needs STRING, BOOL or INT64: CAST it"
        )
    classes: Sequence[Any] = sorted(column.unique().to_pylist())
    if known is not None:
        if strange := [text(value) for value in classes if value not in known]:
            raise BqmlError(
                f"warm_start = TRUE needs the labels of before, "
                f"{', '.join(map(text, known))}; '{label}' also has {', '.join(strange)}"
            )
        classes = known
    if len(classes) < 2:
        raise BqmlError(
            f"Classification model requires at least 2 unique labels; '{label}' has only "
            f"{text(classes[0])}."
        )
    if len(classes) > most_classes:
        raise BqmlError(
            f"the label '{label}' has {len(classes):,} different values; this kind of model tells "
            f"up to {most_classes:,} apart"
        )
    places = pc.index_in(column, pa.array(classes, column.type))
    return list(classes), places.to_numpy().astype(np.float64)


def _numbers(column: pa.ChunkedArray, label: str, name: str) -> Floats:
    if not is_numeric(column.type):
        raise BqmlError(f"the label '{label}' is {name}; a regression needs a number")
    values = floats(column)
    if not np.isfinite(values).all():
        raise BqmlError(
            f"the label '{label}' has infinite values or NaN; filter such rows out of the query"
        )
    return values
