"""A file of lines that several processes may append to.

Each line is one ``os.write`` to a file opened with ``O_APPEND``, so lines of several processes do not mix and killing one
loses nothing that it had written. What a killed one left of its last line is moved to ``<path>.torn``.
"""

import os
import stat
import time
from contextlib import suppress
from typing import Final

from l2logger import lock, tail
from l2logger.append_file import FLAGS, SETTLE_SECS, write_all

_CHUNK_BYTES: Final = 2**16


class LineFile:
    """Append whole lines to a file, which is opened at once and made if it is not there.

    Args:
        path: The file; its directory must exist.

    Raises:
        OSError: The file cannot be opened, or is no regular one.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._fd = os.open(path, FLAGS, 0o666)
        try:
            if not stat.S_ISREG(os.fstat(self._fd).st_mode):
                raise OSError(f"{path} is not a regular file")
            lock.share(self._fd)
            size = os.fstat(self._fd).st_size
            if _end_of_lines(self._fd, size) < size:
                time.sleep(SETTLE_SECS)
                if os.fstat(self._fd).st_size == size:
                    tail.cut(self._fd, path, _end_of_lines(self._fd, size))
        except BaseException:
            self.close()
            raise

    def append(self, line: bytes) -> None:
        """Write `line`, which ends with a newline. After an error the file is closed; opening it again mends it.

        Raises:
            OSError: The line is not in the file.
        """
        try:
            written, refusal = write_all(self._fd, line)
            if refusal is not None:
                self._cut_back(written)
                raise refusal
        except BaseException:
            self.close()
            raise

    def _cut_back(self, written: int) -> None:
        """Remove a piece of a line, if nobody has appended behind it."""
        with suppress(OSError):
            end = os.lseek(self._fd, 0, os.SEEK_CUR)
            if written and os.fstat(self._fd).st_size == end:
                os.ftruncate(self._fd, end - written)

    def is_in_place(self) -> bool:
        """Return whether the path still leads to this file."""
        try:
            return os.path.samestat(os.stat(self.path, follow_symlinks=False), os.fstat(self._fd))
        except OSError:
            return False

    @property
    def closed(self) -> bool:
        """Whether the file was closed, by a caller or after an error."""
        return self._fd < 0

    def sync(self) -> None:
        """Wait until all lines are on the disk.

        Raises:
            OSError: The disk refused.
        """
        os.fsync(self._fd)

    def close(self, *, unlock: bool = True) -> None:
        """Close the file; more than once does no harm.

        Args:
            unlock: Let others set the file aside even if a forked child still has it open; not for the child itself.
        """
        fd, self._fd = self._fd, -1
        if fd >= 0:
            try:
                if unlock:
                    lock.release(fd)
            finally:  # Ctrl-C must not leave it open, and locked
                os.close(fd)


def _end_of_lines(fd: int, size: int) -> int:
    """Return where the last whole line ends."""
    while size:
        start = max(0, size - _CHUNK_BYTES)
        if found := tail.read_at(fd, start, size - start).rfind(b"\n") + 1:
            return start + found
        size = start
    return 0
