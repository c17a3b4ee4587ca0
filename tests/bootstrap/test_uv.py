import hashlib
import io
import json
import os
import zipfile
from pathlib import Path

import pytest

from bootstrap import uv
from bootstrap.checkout import architecture
from bootstrap.way import SetupError

PROCESSOR = {"amd64": "x86_64", "arm64": "aarch64"}[architecture()]


@pytest.fixture
def no_pip(monkeypatch, program, tmp_path):
    """A Python for set-up that can neither make a virtual environment nor run pip."""
    bare = program(tmp_path / "bare" / "python3", "echo No module named $2 >&2; exit 1")
    monkeypatch.setattr("sys.executable", str(bare))
    return bare


@pytest.fixture
def published(server):
    """Publishes a wheel of uv, as PyPI does; returns what changes its checksum."""

    def publish(script: str, sha256: str | None = None) -> str:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as wheel:
            wheel.writestr(f"uv-{uv.PINNED}.data/scripts/uv", f"#!/bin/sh\n{script}\n")
        body = buffer.getvalue()
        name = f"uv-{uv.PINNED}-py3-none-manylinux_2_17_{PROCESSOR}.whl"
        server.serve(f"/files/{name}", body)
        file = {
            "filename": name,
            "url": f"../../files/{name}",
            "hashes": {"sha256": sha256 or hashlib.sha256(body).hexdigest()},
        }
        others = [
            {**file, "filename": name.replace(PROCESSOR, "riscv64"), "url": "unused"},
            {**file, "filename": name.replace("manylinux", "musllinux"), "url": "unused"},
            {**file, "filename": name.replace(uv.PINNED, "0.1.0"), "url": "unused"},
        ]
        server.serve("/simple/uv/", json.dumps({"files": [*others, file]}).encode())
        return f"{server.url}/simple"

    return publish


def test_uv_on_path_is_taken_where_it_is_new_enough(checkout, program, tmp_path) -> None:
    own = program(tmp_path / "bin" / "uv", "echo uv 0.9.0")

    found = uv.find(checkout, {"PATH": str(own.parent)})

    assert found == own


def test_without_pip_the_wheel_is_taken_from_pypi_itself(
    checkout, no_pip, published, program, tmp_path
) -> None:
    old = program(tmp_path / "bin" / "uv", "echo uv 0.4.30")
    index = published(f"echo uv {uv.PINNED}")

    found = uv.find(checkout, {"PATH": f"{old.parent}:/usr/bin:/bin"}, index=index)

    assert checkout.cache in found.parents
    assert os.popen(str(found)).read() == f"uv {uv.PINNED}\n"
    assert [path.name for path in found.parent.iterdir()] == ["uv"]


def test_the_second_time_uv_comes_from_the_cache(checkout, no_pip, published, server) -> None:
    index = published(f"echo uv {uv.PINNED}")

    for _ in range(2):
        uv.find(checkout, {"PATH": "/usr/bin:/bin"}, index=index)

    assert len(server.asked) == 2


def test_a_wheel_with_another_checksum_is_refused_and_every_way_is_named(
    checkout, no_pip, published, program, tmp_path
) -> None:
    old = program(tmp_path / "bin" / "uv", "echo uv 0.4.30")
    index = published("echo malicious", sha256="0" * 64)

    with pytest.raises(SetupError) as refused:
        uv.find(checkout, {"PATH": f"{old.parent}:/usr/bin:/bin"}, index=index)

    message = str(refused.value)
    assert [line.split(":")[0] for line in message.splitlines()] == [
        "no way to get uv works here. Tried, in this order",
        "  1. uv on PATH",
        "  2. uv in the cache",
        "  3. from PyPI with pip in a private virtual environment",
        f"  4. from PyPI with {no_pip} -m pip",
        "  5. from PyPI without pip",
        "Install uv 0.9 or newer so that it is on PATH (https",
    ]
    assert f"{old} is uv 0.4.30, needed is 0.9" in message
    assert f"published is {'0' * 64}" in message
    assert not list(checkout.cache.glob("uv/*.part")) + list(checkout.cache.glob("uv/[!.]*"))


def test_what_would_lead_uv_astray_is_not_handed_to_it() -> None:
    environ = {"PATH": "/bin", "VIRTUAL_ENV": "/other", "PYTHONDONTWRITEBYTECODE": "1"}

    assert uv.environment(environ) == {"PATH": "/bin"}


def test_a_cached_uv_that_is_gone_is_fetched_again(checkout, no_pip, published) -> None:
    index = published(f"echo uv {uv.PINNED}")
    first: Path = uv.find(checkout, {"PATH": "/usr/bin:/bin"}, index=index)
    first.unlink()

    again = uv.find(checkout, {"PATH": "/usr/bin:/bin"}, index=index)

    assert again == first
    assert again.is_file()
