"""``l2logger tail``."""

import json
import math
import shutil
import sys
from typing import TYPE_CHECKING, Any

import click

from l2logger import cells
from l2logger.commands.options import Command, run_argument
from l2logger.commands.tail_lines import Lines, dumps
from l2logger.commands.terminal import busy, count, finite, say
from l2logger.schema import COUNTS, V1_1
from l2logger.signals import KINDS

if TYPE_CHECKING:
    from l2logger.follow import Follower, NewRecord, NewSignal, SignalFollower


@click.command(
    cls=Command,
    examples=(
        "l2logger tail -f logs/cartpole-1795229218-7487311",
        "l2logger tail -n 100 --json logs/cartpole-1795229218-7487311",
        "l2logger tail --all -f logs/cartpole-1795229218-7487311",
    ),
)
@run_argument
@click.option(
    "-n", "--lines", "number", type=click.IntRange(0), default=10, show_default=True, help="How many records."
)
@click.option("-f", "--follow", is_flag=True, help="Go on with new records as they are written, until Ctrl-C.")
@click.option("-a", "--all", "everything", is_flag=True, help="Show metrics, notes and all else that was logged, too.")
@click.option("--json", "as_json", is_flag=True, help="Print each record as a line of JSON.")
def command(run: str, number: int, follow: bool, everything: bool, as_json: bool) -> None:
    """Show the last records of a run, of all workers together, by time.

    With -f, records of workers and blocks that come later are shown as well; a line is shown when it is whole.
    """
    from l2logger.follow import Follower, SignalFollower

    with busy("reading"):
        follower: Follower | SignalFollower = (
            SignalFollower(run, KINDS) if everything else Follower(run, as_stored=True)
        )
        last = follower.last(number)
    if not last and number:
        say("note", _nothing(run, follower) + ("; waiting" if follow else ""))
    lines = Lines(last, shutil.get_terminal_size().columns if sys.stdout.isatty() else None)
    line = _json if as_json else lines.line
    for record in last:
        click.echo(line(record))
    if lines.left_out and not as_json:
        same = ", ".join(f"{name} {value}" for name, value in lines.left_out.items())
        say("note", f"not shown, the terminal is too narrow and it is the same in all of them: {same}")
    if not follow:
        return
    try:
        for record in follower.follow():
            click.echo(line(record))
    except KeyboardInterrupt:
        pass  # this is how it ends


def _nothing(run: str, follower: "Follower | SignalFollower") -> str:
    """Return why there is nothing to show."""
    from l2logger.follow import Follower
    from l2logger.runs import find

    runs, _ = find((follower.directory,)) if isinstance(follower, Follower) else ([], [])
    if signals := sum(each.count_signals() for each in runs):
        return f"no records were logged in {run} yet, but {count(signals, 'signal')} beside them; --all shows them"
    return f"nothing was logged in {run} yet"


def _json(new: "NewRecord | NewSignal") -> str:
    from l2logger.follow import NewSignal

    if isinstance(new, NewSignal):
        return dumps({"kind": new.signal.kind, **new.signal.fields})
    return json.dumps(finite({name: _value(name, text) for name, text in new.fields.items()}), allow_nan=False)


def _value(name: str, text: str) -> Any:
    if name in COUNTS:
        return int(text)
    if name in V1_1.columns:
        return text or None
    value = cells.value(text)
    # JSON has no infinity.
    return text if isinstance(value, float) and math.isinf(value) else value
