"""Where a sink is in a run: remembered in the run directory, so that a replay can be stopped and gone on with.

For each sink and each set of its options there are two small files in ``<run>/replay``: the position, and a lock that
keeps two replays from delivering the same signals to the same place.
"""

import hashlib
import json
import os
import re
import socket
from contextlib import suppress
from typing import Any, Final, NamedTuple

from l2logger import info_files, lock
from l2logger.errors import LogFormatError, LogLockedError
from l2logger.sinks.health import warn_of_sink
from l2logger.sinks.sink import Sink

DIRECTORY: Final = "replay"

_HOLDER_BYTES: Final = 500


class Kept(NamedTuple):
    """What is remembered.

    Attributes:
        positions: For each file of the run, relative to its directory, how many bytes of it were dealt with.
        delivered: Signals that the sink took, in all replays since it began with the first one.
        failed: Signals that it refused.
    """

    positions: dict[str, int]
    delivered: int = 0
    failed: int = 0


class Bookmark:
    """The place in a run of one sink. Where nothing can be written it remembers nothing, after one warning.

    Args:
        scenario_dir: Directory of the run.
        sink: The sink; what its `options` hold is not stored, only a number made of it.

    Attributes:
        path: Where the position is kept.
        holder: Words for the process that `take` found using it.
    """

    def __init__(self, scenario_dir: str, sink: Sink) -> None:
        self._directory = os.path.join(scenario_dir, DIRECTORY)
        self._sink = sink.name or type(sink).__name__
        stem = f"{re.sub('[^0-9A-Za-z_]', '_', self._sink)}-{_fingerprint(sink)}"
        self.path = os.path.join(self._directory, f"{stem}.json")
        self.holder = ""
        self._lock_path = os.path.join(self._directory, f"{stem}.lock")
        self._lock_fd: int | None = None
        self._warned = False

    def take(self) -> bool:
        """Return whether nobody else uses it; nobody else can from then on, until `release` or the end of the process."""
        try:
            self._make_directory()
            # Locking a file that is replaced now and then would lock nothing.
            flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
            fd = os.open(self._lock_path, flags, 0o666)
        except OSError as error:
            self._warn(error)
            return True
        try:
            lock.take(fd, self._lock_path)
        except LogLockedError:
            self.holder = os.read(fd, _HOLDER_BYTES).decode(errors="replace").strip() or "another process"
            os.close(fd)
            return False
        except BaseException:
            os.close(fd)
            raise
        self._lock_fd = fd
        with suppress(OSError):  # The words are for others; the lock holds without them.
            os.ftruncate(fd, 0)
            os.write(fd, f"process {os.getpid()} on {socket.gethostname()}\n".encode())
        return True

    def read(self) -> Kept:
        """Return what was remembered last.

        Raises:
            LogFormatError: The file is not what `keep` writes.
        """
        try:
            stored = info_files.read(self.path)
        except (FileNotFoundError, NotADirectoryError):
            return Kept({})
        try:
            positions = {str(file): _count(end) for file, end in stored["positions"].items()}
            return Kept(positions, _count(stored["delivered"]), _count(stored["failed"]))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise LogFormatError(
                f"does not hold a position in the run ({error!r}); delete it, or start from the beginning", self.path
            ) from error

    def keep(self, kept: Kept) -> None:
        """Remember a place, in the stead of the one before."""
        stored = {"sink": self._sink, "delivered": kept.delivered, "failed": kept.failed, "positions": kept.positions}
        try:
            self._make_directory()
            info_files.replace(self.path, json.dumps(stored, indent=1).encode())
        except OSError as error:
            self._warn(error)

    def release(self) -> None:
        """Let others use it."""
        if self._lock_fd is not None:
            lock.release(self._lock_fd)
            os.close(self._lock_fd)
            self._lock_fd = None

    def _make_directory(self) -> None:
        os.makedirs(self._directory, exist_ok=True)
        if os.path.islink(self._directory):
            raise OSError(None, "a symbolic link, which is not followed", self._directory)

    def _warn(self, error: OSError) -> None:
        if not self._warned:
            self._warned = True
            warn_of_sink(
                f"how far {self._sink} got cannot be remembered in {self._directory} ({error.strerror}); "
                "another replay begins where the last one that could remember it ended"
            )


def _count(number: Any) -> int:
    if type(number) is not int or number < 0:
        raise ValueError(f"expected a count, got {number!r}")
    return number


def _fingerprint(sink: Sink) -> str:
    """Return eight digits that differ from those of other options, and tell nothing about them."""
    kind = "" if sink.name else f"{type(sink).__module__}.{type(sink).__qualname__}"
    options = json.dumps([kind, sink.options()], sort_keys=True, default=str)
    return hashlib.sha256(options.encode()).hexdigest()[:8]
