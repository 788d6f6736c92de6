"""The end of a log file: where its last whole row is, and what to do with the piece behind it.

A row ends with a newline that is not inside quotes. Whether a newline is inside quotes depends on everything
before it.
"""

import errno
import os
import re
import stat
from typing import Final

from l2logger.diagnostics import warn
from l2logger.errors import LogWarning

_CHUNK_BYTES: Final = 2**20
_PIECE_BYTES: Final = 2**16
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

    The header counts as a row. Bytes behind the end are an unfinished row. The whole file is read, as fast as memory
    goes, because text in a torn cell may look like any number of rows.
    """
    chunks = []
    offset, inside = 0, False
    while offset < size and (chunk := read_at(fd, offset, _CHUNK_BYTES)):
        chunks.append((offset, inside))
        inside ^= chunk.count(b'"') % 2 == 1
        offset += len(chunk)
    ends: list[int] = []
    for offset, inside in reversed(chunks):
        ends += reversed(_row_ends(read_at(fd, offset, _CHUNK_BYTES), inside, offset))
        if len(ends) > 1:
            break
    return (ends[1] if len(ends) > 1 else 0), (ends[0] if ends else 0)


def _row_ends(chunk: bytes, inside: bool, offset: int) -> list[int]:
    """Return where rows end in a chunk, as places in the file; of each stretch without quotes, the last two at most."""
    ends = []
    for number, piece in enumerate(chunk.split(b'"')):
        if number:
            inside = not inside
            offset += 1
        if not inside and (last := piece.rfind(b"\n")) >= 0:
            before = piece.rfind(b"\n", 0, last)
            ends += [offset + before + 1] * (before >= 0) + [offset + last + 1]
        offset += len(piece)
    return ends


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
