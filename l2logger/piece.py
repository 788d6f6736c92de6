"""Some bytes of a file that may be growing, and the rows of a log in them, read as fast as is safe."""

import csv
import io
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

from l2logger.findings import Finding
from l2logger.rows import Row, RowFile
from l2logger.schema import COUNTS

_TAIL_BYTES: Final = 256
"""How much of what was read is kept to know a file again that took the place of another."""


class Piece:
    """Some bytes of a file, read at once: a follower of thousands of files cannot keep them open.

    Args:
        path: The file.
        start: Where a row begins; negative for the first line that begins that many bytes before the end, or later.
        limit: How many bytes to read at most.
        first: Where the first row of the file begins.

    Attributes:
        size: Of the file when it was opened.
        inode: Its number.
        begin: Where the first row begins.
        end: Where the last of the `rows` ends that were asked for up to now.
        is_first: Whether no row is before these.
        is_last: Whether nothing is behind the bytes.
        is_readable: Whether it is known what the rows are made of.
    """

    is_readable = True

    def __init__(self, path: str, start: int, limit: int | None = None, first: int = 0) -> None:
        self._path = path
        with open(path, "rb") as file:
            status = os.fstat(file.fileno())
            self.size, self.inode = status.st_size, status.st_ino
            self.begin = max(first, start)
            if start < 0 and self.size + start > first:
                file.seek(self.size + start)
                file.readline()
                self.begin = file.tell()
            file.seek(self.begin)
            length = max(0, self.size - self.begin)
            self._data = file.read(length if limit is None else min(length, limit))
        self.end = self.begin
        self.is_first = self.begin <= first
        self.is_last = self.begin + len(self._data) >= self.size

    def tail(self) -> bytes:
        """Return the last bytes of the rows that were asked for up to now."""
        return self._data[: self.end - self.begin][-_TAIL_BYTES:]

    def rows(self) -> Iterator[tuple[Any, int]]:
        """Yield what each row holds, or a finding in its place, and where it ends; not an unfinished last row."""
        raise NotImplementedError


class RecordPiece(Piece):
    """A piece of a log file.

    Args:
        path: The file.
        start: As for any piece.
        limit: How many bytes to read at most.

    Attributes:
        columns: Names of the columns, nothing if there is no whole header.
    """

    def __init__(self, path: str, start: int, limit: int | None = None) -> None:
        with RowFile(path) as rows:
            columns, inode, first = rows.columns, rows.inode, rows.start
        super().__init__(path, start, limit, first)
        self.is_readable = columns is not None and self.inode == inode  # else it was replaced a moment ago
        self.columns = columns or ()

    def rows(self) -> Iterator[tuple[list[str] | Finding, int]]:
        """Yield the cells of each record, or a finding in its place, and where it ends; not an unfinished last row.

        Python's reader is fast, and knows the rows that are beyond doubt; from the first other one on, `RowFile` decides.
        """
        if not self.is_readable:
            return
        width = len(self.columns)
        block_num, exp_num = map(self.columns.index, COUNTS)
        lines = io.BytesIO(self._data[: self._data.rfind(b"\n") + 1])
        with suppress(csv.Error, UnicodeDecodeError):
            if b"\r" not in self._data:
                for row in csv.reader(map(bytes.decode, lines), delimiter="\t", strict=True):
                    if len(row) != width or not (_is_count(row[block_num]) and _is_count(row[exp_num])):
                        break
                    self.end = self.begin + lines.tell()
                    yield row, self.end
                else:
                    return
        yield from self._rows_with_care()

    def _rows_with_care(self) -> Iterator[tuple[list[str] | Finding, int]]:
        begin = self.end
        try:
            with RowFile(self._path) as file:
                if (file.columns, file.inode) != (self.columns, self.inode):
                    return  # replaced a moment ago
                rows = list(file.spans(begin, self.begin + len(self._data) - begin))
            lines = count(self._path, b"\n", begin)
        except OSError:
            return  # deleted a moment ago
        for found, _, end in rows:
            if isinstance(found, Row):
                self.end = end
                yield found.cells, end
            elif found.rule not in ("torn", "no_rows"):
                self.end = end
                yield found._replace(line=(found.line or 1) + lines), end


_is_count = re.compile("[0-9]{1,18}", re.ASCII).fullmatch
"""Whether text is beyond doubt a number that fits."""


def count(path: str, byte: bytes, end: int, start: int = 0) -> int:
    """Return how often a byte occurs between two places in a file."""
    found = 0
    with open(path, "rb") as file:
        file.seek(start)
        left = end - start
        while left > 0 and (chunk := file.read(min(left, 2**20))):
            found += chunk.count(byte)
            left -= len(chunk)
    return found
