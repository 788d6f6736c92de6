"""A sink in a process of its own, which follows the files of the run."""

import itertools
import json
import os
import pickle
import select
import subprocess
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from typing import Any, Final

from l2logger.checks import seconds
from l2logger.errors import ConfigError
from l2logger.run import RunInfo
from l2logger.signals import Signal
from l2logger.sinks.guard import Guard
from l2logger.sinks.health import Health
from l2logger.sinks.sink import Sink

_START: Final = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from l2logger.mirror import main; main()"
_HEALTH_SECS: Final = 1.0
_TURN_SECS: Final = 0.1
_ENDING_SECS: Final = 1.0
_MAX_STARTS: Final = 3


class ProcessSink(Guard):
    """A sink around a sink that does all its work in another process, which reads the log while it is written.

    The calling thread does nothing for it, and neither the interpreter lock nor the memory of the training are used. It
    gets the records of all workers of the run, forked and joined ones too, and nothing can be lost on the way: the log is
    the queue. What was delivered is remembered in the run directory (see `l2logger.replay`), so a mirror that comes later,
    in a resumed run or by ``l2logger replay``, goes on from there.

    The process ends when the run is closed, or when the last process that logs to it is gone, whatever ended that, after
    delivering what there is. If that takes longer than `close_timeout_secs`, it goes on by itself.

    A `DataLogger` puts this around each sink whose `isolate` is ``"process"``; write it out for other settings.

    Args:
        to: The sink that does the work; it is pickled on its way.
        flush_timeout_secs: How long `flush` waits, if it is not told.
        close_timeout_secs: How long `close` waits for the process to end.

    Raises:
        ConfigError: The sink cannot be handed to another process.
    """

    def __init__(self, to: Sink, *, flush_timeout_secs: float = 10.0, close_timeout_secs: float = 10.0) -> None:
        self._flush_timeout_secs = seconds("flush_timeout_secs", flush_timeout_secs)
        self._close_timeout_secs = seconds("close_timeout_secs", close_timeout_secs)
        if not self.can_run(to):
            raise ConfigError(
                f"{to!r} cannot be handed to another process: everything in it must be picklable, "
                'and its class and functions must live in a module that can be imported; use isolate="thread"'
            )
        super().__init__(to)
        self.kinds = frozenset()  # It reads the files.
        self._mirror: _Mirror | None = None
        self._starts = 0
        self._last_state = "opening"
        self._queued = 0
        self._asked_to_close: int | None = None
        self._close_at: float | None = None

    @staticmethod
    def can_run(sink: Sink) -> bool:
        """Return whether the sink can be handed to another process."""
        try:
            pickled = pickle.dumps(sink)
        except Exception:
            return False
        # What the script itself defines cannot be imported from elsewhere without running the script.
        return bool(sys.executable) and b"__main__" not in pickled and b"__mp_main__" not in pickled

    def open(self, run: RunInfo) -> None:
        """Start the process."""
        if "l2logger.mirror" in sys.modules:
            raise ConfigError(
                "this is the process of a mirror, which imported a script that logs; "
                "put what the script does below `if __name__ == '__main__':`"
            )
        self._begin(run)
        self._start()

    def write(self, signal: Signal) -> None:
        """Do nothing: the signal is in the log."""

    def begin_flush(self) -> int | None:
        return self._ask("flush")

    def flushed(self, token: int | None, timeout_secs: float | None = None) -> bool:
        limit = self._flush_timeout_secs if timeout_secs is None else timeout_secs
        reply = self._reply("flush", token, time.monotonic() + limit)
        if reply is None and self._end is None:
            self._tell_late(limit)
        return bool(reply and reply["flushed"])

    def begin_close(self) -> None:
        if self._close_at is None and self._end is None:
            self._close_at = time.monotonic() + self._close_timeout_secs
            self._asked_to_close = self._ask("close")

    def close(self) -> None:
        self.begin_close()
        if not self._begin_end():
            return
        give_up_at = self._close_at or 0.0
        try:
            reply = self._reply("close", self._asked_to_close, give_up_at)
        except BaseException:
            self._end_later()
            raise
        if self._mirror is not None:
            self._mirror.let_go(give_up_at)
        if reply is not None:
            self._end = "closed" if reply["state"] == "closed" else "given up"
        else:
            self._end = "dead" if self._mirror is None or self._mirror.has_ended() else "abandoned"
        self._tell_end()

    def is_over(self) -> bool:
        return self._mirror is None or self._mirror.has_ended()

    def _tell_end(self) -> None:
        if self._end == "abandoned" and self._mirror:
            self._tell(
                "abandoned",
                f"{self._name} is not done after {self._close_timeout_secs:g} s; "
                f"its process {self._mirror.pid} goes on by itself until everything is delivered",
            )
        elif self._end != "closed":
            self._tell(
                "given up",
                f"{self._name} has not got everything ({self._last_error}); the log has it: {self._remedy('last')}",
            )
        else:
            self._tell_missed()

    def health(self) -> Health:
        """Ask the process how it is doing, for at most a second."""
        self._reply("health", self._ask("health"), time.monotonic() + _HEALTH_SECS)
        return super().health()

    def _waiting(self) -> int:
        return self._queued

    def _state(self) -> str:
        if self._end is not None:
            return self._end
        return "dead" if self._mirror is None or self._mirror.has_ended() else self._last_state

    def _start(self) -> None:
        if self._run is None or self._starts >= _MAX_STARTS:
            return
        if self._mirror is not None:
            self._mirror.let_go()
        self._starts += 1
        try:
            self._mirror = _Mirror((self._run.scenario_dir, self.to))
        except Exception as error:
            self._note_failure("start", error)

    def _living(self) -> "_Mirror | None":
        """Return the process, after starting another one if it has ended; None if there is none."""
        if self._mirror is None or self._mirror.has_ended():
            self._start()
        return None if self._mirror is None or self._mirror.has_ended() else self._mirror

    def _ask(self, question: str) -> int | None:
        """Send a question and return its number, or None if nobody is there to hear it."""
        while self._end is None and (mirror := self._living()) is not None:
            number = mirror.ask(question)
            if number is not None or not mirror.has_ended():
                return number
        return None

    def _reply(self, question: str, number: int | None, give_up_at: float) -> dict[str, Any] | None:
        """Return the answer to a question, or None if there is none in time."""
        reply = None
        while self._mirror is not None and number is not None and self._end != "silent":
            reply = self._mirror.reply(number, give_up_at)
            if reply is not None or time.monotonic() >= give_up_at or not self._mirror.has_ended():
                break
            # Something ended it. Another one finds out from the log what is left to do.
            number = self._ask(question)
        if reply is not None:
            self._delivered, self._failed, self._dropped = reply["delivered"], reply["failed"], reply["dropped"]
            self._last_state, self._queued, self._last_error = reply["state"], reply["queued"], reply["last_error"]
        return reply


