"""The examples in `sql/models/`, by kind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bqvertex.specs.model_kind import ModelKind, kinds
from bqvertex.specs.model_statement import ModelStatement, read_model_statement

FOLDER: Final = Path("sql/models")


@dataclass(frozen=True)
class Sample:
    """One example.

    Attributes:
        path: Its file below the project's root.
        text: The file's content.
        read: Its statement.
    """

    path: Path
    text: str
    read: ModelStatement

    @property
    def question(self) -> str:
        """First line of its header: what the model is for."""
        return self.read.statement.header.splitlines()[0]


def samples(root: Path) -> Mapping[str, Sequence[Sample]]:
    """Read the examples below a root, by name of their kind, that of the kind's own name first."""
    found: dict[str, list[Sample]] = {name: [] for name in kinds()}
    for file in sorted((root / FOLDER).glob("*.sql")):
        path = file.relative_to(root)
        text = file.read_text(encoding="utf-8")
        read = read_model_statement(text, str(path))
        found[read.kind.name].append(Sample(path, text, read))
    for name, listed in found.items():
        listed.sort(key=lambda sample: (sample.path.name != kinds()[name].sample, sample.path))
    return found


def page_path(kind: ModelKind) -> Path:
    """Say where a kind's page is, below the project's root."""
    return Path("docs/models") / f"{Path(kind.sample).stem}.md"
