"""``l2logger tail``."""

import json
import math
from typing import TYPE_CHECKING, Any, Final

import click

from l2logger import cells
from l2logger.commands.options import Command, run_argument
from l2logger.commands.terminal import busy, finite, say
from l2logger.diagnostics import visible
from l2logger.schema import COUNTS, V1_1

if TYPE_CHECKING:
    from l2logger.follow import NewRecord

_MAX_VALUE: Final = 60


@click.command(
    cls=Command,
    examples=(
        "l2logger tail -f logs/cartpole-1795229218-7487311",
        "l2logger tail -n 100 --json logs/cartpole-1795229218-7487311",
    ),
)
@run_argument
@click.option(
    "-n", "--lines", "number", type=click.IntRange(0), default=10, show_default=True, help="How many records."
)
@click.option("-f", "--follow", is_flag=True, help="Go on with new records as they are written, until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="Print each record as a line of JSON.")
def command(run: str, number: int, follow: bool, as_json: bool) -> None:
    """Show the last records of a run, of all workers together, by time.

    With -f, records of workers and blocks that come later are shown as well; a line is shown when it is whole.
    """
    from l2logger.follow import Follower

    with busy("reading"):
        follower = Follower(run)
        last = follower.last(number)
    if not follower.files:
        say("note", f"nothing was logged in {run} yet" + ("; waiting" if follow else ""))
    line = _json if as_json else _line
    for record in last:
        click.echo(line(record))
    if not follow:
        return
    try:
        for record in follower.follow():
            click.echo(line(record))
    except KeyboardInterrupt:
        pass  # this is how it ends


def _line(record: "NewRecord") -> str:
    """Return a record as one line: when, who, what, and then the metrics."""
    fields = dict(record.fields)
    day, _, time = fields.pop("timestamp", "").partition("T")
    clock = f"{time[:2]}:{time[2:4]}:{time[4:10]}" if len(time) == 13 and day else day
    worker = fields.pop("worker_id", "")
    block = f"{fields.pop('block_num')}-{fields.pop('block_type', '')}"
    subtype = fields.pop("block_subtype", "")
    task = fields.pop("task_name", "")
    exp_num = fields.pop("exp_num")
    status = fields.pop("exp_status", "")
    fields.pop("task_params", None)
    marks = [each for each in (subtype, status) if each not in ("wake", "complete", "")]
    metrics = [f"{click.style(visible(name), dim=True)}={_shortened(value)}" for name, value in fields.items() if value]
    head = [clock, f"{visible(worker):<14}", f"{visible(block):<8}", f"{visible(task):<20}", f"{exp_num:>7}"]
    return "  ".join([" ".join(head), *map(visible, marks), *metrics])


def _shortened(value: str) -> str:
    try:
        return f"{float(value):.6g}" if not value.lstrip("-").isdecimal() else value
    except ValueError:
        shown = visible(value)
        return shown if len(shown) <= _MAX_VALUE else shown[: _MAX_VALUE - 3] + "..."


def _json(record: "NewRecord") -> str:
    return json.dumps(finite({name: _value(name, text) for name, text in record.fields.items()}), allow_nan=False)


def _value(name: str, text: str) -> Any:
    if name in COUNTS:
        return int(text)
    if name in V1_1.columns:
        return text or None
    value = cells.value(text)
    # JSON has no infinity.
    return text if isinstance(value, float) and math.isinf(value) else value
