"""The kinds of BigQuery ML models and what each takes, as `bqml_options.json` has it."""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any, Final

REMOTE: Final = "REMOTE"
"""Stands for every kind of remote model: their statements have no MODEL_TYPE."""


@dataclass(frozen=True)
class ModelKind:
    """One kind of model.

    Attributes:
        name: Its MODEL_TYPE; `REMOTE` for a remote model.
        options: The options it takes beside MODEL_TYPE, by name in upper case.
        has_label: Whether it is trained to predict a column of its query.
        has_evaluation: Whether ML.EVALUATE answers when it is given nothing but the model.
        page: Google's page on its statement.
    """

    name: str
    options: Mapping[str, Mapping[str, Any]]
    has_label: bool
    has_evaluation: bool
    page: str


@cache
def kinds() -> Mapping[str, ModelKind]:
    """Return every kind by name, remote models as the one kind `REMOTE`."""
    text = files("bqvertex.specs").joinpath("bqml_options.json").read_text(encoding="utf-8")
    listed: dict[str, dict[str, Any]] = json.loads(text)["kinds"]
    remote = {name: kind for name, kind in listed.items() if name.startswith(f"{REMOTE}:")}
    found = {
        name: ModelKind(
            name=name,
            options=kind["options"],
            has_label=kind["label"],
            has_evaluation=kind["evaluation"],
            page=kind["page"],
        )
        for name, kind in listed.items()
        if name not in remote
    }
    found[REMOTE] = ModelKind(
        name=REMOTE,
        options={n: option for kind in remote.values() for n, option in kind["options"].items()},
        has_label=False,
        has_evaluation=False,
        page=remote[f"{REMOTE}:llm"]["page"],
    )
    return found


def option_problems(
    model_type: str | None, *, remote: bool, options: Collection[str]
) -> Iterator[tuple[str, str]]:
    """Yield each option that a model of the kind does not take, and why.

    Args:
        model_type: Value of MODEL_TYPE as written; None without that option.
        remote: Whether the statement says REMOTE.
        options: Names of the options in upper case.

    Yields:
        The option's name and a sentence with what is allowed.
    """
    if remote:
        if model_type is not None:
            yield "MODEL_TYPE", "a remote model takes no MODEL_TYPE: what it calls says its kind"
        kind = kinds()[REMOTE]
        subject = "a remote model"
    else:
        found = kinds().get((model_type or "").upper())
        named = sorted(kinds().keys() - {REMOTE})
        if model_type is None:
            yield "MODEL_TYPE", f"a model that is not REMOTE needs MODEL_TYPE: {', '.join(named)}"
            return
        if found is None:
            yield (
                "MODEL_TYPE",
                f"{model_type!r} is no MODEL_TYPE{_nearest(model_type.upper(), named)} "
                f"({', '.join(named)})",
            )
            return
        kind = found
        subject = f"MODEL_TYPE {kind.name}"
    for name in options:
        if name not in kind.options and name != "MODEL_TYPE":
            yield (
                name,
                f"{subject} has no option {name}{_nearest(name, kind.options)} "
                f"({', '.join(sorted(kind.options))}); see {kind.page}",
            )


def _nearest(name: str, known: Collection[str]) -> str:
    near = get_close_matches(name, list(known), n=1, cutoff=0.7)
    return f"; did you mean {near[0]}?" if near else ""
