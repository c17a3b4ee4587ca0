"""Training a network, one pass over the rows after another, by Keras on JAX."""

import functools
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from localcloud.bqml.arrays import Design, Floats
from localcloud.bqml.network.activation import ACTIVATIONS
from localcloud.bqml.network.layers import Dense
from localcloud.bqml.network.optimizer import Optimizer

NUMBERS_A_CHUNK = 16_000_000
"""Encoded rows are handed over in chunks of about this many numbers."""


@dataclass(frozen=True)
class Plan:
    """What is trained.

    Attributes:
        units: Of each hidden layer.
        outputs: How many numbers the network gives: one for a number or for two classes.
        activation: One of `ACTIVATIONS`.
        dropout: The share of hidden units that each step leaves out.
        classifies: Whether outputs are log odds of classes.
        deep: Moves the layers.
        wide: Moves a linear part beside them; None: there is none.
        batch: Rows of one step.
        latent: The hidden layer whose activations are penalised; None: none is.
        latent_penalty: By how much.
    """

    units: tuple[int, ...]
    outputs: int
    activation: str
    dropout: float
    classifies: bool
    deep: Optimizer
    wide: Optimizer | None
    batch: int
    latent: int | None = None
    latent_penalty: float = 0.0


@dataclass(frozen=True)
class Numbers:
    """What a network has learnt.

    Attributes:
        deep: Its layers.
        wide: Its linear part; empty without one.
        loss: Mean over the rows of the last pass, each at its own step; NaN before the first.
    """

    deep: tuple[Dense, ...]
    wide: tuple[Dense, ...] = field(default=())
    loss: float = float("nan")


def passes(
    plan: Plan, features: Design, target: Floats, weights: Floats | None, start: Numbers | None
) -> Iterator[Numbers]:
    """What the network has learnt after each pass over the rows; it never ends.

    Args:
        plan: What is trained.
        features: The encoded rows.
        target: Of each row the number, the class's place, or a row of numbers.
        weights: Of each row; None: all alike.
        start: Where to begin; None: at random.
    """
    keras, jax = _libraries()
    model, built = _built(keras, plan, features.shape[1])
    if start is not None:
        arrays = [array for dense in (*start.deep, *start.wide) for array in dense]
        for variable, array in zip(built.variables, arrays, strict=True):
            variable.assign(array)
    epoch = jax.jit(functools.partial(_epoch, keras, jax, plan, model, built))
    state = (
        [variable.value for variable in model.trainable_variables],
        [variable.value for variable in model.non_trainable_variables],
        [[variable.value for variable in own.variables] for own in built.optimizers],
    )
    random = np.random.default_rng(0)
    rows = features.astype(np.float32)
    by_row = np.ones(len(target)) if weights is None else weights
    while True:
        losses = []
        for chunk in _chunks(plan, rows, target, by_row, random.permutation(len(target))):
            state, sums = epoch(state, *chunk)
            losses.append(sums)
        total = sum(float(np.asarray(sums, dtype=np.float64).sum()) for sums in losses)
        yield _numbers(plan, built, state[0], total / float(by_row.sum()))


@dataclass(frozen=True)
class _Built:
    """Keras' variables by part.

    Attributes:
        variables: Of the layers, then of the linear part.
        groups: Places of each part's variables among the model's.
        optimizers: Keras' optimizer of each part.
    """

    variables: list[Any]
    groups: list[list[int]]
    optimizers: list[Any]


def _libraries() -> tuple[Any, Any]:
    # Keras reads both when it is first imported.
    os.environ.setdefault("KERAS_BACKEND", "jax")
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    import jax
    import keras

    if keras.backend.backend() != "jax":
        raise RuntimeError(
            f"Keras runs on {keras.backend.backend()} in this process, and networks are trained "
            "on jax: set KERAS_BACKEND=jax"
        )
    return keras, jax


def _built(keras: Any, plan: Plan, width: int) -> tuple[Any, _Built]:
    inputs = keras.Input((width,))
    values, deep = inputs, []
    latent = None
    for place, units in enumerate(plan.units):
        deep.append(_dense(keras, units, place))
        values = _activated(keras, plan.activation, deep[-1](values))
        if place == plan.latent:
            latent = values
        if plan.dropout:
            values = keras.layers.Dropout(plan.dropout, seed=place)(values)
    deep.append(_dense(keras, plan.outputs, len(plan.units)))
    outputs, wide = deep[-1](values), []
    if plan.wide is not None:
        wide.append(keras.layers.Dense(plan.outputs, kernel_initializer="zeros"))
        outputs = outputs + wide[0](inputs)
    model = keras.Model(inputs, [outputs, outputs if latent is None else latent])
    places = {variable.path: i for i, variable in enumerate(model.trainable_variables)}
    parts = [(plan.deep, deep)] + ([(plan.wide, wide)] if plan.wide is not None else [])
    variables = [[v for layer in layers for v in layer.variables] for _, layers in parts]
    return model, _Built(
        variables=[variable for own in variables for variable in own],
        groups=[[places[variable.path] for variable in own] for own in variables],
        optimizers=[
            optimizer.build(keras, own)
            for (optimizer, _), own in zip(parts, variables, strict=True)
        ],
    )


