"""Look at a log file, at the speed of memory, to decide how it can be read.

DuckDB's CSV reader leaves rows of a wrong width out, but it takes a torn last row for a record, fails at a bare
carriage return and strips blanks around quotes. The first two are looked for here; the numbers of lines and bytes tell
`l2logger.file_group` whether anything else was left out. Large files that were written to a moment ago are read by
`l2logger.rows`, too: they may grow while DuckDB reads them.
"""

import os
import time
from typing import Final, NamedTuple

from l2logger import cells

SMALL_BYTES: Final = 2**17
_CHUNK_BYTES: Final = 2**23
_LIVE_SECS: Final = 2.0


class Size(NamedTuple):
    """How much is in a file, or was read of it.

    Attributes:
        rows: Number of rows; of newlines behind the header, which is the same if no cell holds one.
        bytes: Bytes of the rows that are not quotes. Each is part of a cell, or stands behind one.
    """

    rows: int
    bytes: int


class Glance(NamedTuple):
    """What was seen of a file.

    Attributes:
        columns: Names of its columns; none if the header is out of the ordinary.
        size: What the rows must come to.
        whole: Whether nothing speaks against reading the file as it stands.
        body: What is behind the header, if that is little; then the file need not be opened again.
    """

    columns: tuple[str, ...]
    size: Size
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
            return Glance((), Size(0, 0), False, None)
        columns = tuple(cells.split(header[:-1].decode()))
        small = len(chunk) <= SMALL_BYTES and status.st_size <= len(chunk)
        live = time.time() - status.st_mtime < _LIVE_SECS
        whole = len(set(columns)) == len(columns) and (small or not live)
        body = chunk[end:] if small else None
        lines, length, quotes, last = -1, -end, 0, b""
        while chunk and whole:
            whole = b"\r" not in chunk
            lines += chunk.count(b"\n")
            length += len(chunk)
            quotes += chunk.count(b'"')
            last = chunk
            chunk = file.read(_CHUNK_BYTES) if not small else b""
    # A quote left open would reach into the next file, where small ones are put together.
    whole = whole and quotes % 2 == 0 and last.endswith(b"\n") and lines > 0
    return Glance(columns, Size(lines, length - quotes), whole, body)
