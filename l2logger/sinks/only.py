"""Wrappers that choose signals by their names."""

from collections.abc import Iterable
from typing import Any

from l2logger.patterns import Matcher, checked_patterns
from l2logger.signals import Signal
from l2logger.sinks.sink import Sink
from l2logger.sinks.wrapper import Wrapper, metrics_of, name_field


class Only(Wrapper):
    """Leave out all metrics but some: ``Only(["loss*", "reward"], TensorBoardSink())``.

    The standard columns of a record stay, and so does a record of which no metric is left. Whatever else has a name, such as an
    image, is chosen by it, a description by the metric that it is of; notes and parameters stay.

    Args:
        keys: A name or glob pattern, or several.
        to: The sink that gets the rest.

    Raises:
        ConfigError: An argument is not what it should be.
    """

    option = "only"
    _keeps = True

    def __init__(self, keys: str | Iterable[str], to: Sink) -> None:
        patterns = checked_patterns(type(self).__name__, keys)
        super().__init__(to, keys if isinstance(keys, str) else list(patterns))
        self._matches = Matcher(patterns)

    def changed(self, signal: Signal) -> dict[str, Any]:
        return {name: value for name, value in metrics_of(signal).items() if self._matches(name) is self._keeps}

    def other(self, signal: Signal) -> Signal | None:
        field = name_field(signal)
        return signal if field is None or self._matches(signal.fields[field]) is self._keeps else None


class Without(Only):
    """Leave out some metrics, and whatever else has such a name: ``Without("debug/*", TensorBoardSink())``.

    Args:
        keys: A name or glob pattern, or several.
        to: The sink that gets the rest.

    Raises:
        ConfigError: An argument is not what it should be.
    """

    option = "without"
    _keeps = False
