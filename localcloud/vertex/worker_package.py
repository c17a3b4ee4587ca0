"""Python packages of a custom job: unpacked, not installed."""

import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from localcloud.errors import ApiError
from localcloud.storage.stored_file import stored_file
from localcloud.store import Store


def unpack(store: Store, uris: Sequence[str], folder: Path) -> list[Path]:
    """Unpack source distributions and wheels.

    Nothing is installed, so that a job changes no interpreter: what a package needs must be
    there already.

    Args:
        store: What is kept, with Cloud Storage's objects.
        uris: The packages' `gs://` URIs.
        folder: Takes a folder a package.

    Returns:
        Where Python finds the modules.

    Raises:
        ApiError: A package is missing or no archive.
    """
    found: list[Path] = []
    for number, uri in enumerate(uris):
        into = folder / str(number)
        into.mkdir(parents=True, exist_ok=True)
        found += _unpacked(stored_file(store, uri), uri, into)
    return found


def _unpacked(file: Path, uri: str, into: Path) -> list[Path]:
    try:
        if uri.endswith((".whl", ".zip")):
            with zipfile.ZipFile(file) as wheel:
                wheel.extractall(into)
        else:
            with tarfile.open(file) as source:
                source.extractall(into, filter="data")
    except (tarfile.TarError, zipfile.BadZipFile, OSError) as error:
        raise ApiError(
            "INVALID_ARGUMENT",
            f"{uri} cannot be unpacked as a Python package (.tar.gz, .zip or .whl): {error}",
        ) from error
    # A source distribution is one folder, in which setuptools also looks into `src`.
    roots = [into] if uri.endswith(".whl") else [into, *(p for p in into.iterdir() if p.is_dir())]
    return [*roots, *(root / "src" for root in roots if (root / "src").is_dir())]
