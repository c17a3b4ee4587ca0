"""CREATE MODEL: from options and rows to a fitted model."""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import pyarrow as pa

from localcloud.bqml import kinds, warm_start
from localcloud.bqml.errors import BqmlError
from localcloud.bqml.model import Model, OnIteration


def train(
    options: Mapping[str, object],
    table: pa.Table,
    *,
    before_transform: pa.Table | None = None,
    holidays: pa.Table | None = None,
    previous: Model | None = None,
    on_iteration: OnIteration | None = None,
) -> Model:
    """Fit a model.

    Args:
        options: What OPTIONS gives; names in upper case. Where the model is registered and how it
            is encrypted is not read here.
        table: The training rows, after TRANSFORM.
        before_transform: The columns that TRANSFORM reads; None without one.
        holidays: The rows of CUSTOM_HOLIDAY; None without it.
        previous: The model that WARM_START goes on from; None: there is none that was trained.
        on_iteration: Called after each step; may raise to stop the training.

    Returns:
        The model.

    Raises:
        BqmlError: The options or the rows are not what the kind needs.
        NotImplementedError: Google does it and the local cloud does not yet.
    """
    kind = kinds.kind_of(options)
    if "NUM_TRIALS" in options:
        from localcloud.bqml.tuning import training as tuning

        return tuning.train(kind, options, table, on_iteration)
    warm = options.get("WARM_START") is True and "WARM_START" in kind.options
    before = warm_start.checked(kind, options, previous) if warm else None
    settings = kinds.settings(kind, options, None if before is None else before.options)
    if before_transform is not None and not kind.takes_transform:
        raise BqmlError(f"a model of type {kind.name} takes no TRANSFORM clause")
    if kind.is_transform:
        if before_transform is None:
            raise BqmlError(f"a model of type {kind.name} needs a TRANSFORM clause")
        table = before_transform
    train_kind: Callable[..., Model] = kind.train
    if holidays is not None:
        if not kind.takes_holidays:
            raise BqmlError(f"custom_holiday is for time series, and this is {kind.name}")
        if before_transform is not None:
            raise BqmlError("custom_holiday does not go with a TRANSFORM clause")
        train_kind = partial(train_kind, holidays=holidays)
    if before is None:
        return train_kind(kind, settings, table, on_iteration)
    model = train_kind(kind, settings, table, on_iteration, previous=before)
    return replace(model, earlier=[*before.earlier, before.iterations])


def check(options: Mapping[str, object]) -> None:
    """Refuse options that `train` would refuse whatever the rows are.

    Args:
        options: See `train`.

    Raises:
        BqmlError: See `train`.
        NotImplementedError: See `train`.
    """
    kind = kinds.kind_of(options)
    if "NUM_TRIALS" in options:
        from localcloud.bqml.tuning import training as tuning

        tuning.check(kind, options)
    else:
        kinds.settings(kind, options)


def warm_up() -> None:
    """Import what a training needs and what takes seconds to import."""
    for name in ("pandas", "xgboost", "sklearn.linear_model", "sklearn.metrics", "scipy.spatial"):
        importlib.import_module(name)
