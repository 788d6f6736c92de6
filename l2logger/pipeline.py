"""The way of a signal: through the processors, into the canonical store, out to the mirrors."""

import os
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from l2logger.errors import ConfigError, RecordError, SignalError
from l2logger.run import Processor
from l2logger.shortcut import Shortcut
from l2logger.signals import KINDS, RECORD, Signal, freeze
from l2logger.sinks.fan_out import FanOut
from l2logger.sinks.health import warn_of_sink

if TYPE_CHECKING:
    from l2logger.media.drawing import Drawing
    from l2logger.media.encoder import Encoder


class Store(Protocol):
    """The sink whose errors reach the caller, and whose success makes a signal count as logged."""

    def write(self, signal: Signal) -> None: ...
    def flush(self) -> None: ...
    def close(self) -> None: ...
    def after_fork(self) -> None: ...


class Pipeline:
    """Run signals through processors and hand them on. Safe to use from several threads and from forked children.

    Args:
        run: Passed to the processors as their first argument.
        processors: structlog processors. One that says its ``kinds`` gets no other kinds of signal. One with a memory has a
            method ``commit(event)``, called after the store has taken the signal, so that a refused one is never remembered.
        store: Gets every signal first; what it raises is raised to the caller, and nobody else hears of the signal.
        mirrors: Get every signal that the store has taken.
        shortcut: A faster way with the same effect, for records it knows.
        encoder: Makes, when it is needed, what writes media in a thread of its own and then calls what it is given.

    Attributes:
        lock: Held while a signal is on its way.
    """

    def __init__(
        self,
        run: Any,
        processors: Sequence[Processor],
        store: Store,
        mirrors: FanOut,
        shortcut: Shortcut | None = None,
        encoder: "Callable[[Callable[[str, dict[str, Any]], None]], Encoder] | None" = None,
    ) -> None:
        for processor in processors:
            if not callable(processor) or isinstance(processor, type):
                raise ConfigError(
                    f"a processor must be callable as (logger, kind, event_dict), got {processor!r}"
                    + "; are the parentheses missing?" * isinstance(processor, type)
                )
        self._run = run
        self._chains = _Chains(processors)
        self._store = store
        self._mirrors = mirrors
        self._mirrored = mirrors.kinds
        self._shortcut = shortcut
        self._make_encoder = encoder
        self._encoder: Encoder | None = None
        self.lock = threading.RLock()
        self._busy = False
        self._close_wanted = False
        self._has_closed = False
        _pipelines.add(self)
        # Mirrors of a run that nobody holds any more come to their ends.
        weakref.finalize(self, mirrors.abandon).atexit = False

    def emit(self, kind: str, event: dict[str, Any], drawing: "Drawing | None" = None) -> None:
        """Process and hand on one signal.

        Args:
            kind: What it is.
            event: Its content, which is copied.
            drawing: What its file is made of. It is encoded in another thread, and then the signal is stored and handed on.

        Raises:
            RecordError: A processor refused it, or this is a call from inside of another one.
            SignalError: The same, for what is no record.
            OSError: The store could not write it.
        """
        if self._has_closed:
            self._say_late(kind)
        try:
            with self.lock:
                self._begin(kind)
                try:
                    if drawing is None:
                        self._emit(kind, event)
                    else:
                        processed = self._process(kind, dict(event))
                finally:
                    self._busy = False
            # Not under the lock, as there may be no room before the encoder has delivered something.
            if drawing is not None and processed is not None:
                self._encoder_of_this_process().put(kind, dict(processed), drawing)
        finally:
            if self._close_wanted and not self.is_held():
                self.close()

    def _say_late(self, kind: str) -> None:
        """Say, once, that the mirrors are closed."""
        self._has_closed = False
        warn_of_sink(
            f"this {kind} was logged after close(): it is stored in the run, and its mirrors are closed; "
            "`l2logger replay` brings them what they miss"
        )

    def _begin(self, kind: str) -> None:
        if self._busy:
            error = SignalError if kind in KINDS and kind != RECORD else RecordError  # or of a writer of older formats
            raise error(
                f"this {kind} was logged while another one was being logged by the same thread (in a signal handler, a processor, "
                "a sink or a __str__ method); it was not stored, log it from the main flow"
            )
        self._busy = True

    def _encoder_of_this_process(self) -> "Encoder":
        if self._encoder is None:
            assert self._make_encoder is not None
            made = self._make_encoder(self._deliver)  # which imports, and so is not for under the lock
            with self.lock:
                self._encoder = self._encoder or made
        return self._encoder

    def _deliver(self, kind: str, event: dict[str, Any]) -> None:
        """Store and hand on a signal that was processed before, and whose file is there now."""
        with self.hold():
            self._begin(kind)
            try:
                signal = self._store_it(kind, event)
                if signal is not None:
                    # In this thread, an interrupt is one that a sink raised itself, and no matter of the file.
                    with suppress(BaseException):
                        self._mirrors.write(signal)
            finally:
                self._busy = False

    def _emit(self, kind: str, event: dict[str, Any]) -> None:
        """Process and hand on one signal."""
        shortcut = self._shortcut if kind == RECORD else None
        if shortcut is not None:
            done = shortcut.write(event, kind in self._mirrored)
            if done is not False:
                if isinstance(done, Signal):
                    self._mirrors.write(done)
                return
        given = dict(event)
        processed = self._process(kind, given if shortcut is None else given.copy())
        if processed is None:
            return
        signal = self._store_it(kind, processed)
        if shortcut is not None:
            with suppress(Exception):  # The record is stored; nothing may make it look refused now.
                shortcut.learn(given, processed)
        if signal is not None:
            self._mirrors.write(signal)

    def _store_it(self, kind: str, event: Mapping[str, Any]) -> Signal | None:
        """Store a signal that was processed; return it as the mirrors get it, if any takes its kind."""
        signal = freeze(kind, event) if kind in self._mirrored else None
        self._store.write(Signal(kind, event))
        for commit in self._chains[kind].commits:
            commit(event)
        return signal

    def _process(self, kind: str, event: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Return the event after all processors, or None if one dropped it."""
        try:
            for processor in self._chains[kind].processors:
                event = processor(self._run, kind, event)
                if not isinstance(event, dict) and not isinstance(event, Mapping):
                    raise RecordError(
                        f"the processor {processor!r} returned {event!r}; it must return the event, or raise structlog.DropEvent to drop it"
                    )
        except BaseException as error:  # which structlog.DropEvent is
            # Nobody can have raised it without having imported structlog, so neither need we.
            structlog = sys.modules.get("structlog")
            if structlog is not None and isinstance(error, structlog.DropEvent):
                return None
            raise
        return event

    def flush(self, timeout_secs: float | None = None) -> bool:
        """Bring everything logged so far to where it goes. Other threads can log meanwhile.

        Args:
            timeout_secs: How long to wait for all of it; None for as long as the disk takes, and what is usual for the
                mirrors.

        Returns:
            Whether everything got there in time.
        """
        end = None if timeout_secs is None else time.monotonic() + timeout_secs
        encoded = self._encoder is None or (not self.is_held() and self._encoder.flush(timeout_secs))
        with self.hold():  # sinks in the calling thread do one thing at a time
            begun = self._mirrors.begin_flush()
        try:
            stored = self._flush_store(timeout_secs)
        finally:
            mirrored = self._mirrors.flushed(begun, None if end is None else max(0.0, end - time.monotonic()))
        return encoded and stored and mirrored

    def _flush_store(self, timeout_secs: float | None) -> bool:
        if timeout_secs is None:
            self._store.flush()
            return True
        # A system call cannot be given up, only left to another thread.
        errors: list[BaseException] = []
        thread = threading.Thread(target=_catch, args=(self._store.flush, errors), daemon=True)
        thread.start()
        thread.join(timeout_secs)
        for error in errors:
            raise error
        return not thread.is_alive()

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Keep signals from coming through meanwhile. A close that a signal handler asked for is done at the end."""
        try:
            with self.lock:
                yield
        finally:
            if self._close_wanted and not self.is_held():
                self.close()

    def is_held(self) -> bool:
        """Return whether this thread has the lock. If it asks for it, this is a signal handler that interrupts the holder."""
        # As `threading.Condition` asks it. To wait for others, who need the lock, would be for ever.
        held: bool = self.lock._is_owned()  # type: ignore[attr-defined]
        return held

    def close(self) -> None:
        """Flush and close everything. The store opens again for a later signal; the mirrors do not."""
        # A signal handler that interrupts `emit` gets its wish once the signal is whole.
        self._close_wanted = self.is_held()
        if self._close_wanted:
            return
        try:
            if self._encoder is not None:  # which delivers what it has, and needs the lock for it
                self._encoder.close()
        finally:
            try:
                with self.lock:
                    self._mirrors.begin_close()
                    self._store.close()
            finally:
                # Other threads can go on logging while mirrors take their time.
                self._has_closed = bool(self._mirrors)
                self._mirrors.close()

    def after_fork(self) -> None:
        """Start anew in a forked child: no thread but this one is alive, and files and mirrors are the parent's."""
        self.lock = threading.RLock()
        self._busy = False
        self._mirrors.silence()
        self._mirrored = frozenset()
        if self._encoder is not None:
            self._encoder.after_fork()
        self._store.after_fork()


class _Chain(NamedTuple):
    processors: tuple[Processor, ...]
    commits: tuple[Callable[[Mapping[str, Any]], None], ...]


class _Chains(dict[str, _Chain]):
    """For each kind of signal what it goes through, found out when the first such signal comes."""

    def __init__(self, processors: Sequence[Processor]) -> None:
        self._processors = tuple(processors)

    def __missing__(self, kind: str) -> _Chain:
        found = chain(self._processors, kind)
        self[kind] = _Chain(found, tuple(each.commit for each in found if hasattr(each, "commit")))
        return self[kind]


def chain(processors: Sequence[Processor], kind: str) -> tuple[Processor, ...]:
    """Return those of the processors that a kind of signal goes through."""
    return tuple(processor for processor in processors if kind in getattr(processor, "kinds", (kind,)))


def _catch(call: Callable[[], None], errors: list[BaseException]) -> None:
    try:
        call()
    except BaseException as error:
        errors.append(error)


_pipelines: "weakref.WeakSet[Pipeline]" = weakref.WeakSet()


def _after_fork_in_child() -> None:
    for pipeline in list(_pipelines):
        pipeline.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
