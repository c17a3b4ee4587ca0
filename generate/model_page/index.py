"""The page on all kinds of models."""

from typing import Final

from bqvertex.specs.model_kind import ModelKind, kinds

from generate.model_page.local import local_words
from generate.model_page.page import component
from generate.model_page.sample import page_path
from generate.model_page.table import table

PLACEHOLDER: Final = "<!-- kinds -->"
MADE_OF: Final = "<!-- Made by `python -m generate` of generate/model_page/models.md. -->\n"


def index(template: str) -> str:
    """Put the table of kinds into the page's text.

    Args:
        template: The text, with `PLACEHOLDER` where the table goes.
    """
    rows = [
        (
            f"[{kind.title}](models/{page_path(kind).name})",
            _type(kind),
            f"`{component(kind)}`",
            _trainer(kind),
            local_words(kind),
        )
        for kind in kinds().values()
    ]
    heads = ("kind", "`MODEL_TYPE`", "component", "trained by", "local cloud")
    return MADE_OF + template.replace(PLACEHOLDER, table(heads, rows))


def _type(kind: ModelKind) -> str:
    return "" if kind.is_remote else f"`{kind.name}`"


def _trainer(kind: ModelKind) -> str:
    if not kind.is_trained:
        return ""
    return "BigQuery" if kind.price_class == "internal" else "Vertex AI"
