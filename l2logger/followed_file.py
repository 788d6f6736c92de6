"""A file that may be growing, of which what is new is handed out."""

import os
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Final, Generic, Protocol, TypeVar

from l2logger.diagnostics import warn
from l2logger.errors import LogWarning
from l2logger.findings import Finding
from l2logger.piece import Piece

_CHUNK_BYTES: Final = 2**16
"""How much of a file is read at a time. Files whose records lie side by side in time are read side by side."""

_GLANCE_BYTES: Final = 2**12
_BYTES_OF_A_ROW: Final = 192


class New(Protocol):
    """What is handed out of a file."""

    @property
    def file(self) -> str:
        """The file, relative to the directory that is followed."""

    @property
    def end(self) -> int:
        """Where it ends in the file; the position to go on from when it was dealt with."""

    @property
    def timestamp(self) -> str:
        """When it was logged, by the clock of the worker; empty if it does not say."""


_Piece = TypeVar("_Piece", bound=Piece)
_New = TypeVar("_New", bound=New)


class FollowedFile(Generic[_Piece, _New]):
    """A file that grows.

    Args:
        path: The file.
        name: What it is called in what is handed out.

    Attributes:
        path: As given.
        name: As given.
    """

    def __init__(self, path: str, name: str) -> None:
        self.path = path
        self.name = name
        self._inode = 0
        self._tail = (0, b"")  # where what was read ends, and its last bytes

    def _piece(self, start: int, limit: int | None = None) -> _Piece:
        """Read some of the file.

        Raises:
            OSError: It is gone.
        """
        raise NotImplementedError

    def _new(self, piece: _Piece, row: Any, end: int) -> _New | None:
        """Return what a row of a piece holds, None if nobody wants it."""
        raise NotImplementedError

    def _begins_with_a_row(self, piece: _Piece) -> bool:
        """Return whether what seems to be the first row of a piece is one, and not the end of another."""
        raise NotImplementedError

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
        """Return when the first of what is new was written, or no time if a glance does not tell."""
        with suppress(OSError, StopIteration):
            piece = self._piece(positions.get(self.name, 0), _GLANCE_BYTES)
            found, end = next(piece.rows())
            new = None if isinstance(found, Finding) else self._new(piece, found, end)
            return new.timestamp if new else ""
        return ""

    def new(self, positions: dict[str, int]) -> Iterator[_New]:
        """Yield what is whole behind the position; what is not handed out moves it on."""
        size = _CHUNK_BYTES
        position = positions.get(self.name, 0)
        while True:
            try:
                piece = self._piece(position, size)
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
            if not piece.is_readable:
                return  # the header may come to its end yet
            for found, end in piece.rows():
                if isinstance(found, Finding):
                    warn(str(found), LogWarning)
                elif (new := self._new(piece, found, end)) is not None:
                    yield new
                    continue
                positions[self.name] = end
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

    def last(self, number: int) -> tuple[list[_New], int]:
        """Return the last of what is in the file, and where the last whole row ends."""
        window = max(number, 1) * _BYTES_OF_A_ROW
        while True:
            try:
                piece = self._piece(-window)
            except OSError:
                return [], 0
            self._inode = piece.inode
            if not piece.is_readable:
                return [], 0
            rows: deque[_New] = deque(maxlen=number)
            clean = True
            for found, end in piece.rows():
                if isinstance(found, Finding):
                    clean = False
                elif (new := self._new(piece, found, end)) is not None:
                    rows.append(new)
            if piece.is_first or (clean and len(rows) == number and self._begins_with_a_row(piece)):
                self._tail = piece.end, piece.tail()
                return list(rows), piece.end
            window *= 8
