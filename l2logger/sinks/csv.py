"""A sink that writes a wide CSV file of the records."""

import csv
import io
import itertools
import os
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from l2logger import cells, tail
from l2logger.append_file import AppendFile
from l2logger.errors import ConfigError, LogLockedError, SchemaError
from l2logger.run import RunInfo
from l2logger.schema import V1_1
from l2logger.signals import Signal
from l2logger.sinks import mirror_file
from l2logger.sinks.sink import Sink

FILE: Final = "records.csv"

_needs_quotes = re.compile('[,"\n\r]').search
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\0")
"""What a text begins with that a spreadsheet may take for a formula (OWASP ASVS 5.0, 1.2.10)."""


class CsvSink(Sink):
    r"""Write all columns of the records to a CSV file: commas, double quotes where needed, ``\n``, UTF-8.

    Cells hold the text that the log has, and the columns are in its order.

    A row is in the file, whole, when `write` returns. What is there is never changed: records are appended to a file that
    has all of their columns, and leave a column empty that they lack. A record with a new column begins a further file,
    ``records-2.csv`` after ``records.csv``, and so does one if another process is writing the file. A replay from the
    beginning begins with new files, and the old ones are renamed to ``<path>.superseded``.

    Args:
        path: The first file; ``records.csv`` in the run directory if it is not given.
        spreadsheet_safe: Put an apostrophe before text that a spreadsheet could take for a formula, such as ``=1+1``. All
            other readers would see it as part of the text, so they are given the text as it is if this is not asked for.

    Raises:
        ConfigError: The path is not one of a file.
    """

    name = "csv"

    def __init__(self, path: str | os.PathLike[str] | None = None, *, spreadsheet_safe: bool = False) -> None:
        if not isinstance(spreadsheet_safe, bool):
            raise ConfigError(f"spreadsheet_safe must be true or false, got {spreadsheet_safe!r}")
        self._given = mirror_file.checked(path)
        self._spreadsheet_safe = spreadsheet_safe
        self._path = ""
        self._file: AppendFile | None = None
        self._columns: tuple[str, ...] = ()
        self._names: frozenset[str] = frozenset()

    def open(self, run: RunInfo) -> None:
        self._path = mirror_file.place(self._given, run, FILE)
        if self.fresh:
            mirror_file.supersede(itertools.takewhile(os.path.exists, self._paths()))
            self.fresh = False

    def write(self, signal: Signal) -> None:
        row = {self._cell(name): self._cell(cells.text(value)) for name, value in signal.fields.items()}
        if self._file is None or self._file.closed or not self._names.issuperset(row):
            new = [name for name in V1_1.order(frozenset(row)) if name in row and name not in self._names]
            # A file that goes on where another ended has its columns too, so that records of both kinds fit.
            previous, (self._file, self._columns) = self._file, self._file_for((*self._columns, *new))
            self._names = frozenset(self._columns)
            if previous is not None:
                previous.close()
        self._file.append(_line(row.get(name, "") for name in self._columns))

    def close(self) -> None:
        self._columns, self._names = (), frozenset()
        if self._file is not None:
            file, self._file = self._file, None
            file.close()

    def options(self) -> dict[str, Any]:
        options: dict[str, Any] = {} if self._given is None else {"path": self._given}
        return options | {"spreadsheet_safe": True} if self._spreadsheet_safe else options

    def _cell(self, text: str) -> str:
        if not text.isascii():
            text = text.encode(errors="replace").decode()  # UTF-8 cannot store half of a surrogate pair
        if self._spreadsheet_safe and text.startswith(_FORMULA) and not isinstance(cells.value(text), int | float):
            return "'" + text
        return text

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
