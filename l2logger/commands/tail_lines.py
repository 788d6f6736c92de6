"""Records and other signals as lines of text."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from l2logger.commands.terminal import finite
from l2logger.diagnostics import visible
from l2logger.schema import V1_1
from l2logger.signals import METRICS, thawed

if TYPE_CHECKING:
    from l2logger.follow import NewRecord, NewSignal

    New = NewRecord | NewSignal

_MAX_VALUE: Final = 60
_OF_ALL: Final = frozenset({"timestamp", "worker_id", "clock", "step", "clocks", "context"})
_WIDTHS: Final = {
    "timestamp": 0,
    "worker_id": 14,
    "block": 8,
    "task_name": 20,
    "exp_num": 7,
    "kind": 11,
    "name": 17,
    "step": 7,
}
"""The columns that each line begins with, and how wide they are at least."""

_RIGHT: Final = frozenset({"exp_num", "step"})
_USUAL: Final = {"block_subtype": "wake", "exp_status": "complete"}
_STANDARD: Final = frozenset(V1_1.columns)
_VALUE: Final = "="
"""What stands before the names of all others, which may be called like these."""


class Lines:
    """Write records and other signals as lines: when, who, what, and then the metrics.

    Args:
        last: The last of them. If their lines do not fit, what is the same in all of them is left out.
        width: Columns of the terminal; None if it is none.
    """

    def __init__(self, last: "Sequence[New]", width: int | None) -> None:
        self._left_out: dict[str, str] = {}
        rows = [_cells(new) for new in last] if width else []
        if len(rows) < 2:
            return
        same = {name: text for name, text in rows[0].items() if all(row.get(name) == text for row in rows)}
        same.pop("timestamp", None)
        for name in sorted(same, key=lambda name: (name != "worker_id", name in _WIDTHS)):
            if max(len(click.unstyle(self._text(row))) for row in rows) <= (width or 0):
                break
            self._left_out[name] = same[name]

    @property
    def left_out(self) -> dict[str, str]:
        """What is not shown as long as it has this value, by name."""
        return {name.removeprefix(_VALUE): text or "empty" for name, text in self._left_out.items()}

    def line(self, new: "New") -> str:
        """Return the line of a record or another signal."""
        return self._text(_cells(new))

    def _text(self, row: Mapping[str, str]) -> str:
        shown = {name: text for name, text in row.items() if self._left_out.get(name) != text}
        head = [_padded(text, _WIDTHS[name], name in _RIGHT) for name, text in shown.items() if name in _WIDTHS]
        marks = [text for name, text in shown.items() if name in _USUAL]
        values = [
            f"{click.style(name.removeprefix(_VALUE), dim=True)}={text}"
            for name, text in shown.items()
            if name.startswith(_VALUE)
        ]
        return "  ".join([" ".join(head), *marks, *values])


def _padded(text: str, width: int, right: bool) -> str:
    return text.rjust(width) if right else text.ljust(width)


def _cells(new: "New") -> dict[str, str]:
    """Return what is shown of a record or another signal, by name."""
    from l2logger.follow import NewSignal

    day, _, time = new.timestamp.partition("T")
    clock = f"{time[:2]}:{time[2:4]}:{time[4:10]}" if len(time) == 13 and day else day
    if isinstance(new, NewSignal):
        return {"timestamp": clock, **dict(_of_signal(new.signal.kind, new.signal.fields))}
    return {"timestamp": clock, **dict(_of_record(new.fields))}


def _of_record(fields: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    block = f"{fields['block_num']}-{fields.get('block_type', '')}"
    yield "worker_id", visible(fields.get("worker_id", ""))
    yield "block", visible(block)
    yield "task_name", visible(fields.get("task_name", ""))
    yield "exp_num", fields["exp_num"]
    for name, usual in _USUAL.items():
        if fields.get(name, "") not in (usual, ""):
            yield name, visible(fields[name])
    for name, value in fields.items():
        if value and name not in _STANDARD:
            yield _VALUE + visible(name), _shortened(value)


def _of_signal(kind: str, fields: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    own = {name: value for name, value in fields.items() if name not in _OF_ALL}
    yield "worker_id", visible(fields["worker_id"])
    yield "kind", kind
    yield "name", visible(own.pop("name", own.pop("metric", "")))
    yield "step", "" if fields["step"] is None else visible(f"{fields['clock']} {fields['step']}")
    for name, value in (fields["values"] if kind == METRICS else own).items():
        yield _VALUE + visible(name), _shortened(str(value) if type(value) in (str, int, float) else dumps(value))


def dumps(value: Any) -> str:
    """Return a value of a frozen signal as JSON."""
    return json.dumps(finite(thawed(value)), allow_nan=False)


def _shortened(value: str) -> str:
    try:
        return f"{float(value):.6g}" if not value.lstrip("-").isdecimal() else value
    except ValueError:
        shown = visible(value)
        return shown if len(shown) <= _MAX_VALUE else shown[: _MAX_VALUE - 3] + "..."
