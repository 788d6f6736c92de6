"""Several sinks as one, kept from harming each other and the caller."""

import copy
import os
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from l2logger import exits
from l2logger.errors import ConfigError
from l2logger.run import RunInfo
from l2logger.signals import Signal
from l2logger.sinks.background import BackgroundSink
from l2logger.sinks.guard import Guard
from l2logger.sinks.health import Health, innermost
from l2logger.sinks.sink import PLACES, Sink

_open: "set[FanOut]" = set()


class FanOut(Sink):
    """Hand every signal to several sinks. Nothing that a sink raises gets out; it is counted and told once.

    Args:
        sinks: The sinks, in the order in which they get a signal.
    """

    def __init__(self, sinks: Iterable[Sink]) -> None:
        members = checked(sinks)
        self._members = tuple(member if isinstance(member, Guard) else Guard(member) for member in members)
        self.kinds = frozenset().union(*(member.kinds for member in self._members))
        self._is_ending = False
        self._writers: dict[str, tuple[Callable[[Signal], None], ...]] = {}
        self._find_writers()

    def _find_writers(self) -> None:
        self._writers = {
            kind: tuple(member.write for member in self._members if kind in member.kinds) for kind in self.kinds
        }

    def __bool__(self) -> bool:
        return bool(self._members)

    def open(self, run: RunInfo) -> None:
        """Open all sinks. They are closed when the interpreter ends, if nobody did it before."""
        if self._members:
            _close_at_exit(self)
        self._each(lambda member: member.open(copy.deepcopy(run)))

    def write(self, signal: Signal) -> None:
        """Hand a signal to all sinks that take its kind."""
        interrupt: BaseException | None = None  # as in `_each`, for the way that must be fast
        for write in self._writers.get(signal.kind, ()):
            try:
                write(signal)
            except BaseException as error:  # Ctrl-C, or a handler that exits, hit while the sink was running
                interrupt = error
        if interrupt is not None:
            raise interrupt

    def flush(self) -> None:
        """Flush all sinks at the same time."""
        self.flushed(self.begin_flush())

    def begin_flush(self) -> list[Any]:
        """Ask all sinks to flush; return a token for `flushed`."""
        return self._each(lambda member: member.begin_flush())

    def flushed(self, token: list[Any], timeout_secs: float | None = None) -> bool:
        """Return whether all have flushed.

        Args:
            token: What `begin_flush` returned.
            timeout_secs: How long to wait for all together; None for as long as is usual for each.
        """
        end = None if timeout_secs is None else time.monotonic() + timeout_secs
        tokens = iter(token)
        return all(
            self._each(
                lambda member: member.flushed(next(tokens), None if end is None else max(0.0, end - time.monotonic()))
            )
        )

    def begin_close(self) -> None:
        """Have all sinks come to their ends, and do not wait for those that are in other threads and processes."""
        self._is_ending = True
        self._each(lambda member: member.begin_close())

    def abandon(self) -> None:
        """Have the sinks come to their ends because nobody holds the run any more.

        This happens in the midst of anything, as garbage is collected, so sinks of the calling thread wait for a better time.
        """
        self._is_ending = True
        for member in self._members:
            if type(member) is not Guard:
                member.begin_close()

    def close(self) -> None:
        """Close all sinks at the same time, once, and tell what they missed."""
        self.begin_close()
        self._each(lambda member: member.close())
        _open.discard(self)

    def has_ended(self) -> bool:
        """Return whether all sinks have come to their ends."""
        return self._is_ending and all(member.is_over() for member in self._members)

    def silence(self) -> None:
        """Leave the sinks alone from now on: they belong to the parent of this process."""
        _open.discard(self)
        self._writers = {}
        for member in self._members:
            member.silence()

    def health(self) -> list[Health]:
        """Return how each sink is doing."""
        return [member.health() for member in self._members]

    def _each(self, call: Callable[[Guard], Any]) -> list[Any]:
        """Call something for all members, then raise what interrupted one of them."""
        results = []
        interrupt: BaseException | None = None
        for member in self._members:
            try:
                results.append(call(member))
            except BaseException as error:
                interrupt = error
        if interrupt is not None:
            raise interrupt
        return results


def checked(sinks: Iterable[Sink]) -> tuple[Sink, ...]:
    """Return the sinks of a list.

    Raises:
        ConfigError: It is no list of sinks.
    """
    members = tuple(sinks) if isinstance(sinks, Iterable) else (sinks,)
    for sink in members:
        if isinstance(sinks, Sink | str) or not isinstance(sink, Sink):
            raise ConfigError(f"sinks must be a list of sinks, such as [ConsoleSink()], got {sinks!r}; {_advice(sink)}")
    places = [_place(sink) for sink in members]
    for sink, place in zip(members, places, strict=True):
        if place is not None and places.count(place) > 1:
            raise ConfigError(
                f"two {type(innermost(sink)).__name__} would write to the same place; give one of them another"
            )
    return members


def _advice(thing: Any) -> str:
    if isinstance(thing, Sink):
        return "put it into a list"
    if isinstance(thing, str):
        return "l2logger.sinks.build makes sinks of names"
    if isinstance(thing, type) and issubclass(thing, Sink):
        return f"write {thing.__name__}()"
    return f"a {getattr(thing, '__name__', type(thing).__name__)} does not inherit from l2logger.sinks.Sink"


def _place(sink: Sink) -> Any:
    """Return what tells where a sink writes, None if it does not say that."""
    inner = innermost(sink)
    return (type(inner), inner.options()) if inner.lasting and type(inner).options is not Sink.options else None


def isolated(sink: Sink) -> Guard:
    """Return the sink with the guard that it asks for, in the place where it wants to run.

    Raises:
        ConfigError: It asks for something else.
    """
    if isinstance(sink, Guard):
        return sink
    if sink.isolate == "none":
        return Guard(sink)
    if sink.isolate == "thread":
        return BackgroundSink(sink)
    if sink.isolate == "process":
        from l2logger.sinks.process import ProcessSink

        return ProcessSink(sink) if ProcessSink.can_run(sink) else BackgroundSink(sink)
    raise ConfigError(f"isolate must be one of {', '.join(map(repr, PLACES))}, got {sink.isolate!r} from {sink!r}")


def _close_at_exit(fan_out: FanOut) -> None:
    for dropped in [each for each in _open if each.has_ended()]:
        dropped.close()  # of a run that nobody held any more
    _open.add(fan_out)
    exits.register(_close_all)


def _silence_all() -> None:
    for fan_out in list(_open):
        fan_out.silence()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_silence_all)


def _close_all() -> None:
    remaining = list(_open)
    for end in (FanOut.begin_close, FanOut.close):
        for fan_out in remaining:
            with suppress(Exception):
                end(fan_out)
