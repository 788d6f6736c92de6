"""A file that grows by whole lines and survives the process that writes it.

One ``os.write`` of a whole line to a file opened with ``O_APPEND`` puts the line into the kernel: killing the
process afterwards loses nothing. Killing it during the call may leave the beginning of a line. So a line without
its newline is no line; it is cut off, and kept beside the file, before anything else is appended.
"""

import os
import stat
import time
from contextlib import suppress
from typing import Final

from l2logger import lock, tail
from l2logger.errors import LogWriteError, SchemaError

FLAGS: Final = (
    os.O_RDWR
    | os.O_CREAT
    | os.O_APPEND
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_BINARY", 0)
)
"""How a file is opened to which lines are appended."""

SETTLE_SECS: Final = 0.02
"""How long to look at a line that seems to be torn: another process may be writing it, which is over in microseconds."""


def write_all(fd: int, data: bytes) -> tuple[int, OSError | None]:
    """Write to a file, and return how many bytes it took and why it did not take the rest."""
    written = 0
    try:
        written = os.write(fd, data)
        while written < len(data):
            # A short write tells no reason; asking for the rest does.
            written += os.write(fd, data[written:])
    except OSError as error:
        return written, error
    return written, None


class AppendFile:
    """One file of lines, opened for appending by one writer.

    Opening examines what is there: an unfinished last line is moved to ``<path>.torn``, a file with another header
    is refused, and so is one that somebody else is writing.

    Args:
        path: The file; its directory must exist.
        header: First line, written together with the first row if the file is empty.
        fsync: Wait for the disk after every row.

    Attributes:
        path: As given.
        fresh: The file has no header yet.
        stray: Where a refused row, which could not be cut off, begins and ends; the file is closed then.
        suspect: The disk refused what was written, so the file is to be opened anew.
        used_at: Text of the time of the last row, for choosing which file to close.
        checked_at: Text of the second in which the file was last found to be in its place, empty once it is closed.
    """

    __slots__ = ("_dropped", "_fd", "_fsync", "_header", "checked_at", "fresh", "path", "stray", "suspect", "used_at")

    def __init__(self, path: str, header: bytes, *, fsync: bool = False) -> None:
        self.path = path
        self.fresh = True
        self.stray: tuple[int, int] | None = None
        self.suspect = False
        self.used_at = self.checked_at = ""
        self._header = header
        self._fsync = fsync
        self._fd = -1
        self._dropped = False

    def open(self, *, shared: bool = False) -> None:
        """Open the file and examine what is there.

        Args:
            shared: The parent of this process may be writing the file too, so do not ask for the lock.

        Raises:
            LogWriteError: The file cannot be opened.
            LogLockedError: Another process has the file open.
            SchemaError: The file begins with another header.
        """
        try:
            self._fd = os.open(self.path, FLAGS, 0o666)
            if not stat.S_ISREG(os.fstat(self._fd).st_mode):
                raise LogWriteError(None, f"{self.path} is not a regular file; the record was not stored")
            if not shared:
                lock.take(self._fd, self.path)
            self.fresh = not self._examine()
        except BaseException as error:
            self._drop()
            if isinstance(error, OSError) and not isinstance(error, LogWriteError):
                problem = f"{error.strerror}; the record was not stored"
                raise LogWriteError(error.errno, problem, self.path) from error
            raise

    def _examine(self) -> bool:
        """Cut off what is no line of the log and return whether the header is there."""
        size = os.lseek(self._fd, 0, os.SEEK_END)
        if self.stray and self.stray[1] == size:  # otherwise somebody has appended behind it
            size = self.stray[0]
            tail.cut(self._fd, self.path, size)
        self.stray = None
        if not size:
            return False
        found = tail.read_at(self._fd, 0, len(self._header))
        if found != self._header and not (size < len(self._header) and self._header.startswith(found)):
            first_row = tail.first_row(self._fd) or tail.read_at(self._fd, 0, size)
            raise SchemaError(
                f"{self.path} has other columns than this record; a log keeps the columns of its first record.\n"
                f"  in the file: {first_row[:1000].decode(errors='replace').rstrip()}\n"
                f"  the record:  {self._header.decode().rstrip()}\n"
                "Start a new run, or log the columns of the file."
            )
        _, end = tail.last_row(self._fd, size)
        if end < size and self._settled(size):
            tail.cut(self._fd, self.path, end)
        os.lseek(self._fd, 0, os.SEEK_END)
        return end > 0

    def _settled(self, size: int) -> bool:
        time.sleep(SETTLE_SECS)
        return os.fstat(self._fd).st_size == size

    def append(self, line: bytes) -> None:
        """Write `line`, in one system call, preceded by the header if the file has none.

        Raises:
            LogWriteError: The line is not in the file; the next one may be written.
        """
        data = self._header + line if self.fresh else line
        written = 0
        try:
            written, refusal = write_all(self._fd, data)
            if refusal is not None:
                raise refusal
            if self._fsync:
                os.fsync(self._fd)
        except OSError as error:
            if error.errno is None:  # Raised by a signal handler, such as a TimeoutError.
                self._drop()
                raise
            if not self._cut_back(written) or self._fsync:
                self._drop()
            raise LogWriteError(error.errno, f"{error.strerror}; the record was not stored", self.path) from error
        except BaseException:
            self._drop()  # Ctrl-C, before or after the write: what is in the file is seen when it is opened again.
            raise
        self.fresh = False

    def _cut_back(self, written: int) -> bool:
        """Remove the last `written` bytes and return whether the file is as it was before them."""
        try:
            end = os.lseek(self._fd, 0, os.SEEK_CUR)
            if os.fstat(self._fd).st_size != end:
                return not written  # somebody else has appended behind them
            if written:
                self.stray = end - written, end
                os.ftruncate(self._fd, end - written)
                os.lseek(self._fd, 0, os.SEEK_END)
                self.stray = None
        except OSError:
            return False  # Then they stay until the file is opened the next time.
        return True

    @property
    def closed(self) -> bool:
        """Whether the file was closed, by a caller or after an error."""
        return self._fd < 0

    def is_in_place(self) -> bool:
        """Return whether the path still leads to this file and nothing was cut from it."""
        try:
            named = os.stat(self.path, follow_symlinks=False)
            own = os.fstat(self._fd)
            return os.path.samestat(named, own) and own.st_size >= os.lseek(self._fd, 0, os.SEEK_CUR)
        except OSError:
            return False

    def sync(self) -> None:
        """Wait until all rows are on the disk; other threads may go on writing.

        Raises:
            OSError: The disk refused.
        """
        if self._dropped:
            fd = os.open(self.path, os.O_RDONLY)
            self._dropped = False
        else:
            try:
                fd = os.dup(self._fd)  # so that closing the file meanwhile does no harm
            except OSError:
                if not self.closed:  # out of descriptors
                    os.fsync(self._fd)
                return
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def close(self, *, unlock: bool = True) -> None:
        """Close the file; more than once does no harm.

        Args:
            unlock: Let others in even if a forked child still has the file open; not for the child itself.

        Raises:
            LogWriteError: The system says only now that it could not keep a row, as network file systems may.
        """
        fd, self._fd = self._fd, -1
        self.checked_at = ""
        if fd >= 0:
            try:
                try:
                    if unlock:
                        lock.release(fd)
                finally:  # Ctrl-C must not leave it open, and locked
                    os.close(fd)
            except OSError as error:
                problem = f"{error.strerror} when closing the file; its last rows may be lost"
                raise LogWriteError(error.errno, problem, self.path) from error

    def _drop(self) -> None:
        """Close the file after an error, which is worth more than another one from closing."""
        self._dropped = bool(self.used_at)
        with suppress(OSError):
            self.close()
