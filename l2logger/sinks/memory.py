"""A sink that keeps what it gets, for tests."""

from collections.abc import Mapping
from typing import Any

from l2logger.run import RunInfo
from l2logger.signals import KINDS, METRICS, RECORD, Signal
from l2logger.sinks.sink import Sink


class MemorySink(Sink):
    """Keep every signal in a list.

    Attributes:
        signals: All signals, oldest first.
        calls: The names of the methods called, oldest first.
        run: The run it was opened with.
    """

    name = "memory"
    kinds = KINDS
    isolate = "none"
    lasting = False

    def __init__(self) -> None:
        self.signals: list[Signal] = []
        self.calls: list[str] = []
        self.run: RunInfo | None = None

    @property
    def records(self) -> list[Mapping[str, Any]]:
        """The fields of all records, oldest first."""
        return self.fields_of(RECORD)

    @property
    def metrics(self) -> list[Mapping[str, Any]]:
        """The fields of all metrics beside the records, oldest first."""
        return self.fields_of(METRICS)

    def fields_of(self, kind: str) -> list[Mapping[str, Any]]:
        """Return the fields of all signals of a kind, such as ``"image"``, oldest first."""
        return [signal.fields for signal in self.signals if signal.kind == kind]

    def open(self, run: RunInfo) -> None:
        self.calls.append("open")
        self.run = run

    def write(self, signal: Signal) -> None:
        self.calls.append("write")
        self.signals.append(signal)

    def flush(self) -> None:
        self.calls.append("flush")

    def close(self) -> None:
        self.calls.append("close")
