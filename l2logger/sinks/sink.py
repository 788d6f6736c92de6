"""What a sink is."""

from typing import Any, Final

from l2logger.run import RunInfo
from l2logger.signals import RECORD, Signal

PLACES: Final = ("thread", "process", "none")
"""Where a `DataLogger` may run a sink."""


class Sink:
    """Somewhere for signals to go. Subclass it and override what is needed; `write` is.

    A sink given to a `DataLogger` is a mirror of the log: whatever it raises is counted and reported once, and
    neither the log nor the other sinks nor the training loop notice. It is constructed by the caller, who should hear
    of a bad argument at once, and does all else, importing what it needs included, where it is isolated; one at a
    time.

    Attributes:
        name: What `l2logger.sinks.build` and ``l2logger replay --to`` call it; empty if they do not know it.
        kinds: The kinds of signal it takes; it gets no others.
        isolate: Where a `DataLogger` runs it: ``"thread"`` (a `BackgroundSink`), ``"process"`` (a `ProcessSink`), or
            ``"none"``, which is in the calling thread.
        lasting: Whether what it took is still there when the process has ended, so that another replay goes on behind it.
        fresh: Set before `open` by a replay from the beginning: what the sink already holds of this run is out of date.
    """

    name: str = ""
    kinds: frozenset[str] = frozenset({RECORD})
    isolate: str = "thread"
    lasting: bool = True
    fresh: bool = False

    def open(self, run: RunInfo) -> None:
        """Get ready. Called once, before the first signal; once more after a failure and `close`."""

    def write(self, signal: Signal) -> None:
        """Take one signal. It is read-only and shares nothing with the caller."""
        raise TypeError(f"{type(self).__name__} does not say how to write a signal; override write(self, signal)")

    def flush(self) -> None:
        """Bring everything taken so far to where it goes."""

    def close(self) -> None:
        """Flush and let go of everything. Called once for each `open`, even if `open` or `write` failed."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.options().items())})"

    def options(self) -> dict[str, Any]:
        """Return the options that `l2logger.sinks.build` needs to make such a sink, as far as text can tell."""
        return {}
