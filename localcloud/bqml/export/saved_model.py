"""Models as TensorFlow SavedModels, whose signature `serving_default` takes the feature columns.

What a signature gives, by kind of model; Google's page tells names of inputs, not of outputs:

- a regressor: `predicted_<label>`; a classifier also `<label>_values` and `<label>_probs`, the
  likeliest class first, classes as text: as online prediction answers;
- k-means: `nearest_centroid_id`, `centroid_ids` and `centroid_distances`, the nearest first;
- PCA, autoencoder and matrix factorization: the columns of ML.PREDICT and ML.RECOMMEND.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from localcloud.bqml.column_type import text, texts
from localcloud.bqml.errors import BqmlError
from localcloud.bqml.export import Files
from localcloud.bqml.export.graph import Graph, Tensors, columns_of, encoder
from localcloud.bqml.model import Model
from localcloud.bqml.network.activation import SELU_ALPHA, SELU_SCALE
from localcloud.bqml.network.layers import Dense, Layers
from localcloud.bqml.recommender.matrix_factorization import Recommender
from localcloud.bqml.supervised.linear import Linear
from localcloud.bqml.supervised.metrics import THRESHOLD
from localcloud.bqml.supervised.neural_network import Network
from localcloud.bqml.supervised.predictor import Predictor
from localcloud.bqml.unsupervised.autoencoder import Autoencoder
from localcloud.bqml.unsupervised.kmeans import Clusters
from localcloud.bqml.unsupervised.pca import Components

Matrix = Callable[[Any], Any]
"""A graph of matrices with a row each row."""


def files(model: Model) -> Files:
    """The files of a model.

    Raises:
        BqmlError: A feature is an array, or the model is of a kind that has no such files.
        NotImplementedError: TensorFlow is not installed, or the local cloud has no graph of it.
    """
    fitted = model.fitted
    graph = Graph(f"Exporting a model of type {model.kind}")
    if isinstance(fitted, Recommender):
        return _recommender(graph, fitted, model)
    if not isinstance(fitted, Predictor | Clusters | Components | Autoencoder):
        raise BqmlError(f"a model of type {model.kind} is no TensorFlow SavedModel")
    columns = columns_of(fitted.encoding, model.feature_columns)
    encode = encoder(graph, fitted.encoding)
    apply = _applied(graph, fitted)
    return graph.files(columns, lambda given: apply(encode(given)))


def _applied(
    graph: Graph, fitted: Predictor | Clusters | Components | Autoencoder
) -> Callable[[Any], Tensors]:
    """What a model gives of encoded rows."""
    if isinstance(fitted, Predictor):
        return _predicted(graph, fitted)
    if isinstance(fitted, Clusters):
        return _nearest(graph, fitted)
    if isinstance(fitted, Components):
        rotation = graph.constant(fitted.components.T)
        shift = graph.constant(fitted.means @ fitted.components.T)
        return lambda rows: _split("principal_component_", rows @ rotation - shift)
    halves = Layers(fitted.network.dense[: fitted.latent + 1], fitted.network.activation)
    hidden = _layers(graph, halves, activates_last=True)
    return lambda rows: _split("latent_col_", hidden(rows))


def _split(prefix: str, matrix: Any) -> Tensors:
    return {f"{prefix}{place + 1}": matrix[:, place] for place in range(matrix.shape[1])}


def _predicted(graph: Graph, fitted: Predictor) -> Callable[[Any], Tensors]:
    tf, label = graph.tf, fitted.label
    outputs = _outputs(graph, fitted)
    if not fitted.classes:
        return lambda rows: {f"predicted_{label}": outputs(rows)[:, 0]}
    classes = tf.constant([text(value) for value in fitted.classes])

    def classified(rows: Any) -> Tensors:
        margins = outputs(rows)
        if len(fitted.classes) == 2:
            second = tf.sigmoid(margins[:, 0])
            shares = tf.stack([1 - second, second], axis=1)
            chosen = tf.cast(second >= THRESHOLD, tf.int64)
        else:
            shares = tf.nn.softmax(margins)
            chosen = tf.argmax(shares, axis=1)
        order = tf.argsort(shares, axis=1, direction="DESCENDING", stable=True)
        return {
            f"predicted_{label}": tf.gather(classes, chosen),
            f"{label}_values": tf.gather(classes, order),
            f"{label}_probs": tf.gather(shares, order, batch_dims=1),
        }

    return classified


def _outputs(graph: Graph, fitted: Predictor) -> Matrix:
    """Numbers, or log odds."""
    estimator = fitted.estimator
    if isinstance(estimator, Linear):
        return _dense(graph, (estimator.coefficients.T, estimator.intercepts))
    if not isinstance(estimator, Network):
        raise NotImplementedError(
            "Exporting an AutoML model whose best candidate is trees is not implemented on the "
            "local cloud."
        )
    deep = _layers(graph, estimator.deep)
    wide = None if estimator.wide is None else _dense(graph, estimator.wide)
    scale, mean = estimator.scale, estimator.mean

    def added(rows: Any) -> Any:
        values = deep(rows) if wide is None else deep(rows) + wide(rows)
        return values * scale + mean

    return added


def _layers(graph: Graph, network: Layers, *, activates_last: bool = False) -> Matrix:
    """Dense layers as a graph.

    Args:
        graph: What it is made with.
        network: The layers.
        activates_last: Whether the last one has the activation too.
    """
    activation = _activation(graph, network.activation)
    steps = [_dense(graph, layer) for layer in network.dense]

    def apply(rows: Any) -> Any:
        for place, step in enumerate(steps):
            rows = step(rows)
            if activates_last or place < len(steps) - 1:
                rows = activation(rows)
        return rows

    return apply


def _dense(graph: Graph, layer: Dense) -> Matrix:
    weights, intercepts = (graph.constant(part) for part in layer)
    return lambda rows: rows @ weights + intercepts


def _activation(graph: Graph, name: str) -> Matrix:
    tf = graph.tf
    match name:
        case "CRELU":
            return lambda values: tf.nn.relu(tf.concat([values, -values], axis=1))
        case "SELU":
            return lambda values: (
                SELU_SCALE * tf.where(values > 0, values, SELU_ALPHA * tf.nn.elu(values))
            )
    found: Matrix = {
        "RELU": tf.nn.relu,
        "RELU6": tf.nn.relu6,
        "ELU": tf.nn.elu,
        "SIGMOID": tf.sigmoid,
        "TANH": tf.tanh,
    }[name]
    return found


def _nearest(graph: Graph, fitted: Clusters) -> Callable[[Any], Tensors]:
    tf = graph.tf
    is_cosine = fitted.distance_type == "COSINE"
    centroids = graph.constant(fitted.centroids)

    def unit(matrix: Any) -> Any:
        length = tf.norm(matrix, axis=1, keepdims=True)
        return tf.math.divide_no_nan(matrix, length)

    def nearest(rows: Any) -> Tensors:
        if is_cosine:
            far = 1 - unit(rows) @ tf.transpose(unit(centroids))
            distances = tf.sqrt(tf.maximum(far, 0))
        else:
            distances = tf.norm(rows[:, None, :] - centroids[None, :, :], axis=2)
        order = tf.argsort(distances, axis=1, stable=True)
        ids = tf.cast(order, tf.int64) + 1
        return {
            "nearest_centroid_id": ids[:, 0],
            "centroid_ids": ids,
            "centroid_distances": tf.gather(distances, order, batch_dims=1),
        }

    return nearest


def _recommender(graph: Graph, fitted: Recommender, model: Model) -> Files:
    tf = graph.tf
    factors = fitted.factors
    sides = [
        (fitted.user_column, fitted.users, factors.users, factors.user_intercepts),
        (fitted.item_column, fitted.items, factors.items, factors.item_intercepts),
    ]
    kept = [
        # One row more, of zeros, is that of who is unknown.
        (name, known, _with_zeros(graph, rows), _with_zeros(graph, intercepts))
        for name, known, rows, intercepts in sides
    ]

    def rated(given: Tensors) -> Tensors:
        found = []
        total = tf.constant(factors.intercept, tf.float64)
        for name, known, rows, intercepts in kept:
            places = graph.places(_keys(known), _key(graph, given[name]))
            places = tf.where(places < 0, tf.constant(len(known), tf.int64), places)
            found.append(tf.gather(rows, places))
            total += tf.gather(intercepts, places)
        return {fitted.output: total + tf.reduce_sum(found[0] * found[1], axis=1)}

    return graph.files(list(model.feature_columns), rated)


def _with_zeros(graph: Graph, values: Any) -> Any:
    return graph.constant(np.concatenate([values, np.zeros_like(values[:1])]))


def _keys(known: pa.Array) -> Sequence[str]:
    if pa.types.is_floating(known.type) or pa.types.is_decimal(known.type):
        raise NotImplementedError(
            f"Exporting a matrix factorization whose users or items are {known.type} is not "
            "implemented on the local cloud: make them INT64 or STRING"
        )
    values: list[str] = texts(pa.chunked_array([known])).to_pylist()
    return values


def _key(graph: Graph, column: Any) -> Any:
    """Users and items as text; whole numbers come as FLOAT64, as all numbers do."""
    tf = graph.tf
    if column.dtype == tf.float64:
        return tf.strings.as_string(tf.cast(column, tf.int64))
    return graph.text(column)
