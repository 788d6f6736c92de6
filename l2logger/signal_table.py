"""Signals that were copied into DuckDB, one by one: all but plain metrics, of which there may be too many."""

import json
import math
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import duckdb

from l2logger import cells
from l2logger.findings import WARNING, Finding
from l2logger.signal_lines import parse
from l2logger.signal_piece import MAX_LINE_BYTES
from l2logger.signals import DESCRIPTION, METRICS, finite
from l2logger.sql import create_table

PLAIN: Final = '{"kind": "metrics", "timestamp": "'
"""How lines of metrics begin, and no others."""

COLUMNS: Final = {
    "path": "VARCHAR",
    "row": "BIGINT",
    "kind": "VARCHAR",
    "worker_id": "VARCHAR",
    "timestamp": "VARCHAR",
    "clock": "VARCHAR",
    "step": "BIGINT",
    "name": "VARCHAR",
    "clocks": "VARCHAR",
    "context": "VARCHAR",
    "body": "VARCHAR",
}
"""What is known of a signal, and the types: its file and line, what all have, and as JSON what its kind has besides."""

_OF_ALL: Final = frozenset({"kind", "worker_id", "timestamp", "clock", "step", "clocks", "context"})

_PLAIN: Final = PLAIN.encode()
_BEGIN: Final = b'{"kind": "'
_STAMP: Final = slice(len(_PLAIN), len(_PLAIN) + len("20261121T143000.123456"))
_CHUNK_BYTES: Final = 2**20
_BATCH_ROWS: Final = 1000
_BATCH_BYTES: Final = 2**23


class Extent(NamedTuple):
    """What was seen of a file.

    Attributes:
        rows: Its whole lines.
        end: Where the last of them ends.
        left: How many of them seem to be plain metrics, and were left.
        has_odd: Whether others are metrics as well, or begin as if they were.
        is_rising: Whether each of those that were left is of a later time than the one before.
    """

    rows: int
    end: int
    left: int
    has_odd: bool
    is_rising: bool


class SignalTable:
    """A table of signals.

    Args:
        connection: The DuckDB connection.

    Attributes:
        name: Of the table, which has the `COLUMNS`.
        findings: What in the files is no signal.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.findings: list[Finding] = []
        self._connection = connection
        self._rows: list[tuple[Any, ...]] = []
        self._nbytes = 0
        columns = ", ".join(f"{column} {kind}" for column, kind in COLUMNS.items())
        self.name = create_table(connection, "signals", f"({columns})")
        unnested = ", ".join(f"unnest(${column}::{kind}[])" for column, kind in COLUMNS.items())
        self._insert = f"INSERT INTO {self.name} SELECT {unnested}"

    def read(self, path: str, size: int, *, leave_plain: bool) -> Extent:
        """Take over the signals of a file.

        Args:
            path: The file.
            size: How much of it to read.
            leave_plain: Leave metrics where they are that are written as usual.

        Raises:
            OSError: It cannot be read.
        """
        rows = end = left = 0
        last = b""
        has_odd, is_rising = False, True
        findings: list[Finding] = []
        for line, nbytes in _lines(path, size):
            if not line.endswith(b"\n") and nbytes == len(line):
                torn = f"the last {nbytes:,} bytes, from byte {end} on, are an unfinished line and no signal"
                findings.append(Finding("torn", torn, path, rows + 1, severity=WARNING))
                break
            rows += 1
            end += nbytes
            if leave_plain and line.startswith(_PLAIN):
                if line.find(_BEGIN, 1) < 0:
                    left += 1
                    is_rising = is_rising and line[_STAMP] > last
                    last = line[_STAMP]
                    continue
                has_odd = True
            kind, problem = self._add(path, rows, line[:-1]) if nbytes == len(line) else ("", _TOO_LONG)
            has_odd = has_odd or kind == METRICS
            if problem:
                findings.append(Finding("signal", problem, path, rows))
        self._flush()
        self.findings += findings
        return Extent(rows, end, left, has_odd, is_rising)

    def forget(self, path: str) -> None:
        """Remove what was read of a file."""
        self._connection.execute(f"DELETE FROM {self.name} WHERE path = $path", {"path": path})
        self.findings = [finding for finding in self.findings if finding.path != path]

    def _add(self, path: str, row: int, line: bytes) -> tuple[str, str]:
        """Take over the signal in a line; return its kind, if there is one, and what is wrong with the line."""
        signal, _, problem = parse(line)
        if signal is None:
            return "", problem
        kind: str = signal["kind"]
        own = {name: value for name, value in signal.items() if name not in _OF_ALL}
        if kind == METRICS:
            own["values"] = {name: _finite(value) for name, value in own["values"].items()}
        self._rows.append(
            (
                path,
                row,
                *(_text(signal[name]) for name in ("kind", "worker_id", "timestamp", "clock")),
                signal["step"],
                _text(own.get("metric" if kind == DESCRIPTION else "name")),
                *(_json(signal[name]) if name in signal else None for name in ("clocks", "context")),
                _json(own),
            )
        )
        self._nbytes += len(line)
        if len(self._rows) >= _BATCH_ROWS or self._nbytes >= _BATCH_BYTES:
            self._flush()
        return kind, problem

    def _flush(self) -> None:
        if self._rows:
            columns = map(list, zip(*self._rows, strict=True))
            self._connection.execute(self._insert, dict(zip(COLUMNS, columns, strict=True)))
        self._rows, self._nbytes = [], 0


_TOO_LONG: Final = f"a line of more than {MAX_LINE_BYTES:,} bytes is not read"


def _lines(path: str, size: int) -> Iterator[tuple[bytes, int]]:
    """Yield each line in the first bytes of a file, and its length. Of a line that is too long there is the beginning."""
    with open(path, "rb") as file:
        while size > 0 and (line := file.readline(min(size, MAX_LINE_BYTES))):
            nbytes = len(line)
            if nbytes == MAX_LINE_BYTES:
                rest = line
                while not rest.endswith(b"\n") and (rest := file.readline(min(size - nbytes, _CHUNK_BYTES))):
                    nbytes += len(rest)
            yield line, nbytes
            size -= nbytes


def _finite(value: float) -> float | str:
    """Return a number as it is, or the text that stands for what JSON and doubles do not have."""
    number = cells.as_float(value)
    return value if math.isfinite(number) else str(finite(number))


def _text(value: Any) -> str | None:
    """Return text that UTF-8 can hold."""
    if not isinstance(value, str):
        return None
    return value if value.isascii() else value.encode(errors="replace").decode()


def _json(value: Any) -> str | None:
    return _text(_encode(value))


_encode: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
