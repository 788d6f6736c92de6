r"""The rows of one log file, one by one: which of them are records, and what is wrong with the others.

This is the careful way, for files that are damaged or still being written; whole files are left to DuckDB, which is
many times faster (`l2logger.log`). A row is a record if

- its cells are bare or in double quotes, tabs between them, and a newline after the last one,
- it has as many cells as the header,
- it is UTF-8 text, and
- its ``block_num`` and ``exp_num`` are whole numbers.

After a row that is none, reading goes on with the next line of the file.
"""

import os
import re
from collections.abc import Iterator
from io import FileIO
from types import TracebackType
from typing import Final, NamedTuple

from l2logger import cells
from l2logger.findings import ERROR, WARNING, Finding
from l2logger.schema import COUNTS, MAX_COUNT

_CELL: Final = rb'(?:"(?:[^"]++|"")*+"(?=\t|\r?\n)|[^"\t\n][^\t\n]*+|)'
_ANY_CELL: Final = rb'(?:"(?:[^"]++|"")*+"(?=\t|\r?\n)\r?|[^"\t\n][^\t\n]*+|)'
_row = re.compile(rb"%b(?:\t%b)*+\n" % (_ANY_CELL, _ANY_CELL)).match
_row_torn = re.compile(rb'(?:%b\t)*+(?:"(?:[^"]++|"")*+(?:"\r?)?|[^"\t\n][^\t\n]*+|)\Z' % _CELL).match
_COUNT: Final = re.compile(r"-?0*[0-9]{1,19}", re.ASCII)
_BOM: Final = b"\xef\xbb\xbf"
_CHUNK_BYTES: Final = 2**20
_SHOWN_BYTES: Final = 60
MAX_ROW_BYTES: Final = 2**24
"""Longest row that is read; our own writer stops at half of that."""


class Row(NamedTuple):
    """One record as it is stored.

    Attributes:
        line: Its first line in the file, counted from 1.
        text: The row as it is in the file, without the newline.
        cells: The text of each cell.
    """

    line: int
    text: str
    cells: list[str]


class RowFile:
    """A log file, as far as it was written when it was opened.

    Args:
        path: The file.
        counts: Columns that must hold whole numbers, and that every file must have.

    Attributes:
        columns: Names of the columns, None if the header cannot be used; then `problem` says why.
        problem: What is wrong with the file as a whole.
        size: Bytes of the file when it was opened.
        inode: Number of the file in its file system.
        start: Where the first row begins.
    """

    def __init__(self, path: str, counts: tuple[str, ...] = COUNTS) -> None:
        self.path = path
        self.columns: tuple[str, ...] | None = None
        self.problem: Finding | None = None
        self._counts = counts
        self._crlf = False
        self._header_lines = 0
        # Not mapped into memory: if the file is cut meanwhile, the process would die.
        self._file = open(path, "rb", buffering=0)  # noqa: SIM115
        status = os.fstat(self._file.fileno())
        self.size, self.inode = status.st_size, status.st_ino
        self.start = 0
        self._read_header()

    def __enter__(self) -> "RowFile":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def _read_header(self) -> None:
        window = _Window(self._file, len(_BOM) if self._file.read(len(_BOM)) == _BOM else 0, self.size)
        found = window.row()
        data = window.data
        if not data:
            self.problem = self._finding("empty", "the file is empty, not even the header is there", severity=WARNING)
        elif found is None:
            whole = b"\n" in data
            what = "is not a row of cells" if whole else "is not finished, so there are no records"
            self.problem = self._finding("header", f"the header {what}: {_show(data)}", 1)
        else:
            self.start = window.position + found.end()
            line = found[0][:-1]
            self._header_lines = found[0].count(b"\n")
            self._crlf = line.endswith(b"\r")
            try:
                columns = tuple(cells.split(line.removesuffix(b"\r").decode()))
            except UnicodeDecodeError as error:
                self.problem = self._finding("encoding", f"the header is not UTF-8 text: {error}", 1)
                return
            twice = sorted({name for name in columns if columns.count(name) > 1})
            missing = [name for name in self._counts if name not in columns]
            if twice:
                self.problem = self._finding("header", f"the header has these columns more than once: {twice}", 1)
            elif missing:
                self.problem = self._finding(
                    "header",
                    f"the header lacks {missing}, without which a row cannot be placed: {list(columns)[:12]}",
                    1,
                )
            else:
                self.columns = columns

    def has_header(self) -> bool:
        """Return whether the first line was finished, whatever is in it."""
        self._file.seek(0)
        return self._file.readline().endswith(b"\n")

    def __iter__(self) -> Iterator[Row | Finding]:
        """Yield each record and, in its place, a finding for each line that belongs to none."""
        for found, _, _ in self.spans():
            yield found

    def spans(self, start: int | None = None, limit: int | None = None) -> Iterator[tuple[Row | Finding, int, int]]:
        """Yield each record, or a finding in its place, and the bytes of the file from and to which it reaches.

        Args:
            start: Where to begin, if not with the first row: a byte at which a row begins. Lines are counted from there.
            limit: How many bytes to read from there, if not all.
        """
        if self.columns is None:
            if self.problem:
                yield self.problem, 0, self.size
            return
        line = 1 if start is not None else self._header_lines + 1
        start = self.start if start is None else start
        stop = self.size if limit is None else min(self.size, start + limit)
        if self.start == self.size:
            nothing = self._finding("no_rows", "the file has a header and no records", severity=WARNING)
            yield nothing, self.size, self.size
        width = len(self.columns)
        counts = [(name, self.columns.index(name)) for name in self._counts]
        window = _Window(self._file, start, stop)
        while not window.is_done():
            begin = window.position
            found = window.row()
            if found is not None:
                raw = found[0][:-1]
                window.skip(len(raw) + 1)
                yield self._checked(raw, line, width, counts), begin, window.position
                line += 1 + raw.count(b"\n")
            elif window.is_torn():
                rest = stop - begin
                problem = f"the last {rest} bytes, from byte {begin} on, are an unfinished row and no record"
                # Whole lines behind an open quote may have been records.
                lines = window.data.count(b"\n")
                problem += f", or {lines + 1:,} lines behind a quote that was not closed" if lines else ""
                shown = _show(window.data[: _SHOWN_BYTES + 1])
                severity = ERROR if lines else WARNING
                yield self._finding("torn", f"{problem}: {shown}", line, severity=severity), begin, stop
                return
            else:
                text = window.skip_line()
                rule, what = "quotes", "the quotes of this line do not match"
                if len(text) > MAX_ROW_BYTES:
                    rule, what = "length", f"a line of more than {MAX_ROW_BYTES:,} bytes is not read"
                yield self._finding(rule, f"{what}: {_show(text)}", line), begin, window.position
                line += 1

    def _checked(self, raw: bytes, line: int, width: int, counts: list[tuple[str, int]]) -> Row | Finding:
        if self._crlf:
            raw = raw.removesuffix(b"\r")
        if len(raw) > MAX_ROW_BYTES:
            return self._finding(
                "length", f"a row of {len(raw):,} bytes, more than {MAX_ROW_BYTES:,} are not read", line
            )
        try:
            text = raw.decode()
        except UnicodeDecodeError as error:
            return self._finding("encoding", f"not UTF-8 text: {error}", line)
        row = cells.split(text)
        if len(row) != width:
            return self._finding("cells", f"{len(row)} cells, expected {width}: {_show(raw)}", line)
        for name, place in counts:
            if not _COUNT.fullmatch(row[place]) or abs(int(row[place])) > MAX_COUNT:
                got = _show(row[place].encode())
                return self._finding("count", f"expected a whole number of up to 64 bits, got {got}", line, name)
        return Row(line, text, row)

    def _finding(
        self, rule: str, problem: str, line: int | None = None, column: str | None = None, severity: str = ERROR
    ) -> Finding:
        return Finding(rule, problem, self.path, line, column, severity)


