r"""New records of a run as they are written, from any number of workers and files.

A file is read from the byte behind the last record that was handed out, so following costs what is new and not what is
there already. Which bytes these are can be kept, and a later follower, of another process or on another day, goes on
from there:

    follower = Follower("logs/cartpole-1795229218-7487311", json.loads(kept))
    for record in follower.new():
        print(record.fields["reward"])
    kept = json.dumps(follower.positions)
"""

import heapq
import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from operator import attrgetter
from typing import Final, NamedTuple

from l2logger.diagnostics import warn
from l2logger.errors import LogWarning
from l2logger.findings import Finding
from l2logger.paths import find_run
from l2logger.piece import Piece, count_before
from l2logger.runs import StoredRun, find
from l2logger.schema import V1_1

_CHUNK_BYTES: Final = 2**16
"""How much of a file is read at a time. Files whose records lie side by side in time are read side by side."""

_GLANCE_BYTES: Final = 2**12
_FEW_FILES: Final = 16
"""So many files are read side by side without a glance at which comes first."""

_BYTES_OF_A_ROW: Final = 192
_SAMPLE_BYTES: Final = 2**20
_SCAN_SHARE: Final = 20
"""Looking for new files takes at most one part in so many of the time."""


class NewRecord(NamedTuple):
    """A record that was written since the last look.

    Attributes:
        file: Its file, relative to the directory that is followed.
        end: Where the record ends in the file; the position to go on from when it was dealt with.
        fields: Text of each cell by column. Records of format 0.1 have ``worker_id``, ``block_type`` and ``task_name``
            from the names of their directories.
    """

    file: str
    end: int
    fields: dict[str, str]

    @property
    def timestamp(self) -> str:
        """When it was written, by the clock of the worker; empty if it does not say."""
        return self.fields.get("timestamp", "")


