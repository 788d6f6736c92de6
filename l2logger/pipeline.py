"""The way of a signal: through the processors, into the canonical store, out to the mirrors."""

import os
import sys
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol

from l2logger.errors import ConfigError, RecordError
from l2logger.run import Processor
from l2logger.shortcut import Shortcut
from l2logger.signals import RECORD, Signal, freeze
from l2logger.sinks.fan_out import FanOut


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
        processors: structlog processors. One with a memory has a method ``commit(event)``, called after the store
            has taken the signal, so that a refused signal is never remembered.
        store: Gets every signal first; what it raises is raised to the caller, and nobody else hears of the signal.
        mirrors: Get every signal that the store has taken.
        shortcut: A faster way with the same effect, for signals it knows.

    Attributes:
        lock: Held while a signal is on its way.
    """

    def __init__(
        self, run: Any, processors: Sequence[Processor], store: Store, mirrors: FanOut, shortcut: Shortcut | None = None
    ) -> None:
        for processor in processors:
            if not callable(processor) or isinstance(processor, type):
                raise ConfigError(
                    f"a processor must be callable as (logger, kind, event_dict), got {processor!r}"
                    + "; are the parentheses missing?" * isinstance(processor, type)
                )
        self._run = run
        self._processors = tuple(processors)
        self._commits = tuple(processor.commit for processor in processors if hasattr(processor, "commit"))
        self._store = store
        self._mirrors = mirrors
        self._mirrored = RECORD in mirrors.kinds
        self._shortcut = shortcut
        self.lock = threading.RLock()
        self._busy = False
        self._close_wanted = False
        _pipelines.add(self)
        # Mirrors of a run that nobody holds any more come to their ends.
        weakref.finalize(self, mirrors.abandon).atexit = False

    def emit(self, kind: str, event: dict[str, Any]) -> None:
        """Process and hand on one signal.

        Args:
            kind: What it is.
            event: Its content, which is copied.

        Raises:
            RecordError: A processor refused it, or this is a call from inside of another one.
            OSError: The store could not write it.
        """
        with self.lock:
            if self._busy:
                raise RecordError(
                    "this record was logged while another one was being logged by the same thread (in a signal handler, a processor, "
                    "a sink or a __str__ method); it was not stored, log it from the main flow"
                )
            self._busy = True
            try:
                done = self._shortcut.write(event, self._mirrored) if self._shortcut and kind == RECORD else False
                signal = self._emit(kind, dict(event)) if done is False else done
                if isinstance(signal, Signal):
                    self._mirrors.write(signal)
            finally:
                self._busy = False
                if self._close_wanted:
                    self.close()

    def _emit(self, kind: str, event: dict[str, Any]) -> Signal | None:
        """Process and store one signal; return it as the mirrors get it, if there are any."""
        given = event.copy() if self._shortcut else event
        processed = self._process(kind, event)
        if processed is None:
            return None
        mirrored = freeze(kind, processed) if self._mirrored else None
        self._store.write(Signal(kind, processed))
        for commit in self._commits:
            commit(processed)
        if self._shortcut:
            with suppress(Exception):  # The record is stored; nothing may make it look refused now.
                self._shortcut.learn(given, processed)
        return mirrored

    def _process(self, kind: str, event: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Return the event after all processors, or None if one dropped it."""
        try:
            for processor in self._processors:
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
        with self.lock:  # sinks in the calling thread do one thing at a time
            begun = self._mirrors.begin_flush()
        try:
            stored = self._flush_store(timeout_secs)
        finally:
            mirrored = self._mirrors.flushed(begun, None if end is None else max(0.0, end - time.monotonic()))
        return stored and mirrored

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

    def close(self) -> None:
        """Flush and close everything. The store opens again for a later signal; the mirrors do not."""
        try:
            with self.lock:
                # A signal handler that interrupts `emit` gets its wish once the record is whole.
                self._close_wanted = self._busy
                if self._busy:
                    return
                self._mirrors.begin_close()
                self._store.close()
        finally:
            # Other threads can go on logging while mirrors take their time.
            if not self._close_wanted:
                self._mirrors.close()

    def after_fork(self) -> None:
        """Start anew in a forked child: no thread but this one is alive, and files and mirrors are the parent's."""
        self.lock = threading.RLock()
        self._busy = False
        self._mirrors.silence()
        self._mirrored = False
        self._store.after_fork()


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
