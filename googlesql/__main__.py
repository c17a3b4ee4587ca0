"""The command `python -m googlesql`."""

import sys
from collections.abc import Callable
from pathlib import Path

import click

from googlesql import module
from googlesql.errors import SqlError
from googlesql.parser import parse_script
from googlesql.position import Text


@click.group()
def main() -> None:
    """GoogleSQL, read by Google's own ZetaSQL."""


@main.command("compile")
def compile_() -> None:
    """Compile ZetaSQL for this user, unless that was done before."""
    _report_failure_of(lambda: module.ensure(_report))
    click.echo(module.cache_path())


@main.command()
@click.argument(
    "paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path), metavar="PATH…"
)
def check(paths: tuple[Path, ...]) -> None:
    """Check the syntax of SQL files; folders are searched for *.sql.

    Prints a line for each wrong file, `file:line:column: message`, and exits with 1 when there is
    one. Names of tables and columns are not looked up: no schema is known here.
    """
    _report_failure_of(lambda: module.ensure(_report))
    files = [file for path in paths for file in _sql_files(path)]
    wrong = [complaint for file in files if (complaint := _complaint(file)) is not None]
    for complaint in wrong:
        click.echo(complaint)
    if wrong:
        click.echo(f"{len(wrong)} of {len(files)} SQL files are wrong", err=True)
        sys.exit(1)
    click.echo(f"{len(files)} SQL files are right", err=True)


def _sql_files(path: Path) -> list[Path]:
    return sorted(path.rglob("*.sql")) if path.is_dir() else [path]


def _complaint(file: Path) -> str | None:
    try:
        sql = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        return f"{file}:1:1: not UTF-8 text: {error.reason} at byte {error.start}"
    try:
        parse_script(sql)
    except SqlError as error:
        line, column = error.line or 1, error.column or 1
        return f"{file}:{line}:{column}: {error.reason}\n{Text(sql).excerpt(line, column)}"
    return None


def _report(sentence: str) -> None:
    click.echo(sentence, err=True)


def _report_failure_of(action: Callable[[], None]) -> None:
    try:
        action()
    except module.ModuleError as error:
        raise click.ClickException(str(error)) from None


if __name__ == "__main__":
    main(prog_name="python -m googlesql")
