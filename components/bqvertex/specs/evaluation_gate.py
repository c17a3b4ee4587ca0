"""Thresholds that a newly trained model has to meet before it serves."""

import math
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from bqvertex.specs.inputs import Problem, not_text
from bqvertex.specs.model_kind import ModelKind
from bqvertex.specs.model_option import nearest
from bqvertex.specs.model_statement import ModelStatement
from bqvertex.specs.statement import Statement, StatementError, read_statement
from bqvertex.specs.unknown import holds_unknown

INPUTS: Final = ("evaluation", "evaluation_query")
BOUNDS: Final = ("min", "max", "min_change", "max_change")
"""What a metric may be held to: its value, and its change over the serving model's."""

REGISTRY_OPTIONS: Final = frozenset(
    {"MODEL_REGISTRY", "VERTEX_AI_MODEL_ID", "VERTEX_AI_MODEL_VERSION_ALIASES"}
)
"""Options that a candidate does not have: a model that may never serve is not registered."""


def thresholds(value: Any) -> dict[str, Mapping[str, float]]:
    """Take the input `evaluation`; what is no threshold is left out.

    A state of version 0.1.0 has the metrics of the last training under that name.
    """
    if not isinstance(value, Mapping):
        return {}
    return {metric: bounds for metric, bounds in value.items() if isinstance(bounds, Mapping)}


