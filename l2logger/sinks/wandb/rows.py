"""Rows of W&B's history: under which names things stand there, and what they are drawn over."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from l2logger import cells
from l2logger.diagnostics import visible
from l2logger.schema import STANDARD
from l2logger.signals import NOTE
from l2logger.sinks import numbers

EXP_NUM: Final = "exp_num"
_BLOCK_NUM: Final = "block_num"
_WORKER_ID: Final = "worker_id"
_TIMESTAMP: Final = "_timestamp"

_NO_CLOCKS: Final = frozenset({_WORKER_ID, NOTE, _TIMESTAMP, "_step", "_runtime", "_wandb"})
_OWN: Final = _NO_CLOCKS | {EXP_NUM, _BLOCK_NUM}
"""Names in a row that are ours, or W&B's."""

_MAX_TEXT_CHARS: Final = 1000


def of_record(
    fields: Mapping[str, Any], tag: Callable[[Mapping[str, Any], str], str]
) -> tuple[dict[str, Any], list[tuple[str, str, float]]]:
    """Return the row of a record, and the name of the curve, the metric and the value of each number in it.

    Args:
        fields: Of the record.
        tag: Names a curve, given these and a metric.
    """
    values = numbers.metrics(fields)
    row: dict[str, Any] = {}
    curves = []
    for metric, value in fields.items():
        if metric in values:
            curve = visible(str(tag(fields, metric)))
            row[curve] = values[metric]
            curves.append((curve, metric, values[metric]))
        elif metric not in STANDARD and (text := cells.text(value)):
            row[visible(str(tag(fields, metric)))] = visible(text[:_MAX_TEXT_CHARS])
    row[EXP_NUM] = fields["exp_num"]
    row[_BLOCK_NUM] = fields["block_num"]
    row[_WORKER_ID] = visible(cells.text(fields["worker_id"]))
    row[_TIMESTAMP] = numbers.seconds_since_1970(fields.get("timestamp"))
    return row, curves


def beginning(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return what stands in the row of any other signal beside what was logged: its clocks, worker and time."""
    row: dict[str, Any] = {}
    if (step := fields["step"]) is not None and (clock := axis(fields)) is not None:
        row[clock] = step
    for name, value in fields.get("clocks", {}).items():
        row.setdefault(_axis(name), value)
    if type(block_num := fields.get("context", {}).get(_BLOCK_NUM)) is int:
        row.setdefault(_BLOCK_NUM, block_num)
    row[_WORKER_ID] = visible(cells.text(fields["worker_id"]))
    row[_TIMESTAMP] = numbers.seconds_since_1970(fields.get("timestamp"))
    return row


def axis(fields: Mapping[str, Any]) -> str | None:
    """Return the name in a row of what a signal is drawn over, or None if it has no step."""
    clock = fields["clock"]
    return None if clock is None or fields["step"] is None else _axis(clock)


def _axis(clock: str) -> str:
    return f"clock/{clock}" if clock in _NO_CLOCKS else visible(clock)


def put(row: dict[str, Any], kind: str, name: str, value: Any) -> str:
    """Put something into a row, under its name or, if that is taken, ``<kind>/<name>``; return which it was."""
    name = visible(name)
    while name in row or name in _OWN:
        name = f"{kind}/{name}"
    row[name] = value
    return name


class Axes:
    """What each curve of a W&B run is drawn over: the clock with which its name came first.

    W&B's own step counts the rows, so that no row is ever dropped because a step falls or repeats.
    """

    def __init__(self) -> None:
        self._defined: set[str] = set()

    def begin(self, run: Any) -> None:
        """Tell W&B how records are drawn."""
        run.define_metric(EXP_NUM, hidden=True)
        # Without step_sync=False, W&B puts the last exp_num into each row that has none.
        run.define_metric("*", step_metric=EXP_NUM, step_sync=False)
        self._defined = {EXP_NUM, _BLOCK_NUM, _WORKER_ID, _TIMESTAMP}

    def define(self, run: Any, row: Mapping[str, Any], curves: Iterable[str], axis: str | None) -> None:
        """Tell W&B how a row is drawn that is no record, as far as it does not know yet.

        Args:
            run: The W&B run.
            row: What is going to be logged.
            curves: Names in the row of what was logged.
            axis: What they are drawn over; None for the rows.
        """
        for curve in curves:
            if curve not in self._defined:
                self._define(run, curve, step_metric=axis, step_sync=False)
        for name in row:
            if name not in self._defined:
                self._define(run, name, hidden=True)

    def _define(self, run: Any, name: str, **how: Any) -> None:
        self._defined.add(name)
        if "*" not in name:  # which W&B takes for a pattern
            run.define_metric(name, **how)
