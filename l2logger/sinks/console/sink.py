"""A sink for the eyes: the console."""

import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from l2logger.errors import ConfigError
from l2logger.run import RunInfo
from l2logger.signals import DESCRIPTION, KINDS, METRICS, PARAMS, RECORD, Signal
from l2logger.sinks.console import frames
from l2logger.sinks.console.events import Events
from l2logger.sinks.console.lines import Lines
from l2logger.sinks.console.live import Tally
from l2logger.sinks.console.looks import Format, Look
from l2logger.sinks.console.parameters import Parameters
from l2logger.sinks.console.screen import Screen
from l2logger.sinks.console.steps import StepFrames, StepLines
from l2logger.sinks.console.turns import Turns
from l2logger.sinks.console.views import Frames, Live, Printed
from l2logger.sinks.pace import Pace, parse
from l2logger.sinks.sink import Sink

if TYPE_CHECKING:
    from rich.text import Text

_PACES: Final = {"frame": 5.0, "line": 2.0, "live": 0.25}
"""The styles, and how many seconds are between two pictures if nothing else is said."""

_LIVE_PAUSE_SECS: Final = 0.1
_STREAMS: Final = ("stdout", "stderr")
_PARAMS_WIDTH: Final = 100


class ConsoleSink(Sink):
    """Show records, and what else was logged, on the terminal, or in whatever stands for it.

    A record that is not shown costs next to nothing. The last record of a block, and of the run, is shown even if it is
    not its turn. Nobody reading any more, as in ``train.py | head``, is no error: the sink falls silent.

    What a worker logs as metrics at one step is shown as one, once the step has changed or nothing came for two seconds;
    the live table has the last values at once. Parameters are shown in a frame. Of an image, a histogram, a note and so on
    there is a line, and of a table the first rows. The unit by which a metric is described stands behind its name.

    Args:
        every: How often something is shown: a whole number for each so many records, a float or a text such as
            ``"500ms"``, ``"2s"``, ``"1m"`` for a time. By default a table is drawn four times a second, and a line is written
            every two seconds, a frame every five; whatever the pace, what comes more slowly is shown as it comes. The metrics
            of each clock, and the images and the like of each name, are counted for themselves.
        style: ``"frame"`` draws the values of a record one below the other in a frame, ``"line"`` writes them into one
            line, ``"live"`` keeps one table up to date, with a row for each task, of each metric the last value and the
            mean over `window` records, the rate and the progress. By default live on a terminal and lines elsewhere.
            Where nothing can be drawn over, in a pipe, a file or a dumb terminal, live is lines as well, and in a process
            of its own.
        only: What to show beside block, task and ``exp_num``: names of metrics, or glob patterns, in the order wanted; other
            columns, such as ``timestamp``, by name. All metrics if None. The names of images and the like are meant as well.
        silent: What not to show, by name or glob pattern; ``block``, ``task_name`` and ``exp_num`` can be among it, and
            clocks such as ``step``.
        formats: For some columns how their values are written: ``"percent"`` (0.85 is 85.0%), ``"ms"`` and ``"sec"`` (both of
            seconds), a format of Python such as ``"{:.5f}"``, or a function that returns text.
        colors: For some columns the color of their values, where there are colors: NO_COLOR and FORCE_COLOR are honored.
        total: How many experiences there will be, for a bar of the progress.
        window: Over how many records of a task, or values of a metric, the means of the live table go.
        params: Show the parameters: the ``scenario_info`` at the start, and what is logged as such.
        stream: ``"stdout"``, ``"stderr"``, or an open text file. What `sys` has under the name is looked up in `open`.
        clock: Returns the time in seconds.

    Raises:
        ConfigError: An argument is not what it should be.
    """

    name = "console"
    kinds = KINDS
    lasting = False

    def __init__(
        self,
        *,
        every: int | float | str | None = None,
        style: str | None = None,
        only: str | Iterable[str] | None = None,
        silent: str | Iterable[str] = (),
        formats: Mapping[str, Format] | None = None,
        colors: Mapping[str, str] | None = None,
        total: int | None = None,
        window: int = 100,
        params: bool = True,
        stream: Any = "stdout",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if style is not None and style not in _PACES:
            raise ConfigError(f"unknown style {style!r}; known are {', '.join(_PACES)}")
        for name, number in (("total", total), ("window", window)):
            if number is not None and (isinstance(number, bool) or not isinstance(number, int) or number < 1):
                raise ConfigError(f"{name} must be a whole number of at least 1, got {number!r}")
        if stream not in _STREAMS if isinstance(stream, str) else not hasattr(stream, "write"):
            raise ConfigError(f"stream must be {' or '.join(map(repr, _STREAMS))} or an open text file, got {stream!r}")
        self._every = None if every is None else parse(every)
        self._look = look = Look(only, silent, formats, colors)
        named = {name: each for name, each in (formats or {}).items() if isinstance(each, str)} or None
        self._options = {
            "every": every,
            "style": style,
            "only": look.only,
            "silent": look.silent or (),
            "formats": named,
        }
        self._options |= {"colors": dict(colors or {}) or None, "total": total, "window": window, "params": params}
        self._options |= {"stream": stream if isinstance(stream, str) else "stdout"}
        self._style = style
        self._total = total
        self._window = window
        self._params = params
        self._stream = stream
        self._clock = clock
        self._began = False
        self._parameters = Parameters("")
        self._view: Printed | Live | None = None

    def open(self, run: RunInfo) -> None:
        self._screen = screen = Screen(self._stream)
        if screen.gone:
            return
        title = os.path.basename(run.scenario_dir)
        metrics = run.logger_info.get("metrics_columns")
        self._look.rank(metrics if isinstance(metrics, list | tuple) else ())
        if not self._began:
            self._began = True
            self._parameters = Parameters(title)
            if self._params and run.scenario_info:
                screen.write(screen.rendered(self._framed(run.scenario_info)))
        # At the prompt of an interpreter, each command would leave a remnant of the table.
        style = self._style or ("line" if hasattr(sys, "ps1") else "live")
        # What is printed in another process cannot be kept out of the table.
        if style == "live" and (self.isolate == "process" or not screen.can_redraw):
            style = "line"
        every = self._every or _PACES[style]
        if style == "live":
            pace = Pace(every, pause_secs=_LIVE_PAUSE_SECS, clock=self._clock)
            tally = Tally(title, total=self._total, window=self._window, now=self._clock())
            self._view = Live(screen, tally, self._look, pace, self._clock)
            every = self._every or _PACES["line"]  # what stands above the table stays
        else:
            draw = Lines(self._look).draw if style == "line" else Frames(self._look).draw
            draw_step = StepLines(self._look).draw if style == "line" else StepFrames(self._look).draw
            turns = Turns(every, clock=self._clock)
            self._view = Printed(screen, draw, Pace(every, clock=self._clock), draw_step, turns)
        self._events = Events(self._look, Turns(every, clock=self._clock))

    def write(self, signal: Signal) -> None:
        if self._view is None:
            return
        kind = signal.kind
        if kind == RECORD:
            self._view.add(signal.fields)
        elif kind == METRICS:
            self._view.add_metrics(signal)
        elif kind == PARAMS:
            if self._params:
                self._view.tell(self._framed(signal.fields["params"]))
        elif kind == DESCRIPTION:
            self._look.describe(signal.fields["metric"], signal.fields["unit"])
        elif (drawn := self._events.draw(signal, self._screen.size()[0])) is not None:
            self._view.tell(drawn)

    def flush(self) -> None:
        if self._view is not None:
            self._view.flush()

    def close(self) -> None:
        view, self._view = self._view, None
        if view is not None:
            try:
                for drawn in self._events.rest(self._screen.size()[0]):
                    view.tell(drawn)
            finally:
                view.close()

    def options(self) -> dict[str, Any]:
        usual = ConsoleSink.__init__.__kwdefaults__ or {}
        return {name: each for name, each in self._options.items() if each != usual[name]}

    def _framed(self, params: Any) -> "Text":
        """Return the frame around parameters, and around those before that are in the same groups."""
        return frames.parameters(self._parameters.add(params), width=self._screen.size()[0] or _PARAMS_WIDTH)
