"""The signals of a run on their way to one sink: which come next, and which may have to come again."""

import re
from collections.abc import Iterator, Set
from typing import Any, Final

from l2logger.bookmarks import Bookmark, Kept
from l2logger.errors import ConfigError
from l2logger.follow import NewRecord, NewSignal, SignalFollower
from l2logger.signals import RECORD

LAST: Final = "last"
BEGINNING: Final = "beginning"

_TIME: Final = re.compile(r"[0-9]{8}(T[0-9]{0,6}(\.[0-9]{0,6})?)?", re.ASCII)


class Course:
    """Hands out the signals of a run, and again those that the sink refused, until they are settled.

    Args:
        directory: Directory of the run.
        start: Where to begin: as for `l2logger.replay.replay`.
        kinds: The kinds of signal that are wanted.

    Attributes:
        ahead: What is left of the present look at the files, or None between two looks.
        caught_up: Whether nothing was left of the last look, and nothing has to come again.
        delivered: Signals that the sink took.
        failures_in_a_row: Signals that it refused since it took one.

    Raises:
        ConfigError: `start` is no place to start from.
        LogFormatError: The run is of a newer version of the format.
    """

    def __init__(self, directory: str, start: str | int, kinds: Set[str]) -> None:
        self._start = _checked(start)
        self._kinds = kinds
        # Records tell when an experience was.
        self._follower = SignalFollower(directory, kinds | {RECORD} if isinstance(self._start, int) else kinds)
        self._since: str | None = None
        self._bookmark: Bookmark | None = None
        self.ahead: Iterator[NewRecord | NewSignal] | None = None
        self.caught_up = False
        self.delivered = self.failures_in_a_row = 0
        # Where, in each file, the last signal ends that need not come again; and those that were refused since.
        self._settled: dict[str, int] = {}
        self._refused: dict[str, int] = {}
        self._given_up = 0
        self._safe = self._first = Kept({})

    @property
    def before(self) -> int:
        """Signals that earlier replays had delivered, if this one goes on from there."""
        return self._first.delivered

    @property
    def failed(self) -> int:
        """Signals that the sink refused."""
        return self._given_up + self.failures_in_a_row

    def go_by(self, bookmark: Bookmark) -> None:
        """Begin where it says, if that is asked for, and from now on note there what is safe.

        Raises:
            LogFormatError: It cannot be read.
        """
        if self._start == LAST:
            self._safe = self._first = bookmark.read()
            self.go_back_to_safe()
        # A part of the run that was asked for says nothing about what is missing.
        if self._start in (LAST, BEGINNING):
            self._bookmark = bookmark

    def is_fresh(self, default: bool) -> bool:
        """Return whether the sink begins anew, when it is opened now; what was remembered is forgotten then.

        Args:
            default: Whether it does if nothing else was asked for and it has got nothing yet.
        """
        if self.before or self.delivered:
            return False
        if self._start == BEGINNING and self._bookmark is not None:
            # Whatever ends this replay: the next one must not go on where an earlier one ended.
            self._bookmark.keep(self._safe)
        return default or self._start == BEGINNING

    def look(self, *, scan: bool) -> Iterator[NewRecord | NewSignal]:
        """Return what is left of the present look at the files; if that was all, look again."""
        if self.ahead is None:
            self.ahead = self._follower.new(scan=scan)
        self.caught_up = False
        return self.ahead

    def has_more(self) -> bool:
        """Return whether the present look was to its end, and the files have grown since."""
        return self.ahead is None and self._follower.behind() > 0

    def end_look(self) -> None:
        """Note that nothing is left."""
        self.ahead = None
        self.caught_up = True

    def is_wanted(self, new: NewRecord | NewSignal) -> bool:
        """Return whether something is not before the start."""
        start = self._start
        if isinstance(start, str):
            return start in (LAST, BEGINNING) or new.timestamp >= start
        if isinstance(new, NewSignal):
            return self._since is not None and new.timestamp >= self._since
        if int(new.fields["exp_num"]) < start:
            return False
        if self._since is None:
            self._since = new.timestamp
        return RECORD in self._kinds

    def pass_over(self, new: NewRecord | NewSignal) -> None:
        """Note that something is not for the sink."""
        (self._refused if self.failures_in_a_row else self._settled)[new.file] = new.end

    def take(self, new: NewRecord | NewSignal) -> None:
        """Note that the sink took a signal; those that it refused before are not handed out again."""
        if self.failures_in_a_row:
            self._settled |= self._refused
            self._given_up += self.failures_in_a_row
            self._forget_refused()
        self._settled[new.file] = new.end
        self.delivered += 1

    def refuse(self, new: NewRecord | NewSignal) -> None:
        """Note that the sink refused a signal."""
        self._refused[new.file] = new.end
        self.failures_in_a_row += 1

    def go_back(self) -> None:
        """Have those come again that the sink refused since it took one, and all that come after them."""
        self._forget_refused()
        self.ahead = None
        self.caught_up = False
        self._follower.positions = dict(self._settled)

    def go_back_to_safe(self) -> None:
        """Have all come again that came after the last `make_safe`."""
        self._settled = dict(self._safe.positions)
        self.delivered = self._safe.delivered - self._first.delivered
        self._given_up = self._safe.failed - self._first.failed
        self.go_back()

    def make_safe(self) -> None:
        """Note that what the sink took has got to where it goes."""
        if self.caught_up and not self.failures_in_a_row:
            self._settled = dict(self._follower.positions)  # which are behind what was passed over, too
        delivered, failed = self._first.delivered + self.delivered, self._first.failed + self._given_up
        safe = Kept(dict(self._settled), delivered, failed)
        if safe != self._safe:
            self._safe = safe
            if self._bookmark is not None:
                self._bookmark.keep(safe)

    def progress(self) -> tuple[int, int]:
        """Return how many bytes of the files were dealt with, and how many there are."""
        done = sum(list(self._settled.values()))
        return done, done + self._follower.behind()

    def waiting(self) -> int:
        """Return about how many signals are still to come."""
        return self._follower.waiting()

    def _forget_refused(self) -> None:
        self.failures_in_a_row = 0
        self._refused = {}


def _checked(start: Any) -> str | int:
    """Return where to start; a time as the log has it."""
    if start in (LAST, BEGINNING) or (isinstance(start, int) and not isinstance(start, bool) and start >= 0):
        checked: str | int = start
        return checked
    time = re.sub("[-:]", "", start).replace(" ", "T") if isinstance(start, str) else ""
    if not _TIME.fullmatch(time):
        raise ConfigError(
            f"start must be {LAST!r}, {BEGINNING!r}, the number of an experience or a time such as '20261121T143000', "
            f"got {start!r}"
        )
    return time
