"""The metrics beside the records, as a section of the live table."""

from collections import deque
from collections.abc import Mapping
from typing import Any, Final

from l2logger.sinks.console.columns import GAP, Cell, Column, lines_of, width_of
from l2logger.sinks.console.looks import Look
from l2logger.sinks.console.values import brief, number, shown
from l2logger.sinks.console.widths import left

_MAX_CLOCKS: Final = 20
_MAX_NAMES: Final = 500
_OVERHEAD: Final = 3
"""Lines around the rows: the header, the rule below, and the note."""

MIN_HEIGHT: Final = _OVERHEAD + 1


class Curves:
    """What became of the metrics of one clock.

    Args:
        window: Over how many values of a metric its recent mean goes.
    """

    def __init__(self, window: int) -> None:
        self._window = window
        self._recent: dict[str, deque[Any]] = {}
        self._latest: Mapping[str, Any] = {}

    def add(self, fields: Mapping[str, Any]) -> None:
        """Take metrics. This is done for each, so it only takes note."""
        self._latest = fields
        for name, value in fields["values"].items():
            recent = self._recent.get(name)
            if recent is None:
                if len(self._recent) == _MAX_NAMES:
                    del self._recent[next(iter(self._recent))]
                recent = self._recent[name] = deque(maxlen=self._window)
            recent.append(value)

    def title(self, look: Look, *, worker: bool) -> str:
        """Return where the clock is."""
        moment = look.moment(self._latest, worker=worker)
        return GAP.join(f"{shown(name)} {text}" for name, text in moment.items()) or "metric"

    def names(self, look: Look) -> list[str]:
        """Return the names of the metrics that are shown."""
        return look.chosen(self._recent)

    def columns(self, names: list[str], look: Look, title: str) -> list[Column]:
        """Return the columns of some metrics: their names, their last values and their means."""
        styles = [look.colors.get(name, "") for name in names]
        last = [look.text(name, self._recent[name][-1], brief) for name in names]
        means = [look.text(name, self._mean(name), brief) for name in names]
        return [
            Column(title, [(look.label(name), "") for name in names], left),
            Column("last", list(zip(last, styles, strict=True))),
            Column("mean", list(zip(means, styles, strict=True))),
        ]

    def _mean(self, name: str) -> float:
        numbers = [found for value in self._recent[name] if (found := number(value)) is not None]
        return sum(numbers) / len(numbers) if numbers else float("nan")


class Clocks:
    """What became of the metrics of all clocks.

    Args:
        window: See `Curves`.

    Attributes:
        count: How many signals came.
    """

    def __init__(self, window: int) -> None:
        self.count = 0
        self._window = window
        self._workers: set[str] = set()
        self._of: dict[str | None, Curves] = {}

    def add(self, fields: Mapping[str, Any]) -> None:
        """Take metrics."""
        clock = None if fields["step"] is None else fields["clock"]
        curves = self._of.get(clock)
        if curves is None:
            if len(self._of) == _MAX_CLOCKS:
                del self._of[next(iter(self._of))]
            curves = self._of[clock] = Curves(self._window)
        curves.add(fields)
        self._workers.add(fields["worker_id"])
        self.count += 1

    def height(self, look: Look) -> int:
        """Return how many lines it takes to show all, one clock below the other; 0 if nothing is shown."""
        counts = [len(names) for curves in self._of.values() if (names := curves.names(look))]
        return sum(counts) + 3 * len(counts) if counts else 0

    def lines(self, look: Look, width: int, height: int) -> list[list[Cell]]:
        """Return the section, in no more lines than `height`; where these are few, it goes on beside.

        Args:
            look: How values are shown.
            width: Columns there are.
            height: Lines there are.
        """
        shown = {curves: names for curves in self._of.values() if (names := curves.names(look))}
        if not shown or height < MIN_HEIGHT:
            return []
        note = f"mean of the last {self._window:,} values"
        titles = {curves: curves.title(look, worker=len(self._workers) > 1) for curves in shown}
        if self.height(look) <= height:
            lines: list[list[Cell]] = []
            for curves, names in shown.items():
                lines += [[]] * bool(lines) + lines_of(curves.columns(names, look, titles[curves]))
            return [*lines, [(note, "dim")]]
        rows = height - _OVERHEAD
        columns: list[Column] = []
        left_out = 0
        for curves, names in shown.items():
            for start in range(0, len(names), rows):
                some = names[start : start + rows]
                more = [*columns, *curves.columns(some, look, titles[curves])]
                if left_out or (columns and width_of(more) > width):
                    left_out += len(some)
                else:
                    columns = more
        note += f"; {left_out:,} more metric{'s' * (left_out > 1)}" if left_out else ""
        return [*lines_of(columns), [(note, "dim")]]
