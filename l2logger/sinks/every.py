"""A wrapper that thins signals out."""

import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from l2logger.errors import ConfigError
from l2logger.patterns import Matcher
from l2logger.run import RunInfo
from l2logger.signals import DESCRIPTION, METRICS, PARAMS, RECORD, Signal
from l2logger.sinks import pace
from l2logger.sinks.sink import Sink
from l2logger.sinks.wrapper import Wrapper, metrics_of, name_field, with_metrics

Interval = int | float | str

_WHOLE: Final = frozenset({PARAMS, DESCRIPTION})
"""Kinds of which each signal says something else, so that none of them can be left out."""

_EPOCH: Final = datetime(1970, 1, 1)
_MICROSECOND: Final = timedelta(microseconds=1)


class Every(Wrapper):
    """Hand on every n-th signal, or one in so many seconds: ``Every(10, ConsoleSink())``, ``Every("2s", ConsoleSink())``.

    The signals of each kind and worker are counted for themselves, beginning with the first: ``Every(100)`` hands on those
    with the numbers 0, 100, 200 and so on, and no last one. What has names, such as images and metrics beside the records, is
    counted by name. Seconds go by the timestamps of the signals, so that a replay hands on the same ones. Parameters and
    descriptions are always handed on.

    Args:
        interval: A whole number of signals; or seconds, as a float or as text in ``ms``, ``s``, ``m`` or ``h``. Or a
            mapping with one of these for each of several metrics, such as ``{"grad/*": 100, "loss": "2s"}``: the first name
            or glob pattern that fits a metric counts, other metrics are always handed on, and a record is not if none of
            its metrics is due. The names of images and the like are meant as well.
        to: The sink that gets the rest.

    Raises:
        ConfigError: An argument is not what it should be.
    """

    option = "every"

    def __init__(self, interval: Interval | Mapping[str, Interval], to: Sink) -> None:
        super().__init__(to, dict(interval) if isinstance(interval, Mapping) else interval)
        self._gate: _Gate | None = None
        self._gates: list[tuple[Matcher, _Gate]] = []
        if isinstance(interval, Mapping):
            if not interval or not all(isinstance(name, str) and name for name in interval):
                raise ConfigError(
                    f"Every takes intervals by the names of metrics, such as {{'loss*': 10}}; got {interval!r}"
                )
            self._gates = [(Matcher((name,)), _Gate(each)) for name, each in interval.items()]
        else:
            self._gate = _Gate(interval)

    def open(self, run: RunInfo) -> None:
        for gate in (self._gate, *(gate for _, gate in self._gates)):
            if gate is not None:
                gate.reset()
        super().open(run)

    def write(self, signal: Signal) -> None:
        if signal.kind != RECORD:
            super().write(signal)
        elif self._gate is not None:
            if self._gate.is_due(signal):
                self.to.write(signal)
        elif due := self.changed(signal):
            self.to.write(with_metrics(signal, due))
        elif not metrics_of(signal):
            self.to.write(signal)

    def other(self, signal: Signal) -> Signal | None:
        field = name_field(signal)
        name = None if field is None else signal.fields[field]
        return signal if signal.kind in _WHOLE or self._is_due(signal, name) else None

    def _is_due(self, signal: Signal, name: str | None) -> bool:
        gate = self._gate
        if gate is None and name is not None:
            gate = next((each for matches, each in self._gates if matches(name)), None)
        return gate is None or gate.is_due(signal, name)

    def changed(self, signal: Signal) -> dict[str, Any]:
        due = metrics_of(signal)
        if signal.kind == METRICS:
            return {name: value for name, value in due.items() if self._is_due(signal, name)}
        left = list(due)
        for matches, gate in self._gates:
            names = [name for name in left if matches(name)]
            if names and not gate.is_due(signal):
                for name in names:
                    del due[name]
            left = [name for name in left if name not in names]
        return due


class _Gate:
    """Due with the first signal of each kind, worker and name, and again after so many signals or seconds."""

    def __init__(self, interval: Interval) -> None:
        every = pace.parse(interval)
        self._count = every if isinstance(every, int) else 0
        self._microsecs = 0 if self._count else round(every * 1e6)
        self._last: dict[tuple[Any, ...], int] = {}

    def reset(self) -> None:
        self._last.clear()

    def is_due(self, signal: Signal, name: str | None = None) -> bool:
        key = (signal.kind, signal.fields.get("worker_id"), name)
        last = self._last.get(key)
        if self._count:
            # The number of the signal, from one that was due.
            self._last[key] = number = 0 if last is None else (last + 1) % self._count
            return number == 0
        now = _microsecs_of(signal)
        if last is None or not 0 <= now - last < self._microsecs:  # or the clock was set back
            self._last[key] = now
            return True
        return False


def _microsecs_of(signal: Signal) -> int:
    """Return when something was logged, or the time now if it does not say."""
    try:
        return (datetime.fromisoformat(signal.fields["timestamp"]) - _EPOCH) // _MICROSECOND
    except (KeyError, TypeError, ValueError):
        return time.monotonic_ns() // 1000
