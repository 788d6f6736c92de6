r"""What is new in a run as it is written, from any number of workers and files: records, and other signals too.

A file is read from the byte behind the last record that was handed out, so following costs what is new and not what is
there already. Which bytes these are can be kept, and a later follower, of another process or on another day, goes on
from there:

    follower = Follower("logs/cartpole-1795229218-7487311", json.loads(kept))
    for record in follower.new():
        print(record.fields["reward"])
    kept = json.dumps(follower.positions)

`SignalFollower` does the same for all kinds of signals together.
"""

import heapq
import os
import time
from collections.abc import Callable, Iterator, Mapping, Set
from operator import attrgetter
from typing import Any, Final, Generic, TypeVar

from l2logger.diagnostics import warn
from l2logger.errors import LogWarning
from l2logger.followed_file import FollowedFile
from l2logger.new_records import NewRecord, RecordFile
from l2logger.new_signals import NewSignal, SignalFile
from l2logger.paths import DATA_LOG, find_run
from l2logger.runs import StoredRun, find
from l2logger.signals import RECORD

__all__ = ["Follower", "NewRecord", "NewSignal", "RunFollower", "SignalFollower"]

_FEW_FILES: Final = 16
"""So many files are read side by side without a glance at which comes first."""

_SAMPLE_BYTES: Final = 2**20
_SCAN_SHARE: Final = 20
"""Looking for new files takes at most one part in so many of the time."""

New = TypeVar("New", bound=NewRecord | NewSignal)


class RunFollower(Generic[New]):
    """Hands out what is in the files of a run, each once and only when it is whole, also of files that appear later.

    Args:
        run: Path of a run, or of a directory that holds runs, or the name of a run in ``$L2DATA/logs``.
        positions: The `positions` of an earlier follower, to go on from there.

    Attributes:
        directory: What is followed.
        positions: For each file, relative to the directory, where the last record or signal that was handed out ends.

    Raises:
        DirectoryError: There is no such directory.
        LogFormatError: A run is of a newer version of the format.
    """

    def __init__(self, run: str | os.PathLike[str], positions: Mapping[str, int] | None = None) -> None:
        self.directory = find_run(run)
        self.positions = dict(positions or {})
        self._files: dict[str, FollowedFile[Any, Any]] = {}
        self._unreadable: set[str] = set()
        self._next_scan = 0.0
        self._scan()

    def _paths(self, run: StoredRun) -> Iterator[str]:
        """Yield the files of a run that are to be followed."""
        raise NotImplementedError

    def _open(self, path: str, name: str, run: StoredRun) -> FollowedFile[Any, Any]:
        """Return what reads a file."""
        raise NotImplementedError

    @property
    def files(self) -> list[str]:
        """The files that were found up to now, relative to the directory."""
        return sorted(self._files)

    def last(self, count: int) -> list[New]:
        """Return the last `count` of all files, by timestamp; new is, from now on, what comes after them."""
        found: list[New] = []
        for name, file in self._files.items():
            of_file, self.positions[name] = file.last(count)
            found = heapq.nlargest(count, [*found, *of_file], key=_by_time) if of_file else found
        return sorted(found, key=_by_time)

    def new(self, *, scan: bool = True) -> Iterator[New]:
        """Yield what was written since the last time, by timestamp as far as each file is in the order of time.

        A position moves on when the record or signal is handed out. Lines that are neither are warned of and passed over; an
        unfinished last line is left until it is finished.

        Args:
            scan: Look for new files, even if the last look was a moment ago.
        """
        if scan or time.monotonic() >= self._next_scan:
            self._scan()
        grown = [file for name, file in self._files.items() if file.has_grown(self.positions.get(name, 0))]
        # At the same time, records come before other signals.
        grown.sort(key=lambda file: (isinstance(file, SignalFile), file.name))
        glance = len(grown) > _FEW_FILES
        # The first entry of a file only says when it is time to read it: what is not read yet takes no memory.
        heap: list[tuple[str, int, Iterator[New], New | None]] = [
            (file.begins(self.positions) if glance else "", place, file.new(self.positions), None)
            for place, file in enumerate(grown)
        ]
        heapq.heapify(heap)
        while heap:
            _, place, rest, new = heap[0]
            if new is not None:
                self.positions[new.file] = new.end
                yield new
            new = next(rest, None)
            if new is None:
                heapq.heappop(heap)
            else:
                heapq.heapreplace(heap, (new.timestamp, place, rest, new))

    def follow(self, *, poll_secs: float = 0.2, stop: Callable[[], bool] = lambda: False) -> Iterator[New]:
        """Yield what is new as it comes, for ever.

        Args:
            poll_secs: Pause between two looks.
            stop: Is asked before each look, and makes it the last one by returning True.
        """
        while True:
            last = stop()
            yield from self.new(scan=last)
            if last:
                return
            time.sleep(poll_secs)

    def behind(self) -> int:
        """Return how many bytes of the files found up to now were not handed out yet."""
        return sum(file.size_behind(self.positions.get(name, 0)) for name, file in list(self._files.items()))

    def waiting(self) -> int:
        """Return about how many records and signals were not handed out yet, judged by the first megabyte of them."""
        behind = looked_at = lines = 0
        for name, file in list(self._files.items()):
            position = self.positions.get(name, 0)
            behind += file.size_behind(position)
            if looked_at < _SAMPLE_BYTES:
                sample = file.bytes_behind(position, _SAMPLE_BYTES - looked_at)
                looked_at += len(sample)
                lines += sample.count(b"\n") - (position == 0 and bool(sample) and isinstance(file, RecordFile))
        return round(lines * behind / looked_at) if looked_at else 0

    def _scan(self) -> None:
        """Look for new files."""
        begun = time.monotonic()
        runs, findings = find((self.directory,))
        for finding in findings:
            if finding.rule == "unreadable" and finding.path not in self._unreadable:
                self._unreadable.add(finding.path)
                warn(str(finding), LogWarning)
        for run in runs:
            for path in self._paths(run):
                name = os.path.relpath(path, self.directory)
                if name not in self._files:
                    self._files[name] = self._open(path, name, run)
        ended = time.monotonic()
        self._next_scan = ended + _SCAN_SHARE * (ended - begun)


