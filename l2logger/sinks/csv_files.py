"""CSV files that grow by whole rows, of which a further one is begun when there is a new column."""

import csv
import io
import itertools
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from l2logger import tail
from l2logger.append_file import AppendFile
from l2logger.errors import LogLockedError, SchemaError

_needs_quotes: Final = re.compile('[,"\n\r]').search


class CsvFiles:
    r"""A file and those that go on where it ends: ``run-2.csv`` after ``run.csv``. Commas, double quotes where needed, ``\n``, UTF-8.

    What is there is never changed: a row is appended to a file that has all of its columns, and leaves a column empty that it
    lacks.

    Args:
        path: The first file.
        order: Returns the names of new columns, and maybe others, in their order.
    """

    def __init__(self, path: str, order: Callable[[Iterable[str]], Iterable[str]] = tuple) -> None:
        self._path = path
        self._order = order
        self._file: AppendFile | None = None
        self._columns: tuple[str, ...] = ()
        self._names: frozenset[str] = frozenset()

    def write(self, row: Mapping[str, str]) -> None:
        """Append a row, given as its cells by the names of their columns.

        Raises:
            LogWriteError: The row is not in a file; the next one may be written.
        """
        if self._file is None or self._file.closed or not self._names.issuperset(row):
            new = [name for name in self._order(row) if name in row and name not in self._names]
            # A file that goes on where another ended has its columns too, so that rows of both kinds fit.
            previous, (self._file, self._columns) = self._file, self._file_for((*self._columns, *new))
            self._names = frozenset(self._columns)
            if previous is not None:
                previous.close()
        self._file.append(_line(row.get(name, "") for name in self._columns))

    def close(self) -> None:
        """Close the file; the next row finds again where it belongs."""
        self._columns, self._names = (), frozenset()
        if self._file is not None:
            file, self._file = self._file, None
            file.close()

    def existing(self) -> Iterator[str]:
        """Yield the paths of the files that are there."""
        return itertools.takewhile(os.path.exists, self._paths())

    def _paths(self) -> Iterator[str]:
        """Yield the names for the files, without an end."""
        yield self._path
        stem, extension = os.path.splitext(self._path)
        for number in itertools.count(2):
            yield f"{stem}-{number}{extension}"

    def _file_for(self, columns: tuple[str, ...]) -> tuple[AppendFile, tuple[str, ...]]:
        """Open the first file that has these columns or none yet; return it and its columns in their order."""
        for path in self._paths():
            header = _header_on_disk(path)
            found = _parsed(header) if header else columns
            if not set(found).issuperset(columns) or len(set(found)) < len(found):
                continue
            file = AppendFile(path, header or _line(columns))
            try:
                file.open()
            except (SchemaError, LogLockedError):  # what is there is no such header, not even half of one; or is in use
                continue
            return file, found
        raise AssertionError


def _line(row: Iterable[str]) -> bytes:
    line = ",".join('"' + cell.replace('"', '""') + '"' if _needs_quotes(cell) else cell for cell in row)
    # Readers skip an empty line.
    return ((line or '""') + "\n").encode()


def _header_on_disk(path: str) -> bytes:
    """Return the first line of a file, nothing if it is not there or not whole."""
    if os.path.islink(path) or not os.path.isfile(path):
        return b""
    with open(path, "rb") as file:
        return tail.first_row(file.fileno())


def _parsed(header: bytes) -> tuple[str, ...]:
    # A spreadsheet that saved the file has put a mark before it.
    text = header.decode("utf-8-sig", errors="replace")
    try:
        return tuple(next(csv.reader(io.StringIO(text, newline=""))))
    except csv.Error:
        return ()
