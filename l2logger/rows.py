r"""The rows of one log file, one by one: which of them are records, and what is wrong with the others.

This is the careful way, for files that are damaged or still being written; whole files are left to DuckDB, which is
many times faster (`l2logger.log`). A row is a record if

- its cells are bare or in double quotes, tabs between them, and a newline after the last one,
- it has as many cells as the header,
- it is UTF-8 text, and
- its ``block_num`` and ``exp_num`` are whole numbers.

After a row that is none, reading goes on with the next line of the file.
"""

import mmap
import os
import re
from collections.abc import Iterator
from types import TracebackType
from typing import Final, NamedTuple

from l2logger import cells
from l2logger.findings import WARNING, Finding
from l2logger.schema import COUNTS, MAX_COUNT

_CELL: Final = rb'(?:"(?:[^"]++|"")*+"(?=\t|\r?\n)|[^"\t\n][^\t\n]*+|)'
_row = re.compile(rb"%b(?:\t%b)*+\n" % (_CELL, rb'(?:"(?:[^"]++|"")*+"(?=\t|\r?\n)\r?|[^"\t\n][^\t\n]*+|)')).match
_row_torn_in_quotes = re.compile(rb'(?:%b\t)*+"(?:[^"]++|"")*+\Z' % _CELL).match
_COUNT: Final = re.compile(r"-?0*[0-9]{1,19}", re.ASCII)
_BOM: Final = b"\xef\xbb\xbf"
_SHOWN_BYTES: Final = 60
MAX_ROW_BYTES: Final = 2**24
"""Longest row that is read; our own writer stops at half of that."""


class Row(NamedTuple):
    """One record as it is stored.

    Attributes:
        line: Its first line in the file, counted from 1.
        text: Its cells as they are in the file, without the newline.
    """

    line: int
    text: str

    @property
    def cells(self) -> list[str]:
        """The text of each cell."""
        return cells.split(self.text)


class RowFile:
    """A log file, as far as it was written when it was opened.

    Args:
        path: The file.
        counts: Columns that must hold whole numbers, and that every file must have.

    Attributes:
        columns: Names of the columns, None if the header cannot be used; then `problem` says why.
        problem: What is wrong with the file as a whole.
    """

    def __init__(self, path: str, counts: tuple[str, ...] = COUNTS) -> None:
        self.path = path
        self._counts = counts
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            # An empty file cannot be mapped.
            self._data = mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ) if size else b""
        self.columns: tuple[str, ...] | None = None
        self.problem: Finding | None = None
        self._crlf = False
        self._rows_start = 0
        self._read_header()

    def __enter__(self) -> "RowFile":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(self._data, mmap.mmap):
            self._data.close()

    def _read_header(self) -> None:
        data = self._data
        start = len(_BOM) if data[:3] == _BOM else 0
        if not data:
            self.problem = self._finding("empty", "the file is empty, not even the header is there", severity=WARNING)
        elif not (found := _row(data, start)):
            shown = data[start : start + _SHOWN_BYTES]
            whole = data.find(b"\n") >= 0
            what = "is not a row of cells" if whole else "is not finished, so there are no records"
            self.problem = self._finding("header", f"the header {what}: {shown!r}", 1)
        else:
            self._rows_start = found.end()
            line = found[0][:-1]
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

    def __iter__(self) -> Iterator[Row | Finding]:
        """Yield each record and, in its place, a finding for each line that belongs to none."""
        if self.columns is None:
            if self.problem:
                yield self.problem
            return
        data, end = self._data, len(self._data)
        width = len(self.columns)
        counts = [(name, self.columns.index(name)) for name in self._counts]
        position, line = self._rows_start, 1 + data[: self._rows_start].count(b"\n")
        if position == end:
            yield self._finding("no_rows", "the file has a header and no records", severity=WARNING)
        while position < end:
            found = _row(data, position)
            if found is None:
                stop = data.find(b"\n", position) + 1
                if stop == 0 or _row_torn_in_quotes(data, position):
                    yield self._torn(line, position)
                    return
                yield self._finding("quotes", f"the quotes of this line do not match: {self._shown(position)}", line)
                position = stop
                line += 1
                continue
            raw = found[0][:-1]
            yield self._checked(raw, line, width, counts)
            position = found.end()
            line += 1 + raw.count(b"\n")

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
        return Row(line, text)

    def _torn(self, line: int, position: int) -> Finding:
        rest = len(self._data) - position
        return self._finding(
            "torn",
            f"the last {rest} bytes, from byte {position} on, are an unfinished row and no record: {self._shown(position)}",
            line,
            severity=WARNING,
        )

    def _shown(self, position: int) -> str:
        return _show(self._data[position : position + _SHOWN_BYTES + 1])

    def _finding(
        self, rule: str, problem: str, line: int | None = None, column: str | None = None, severity: str = "error"
    ) -> Finding:
        return Finding(rule, problem, self.path, line, column, severity)


def _show(raw: bytes) -> str:
    shown = repr(raw[:_SHOWN_BYTES].decode(errors="backslashreplace"))
    return shown + "..." if len(raw) > _SHOWN_BYTES else shown
