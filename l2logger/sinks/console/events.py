"""What is neither a record nor metrics, as lines."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from l2logger.signals import ARRAY, ARTIFACT, FIGURE, HISTOGRAM, IMAGE, NOTE, TABLE, TEXT, VIDEO, Signal
from l2logger.sinks.console.columns import GAP, Cell, Column, append_line, lines_of, width_of
from l2logger.sinks.console.looks import Look
from l2logger.sinks.console.turns import Turns
from l2logger.sinks.console.values import brief, number, shown
from l2logger.sinks.console.widths import left, right

if TYPE_CHECKING:
    from rich.text import Text

_BARS: Final = "▁▂▃▄▅▆▇█"
_MAX_BARS: Final = 16
_MAX_ROWS: Final = 10
_MAX_COLUMNS: Final = 12
_INDENT: Final = 2
_MAX_KEPT: Final = 100
_LEVELS: Final[Mapping[str, str]] = {"debug": "dim", "warning": "yellow", "error": "red"}
"""Styles of notes."""


class Events:
    """Draw each signal of the other kinds as a line, and a table with its first rows below.

    Args:
        look: How values are shown.
        turns: Says whose turn it is, for each name by itself.
    """

    def __init__(self, look: Look, turns: Turns) -> None:
        self._look = look
        self._turns = turns
        self._workers: set[str] = set()
        self._unshown: dict[tuple[str, str], Signal] = {}

    def draw(self, signal: Signal, width: int | None) -> "Text | None":
        """Return what is shown of a signal, with a newline at its end; None if nothing is, or it is not its turn.

        Args:
            signal: One that has a line, which those of kinds to come have not.
            width: Columns there are; None for as many as it takes.
        """
        name = signal.fields.get("name")
        self._workers.add(signal.fields["worker_id"])
        if signal.kind not in _TELLERS or (name is not None and not self._look.chosen([name])):
            return None
        if signal.kind == ARTIFACT:  # rare, and dear
            return self._drawn(signal, width)
        if name is not None and not self._turns.due((signal.kind, name)):
            self._keep((signal.kind, name), signal)
            return None
        if not self._turns.spare():
            return None
        self._unshown.pop((signal.kind, name or ""), None)
        return self._drawn(signal, width)

    def rest(self, width: int | None) -> "Iterator[Text]":
        """Yield the last ones of each name, if it was not their turn."""
        unshown, self._unshown = self._unshown, {}
        for signal in unshown.values():
            if self._turns.spare():
                yield self._drawn(signal, width)

    def _keep(self, key: tuple[str, str], signal: Signal) -> None:
        self._unshown.pop(key, None)
        if len(self._unshown) == _MAX_KEPT:
            del self._unshown[next(iter(self._unshown))]
        self._unshown[key] = signal

    def _drawn(self, signal: Signal, width: int | None) -> "Text":
        from rich.text import Text

        name = signal.fields.get("name")
        moment = self._look.moment(signal.fields, worker=len(self._workers) > 1)
        line: list[Cell] = [(f"{shown(key)} {text}{GAP}", "dim") for key, text in moment.items()]
        line += [(signal.kind, "bold"), ("" if name is None else f" {shown(name)}", "")]
        usual = _LEVELS.get(signal.fields.get("level", ""), "") if signal.kind == NOTE else ""
        style = self._look.colors.get(name or signal.kind, usual)
        for text in _TELLERS[signal.kind](signal.fields, self._look):
            line += [(GAP, ""), (text, style)]
        drawn = Text()
        append_line(drawn, line, width)
        if signal.kind == TABLE:
            for below in _table(signal.fields, None if width is None else width - _INDENT):
                append_line(drawn, [(" " * _INDENT, ""), *below], width)
        return drawn


def _of_note(fields: Mapping[str, Any], look: Look) -> list[str]:
    level = fields.get("level", "info")
    return [*([shown(str(level))] if level != "info" else []), shown(fields["text"])]


def _of_text(fields: Mapping[str, Any], look: Look) -> list[str]:
    return [shown(fields["text"])]


def _of_image(fields: Mapping[str, Any], look: Look) -> list[str]:
    size = "x".join(str(fields[side]) for side in ("width", "height", "channels") if side in fields)
    return [size, *_file(fields)]


def _of_video(fields: Mapping[str, Any], look: Look) -> list[str]:
    told = [f"{fields['width']}x{fields['height']}", f"{fields['frames']:,} frames", f"{fields['fps']:g} fps"]
    return [", ".join(told), *_file(fields)]


def _of_array(fields: Mapping[str, Any], look: Look) -> list[str]:
    return [f"{shown(fields['dtype'])} [{', '.join(map(str, fields['shape']))}]", *_file(fields)]


def _file(fields: Mapping[str, Any]) -> list[str]:
    caption = fields.get("caption")
    return [shown(fields["path"]), *([shown(caption)] if caption else [])]


def _of_artifact(fields: Mapping[str, Any], look: Look) -> list[str]:
    count = len(fields["files"])
    size = f"{count:,} file{'s' * (count != 1)}, {_size(fields['nbytes'])}"
    aliases = [f"({shown(', '.join(fields['aliases']))})"] if fields["aliases"] else []
    return [shown(fields["version"]), size, shown(fields["path"]), *aliases]


def _of_table(fields: Mapping[str, Any], look: Look) -> list[str]:
    columns, rows = len(fields["columns"]), len(fields["rows"])
    return [f"{columns:,} column{'s' * (columns != 1)}, {rows:,} row{'s' * (rows != 1)}"]


def _of_histogram(fields: Mapping[str, Any], look: Look) -> list[str]:
    told = [f"count {fields['count']:,}"]
    if fields["count"]:
        least, most, mean, std = (
            look.text(fields["name"], fields[key], brief) for key in ("min", "max", "mean", "std")
        )
        told = [f"{least} {sparkline(fields['counts'])} {most}", f"mean {mean}", f"std {std}", *told]
    return [*told, *([f"{fields['nonfinite']:,} not finite"] if fields["nonfinite"] else [])]


_TELLERS: Final[Mapping[str, Callable[[Mapping[str, Any], Look], list[str]]]] = {
    NOTE: _of_note,
    TEXT: _of_text,
    IMAGE: _of_image,
    FIGURE: _of_image,
    VIDEO: _of_video,
    ARRAY: _of_array,
    ARTIFACT: _of_artifact,
    TABLE: _of_table,
    HISTOGRAM: _of_histogram,
}


def sparkline(counts: Sequence[int]) -> str:
    """Return counts as a row of bars, of which neighbors share one where there are many; an empty one is blank."""
    width = min(len(counts), _MAX_BARS)
    edges = [len(counts) * place // width for place in range(width + 1)]
    # Shares may be of one more or less, so that they are compared by what is in one of their parts on average.
    levels = [sum(counts[start:end]) / (end - start) for start, end in pairwise(edges)]
    highest = max(levels, default=0)
    return "".join(_BARS[round((len(_BARS) - 1) * level / highest)] if level else " " for level in levels)


def _size(nbytes: int) -> str:
    """Return a number of bytes in the unit in which it has a few digits."""
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if nbytes >= size:
            return f"{nbytes / size:,.1f} {unit}"
    return f"{nbytes} B"


def _table(fields: Mapping[str, Any], width: int | None) -> list[list[Cell]]:
    """Return the first rows of a table, in the columns that there is room for."""
    names, rows = fields["columns"], fields["rows"][:_MAX_ROWS]
    columns: list[Column] = []
    for place, name in enumerate(names[:_MAX_COLUMNS]):
        values = [row[place] if place < len(row) else None for row in rows]
        texts = [("" if value is None else brief(value), "") for value in values]
        are_numbers = all(value is None or number(value) is not None for value in values)
        column = Column(shown(str(name)), texts, right if are_numbers else left)
        if width is not None and columns and width_of([*columns, column]) > width:
            break
        columns.append(column)
    if not columns:
        return []
    left_out = {"row": len(fields["rows"]) - len(rows), "column": len(names) - len(columns)}
    more = [f"{count:,} more {noun}{'s' * (count > 1)}" for noun, count in left_out.items() if count]
    return [*lines_of(columns), *([[("; ".join(more), "dim")]] if more else [])]