def _show(raw: bytes) -> str:
    shown = repr(raw[:_SHOWN_BYTES].decode(errors="backslashreplace"))
    return shown + "..." if len(raw) > _SHOWN_BYTES else shown


class _Window:
    """A piece of an open file that moves on, never much longer than the longest row.

    Args:
        file: The file.
        start: Where to begin.
        end: Where to stop.

    Attributes:
        data: The bytes from the present position on, as far as they were needed.
        position: Where in the file that is.
    """

    def __init__(self, file: FileIO, start: int, end: int) -> None:
        self._file = file
        self._end = end
        self._chunk = b""
        self._at = 0  # in the chunk
        self.position = start

    @property
    def data(self) -> bytes:
        return self._chunk[self._at :]

    def is_done(self) -> bool:
        """Return whether nothing is left."""
        return self._at == len(self._chunk) and not self._grow()

    def row(self) -> "re.Match[bytes] | None":
        """Return the row that begins here, if there is one."""
        while (found := _row(self._chunk, self._at)) is None:
            if len(self._chunk) - self._at > MAX_ROW_BYTES or not self._grow():
                return None
        return found

    def is_torn(self) -> bool:
        """Return whether what is left, in which no row begins, is the beginning of one."""
        ended = self.position + len(self._chunk) - self._at >= self._end
        return ended and (self._chunk.find(b"\n", self._at) < 0 or _row_torn(self._chunk, self._at) is not None)

    def skip(self, size: int) -> None:
        """Move on by so many bytes."""
        self._at += size
        self.position += size

    def skip_line(self) -> bytes:
        """Move behind the next newline; return what was passed, or the beginning of it if that is very long."""
        begin = self.data[: MAX_ROW_BYTES + 1]
        while (newline := self._chunk.find(b"\n", self._at)) < 0:
            self.skip(len(self._chunk) - self._at)
            if not self._grow():
                return begin
        line = self._chunk[self._at : newline]
        self.skip(newline + 1 - self._at)
        return line if begin.startswith(line) else begin

    def _grow(self) -> bool:
        """Read on; return whether there was anything."""
        offset = self.position + len(self._chunk) - self._at
        size = max(_CHUNK_BYTES, len(self._chunk) - self._at)
        self._file.seek(offset)
        more = self._file.read(max(0, min(size, self._end - offset)))
        self._chunk = self._chunk[self._at :] + more
        self._at = 0
        return bool(more)
