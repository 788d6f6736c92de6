"""``l2logger version``."""

import json
import platform

import click

import l2logger
from l2logger.commands.options import Command, json_option
from l2logger.schema import VERSIONS


@click.command(cls=Command, examples=("l2logger version --json",))
@json_option
def command(as_json: bool) -> None:
    """Print the version of l2logger, and the versions of the format it writes and reads."""
    writes = list(VERSIONS)
    about = {
        "version": l2logger.__version__,
        "python": platform.python_version(),
        "writes": writes,
        "reads": ["0.1", *writes],
    }
    if as_json:
        click.echo(json.dumps(about))
    else:
        click.echo(f"l2logger {about['version']}, Python {about['python']}")
        click.echo(f"writes format {' and '.join(writes)}, reads 0.1, {' and '.join(writes)}")
