"""A compiled module is made once, shared by processes and never trusted when it was damaged."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from wasmtime import Config, Engine, wat2wasm

from googlesql.compiled import CompiledModule, ModuleError

LOAD = """
import sys
from pathlib import Path
from wasmtime import Engine
from googlesql.compiled import CompiledModule

CompiledModule("tiny", Path(sys.argv[1]), Path(sys.argv[2])).load(Engine(), print)
"""


@pytest.fixture
def tiny(tmp_path: Path) -> CompiledModule:
    source = tmp_path / "tiny.wasm"
    source.write_bytes(wat2wasm('(module (func (export "one") (result i32) i32.const 1))'))
    return CompiledModule("tiny", source, tmp_path / "cache" / "tiny.cwasm")


def load(module: CompiledModule) -> list[str]:
    """Load a module and return what was reported."""
    reports: list[str] = []
    loaded = module.load(Engine(Config()), reports.append)
    assert [export.name for export in loaded.exports] == ["one"]
    return reports


def test_a_first_load_compiles_and_says_so(tiny: CompiledModule) -> None:
    reports = load(tiny)

    assert [report.split(" tiny")[0] for report in reports] == ["compiling", "compiled"]
    assert str(tiny.kept) in reports[-1]


def test_a_second_load_compiles_nothing(tiny: CompiledModule) -> None:
    load(tiny)

    reports = load(tiny)

    assert reports == []


def test_a_copied_cache_serves_without_compiling(tiny: CompiledModule) -> None:
    load(tiny)
    os.utime(tiny.kept, ns=(1, 1))

    first, second = load(tiny), load(tiny)

    assert (first, second) == ([], [])
    assert json.loads(tiny.kept.with_suffix(".json").read_text())["mtime_ns"] == 1


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[: len(data) // 2],
        lambda data: b"",
        lambda data: data[:-1] + bytes([data[-1] ^ 1]),
        lambda data: bytes(len(data)),
    ],
    ids=["cut short", "empty", "one bit", "zeroes"],
)
def test_a_damaged_file_is_compiled_again(tiny: CompiledModule, damage) -> None:  # type: ignore[no-untyped-def]
    load(tiny)
    sound = tiny.kept.read_bytes()
    tiny.kept.write_bytes(damage(sound))
    os.utime(tiny.kept, ns=(1, 1))

    reports = load(tiny)

    assert reports[-1].startswith("compiled tiny")
    assert tiny.kept.read_bytes() == sound


@pytest.mark.parametrize("seal", ["", "{", "[]", "{}", '{"size": 1}', "null"])
def test_a_damaged_seal_is_made_again(tiny: CompiledModule, seal: str) -> None:
    load(tiny)
    tiny.kept.with_suffix(".json").write_text(seal)

    reports = load(tiny)

    assert reports[-1].startswith("compiled tiny")
    assert load(tiny) == []


def test_a_file_of_another_engine_is_compiled_again(tiny: CompiledModule) -> None:
    load(tiny)
    config = Config()
    config.epoch_interruption = True
    reports: list[str] = []

    tiny.load(Engine(config), reports.append)

    assert reports[-1].startswith("compiled tiny")


def test_of_two_processes_one_compiles(tiny: CompiledModule) -> None:
    command = [sys.executable, "-c", LOAD, str(tiny.source), str(tiny.kept)]

    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    outputs = [process.communicate()[0] for process in both]

    assert [process.returncode for process in both] == [0, 0]
    assert "".join(outputs).count("compiled tiny") == 1


def test_no_temporary_file_stays(tiny: CompiledModule) -> None:
    load(tiny)

    left = {path.name for path in tiny.kept.parent.iterdir()}

    assert left == {"tiny.cwasm", "tiny.json", "tiny.lock"}


def test_a_cache_that_cannot_be_written_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where a directory should be")
    module = CompiledModule("tiny", tmp_path / "tiny.wasm", tmp_path / "cache" / "tiny.cwasm")

    with pytest.raises(ModuleError, match=r"cannot keep .*tiny\.cwasm.*XDG_CACHE_HOME") as caught:
        module.load(Engine())

    assert "\n" not in str(caught.value)
