"""The command `python -m generate`."""

from pathlib import Path

import click

from generate.generator import GENERATORS, generator

ROOT = Path(__file__).parents[1]


@click.command(name="python -m generate")
@click.argument("names", nargs=-1, type=click.Choice(list(GENERATORS)))
@click.option("--check", is_flag=True, help="Write nothing; fail when a file is out of date.")
def main(names: tuple[str, ...], check: bool) -> None:
    """Write the files that are made from data: those of NAMES, or all."""
    stale = []
    for name in names or GENERATORS:
        for file in generator(name)(ROOT):
            if file.is_current(ROOT):
                continue
            stale.append(file.path)
            if not check:
                file.write(ROOT)
                click.echo(f"wrote {file.path}")
    if check and stale:
        listed = "\n".join(f"  {path}" for path in stale)
        raise click.ClickException(f"out of date, run `python -m generate`:\n{listed}")


if __name__ == "__main__":
    main()
