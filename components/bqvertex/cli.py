"""The `bqvertex` command."""

import importlib.util
import os
import sys

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
