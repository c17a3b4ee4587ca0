"""The statement of a model that was trained elsewhere, from plain values."""

from collections.abc import Mapping
from typing import Any, Final

from bqvertex.specs.identifier import quoted_path
from bqvertex.specs.model_clause import fields_clauses, options_clause
from bqvertex.specs.model_kind import ModelKind, kinds
from bqvertex.specs.model_option import nearest

_INPUTS: Final = {"MODEL_TYPE": "model_type", "MODEL_PATH": "model_path"}


def imported_kinds() -> Mapping[str, ModelKind]:
    """Return the kinds that are imported, by MODEL_TYPE."""
    return {name: kind for name, kind in kinds().items() if kind.category == "imported"}


def imported_model_statement(
    model_id: str,
    *,
    model_type: str,
    model_path: str,
    inputs: Mapping[str, str],
    outputs: Mapping[str, str],
    options: Mapping[str, Any],
) -> str:
    """Write the CREATE MODEL statement of an imported model.

    Args:
        model_id: Id of the model.
        model_type: One of `imported_kinds`, in any case.
        model_path: `gs://bucket/path/*`.
        inputs: Type by name of the fields that it takes; empty where its file says them.
        outputs: Type by name of the fields that it answers; empty where its file says them.
        options: Further options by name in any case.

    Raises:
        ValueError: Something cannot be written in SQL, or would not be taken; the message says
            what is allowed.
    """
    kind = _kind(model_type)
    if (inputs or outputs) and not kind.takes_fields:
        takers = _listed({name: k for name, k in imported_kinds().items() if k.takes_fields})
        raise ValueError(
            f"inputs and outputs are for model_type {takers}; a file of {kind.name} says its own"
        )
    lines = [
        f"CREATE MODEL {quoted_path([model_id])}",
        *fields_clauses(inputs, outputs, kind.input_types, kind.output_types),
        options_clause({"MODEL_TYPE": kind.name, "MODEL_PATH": model_path}, options, _INPUTS),
    ]
    return "\n".join(lines)


def _kind(model_type: str) -> ModelKind:
    known = imported_kinds()
    kind = known.get(model_type.upper())
    if kind is None:
        hint = nearest(model_type.upper(), list(known))
        if model_type.upper() in kinds():
            hint = "; TrainedModel makes such a model"
        raise ValueError(f"model_type {model_type!r} is none of {_listed(known)}{hint}")
    return kind


def _listed(names: Mapping[str, ModelKind]) -> str:
    return ", ".join(sorted(names))
