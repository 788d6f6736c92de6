"""A sink around a sink."""

import fnmatch
import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from l2logger.errors import ConfigError
from l2logger.run import RunInfo
from l2logger.schema import STANDARD
from l2logger.signals import RECORD, Signal
from l2logger.sinks.sink import Sink


class Wrapper(Sink):
    """A sink around a sink, which it looks like from outside. It hands everything on, signals that it knows changed.

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
        self.to.write(with_metrics(signal, self.changed(signal)) if signal.kind == RECORD else signal)

    def changed(self, signal: Signal) -> Mapping[str, Any]:
        """Return the metrics that the inner sink gets instead of those of the signal; the same, if not overridden."""
        return metrics_of(signal)

    def flush(self) -> None:
        self.to.flush()

    def close(self) -> None:
        self.to.close()

    def options(self) -> dict[str, Any]:
        return {**self.to.options(), self.option: self._setting}


def metrics_of(signal: Signal) -> dict[str, Any]:
    """Return the metrics of a record, whatever their values are; nothing for other kinds of signal."""
    if signal.kind != RECORD:
        return {}
    return {name: value for name, value in signal.fields.items() if name not in STANDARD}


def with_metrics(signal: Signal, metrics: Mapping[str, Any]) -> Signal:
    """Return a record like `signal` that has other metrics."""
    standard = {name: value for name, value in signal.fields.items() if name in STANDARD}
    return Signal(signal.kind, MappingProxyType({**standard, **metrics}), signal.nbytes)


def checked_patterns(what: str, keys: Any) -> tuple[str, ...]:
    """Return one or several names or glob patterns as a tuple.

    Raises:
        ConfigError: They are anything else.
    """
    patterns = (keys,) if isinstance(keys, str) else tuple(keys) if isinstance(keys, Iterable) else ()
    if not patterns or not all(isinstance(pattern, str) and pattern for pattern in patterns):
        raise ConfigError(
            f"{what} takes the names of metrics, or patterns such as 'loss*' or ['loss*', 'reward']; got {keys!r}"
        )
    return patterns


class Matcher:
    """Tell whether the name of a metric is one of some names, or fits one of them taken as glob patterns.

    Args:
        patterns: Names and patterns; letters match in their case only.
    """

    def __init__(self, patterns: tuple[str, ...]) -> None:
        # A metric may well be called loss[0], which as a pattern would not match itself.
        self._names = frozenset(patterns)
        self._pattern = re.compile("|".join(map(fnmatch.translate, patterns)) or "(?!)")

    def __call__(self, name: str) -> bool:
        return name in self._names or self._pattern.match(name) is not None
