"""What a run and its handles can log beside records: numbers, words, and what they are plotted against."""

import operator
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ContextDecorator, suppress
from types import TracebackType
from typing import Any, Final, Self

from l2logger import paths
from l2logger.errors import ConfigError, SignalError
from l2logger.handle import Handle
from l2logger.signals import DESCRIPTION, HISTOGRAM, METRICS, NOTE, PARAMS, STEP, TABLE, TEXT
from l2logger.sinks.pace import parse

_MISTAKES: Final = {
    "values": "give the dict without a name",
    "metrics": "give the dict without a name",
    "data": "give the dict without a name",
    "global_step": "the step is step=",
    "commit": "each call is stored at once, and calls at one step are one row for the sinks that have rows",
}
"""What a keyword means elsewhere; as a metric it can be in the dict."""

LEVELS: Final = ("debug", "info", "warning", "error")
"""How much a note matters."""


class SignalMethods(Handle):
    """Metrics, parameters, histograms, texts, tables and notes.

    All of it goes to ``signals/<worker_id>.jsonl`` in the run directory and then to every sink that takes its kind. A signal
    that was refused left no trace. The clocks that `advance` has moved, and the fields bound to a handle, go along.

    A step that is not given is the present value of the clock, if `advance` moves that. Otherwise metrics count on by themselves, and all
    else belongs to the step of the last metrics. A handle may have ``step`` and ``clock`` bound. Without a clock, there is no step.
    """

    __slots__ = ()

    def log_metrics(
        self,
        values: Mapping[str, Any] | None = None,
        /,
        step: int | None = None,
        *,
        clock: str | None = STEP,
        **more: Any,
    ) -> None:
        """Log numbers, at any rate, apart from the rows of the log.

        Args:
            values: Numbers by name, nested as you like: ``{"actor": {"loss": 0.5}}`` is ``actor/loss``. Numbers of numpy,
                torch and jax are taken to the host.
            step: Where on the clock they belong. It may fall: late values are kept. None counts on from the highest step of the worker
                on this clock, beginning with 0, if `advance` does not move it.
            clock: What is counted, such as ``"step"``, ``"updates"`` or ``"epoch"``; None for values over time, without a step.
            **more: More of the same; they win over `values`.

        Raises:
            SignalError: Something is no number, or has no proper name.
            LogWriteError: The operating system refused the write.

        Example:
            >>> logger.log_metrics({"loss": 0.5}, step=100, clock="updates")  # doctest: +SKIP
        """
        if values is not None and not isinstance(values, Mapping):
            raise SignalError(
                f"metrics must be a dict of numbers by name, got {values!r}; or write log_metrics(loss=...)"
            )
        if more and not _MISTAKES.keys().isdisjoint(more):
            name = next(iter(_MISTAKES.keys() & more))
            raise SignalError(f"log_metrics(..., {name}=...) would be a metric called {name!r}; {_MISTAKES[name]}")
        self._log(METRICS, {"values": more if values is None else {**values, **more}}, step, clock)

    def log_params(self, params: Any = None, /, **groups: Any) -> None:
        """Log parameters of the experiment, which are merged with those logged before.

        Args:
            params: A dict, a data class, an ``argparse.Namespace`` or a section of OmegaConf (Hydra), whose references are resolved.
            **groups: Parameters by name, or groups of them, nested as you like; they win over `params`. What seems to be secret is
                redacted.

        Raises:
            SignalError: There are none.
        """
        from l2logger.plain import plain

        found = {} if params is None else plain(params)
        if not isinstance(found, dict) or not (found or groups):
            raise SignalError(
                "parameters must be a dict, a data class, a Namespace or a configuration of OmegaConf, with something in it; "
                f"got {params!r:.200}"
            )
        self._log(PARAMS, {"params": {**found, **plain(groups)}})

    def log_config(self, config: Any) -> None:
        """Log a whole configuration: the same as `log_params`, for one object.

        Raises:
            SignalError: As `log_params`.
        """
        self.log_params({} if config is None else config)

    def log_histogram(
        self, name: str, values: Any, step: int | None = None, *, bins: Any = 64, clock: str | None = STEP
    ) -> None:
        """Log how values are distributed.

        Args:
            name: What they are, such as ``"actor/gradients"``.
            values: Numbers, in any shape. NaN and the infinities are left out, and counted.
            step: Where on the clock they belong.
            bins: How many buckets of one width, at most 512; or their edges, rising.
            clock: What `step` counts.

        Raises:
            SignalError: There are no finite numbers, or the bins are not what they should be.
        """
        from l2logger.histograms import histogram

        self._log(HISTOGRAM, histogram(name, values, bins), step, clock)

    def log_text(self, name: str, text: str, step: int | None = None, *, clock: str | None = STEP) -> None:
        """Log a text, such as a sample of what a model writes.

        Args:
            name: What it is.
            text: The text, which is stored as it is.
            step: Where on the clock it belongs.
            clock: What `step` counts.

        Raises:
            SignalError: It is no text.
        """
        self._log(
            TEXT, {"name": paths.checked_name("a text", name), "text": _text(f"the text {name!r}", text)}, step, clock
        )

    def log_table(
        self,
        name: str,
        rows: Any,
        step: int | None = None,
        *,
        columns: Sequence[str] | None = None,
        clock: str | None = STEP,
    ) -> None:
        """Log a table.

        Args:
            name: What it shows.
            rows: A list of dicts or of lists, a dict of columns, or a DataFrame of pandas or polars.
            step: Where on the clock it belongs.
            columns: Names of the columns, for rows that are lists; otherwise which columns to keep, in this order.
            clock: What `step` counts.

        Raises:
            SignalError: It is no table, or has more than a million cells.
        """
        from l2logger.logged_tables import table

        self._log(TABLE, table(name, rows, columns), step, clock)

    def note(self, text: str, step: int | None = None, *, level: str = "info", clock: str | None = STEP) -> None:
        """Note that something happened, such as ``"lr dropped"``; it is shown beside the charts.

        Args:
            text: What happened.
            step: When, on the clock.
            level: ``"debug"``, ``"info"``, ``"warning"`` or ``"error"``.
            clock: What `step` counts.

        Raises:
            SignalError: It is no text, or there is no such level.
        """
        if level not in LEVELS:
            raise SignalError(f"level must be one of {', '.join(map(repr, LEVELS))}, got {level!r}")
        self._log(NOTE, {"text": _text("a note", text), "level": level}, step, clock)

    def describe(self, metric: str, *, unit: str | None = None, better: str | None = None) -> None:
        """Say what a metric means.

        Args:
            metric: Its name, of a record or of `log_metrics`.
            unit: What it is counted in, such as ``"s"`` or ``"points"``.
            better: ``"min"`` or ``"max"``: which of its values is the best, for summaries and for the best model.

        Raises:
            SignalError: `better` is something else.
        """
        if better not in (None, "min", "max"):
            raise SignalError(f"better must be 'min' or 'max', got {better!r}")
        fields = {
            "metric": paths.checked_name("a metric", metric),
            "unit": None if unit is None else _text("a unit", unit),
        }
        self._log(DESCRIPTION, {**fields, "better": better})

    def timer(self, name: str) -> "Timer":
        """Return a context that measures how long it is entered; timers may be nested.

        The seconds are logged with the next metrics of this worker, as ``time/<name>``, in total if there were several.
        """
        return Timer(self, paths.checked_name("a timer", name))

    def every(self, interval: int | float | str, key: str | None = None) -> bool:
        """Return whether it is the turn of something that is done only now and then: ``if logger.every(100): ...``.

        Args:
            interval: A whole number: it is the turn of the first call, and of each so many. Or a time, as text such as ``"30s"``,
                ``"5m"``.
            key: What is counted; by default each place in the code that calls is counted for itself.

        Raises:
            SignalError: That is no interval.
        """
        if key is None:
            caller = sys._getframe(1)
            key = f"{caller.f_code.co_filename}:{caller.f_lineno}:{caller.f_lasti}"
        return self.run._pace_of(key, _interval(interval)).due()

    def advance(self, clock: str, n: int = 1, *, to: int | None = None) -> int:
        """Move a clock on, and return where it is; from then on its value goes along with all signals.

        Args:
            clock: Such as ``"env_steps"``.
            n: By how much.
            to: Set it to this instead.

        Raises:
            SignalError: That is no clock, or no whole number, or both `n` and `to` are given.
        """
        if to is not None and n != 1:
            raise SignalError(f"a clock is moved on by n, or set to a value, not both; got n={n!r} and to={to!r}")
        return self.run._move_clock(clock, n, to)


