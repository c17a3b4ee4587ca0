"""What is generated is what lies there."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from generate.__main__ import ROOT, main
from generate.generated_file import GeneratedFile
from generate.generator import GENERATORS, generator


@pytest.mark.parametrize("name", GENERATORS)
def test_every_generated_file_is_up_to_date(name: str) -> None:
    stale = [file.path for file in generator(name)(ROOT) if not file.is_current(ROOT)]

    assert stale == [], "run `python -m generate`"


@pytest.fixture
def stale_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    files = [GeneratedFile(Path("made/of/data.txt"), "new\n")]
    monkeypatch.setattr("generate.__main__.ROOT", tmp_path)
    monkeypatch.setattr("generate.__main__.generator", lambda _name: lambda _root: files)
    return tmp_path


def test_a_stale_file_fails_the_check_and_stays(stale_root: Path) -> None:
    result = CliRunner().invoke(main, ["--check", "bqml_options"])

    assert result.exit_code == 1
    assert "made/of/data.txt" in result.output
    assert not (stale_root / "made").exists()


def test_a_stale_file_is_written_once(stale_root: Path) -> None:
    first = CliRunner().invoke(main, ["bqml_options"])
    second = CliRunner().invoke(main, ["bqml_options"])

    assert (stale_root / "made/of/data.txt").read_text() == "new\n"
    assert ("wrote" in first.output, "wrote" in second.output) == (True, False)
