"""What stands around a mirror, so that nothing it does is felt."""

import os
import time
import weakref
from contextlib import suppress
from typing import Any, Final

from l2logger.errors import ConfigError, L2LoggerError
from l2logger.run import RunInfo
from l2logger.signals import Signal
from l2logger.sinks.health import Health, in_words, innermost, warn_of_sink
from l2logger.sinks.sink import Sink

MAX_FAILURES_IN_A_ROW: Final = 10
_FIRST_PAUSE_SECS: Final = 1.0
_LONGEST_PAUSE_SECS: Final = 60.0
STUCK_SECS: Final = 5.0

_guards: "weakref.WeakValueDictionary[int, Guard]" = weakref.WeakValueDictionary()
"""The guard of each sink in use, by the id of the sink."""

_HOPELESS: Final = (ImportError, ConfigError)
"""What no second attempt mends."""


class Guard(Sink):
    """A sink around a sink: what the inner one raises is counted and told once, and does not get out.

    A sink that fails ten times in a row, or cannot be opened, is left alone for a second, then closed, opened again and
    given what comes next; each further failure doubles the pause, up to a minute. One that lacks its library or was set
    up wrongly is given up.

    This is the whole of the guard for a sink in the calling thread. `BackgroundSink` and `ProcessSink` put a thread
    or a process between.

    Args:
        to: The sink to guard.

    Attributes:
        to: The sink that is guarded.
    """

    isolate = "none"

    def __init__(self, to: Sink) -> None:
        if not isinstance(to, Sink):
            raise ConfigError(f"a sink must be an object of l2logger.sinks.Sink, got {to!r}")
        other = _guards.get(id(to))
        if other is not None and other._end is None:
            raise ConfigError(f"this {type(to).__name__} is in use by another logger; make one for each")
        self.to = to
        self.kinds = to.kinds
        self._name = type(innermost(to)).__name__
        self._run: RunInfo | None = None
        self._delivered = self._dropped = self._failed = 0
        self._last_error: str | None = None
        self._failures_in_a_row = 0
        self._pause_secs = _FIRST_PAUSE_SECS
        self._retry_at = 0.0
        self._is_open = False
        self._was_opened = False
        self._told: set[str] = set()
        self._end: str | None = None
        self._is_ending = False
        self._busy_since: float | None = None

    # The verbs of a sink, in the calling thread.

    def open(self, run: RunInfo) -> None:
        """Open the sink; what goes wrong is told in a `SinkWarning`."""
        self._begin(run)
        self._ready()

    def write(self, signal: Signal) -> None:
        """Hand a signal to the sink, or count it as missed."""
        if self._end is None and self._ready():
            self._attempt("write", signal)
        else:
            self._dropped += 1

    def flush(self) -> None:
        """Bring everything taken so far to where it goes, or wait for that as long as is usual for the sink."""
        self.flushed(self.begin_flush())

    def begin_flush(self) -> Any:
        """Ask for everything taken so far to get to where it goes; return a token for `flushed`."""
        return self._attempt("flush") if self._is_open else self._end in ("closed", "silent")

    def flushed(self, token: Any, timeout_secs: float | None = None) -> bool:
        """Return whether that was done.

        Args:
            token: What `begin_flush` returned.
            timeout_secs: How long to wait for it at most; None for as long as is usual for the sink.
        """
        return bool(token)

    def begin_close(self) -> None:
        """Have the sink come to its end. Where it is in another thread or process, this does not wait, but its time runs."""
        if self._begin_end():
            self._end = self._end or "closed"
            self._shut()

    def close(self) -> None:
        """Close the sink, once, and tell what it missed."""
        self.begin_close()
        if self._end != "silent":
            self._tell_missed()

    def _end_later(self) -> None:
        """Let another `close` do what an interrupt kept this one from."""
        self._is_ending = False

    def is_over(self) -> bool:
        """Return whether nothing is left to be waited for, once `begin_close` was called."""
        return True

    def _begin_end(self) -> bool:
        """Return whether `close` has anything to do; only one of its calls has, also when a signal handler makes another."""
        first = not self._is_ending and self._end != "silent"
        self._is_ending = True
        return first

    def silence(self) -> None:
        """Leave the sink alone from now on: it belongs to the parent of this process."""
        self._end = "silent"
        self._is_open = False

    def health(self) -> Health:
        """Return how the sink is doing."""
        return Health(
            self._name, self._state(), self._delivered, self._dropped, self._failed, self._waiting(), self._last_error
        )

    # What subclasses stand on.

    def _begin(self, run: RunInfo) -> None:
        self._run = run
        _guards[id(self.to)] = self

    def _waiting(self) -> int:
        return 0

    def _state(self) -> str:
        if self._end is not None:
            return self._end
        busy_since = self._busy_since
        if busy_since is not None and time.monotonic() - busy_since > STUCK_SECS:
            return "opening" if not self._is_open else "stuck"
        if self._retry_at or self._failures_in_a_row:
            return "failing"
        if self._is_open:
            return "ok"
        return "idle" if busy_since is None else "opening"

    def _ready(self) -> bool:
        """Return whether the sink is open, after opening it if it is time for that."""
        if self._is_open:
            return True
        if self._end is not None or self._run is None or time.monotonic() < self._retry_at:
            return False
        if self._was_opened:
            self._shut()
        self._was_opened = True
        if not self._attempt("open", self._run):
            return False
        self._is_open = True
        self._retry_at = 0.0
        if "failing" in self._told:
            self._tell("again", f"{self._name} works again")
        return True

    def _shut(self) -> None:
        """Close the sink itself, if it was ever opened."""
        if self._was_opened:
            self._was_opened = self._is_open = False
            self._attempt("close")

    def _attempt(self, verb: str, *args: Any) -> bool:
        """Have the sink do something, and return whether it did.

        What is raised in the calling thread and is no error, such as Ctrl-C, goes on to the caller.
        """
        self._busy_since = time.monotonic()
        try:
            getattr(self.to, verb)(*args)
        except BaseException as error:
            self._failed += verb == "write"
            if not isinstance(error, Exception) and self._belongs_to_caller():
                raise
            self._note_failure(verb, error)
            return False
        finally:
            self._busy_since = None
        if verb == "write":
            self._delivered += 1
            self._failures_in_a_row = 0
            self._pause_secs = _FIRST_PAUSE_SECS
        return True

    def _belongs_to_caller(self) -> bool:
        return True

    def _note_failure(self, verb: str, error: BaseException) -> None:
        self._last_error = in_words(error)
        self._failures_in_a_row += verb in ("open", "write")
        went_wrong = f"{self._name} failed to {verb}: {self._last_error}{_place(error)}"
        if verb == "open" and isinstance(error, _HOPELESS):
            self._end = "given up"
            self._tell("given up", f"{went_wrong}; it gets nothing, the log and the other sinks go on")
        elif verb == "open" or (verb == "write" and self._is_outage(error)):
            self._is_open = False
            self._retry_at = time.monotonic() + self._pause_secs
            pause, self._pause_secs = self._pause_secs, min(2 * self._pause_secs, _LONGEST_PAUSE_SECS)
            self._tell("failing", f"{went_wrong}; it is opened again in {pause:g} s, the log and the other sinks go on")
        else:
            self._tell(
                "failed", f"{went_wrong}; the log and the other sinks go on, this is said once, the rest is counted"
            )

    def _is_outage(self, error: BaseException) -> bool:
        """Return whether what comes next would fail as well: such as after the service of W&B has died."""
        return isinstance(error, ConnectionError) or self._failures_in_a_row >= MAX_FAILURES_IN_A_ROW

    def _tell(self, news: str, message: str) -> None:
        """Issue a `SinkWarning`, once for each kind of news."""
        if news in self._told:
            return
        self._told.add(news)
        warn_of_sink(message)

    def _tell_late(self, secs: float) -> None:
        self._tell("late", f"{self._name} did not flush within {round(secs, 1):g} s; the log and the other sinks go on")

    def _tell_missed(self) -> None:
        missed = self._dropped + self._failed
        if missed:
            self._tell(
                "missed",
                f"{self._name} missed {missed:,} of {missed + self._delivered:,} signals"
                + f" ({self._last_error})" * (self._last_error is not None)
                + f"; the log has them all: {self._remedy()}",
            )

    def _remedy(self, start: str = "beginning") -> str:
        """Return the words for how to bring the sink what it missed."""
        import shlex

        from l2logger.sinks.named import spell

        directory = self._run.scenario_dir if self._run else ""
        with suppress(Exception):
            if spelled := spell(self.to):
                return shlex.join(("l2logger", "replay", directory, "--to", spelled, "--from", start))
        return f"l2logger.replay.replay({directory!r}, [sink], start={start!r})"


def _place(error: BaseException) -> str:
    """Return where an error comes from, if it is one of the code and not of the world around it."""
    trace = error.__traceback__
    if trace is None or isinstance(error, OSError | ImportError | L2LoggerError):
        return ""
    while trace.tb_next is not None:
        trace = trace.tb_next
    code = trace.tb_frame.f_code
    return f" ({os.path.basename(code.co_filename)}, line {trace.tb_lineno}, in {code.co_name})"
