"""ZetaSQL, Google's own GoogleSQL front end, compiled from WebAssembly once and kept on disk.

Compiling the module takes 20 to 60 seconds and 1 GB of memory; mapping the compiled file takes
milliseconds. The file lies in the user's cache, so every project and every process shares it.
"""

import contextlib
import ctypes
import hashlib
import importlib.metadata
import json
import os
import platform
import re
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, Self, TypeVar

if TYPE_CHECKING:
    import wasmtime

Progress = Callable[[str], None]

_SECONDS_BETWEEN_REPORTS: Final = 5.0
_SIZE_T_BYTES: Final = 4
_STATUS = re.compile(r"Code: (\d+), Message: (.*)", re.DOTALL)


class ModuleError(RuntimeError):
    """ZetaSQL cannot be compiled, kept or loaded; the message says what to do."""


class CrashError(RuntimeError):
    """ZetaSQL crashed on one request. The next request gets a new instance."""


class StatusError(Exception):
    """ZetaSQL refused a request.

    Attributes:
        code: The number of an `absl::StatusCode`; 3 is INVALID_ARGUMENT, 12 is UNIMPLEMENTED.
        message: Google's own text.
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Message(Protocol):
    """A protocol buffer."""

    def SerializeToString(self) -> bytes:  # noqa: N802
        """Encode the message."""
        ...

    @classmethod
    def FromString(cls, s: bytes, /) -> Self:  # noqa: N802
        """Decode a message."""
        ...


_Response = TypeVar("_Response", bound=Message)


def cache_path() -> Path:
    """Return the path of the compiled module, which need not exist yet.

    It lies under `$XDG_CACHE_HOME`, by default `~/.cache`, and names the versions of ZetaSQL and
    wasmtime and the platform: a file of another version or machine is never loaded.
    """
    import zetasql

    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    key = "-".join(
        (
            zetasql.__version__,
            importlib.metadata.version("wasmtime"),
            sys.platform,
            platform.machine(),
        )
    )
    return root / "bqvertex" / "zetasql" / f"{key}.cwasm"


def ensure(on_progress: Progress | None = None) -> None:
    """Load ZetaSQL, compiling it first when this user's cache has no sound copy.

    Safe to call from many threads and processes at once: one compiles, the others wait for it.

    Args:
        on_progress: Called with one sentence when compiling or waiting begins, every five seconds
            meanwhile, and when it is done. Left out, nothing is reported.

    Raises:
        ModuleError: The module cannot be compiled, or the cache cannot be written.
    """
    with _lock:
        _instance(on_progress)


def call(method: str, request: Message, response_type: type[_Response]) -> _Response:
    """Call one method of ZetaSQL's local service.

    Args:
        method: A method's name in `local_service.proto`, such as `Parse`.
        request: Its request.
        response_type: The class of its response.

    Raises:
        StatusError: ZetaSQL refused the request, as it does for a wrong statement.
        CrashError: ZetaSQL crashed; the request can be left out, the process goes on.
        ModuleError: See `ensure`.
    """
    payload = request.SerializeToString()
    with _lock:
        answer = _instance(None).call(method, payload)
    return response_type.FromString(answer)


class _Instance:
    """One running ZetaSQL. WebAssembly runs on one thread at a time."""

    def __init__(self, engine: "wasmtime.Engine", module: "wasmtime.Module") -> None:
        import tzdata
        from wasmtime import Linker, Store, WasiConfig

        wasi = WasiConfig()
        # ZetaSQL writes C++ stack traces there when it crashes; CrashError says it in a sentence.
        wasi.stderr_file = os.devnull
        zoneinfo = Path(tzdata.__file__).parent / "zoneinfo"
        wasi.preopen_dir(str(zoneinfo), "/usr/share/zoneinfo", fs_mutable=False)
        self._store = Store(engine)
        self._store.set_wasi(wasi)
        linker = Linker(engine)
        linker.define_wasi()
        exports: Any = linker.instantiate(self._store, module).exports(self._store)
        self._exports: Mapping[str, Any] = exports
        self._exports["_initialize"](self._store)
        self._malloc: Any = self._exports["wasm_malloc"]
        self._free: Any = self._exports["wasm_free"]

    def call(self, method: str, payload: bytes) -> bytes:
        from wasmtime import Trap, WasmtimeError

        try:
            return self._call(f"ZetaSqlLocalService_{method}", payload)
        except (Trap, WasmtimeError) as error:
            # Its memory may be torn after a trap; a new instance costs 0.1 s.
            _forget_instance()
            raise CrashError(
                f"ZetaSQL crashed in {method}: {_first_line(str(error))}. The statement uses "
                "something this version of ZetaSQL cannot handle; simplify it"
            ) from error

    def _call(self, function: str, payload: bytes) -> bytes:
        request = self._malloc(self._store, max(len(payload), 1))
        size = self._malloc(self._store, _SIZE_T_BYTES)
        self._write(request, payload)
        response = self._exports[function](self._store, request, len(payload), size)
        length = int.from_bytes(self._read(size, _SIZE_T_BYTES), "little")
        self._free(self._store, request)
        self._free(self._store, size)
        if not response:
            raise self._last_error()
        answer = self._read(response, length)
        self._free(self._store, response)
        return answer

    def _last_error(self) -> StatusError:
        length = self._exports["wasm_get_last_error_size"](self._store)
        address = self._exports["wasm_get_last_error"](self._store)
        text = self._read(address, length).decode(errors="replace")
        status = _STATUS.fullmatch(text)
        return StatusError(int(status[1]), status[2]) if status else StatusError(2, text)

    def _base(self) -> int:
        # The memory is shared and may grow with each call, but never moves below what it reserved.
        return ctypes.addressof(self._exports["memory"].data_ptr().contents)

    def _write(self, address: int, data: bytes) -> None:
        ctypes.memmove(self._base() + address, data, len(data))

    def _read(self, address: int, size: int) -> bytes:
        return ctypes.string_at(self._base() + address, size)


_lock = threading.RLock()
_loaded: tuple["wasmtime.Engine", "wasmtime.Module"] | None = None
_current: _Instance | None = None


def _instance(on_progress: Progress | None) -> _Instance:
    global _loaded, _current
    if _current is None:
        if _loaded is None:
            _loaded = _load(on_progress)
        _current = _Instance(*_loaded)
    return _current


def _forget_instance() -> None:
    global _current
    _current = None


def _load(on_progress: Progress | None) -> tuple["wasmtime.Engine", "wasmtime.Module"]:
    engine = _engine()
    path = cache_path()
    module = _mapped(engine, path)
    if module is not None:
        return engine, module
    report = on_progress or (lambda _: None)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _only_one_process(path.with_suffix(".lock"), report):
            module = _mapped(engine, path)
            if module is None:
                _compile(path, report)
                module = _mapped(engine, path)
    except OSError as error:
        raise ModuleError(
            f"cannot keep the compiled ZetaSQL module at {path}: {error.strerror or error}; "
            "it needs 80 MB: free the space, or set XDG_CACHE_HOME to a writable directory"
        ) from error
    if module is None:
        raise ModuleError(
            f"the ZetaSQL module just compiled at {path} does not load; delete the file and try "
            "again, and if it stays so, reinstall the packages zetasql and wasmtime"
        )
    return engine, module


def _engine() -> "wasmtime.Engine":
    from wasmtime import Config, Engine

    config = Config()
    config.shared_memory = True
    return Engine(config)


def _mapped(engine: "wasmtime.Engine", path: Path) -> "wasmtime.Module | None":
    """Map the compiled file; None when there is none, or not a sound one."""
    from wasmtime import Module, WasmtimeError

    # Wasmtime runs whatever machine code the file holds: a damaged one would crash the process.
    if not _is_sound(path):
        return None
    try:
        return Module.deserialize_file(engine, str(path))
    except WasmtimeError:
        # Compiled for a processor with other features, or by another build: wasmtime refuses it.
        return None


def _is_sound(path: Path) -> bool:
    """Tell whether the file is the one that was written.

    Size and time of change are looked at first, for hashing 72 MB at each start costs more than
    the start; a copied or touched file is hashed.
    """
    seal = path.with_suffix(".json")
    try:
        found = path.stat()
        sealed = json.loads(seal.read_text())
        if (found.st_size, found.st_mtime_ns) == (sealed["size"], sealed["mtime_ns"]):
            return True
        if found.st_size != sealed["size"] or _sha256(path) != sealed["sha256"]:
            return False
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return False
    # A cache that can only be read still serves; it is hashed again next time.
    with contextlib.suppress(OSError):
        _write_atomically(seal, _seal(path, sealed["sha256"]))
    return True


def _seal(path: Path, sha256: str) -> bytes:
    found = path.stat()
    return json.dumps(
        {"size": found.st_size, "mtime_ns": found.st_mtime_ns, "sha256": sha256}
    ).encode()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _compile(path: Path, report: Progress) -> None:
    from wasmtime import Module
    from zetasql.wasi import get_wasm_path

    what = "compiling ZetaSQL, once for this user"
    with _reporting(f"{what} (20 to 60 s)", report) as elapsed:
        compiled = bytes(Module.from_file(_engine(), str(get_wasm_path())).serialize())
        _write_atomically(path, compiled)
        _write_atomically(
            path.with_suffix(".json"), _seal(path, hashlib.sha256(compiled).hexdigest())
        )
    report(f"compiled ZetaSQL in {elapsed():.0f} s, kept at {path}")


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
def _only_one_process(path: Path, report: Progress) -> Iterator[None]:
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
            with _reporting("waiting for another process that compiles ZetaSQL", report):
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


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0] if text.strip() else "no reason given"