class Timer(ContextDecorator):
    """Measures time. Made by `SignalMethods.timer`; may be entered again, and decorates functions.

    Attributes:
        secs: How long it was entered the last time; while it is entered, since then.
    """

    def __init__(self, logger: SignalMethods, name: str) -> None:
        self._logger = logger
        self._name = name
        self._began: list[float] = []
        self._secs = 0.0

    @property
    def secs(self) -> float:
        return time.perf_counter() - self._began[-1] if self._began else self._secs

    def __enter__(self) -> Self:
        self._began.append(time.perf_counter())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._secs = time.perf_counter() - self._began.pop()
        self._logger.run._add_timing(self._logger._worker_id(), self._name, self._secs)


def _text(what: str, text: Any) -> str:
    if not isinstance(text, str):
        raise SignalError(f"{what} must be text, got {text!r:.200} ({type(text).__name__}); write str(...) around it")
    return str.__str__(text)


def _interval(interval: Any) -> int | float:
    """Return a number of calls, or a time in seconds."""
    count: int | float | None = 0
    if isinstance(interval, str):
        with suppress(ConfigError):
            count = parse(interval)
    elif not isinstance(interval, bool):
        with suppress(TypeError):  # which no float is that stands for a whole number, such as 1000 / 10
            count = int(interval) if isinstance(interval, float) and interval.is_integer() else operator.index(interval)
    if not count or count < 0:
        raise SignalError(f"every takes a number of calls, such as 10, or a time, such as '2s'; got {interval!r}")
    return count
