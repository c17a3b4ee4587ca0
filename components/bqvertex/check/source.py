"""The files of a check: found, read, told apart."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SQL: Final = ".sql"
SCHEMA: Final = ".schema.json"

# Copies of other people's files, and what tools keep.
_LEFT_OUT: Final = frozenset({"node_modules", "__pycache__", "venv", "site-packages"})


@dataclass(frozen=True, eq=False)
class Source:
    """One file.

    Attributes:
        path: Where it is, as it was given or found.
        text: What it holds; None when that is no UTF-8 text.
        is_checked: Whether it was asked for; another file beside it only says what there is.
        problem: Why it cannot be read; empty when it can.
    """

    path: Path
    text: str | None
    is_checked: bool
    problem: str = ""

    @property
    def is_schema(self) -> bool:
        """Whether it lists the columns of a table."""
        return self.path.suffix == ".json"

    @property
    def stem(self) -> str:
        """The name it gives to what it holds: `d.t` for `d.t.sql` and `d.t.schema.json`."""
        return self.path.name.removesuffix(SCHEMA).removesuffix(".json").removesuffix(SQL)


def read_sources(
    paths: Sequence[Path],
    schemas: Sequence[Path] = (),
    *,
    text: str | None = None,
    filename: Path | None = None,
) -> list[Source]:
    """Find and read files.

    Args:
        paths: Files, and folders that are searched for `*.sql` and `*.schema.json`. What lies
            beside a file is read too, and says what there is.
        schemas: Further schema files, and folders that are searched for them.
        text: A text to check in place of all files, as an editor hands it over; the paths then
            only say what there is. Left out, the paths are checked.
        filename: The file that the text is to be saved as; left out, `stdin.sql`.

    Returns:
        Each file once, in the order of their paths.

    Raises:
        OSError: A path cannot be read.
    """
    found: dict[Path, Source] = {}
    for path, is_checked in _listed(paths, schemas):
        key = path.resolve()
        if key not in found or (is_checked and not found[key].is_checked):
            found[key] = _read(path, is_checked=is_checked and text is None)
    if text is not None:
        path = filename or Path("stdin.sql")
        found[path.resolve()] = Source(path, text, is_checked=True)
    return sorted(found.values(), key=lambda source: source.path.as_posix())


def _listed(paths: Iterable[Path], schemas: Iterable[Path]) -> Iterator[tuple[Path, bool]]:
    for path in paths:
        if path.is_dir():
            for file in _below(path, (SQL, SCHEMA)):
                yield file, True
        else:
            yield path, True
            for beside in sorted(path.parent.iterdir()):
                if beside.name.endswith((SQL, SCHEMA)) and beside.is_file():
                    yield beside, False
    for path in schemas:
        for file in _below(path, (SCHEMA,)) if path.is_dir() else (path,):
            yield file, True


def _below(folder: Path, endings: tuple[str, ...]) -> Iterator[Path]:
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and name not in _LEFT_OUT
        )
        yield from (Path(root, name) for name in sorted(files) if name.endswith(endings))


def _read(path: Path, *, is_checked: bool) -> Source:
    data = path.read_bytes()
    try:
        # Editors on Windows begin a file with a byte order mark, which no SQL has.
        return Source(path, data.decode("utf-8-sig"), is_checked)
    except UnicodeDecodeError as error:
        reason = f"not UTF-8 text: {error.reason} at byte {error.start}; save it as UTF-8"
        return Source(path, None, is_checked, reason)
