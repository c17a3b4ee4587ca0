"""Files on this machine that are sent to Google: where they are, what they hold, their bytes."""

import gzip
import hashlib
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO, cast

PACKAGE_PREFIX = "package:"
_BLOCK = 1 << 20

# Several resources of a program may name one file, and an engine checks a resource more than once.
_HASHES: dict[tuple[str, int, int], str] = {}
_HASHES_LOCK = threading.Lock()


class SourceError(ValueError):
    """A file that cannot be had, or not read as what its name says. The message says what to do."""


def locate(source: str) -> Path:
    """Find the file that a `source` names.

    Args:
        source: A path relative to the working directory (the program's own folder, under Pulumi),
            an absolute path, or `package:NAME/inner/path` for a file inside an installed Python
            package, which is found without being imported.

    Returns:
        The path of a file that is there.

    Raises:
        SourceError: No such package or file.
    """
    if not source.startswith(PACKAGE_PREFIX):
        path = Path(source)
        if not path.is_file():
            raise SourceError(
                f"no file {source!r} (looked for {path.absolute()}); name a file relative to the "
                f"program, or one of an installed package as {PACKAGE_PREFIX}NAME/inner/path"
            )
        return path
    package, _, inner = source.removeprefix(PACKAGE_PREFIX).partition("/")
    if not package.isidentifier() or not inner:
        raise SourceError(
            f"source {source!r} is not of the form {PACKAGE_PREFIX}NAME/inner/path, with NAME a "
            "top-level Python package"
        )
    spec = find_spec(package)
    roots = list(spec.submodule_search_locations or ()) if spec else []
    if not roots:
        raise SourceError(
            f"no Python package {package!r} is installed where this runs (source {source!r}); "
            "add it to the program's dependencies"
        )
    for root in roots:
        path = Path(root) / inner
        if path.is_file():
            return path
    raise SourceError(f"package {package!r} in {roots[0]} has no file {inner!r}")


def content_sha256(source: str) -> str:
    """Hash what a file holds, unpacked: packing the same rows anew changes nothing.

    Args:
        source: See `locate`.

    Returns:
        64 hexadecimal digits.

    Raises:
        SourceError: It is not there, or is not the archive that its name says.
    """
    path = locate(source)
    stat = path.stat()
    key = (str(path.absolute()), stat.st_size, stat.st_mtime_ns)
    with _HASHES_LOCK:
        if key in _HASHES:
            return _HASHES[key]
    digest = hashlib.sha256()
    with opened(source) as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    with _HASHES_LOCK:
        _HASHES[key] = digest.hexdigest()
    return digest.hexdigest()


@contextmanager
def opened(source: str) -> Iterator[BinaryIO]:
    """Open a file for reading, unpacked as it is read: nothing is written to disk.

    Args:
        source: See `locate`. `.gz` is unpacked; so is a `.zip`, which must hold one file.

    Raises:
        SourceError: It is not there, or is not the archive that its name says.
    """
    path = locate(source)
    try:
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                members = [info for info in archive.infolist() if not info.is_dir()]
                if len(members) != 1:
                    raise SourceError(
                        f"{path} holds {len(members)} files; a .zip source holds exactly one"
                    )
                with archive.open(members[0]) as member:
                    yield cast(BinaryIO, member)
        elif path.suffix == ".gz":
            with gzip.open(path, "rb") as unpacked:
                yield cast(BinaryIO, unpacked)
        else:
            with path.open("rb") as plain:
                yield plain
    except (zipfile.BadZipFile, gzip.BadGzipFile, EOFError) as error:
        raise SourceError(f"{path} is no whole {path.suffix} archive: {error}") from error
    except PermissionError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}") from error
