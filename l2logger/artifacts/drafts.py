"""Where a version of an artifact is made before it takes its place, so that none is ever there in part."""

import os
import re
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final, NamedTuple

from l2logger import lock, paths
from l2logger.artifacts.stored import checked_name
from l2logger.errors import LogWriteError

_LOCK: Final = ".lock"
_DRAFT: Final = ".tmp-"
_FLAGS: Final = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)


class Draft(NamedTuple):
    """A version in the making.

    Attributes:
        root: Absolute path of the run.
        name: Of the artifact.
        aside: A directory for whatever is to be gone in the end.
        content: A directory in there, for the files.
    """

    root: str
    name: str
    aside: str
    content: str


@contextmanager
def drafting(root: str, name: str) -> Iterator[Draft]:
    """Give a draft of the next version of an artifact; however that ends, what is left in it is removed.

    Args:
        root: Absolute path of the run.
        name: Of the artifact.

    Raises:
        SignalError: That is no name for an artifact.
        LogWriteError: The operating system refused.
    """
    checked_name(name)
    try:
        with _aside(root) as aside:
            content = os.path.join(aside, "content")
            os.mkdir(content)
            yield Draft(root, name, aside, content)
    except OSError as error:
        if error.errno is None:  # raised by a signal handler, such as a TimeoutError; or says everything
            raise
        problem = f"{error.strerror}; the artifact {name!r} was not stored"
        raise LogWriteError(error.errno, problem, error.filename) from error


@contextmanager
def alone(root: str) -> Iterator[None]:
    """Keep all others from changing the artifacts of a run."""
    file = None
    try:
        # Opened each time: a forked child would share the lock of its parent.
        file = _lock_file(os.path.join(root, paths.ARTIFACTS))
        lock.wait(file.fileno())
        yield
    finally:
        if file is not None:
            file.close()


@contextmanager
def _aside(root: str) -> Iterator[str]:
    """Make a directory that is locked as long as this process lives, and remove it with all that is in it."""
    artifacts = os.path.join(root, paths.ARTIFACTS)
    paths.make_dir_inside(root, artifacts, "the artifact")
    path = os.path.join(artifacts, f"{_prefix()}{os.getpid()}-{os.urandom(4).hex()}")
    file = None
    try:
        with alone(root):  # so that nobody sees it without its lock, and takes it for one of a killed process
            _remove_abandoned(artifacts)
            os.mkdir(path)
            file = _lock_file(path)
            lock.wait(file.fileno())
        yield path
    finally:
        try:
            shutil.rmtree(path, ignore_errors=True)
        finally:
            if file is not None:
                file.close()


def _remove_abandoned(artifacts: str) -> None:
    """Remove what killed processes of this host have left; of other hosts not every file system shows the locks."""
    prefix = _prefix()
    for name in os.listdir(artifacts):
        if name.startswith(prefix):
            path = os.path.join(artifacts, name)
            with suppress(OSError):
                _lock_file(path).close()  # it may have been killed before it made one
            with lock.abandoned(os.path.join(path, _LOCK)) as is_abandoned:
                if is_abandoned:
                    shutil.rmtree(path, ignore_errors=True)


def _lock_file(directory: str) -> lock.LockFile:
    return lock.LockFile(os.path.join(directory, _LOCK), _FLAGS)


def _prefix() -> str:
    return f"{_DRAFT}{re.sub('[^0-9A-Za-z]', '_', socket.gethostname())}-"
