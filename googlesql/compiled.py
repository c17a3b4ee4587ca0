"""WebAssembly compiled to machine code once and kept on disk."""

import contextlib
import hashlib
import json
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import wasmtime

Progress = Callable[[str], None]

_SECONDS_BETWEEN_REPORTS: Final = 5.0


class ModuleError(RuntimeError):
    """The module cannot be compiled, kept or loaded; the message says what to do."""


@dataclass(frozen=True)
class CompiledModule:
    """A WebAssembly module with a place for its compiled form.

    Two processes may load it at once: one compiles, the other waits. The file appears whole or not
    at all, and one that was damaged since is made again.

    Attributes:
        name: What it is, for messages.
        source: The WebAssembly file.
        kept: Where the compiled form is kept; its directory is made when it is needed. A file
            `.json` beside it tells a sound copy, a file `.lock` who compiles.
    """

    name: str
    source: Path
    kept: Path

    def load(
        self, engine: "wasmtime.Engine", on_progress: Progress | None = None
    ) -> "wasmtime.Module":
        """Map the compiled form, compiling first when there is no sound copy.

        Args:
            engine: The engine to load it into, and to compile for.
            on_progress: Called with one sentence when compiling or waiting begins, every five
                seconds meanwhile, and when it is done. Left out, nothing is reported.

        Raises:
            ModuleError: The compiled form cannot be written, or does not load.
        """
        module = self._mapped(engine)
        if module is not None:
            return module
        report = on_progress or (lambda _: None)
        try:
            self.kept.parent.mkdir(parents=True, exist_ok=True)
            with _only_one_process(self.kept.with_suffix(".lock"), self.name, report):
                # Another process may have compiled it while this one waited.
                module = self._mapped(engine)
                if module is None:
                    self._compile(engine, report)
                    module = self._mapped(engine)
        except OSError as error:
            raise ModuleError(
                f"cannot keep the compiled {self.name} module at {self.kept}: "
                f"{error.strerror or error}; it needs 80 MB: free the space, or set XDG_CACHE_HOME "
                "to a directory that can be written"
            ) from error
        if module is None:
            raise ModuleError(
                f"the {self.name} module just compiled at {self.kept} does not load; delete the "
                f"file and try again, and if it stays so reinstall the package of {self.source}"
            )
        return module

    def _mapped(self, engine: "wasmtime.Engine") -> "wasmtime.Module | None":
        from wasmtime import Module, WasmtimeError

        # Wasmtime runs whatever machine code the file holds: a damaged one would crash the process.
        if not self._is_sound():
            return None
        try:
            return Module.deserialize_file(engine, str(self.kept))
        except WasmtimeError:
            # Compiled for a processor with other features, or by another build.
            return None

    @property
    def _seal(self) -> Path:
        return self.kept.with_suffix(".json")

    def _is_sound(self) -> bool:
        """Tell whether the file is the one that was written.

        Size and time of change are looked at first, for hashing 72 MB at each start costs more
        than the start; a file that was copied or touched is hashed.
        """
        try:
            found = self.kept.stat()
            sealed = json.loads(self._seal.read_text())
            if (found.st_size, found.st_mtime_ns) == (sealed["size"], sealed["mtime_ns"]):
                return True
            if found.st_size != sealed["size"] or _sha256(self.kept) != sealed["sha256"]:
                return False
        except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError):
            return False
        # A cache that can only be read still serves; it is hashed again next time.
        with contextlib.suppress(OSError):
            self._write_seal(sealed["sha256"])
        return True

    def _write_seal(self, sha256: str) -> None:
        found = self.kept.stat()
        seal = {"size": found.st_size, "mtime_ns": found.st_mtime_ns, "sha256": sha256}
        _write_atomically(self._seal, json.dumps(seal).encode())

    def _compile(self, engine: "wasmtime.Engine", report: Progress) -> None:
        from wasmtime import Module

        what = f"compiling {self.name}, once for this user (20 to 60 s on an idle machine)"
        with _reporting(what, report) as elapsed:
            compiled = bytes(Module.from_file(engine, str(self.source)).serialize())
            _write_atomically(self.kept, compiled)
            self._write_seal(hashlib.sha256(compiled).hexdigest())
        report(f"compiled {self.name} in {elapsed():.0f} s, kept at {self.kept}")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_atomically(path: Path, data: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            # A power cut after the rename must not leave an empty file under the final name.
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def _only_one_process(path: Path, name: str, report: Progress) -> Iterator[None]:
    try:
        import fcntl
    except ImportError:
        # Windows: two processes may both compile; the last rename wins and both files are sound.
        yield
        return
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with _reporting(f"waiting for another process that compiles {name}", report):
                fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _reporting(what: str, report: Progress) -> Iterator[Callable[[], float]]:
    """Report at once and then every few seconds how long something has been going on."""
    start = time.monotonic()
    over = threading.Event()

    def elapsed() -> float:
        return time.monotonic() - start

    def repeat() -> None:
        while not over.wait(_SECONDS_BETWEEN_REPORTS):
            report(f"{what}: {elapsed():.0f} s so far")

    report(what)
    thread = threading.Thread(target=repeat, daemon=True)
    thread.start()
    try:
        yield elapsed
    finally:
        over.set()
        thread.join()
