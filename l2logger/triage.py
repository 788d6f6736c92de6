"""Look at a log file, at the speed of memory, to decide how it can be read.

DuckDB's CSV reader leaves rows of a wrong width out, but it takes a torn last row for a record, fails at a bare
carriage return, ends a cell at a quote with blanks behind it, and strips blanks around quotes. But for the last, this
is looked for here; the numbers of lines and bytes tell whether anything else was left out.
"""

import os
import re
import time
from typing import Final, NamedTuple

from l2logger import cells
from l2logger.tally import Size

_SMALL_BYTES: Final = 2**17
_CHUNK_BYTES: Final = 2**23
_CHUNK_TAIL: Final = 64
_GROWING_SECS: Final = 30.0
_blanks_between_quotes = re.compile(rb'" +"').search


class Glance(NamedTuple):
    """What was seen of a file.

    Attributes:
        columns: Names of its columns.
        size: What the rows must come to.
        grows: Whether it was written to a moment ago, so that it should be copied before it is read.
        start: Where the rows begin.
        end: Where the file ended.
    """

    columns: tuple[str, ...]
    size: Size
    grows: bool
    start: int
    end: int

    @property
    def is_small(self) -> bool:
        """Whether opening the file takes longer than reading it."""
        return self.end <= _SMALL_BYTES


def glance(path: str) -> Glance | None:
    """Return what can be said about a file without parsing its rows; None if something speaks against reading it so."""
    with open(path, "rb", buffering=0) as file:
        status = os.fstat(file.fileno())
        chunk = file.read(_CHUNK_BYTES)
        start = chunk.find(b"\n") + 1
        header = chunk[:start]
        # A quote, a byte order mark, CRLF: left to the careful reader.
        if not header or b'"' in header or b"\r" in header or not header.isascii():
            return None
        columns = tuple(cells.split(header[:-1].decode()))
        if len(set(columns)) < len(columns):
            return None
        lines, end, quotes, doubtful, last = -1, 0, 0, False, b""
        while chunk:
            lines += chunk.count(b"\n")
            end += len(chunk)
            quotes += chunk.count(b'"')
            doubtful = doubtful or b"\r" in chunk or bool(_blanks_between_quotes(last[-_CHUNK_TAIL:] + chunk))
            last = chunk
            chunk = file.read(_CHUNK_BYTES) if len(chunk) > _SMALL_BYTES else b""
    # A quote left open would reach into the next file, where several are put together.
    whole = not doubtful and quotes % 2 == 0 and last.endswith(b"\n") and lines > 0
    if not whole:
        return None
    grows = time.time() - status.st_mtime < _GROWING_SECS
    return Glance(columns, Size(lines, end - start - quotes), grows, start, end)
