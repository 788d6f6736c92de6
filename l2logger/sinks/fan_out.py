"""Several sinks as one, kept from harming each other and the caller."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final, NamedTuple

from l2logger.diagnostics import warn
from l2logger.errors import ConfigError, SinkWarning
from l2logger.run import Run
from l2logger.signals import Signal
from l2logger.sinks.sink import Sink

_MAX_FAILURES_IN_A_ROW: Final = 10


class Health(NamedTuple):
    """How a mirror is doing.

    Attributes:
        sink: Its class.
        state: ``"ok"``, ``"given up"`` (it could not be opened, or kept failing), ``"closed"``, ``"given up, closed"``, or ``"silent"`` (in a
            forked child).
        delivered: Signals it took.
        missed: Signals it should have taken and did not.
        last_error: The last thing it raised, as text.
    """

    sink: str
    state: str
    delivered: int
    missed: int
    last_error: str | None


class _Member:
    """One sink of a `FanOut` and what became of it."""

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self.name = type(sink).__name__
        self.state = "ok"
        self.delivered = 0
        self.missed = 0
        self.failures_in_a_row = 0
        self.last_error: str | None = None

    def attempt(self, verb: str, call: Callable[[], None]) -> BaseException | None:
        """Run `call`; return what it raised if that is meant for the caller and not a failure of the sink."""
        try:
            call()
        except Exception as error:
            self._failed(verb, error)
        except BaseException as error:  # Ctrl-C, or a handler that exits, hit while the sink was running
            self.missed += verb == "write"
            return error
        else:
            self.failures_in_a_row = 0
            self.delivered += verb == "write"
        return None

    def _failed(self, verb: str, error: BaseException) -> None:
        self.missed += verb == "write"
        self.failures_in_a_row += 1
        first = self.last_error is None
        self.last_error = repr(error)
        if self.state == "ok" and (verb == "open" or self.failures_in_a_row >= _MAX_FAILURES_IN_A_ROW):
            self.state = "given up"
        if first:
            outlook = (
                "it gets nothing from now on" if self.state == "given up" else "this is said once, the rest is counted"
            )
            _warn(f"{self.name} failed to {verb}: {self.last_error}; the log and the other sinks go on, {outlook}")


class FanOut(Sink):
    """Hand every signal to several sinks. Nothing that a sink raises gets out.

    A sink that fails is reported once, in a `SinkWarning`. One that cannot be opened, or fails ten times in a row, is
    given up: it gets nothing more, but is still closed.

    Args:
        sinks: The sinks, in the order in which they get a signal.
    """

    def __init__(self, sinks: Iterable[Sink]) -> None:
        members = tuple(sinks) if isinstance(sinks, Iterable) else (sinks,)
        if isinstance(sinks, Sink) or not all(isinstance(sink, Sink) for sink in members):
            raise ConfigError(f"sinks must be a list of l2logger.sinks.Sink objects, got {sinks!r}")
        self._members = tuple(_Member(sink) for sink in members)
        self.kinds = frozenset().union(*(sink.kinds for sink in members))

    def __bool__(self) -> bool:
        return bool(self._members)

    def open(self, run: Run) -> None:
        """Open all sinks."""
        self._each("open", lambda sink: sink.open(run))

    def write(self, signal: Signal) -> None:
        """Hand a signal to all sinks that take its kind."""
        interrupt: BaseException | None = None
        for member in self._members:
            if signal.kind not in member.sink.kinds or member.state == "silent":
                continue
            if member.state == "ok":
                interrupt = member.attempt("write", lambda: member.sink.write(signal)) or interrupt  # noqa: B023
            else:
                member.missed += 1
        if interrupt is not None:
            raise interrupt

    def flush(self) -> None:
        """Flush all sinks."""
        self._each("flush", lambda sink: sink.flush())

    def close(self) -> None:
        """Close all sinks, once, and say what they missed."""
        interrupt: BaseException | None = None
        for member in self._members:
            if member.state not in ("ok", "given up"):
                continue
            # Before it is, as a signal handler may want to close as well.
            member.state = "closed" if member.state == "ok" else "given up, closed"
            interrupt = member.attempt("close", member.sink.close) or interrupt
            if member.missed:
                _warn(
                    f"{member.name} missed {member.missed} of {member.missed + member.delivered} signals "
                    f"({member.last_error}); the log has them all"
                )
        if interrupt is not None:
            raise interrupt

    def silence(self) -> None:
        """Leave the sinks alone from now on: they belong to the parent of this process."""
        for member in self._members:
            member.state = "silent"

    def health(self) -> list[Health]:
        """Return how each sink is doing."""
        return [Health(m.name, m.state, m.delivered, m.missed, m.last_error) for m in self._members]

    def _each(self, verb: str, call: Callable[[Sink], None]) -> None:
        interrupt: BaseException | None = None
        for member in self._members:
            if member.state == "ok":
                interrupt = member.attempt(verb, lambda: call(member.sink)) or interrupt  # noqa: B023
        if interrupt is not None:
            raise interrupt


def _warn(message: str) -> None:
    # Where warnings are made errors, a mirror still must not stop the training.
    with suppress(SinkWarning):
        warn(message, SinkWarning)
