"""The lock that keeps two processes from writing one file.

It is the advisory ``flock`` on the file itself, so it leaves nothing behind on disk and dies with its holder.
"""

import io
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Final

from l2logger.errors import LogLockedError

try:
    import fcntl
except ImportError:  # Windows: two writers of one file go unnoticed there.
    fcntl = None  # type: ignore[assignment]

_PROBE: Final = os.O_RDWR | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)


class LockFile(io.FileIO):
    """A file that is opened to be locked. Unlike a descriptor it is closed, and unlocked, when nobody has it any more.

    An exception out of a signal handler, such as Ctrl-C, may come between any two steps, also before what was opened
    could be assigned to anything.

    Args:
        path: The file.
        flags: As for `os.open`.
    """

    def __init__(self, path: str, flags: int) -> None:
        super().__init__(path, "r+", opener=lambda path, _: os.open(path, flags, 0o666))

    def close(self) -> None:
        """Unlock the file, also for forked children that have it open, and close it."""
        try:
            if not self.closed:
                release(self.fileno())
        finally:
            super().close()


def take(fd: int, path: str) -> None:
    """Lock the open file `fd` for as long as it is open.

    File systems that have no locks are taken at their word: nothing is locked there.

    Raises:
        LogLockedError: Somebody else has it locked.
    """
    if fcntl is None:
        return
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise LogLockedError(
            f"{path} is being written by {_holder(fd)}; every worker of a run writes under its own worker_id: "
            "give this one another, or close the other writer first"
        ) from error
    except OSError:
        pass


def wait(fd: int) -> None:
    """Lock the open file `fd` for as long as it is open, once nobody else has it locked; not where there are no locks."""
    if fcntl is not None:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
        except OSError as error:
            if error.errno is None:  # Raised by a signal handler, such as a TimeoutError.
                raise


def attempt(fd: int, *, shared: bool = False) -> bool | None:
    """Lock the open file `fd` if nobody is in the way, alone or beside others who share it.

    Returns:
        Whether it is locked now; None where there are no locks.
    """
    if fcntl is None:
        return None
    try:
        fcntl.flock(fd, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def release(fd: int) -> None:
    """Unlock the open file `fd`, also for forked children that have it open."""
    if fcntl is not None:
        with suppress(OSError):
            fcntl.flock(fd, fcntl.LOCK_UN)


def share(fd: int) -> None:
    """Keep others from taking the open file `fd`, but not from sharing it."""
    if fcntl is not None:
        with suppress(OSError):
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)


@contextmanager
def abandoned(path: str) -> Iterator[bool]:
    """Give whether nobody has a file locked, and keep it locked meanwhile; False where nobody can know."""
    with ExitStack() as stack:
        is_free = False
        with suppress(OSError):
            first, second = (stack.enter_context(LockFile(path, _PROBE)) for _ in range(2))
            # Whoever can have the lock twice has none: the file system does not know of locks.
            is_free = attempt(first.fileno()) is True and attempt(second.fileno()) is False
        yield is_free


def check_free(path: str, advice: str) -> None:
    """Find out that nobody writes a file that is to be set aside.

    Raises:
        LogLockedError: Somebody does; the message ends with `advice`.
    """
    fd = os.open(path, os.O_RDWR)
    try:
        take(fd, path)
    except LogLockedError as error:
        raise LogLockedError(f"{path} is being written by the mirror of a run that goes on; {advice}") from error
    finally:
        os.close(fd)


def _holder(fd: int) -> str:
    """Return words for the process that holds the lock, from Linux's table of locks where there is one."""
    inode = str(os.fstat(fd).st_ino)
    try:
        with open("/proc/locks", encoding="ascii") as table:
            for row in table:
                # 1: FLOCK  ADVISORY  WRITE 4711 fe:00:131090 0 EOF
                cells = row.split()
                if cells[1] == "FLOCK" and cells[5].rsplit(":", 1)[-1] == inode:
                    own = int(cells[4]) == os.getpid()
                    return "another logger of this process" if own else f"process {cells[4]}"
    except (OSError, LookupError, ValueError):
        pass
    return "another process"