def shape_problems(inputs: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield what is wrong with `evaluation` and `evaluation_query` whatever the model is."""
    yield from not_text(inputs, {"evaluation_query"})
    gate = inputs.get("evaluation")
    if gate is None or holds_unknown(gate):
        return
    form = "give limits by metric, such as {'roc_auc': {'min': 0.75, 'min_change': -0.01}}"
    if not isinstance(gate, Mapping):
        yield "evaluation", f"is {gate!r} ({type(gate).__name__}): {form}"
        return
    for metric, bounds in gate.items():
        if not isinstance(bounds, Mapping) or not bounds:
            yield "evaluation", f"has {bounds!r} for {metric}: {form}"
            continue
        for name, limit in bounds.items():
            if name not in BOUNDS:
                allowed = ", ".join(BOUNDS)
                yield "evaluation", f"has {name!r} for {metric}: allowed are {allowed}"
            elif not _is_number(limit):
                yield "evaluation", f"has {limit!r} as {name} of {metric}: give a finite number"
        for least, most in (("min", "max"), ("min_change", "max_change")):
            low, high = bounds.get(least, -math.inf), bounds.get(most, math.inf)
            if _is_number(low) and _is_number(high) and low > high:
                yield (
                    "evaluation",
                    f"has {least} {low:g} above {most} {high:g} for {metric}: nothing passes that",
                )


def statement_problems(inputs: Mapping[str, Any], statement: ModelStatement) -> Iterator[Problem]:
    """Yield what is wrong with `evaluation` and `evaluation_query` for one model.

    Args:
        inputs: Inputs in which `shape_problems` finds nothing.
        statement: The CREATE MODEL statement.
    """
    kind = statement.kind
    gate = thresholds(inputs.get("evaluation"))
    query = inputs.get("evaluation_query")
    given = [name for name in INPUTS if inputs.get(name)]
    if given and not kind.evaluation_metrics:
        yield given[0], f"{kind.subject} has no ML.EVALUATE: leave {' and '.join(given)} out"
        return
    for metric in gate:
        if metric not in kind.evaluation_metrics:
            allowed = ", ".join(kind.evaluation_metrics)
            hint = nearest(metric, kind.evaluation_metrics)
            yield (
                "evaluation",
                f"names {metric!r}, which ML.EVALUATE does not answer for {kind.subject}{hint} "
                f"(allowed: {allowed})",
            )
    if gate and not kind.has_evaluation and not query:
        yield (
            "evaluation",
            f"{kind.subject} is evaluated on rows that it is given: give evaluation_query",
        )
    if gate and statement.parts.options.get("WARM_START") is True:
        yield (
            "evaluation",
            "does not go with WARM_START = TRUE: that trains the serving model on, and a candidate "
            "is trained from nothing beside it",
        )
    if isinstance(query, str) and query.strip():
        yield from _query_problems(query)


def _query_problems(query: str) -> Iterator[Problem]:
    try:
        read = read_statement(query)
    except StatementError as error:
        yield "evaluation_query", str(error)
        return
    if read.kind != "SELECT":
        yield "evaluation_query", f"is {read.kind}: give a SELECT statement"


def evaluate_statement(
    kind: ModelKind, path: str, project: str, dataset_id: str, query: str
) -> str | None:
    """Write the query for a model's metrics.

    Args:
        kind: Kind of the model.
        path: `project.dataset.model`.
        project: Project of bare names in the query.
        dataset_id: Dataset of bare names in the query.
        query: SELECT statement of the rows to evaluate on; empty for those that BigQuery held back
            from the training.

    Returns:
        The query; None for a kind that answers none.
    """
    if query and kind.evaluation_metrics:
        rows = _without_semicolon(
            read_statement(read_statement(query).qualified(project, dataset_id))
        )
        # On a line of its own: the query may end with a comment.
        return f"SELECT * FROM ML.EVALUATE(MODEL `{path}`, (\n{rows}\n))"
    if kind.has_evaluation:
        return f"SELECT * FROM ML.EVALUATE(MODEL `{path}`)"
    return None


def _without_semicolon(statement: Statement) -> str:
    tail = statement.sql.encode()[: statement.tree.end].decode().rstrip()
    return tail.removesuffix(";")


def asks_for_change(gate: Mapping[str, Mapping[str, float]]) -> bool:
    """Tell whether a gate compares with the model that serves."""
    return any({"min_change", "max_change"} & bounds.keys() for bounds in gate.values())


def failures(
    gate: Mapping[str, Mapping[str, float]],
    candidate: Mapping[str, float],
    serving: Mapping[str, float] | None,
) -> list[str]:
    """Decide whether a model may take another one's place.

    Args:
        gate: Limits by metric, see `BOUNDS`.
        candidate: Metrics of the new model.
        serving: Metrics of the model that serves; None where none does: changes are not asked.

    Returns:
        A sentence for each limit that is not met, such as `roc_auc is 0.71, at least 0.75 asked`;
        empty where the new model passes.
    """
    return [sentence for metric in gate for sentence in _fails(metric, gate, candidate, serving)]


def _fails(
    metric: str,
    gate: Mapping[str, Mapping[str, float]],
    candidate: Mapping[str, float],
    serving: Mapping[str, float] | None,
) -> Iterator[str]:
    bounds = gate[metric]
    if metric not in candidate:
        answered = ", ".join(sorted(candidate)) or "none"
        yield f"{metric} has no finite value (metrics that have one: {answered})"
        return
    value = _exact(candidate[metric])
    if "min" in bounds and value < (limit := _exact(bounds["min"])):
        yield f"{metric} is {_near(value, limit)}, at least {_plain(limit)} asked"
    if "max" in bounds and value > (limit := _exact(bounds["max"])):
        yield f"{metric} is {_near(value, limit)}, at most {_plain(limit)} asked"
    if serving is None or not {"min_change", "max_change"} & bounds.keys():
        return
    if metric not in serving:
        yield f"{metric} of the serving model has no finite value, so that no change can be told"
        return
    before = _exact(serving[metric])
    change = value - before
    said = f"{metric} {_moved(change, bounds)} the serving model's {_short(before)}"
    if "min_change" in bounds and change < (limit := _exact(bounds["min_change"])):
        yield f"{said}, {_allowed(limit, 'rise', 'fall')}"
    if "max_change" in bounds and change > (limit := _exact(bounds["max_change"])):
        yield f"{said}, {_allowed(-limit, 'fall', 'rise')}"


def _allowed(limit: Decimal, asked: str, allowed: str) -> str:
    if limit > 0:
        return f"a {asked} of at least {_plain(limit)} asked"
    return f"at most {_plain(-limit)} allowed" if limit else f"no {allowed} allowed"


def _moved(change: Decimal, bounds: Mapping[str, float]) -> str:
    limits = [abs(_exact(bounds[name])) for name in ("min_change", "max_change") if name in bounds]
    size = _near(abs(change), *limits)
    return f"fell by {size} below" if change < 0 else f"rose by {size} over"


def _exact(value: float) -> Decimal:
    # As it is written: 0.79 - 0.8 is a change of -0.01, and a little less in binary.
    return Decimal(repr(float(value)))


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}"


def _short(value: Decimal) -> str:
    return f"{float(value):.6g}"


def _near(value: Decimal, *limits: Decimal) -> str:
    # 0.74996 is shown as it is beside a limit of 0.75, and not as 0.75.
    shown = _short(value)
    return shown if value in limits or Decimal(shown) not in limits else _plain(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
