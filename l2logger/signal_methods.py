"""What a run and its handles can log beside records: numbers, words, and what they are plotted against."""

import sys
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from l2logger import paths
from l2logger.errors import SignalError
from l2logger.signals import DESCRIPTION, HISTOGRAM, METRICS, NOTE, PARAMS, STEP, TABLE, TEXT

if TYPE_CHECKING:
    from l2logger.l2logger import DataLogger
    from l2logger.media.drawing import Drawing

LEVELS: Final = ("debug", "info", "warning", "error")
"""How much a note matters."""


class SignalMethods:
    """Metrics, parameters, histograms, texts, tables and notes.

    All of it goes to ``signals/<worker_id>.jsonl`` in the run directory and then to every sink that takes its kind. A signal
    that was refused left no trace. The clocks that `advance` has moved, and the fields bound to a handle, go along.
    """

    __slots__ = ()

    @property
    def _target(self) -> "DataLogger":
        """The run that everything goes to."""
        raise NotImplementedError

    def _context(self) -> dict[str, Any]:
        """Return what all signals have of the handle: ``worker_id``, and ``clocks`` and ``context`` if there are any."""
        raise NotImplementedError

    def _log(
        self,
        kind: str,
        fields: dict[str, Any],
        step: Any = None,
        clock: str | None = None,
        drawing: "Drawing | None" = None,
    ) -> None:
        """Log one signal, with what is bound; with a drawing, when its file is there."""
        self._target.log_signal(kind, {**self._context(), "clock": clock, "step": step, **fields}, drawing)

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
                on this clock, beginning with 0, or takes the present value of a clock that `advance` moves.
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
        self._log(METRICS, {"values": more if values is None else {**values, **more}}, step, clock)

    def log_params(self, **groups: Any) -> None:
        """Log parameters of the experiment, which are merged with those logged before.

        Args:
            **groups: Parameters by name, or groups of them: dicts, data classes, ``argparse.Namespace``, sections of OmegaConf,
                nested as you like. What seems to be secret is redacted.

        Raises:
            SignalError: There are none.
        """
        self.log_config(groups)

    def log_config(self, config: Any) -> None:
        """Log a whole configuration: the same as `log_params`, for one object.

        Args:
            config: A dict, a data class, an ``argparse.Namespace`` or a configuration of OmegaConf (Hydra), whose references are
                resolved.

        Raises:
            SignalError: It is none of these, or empty.
        """
        from l2logger.plain import plain

        params = plain(config)
        if not isinstance(params, dict) or not params:
            raise SignalError(
                f"parameters must be a dict, a data class, a Namespace or a configuration of OmegaConf, with something in it; got {config!r:.200}"
            )
        self._log(PARAMS, {"params": params})

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

        Raises:
            SignalError: It is no text.
        """
        self._log(TEXT, {"name": paths.checked_name("a text", name), "text": _text(text)}, step, clock)

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
        self._log(NOTE, {"text": _text(text), "level": level}, step, clock)

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
        fields = {"metric": paths.checked_name("a metric", metric), "unit": None if unit is None else _text(unit)}
        self._log(DESCRIPTION, {**fields, "better": better})

    def timer(self, name: str) -> "Timer":
        """Return a context that measures how long it is entered; timers may be nested.

        The seconds are logged with the next metrics of this worker, as ``time/<name>``, in total if there were several.
        """
        return Timer(self, paths.checked_name("a timer", name))

    def every(self, pace: int | float | str, key: str | None = None) -> bool:
        """Return whether it is the turn of something that is done only now and then: ``if logger.every(100): ...``.

        Args:
            pace: A whole number: it is the first time, and each so many calls. Or a time, as a float of seconds or as text such as
                ``"30s"``, ``"5m"``.
            key: What is counted; by default the line that calls.

        Raises:
            ConfigError: That is no pace.
        """
        if key is None:
            caller = sys._getframe(1)
            key = f"{caller.f_code.co_filename}:{caller.f_lineno}"
        return self._target.pace_of(key, pace).due()

    def advance(self, clock: str, n: int = 1, *, to: int | None = None) -> int:
        """Move a clock on, and return where it is; from then on its value goes along with all signals.

        Args:
            clock: Such as ``"env_steps"``.
            n: By how much.
            to: Set it to this instead.

        Raises:
            SignalError: That is no clock, or no whole number.
        """
        return self._target.move_clock(clock, n, to)

    def _worker_id(self) -> str:
        worker_id: str = self._context()["worker_id"]
        return worker_id


class Timer:
    """Measures time. Made by `SignalMethods.timer`; may be entered again.

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
        self._logger._target.add_timing(self._logger._worker_id(), self._name, self._secs)


def _text(text: Any) -> str:
    if not isinstance(text, str):
        raise SignalError(f"this must be text, got {text!r:.200} ({type(text).__name__}); write str(...) around it")
    return str.__str__(text)
