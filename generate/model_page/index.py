"""The page on all kinds of models."""

from collections.abc import Mapping, Sequence
from typing import Final

from bqvertex.specs.model_kind import ModelKind, kinds

from generate.model_page.local import refusal
from generate.model_page.page import component
from generate.model_page.sample import Sample, page_path
from generate.model_page.table import table
from localcloud.bqml.kinds import KINDS

PLACEHOLDER: Final = "<!-- kinds -->"
MADE_OF: Final = "<!-- Made by `python -m generate` of generate/model_page/models.md. -->\n"


def index(template: str, by_kind: Mapping[str, Sequence[Sample]]) -> str:
    """Put the table of kinds into the page's text.

    Args:
        template: The text, with `PLACEHOLDER` where the table goes.
        by_kind: Examples by the name of their kind, its own first.
    """
    rows = [
        (
            f"[{kind.title}](models/{page_path(kind).name})",
            _type(kind),
            f"`{component(kind)}`",
            _trainer(kind),
            _local(kind, by_kind[kind.name][0]),
        )
        for kind in kinds().values()
    ]
    heads = ("kind", "`MODEL_TYPE`", "component", "trained by", "local cloud")
    return MADE_OF + template.replace(PLACEHOLDER, table(heads, rows))


def _local(kind: ModelKind, sample: Sample) -> str:
    return "yes" if refusal(kind, sample) is None else "no" if kind.name not in KINDS else "in part"


def _type(kind: ModelKind) -> str:
    return "" if kind.is_remote else f"`{kind.name}`"


def _trainer(kind: ModelKind) -> str:
    if not kind.is_trained:
        return ""
    return "BigQuery" if kind.price_class == "internal" else "Vertex AI"
