"""``l2logger summary``."""

import click

from l2logger.commands.options import Command, json_option, run_argument
from l2logger.commands.terminal import busy, print_json


@click.command(
    cls=Command,
    examples=(
        "l2logger summary logs/cartpole-1795229218-7487311",
        "l2logger summary logs/cartpole-1795229218-7487311 --json",
    ),
)
@run_argument
@click.option("--all", "all_regimes", is_flag=True, help="List every regime, however many there are.")
@json_option
def command(run: str, all_regimes: bool, as_json: bool) -> None:
    """Show what is in a run: blocks, regimes, tasks, workers, and mean, range and course of each metric.

    Only complete records count. The figures of a task are those of its test blocks, if it has any. The course of a
    metric is its mean over equal stretches of experiences, from the first to the last.
    """
    from l2logger import rendering
    from l2logger.commands.opening import open_log
    from l2logger.summary import summarise

    with busy("reading") as progress:
        summary = summarise(open_log(run, progress=progress))
    if as_json:
        print_json(summary.as_dict())
        return
    out = rendering.console()
    out.print(rendering.summary(summary, out, all_regimes=all_regimes))
