"""Makes `docs/models.md` and `docs/models/` of the data on kinds and of `sql/models/`."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from bqvertex.specs.model_kind import kinds

from generate.generated_file import GeneratedFile
from generate.model_page.index import index
from generate.model_page.page import page
from generate.model_page.sample import page_path, samples

TEMPLATE: Final = Path("generate/model_page/models.md")


def generated_files(root: Path) -> Iterable[GeneratedFile]:
    """Return the pages as data, examples and template below a root say."""
    template = (root / TEMPLATE).read_text(encoding="utf-8")
    by_kind = samples(root)
    yield GeneratedFile(Path("docs/models.md"), index(template, by_kind))
    for kind in kinds().values():
        yield GeneratedFile(page_path(kind), page(root, kind, by_kind[kind.name]))
