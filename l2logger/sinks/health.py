"""What became of a sink, and how that is told."""

from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from l2logger.diagnostics import warn
from l2logger.errors import SinkWarning
from l2logger.sinks.sink import Sink


class Health(NamedTuple):
    """How a mirror is doing.

    Attributes:
        sink: Its class.
        state: ``"idle"`` before its first signal, ``"opening"``, ``"ok"``, ``"stuck"`` (in one call for more than five
            seconds), ``"failing"`` (a pause after repeated failure; signals wait meanwhile), ``"given up"`` (it cannot work
            at all), ``"waiting"`` (another process mirrors the run to the same place; this one takes over when that ends), ``"dead"`` (its thread or process ended), ``"closed"``, ``"abandoned"`` (it did not close in time),
            or ``"silent"`` (in a forked child).
        delivered: Signals it took.
        dropped: Signals that never reached it, because the queue was full, or it was given up or closed.
        failed: Signals on which it raised.
        queued: Signals that wait for it.
        last_error: The last thing it raised, as text.
    """

    sink: str
    state: str
    delivered: int = 0
    dropped: int = 0
    failed: int = 0
    queued: int = 0
    last_error: str | None = None

    @property
    def missed(self) -> int:
        """Signals that it should have taken and will not."""
        return self.dropped + self.failed


def warn_of_sink(message: str) -> None:
    """Issue a `SinkWarning`. Where warnings are made errors, a mirror still must not stop the training."""
    with suppress(Exception):  # what a hook of the user raises, too
        warn(message, SinkWarning)


def in_words(error: BaseException) -> str:
    """Return what kind of error it is, and its message, which names the file where there is one."""
    try:
        text = str(error)
    except Exception:
        text = ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def inward(sink: Sink) -> Iterator[Sink]:
    """Yield a sink, then those that it stands around, one within the other."""
    yield sink
    while isinstance(inner := getattr(sink, "to", None), Sink) and inner is not sink:
        sink = inner
        yield sink


def innermost(sink: Sink) -> Sink:
    """Return the sink that others stand around."""
    *_, last = inward(sink)
    return last