def _dense(keras: Any, units: int, place: int) -> Any:
    return keras.layers.Dense(
        units, kernel_initializer=keras.initializers.GlorotUniform(seed=place)
    )


def _activated(keras: Any, name: str, values: Any) -> Any:
    if ACTIVATIONS[name].doubles:
        return keras.ops.relu(keras.ops.concatenate([values, -values], axis=1))
    return getattr(keras.ops, ACTIVATIONS[name].keras)(values)


def _epoch(
    keras: Any,
    jax: Any,
    plan: Plan,
    model: Any,
    built: _Built,
    state: Any,
    features: Any,
    target: Any,
    weights: Any,
    counts: Any,
) -> Any:
    """The state after a step for each batch of a chunk, and the sum of each batch's losses."""
    optimizers = [plan.deep] + ([] if plan.wide is None else [plan.wide])

    def loss(values: Any, others: Any, batch: Any) -> Any:
        rows, wanted, by_row, count = batch
        (outputs, latent), others = model.stateless_call(values, others, rows, training=True)
        whole = told = (_losses(keras, plan, outputs, wanted) * by_row).sum()
        if plan.latent_penalty:
            whole = whole + plan.latent_penalty * (abs(latent).sum(axis=1) * (by_row > 0)).sum()
        return whole / count, (others, told)

    slopes = jax.grad(loss, has_aux=True)

    def step(state: Any, batch: Any) -> Any:
        values, others, own = state
        gradients, (others, told) = slopes(values, others, batch)
        values, own = list(values), list(own)
        for place, (optimizer, group) in enumerate(zip(optimizers, built.groups, strict=True)):
            moved, own[place] = optimizer.moved(
                keras,
                built.optimizers[place],
                own[place],
                [gradients[i] for i in group],
                [values[i] for i in group],
            )
            for i, value in zip(group, moved, strict=True):
                values[i] = value
        return (values, others, own), told

    return jax.lax.scan(step, state, (features, target, weights, counts))


def _losses(keras: Any, plan: Plan, outputs: Any, wanted: Any) -> Any:
    """The loss of each row."""
    if not plan.classifies:
        return keras.ops.mean(keras.ops.square(wanted.reshape(outputs.shape) - outputs), axis=1)
    if plan.outputs == 1:
        return keras.ops.binary_crossentropy(wanted, outputs[:, 0], from_logits=True)
    return keras.ops.sparse_categorical_crossentropy(wanted, outputs, from_logits=True)


def _chunks(
    plan: Plan, features: Design, target: Floats, weights: Floats, order: Any
) -> Iterator[tuple[Any, ...]]:
    """Batches in chunks: rows, targets, weights and the number of rows that are really there."""
    rows, width = features.shape
    size = max(1, NUMBERS_A_CHUNK // max(1, plan.batch * width)) * plan.batch
    for first in range(0, rows, size):
        places = order[first : first + size]
        batches = -(-len(places) // plan.batch)
        # The last batch is filled up with rows that weigh nothing.
        filled = np.resize(places, batches * plan.batch)
        is_there = np.arange(len(filled)) < len(places)
        chosen = features[filled]
        dense = chosen.toarray() if hasattr(chosen, "toarray") else chosen
        shape = (batches, plan.batch)
        kind = np.int32 if plan.classifies and plan.outputs > 1 else np.float32
        yield (
            dense.reshape(*shape, width),
            target[filled].astype(kind).reshape(*shape, *target.shape[1:]),
            np.where(is_there, weights[filled], 0).astype(np.float32).reshape(shape),
            is_there.reshape(shape).sum(axis=1).astype(np.float32),
        )


def _numbers(plan: Plan, built: _Built, values: Any, loss: float) -> Numbers:
    def dense(group: list[int]) -> tuple[Dense, ...]:
        arrays = [np.asarray(values[i], dtype=np.float64) for i in group]
        return tuple(zip(arrays[::2], arrays[1::2], strict=True))

    return Numbers(dense(built.groups[0]), dense(built.groups[1]) if plan.wide else (), loss)
