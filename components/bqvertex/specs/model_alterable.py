"""Options of a model that ALTER MODEL sets, so that no training is needed for them.

https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-alter-model
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from bqvertex.specs.identifier import quoted_path
from bqvertex.specs.model_statement import ALTERABLE, ModelStatement
from googlesql.constant import Constant, Expression
from googlesql.literal import render

REGISTRY_ID: Final = "VERTEX_AI_MODEL_ID"


def alterable_options(statement: ModelStatement, model_id: str) -> dict[str, str]:
    """Say what a statement gives to options that ALTER MODEL sets.

    Args:
        statement: The statement.
        model_id: The model, which is its own registry id where the statement names none.

    Returns:
        Values as GoogleSQL by names in upper case. MODEL_REGISTRY alone is the registry id.
    """
    stated = statement.parts.options
    found = {
        name: _written(stated[name])
        for name in sorted(ALTERABLE - {"MODEL_REGISTRY"})
        if stated.get(name) is not None
    }
    if stated.get("MODEL_REGISTRY") is not None:
        found.setdefault(REGISTRY_ID, render(model_id))
    return found


def alter_statement(
    path: tuple[str, str, str], old: Mapping[str, str], new: Mapping[str, str]
) -> str | None:
    """Write what gives a live model its options; None where nothing is to be set.

    Args:
        path: Project, dataset and model.
        old: `alterable_options` as they are.
        new: As they should be. What is left out stays as it is: ALTER MODEL takes nothing away.
    """
    changes = [f"{name.lower()} = {new[name]}" for name in new if new[name] != old.get(name)]
    if not changes:
        return None
    return f"ALTER MODEL {quoted_path(path)} SET OPTIONS ({', '.join(changes)})"


def alterable_problems(olds: Mapping[str, Any], news: Mapping[str, str]) -> Iterator[str]:
    """Yield what no statement can change about a model that is there.

    Args:
        olds: `alterable_options` of the state.
        news: Those of the inputs.
    """
    was, now = olds.get(REGISTRY_ID), news.get(REGISTRY_ID)
    if was is not None and was != now:
        wanted = f"become {now}" if now is not None else "be taken away"
        yield (
            f"{REGISTRY_ID} {was} cannot {wanted}: a model keeps its id in the Model Registry for "
            "life; keep the option, or choose another model_id for another model"
        )


def _written(value: Constant) -> str:
    return value.text if isinstance(value, Expression) else render(value)
