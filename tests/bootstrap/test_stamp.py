from pathlib import Path

import pytest

from bootstrap.stamp import Stamp


def test_what_was_done_is_known_to_the_next_run(tmp_path: Path) -> None:
    Stamp.load(tmp_path / "setup.json").keep("pulumi", "3.259.0", {"folder": "/cache"})

    facts = Stamp.load(tmp_path / "setup.json").facts("pulumi", "3.259.0")

    assert facts == {"folder": "/cache"}


def test_what_was_done_for_another_key_is_not_done(tmp_path: Path) -> None:
    Stamp.load(tmp_path / "setup.json").keep("pulumi", "3.259.0", {})

    facts = Stamp.load(tmp_path / "setup.json").facts("pulumi", "3.260.0")

    assert facts is None


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"steps": []}', '{"steps": {"pulumi": {"key": 1}}}', "\x00"]
)
def test_a_damaged_stamp_means_that_nothing_is_done(content: str, tmp_path: Path) -> None:
    (tmp_path / "setup.json").write_text(content)

    stamp = Stamp.load(tmp_path / "setup.json")

    assert stamp.steps == {}


def test_keeping_leaves_nothing_beside_the_stamp(tmp_path: Path) -> None:
    Stamp.load(tmp_path / "setup.json").keep("pulumi", "1", {})

    assert [path.name for path in tmp_path.iterdir()] == ["setup.json"]
