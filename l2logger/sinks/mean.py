"""A wrapper that smooths curves."""

from collections import deque
from collections.abc import Mapping
from typing import Any

from l2logger import cells, checks
from l2logger.run import RunInfo
from l2logger.signals import METRICS, Signal
from l2logger.sinks.numbers import metrics
from l2logger.sinks.sink import Sink
from l2logger.sinks.wrapper import Wrapper, metrics_of

_NAN = float("nan")


class Mean(Wrapper):
    """Replace each number by the mean over the last records of the same worker, block type and task.

    Every record is handed on, and what is no number in it stays as it is. NaN does not count, and neither does a record that
    lacks the metric: the mean is over the others of the `window`. Of metrics beside the records, the mean is over the last
    values of the same name, worker and clock.

    Args:
        window: So many records, or values.
        to: The sink that gets the means.
        full: Leave a metric out until its window is full, so that no mean is over fewer records.

    Raises:
        ConfigError: An argument is not what it should be.
    """

    option = "mean"

    def __init__(self, window: int, to: Sink, *, full: bool = False) -> None:
        super().__init__(to, window)
        self._window = self._setting = checks.count("the window of Mean", window, "records")
        self._full = full
        self._seen: dict[tuple[Any, ...], dict[str, deque[float]]] = {}

    def open(self, run: RunInfo) -> None:
        self._seen.clear()
        super().open(run)

    def changed(self, signal: Signal) -> dict[str, Any]:
        fields = signal.fields
        if signal.kind == METRICS:
            return self._of_values(fields)
        place = (fields.get("worker_id"), fields.get("block_type"), fields.get("task_name"))
        windows = self._seen.setdefault(place, {})
        numbers = metrics(fields)
        for name in numbers:
            windows.setdefault(name, deque(maxlen=self._window))
        for name, window in windows.items():
            window.append(numbers.get(name, _NAN))
        return {
            name: _mean(windows[name]) if name in numbers else value
            for name, value in metrics_of(signal).items()
            if not self._full or name not in numbers or len(windows[name]) == self._window
        }

    def _of_values(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        windows = self._seen.setdefault((fields.get("worker_id"), fields.get("clock")), {})
        means = {}
        for name, value in fields["values"].items():
            window = windows.setdefault(name, deque(maxlen=self._window))
            window.append(cells.as_float(value))
            if not self._full or len(window) == self._window:
                means[name] = _mean(window)
        return means


def _mean(window: deque[float]) -> float:
    total = sum(window)
    if total == total:
        return total / len(window)
    values = [value for value in window if value == value]
    return sum(values) / len(values) if values else _NAN
