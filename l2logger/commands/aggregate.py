"""``l2logger aggregate``."""

import os
from typing import Final

import click

from l2logger.commands.options import Command, run_argument
from l2logger.commands.terminal import busy
from l2logger.diagnostics import visible

_FORMATS: Final = ("tsv", "csv", "feather", "parquet")


@click.command(
    cls=Command,
    examples=(
        "l2logger aggregate logs/cartpole-1795229218-7487311",
        "l2logger aggregate logs/cartpole-1795229218-7487311 -o all.parquet",
    ),
)
@run_argument
@click.option("-f", "--format", "form", type=click.Choice(_FORMATS), help="Default: by the name of OUT, else tsv.")
@click.option(
    "-o", "--output", metavar="OUT", default="data", show_default=True, help="The file; its extension may be left out."
)
def command(run: str, form: str | None, output: str) -> None:
    """Write all complete records of a run to one file, numbered by regime.

    An existing file is replaced when the new one is complete.
    """
    from l2logger.aggregate import aggregate

    stem, extension = os.path.splitext(output)
    if extension[1:] in _FORMATS and form in (None, extension[1:]):
        output, form = stem, extension[1:]
    with busy("aggregating"):
        path = aggregate(run, output, form or "tsv")
    click.echo(visible(path))
