"""What `bqvertex check` does with its arguments."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from bqvertex.check.cache import Cache, cache_path
from bqvertex.check.checker import Settings, check
from bqvertex.check.finding import Severity
from bqvertex.check.report import FORMATS, summary
from bqvertex.check.source import read_sources
from bqvertex.specs.identifier import DATASET, PROJECT, Rule
from bqvertex.specs.location import location_problem
from googlesql.module import ModuleError

STDIN: Final = Path("-")


def run(
    paths: Sequence[Path],
    *,
    schemas: Sequence[Path],
    format_: str,
    dataset: str,
    location: str,
    strict: bool,
    use_cache: bool,
    stdin_filename: Path | None,
) -> int:
    """Check files, print what is found, and return the exit status.

    Args:
        paths: Files and folders; `-` for a text on stdin.
        schemas: Schema files and folders with them.
        format_: One of `FORMATS`.
        dataset: `dataset` or `project.dataset` of bare names; empty for none.
        location: Where the data is; empty when that is not said.
        strict: Whether what cannot be checked is an error.
        use_cache: Whether answers of earlier checks are used and kept.
        stdin_filename: The file that the text on stdin is to be saved as.

    Returns:
        0 when nothing is wrong, 1 when something is.

    Raises:
        UsageError: An argument is wrong.
    """
    project, _, dataset_id = dataset.rpartition(".")
    _refuse("--dataset", dataset_id, DATASET, dataset)
    _refuse("--dataset", project, PROJECT, dataset)
    if location and (reason := location_problem(location)):
        raise click.BadParameter(reason, param_hint="--location")
    given = [path for path in paths if path != STDIN] or [_default()]
    text = None
    if STDIN in paths:
        text = _stdin()
    elif stdin_filename is not None:
        raise click.UsageError("--stdin-filename needs the path -, for a text on stdin")
    try:
        sources = read_sources(given, schemas, text=text, filename=stdin_filename)
    except OSError as error:
        raise click.UsageError(f"cannot read {error.filename}: {error.strerror}") from None
    settings = Settings(project, dataset_id, location, is_strict=strict)
    try:
        kept = Cache(cache_path() if use_cache else None)
        result = check(sources, settings, kept, lambda words: click.echo(words, err=True))
    except ModuleError as error:
        raise click.ClickException(str(error)) from None
    click.echo(FORMATS[format_](result), nl=False)
    click.echo(summary(result), err=True)
    sys.stdout.flush()
    return int(result.count(Severity.ERROR) > 0)


def _stdin() -> str:
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        reason = f"stdin is not UTF-8 text: {error.reason} at byte {error.start}"
        raise click.UsageError(reason) from None


def _default() -> Path:
    sql = Path("sql")
    return sql if sql.is_dir() else Path()


def _refuse(option: str, value: str, rule: Rule, given: str) -> None:
    if value and not rule.pattern.fullmatch(value):
        raise click.BadParameter(
            f"{given!r}: {value!r} is no {rule.noun}; allowed are {rule.words}; give dataset or "
            "project.dataset",
            param_hint=option,
        )
