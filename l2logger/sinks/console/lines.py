"""Records as aligned lines."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from l2logger.sinks.console.looks import Look, block
from l2logger.sinks.console.values import brief
from l2logger.sinks.console.widths import cells, left, right

if TYPE_CHECKING:
    from rich.text import Text

_PLACE: Final = {"block": 7, "task_name": 12, "worker_id": 8, "exp_num": 7}
"""The columns that come first, and how wide they are at least."""

_METRIC_WIDTH: Final = 8
_SHORT_NAME: Final = 10
_GAP: Final = 2
_LEFT_OUT: Final = 5
"""Columns that it takes to say how many did not fit."""

_MAX_HEADED: Final = 100


class Lines:
    """Draw records as lines, with the names of the columns above each new block.

    Args:
        look: How values are shown.
    """

    def __init__(self, look: Look) -> None:
        self._look = look
        self._longest: dict[str, int] = {}
        self._names: list[str] = []
        self._headed: dict[str, None] = {}

    def draw(self, fields: Mapping[str, Any], width: int | None, worker: bool) -> "Text":
        """Return the line of a record, below the names of the columns if they are new; nothing if all is silent.

        Args:
            fields: The record.
            width: Columns there are; None for as many as it takes.
            worker: Whether to name the worker.
        """
        from rich.text import Text

        texts = self._look.texts(fields, worker=worker, default=brief)
        drawn = Text()
        if not texts:
            return drawn
        for name, text in texts.items():
            least = _PLACE.get(name, _METRIC_WIDTH)
            self._longest[name] = max(self._longest.get(name, least), cells(text))
        widths = self._fit(width)
        if self._is_new(list(widths), block(fields)):
            left_out = len(self._longest) - len(widths)
            drawn.append("\n" if len(self._headed) > 1 else "")
            _append(drawn, {name: self._look.label(name) for name in widths}, widths, dict.fromkeys(widths, "bold"))
            has_room = width is None or _sum(widths) + _LEFT_OUT <= width
            drawn.append(f" +{left_out}\n" if left_out and has_room else "\n", "bold")
        _append(drawn, texts, widths, self._look.colors)
        return drawn.append("\n")

    def _fit(self, width: int | None) -> dict[str, int]:
        """Return the columns that there is room for, and their widths. The names are cut first, then the last go."""
        names = [*(name for name in _PLACE if name in self._longest), *(n for n in self._longest if n not in _PLACE)]
        widths = {name: max(self._longest[name], cells(self._look.label(name))) for name in names}
        if width is None or _sum(widths) <= width:
            return widths
        widths = {name: max(self._longest[name], min(_SHORT_NAME, widths[name])) for name in names}
        if _sum(widths) <= width:
            return widths
        while len(widths) > 1 and _sum(widths) + _LEFT_OUT > width:
            widths.popitem()
        return {name: min(each, width) for name, each in widths.items()}

    def _is_new(self, names: list[str], label: str) -> bool:
        """Return whether these columns or this block have no header yet."""
        if names == self._names and label in self._headed:
            return False
        self._names = names
        self._headed[label] = None
        if len(self._headed) > _MAX_HEADED:
            del self._headed[next(iter(self._headed))]
        return True


def _sum(widths: Mapping[str, int]) -> int:
    return sum(widths.values()) + _GAP * (len(widths) - 1)


def _append(line: "Text", texts: Mapping[str, str], widths: Mapping[str, int], styles: Mapping[str, str]) -> None:
    for place, (name, width) in enumerate(widths.items()):
        aligned = left if name in _PLACE and name != "exp_num" else right
        line.append(" " * _GAP if place else "").append(aligned(texts.get(name, ""), width), styles.get(name))
