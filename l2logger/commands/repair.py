"""``l2logger repair``."""

import click

from l2logger.commands.options import Command, json_option, run_argument
from l2logger.commands.terminal import busy, count, print_json, say
from l2logger.diagnostics import visible


@click.command(
    cls=Command,
    examples=(
        "l2logger repair logs/cartpole-1795229218-7487311 --dry-run",
        "l2logger repair logs/cartpole-1795229218-7487311",
    ),
)
@run_argument
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@json_option
def command(run: str, dry_run: bool, as_json: bool) -> None:
    """Cut unfinished last lines, and lines that are no records, out of the log files of a run.

    What is cut is kept beside each file, as data-log.tsv.torn. A file that is being written is left alone. The exit
    code is 1 if there is a file that could not be repaired.
    """
    from l2logger.repair import repair

    with busy("repairing") as progress:
        repairs = repair(run, dry_run=dry_run, progress=progress)
    if as_json:
        print_json([each.as_dict() for each in repairs])
    for each in repairs if not as_json else ():
        if each.refused:
            say("error", f"{each.path} was left as it is: {each.refused}")
            continue
        click.echo(
            f"{visible(each.path)}: {count(len(each.findings), 'line')}, {count(each.cut_bytes, 'byte')} "
            f"{'would be' if dry_run else 'were'} moved to {visible(each.kept)}"
        )
        for finding in each.findings:
            click.echo(f"  line {finding.line}: {visible(finding.problem)}")
    if not repairs and not as_json:
        click.echo("nothing to repair")
    if any(each.refused for each in repairs):
        click.get_current_context().exit(1)
