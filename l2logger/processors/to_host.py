"""Metrics from wherever a computation left them."""

from collections.abc import Mapping
from typing import Any, Final

from l2logger.errors import SignalError
from l2logger.host import number_on_host
from l2logger.run import Run
from l2logger.signals import METRICS

_PLAIN: Final = frozenset({float, int, str, bool, type(None)})


class ToHost:
    """Replace numbers of numpy, torch, jax and TensorFlow among metrics by those of Python.

    What has one element is a number, whatever its shape. ``float32(0.1)`` of numpy is 0.1, as in the log.
    """

    kinds = frozenset({METRICS})

    def __call__(self, logger: Run, kind: str, event: dict[str, Any]) -> dict[str, Any]:
        """Replace the values of the event.

        Raises:
            SignalError: They are nested without an end.
        """
        values = event["values"]
        if not _PLAIN.issuperset(map(type, values.values())):
            try:
                event["values"] = _all_on_host(values)
            except RecursionError as error:
                raise SignalError("these metrics are nested without an end") from error
        return event


def _all_on_host(values: Mapping[Any, Any]) -> dict[Any, Any]:
    return {
        name: value
        if type(value) in _PLAIN
        else _all_on_host(value)
        if isinstance(value, Mapping)
        else number_on_host(value)
        for name, value in values.items()
    }
