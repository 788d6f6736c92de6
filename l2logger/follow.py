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
from operator import attrgetter
from typing import Final, NamedTuple

from l2logger.diagnostics import warn
from l2logger.errors import LogWarning
from l2logger.findings import Finding
from l2logger.paths import find_run
from l2logger.rows import Row, RowFile
from l2logger.runs import StoredRun, find
from l2logger.schema import V1_1

_CHUNK_BYTES: Final = 2**16
"""How much of a file is read at a time. All files that have grown are read side by side."""

_BYTES_OF_A_ROW: Final = 192
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

    Attributes:
        directory: What is followed.
        positions: For each file, relative to the directory, where the last record that was handed out ends.

    Raises:
        DirectoryError: There is no such directory.
        LogFormatError: A run is of a newer version of the format.
    """

    def __init__(self, run: str | os.PathLike[str], positions: Mapping[str, int] | None = None) -> None:
        self.directory = find_run(run)
        self.positions = dict(positions or {})
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

    def new(self) -> Iterator[NewRecord]:
        """Yield what was written since the last time, by timestamp as far as each file is in the order of time.

        A position moves on when the record is handed out. Lines that are no records are warned of and passed over; an
        unfinished last line is left until it is finished.
        """
        self._scan()
        yield from self._grown()

    def _grown(self) -> Iterator[NewRecord]:
        grown = [file for name, file in self._files.items() if file.has_grown(self.positions.get(name, 0))]
        streams = [file.records(self.positions) for file in grown]
        for record in heapq.merge(*streams, key=_by_time):
            self.positions[record.file] = record.end
            yield record

    def follow(self, *, poll_secs: float = 0.2, stop: Callable[[], bool] = lambda: False) -> Iterator[NewRecord]:
        """Yield records as they come, for ever.

        Args:
            poll_secs: Pause between two looks.
            stop: Is asked before each look, and makes it the last one by returning True.
        """
        while True:
            last = stop()
            if last or time.monotonic() >= self._next_scan:
                self._scan()
            yield from self._grown()
            if last:
                return
            time.sleep(poll_secs)

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
                    self._files[name] = _FollowedFile(path, name, run)
        ended = time.monotonic()
        self._next_scan = ended + _SCAN_SHARE * (ended - begun)


_by_time = attrgetter("timestamp", "file", "end")


class _FollowedFile:
    """One file that grows."""

    def __init__(self, path: str, name: str, run: StoredRun) -> None:
        self.path = path
        self.name = name
        self._inode = 0
        self._defaults = {"block_subtype": V1_1.defaults["block_subtype"]}
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

    def records(self, positions: dict[str, int]) -> Iterator[NewRecord]:
        """Yield the whole records behind the position; lines that are none move it on without a record."""
        size = _CHUNK_BYTES
        position = positions.get(self.name, 0)
        while True:
            try:
                rest = _Rest(self.path, position, size)
            except OSError:
                return  # deleted a moment ago
            if position and self._inode not in (0, rest.inode):
                warn(f"{self.path} was replaced by another file, which is read from its beginning", LogWarning)
                position = 0
                self._inode = rest.inode
                continue
            self._inode = rest.inode
            if rest.size < position:
                warn(f"{self.path} was cut; what is appended from now on is new", LogWarning)
                positions[self.name] = rest.size
                return
            if rest.columns is None:
                return  # the header may come to its end yet
            for found, end in rest.rows:
                if isinstance(found, Row):
                    yield self._record(rest.columns, found, end)
                else:
                    line = (found.line or 1) + _count_before(self.path, rest.begin, b"\n")
                    warn(str(found._replace(line=line)), LogWarning)
                    positions[self.name] = end
            if rest.begin + size >= rest.size:
                return
            # A row may be longer than the chunk.
            size = 2 * size if rest.end == rest.begin else _CHUNK_BYTES
            position = rest.end

    def last(self, count: int) -> tuple[list[NewRecord], int]:
        """Return the last records, and where the last whole one ends."""
        window = max(count, 1) * _BYTES_OF_A_ROW
        while True:
            try:
                rest = _Rest(self.path, -window)
            except OSError:
                return [], 0
            self._inode = rest.inode
            if rest.columns is None:
                return [], 0
            rows: deque[tuple[Row, int]] = deque(maxlen=count)
            clean = True
            for found, end in rest.rows:
                if isinstance(found, Row):
                    rows.append((found, end))
                else:
                    clean = False
            # What seems to be the end of a row may lie in the midst of one.
            if rest.is_all or (clean and len(rows) == count and _count_before(self.path, rest.begin, b'"') % 2 == 0):
                return [self._record(rest.columns, row, end) for row, end in rows], rest.end
            window *= 8

    def _record(self, columns: tuple[str, ...], row: Row, end: int) -> NewRecord:
        fields = dict(zip(columns, row.cells, strict=True))
        for name, default in self._defaults.items():
            fields.setdefault(name, default)
        fields["task_name"] = fields.get("task_name", "").lower()
        return NewRecord(self.name, end, fields)


class _Rest:
    """The rows of a file from some byte on, read at once: a follower of thousands of files cannot keep them open.

    Args:
        path: The file.
        start: Where a row begins; negative for the first line that begins that many bytes before the end, or later.
        limit: How many bytes to read at most.

    Attributes:
        columns: Names of the columns, None if there is no whole header.
        size: Of the file when it was opened.
        inode: Its number.
        begin: Where the first row begins.
        rows: What was found, without an unfinished last row, and where each ends.
        end: Where the last of them ends.
        is_all: Whether no row is before these.
    """

    def __init__(self, path: str, start: int, limit: int | None = None) -> None:
        self.rows: list[tuple[Row | Finding, int]] = []
        with RowFile(path) as file:
            self.columns, self.size, self.inode = file.columns, file.size, file.inode
            from_end = start < 0 and self.size + start > file.start
            self.begin = self.end = _next_line(path, self.size + start) if from_end else max(file.start, start)
            self.is_all = self.begin <= file.start
            for found, _, end in file.spans(self.begin, limit) if self.columns else ():
                if isinstance(found, Row) or found.rule not in ("torn", "no_rows"):
                    self.rows.append((found, end))
                    self.end = end


def _next_line(path: str, offset: int) -> int:
    """Return where the first line begins behind some place in a file."""
    with open(path, "rb") as file:
        file.seek(offset)
        file.readline()
        return file.tell()


def _count_before(path: str, offset: int, byte: bytes) -> int:
    """Return how often a byte occurs before some place in a file."""
    count = 0
    with open(path, "rb") as file:
        while offset > 0 and (chunk := file.read(min(offset, 2**20))):
            count += chunk.count(byte)
            offset -= len(chunk)
    return count
