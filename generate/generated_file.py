"""A file that is made and never edited by hand."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class GeneratedFile:
    """A file as its generator wants it.

    Attributes:
        path: Where it lies, below the project's root.
        text: All of its content.
    """

    path: Path
    text: str

    def is_current(self, root: Path) -> bool:
        """Tell whether the file below a root holds exactly this."""
        file = root / self.path
        return file.is_file() and file.read_text(encoding="utf-8") == self.text

    def write(self, root: Path) -> None:
        """Write the file below a root."""
        file = root / self.path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(self.text, encoding="utf-8")
