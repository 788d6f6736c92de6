"""Metrics of one step as one signal, for sinks that show or write a step as a whole."""

from types import MappingProxyType
from typing import Any

from l2logger.signals import Signal


class StepBuffer:
    """Merge the metrics that a worker logs at one step of a clock, until it logs others at another step.

    A value that comes later takes the place of the one before; the order of the names is kept. Metrics without a step are
    never merged, and pass at once.
    """

    def __init__(self) -> None:
        self._held: dict[tuple[Any, Any], _Step] = {}

    def add(self, signal: Signal) -> list[Signal]:
        """Take metrics; return what is whole now: the step before, or these themselves if they have none."""
        fields = signal.fields
        step = fields["step"]
        if step is None:
            return [signal]
        key = (fields["worker_id"], fields["clock"])
        held = self._held.get(key)
        if held is not None and held.last.fields["step"] == step:
            held.merge(signal)
            return []
        if held is None:
            self._held[key] = _Step(signal)
            return []
        del self._held[key]  # so that those that are held are in the order in which they came
        self._held[key] = _Step(signal)
        return [held.signal()]

    def flush(self) -> list[Signal]:
        """Return what is held, and hold nothing any more."""
        held, self._held = self._held, {}
        return [step.signal() for step in held.values()]


class _Step:
    """One step of one worker and clock."""

    __slots__ = ("_values", "last")

    def __init__(self, signal: Signal) -> None:
        self.last = signal
        self._values: dict[str, Any] | None = None

    def merge(self, signal: Signal) -> None:
        if self._values is None:
            self._values = dict(self.last.fields["values"])
        self._values.update(signal.fields["values"])
        self.last = signal._replace(fields={**self.last.fields, **signal.fields})

    def signal(self) -> Signal:
        if self._values is None:
            return self.last
        return self.last._replace(
            fields=MappingProxyType({**self.last.fields, "values": MappingProxyType(self._values)})
        )
