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
@click.option("--all", "everything", is_flag=True, help="List every regime and metric, however many there are.")
@json_option
def command(run: str, everything: bool, as_json: bool) -> None:
    """Show what is in a run: blocks, regimes, tasks, workers, and mean, range and course of each metric.

    Only complete records count. The figures of a task are those of its test blocks, if it has any. The course of a
    metric is its mean over equal stretches of experiences, from the first to the last; of a metric that was logged beside the
    records, over stretches of its steps. Below stands what else was logged, and how the run is doing.
    """
    from l2logger import rendering, signal_rendering
    from l2logger.commands.opening import open_log
    from l2logger.summary import summarise

    with busy("reading") as progress:
        summary = summarise(open_log(run, progress=progress))
    if as_json:
        print_json(summary.as_dict())
        return
    out = rendering.console()
    out.print(rendering.summary(summary, out, all_regimes=everything))
    if summary.signals:
        alone = not summary.records
        parts = signal_rendering.signals(summary.signals, out, alone=alone, all_metrics=everything)
        out.print(*([] if alone else [""]), *parts, sep="\n")
