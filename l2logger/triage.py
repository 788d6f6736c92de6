"""Tell at a glance, at the speed of memory, how a log file can be read.

DuckDB's CSV reader skips rows of a wrong width and text that is not UTF-8, which shows in the number of rows. What
would not show is looked for here: it takes a torn last row for a record, ends rows at a bare carriage return and
strips blanks before a quote. Files in which that could happen are read by `l2logger.rows`, and so are large files
that were written to a moment ago: they may grow while DuckDB reads them.
"""

import os
import time
from typing import Final, NamedTuple

from l2logger import cells

SMALL_BYTES: Final = 2**17
_CHUNK_BYTES: Final = 2**23
_LIVE_SECS: Final = 2.0


class Glance(NamedTuple):
    """What was seen of a file.

    Attributes:
        columns: Names of its columns; none if the header is out of the ordinary.
        lines: Number of newlines behind the header: the number of rows, if no cell holds a newline.
        whole: Whether nothing speaks against reading the file as it stands.
        body: What is behind the header, if that is little; then the file need not be opened again.
    """

    columns: tuple[str, ...]
    lines: int
    whole: bool
    body: bytes | None


def glance(path: str) -> Glance:
    """Return what can be said about a file without parsing its rows."""
    with open(path, "rb", buffering=0) as file:
        status = os.fstat(file.fileno())
        chunk = file.read(_CHUNK_BYTES)
        end = chunk.find(b"\n") + 1
        header = chunk[:end]
        # A quote, a byte order mark, CRLF: left to the careful reader.
        if not header or b'"' in header or b"\r" in header or not header.isascii():
            return Glance((), 0, False, None)
        columns = tuple(cells.split(header[:-1].decode()))
        small = len(chunk) <= SMALL_BYTES and status.st_size <= len(chunk)
        live = time.time() - status.st_mtime < _LIVE_SECS
        whole = len(set(columns)) == len(columns) and (small or not live)
        body = chunk[end:] if small else None
        lines, quotes, last = -1, 0, b""
        while chunk and whole:
            whole = b"\r" not in chunk and b'\t "' not in last[-2:] + chunk
            lines += chunk.count(b"\n")
            quotes += chunk.count(b'"')
            last = chunk
            chunk = file.read(_CHUNK_BYTES) if not small else b""
    # A quote left open would reach into the next file, where small ones are put together.
    whole = whole and quotes % 2 == 0 and last.endswith(b"\n") and lines > 0
    return Glance(columns, lines, whole, body)
