"""The end of a log file: where its last whole row is, and what to do with the piece behind it.

A row ends with a newline that is not inside quotes. Whether a newline is inside quotes depends on everything
before it, but nearly always the last line tells enough by itself, so that a long file is not read for it.
"""

import errno
import os
import re
import stat
from typing import Final

from l2logger.cells import MAX_CELL_BYTES
from l2logger.diagnostics import warn
from l2logger.errors import LogWarning

_CHUNK_BYTES: Final = 2**20
_PIECE_BYTES: Final = 2**16
# The largest cell, all of it quotes: a torn one that reaches to the end of the file begins in here.
_NEAR_BYTES: Final = 2 * MAX_CELL_BYTES + _PIECE_BYTES
_QUOTED = re.compile(rb'"(?:[^"]|"")*"')
_QUOTED_OR_CUT = re.compile(rb'"(?:[^"]|"")*(?:"|\Z)')


def read_at(fd: int, offset: int, size: int) -> bytes:
    """Return `size` bytes of the open file from `offset`, or what there is of them."""
    os.lseek(fd, offset, os.SEEK_SET)
    pieces = []
    while size > 0 and (piece := os.read(fd, size)):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


def first_row(fd: int) -> bytes:
    """Return the first row, newline included, however long it is; nothing if it is not whole."""
    data = b""
    while piece := read_at(fd, len(data), _PIECE_BYTES):
        data += piece
        if length := row_length(data):
            return data[:length]
    return b""


def last_row(fd: int, size: int) -> tuple[int, int]:
    """Return where the last whole row starts and ends, newline included; ``(0, 0)`` if there is none.

    The header counts as a row. Bytes behind the end are an unfinished row.
    """
    near = read_at(fd, max(0, size - _NEAR_BYTES), _NEAR_BYTES)
    if near.endswith(b"\n"):
        start = near.rfind(b"\n", 0, -1) + 1
        # What looks like a row may be an excerpt of a log inside of a torn cell: then a quote before it is not closed.
        known = 0 if size <= _NEAR_BYTES else near.find(b"\n") + 1
        if start >= known and near.count(b'"', known) % 2 == 0 and _is_row(near[start:], first_row(fd)):
            return size - len(near) + start, size
    return _scan(fd)


def _is_row(line: bytes, header: bytes) -> bool:
    """Return whether `line` has the cells of `header`, so that it does not start or end inside of quotes."""
    bare = _QUOTED.sub(b"", line)
    return b'"' not in bare and bare.count(b"\t") == _QUOTED.sub(b"", header).count(b"\t")


def _scan(fd: int) -> tuple[int, int]:
    """Find the last whole row by reading the file from its beginning."""
    start = end = offset = 0
    inside = False
    while chunk := read_at(fd, offset, _CHUNK_BYTES):
        position = offset
        for number, piece in enumerate(chunk.split(b'"')):
            if number:
                inside = not inside
                position += 1
            if not inside and (newline := piece.rfind(b"\n")) >= 0:
                before = piece.rfind(b"\n", 0, newline)
                start = position + before + 1 if before >= 0 else end
                end = position + newline + 1
            position += len(piece)
        offset += len(chunk)
    return start, end


def row_length(data: bytes) -> int:
    """Return how many bytes the first row of `data` takes, newline included; 0 if it is not all there."""
    bare = _QUOTED_OR_CUT.sub(lambda quoted: b"." * len(quoted[0]), data)
    return bare.find(b"\n") + 1


def cut(fd: int, path: str, end: int) -> None:
    """Shorten the file to `end` bytes, after keeping what is behind them in ``<path>.torn``."""
    size = os.lseek(fd, 0, os.SEEK_END)
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    for name in ("O_CLOEXEC", "O_NOFOLLOW", "O_NONBLOCK"):  # neither through a link nor into a pipe
        flags |= getattr(os, name, 0)
    with open(os.open(f"{path}.torn", flags, 0o666), "ab", buffering=0) as torn:
        if not stat.S_ISREG(os.fstat(torn.fileno()).st_mode):
            raise OSError(errno.EEXIST, "not a regular file", f"{path}.torn")
        piece = read_at(fd, end, size - end) + b"\n"
        while piece:
            piece = piece[torn.write(piece) or 0 :]
    os.ftruncate(fd, end)
    warn(
        f"{path} ended in the middle of a row: its writer was killed or the disk was full. "
        f"The last {size - end} bytes were no record; they were moved to {path}.torn",
        LogWarning,
    )
