"""ZetaSQL, Google's own GoogleSQL front end, compiled from WebAssembly once and kept on disk.

Compiling the module takes 20 to 60 seconds and 1 GB of memory; mapping the compiled file takes
milliseconds. The file lies in the user's cache, so every project and every process shares it.
"""

import atexit
import contextlib
import ctypes
import importlib.metadata
import os
import platform
import re
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, Self, TypeVar

from googlesql.compiled import CompiledModule, ModuleError, Progress

if TYPE_CHECKING:
    import wasmtime
    from zetasql.wasi._pb2.zetasql.proto.simple_catalog_pb2 import SimpleCatalogProto

__all__ = [
    "CrashError",
    "KeyedCatalog",
    "ModuleError",
    "StatusError",
    "cache_path",
    "call",
    "ensure",
    "run_in_parallel",
]

_SIZE_T_BYTES: Final = 4
_CATALOGS_KEPT: Final = 16
_STATUS = re.compile(r"Code: (\d+), Message: (.*)", re.DOTALL)


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

    @classmethod
    def FromString(cls, s: bytes, /) -> Self:  # noqa: N802
        """Decode a message."""
        ...


_Response = TypeVar("_Response", bound=Message)


class KeyedCatalog(Protocol):
    """A catalog with the bytes that tell it from others.

    Attributes:
        proto: The catalog.
        key: Its own bytes, or any that no other catalog has.
    """

    @property
    def proto(self) -> "SimpleCatalogProto":
        """The catalog."""
        ...

    @property
    def key(self) -> bytes:
        """What tells it from others."""
        ...


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
    with _borrowed(on_progress):
        pass


def run_in_parallel(most: int) -> None:
    """Let several threads run ZetaSQL at the same time.

    Args:
        most: How many; 1, as it is without this call, lets one thread wait for another. Each takes
            10 to 40 MB. They are made when threads need them.

    Raises:
        ValueError: `most` is less than 1.
    """
    global _most
    if most < 1:
        raise ValueError(f"most is {most}: at least 1 instance is needed")
    with _free:
        _most = most
        _free.notify_all()


def call(
    method: str,
    request: Any,
    response_type: type[_Response],
    *,
    catalog: KeyedCatalog | None = None,
) -> _Response:
    """Call one method of ZetaSQL's local service.

    Args:
        method: A method's name in `local_service.proto`, such as `Parse`.
        request: Its request, a protocol buffer; `registered_catalog_id` is set in it when a
            catalog is given.
        response_type: The class of its response.
        catalog: The catalog to call it with. The last few are kept by ZetaSQL: building one, with
            all functions, takes 20 ms.

    Raises:
        StatusError: ZetaSQL refused the request, as it does for a wrong statement.
        CrashError: ZetaSQL crashed; the request can be left out, the process goes on.
        ModuleError: See `ensure`.
    """
    with _borrowed() as instance:
        if catalog is not None:
            request.registered_catalog_id = instance.catalog_id(catalog)
        answer = instance.call(method, request.SerializeToString())
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
        self._catalogs: dict[bytes, int] = {}

    def catalog_id(self, catalog: KeyedCatalog) -> int:
        """Return ZetaSQL's number for a catalog, which it is given unless it has it."""
        from zetasql.wasi._pb2.zetasql.local_service.local_service_pb2 import (
            RegisterCatalogRequest,
            RegisterResponse,
            UnregisterRequest,
        )

        key = catalog.key
        if key not in self._catalogs:
            if len(self._catalogs) == _CATALOGS_KEPT:
                oldest = UnregisterRequest(
                    registered_id=self._catalogs.pop(next(iter(self._catalogs)))
                )
                self.call("UnregisterCatalog", oldest.SerializeToString())
            request = RegisterCatalogRequest(simple_catalog=catalog.proto)
            # Without the pool of its own types ZetaSQL crashes on date parts.
            request.descriptor_pool_list.definitions.add().builtin.SetInParent()
            answer = self.call("RegisterCatalog", request.SerializeToString())
            self._catalogs[key] = RegisterResponse.FromString(answer).registered_id
        return self._catalogs[key]

    def call(self, method: str, payload: bytes) -> bytes:
        from wasmtime import Trap, WasmtimeError

        try:
            return self._call(f"ZetaSqlLocalService_{method}", payload)
        except (Trap, WasmtimeError) as error:
            raise CrashError(
                f"ZetaSQL crashed in {method}: {_reason(str(error))}. The statement uses something "
                "that this version of ZetaSQL cannot handle; simplify it"
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


_free = threading.Condition()
_most = 1
_made = 0
_idle: list[_Instance] = []
_loaded: tuple["wasmtime.Engine", "wasmtime.Module"] | None = None


@contextlib.contextmanager
def _borrowed(on_progress: Progress | None = None) -> Iterator[_Instance]:
    """Lend an instance to one thread; one that crashed is not lent again."""
    instance = _take(on_progress)
    try:
        yield instance
    except CrashError:
        # Its memory may be torn after a trap; a new instance costs 0.1 s.
        _give_back(None)
        raise
    except BaseException:
        _give_back(instance)
        raise
    else:
        _give_back(instance)


def _take(on_progress: Progress | None) -> _Instance:
    global _loaded, _made
    with _free:
        _free.wait_for(lambda: _idle or _made < _most)
        if _idle:
            return _idle.pop()
        if _loaded is None:
            from zetasql.wasi import get_wasm_path

            engine = _engine()
            kept = CompiledModule("ZetaSQL", get_wasm_path(), cache_path())
            _loaded = engine, kept.load(engine, on_progress)
        loaded = _loaded
        _made += 1
    try:
        return _Instance(*loaded)
    except BaseException:
        _give_back(None)
        raise


def _give_back(instance: _Instance | None) -> None:
    global _made
    with _free:
        if instance is None:
            _made -= 1
        else:
            _idle.append(instance)
        _free.notify()


def _engine() -> "wasmtime.Engine":
    from wasmtime import Config, Engine

    config = Config()
    # ZetaSQL is built with threads, whose memory is shared.
    config.shared_memory = True
    return Engine(config)


def _release() -> None:
    global _loaded
    _idle.clear()
    _loaded = None


# Left to the interpreter's end, wasmtime's finalizers run after its library is gone and complain.
atexit.register(_release)


def _reason(backtrace: str) -> str:
    """Return the line of wasmtime's backtrace that says what happened."""
    lines = [line.strip() for line in backtrace.splitlines() if line.strip()]
    return next((line for line in lines if "trap:" in line), lines[-1] if lines else "no reason")
