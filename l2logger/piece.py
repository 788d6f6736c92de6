"""The rows in some bytes of a log file that may be growing, read as fast as is safe."""

import csv
import io
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

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

    Attributes:
        columns: Names of the columns, None if there is no whole header.
        size: Of the file when it was opened.
        inode: Its number.
        begin: Where the first row begins.
        end: Where the last of the `rows` ends that were asked for up to now.
        is_first: Whether no row is before these.
        is_last: Whether nothing is behind the bytes.
    """

    def __init__(self, path: str, start: int, limit: int | None = None) -> None:
        self._path = path
        with RowFile(path) as rows:
            self.columns, self.size, self.inode = rows.columns, rows.size, rows.inode
            first = rows.start
        with open(path, "rb") as file:
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

    def rows(self) -> Iterator[tuple[list[str] | Finding, int]]:
        """Yield the cells of each record, or a finding in its place, and where it ends; not an unfinished last row.

        Python's reader is fast, and knows the rows that are beyond doubt; from the first other one on, `RowFile` decides.
        """
        if self.columns is None:
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
            lines = count_before(self._path, begin, b"\n")
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


def count_before(path: str, offset: int, byte: bytes) -> int:
    """Return how often a byte occurs before some place in a file."""
    count = 0
    with open(path, "rb") as file:
        while offset > 0 and (chunk := file.read(min(offset, 2**20))):
            count += chunk.count(byte)
            offset -= len(chunk)
    return count