class _Mirror(subprocess.Popen[bytes]):
    """The process, and the conversation with it.

    It may go on when nobody holds this object any more.

    Args:
        task: What it is told first.
    """

    def __init__(self, task: Any) -> None:
        # In a process group of its own it does not get the Ctrl-C that is meant for the training.
        super().__init__(
            [sys.executable, "-P", "-c", _START, json.dumps([os.fspath(path) or os.getcwd() for path in sys.path])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            process_group=0,
            bufsize=0,
        )
        assert self.stdin is not None
        assert self.stdout is not None
        self._to, self._from = self.stdin, self.stdout
        self._asked = itertools.count(1)
        self._replies: dict[int, dict[str, Any]] = {}
        self._unfinished = b""
        self._reading = threading.RLock()  # a signal handler may ask while its thread waits for an answer
        self._waiting: deque[memoryview] = deque()
        os.set_blocking(self._to.fileno(), False)  # a stopped process must not stop this one
        self._send(pickle.dumps(task))

    def has_ended(self) -> bool:
        return self.poll() is not None

    def ask(self, question: str) -> int | None:
        """Send a question and return its number, or None if nobody listens."""
        number = next(self._asked)
        return number if self._send(f"{question} {number}".encode()) else None

    def _send(self, message: bytes) -> bool:
        try:
            if message:
                if len(self._waiting) >= 1000:
                    return False
                self._waiting.append(memoryview(len(message).to_bytes(8, "little") + message))
            while self._waiting:
                part = self._waiting.popleft()
                written = self._to.write(part) or 0  # None: it does not listen now
                if written < len(part):
                    self._waiting.appendleft(part[written:])
                    break
        except OSError:
            self._await_end()
            return False
        except ValueError:  # it was let go
            return False
        return True

    def reply(self, number: int, give_up_at: float) -> dict[str, Any] | None:
        """Return the answer to a question, or None if there is none in time. Several threads may wait for theirs."""
        while number not in self._replies:
            with self._reading:
                if number not in self._replies and not self._read(min(give_up_at - time.monotonic(), _TURN_SECS)):
                    break
            if time.monotonic() > give_up_at:
                break
        return self._replies.pop(number, None)

    def _read(self, secs: float) -> bool:
        """Wait for answers, and return whether there can be more."""
        try:
            self._send(b"")
            poll = select.poll()
            poll.register(self._from, select.POLLIN)
            ready = poll.poll(1000 * min(max(0.0, secs), 0.01 if self._waiting else 1.0))
            chunk = os.read(self._from.fileno(), 2**16) if ready else b""
        except (OSError, ValueError):  # it was let go
            return False
        if ready and not chunk:
            self._await_end()
        *lines, self._unfinished = (self._unfinished + chunk).split(b"\n")
        for line in lines:
            with suppress(ValueError, TypeError, KeyError):  # what something printed
                reply = json.loads(line)
                self._replies[reply["number"]] = reply
        return bool(chunk) or not ready

    def _await_end(self) -> None:
        """Wait for the end of the process, which comes a moment after that of its pipes."""
        with suppress(subprocess.TimeoutExpired):
            self.wait(_ENDING_SECS)

    def let_go(self, wait_until: float = 0.0) -> None:
        """Close the pipes, by which the process learns that there is nobody to answer any more."""
        for pipe in (self._to, self._from):
            with suppress(OSError):
                pipe.close()
        with suppress(subprocess.TimeoutExpired):
            self.wait(max(0.0, wait_until - time.monotonic()))

    def __del__(self, *args: Any) -> None:
        pass  # The base class would warn that the process is still there.
