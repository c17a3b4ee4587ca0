"""Tools shared by all checkouts of a user: whole under their final name, or not there."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bootstrap.progress import step
from bootstrap.way import SetupError


@contextmanager
def lock(path: Path, what: str) -> Iterator[None]:
    """Holds a lock between processes; the kernel lets go of it when the process ends, however.

    Args:
        path: The lock's file; made where it is missing, never removed.
        what: What is done under it, for the one who waits, such as "sets up this checkout".

    Yields:
        Nothing; the lock is held within the block.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with step(f"waiting for another process that {what}"):
                fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def install(target: Path, program: str, build: Callable[[Path], None]) -> Path:
    """Makes a folder of the cache, once.

    It is built under another name beside its own and renamed at the end: a crash leaves nothing
    under the final name, and of two processes at once one builds and the other waits for it.

    Args:
        target: The folder; its name holds the version.
        program: The executable that it is for, relative to it. A folder without it is made again.
        build: Fills the empty folder it is given. What it makes may not hold that folder's path.

    Returns:
        `target`.

    Raises:
        SetupError: The disk is full, or the cache cannot be written.
    """
    if os.access(target / program, os.X_OK):
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with lock(target.parent / f".{target.name}.lock", f"installs {target.name}"):
            if os.access(target / program, os.X_OK):
                return target
            remove(target)
            # Whoever left these has crashed: they were made under the lock that is ours now.
            for left in target.parent.glob(f".{target.name}.*.part"):
                remove(left)
            staging = Path(
                tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
            )
            try:
                staging.chmod(0o755)
                build(staging)
                staging.rename(target)
            except BaseException:
                remove(staging)
                raise
    except OSError as error:
        if error.errno == errno.ENOSPC:
            free = shutil.disk_usage(_existing(target)).free / 1e9
            raise SetupError(
                f"disk full while installing {target} ({free:.1f} GB free). Free some space, or "
                "set XDG_CACHE_HOME to a folder on a larger disk, and run it again."
            ) from error
        if error.errno in (errno.EACCES, errno.EROFS):
            raise SetupError(
                f"cannot write {error.filename or target}: {error.strerror}. Make it writable, or "
                "set XDG_CACHE_HOME to a folder that is, and run it again."
            ) from error
        raise
    return target


def remove(folder: Path) -> None:
    """Removes a folder with all it holds; nothing where it is already gone.

    Go's module cache is read-only, folders too, and so cannot be removed as it lies.
    """
    if not folder.is_dir():
        return
    for parent, _, _ in os.walk(folder):
        Path(parent).chmod(0o700)
    shutil.rmtree(folder)


def _existing(path: Path) -> Path:
    return path if path.exists() else _existing(path.parent)
