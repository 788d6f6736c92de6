"""Metrics in groups."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from l2logger import cells, paths
from l2logger.errors import SignalError
from l2logger.run import Run
from l2logger.schema import MAX_COUNT
from l2logger.signals import METRICS

_NUMBERS: Final = frozenset({float, int})
_MAX_KNOWN: Final = 10_000


class Flatten:
    """Join the names of nested metrics: ``{"actor": {"loss": 0.5}}`` becomes ``{"actor/loss": 0.5}``.

    It has the last word on what metrics are: each has a name, and is one number.
    """

    kinds = frozenset({METRICS})

    def __init__(self) -> None:
        self._known: set[str] = set()

    def __call__(self, logger: Run, kind: str, event: dict[str, Any]) -> dict[str, Any]:
        """Flatten the values of the event.

        Raises:
            SignalError: A value is no number, or a name cannot be one.
        """
        values = event["values"]
        if not self._known.issuperset(values) or not _are_plain(values):
            values = event["values"] = _joined(values)
            if len(self._known) < _MAX_KNOWN:
                self._known.update(values)
        if not values:
            raise SignalError("there are no metrics in it; log at least one number, such as log_metrics(loss=0.5)")
        return event


def _are_plain(values: Mapping[Any, Any]) -> bool:
    """Return whether these are floats, and integers of 64 bits."""
    types = set(map(type, values.values()))
    if types == {float}:
        return True
    return types <= _NUMBERS and all(type(value) is float or abs(value) <= MAX_COUNT for value in values.values())


def _joined(values: Mapping[Any, Any]) -> dict[str, float]:
    flat: dict[str, float] = {}
    for name, value in _flat(values, ""):
        if name in flat:
            raise SignalError(f"the metric {name!r} is there twice, nested and by its whole name; keep one of them")
        flat[name] = value
    return flat


def _flat(values: Mapping[Any, Any], prefix: str) -> Iterator[tuple[str, float]]:
    for key, value in values.items():
        name = f"{prefix}{key}" if isinstance(key, str | int) else key
        if isinstance(value, Mapping):
            yield from _flat(value, f"{name}/")
            continue
        yield paths.checked_name("a metric", name), _number(name, value)


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        # Beyond 64 bits most readers of JSON go wrong without a word.
        return int(value) if abs(value) <= MAX_COUNT else cells.as_float(value)
    if isinstance(value, float):
        return float(value)
    shape = getattr(value, "shape", None)
    what = f"an array of shape {tuple(shape)}" if shape else f"{value!r} ({type(value).__name__})"
    advice = (
        "log its mean, or use log_histogram or log_array" if shape else "log_text takes text, log_params parameters"
    )
    raise SignalError(f"a metric is one number, {name!r} is {what}; {advice}")
