"""The command that `make check` runs."""

from pathlib import Path

from click.testing import CliRunner

from googlesql.__main__ import main

SQL = Path(__file__).parents[2] / "sql"


def test_the_projects_own_files_are_right() -> None:
    result = CliRunner().invoke(main, ["check", str(SQL)])

    assert (result.exit_code, result.stdout) == (0, "")


def test_wrong_files_are_named_with_line_column_and_caret(tmp_path: Path) -> None:
    wrong = tmp_path / "b" / "wrong.sql"
    wrong.parent.mkdir()
    wrong.write_text("-- é\nSELECT 1 FRM t\n")
    (tmp_path / "a.sql").write_text("SELECT 1; SELECT 2;")
    (tmp_path / "notes.txt").write_text("no SQL")

    result = CliRunner().invoke(main, ["check", str(tmp_path)])

    assert result.exit_code == 1
    assert result.stdout == (
        f'{wrong}:2:14: Syntax error: Expected end of input but got identifier "t"\n'
        "SELECT 1 FRM t\n             ^\n"
    )
    assert result.stderr == "1 of 2 SQL files are wrong\n"


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    file = tmp_path / "latin.sql"
    file.write_bytes(b"SELECT '\xe9'")

    result = CliRunner().invoke(main, ["check", str(file)])

    assert (result.exit_code, result.stdout) == (
        1,
        f"{file}:1:1: not UTF-8 text: invalid continuation byte at byte 8\n",
    )


def test_a_path_that_is_not_there_is_refused() -> None:
    result = CliRunner().invoke(main, ["check", "nowhere.sql"])

    assert result.exit_code == 2
    assert "'nowhere.sql' does not exist" in result.stderr


def test_compiling_again_only_tells_where_the_module_is() -> None:
    result = CliRunner().invoke(main, ["compile"])

    assert result.exit_code == 0
    assert result.stdout.strip().endswith(".cwasm")
    assert result.stderr == ""
