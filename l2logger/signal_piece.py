"""The signals in some bytes of ``signals/<worker_id>.jsonl``, which may be growing."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

from l2logger.findings import Finding
from l2logger.piece import Piece, count
from l2logger.signal_lines import parse

MAX_LINE_BYTES: Final = 2**28
"""Longest line that is read."""


class LineCounter:
    """Tells in which line of a file a byte is. Asked for one place after the other, it reads the file once.

    Args:
        path: The file.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._place, self._line = 0, 1

    def line(self, place: int) -> int:
        """Return the number of the line, counted from 1."""
        if place < self._place:
            self._place, self._line = 0, 1
        with suppress(OSError):  # deleted a moment ago
            self._line += count(self._path, b"\n", place, self._place)
        self._place = place
        return self._line


class SignalPiece(Piece):
    """A piece of a file of signals.

    Args:
        path: The file.
        start: As for any piece.
        limit: How many bytes to read at most.
        counter: Tells lines of the file.
    """

    def __init__(self, path: str, start: int, limit: int | None, counter: LineCounter) -> None:
        super().__init__(path, start, limit)
        self._counter = counter

    def rows(self) -> Iterator[tuple[dict[str, Any] | Finding, int]]:
        """Yield the fields of each signal with its kind, or a finding for what is none; and where that ends."""
        data, begin = self._data, 0
        while (newline := data.find(b"\n", begin)) >= 0:
            line = parse(data[begin:newline])
            if line.problem:
                self.end = self.begin + (begin + line.begin if line.signal else newline + 1)
                yield self._finding(line.problem, begin), self.end
            if line.signal is not None:
                self.end = self.begin + newline + 1
                yield line.signal, self.end
            begin = newline + 1
        if not begin and len(data) >= MAX_LINE_BYTES and (end := self._end_of_line()):
            self.end = end
            yield self._finding(f"a line of more than {MAX_LINE_BYTES:,} bytes is not read", 0), end

    def _end_of_line(self) -> int:
        """Return where the first line ends that begins in these bytes and goes on behind them; 0 if it does not end."""
        place = self.begin + len(self._data)
        with open(self._path, "rb") as file:
            file.seek(place)
            while chunk := file.readline(2**20):
                place += len(chunk)
                if chunk.endswith(b"\n"):
                    return place
        return 0

    def _finding(self, problem: str, place: int) -> Finding:
        return Finding("signal", problem, self._path, self._counter.line(self.begin + place))
