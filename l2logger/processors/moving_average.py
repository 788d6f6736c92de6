"""Statistics over the last values of a metric."""

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from itertools import accumulate
from typing import Any, Final

from l2logger import checks
from l2logger.errors import ConfigError
from l2logger.patterns import Matcher, checked_patterns
from l2logger.run import Run
from l2logger.signals import METRICS

_STATISTICS: Final = ("latest", "mean", "min", "max")
_is_statistic: Final = re.compile(rf"/(?:{'|'.join(_STATISTICS)})\d+\Z").search


class MovingAverage:
    """Add statistics over the last values of each metric: ``loss/mean100`` to ``loss``, from its 100th value on.

    NaN is no value: nothing is added to it, and it is not counted. Each worker has windows of its own, and each clock.
    It goes to the end of the chain, once for each window::

        DataLogger(..., processors=[*canonical(), MovingAverage(10), MovingAverage(100, ["mean", "max"])])

    Args:
        window: How many values.
        statistics: Some of ``"latest"``, ``"mean"``, ``"min"`` and ``"max"``.
        names: Of which metrics: a glob pattern such as ``"loss*"``, or several.

    Raises:
        ConfigError: An argument is not what it should be.
    """

    kinds = frozenset({METRICS})

    def __init__(
        self, window: int, statistics: str | Iterable[str] = ("mean",), names: str | Iterable[str] = "*"
    ) -> None:
        self._size = checks.count("the window of MovingAverage", window, "values")
        self._statistics = _checked_statistics(statistics)
        self._matches = Matcher(checked_patterns("MovingAverage", names))
        self._windows: dict[tuple[str, str | None], dict[str, tuple[_Window, ...]]] = {}

    def __call__(self, logger: Run, kind: str, event: dict[str, Any]) -> dict[str, Any]:
        values = event["values"]
        windows = self._windows_of(event)
        found: dict[str, float] = {}
        for name, value in values.items():
            if value == value:
                for window in windows[name]:
                    if not window.room:
                        found[window.name] = window.statistic(value)
        if found:
            event["values"] = values | found | values  # what was logged by such a name itself stays
        return event

    def commit(self, event: Mapping[str, Any]) -> None:
        """Take the values of stored metrics into the windows."""
        windows = self._windows_of(event)
        for name, value in event["values"].items():
            if value == value:
                for window in windows[name]:
                    window.append(value)

    def _windows_of(self, event: Mapping[str, Any]) -> "dict[str, tuple[_Window, ...]]":
        """Return the windows of a worker and clock, with all metrics of the event among them."""
        windows = self._windows.setdefault((event["worker_id"], event["clock"]), {})
        if not windows.keys() >= event["values"].keys():
            windows.update((name, self._new(name)) for name in event["values"] if name not in windows)
        return windows

    def _new(self, name: str) -> "tuple[_Window, ...]":
        """Return windows for a metric; none for what this processor has added, or another one like it."""
        if _is_statistic(name) or not self._matches(name):
            return ()
        found = []
        for statistic in self._statistics:
            window, combine, nothing = _WINDOWS[statistic]
            found.append(window(f"{name}/{statistic}{self._size}", self._size, combine, nothing))
        return tuple(found)


class _Window:
    """What tells one statistic of the last values of one metric.

    Nothing is ever subtracted from a sum, which would leave the rounding errors of a large value behind, and NaN after
    an infinite one. Newer values are combined as they come. When all older ones have left, the newer take their place,
    with what those that remain after each of them leaves make together. So a value costs the same in all windows.

    Args:
        name: What the statistic is called.
        size: How many values fill the window.
        combine: Makes one value of two.
        nothing: Makes no difference to what it is combined with.

    Attributes:
        name: As given.
        room: How many values are missing before the next one fills the window.
    """

    __slots__ = ("_combine", "_newer", "_newer_values", "_nothing", "_older", "_size", "name", "room")

    def __init__(self, name: str, size: int, combine: Callable[[float, float], float], nothing: float) -> None:
        self.name = name
        self.room = size - 1
        self._size = size
        self._combine = combine
        self._nothing = nothing
        self._newer = nothing
        self._newer_values: list[float] = []
        self._older = [nothing]

    def statistic(self, value: float) -> float:
        """Return the statistic of the full window with `value` as the last one."""
        return self._combine(self._combine(self._older[-1], self._newer), value)

    def append(self, value: float) -> None:
        """Take a value in; if there is no room, the oldest leaves."""
        self._newer = self._combine(self._newer, value)
        self._newer_values.append(value)
        if self.room:
            self.room -= 1
            return
        if len(self._older) == 1:
            self._older += accumulate(reversed(self._newer_values), self._combine)
            self._newer = self._nothing
            self._newer_values.clear()
        self._older.pop()


class _MeanWindow(_Window):
    __slots__ = ()

    def statistic(self, value: float) -> float:
        return (self._older[-1] + self._newer + value) / self._size


# Faster than the min and max of Python, which look for keyword arguments.
def _less(one: float, other: float) -> float:
    return one if one < other else other


def _greater(one: float, other: float) -> float:
    return one if one > other else other


def _later(one: float, other: float) -> float:
    return other


_WINDOWS: Final[dict[str, tuple[type[_Window], Callable[[float, float], float], float]]] = {
    "latest": (_Window, _later, 0.0),
    "mean": (_MeanWindow, operator.add, 0.0),
    "min": (_Window, _less, float("inf")),
    "max": (_Window, _greater, float("-inf")),
}


def _checked_statistics(given: str | Iterable[str]) -> tuple[str, ...]:
    found = (given,) if isinstance(given, str) else tuple(given) if isinstance(given, Iterable) else ()
    if not found or any(each not in _STATISTICS for each in found):
        raise ConfigError(f"statistics of MovingAverage are some of {', '.join(_STATISTICS)}; got {given!r}")
    return found
