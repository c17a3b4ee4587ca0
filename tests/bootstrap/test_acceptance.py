import hashlib
import lzma
import os
from pathlib import Path

import pytest

from bootstrap import acceptance
from bootstrap.way import SetupError


@pytest.fixture
def given(tmp_path):
    """A folder of acceptance tools with a plugin and a language host."""
    folder = tmp_path / "given"
    folder.mkdir()
    rows = []
    for name in ("pulumi-resource-gcp-v9.31.0.xz", "pulumi-language-python-v3.259.0.xz"):
        packed = lzma.compress(f"#!/bin/sh\necho {name}\n".encode())
        (folder / name).write_bytes(packed)
        rows.append(f"{hashlib.sha256(packed).hexdigest()}  {name}\n")
    (folder / "SHA256SUMS").write_text("".join(rows))
    return folder


@pytest.fixture
def pulumi(tmp_path, program):
    """What the step `pulumi` found out: a folder with the language host's scripts."""
    for name in ("pulumi-language-python-exec", "pulumi-resource-pulumi-python"):
        program(tmp_path / "cli" / name, "exit 0")
    return {"folder": str(tmp_path / "cli")}


def test_the_programs_are_unpacked_and_named_by_their_variables(checkout, given, pulumi) -> None:
    facts = acceptance.make(checkout, {acceptance.VARIABLE: str(given)}, pulumi)

    assert {name: os.popen(path).read() for name, path in facts.items()} == {
        "BQVERTEX_OFFICIAL_GCP_PLUGIN": "pulumi-resource-gcp-v9.31.0.xz\n",
        "BQVERTEX_OFFICIAL_LANGUAGE_HOST": "pulumi-language-python-v3.259.0.xz\n",
    }
    host = Path(facts["BQVERTEX_OFFICIAL_LANGUAGE_HOST"])
    assert sorted(path.name for path in host.parent.iterdir()) == [
        "pulumi-language-python",
        "pulumi-language-python-exec",
        "pulumi-resource-pulumi-python",
    ]


def test_where_none_are_given_nothing_is_done(checkout, pulumi) -> None:
    assert acceptance.make(checkout, {}, pulumi) == {}


def test_a_damaged_program_is_refused_and_not_kept(checkout, given, pulumi) -> None:
    (given / "pulumi-resource-gcp-v9.31.0.xz").write_bytes(b"broken")

    with pytest.raises(SetupError, match=r"pulumi-resource-gcp-v9\.31\.0\.xz is damaged"):
        acceptance.make(checkout, {acceptance.VARIABLE: str(given)}, pulumi)

    assert not list(checkout.cache.rglob("pulumi-resource-gcp"))


def test_a_folder_that_holds_none_is_refused(checkout, tmp_path, pulumi) -> None:
    with pytest.raises(SetupError, match="a folder without SHA256SUMS"):
        acceptance.make(checkout, {acceptance.VARIABLE: str(tmp_path)}, pulumi)


def test_other_programs_mean_another_key(checkout, given, pulumi) -> None:
    environ = {acceptance.VARIABLE: str(given)}
    before = acceptance.key(checkout, environ, pulumi)

    (given / "SHA256SUMS").write_text("")

    keys = {before, acceptance.key(checkout, environ, pulumi), acceptance.key(checkout, {}, pulumi)}
    assert len(keys) == 3
