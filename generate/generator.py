"""The generators, by the name that the command takes."""

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Final, TypeAlias

from generate.generated_file import GeneratedFile

Generator: TypeAlias = Callable[[Path], Iterable[GeneratedFile]]
"""Takes the project's root and answers the files that should be there."""

GENERATORS: Final[Mapping[str, str]] = {
    "bqml_options": "generate.bqml_options",
    "model_pages": "generate.model_page",
    "local_cloud_support": "generate.local_cloud_support",
}
"""Modules with a function `generated_files`, a `Generator`, in the order in which they run."""


def generator(name: str) -> Generator:
    """Return a generator by its name.

    Args:
        name: One of `GENERATORS`.
    """
    found: Generator = import_module(GENERATORS[name]).generated_files
    return found
