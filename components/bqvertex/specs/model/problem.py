"""What is wrong with the inputs of a model."""

import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

from bqvertex.specs import evaluation_gate, label
from bqvertex.specs.identifier import DATASET, MODEL, PROJECT, Rule
from bqvertex.specs.identifier import problems as rule_problems
from bqvertex.specs.inputs import Problem, known, missing, not_text, whole_number
from bqvertex.specs.job import timeout_problems
from bqvertex.specs.location import location_problem
from bqvertex.specs.model.definition import alterable_of, is_accepted, stated_alterable
from bqvertex.specs.model.spec import REQUIRED
from bqvertex.specs.model_alterable import alterable_problems
from bqvertex.specs.model_secret import secret_problem
from bqvertex.specs.model_statement import read_model_statement, statement_problems
from bqvertex.specs.statement import StatementError
from bqvertex.specs.unknown import holds_unknown

_IDS: Final[Mapping[str, Rule]] = {"project": PROJECT, "dataset_id": DATASET, "model_id": MODEL}


def problems(olds: Mapping[str, Any], inputs: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield all that is wrong with inputs.

    Args:
        olds: Inputs that passed the check before; empty for a new resource.
        inputs: Inputs. A statement that passed before is not analysed again: ZetaSQL takes a
            second to load and run, and a preview that changes nothing does without it.
    """
    yield from missing(inputs, REQUIRED)
    texts = {"location", "statement", "statement_file", "description", "expiration"}
    yield from not_text(inputs, texts)
    if known(inputs, "location", str) and (reason := location_problem(inputs["location"])):
        yield "location", reason
    for name, rule in _IDS.items():
        if inputs.get(name) != "":
            yield from rule_problems(name, inputs.get(name), rule)
    yield from label.label_problems(inputs.get("labels"))
    yield from timeout_problems(inputs)
    yield from _flag_problems(inputs)
    yield from _limit_problems(inputs)
    gate_faults = list(evaluation_gate.shape_problems(inputs))
    yield from gate_faults
    # A connection or an endpoint that the statement names has to be where the dataset is.
    accepted = is_accepted(olds, inputs) and olds.get("location") == inputs.get("location")
    if accepted and all(olds.get(name) == inputs.get(name) for name in evaluation_gate.INPUTS):
        return
    if not known(inputs, "statement", str) or not inputs["statement"].strip():
        return
    if not accepted and (secret := _secret(inputs)) is not None:
        # Under no input's own name: the engine prints the value of the one that is named.
        yield "options", secret
        return
    if not accepted:
        file = inputs.get("statement_file") if known(inputs, "statement_file", str) else None
        # Named by its file: the engine prints the value of the input, here that of a whole text.
        name = "statement_file" if file else "statement"
        place = {key: inputs[key] for key in (*_IDS, "location") if known(inputs, key, str)}
        schemas = inputs["schemas"] if known(inputs, "schemas", dict) else {}
        models = inputs["models"] if known(inputs, "models", dict) else {}
        for reason in statement_problems(inputs["statement"], file or "", place, schemas, models):
            yield name, reason
        if olds and all(olds.get(key) == inputs.get(key) for key in _IDS):
            for reason in alterable_problems(alterable_of(olds), stated_alterable(inputs)):
                yield name, reason
    if not gate_faults and any(inputs.get(name) for name in evaluation_gate.INPUTS):
        try:
            read = read_model_statement(inputs["statement"], inputs.get("statement_file") or "")
        except StatementError:
            return
        yield from evaluation_gate.statement_problems(inputs, read)


def _secret(inputs: Mapping[str, Any]) -> str | None:
    try:
        read = read_model_statement(inputs["statement"], inputs.get("statement_file") or "")
    except StatementError:
        return None
    return secret_problem(read.parts.options)


def live_problems(inputs: Mapping[str, Any], refusal: str) -> Iterator[Problem]:
    """Yield what is wrong with a statement as the tables are that it reads.

    Args:
        inputs: Inputs in which nothing is wrong by themselves; `schemas` has the live columns of
            tables that nobody declared.
        refusal: Why BigQuery would refuse the statement; empty where it would not.
    """
    # What was found with these columns is BigQuery's own reason in better words.
    found = [reason for _, reason in problems({}, inputs)] or [
        reason for reason in [refusal] if reason
    ]
    name = "statement_file" if inputs.get("statement_file") else "statement"
    for reason in found:
        yield (
            name,
            f"{reason}\nThat is as the tables are now; where this program is to change them, give "
            "their columns in `schemas`",
        )


def _flag_problems(inputs: Mapping[str, Any]) -> Iterator[Problem]:
    for name in ("adopt", "adopt_as_is"):
        value = inputs.get(name)
        if value is not None and not holds_unknown(value) and not isinstance(value, bool):
            yield name, f"is {value!r} ({type(value).__name__}): give true or false"


def _limit_problems(inputs: Mapping[str, Any]) -> Iterator[Problem]:
    most_bytes, most_usd = inputs.get("max_bytes_billed"), inputs.get("max_price_usd")
    if most_bytes is not None and not holds_unknown(most_bytes):
        whole = whole_number(most_bytes)
        if isinstance(whole, bool) or not isinstance(whole, int) or whole < 1:
            yield "max_bytes_billed", f"is {most_bytes!r}: give a whole number of bytes, 1 or more"
    if most_usd is not None and not holds_unknown(most_usd) and not _is_amount(most_usd):
        yield "max_price_usd", f"is {most_usd!r}: give US dollars, 0 or more"


def _is_amount(value: Any) -> bool:
    return (
        isinstance(value, (int, float))
        and not isinstance(value, bool)
        and math.isfinite(value)
        and value >= 0
    )
