"""What a sink is."""

from l2logger.run import Run
from l2logger.signals import RECORD, Signal


class Sink:
    """Somewhere for signals to go. Subclass it and override what is needed; `write` is.

    A sink given to a `DataLogger` is a mirror of the log: whatever it raises is counted and reported once, and
    neither the log nor the other sinks nor the training loop notice.

    Attributes:
        kinds: The kinds of signal it takes; it gets no others.
    """

    kinds: frozenset[str] = frozenset({RECORD})

    def open(self, run: Run) -> None:
        """Get ready. Called once, before the first signal."""

    def write(self, signal: Signal) -> None:
        """Take one signal. It is read-only and shares nothing with the caller."""
        raise TypeError(f"{type(self).__name__} does not say how to write a signal; override write(self, signal)")

    def flush(self) -> None:
        """Bring everything taken so far to where it goes."""

    def close(self) -> None:
        """Flush and let go of everything. Called once, even if `open` or `write` failed."""
