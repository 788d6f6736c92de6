"""Several `AppendFile` objects held open, so that alternating workers do not reopen theirs on every record."""

import errno
import weakref
from contextlib import ExitStack, suppress
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
        self._strays: dict[str, tuple[int, int]] = {}
        self._parents_files: frozenset[str] = frozenset()
        # Nothing waits in these files, so a forgotten pool needs its descriptors closed and no more than that.
        weakref.finalize(self, _close_all, self._files).atexit = False

    def get(self, path: str) -> AppendFile | None:
        """Return the file at `path` if it is open and in order."""
        file = self._files.get(path)
        return None if file is None or file.closed or file.suspect else file

    def open(self, path: str, header: bytes) -> AppendFile:
        """Open the file at `path` and return it; see `AppendFile` for what may be raised."""
        file = AppendFile(path, header, fsync=self._fsync == "always")
        self.discard(path)
        file.stray = self._strays.get(path)
        while len(self._files) >= self._max_open:
            self._give_way(min(self._files.values(), key=lambda file: file.used_at))
        self._files[path] = file  # before it is open, so that it is never open and forgotten
        shared = path in self._parents_files
        try:
            file.open(shared=shared)
        except LogWriteError as error:
            others = [other for other in self._files.values() if other is not file]
            if error.errno not in _OUT_OF_DESCRIPTORS or not others:
                raise
            for other in others:
                self._give_way(other)
            file.open(shared=shared)
        self._strays.pop(path, None)
        return file

    def _give_way(self, file: AppendFile) -> None:
        try:
            self._sync(file)
        finally:
            self.discard(file.path)

    def discard(self, path: str) -> None:
        """Close the file at `path`, if it is open, and forget what is known of it."""
        if path in self._files:
            try:
                self._files[path].close()
            finally:
                # Ctrl-C may come before the file is closed; forgotten while it is open, it would stay locked.
                file = self._files[path]
                if file.closed:
                    if file.stray is not None:
                        self._strays[path] = file.stray
                    del self._files[path]

    def sync(self) -> None:
        """Wait until all rows are on the disk, if that was asked for.

        Raises:
            LogWriteError: The disk refused.
        """
        for file in list(self._files.values()):
            self._sync(file)

    def _sync(self, file: AppendFile) -> None:
        if self._fsync != "flush" or file.suspect:
            return
        try:
            file.sync()
        except OSError as error:
            # The kernel reports this once and drops the data; asking again would say "fine". So the file is done with;
            # the next writer opens it anew, as another thread may be writing it this instant.
            file.suspect = True
            file.checked_at = ""
            raise LogWriteError(
                error.errno, f"{error.strerror}; the last rows may not survive a power cut", file.path
            ) from error

    def close(self) -> None:
        """Close all files; more than once does no harm."""
        with ExitStack() as stack:  # whatever one of them raises, the others are closed
            for path in list(self._files):
                stack.callback(self.discard, path)
            stack.callback(self.sync)

    def after_fork(self) -> None:
        """Let go of the parent's files, in the child: its locks stay with the parent alone."""
        self._parents_files |= frozenset(self._files)
        for file in self._files.values():
            with suppress(OSError):
                file.close(unlock=False)
        self._files.clear()


def _close_all(files: dict[str, AppendFile]) -> None:
    for file in files.values():
        file.close()
