"""The metrics of a step, where one step is printed after the other."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from l2logger.signals import Signal
from l2logger.sinks.console import frames
from l2logger.sinks.console.looks import Look
from l2logger.sinks.console.turns import Turns
from l2logger.sinks.console.values import brief, plain
from l2logger.sinks.console.widths import cells, fitted, left
from l2logger.sinks.step_buffer import StepBuffer

if TYPE_CHECKING:
    from rich.text import Text

_GAP: Final = "  "
_MIN_VALUE: Final = 7
_LEFT_OUT: Final = 5
"""Columns that it takes to say how many did not fit."""


class Steps:
    """Print the steps whose turn it is, and the last of each worker and clock.

    Args:
        draw: Draws the fields of one step, with its worker or without.
        tell: Prints what was drawn.
        turns: Says whose turn it is, for each clock by itself.
    """

    def __init__(
        self, draw: "Callable[[Mapping[str, Any], bool], Text]", tell: "Callable[[Text], None]", turns: Turns
    ) -> None:
        self._draw = draw
        self._tell = tell
        self._turns = turns
        self._buffer = StepBuffer()
        self._workers: set[str] = set()
        self._unshown: dict[tuple[Any, Any], Mapping[str, Any] | None] = {}

    def add(self, signal: Signal) -> None:
        """Take metrics, and print the step before, if that is whole now and it is its turn."""
        self._workers.add(signal.fields["worker_id"])
        for step in self._buffer.add(signal):
            self._take(step.fields)

    def flush(self) -> None:
        """Take what there is of a step for the whole of it."""
        for step in self._buffer.flush():
            self._take(step.fields)

    def close(self) -> None:
        """Print the last steps."""
        self.flush()
        unshown, self._unshown = self._unshown, {}
        for fields in unshown.values():
            if fields is not None and self._turns.spare():
                self._show(fields)

    def _take(self, fields: Mapping[str, Any]) -> None:
        clock = None if fields["step"] is None else fields["clock"]
        due = self._turns.due(clock)
        self._unshown[fields["worker_id"], clock] = None if due else fields
        if due:
            self._show(fields)

    def _show(self, fields: Mapping[str, Any]) -> None:
        self._tell(self._draw(fields, len(self._workers) > 1))


class StepFrames:
    """Draw steps as frames.

    Args:
        look: How values are shown.
    """

    def __init__(self, look: Look) -> None:
        self._look = look

    def draw(self, fields: Mapping[str, Any], width: int | None, worker: bool) -> "Text":
        """Return the frame of a step; nothing if all of its metrics are silent.

        Args:
            fields: The metrics.
            width: Columns there are; None for as many as it takes.
            worker: Whether to name the worker.
        """
        look, values = self._look, fields["values"]
        texts = {name: look.text(name, values[name], plain) for name in look.chosen(values)}
        if texts:
            texts = look.moment(fields, worker=worker) | texts
        return frames.step(texts, colors=look.colors, width=width, label=look.label)


class StepLines:
    """Draw steps as lines in which each value has its name before it.

    Args:
        look: How values are shown.
    """

    def __init__(self, look: Look) -> None:
        self._look = look
        self._longest: dict[str, int] = {}

    def draw(self, fields: Mapping[str, Any], width: int | None, worker: bool) -> "Text":
        """Return the line of a step; nothing if all of its metrics are silent.

        Args:
            fields: The metrics.
            width: Columns there are; None for as many as it takes.
            worker: Whether to name the worker.
        """
        from rich.text import Text

        look, values = self._look, fields["values"]
        texts = {name: look.text(name, values[name], brief) for name in look.chosen(values)}
        line = Text()
        if not texts:
            return line
        texts = look.moment(fields, worker=worker) | texts
        room = width
        for count, (name, text) in enumerate(texts.items()):
            self._longest[name] = max(self._longest.get(name, _MIN_VALUE if name in values else 0), cells(text))
            label = (_GAP if count else "") + f"{look.label(name)} "
            text = left(text, self._longest[name])
            if room is not None:
                last = count == len(texts) - 1
                if count and cells(label) + cells(text.rstrip() if last else text) > room - (0 if last else _LEFT_OUT):
                    line.append(fitted(f" +{len(texts) - count}", room))
                    break
                label = fitted(label, room)
                text = fitted(text, room - cells(label))
                room -= cells(label) + cells(text)
            line.append(label, "dim").append(text, look.colors.get(name))
        line.rstrip()
        return line.append("\n")
