"""Where in its file each row is, for those who cut rows out or go on behind them."""

from collections.abc import Iterable, Iterator
from mmap import mmap

from l2logger.findings import Finding
from l2logger.rows import Row


def spans(rows: Iterable[Row | Finding], data: bytes | mmap) -> Iterator[tuple[Row | Finding, int, int]]:
    """Yield each row, or what was found in the place of one, and the bytes from and to which it reaches.

    Args:
        rows: What a `RowFile` yields; findings about the file as a whole are passed over.
        data: The bytes it was read from, beginning with line 1.
    """
    position, line = 0, 1
    before, begin = None, 0
    for row in rows:
        if row.line is None:
            continue
        while line < row.line:
            position = data.find(b"\n", position) + 1
            line += 1
        if before is not None:
            yield before, begin, position
        before, begin = row, position
    if before is not None:
        yield before, begin, len(data)
