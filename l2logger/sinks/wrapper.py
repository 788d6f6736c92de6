"""A sink around a sink."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from l2logger.errors import ConfigError
from l2logger.run import RunInfo
from l2logger.schema import STANDARD
from l2logger.signals import DESCRIPTION, METRICS, RECORD, Signal
from l2logger.sinks.sink import Sink


class Wrapper(Sink):
    """A sink around a sink, which it looks like from outside. It hands everything on, signals that it knows changed.

    Metrics of which no value is left are not handed on.

    Args:
        to: The inner sink.
        setting: What `l2logger.sinks.build` is given under `option` to make such a wrapper.

    Attributes:
        option: The option that stands for the wrapper among those of the inner sink.
        to: The inner sink.
    """

    option: ClassVar[str]

    def __init__(self, to: Sink, setting: Any) -> None:
        if not isinstance(to, Sink):
            raise ConfigError(
                f"{type(self).__name__} goes around a sink, as in Every(10, ConsoleSink()); got {to!r} for the sink"
            )
        self.to = to
        self._setting = setting
        self.name = to.name
        self.kinds = to.kinds
        self.isolate = to.isolate

    def open(self, run: RunInfo) -> None:
        self.to.open(run)

    def write(self, signal: Signal) -> None:
        if signal.kind == RECORD:
            self.to.write(with_metrics(signal, self.changed(signal)))
        elif signal.kind == METRICS:
            if values := self.changed(signal):
                self.to.write(with_metrics(signal, values))
        elif (other := self.other(signal)) is not None:
            self.to.write(other)

    def changed(self, signal: Signal) -> Mapping[str, Any]:
        """Return the metrics that the inner sink gets instead of those of the signal; the same, if not overridden."""
        return metrics_of(signal)

    def other(self, signal: Signal) -> Signal | None:
        """Return what the inner sink gets instead of a signal that holds no metrics; the same, if not overridden."""
        return signal

    def flush(self) -> None:
        self.to.flush()

    def close(self) -> None:
        self.to.close()

    def options(self) -> dict[str, Any]:
        return {**self.to.options(), self.option: self._setting}


def metrics_of(signal: Signal) -> dict[str, Any]:
    """Return the metrics of a signal, whatever their values are; nothing for kinds that have none."""
    if signal.kind == RECORD:
        return {name: value for name, value in signal.fields.items() if name not in STANDARD}
    return dict(signal.fields["values"]) if signal.kind == METRICS else {}


def with_metrics(signal: Signal, metrics: Mapping[str, Any]) -> Signal:
    """Return a record, or metrics, like `signal` with others in the place of its metrics."""
    if signal.kind == METRICS:
        return with_fields(signal, values=MappingProxyType(dict(metrics)))
    standard = {name: value for name, value in signal.fields.items() if name in STANDARD}
    return Signal(signal.kind, MappingProxyType({**standard, **metrics}), signal.nbytes)


def with_fields(signal: Signal, **fields: Any) -> Signal:
    """Return a signal like `signal` in which some fields have other values."""
    return Signal(signal.kind, MappingProxyType({**signal.fields, **fields}), signal.nbytes)


def name_field(signal: Signal) -> str | None:
    """Return which field says what a signal is called, or which metric it describes; None if it has no name."""
    if signal.kind in (RECORD, METRICS):
        return None
    field = "metric" if signal.kind == DESCRIPTION else "name"
    return field if isinstance(signal.fields.get(field), str) else None
