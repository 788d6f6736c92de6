"""The files that TensorBoard reads: they grow by whole events."""

import itertools
import os
import re
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from l2logger import lock

_PREFIX: Final = "events.out.tfevents."
_SUPERSEDED: Final = "superseded."
"""What TensorBoard does not take for a file of events."""

_ROOT: Final = ".l2logger"
_BRANCH: Final = ".l2logger-branch"
_DEPTH: Final = 2
"""How deep the directories of a mirror are nested: a worker, and a lane of it."""

_FLAGS: Final = os.O_WRONLY | os.O_APPEND | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


class EventFile:
    """A file of events in one directory, which is open only while something is written to it.

    So any number of them needs no file descriptors, and a forked child has none to inherit.

    Args:
        directory: Made when it is needed.
        header: What the file begins with.
        root: It is the one by which `supersede` knows a mirror, not one of a worker or a further lane.

    Attributes:
        path: The file, empty before there is one.
        nbytes: How much waits to be written.
    """

    def __init__(self, directory: str, header: bytes, *, root: bool = False) -> None:
        self.path = ""
        self._directory = directory
        self._header = header
        self._suffix = _ROOT if root else _BRANCH
        self._size = 0
        self._waiting = bytearray()

    @property
    def nbytes(self) -> int:
        return len(self._waiting)

    def add(self, event: bytes) -> None:
        """Keep an event for the next `flush`."""
        self._waiting += event

    def flush(self) -> None:
        """Append what waits to the file, which is made if it is not there.

        Raises:
            OSError: It is not in the file, and waits for the next time.
        """
        if self.path and not self._waiting:
            return
        descriptor = self._open()
        try:
            data = bytes(self._waiting) if self._size else self._header + self._waiting
            written = 0
            while written < len(data):
                written += os.write(descriptor, data[written:])
        except BaseException as error:
            # Half of an event would make all behind it unreadable.
            with suppress(OSError):
                os.ftruncate(descriptor, self._size)
                if not self._size:
                    os.unlink(self.path)
            if isinstance(error, OSError):
                raise OSError(error.errno, error.strerror, self.path) from error
            raise
        finally:
            os.close(descriptor)
        self._size += len(data)
        self._waiting.clear()

    def _open(self) -> int:
        """Open the file if it is as it was left, otherwise a new one: this one was deleted, cut, or written by another."""
        if self.path:
            with suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError):
                descriptor = os.open(self.path, _FLAGS)
                if os.fstat(descriptor).st_size == self._size:
                    return descriptor
                os.close(descriptor)
        os.makedirs(self._directory, exist_ok=True)
        for path in _new_paths(self._directory, self._suffix):
            with suppress(FileExistsError):
                descriptor = os.open(path, _FLAGS | os.O_CREAT | os.O_EXCL, 0o666)
                self.path, self._size = path, 0
                return descriptor
        raise AssertionError("there is no end to the names")


def _new_paths(directory: str, suffix: str) -> Iterator[str]:
    """Yield names for a new file, such that files sort by the time they were made: readers read them in this order."""
    host = re.sub(r"[^\w.-]", "_", socket.gethostname(), flags=re.ASCII)
    for attempt in itertools.count():
        seconds, microseconds = divmod(time.time_ns() // 1000 + attempt, 1_000_000)
        yield os.path.join(directory, f"{_PREFIX}{seconds:010}.{host}.{microseconds:06}{suffix}")


def event_files(directory: str) -> list[str]:
    """Return the paths of all files in a directory, and not below it, that TensorBoard reads."""
    with suppress(FileNotFoundError):
        return [entry.path for entry in os.scandir(directory) if ".tfevents." in entry.name and entry.is_file()]
    return []


def supersede(directory: str) -> None:
    """Rename the event files of an earlier mirror in `directory`, so that TensorBoard sees them no more.

    Files of others stay, and so do those of mirrors in directories below.

    Raises:
        LogLockedError: One of them is being written.
    """
    roots, branches = _files_of_mirror(directory)
    for path in roots:
        lock.check_free(path, "replay into another directory, or wait for the run to end")
    for path in (*branches, *roots):
        parent, name = os.path.split(path)
        os.rename(path, os.path.join(parent, name.replace(_PREFIX, _SUPERSEDED, 1)))


def _files_of_mirror(directory: str) -> tuple[list[str], list[str]]:
    """Return the paths of the root files of a mirror, and of all others that belong to it."""
    roots: list[str] = []
    branches: list[str] = []
    for parent, subdirectories, names in os.walk(directory):
        found = [os.path.join(parent, name) for name in names if name.startswith(_PREFIX)]
        depth = 0 if parent == directory else os.path.relpath(parent, directory).count(os.sep) + 1
        if depth == 0:
            roots += [path for path in found if path.endswith(_ROOT)]
        elif any(path.endswith(_ROOT) for path in found):
            subdirectories.clear()  # another mirror
            continue
        elif depth == _DEPTH:
            subdirectories.clear()
        branches += [path for path in found if path.endswith(_BRANCH)]
    return roots, branches
