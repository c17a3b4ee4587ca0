from pathlib import Path

import pytest

from bootstrap.stamp import Stamp


def test_what_was_done_is_known_to_the_next_run(tmp_path: Path) -> None:
    Stamp.load(tmp_path / "setup.json", "me").keep("pulumi", "3.259.0", {"folder": "/cache"})

    facts = Stamp.load(tmp_path / "setup.json", "me").facts("pulumi", "3.259.0")

    assert facts == {"folder": "/cache"}


def test_what_was_done_for_another_key_is_not_done(tmp_path: Path) -> None:
    Stamp.load(tmp_path / "setup.json", "me").keep("pulumi", "3.259.0", {})

    facts = Stamp.load(tmp_path / "setup.json", "me").facts("pulumi", "3.260.0")

    assert facts is None


def test_what_another_set_up_did_is_not_done(tmp_path: Path) -> None:
    Stamp.load(tmp_path / "setup.json", "me").keep("pulumi", "3.259.0", {})

    stamp = Stamp.load(tmp_path / "setup.json", "my successor")

    assert stamp.steps == {}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "\x00",
        '{"steps": {}}',
        '{"author": "me", "steps": []}',
        '{"author": "me", "steps": {"pulumi": {"key": 1}}}',
    ],
)
def test_a_damaged_stamp_means_that_nothing_is_done(content: str, tmp_path: Path) -> None:
    (tmp_path / "setup.json").write_text(content)

    stamp = Stamp.load(tmp_path / "setup.json", "me")

    assert stamp.steps == {}


def test_keeping_leaves_nothing_beside_the_stamp(tmp_path: Path) -> None:
    Stamp.load(tmp_path / "setup.json", "me").keep("pulumi", "1", {})

    assert [path.name for path in tmp_path.iterdir()] == ["setup.json"]