class Follower:
    """Hands out the records of a run, each once and only when it is whole, also of files that appear later.

    Args:
        run: Path of a run, or of a directory that holds runs, or the name of a run in ``$L2DATA/logs``.
        positions: The `positions` of an earlier follower, to go on from there.
        as_stored: Leave the names of tasks as they are in the files; readers lower-case them.

    Attributes:
        directory: What is followed.
        positions: For each file, relative to the directory, where the last record that was handed out ends.

    Raises:
        DirectoryError: There is no such directory.
        LogFormatError: A run is of a newer version of the format.
    """

    def __init__(
        self, run: str | os.PathLike[str], positions: Mapping[str, int] | None = None, *, as_stored: bool = False
    ) -> None:
        self.directory = find_run(run)
        self.positions = dict(positions or {})
        self._as_stored = as_stored
        self._files: dict[str, _FollowedFile] = {}
        self._unreadable: set[str] = set()
        self._next_scan = 0.0
        self._scan()

    @property
    def files(self) -> list[str]:
        """The files that were found up to now, relative to the directory."""
        return sorted(self._files)

    def last(self, count: int) -> list[NewRecord]:
        """Return the last `count` records of all files, by timestamp; new is, from now on, what comes after them."""
        found: list[NewRecord] = []
        for name, file in self._files.items():
            records, self.positions[name] = file.last(count)
            found = heapq.nlargest(count, [*found, *records], key=_by_time) if records else found
        return sorted(found, key=_by_time)

    def new(self, *, scan: bool = True) -> Iterator[NewRecord]:
        """Yield what was written since the last time, by timestamp as far as each file is in the order of time.

        A position moves on when the record is handed out. Lines that are no records are warned of and passed over; an
        unfinished last line is left until it is finished.

        Args:
            scan: Look for new files, even if the last look was a moment ago.
        """
        if scan or time.monotonic() >= self._next_scan:
            self._scan()
        grown = [file for name, file in self._files.items() if file.has_grown(self.positions.get(name, 0))]
        glance = len(grown) > _FEW_FILES
        # The first entry of a file only says when it is time to read it: what is not read yet takes no memory.
        heap: list[tuple[str, str, Iterator[NewRecord], NewRecord | None]] = [
            (file.begins(self.positions) if glance else "", file.name, file.records(self.positions), None)
            for file in grown
        ]
        heapq.heapify(heap)
        while heap:
            _, name, records, record = heap[0]
            if record is not None:
                self.positions[name] = record.end
                yield record
            record = next(records, None)
            if record is None:
                heapq.heappop(heap)
            else:
                heapq.heapreplace(heap, (record.timestamp, name, records, record))

    def follow(self, *, poll_secs: float = 0.2, stop: Callable[[], bool] = lambda: False) -> Iterator[NewRecord]:
        """Yield records as they come, for ever.

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
        """Return about how many records were not handed out yet, judged by the first megabyte of them."""
        behind = looked_at = lines = 0
        for name, file in list(self._files.items()):
            position = self.positions.get(name, 0)
            behind += file.size_behind(position)
            if looked_at < _SAMPLE_BYTES:
                sample = file.bytes_behind(position, _SAMPLE_BYTES - looked_at)
                looked_at += len(sample)
                lines += sample.count(b"\n") - (position == 0 and bool(sample))
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
            for path in run.files:
                name = os.path.relpath(path, self.directory)
                if name not in self._files:
                    self._files[name] = _FollowedFile(path, name, run, as_stored=self._as_stored)
        ended = time.monotonic()
        self._next_scan = ended + _SCAN_SHARE * (ended - begun)


_by_time = attrgetter("timestamp", "file", "end")


class _FollowedFile:
    """One file that grows."""

    def __init__(self, path: str, name: str, run: StoredRun, *, as_stored: bool) -> None:
        self.path = path
        self.name = name
        self._inode = 0
        self._tail = (0, b"")  # where what was read ends, and its last bytes
        self._as_stored = as_stored
        self._defaults = {"block_subtype": V1_1.defaults["block_subtype"], "task_name": ""}
        if run.legacy:
            worker, block, task = ["", "", "", *os.path.dirname(path).split(os.sep)][-3:]
            self._defaults |= {"worker_id": worker, "block_type": block.partition("-")[2], "task_name": task}

    def has_grown(self, position: int) -> bool:
        """Return whether there is anything that was not handed out."""
        try:
            status = os.stat(self.path)
        except OSError:
            return False  # deleted
        return status.st_size != position or self._inode not in (0, status.st_ino)

    def size_behind(self, position: int) -> int:
        """Return how many bytes are behind a position."""
        try:
            return max(0, os.stat(self.path).st_size - position)
        except OSError:
            return 0

    def bytes_behind(self, position: int, limit: int) -> bytes:
        """Return the bytes behind a position, up to so many."""
        with suppress(OSError), open(self.path, "rb") as file:
            file.seek(position)
            return file.read(limit)
        return b""

    def begins(self, positions: Mapping[str, int]) -> str:
        """Return when the first new record was written, or no time if a glance does not tell."""
        with suppress(OSError, StopIteration):
            piece = Piece(self.path, positions.get(self.name, 0), _GLANCE_BYTES)
            found, end = next(piece.rows())
            if piece.columns and not isinstance(found, Finding):
                return self._record(piece.columns, found, end).timestamp
        return ""

    def records(self, positions: dict[str, int]) -> Iterator[NewRecord]:
        """Yield the whole records behind the position; lines that are none move it on without a record."""
        size = _CHUNK_BYTES
        position = positions.get(self.name, 0)
        while True:
            try:
                piece = Piece(self.path, position, size)
            except OSError:
                return  # deleted a moment ago
            if position and self._inode not in (0, piece.inode) and not self._is_copy(position):
                warn(f"{self.path} was replaced by another file, which is read from its beginning", LogWarning)
                position = 0
                self._inode = piece.inode
                continue
            self._inode = piece.inode
            if piece.size < position:
                warn(f"{self.path} was cut; what is appended from now on is new", LogWarning)
                positions[self.name] = piece.size
                return
            if piece.columns is None:
                return  # the header may come to its end yet
            for found, end in piece.rows():
                if isinstance(found, Finding):
                    warn(str(found), LogWarning)
                    positions[self.name] = end
                else:
                    yield self._record(piece.columns, found, end)
            self._tail = piece.end, piece.tail()
            if piece.is_last:
                return
            # A row may be longer than the piece.
            size = 2 * size if piece.end == piece.begin else _CHUNK_BYTES
            position = piece.end

    def _is_copy(self, position: int) -> bool:
        """Return whether the file goes on from what was read of the one that it replaced, as rsync leaves it."""
        end, tail = self._tail
        with suppress(OSError), open(self.path, "rb") as file:
            file.seek(position - len(tail))
            return end == position and bool(tail) and file.read(len(tail)) == tail
        return False

    def last(self, count: int) -> tuple[list[NewRecord], int]:
        """Return the last records, and where the last whole one ends."""
        window = max(count, 1) * _BYTES_OF_A_ROW
        while True:
            try:
                piece = Piece(self.path, -window)
            except OSError:
                return [], 0
            self._inode = piece.inode
            if piece.columns is None:
                return [], 0
            rows: deque[tuple[list[str], int]] = deque(maxlen=count)
            clean = True
            for found, end in piece.rows():
                if isinstance(found, Finding):
                    clean = False
                else:
                    rows.append((found, end))
            # What seems to be the end of a row may lie in the midst of one.
            if piece.is_first or (clean and len(rows) == count and count_before(self.path, piece.begin, b'"') % 2 == 0):
                self._tail = piece.end, piece.tail()
                return [self._record(piece.columns, row, end) for row, end in rows], piece.end
            window *= 8

    def _record(self, columns: tuple[str, ...], row: list[str], end: int) -> NewRecord:
        fields = dict(zip(columns, row, strict=True))
        for name, default in self._defaults.items():
            if name not in fields:
                fields[name] = default
        if not self._as_stored:
            fields["task_name"] = fields["task_name"].lower()
        return NewRecord(self.name, end, fields)
