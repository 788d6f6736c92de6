"""A run into one sink, step by step, through whatever befalls the sink."""

import math
import time
from collections.abc import Callable
from os import PathLike
from typing import Final

from l2logger.bookmarks import Bookmark
from l2logger.course import LAST, Course
from l2logger.errors import ConfigError, SinkError
from l2logger.follow import NewRecord, NewSignal
from l2logger.sinks.health import Health, in_words, inward, warn_of_sink
from l2logger.sinks.sink import Sink
from l2logger.stored import run_info, signal_of, single_run

_FLUSH_SECS: Final = 2.0
"""How long what a sink took is not flushed and not remembered at most."""

_MAX_FAILURES_IN_A_ROW: Final = 10
_MAX_DOUBLINGS: Final = 7
_FIRST_PAUSE_SECS: Final = 1.0
_LONGEST_PAUSE_SECS: Final = 60.0

_HOPELESS: Final = (ImportError, ConfigError)
"""What no second attempt mends."""


class Replayer:
    """Delivers the signals of a run to a sink, in steps. Nothing that the sink raises gets out.

    Args:
        run: Path of a run, or its name in ``$L2DATA/logs``.
        sink: Where the signals go; it gets those of its `kinds`.
        start: As for `l2logger.replay.replay`.
        remember: Keep in the run directory how far the sink has come, and keep other replays into the same sink waiting
            meanwhile. A sink is never remembered whose attribute ``lasting`` says that what it took ends with the process.
        max_tries: After so many failures in a row to have the sink work it is given up; None for never.
        contained: What may be raised by the sink without getting out.
        clock: Tells the time, in seconds.

    Attributes:
        sink: The sink.
        error: Why the sink was given up, or None.
        obstacle: Why the replay waits, or nothing.

    Raises:
        DirectoryError: There is no such run.
        ConfigError: The directory does not hold one run, or `start` is no place to start from.
        LogFormatError: The run is of a newer version of the format.
    """

    def __init__(
        self,
        run: str | PathLike[str],
        sink: Sink,
        *,
        start: str | int = LAST,
        remember: bool = True,
        max_tries: int | None = None,
        contained: type[BaseException] = Exception,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.sink = sink
        self.error: Exception | None = None
        self.obstacle = ""
        self._name = type(sink).__name__
        self._run = single_run(run)
        self._course = Course(self._run.path, start, sink.kinds)
        self._bookmark = Bookmark(self._run.path, sink) if remember and _lasts(sink) else None
        self._max_tries = max_tries
        self._contained = contained
        self._clock = clock
        self._state = "idle"
        self._begun = self._is_open = self._is_dirty = self._closed = False
        self._tries = self._failed_flushes = 0
        self._pause_secs = _FIRST_PAUSE_SECS
        self._retry_at = self._flush_at = self._again_at = -math.inf
        self._last_error: str | None = None
        self._told: set[str] = set()

    @property
    def before(self) -> int:
        """How many signals earlier replays have delivered, if this one goes on from there."""
        return self._course.before

    @property
    def is_busy(self) -> bool:
        """Whether the next step has something to do at once."""
        return self._course.ahead is not None and self.error is None

    @property
    def is_done(self) -> bool:
        """Whether all that was in the files was delivered, or the sink was given up."""
        return self._course.caught_up or self.error is not None

    def begin(self) -> bool:
        """Find out where to begin, if that is not known; return False as long as another replay is at work.

        Raises:
            LogFormatError: What was remembered cannot be read.
        """
        if self._begun:
            return True
        if self._bookmark is not None:
            if not self._bookmark.take():
                self.obstacle = f"{self._bookmark.holder} is replaying {self._run.path} into the same {self._name}"
                self._state = "waiting"
                self._tell("waiting", f"{self.obstacle}; this replay takes over when that one ends")
                return False
            self._course.go_by(self._bookmark)
        self.obstacle = ""
        self._state = "idle"
        self._begun = True
        return True

    def step(self, secs: float | None = None, *, scan: bool = True) -> int:
        """Deliver everything that is in the files now and was not delivered.

        Args:
            secs: Stop after that time, even if there is more.
            scan: Look for new files, even if the last look was a moment ago.

        Returns:
            How many signals the sink took.

        Raises:
            LogFormatError: What was remembered cannot be read.
        """
        now = self._clock()
        if self._closed or self.error is not None or now < self._retry_at or not self.begin():
            return 0
        if self._course.failures_in_a_row and (now >= self._again_at or self._course.has_more()):
            # Those that failed last: the signals, or the beginning of an outage? Before others come, they have a second try.
            self._course.go_back()
        end = math.inf if secs is None else now + secs
        taken = 0
        was_looking = self.is_busy
        try:
            for new in self._course.look(scan=scan):
                if not self._course.is_wanted(new):
                    self._course.pass_over(new)
                elif self._is_open or self._open():
                    taken += self._write(new)
                now = self._clock()
                if self._is_dirty and now >= self._flush_at:
                    self.flush()
                if now >= end or not self.is_busy:
                    break
            else:
                self._course.end_look()
                if self._tries and self._course.failures_in_a_row:
                    self._start_over("write")
        except BaseException:
            self._course.go_back()  # for the signal that was in work when Ctrl-C hit
            raise
        if self._is_dirty and now >= self._flush_at:
            self.flush()
        if was_looking and secs is None:
            taken += self.step(scan=scan)  # for what was written since that look began
        return taken

    def flush(self) -> bool:
        """Bring what the sink took to where it goes and remember that; return whether nothing is in the way of it."""
        self._flush_at = self._clock() + _FLUSH_SECS
        if self._is_open:
            if self._attempt("flush"):
                self._failed_flushes += 1
                if self._failed_flushes >= _MAX_FAILURES_IN_A_ROW:
                    self._start_over("flush")
                return False
            self._failed_flushes = 0
        self._is_dirty = False
        if self._begun:
            self._course.make_safe()
        return self._state in ("idle", "ok")

    def close(self) -> None:
        """Flush and close the sink, and let others go on from here."""
        if self._closed:
            return
        self._closed = True
        if not self.flush() and self._begun:
            if self._is_open:
                self._course.go_back_to_safe()
            self._give_up()
        self._shut()
        if self.error is None:
            self._state = "closed"
        if self._bookmark is not None:
            self._bookmark.release()

    def health(self) -> Health:
        """Return how the sink is doing; how many signals wait is judged by the size of the files."""
        course = self._course
        return Health(self._name, self._state, course.delivered, 0, course.failed, course.waiting(), self._last_error)

    def progress(self) -> tuple[int, int]:
        """Return how many bytes of the files were dealt with, and how many there are."""
        return self._course.progress()

    def _open(self) -> bool:
        """Open the sink; return whether that was possible."""
        self._state = "opening"
        for sink in inward(self.sink):
            sink.fresh = self._course.is_fresh(sink.fresh)
        self._is_open = True  # Whatever becomes of it, it is to be closed.
        error = self._attempt("open", run_info(self._run))
        if error is None:
            self._state = "failing" if self._tries else "ok"
            self._flush_at = self._clock() + _FLUSH_SECS
            return True
        self._shut()
        self._course.go_back()  # The signal at hand comes again.
        if isinstance(error, _HOPELESS):
            self._give_up(error)
        else:
            self._pause("open")
        return False

    def _write(self, new: NewRecord | NewSignal) -> bool:
        """Hand a signal to the sink; return whether it took it."""
        if self._attempt("write", new.signal if isinstance(new, NewSignal) else signal_of(new.fields)):
            self._course.refuse(new)
            self._again_at = self._clock() + _LONGEST_PAUSE_SECS
            # If another try brings no more, it may be the signals: the next one looks further ahead for some that it takes.
            if self._course.failures_in_a_row >= _MAX_FAILURES_IN_A_ROW << min(self._tries, _MAX_DOUBLINGS):
                self._start_over("write")
            return False
        self._course.take(new)
        self._is_dirty = True
        if self._tries:
            self._tries, self._pause_secs, self._state = 0, _FIRST_PAUSE_SECS, "ok"
            self._tell("again", f"{self._name} works again, and got what it had missed")
            self._told -= {"again", "failing"}
        return True

    def _shut(self) -> bool:
        """Close the sink, if it is open; return whether it did not mind."""
        was_open, self._is_open = self._is_open, False
        return not was_open or self._attempt("close") is None

    def _start_over(self, verb: str) -> None:
        """Close the sink, to go on after a pause from where it surely has everything."""
        if self._shut():
            self._course.make_safe()
            self._course.go_back()
        else:
            self._course.go_back_to_safe()
        self._pause(verb)

    def _pause(self, verb: str) -> None:
        self._tries += 1
        if self._max_tries is not None and self._tries >= self._max_tries:
            self._give_up()
            return
        self._state = "failing"
        self._retry_at = self._clock() + self._pause_secs
        self._tell(
            "failing",
            f"{self._name} keeps failing to {verb}: {self._last_error}; it is tried again in {self._pause_secs:g} s, "
            "from its first failure on",
        )
        self._pause_secs = min(2 * self._pause_secs, _LONGEST_PAUSE_SECS)

    def _give_up(self, error: Exception | None = None) -> None:
        self._state = "given up"
        self.error = (
            self.error
            or error
            or SinkError(
                f"{self._name} was given up: {self._last_error}; it took {self._course.delivered:,} signals, "
                "another replay goes on from there"
            )
        )

    def _attempt(self, verb: str, *args: object) -> BaseException | None:
        """Have the sink do something; return what it raised."""
        try:
            getattr(self.sink, verb)(*args)
        except BaseException as error:
            if not isinstance(error, self._contained):
                raise
            self._last_error = in_words(error)
            if verb != "open":
                self._tell(
                    verb, f"{self._name} failed to {verb}: {self._last_error}; this is said once, the rest is counted"
                )
            return error
        return None

    def _tell(self, news: str, message: str) -> None:
        """Issue a `SinkWarning`, once for each kind of news."""
        if news not in self._told:
            self._told.add(news)
            warn_of_sink(message)


def _lasts(sink: Sink) -> bool:
    return all(each.lasting for each in inward(sink))
