"""``l2logger tail``."""

import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import click

from l2logger import cells
from l2logger.commands.options import Command, run_argument
from l2logger.commands.terminal import busy, finite, say
from l2logger.diagnostics import visible
from l2logger.schema import COUNTS, V1_1
from l2logger.signals import KINDS, METRICS

if TYPE_CHECKING:
    from l2logger.follow import NewRecord, NewSignal

_MAX_VALUE: Final = 60
_OF_ALL: Final = frozenset({"timestamp", "worker_id", "clock", "step", "clocks", "context"})


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
        follower: Follower | SignalFollower = SignalFollower(run, KINDS) if everything else Follower(run)
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


def _line(new: "NewRecord | NewSignal") -> str:
    """Return a record as one line: when, who, what, and then the metrics; and other signals likewise."""
    from l2logger.follow import NewSignal

    day, _, time = new.timestamp.partition("T")
    clock = f"{time[:2]}:{time[2:4]}:{time[4:10]}" if len(time) == 13 and day else day
    if isinstance(new, NewSignal):
        return _line_of_signal(clock, new.signal.kind, new.signal.fields)
    fields = dict(new.fields)
    fields.pop("timestamp", None)
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


def _line_of_signal(time: str, kind: str, fields: Mapping[str, Any]) -> str:
    step = "" if fields["step"] is None else f"{fields['clock']} {fields['step']}"
    own = {name: value for name, value in fields.items() if name not in _OF_ALL}
    name = own.pop("name", own.pop("metric", ""))
    shown = [
        f"{click.style(visible(each), dim=True)}={_shortened(str(value) if type(value) in (str, int, float) else _dumps(value))}"
        for each, value in (fields["values"] if kind == METRICS else own).items()
    ]
    head = [time, f"{visible(fields['worker_id']):<14}", f"{kind:<11}", f"{visible(name):<17}", f"{visible(step):>7}"]
    return "  ".join([" ".join(head), *shown])


def _dumps(value: Any) -> str:
    return json.dumps(finite(_thawed(value)), allow_nan=False)


def _thawed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _thawed(each) for name, each in value.items()}
    return [_thawed(each) for each in value] if isinstance(value, tuple) else value


def _shortened(value: str) -> str:
    try:
        return f"{float(value):.6g}" if not value.lstrip("-").isdecimal() else value
    except ValueError:
        shown = visible(value)
        return shown if len(shown) <= _MAX_VALUE else shown[: _MAX_VALUE - 3] + "..."


def _json(new: "NewRecord | NewSignal") -> str:
    from l2logger.follow import NewSignal

    if isinstance(new, NewSignal):
        return _dumps({"kind": new.signal.kind, **new.signal.fields})
    return json.dumps(finite({name: _value(name, text) for name, text in new.fields.items()}), allow_nan=False)


def _value(name: str, text: str) -> Any:
    if name in COUNTS:
        return int(text)
    if name in V1_1.columns:
        return text or None
    value = cells.value(text)
    # JSON has no infinity.
    return text if isinstance(value, float) and math.isinf(value) else value
