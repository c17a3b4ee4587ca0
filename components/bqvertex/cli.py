"""The `bqvertex` command."""

import importlib.util
import os
import sys
from pathlib import Path

import click

LOCAL_CLOUD_NEEDS = "local_bigquery"
"""What comes with the extra `local` alone, on Pythons that the local cloud runs on."""


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="bqvertex")
def main() -> None:
    """Vertex AI for BigQuery users, as code."""


@main.command(
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
    add_help_option=False,
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def local(arguments: tuple[str, ...]) -> None:
    """Start, stop and look at the embedded local Google Cloud (see `bqvertex local --help`)."""
    # The toolkit and the local cloud do not know each other: they meet at a command line.
    if importlib.util.find_spec(LOCAL_CLOUD_NEEDS) is None:
        raise click.ClickException(
            "the local cloud is not installed: use Python 3.13 or newer and "
            "`pip install 'bqvertex[local]'`"
        )
    os.execv(sys.executable, [sys.executable, "-m", "localcloud", *arguments])


@main.command()
@click.argument(
    "paths",
    nargs=-1,
    type=click.Path(exists=True, allow_dash=True, path_type=Path),
    metavar="[PATH…]",
)
@click.option(
    "--schema",
    "schemas",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="A file with a table's columns as `bq` takes them, named after the table, or a folder "
    "that is searched for *.schema.json. May be given again.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json", "sarif", "github"]),
    default="text",
    show_default=True,
    help="How to print what is found.",
)
@click.option(
    "--dataset",
    default="",
    metavar="[PROJECT.]DATASET",
    help="The dataset of bare names, so that a table is known by its longer names too.",
)
@click.option("--location", default="", help="Where the data is: EU, us-central1.")
@click.option("--strict", is_flag=True, help="What cannot be checked is an error.")
@click.option(
    "--cache/--no-cache",
    "use_cache",
    default=True,
    show_default=True,
    help="Whether to keep answers for the next check, under $XDG_CACHE_HOME.",
)
@click.option(
    "--stdin-filename",
    type=click.Path(path_type=Path),
    help="With PATH -: the file that the text on stdin is to be saved as.",
)
@click.pass_context
def check(
    context: click.Context,
    paths: tuple[Path, ...],
    schemas: tuple[Path, ...],
    format_: str,
    dataset: str,
    location: str,
    strict: bool,
    use_cache: bool,
    stdin_filename: Path | None,
) -> None:
    """Check SQL files offline, as a preview checks them.

    Folders are searched for *.sql and *.schema.json; left out, PATH is the folder sql, or the
    current one. With PATH - the text on stdin is checked, and other PATHs say what it may read.

    A file D.T.schema.json lists the columns of table D.T; a file with one SELECT is the view of
    its name; CREATE statements make what they name.

    The exit status is 0 when nothing is wrong, 1 when something is, 2 when the arguments are.
    """
    # Checking needs the rest of the toolkit, which takes a while to import.
    from bqvertex.check.command import run

    context.exit(
        run(
            paths,
            schemas=schemas,
            format_=format_,
            dataset=dataset,
            location=location,
            strict=strict,
            use_cache=use_cache,
            stdin_filename=stdin_filename,
        )
    )
