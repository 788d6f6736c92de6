"""The process that a `ProcessSink` starts: it follows the files of a run into one sink until the run is over.

It is told what to do through its standard input, and answers in lines of JSON on its standard output. A message is its length
in eight bytes and then, first, the pickled directory and sink, later a word and a number: ``flush``, ``health`` or ``close``. The end
of the input means that nobody is left who could log to the run.
"""

import json
import os
import pickle
import queue
import signal
import sys
import threading
import time
import warnings
from contextlib import suppress
from typing import Any, Final

from l2logger.errors import L2LoggerError, L2LoggerWarning
from l2logger.replay import Replayer
from l2logger.sinks.guard import STUCK_SECS
from l2logger.sinks.health import warn_of_sink
from l2logger.sinks.sink import Sink

_POLL_SECS: Final = 0.2

_LAST_SECS: Final = 600.0
"""When nobody waits for a mirror any more, it ends after so long, even if its sink hangs."""

_NICENESS: Final = 5
"""It shall not take the processor from the training."""


def main() -> None:
    """Follow the run until there is no more to come."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "SIGTTOU"):  # the terminal belongs to the training
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    warnings.simplefilter("default", L2LoggerWarning)
    warnings.showwarning = _show_warning
    with suppress(OSError):
        os.nice(_NICENESS)
    answers = os.dup(1)
    # What a sink prints must not get between the answers.
    os.dup2(2, 1)
    directory, sink = pickle.loads(_read_message() or b"")
    try:
        _Mirror(directory, sink, answers).run()
    except L2LoggerError as error:
        sys.exit(f"l2logger: {error}")


def _show_warning(message: Warning | str, *where: Any, **more: Any) -> None:
    print(f"l2logger: {message}", file=sys.stderr, flush=True)


def _read_message() -> bytes | None:
    """Return the next message, or None if there will be none."""
    size = _read(8)
    return None if size is None else _read(int.from_bytes(size, "little"))


def _read(size: int) -> bytes | None:
    data = bytearray()
    while len(data) < size:
        chunk = os.read(0, size - len(data))
        if not chunk:
            return None
        data += chunk
    return bytes(data)


class _Mirror:
    """What is done, and by which of the two threads: one delivers, the other listens."""

    def __init__(self, directory: str, sink: Sink, answers: int) -> None:
        # There is nobody here to tell an exit from a failure.
        self._replayer = Replayer(directory, sink, contained=BaseException)
        self._directory = directory
        self._answers = answers
        self._questions: queue.SimpleQueue[tuple[str, int]] = queue.SimpleQueue()
        self._turn_began: float | None = None
        threading.Thread(target=self._listen, daemon=True).start()

    def run(self) -> None:
        while True:
            self._take_turn()
            try:
                word, number = self._questions.get(timeout=_POLL_SECS)
            except queue.Empty:
                continue
            self._take_turn()
            self._turn_began = time.monotonic()
            if word == "close":
                self._replayer.close()
                self._look_again()
                self._answer(number)
                self._say_what_is_left()
                return
            self._answer(number, flushed=self._replayer.flush())
            self._turn_began = None

    def _look_again(self) -> None:
        """Deliver what was written while the sink was closed, by a worker whose own mirror found the place taken."""
        delivered = 1
        while delivered and self._replayer.error is None:
            again = Replayer(self._directory, self._replayer.sink, contained=BaseException)
            # Where nothing is remembered, everything would come again.
            delivered = again.step() if again.begin() and again.before else 0
            again.close()
            if again.error is not None:
                self._replayer = again

    def _say_what_is_left(self) -> None:
        health = self._replayer.health()
        if health.state != "closed" or health.queued:
            warn_of_sink(
                f"the mirror of {self._directory} ends, and {health.sink} has not got everything: "
                f"{health.delivered:,} signals delivered, about {health.queued:,} to come ({health.last_error})"
            )

    def _take_turn(self) -> None:
        hopeful = self._replayer.error is None
        self._turn_began = time.monotonic()
        self._replayer.step()
        self._turn_began = None
        if hopeful and self._replayer.error is not None:
            warn_of_sink(f"{self._replayer.error}; the log and the other sinks go on")

    def _listen(self) -> None:
        while True:
            message = _read_message()
            word, _, number = (message or b"close 0").decode().partition(" ")
            if word == "health":
                self._answer(int(number))
                continue
            self._questions.put((word, int(number)))
            if word == "close":
                watchdog = threading.Timer(_LAST_SECS, os._exit, (1,))
                watchdog.daemon = True
                watchdog.start()
                return

    def _answer(self, number: int, *, flushed: bool = False) -> None:
        health = self._replayer.health()
        began = self._turn_began
        if began is not None and time.monotonic() - began > STUCK_SECS and health.state == "ok":
            health = health._replace(state="stuck")
        answer = json.dumps({"number": number, "flushed": flushed, **health._asdict()}) + "\n"
        with suppress(OSError):  # nobody is there any more
            os.write(self._answers, answer.encode())
