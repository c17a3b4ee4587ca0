"""The page of one kind of model."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from bqvertex.specs.model_kind import TUNED_JOB_TIMEOUT_S, ModelKind
from bqvertex.specs.model_option_rule import CLAUSES
from bqvertex.specs.model_option_tuning import TRIALS

from generate.model_page.cost import change_table
from generate.model_page.local import local_words
from generate.model_page.option import option_table
from generate.model_page.program import program
from generate.model_page.rule import sentences
from generate.model_page.sample import Sample, page_path
from generate.model_page.table import table

_PRICES: Final = {
    "internal": "BigQuery trains it: bytes at the rate of CREATE MODEL",
    "external": "Vertex AI trains it: bytes at the rate of queries, and Vertex AI's own charge, "
    "which nobody tells beforehand",
    "none": "no bytes are billed for making it",
}


def page(root: Path, kind: ModelKind, samples: Sequence[Sample]) -> str:
    """Write the page of a kind.

    Args:
        root: The project's root.
        kind: The kind.
        samples: Its examples, the first of which is its own.
    """
    first, *others = samples
    lines = [
        f"<!-- Made by `python -m generate` of generate/model_kinds.toml and {first.path}. -->",
        f"# {kind.title}",
        "",
        f"{first.question} See [all kinds](../models.md) for what they share.",
        "",
        table(("this kind", ""), _facts(kind, first)),
        "",
        "## Declare it",
        "",
        "```python",
        program(root, first).text.rstrip(),
        "```",
        "",
        "## Its statement",
        "",
        *_statement(kind, first),
    ]
    for other in others:
        title = other.path.stem.removeprefix(first.path.stem).strip("_")
        lines += ["", f"### {title.capitalize()}", "", *_statement(kind, other)]
    lines += ["", "## Options", "", option_table(kind)]
    if rules := list(sentences(kind)):
        lines += ["", "Of these and the clauses, at preview and with no account:", ""]
        lines += [f"- {rule}" for rule in rules]
    lines += ["", "## What a change costs", "", change_table(kind), ""]
    return "\n".join(lines)


def _statement(kind: ModelKind, sample: Sample) -> list[str]:
    link = os.path.relpath(sample.path, page_path(kind).parent)
    sql = ["```sql", sample.text.rstrip(), "```"]
    return [f"[`{sample.path}`]({link}):", "", *sql]


def _facts(kind: ModelKind, sample: Sample) -> Iterator[tuple[str, str]]:
    if kind.is_remote:
        yield "statement", "`REMOTE WITH CONNECTION`, no `MODEL_TYPE`"
    else:
        yield "`MODEL_TYPE`", f"`{kind.name}`"
    yield "clauses", _clauses(kind)
    yield "component", f"`{component(kind)}`"
    yield "`ML.EVALUATE`", _evaluation(kind)
    yield "[deadline](../models.md#deadlines)", _deadline(kind)
    yield "[price](../models.md#limits)", _price(kind)
    yield "[local cloud](../local_cloud_bqml.md)", local_words(kind, sample)
    yield "Google's page", f"[{Path(kind.page).name}]({kind.page})"


def _clauses(kind: ModelKind) -> str:
    words = {**CLAUSES, "query": "AS SELECT", "fields": "INPUT and OUTPUT"}
    listed = [
        f"`{words[name]}`" + (" (optional)" if need == "optional" else "")
        for name, need in kind.clauses.items()
    ]
    return ", ".join(listed) or "OPTIONS alone"


def component(kind: ModelKind) -> str:
    """Name the component that makes models of a kind."""
    if kind.is_remote:
        return "RemoteModel"
    return "ImportedModel" if kind.category == "imported" else "TrainedModel"


def _evaluation(kind: ModelKind) -> str:
    if not kind.evaluation_metrics:
        return "none, so it takes no [gate](../models.md#a-gate)"
    listed = ", ".join(f"`{metric}`" for metric in kind.evaluation_metrics)
    if kind.has_evaluation:
        return listed
    return f"{listed}; a [gate](../models.md#a-gate) needs `evaluation_query`"


def _deadline(kind: ModelKind) -> str:
    hours = f"{kind.job_timeout_s / 3600:g} hours"
    if TRIALS in kind.options and kind.job_timeout_s < TUNED_JOB_TIMEOUT_S:
        hours += f", {TUNED_JOB_TIMEOUT_S / 3600:g} with `{TRIALS}`"
    return hours


def _price(kind: ModelKind) -> str:
    words = _PRICES[kind.price_class]
    if kind.is_remote and not kind.is_trained:
        return f"{words}; calls, and machines that it runs on, cost what their service charges"
    if kind.price_class == "none":
        return words
    told = "tells" if kind.dry_run_estimates else "need not tell"
    return f"{words}; a dry run {told} the bytes"