_by_time = attrgetter("timestamp", "file", "end")


class Follower(RunFollower[NewRecord]):
    """Hands out the records of a run.

    Args:
        run: As for any follower.
        positions: The `positions` of an earlier follower, to go on from there.
        as_stored: Leave the names of tasks as they are in the files; readers lower-case them.
    """

    def __init__(
        self, run: str | os.PathLike[str], positions: Mapping[str, int] | None = None, *, as_stored: bool = False
    ) -> None:
        self._as_stored = as_stored
        super().__init__(run, positions)

    def _paths(self, run: StoredRun) -> Iterator[str]:
        yield from run.files

    def _open(self, path: str, name: str, run: StoredRun) -> FollowedFile[Any, Any]:
        return RecordFile(path, name, run, as_stored=self._as_stored)


class SignalFollower(RunFollower[NewRecord | NewSignal]):
    """Hands out the signals of a run, with the names of tasks as they are in the files.

    Args:
        run: As for any follower.
        kinds: The kinds that are wanted, ``"record"`` among them or not; others are passed over.
        positions: The `positions` of an earlier follower, to go on from there.
    """

    def __init__(
        self, run: str | os.PathLike[str], kinds: Set[str], positions: Mapping[str, int] | None = None
    ) -> None:
        self._kinds = kinds
        super().__init__(run, positions)

    def _paths(self, run: StoredRun) -> Iterator[str]:
        if RECORD in self._kinds:
            yield from run.files
        if self._kinds - {RECORD}:
            yield from run.signal_files()

    def _open(self, path: str, name: str, run: StoredRun) -> FollowedFile[Any, Any]:
        if os.path.basename(path) == DATA_LOG:
            return RecordFile(path, name, run, as_stored=True)
        return SignalFile(path, name, self._kinds)
