"""Where the files of media go: below the run, under names that nothing else has, once they are whole."""

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

from l2logger import lock
from l2logger.errors import LogLockedError
from l2logger.paths import MEDIA, make_dir_inside

_TEMPORARY: Final = ".tmp"
_FLAGS: Final = os.O_RDWR | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)

_numbers = itertools.count()


@contextmanager
def temporary(root: str) -> Iterator[str]:
    """Give the path of a new file to write to, which is gone afterwards unless it was given a name.

    It is locked as long as this process lives, which tells it from what killed processes left.

    Args:
        root: Directory of the run.

    Raises:
        LogWriteError: The directory for media cannot be made, or leads out of the run.
        OSError: No file can be made in it.
    """
    directory = os.path.join(root, MEDIA)
    make_dir_inside(root, directory, "the file")
    fd, path = _opened(directory)
    try:
        yield path
    finally:
        os.close(fd)
        with suppress(OSError):
            os.unlink(path)


def _opened(directory: str) -> tuple[int, str]:
    while True:
        path = os.path.join(directory, f".{os.getpid()}-{next(_numbers)}{_TEMPORARY}")
        try:
            fd = os.open(path, _FLAGS | os.O_CREAT | os.O_EXCL, 0o666)
        except FileExistsError:  # left by another process that had the same number
            continue
        try:
            lock.take(fd, path)
            if os.path.samestat(os.fstat(fd), os.stat(path)):
                return fd, path
        except (LogLockedError, FileNotFoundError):
            pass  # taken for a left one, before it was locked
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)


def sweep(root: str) -> None:
    """Remove temporary files of processes that were killed. Where there are no locks, all stay."""
    with suppress(OSError), os.scandir(os.path.join(root, MEDIA)) as entries:
        for entry in entries:
            if entry.name.startswith(".") and entry.name.endswith(_TEMPORARY):
                with suppress(OSError), lock.abandoned(entry.path) as is_abandoned:
                    if is_abandoned:
                        os.unlink(entry.path)


def settle(written: str, root: str, kind: str, name: str, step: int | None, suffix: str) -> str:
    """Move a whole file to ``media/<kind>/<name>/<step><suffix>`` and return that path.

    If there is something already, it is ``<step>-1<suffix>``, and so on.

    Args:
        written: Path of the file.
        root: Directory of the run.
        kind: What it is.
        name: See `paths.checked_name`.
        step: None for ``none``.
        suffix: How its name ends.

    Returns:
        The path relative to the run, with slashes.

    Raises:
        LogWriteError: The directory cannot be made, or leads out of the run.
        OSError: The file cannot be moved.
    """
    stem = f"{MEDIA}/{kind}/{name}/{'none' if step is None else step}"
    make_dir_inside(root, os.path.dirname(os.path.join(root, *stem.split("/"))), "the file")

    def numbered(number: int) -> str:
        return f"{stem}-{number}{suffix}" if number else f"{stem}{suffix}"

    def absolute(number: int) -> str:
        return os.path.join(root, *numbered(number).split("/"))

    while True:
        number = _first_free(lambda number: os.path.lexists(absolute(number)))
        with suppress(FileExistsError):  # another process was faster
            _move(written, absolute(number))
            return numbered(number)


def _first_free(is_taken: Callable[[int], bool]) -> int:
    """Return the first number that is free, in few looks if those below are all taken; otherwise some free one."""
    if not is_taken(0):
        return 0
    taken, free = 0, 1
    while is_taken(free):
        taken, free = free, 2 * free
    while free - taken > 1:
        middle = (taken + free) // 2
        if is_taken(middle):
            taken = middle
        else:
            free = middle
    return free


def _move(source: str, target: str) -> None:
    """Give a file another name.

    Raises:
        FileExistsError: There is something of this name, which is left alone.
    """
    try:
        os.link(source, target)  # The old name goes with `temporary`.
    except FileExistsError:
        raise
    except OSError:  # no links on this file system
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
        try:
            os.replace(source, target)
        except BaseException:
            os.unlink(target)
            raise
