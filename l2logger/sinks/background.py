"""A sink in a thread of its own."""

import queue
import threading
import time
from collections import deque
from contextlib import suppress
from typing import Final

from l2logger.checks import seconds
from l2logger.errors import ConfigError
from l2logger.run import RunInfo
from l2logger.signals import Signal
from l2logger.sinks.guard import Guard
from l2logger.sinks.sink import Sink

OVERFLOW: Final = ("drop_oldest", "drop_newest", "block")

_GATHER_SECS: Final = 0.05
"""Signals wait so long for others, so that the thread wakes up twenty times a second at most."""

_WORK_SECS: Final = 0.002
_REST_SECS: Final = 0.00005
"""After so much work it rests for so long, for the interpreter lock to get to whoever waits for it: by itself it changes hands only
every five milliseconds."""

_FLUSH_SECS: Final = 2.0
"""When nothing comes for so long, what came is flushed."""

_DRAIN_SHARE: Final = 0.7
"""The part of the time for closing in which signals are still delivered; the rest is for closing the sink itself."""

_LIVES: Final = 2


class BackgroundSink(Guard):
    """A sink around a sink that does all its work in a daemon thread.

    The inner sink is opened, written, flushed and closed only there, so that a missing network or a hung disk cannot be
    felt. `write` puts the signal into a queue. The thread is started by the first signal: a run whose workers are all
    forked never has one. In a forked child the sink is silent.

    A `DataLogger` puts this around each sink whose `isolate` is ``"thread"``; write it out for other settings.

    Args:
        to: The sink that does the work.
        max_queue: So many signals wait at most.
        max_bytes: So much memory, about, they take at most.
        overflow: What happens to a signal when the queue is full: ``"drop_oldest"`` makes room for it, so that what
            arrives is up to date, ``"drop_newest"`` drops it, ``"block"`` waits for room, and drops it after
            `block_secs`.
        block_secs: How long one call may wait under ``"block"``. If that was in vain, no further call waits before the
            sink has taken something again.
        flush_timeout_secs: How long `flush` waits, if it is not told.
        close_timeout_secs: How long `close` takes at most, with delivering what is queued.

    Raises:
        ConfigError: An argument is not what it should be.
    """

    def __init__(
        self,
        to: Sink,
        *,
        max_queue: int = 20_000,
        max_bytes: int = 2**26,
        overflow: str = "drop_oldest",
        block_secs: float = 0.05,
        flush_timeout_secs: float = 10.0,
        close_timeout_secs: float = 10.0,
    ) -> None:
        if overflow not in OVERFLOW:
            raise ConfigError(f"overflow must be one of {', '.join(map(repr, OVERFLOW))}, got {overflow!r}")
        for name, value in (("max_queue", max_queue), ("max_bytes", max_bytes)):
            if not isinstance(value, int) or value < 1:
                raise ConfigError(f"{name} must be a whole number of at least 1, got {value!r}")
        self._block_secs = seconds("block_secs", block_secs)
        self._flush_timeout_secs = seconds("flush_timeout_secs", flush_timeout_secs)
        self._close_timeout_secs = seconds("close_timeout_secs", close_timeout_secs)
        super().__init__(to)
        self._max_queue = max_queue
        self._max_bytes = max_bytes
        self._overflow = overflow
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._queue: deque[Signal] = deque()
        # The one is written by the caller only, the other by the thread only, so neither needs a lock.
        self._bytes_put = 0
        self._bytes_taken = 0
        self._flushes: deque[_Token] = deque()
        self._thread: threading.Thread | None = None
        self._is_idle = True
        self._wake = _Bell()
        self._hurry = _Bell()
        self._room = _Bell()
        self._waited_in_vain = False
        self._is_dirty = False
        self._in_hand = 0
        self._close_at: float | None = None

    def open(self, run: RunInfo) -> None:
        """Take note of the run. The sink is opened by the first signal."""
        self._begin(run)

    def write(self, signal: Signal) -> None:
        """Put a signal into the queue. Not to be called by two threads at once."""
        if self._end is not None or self._close_at is not None:
            self._dropped += 1
            return
        waiting = self._queue
        nbytes = signal.nbytes
        if 2 * len(waiting) >= self._max_queue or 2 * (self._bytes_put - self._bytes_taken + nbytes) >= self._max_bytes:
            if not self._retry_at:
                self._hurry.set()
            if self._is_full(signal) and not self._make_room(signal):
                self._dropped += 1
                return
        self._bytes_put += nbytes
        waiting.append(signal)
        if self._is_idle:
            self._rouse()

    def _is_full(self, signal: Signal) -> bool:
        return (
            len(self._queue) >= self._max_queue or self._bytes_put - self._bytes_taken + signal.nbytes > self._max_bytes
        )

    def _make_room(self, signal: Signal) -> bool:
        if signal.nbytes > self._max_bytes or self._overflow == "drop_newest":
            return False
        if self._overflow == "drop_oldest":
            while self._is_full(signal) and self._queue:
                try:
                    self._bytes_put -= self._queue.popleft().nbytes
                except IndexError:
                    break  # the thread was faster
                self._dropped += 1
            return True
        give_up_at = time.monotonic() + self._block_secs
        while True:
            self._room.clear()
            if not self._is_full(signal):
                return True
            if self._waited_in_vain or not self._room.wait(max(0.0, give_up_at - time.monotonic())):
                self._waited_in_vain = True
                return not self._is_full(signal)

    def _rouse(self) -> None:
        """Wake the thread up; start it if there is none."""
        self._wake.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name=f"l2logger-{self._name}", daemon=True)
            try:
                self._thread.start()
            except RuntimeError as error:  # there are too many; the next signal tries again
                self._thread = None
                self._note_failure("start", error)

    def begin_flush(self) -> "_Token":
        token = _Token()
        if self._thread is None or self._end is not None:
            token.answer(not self._queue)
        else:
            self._flushes.append(token)
            self._hurry.set()
            self._rouse()
        return token

    def flushed(self, token: "_Token", timeout_secs: float | None = None) -> bool:
        limit = self._flush_timeout_secs if timeout_secs is None else timeout_secs
        answer = token.wait(limit)
        if answer is None:
            self._tell_late(limit)
        return bool(answer)

    def begin_close(self) -> None:
        if self._close_at is None and self._end is None:
            self._close_at = time.monotonic() + self._close_timeout_secs
            if self._thread is not None:
                self._hurry.set()
                self._rouse()

    def close(self) -> None:
        self.begin_close()
        if not self._begin_end():
            return
        if self._thread is None or self._thread.ident is None:
            # No thread could be started, as none can when some versions of Python 3.12 are about to end.
            if self._queue:
                self._take_turn()
                self._shut()
            self._end = self._end or "closed"
        elif self._thread is not threading.current_thread():  # the sink may close its own logger
            try:
                self._thread.join(max(0.0, (self._close_at or 0.0) - time.monotonic()))
            except BaseException:
                self._end_later()
                raise
            if self._thread.is_alive():
                self._end = "abandoned"
                limit = f"{self._close_timeout_secs:g} s"
                self._tell("abandoned", f"{self._name} did not close within {limit} and is left alone")
        self._dropped += self._waiting()
        self._queue.clear()
        self._in_hand = 0
        self._tell_missed()

    def is_over(self) -> bool:
        return self._thread is None or not self._thread.is_alive()

    def silence(self) -> None:
        self._begin_anew()  # a thread that does not exist here may hold the locks
        super().silence()

    def _waiting(self) -> int:
        return len(self._queue) + self._in_hand

    # All below runs in the thread.

    def _belongs_to_caller(self) -> bool:
        return False

    def _work(self) -> None:
        for _ in range(_LIVES):
            try:
                while self._close_at is None and self._end is None:
                    self._pause()
                    self._take_turn()
                self._retry_at = 0.0  # there is no later
                self._take_turn()
                self._shut()
                self._end = self._end or "closed"
                break
            except BaseException as error:
                self._note_failure("run", error)
        else:
            self._end = "dead"
        while self._flushes:
            self._flushes.popleft().answer(False)

    def _pause(self) -> None:
        """Wait a moment, so that it is worth the while, and then until there is something to do."""
        self._hurry.wait(max(_GATHER_SECS, self._retry_at - time.monotonic()))
        self._hurry.clear()
        self._is_idle = True
        # What was put before the flag is seen here; who puts something after it sees the flag.
        if not self._queue and not self._flushes and self._close_at is None:
            if self._is_dirty and not self._wake.wait(_FLUSH_SECS):
                self._is_dirty = False
                self._attempt("flush")
            self._wake.wait()
        self._wake.clear()
        self._is_idle = False

    def _take_turn(self) -> None:
        """Deliver what is queued, then answer those who asked for that."""
        tokens = [self._flushes.popleft() for _ in range(len(self._flushes))]
        done = self._drain(in_haste=bool(tokens))
        if tokens:
            done = done and (not self._is_open or self._attempt("flush"))
        for token in tokens:
            token.answer(done)

    def _drain(self, *, in_haste: bool) -> bool:
        rest_at = time.monotonic() + _WORK_SECS
        for _ in range(len(self._queue)):
            if self._is_late() or not self._ready():
                return False
            try:
                signal = self._queue.popleft()
            except IndexError:
                break  # the caller made room
            self._bytes_taken += signal.nbytes
            self._in_hand = 1
            self._is_dirty |= self._attempt("write", signal)
            if self._in_hand:
                self._in_hand = 0
            else:  # `close` has given it up meanwhile
                self._dropped -= 1
            self._waited_in_vain = False
            self._room.set()
            if time.monotonic() > rest_at and not (in_haste or self._hurry.is_set() or self._close_at is not None):
                time.sleep(_REST_SECS)
                rest_at = time.monotonic() + _WORK_SECS
        return True

    def _is_late(self) -> bool:
        """Return whether the time for delivering is over, so that the sink can still be closed in time."""
        if self._close_at is None:
            return False
        return (
            self._end is not None or time.monotonic() > self._close_at - (1 - _DRAIN_SHARE) * self._close_timeout_secs
        )


class _Bell:
    """An event for one who waits. To set it takes no lock, so a signal handler or a finalizer may do it at any moment."""

    def __init__(self) -> None:
        self._rung: queue.SimpleQueue[None] = queue.SimpleQueue()

    def is_set(self) -> bool:
        return not self._rung.empty()

    def set(self) -> None:
        if self._rung.empty():
            self._rung.put(None)

    def wait(self, timeout_secs: float | None = None) -> bool:
        try:
            self._rung.get(timeout=timeout_secs)
        except queue.Empty:
            return False
        self._rung.put(None)
        return True

    def clear(self) -> None:
        with suppress(queue.Empty):
            while True:
                self._rung.get_nowait()


class _Token:
    """A question that goes behind all signals in the queue."""

    def __init__(self) -> None:
        self._answered = threading.Event()
        self._answer = False
        self._sent = time.monotonic()

    def answer(self, answer: bool) -> None:
        self._answer = answer
        self._answered.set()

    def wait(self, timeout_secs: float) -> bool | None:
        """Return the answer, or None if there is none in time, which runs from the question on."""
        left = max(0.0, self._sent + timeout_secs - time.monotonic())
        return self._answer if self._answered.wait(left) else None
