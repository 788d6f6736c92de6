"""How records and metrics get onto a console: some of them one after the other, or all of them counted in one table."""

import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from l2logger.signals import Signal
from l2logger.sinks.console import frames
from l2logger.sinks.console.live import Tally
from l2logger.sinks.console.live_table import table
from l2logger.sinks.console.looks import Look
from l2logger.sinks.console.region import Region
from l2logger.sinks.console.screen import Screen
from l2logger.sinks.console.steps import Steps
from l2logger.sinks.console.turns import Turns
from l2logger.sinks.pace import Pace

if TYPE_CHECKING:
    from rich.text import Text

    Draw = Callable[[Mapping[str, Any], int | None, bool], Text]
    """Returns a record as it is shown in so many columns, with its worker or without, and with a newline at its end."""


class Printed:
    """Print the records whose turn it is, and the last of each block; metrics in the same way.

    Args:
        screen: Where to.
        draw: Draws one record.
        pace: Says whose turn it is.
        draw_step: Draws the metrics of one step.
        turns: Says whose turn it is among these.
    """

    def __init__(self, screen: Screen, draw: "Draw", pace: Pace, draw_step: "Draw", turns: Turns) -> None:
        self._screen = screen
        self._draw = draw
        self._pace = pace
        self._last: dict[str, tuple[tuple[Any, ...], Mapping[str, Any] | None]] = {}
        self._steps = Steps(lambda fields, worker: draw_step(fields, self._screen.size()[0], worker), self.tell, turns)

    def add(self, fields: Mapping[str, Any]) -> None:
        """Print a record, if it is its turn, and the one before it, if that was the last of its block."""
        worker = fields["worker_id"]
        block = (fields["block_num"], fields["block_type"], fields.get("block_subtype"))
        last_block, unshown = self._last.get(worker, (block, None))
        if unshown is not None and last_block != block and self._pace.spare():
            self._show(unshown)
        due = self._pace.due()
        self._last[worker] = (block, None if due else fields)
        if due:
            self._show(fields)

    def add_metrics(self, signal: Signal) -> None:
        """Print a step, once it is whole and if it is its turn."""
        self._steps.add(signal)

    def tell(self, drawn: "Text") -> None:
        """Print something else."""
        if not self._screen.gone:
            self._screen.write(self._screen.rendered(drawn))

    def flush(self) -> None:
        """Take the steps for whole. Everything else that was printed is there at once."""
        self._steps.flush()

    def close(self) -> None:
        """Print the last record of each worker, and the last step."""
        for _, unshown in self._last.values():
            if unshown is not None and self._pace.spare():
                self._show(unshown)
        self._steps.close()

    def _show(self, fields: Mapping[str, Any]) -> None:
        if not self._screen.gone:
            self.tell(self._draw(fields, self._screen.size()[0], len(self._last) > 1))


class Frames:
    """Draw records as frames.

    Args:
        look: How values are shown.
    """

    def __init__(self, look: Look) -> None:
        self._look = look

    def draw(self, fields: Mapping[str, Any], width: int | None, worker: bool) -> "Text":
        """Return the frame of a record; nothing if all is silent.

        Args:
            fields: The record.
            width: Columns there are; None for as many as it takes.
            worker: Whether to name the worker.
        """
        look = self._look
        return frames.step(look.texts(fields, worker=worker), colors=look.colors, width=width, label=look.label)


class Live:
    """Keep one table up to date at the end of a terminal.

    Args:
        screen: The terminal.
        tally: What is counted.
        look: How values are shown.
        pace: Says when to draw.
        clock: Returns the time in seconds.
    """

    def __init__(self, screen: Screen, tally: Tally, look: Look, pace: Pace, clock: Callable[[], float]) -> None:
        self._screen = screen
        self._tally = tally
        self._look = look
        self._pace = pace
        self._clock = clock
        self._drawn = (0, 0)
        self._region = Region(screen, [screen.stream, sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__])
        self._region.start()

    def add(self, fields: Mapping[str, Any]) -> None:
        """Count a record, and draw the table if it is time to."""
        self._tally.add(fields)
        if self._pace.due():
            self._draw()

    def add_metrics(self, signal: Signal) -> None:
        """Take note of metrics, and draw the table if it is time to."""
        self._tally.clocks.add(signal.fields)
        if self._pace.due():
            self._draw()

    def tell(self, drawn: "Text") -> None:
        """Print something else, above the table."""
        if self._region.is_mine():
            self._region.tell(self._screen.rendered(drawn))
        else:
            self._screen.write(self._screen.rendered(drawn))

    def flush(self) -> None:
        """Draw what was counted since."""
        if self._drawn != (self._tally.records, self._tally.clocks.count):
            self._draw()

    def close(self) -> None:
        """Leave the table where it is."""
        self._tally.over = True
        try:
            self._draw()
        finally:
            self._region.stop()

    def _draw(self) -> None:
        if self._screen.gone:
            return
        now = self._clock()
        self._tally.sample(now)
        width, height = self._screen.size()
        drawn = table(self._tally, self._look, now, width=width or 80, height=height)
        self._region.draw(self._screen.rendered(drawn))
        self._drawn = (self._tally.records, self._tally.clocks.count)
