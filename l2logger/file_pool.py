"""Several `AppendFile` objects held open, so that alternating workers do not reopen theirs on every record."""

import errno
import weakref
from typing import Final

from l2logger.append_file import AppendFile
from l2logger.errors import LogWriteError

_OUT_OF_DESCRIPTORS: Final = frozenset({errno.EMFILE, errno.ENFILE})


class FilePool:
    """A bounded number of open `AppendFile` objects; the least recently used one gives way.

    Args:
        max_open: How many files stay open at most.
        fsync: ``"always"`` waits for the disk after every row, ``"flush"`` in `sync` and before closing,
            ``"never"`` leaves it to the operating system.
    """

    def __init__(self, max_open: int, fsync: str) -> None:
        self._max_open = max_open
        self._fsync = fsync
        self._files: dict[str, AppendFile] = {}
        self._parents_files: frozenset[str] = frozenset()
        # Nothing waits in these files, so a forgotten pool needs its descriptors closed and no more than that.
        weakref.finalize(self, _close_all, self._files).atexit = False

    def get(self, path: str) -> AppendFile | None:
        """Return the file at `path` if it is open."""
        file = self._files.get(path)
        return None if file is None or file.closed else file

    def open(self, path: str, header: bytes) -> AppendFile:
        """Open the file at `path` and return it; see `AppendFile` for what may be raised."""
        self.discard(path)
        while len(self._files) >= self._max_open:
            self._close_oldest()
        try:
            file = self._open(path, header)
        except LogWriteError as error:
            if not self._files or error.errno is None or error.errno not in _OUT_OF_DESCRIPTORS:
                raise
            while self._files:
                self._close_oldest()
            file = self._open(path, header)
        self._files[path] = file
        return file

    def _open(self, path: str, header: bytes) -> AppendFile:
        return AppendFile(path, header, fsync=self._fsync == "always", shared=path in self._parents_files)

    def _close_oldest(self) -> None:
        oldest = min(self._files.values(), key=lambda file: file.used_at)
        try:
            self._sync(oldest)
        finally:
            self.discard(oldest.path)

    def discard(self, path: str) -> None:
        """Close the file at `path`, if it is open, and forget what is known of it."""
        if file := self._files.pop(path, None):
            file.close()

    def sync(self) -> None:
        """Wait until all rows are on the disk, if that was asked for.

        Raises:
            LogWriteError: The disk refused.
        """
        for file in list(self._files.values()):
            self._sync(file)

    def _sync(self, file: AppendFile) -> None:
        if self._fsync != "flush":
            return
        try:
            file.sync()
        except OSError as error:
            # The kernel reports this once and drops the data; asking again would say "fine". So the file is done with.
            self.discard(file.path)
            raise LogWriteError(
                error.errno, f"{error.strerror}; the last rows may not survive a power cut", file.path
            ) from error

    def close(self) -> None:
        """Close all files; more than once does no harm."""
        try:
            self.sync()
        finally:
            _close_all(self._files)

    def after_fork(self) -> None:
        """Let go of the parent's files, in the child: its locks stay with the parent alone."""
        self._parents_files |= frozenset(self._files)
        _close_all(self._files)


def _close_all(files: dict[str, AppendFile]) -> None:
    while files:
        files.popitem()[1].close()
