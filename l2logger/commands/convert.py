"""``l2logger convert``."""

import click

from l2logger.commands.options import RUN, Command, json_option
from l2logger.commands.terminal import busy, count, print_json, say
from l2logger.diagnostics import visible
from l2logger.schema import V1_1, VERSIONS


@click.command(
    cls=Command,
    examples=(
        "l2logger convert old/simple-1600697775-609517 logs/simple",
        "l2logger convert logs/cartpole-1795229218-7487311 cartpole-1.0 --to 1.0",
    ),
)
@click.argument("source", metavar="SRC", type=RUN)
@click.argument("target", metavar="DST", type=click.Path(path_type=str))
@click.option(
    "--to", "version", type=click.Choice(list(VERSIONS)), default=V1_1.version, show_default=True, help="Version."
)
@click.option(
    "--failed",
    metavar="WORD",
    multiple=True,
    help="For 0.1: a status that means not complete, in the place of the usual ones (failed, aborted ...). May be repeated.",
)
@json_option
def command(source: str, target: str, version: str, failed: tuple[str, ...], as_json: bool) -> None:
    """Write the run SRC as another version of the format to DST, a directory that does not exist yet.

    0.1 and 1.0 become 1.1, and 1.1 becomes 1.0 with --to 1.0. SRC is not changed, and DST appears when it is
    complete. Cells are kept as they are; 1.0 has no block_subtype. The numbers that regimes have in 0.1 become
    stored_regime_num.
    """
    from l2logger.convert import convert
    from l2logger.legacy_regimes import FAILED

    with busy("converting") as progress:
        done = convert(source, target, version=version, failed=failed or FAILED, progress=progress)
    if as_json:
        print_json(done.as_dict())
        return
    for finding in done.findings:
        say("warning", str(finding))
    what = f"{count(done.records, 'record')} in {count(done.files, 'file')}"
    click.echo(f"{visible(done.target)}: {what}, format {done.source_version} is now {done.target_version}")
