"""What tells one definition of a model from another, and what changed."""

import re
from collections.abc import Mapping
from typing import Any, Final

from bqvertex.specs.inputs import known
from bqvertex.specs.location import same_location
from bqvertex.specs.model.spec import ESTIMATES, INPUTS, ModelSpec
from bqvertex.specs.model_alterable import alterable_options
from bqvertex.specs.model_statement import (
    ModelStatement,
    canonical_hash,
    column_types,
    read_model_statement,
)
from bqvertex.specs.statement import StatementError
from bqvertex.specs.unknown import UNKNOWN, holds_unknown

READ_FROM: Final = (
    "statement",
    "statement_file",
    "schemas",
    "models",
    "project",
    "dataset_id",
    "model_id",
)
"""Inputs that decide what a statement means and whether it is right."""
_ALTERABLE: Final = "alterable_options"
_NAMED: Final = ("statement", "project", "dataset_id", "model_id")
_HASH: Final = re.compile(r"[0-9a-f]{64}\Z")


def is_accepted(olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
    """Tell whether a statement was checked before, word for word and in the same place.

    Args:
        olds: Inputs that passed the check before; empty for a new resource.
        news: Inputs.
    """
    return (
        _is_hash(olds.get("definition_hash"))
        and not holds_unknown([news.get(name) for name in READ_FROM])
        and all(olds.get(name) == news.get(name) for name in READ_FROM)
    )


def is_known(inputs: Mapping[str, Any]) -> bool:
    """Tell whether all that decides what a training reads is known already."""
    return not holds_unknown([inputs.get(name) for name in (*READ_FROM, "location")])


def derived(olds: Mapping[str, Any], news: Mapping[str, Any]) -> dict[str, Any]:
    """Work out the inputs that tell one definition from another, as far as they are known.

    Args:
        olds: Inputs that passed the check before; empty for a new resource. What meant the same
            then means the same now: a new version of the toolkit, which may hash in another way,
            retrains nothing.
        news: Inputs.

    Returns:
        `definition_hash`, `alterable_options` where there are any, and `result_columns` where the
        schemas make it known; all `UNKNOWN` while the statement is. `ESTIMATES` as they were for a
        statement that was checked before. Empty for a statement that cannot be read.
    """
    if holds_unknown([news.get(name) for name in READ_FROM]):
        return dict.fromkeys(("definition_hash", "result_columns", _ALTERABLE), UNKNOWN)
    if is_accepted(olds, news):
        kept = ("definition_hash", "result_columns", _ALTERABLE, *ESTIMATES)
        return {name: olds[name] for name in kept if olds.get(name) is not None}
    if not all(known(news, name, str) for name in _NAMED):
        return {}
    try:
        found: dict[str, Any] = {"definition_hash": _hash(news)}
        if _means_what_it_did(olds, found["definition_hash"]):
            found["definition_hash"] = olds["definition_hash"]
        columns = column_types(
            _read(news), news.get("schemas") or {}, news, news.get("models") or {}
        )
    except StatementError:
        return {}
    if columns is not None:
        found["result_columns"] = columns
    if alterable := alterable_options(_read(news), news["model_id"]):
        found[_ALTERABLE] = alterable
    return found


def alterable_of(state: Mapping[str, Any]) -> dict[str, str]:
    """Say what a state gives to options that ALTER MODEL sets; that of version 0.1 does not say."""
    return dict(state[_ALTERABLE] or {}) if _ALTERABLE in state else stated_alterable(state)


def stated_alterable(inputs: Mapping[str, Any]) -> dict[str, str]:
    """Read from a statement what it gives to options that ALTER MODEL sets; empty for a wrong one.

    Args:
        inputs: Inputs, or a state.
    """
    if not all(known(inputs, name, str) for name in _NAMED):
        return {}
    try:
        return alterable_options(_read(inputs), inputs["model_id"])
    except StatementError:
        return {}


def _means_what_it_did(olds: Mapping[str, Any], hash_now: str) -> bool:
    if not _is_hash(olds.get("definition_hash")):
        return False
    try:
        return _hash(olds) == hash_now
    except StatementError:
        # An older version took what this one cannot read.
        return False


def _read(inputs: Mapping[str, Any]) -> ModelStatement:
    return read_model_statement(inputs["statement"], inputs.get("statement_file") or "")


def _hash(inputs: Mapping[str, Any]) -> str:
    return canonical_hash(_read(inputs), inputs["project"], inputs["dataset_id"])


def _is_hash(value: Any) -> bool:
    # A read that finds another model there puts words in its place.
    return isinstance(value, str) and _HASH.match(value) is not None


def changed(olds: Mapping[str, Any], news: Mapping[str, Any]) -> frozenset[str]:
    """Name the inputs that differ in meaning; one that is not known yet always does.

    Args:
        olds: The state.
        news: Checked inputs.
    """
    if any(holds_unknown(news.get(name)) for name in INPUTS):
        return frozenset(
            name
            for name in INPUTS - {"result_columns"}
            if holds_unknown(news.get(name)) or olds.get(name) != news.get(name)
        )
    old, new = ModelSpec.from_inputs(olds), ModelSpec.from_inputs(news)
    different = {name for name in INPUTS if getattr(old, name) != getattr(new, name)}
    if same_location(old.location, new.location):
        different.discard("location")
    if _ALTERABLE in different and alterable_of(olds) == new.alterable_options:
        different.discard(_ALTERABLE)
    # Schemas that were not declared before tell nothing of a change of the tables.
    if old.result_columns is None or new.result_columns is None:
        different.discard("result_columns")
    return frozenset(different)
