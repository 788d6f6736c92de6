"""``run.json`` on disk: reading it, and changing it while others do."""

import errno
import os
import platform
import stat
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final

from l2logger import info_files, lock, paths
from l2logger.diagnostics import warn
from l2logger.errors import LogFormatError, LogLockedError, LogWarning
from l2logger.liveness import is_running

RUNNING: Final = "running"
COMPLETE: Final = "complete"
FAILED: Final = "failed"
INTERRUPTED: Final = "interrupted"

_WAIT_SECS: Final = 5.0
_RETRY_SECS: Final = 0.001


def read(scenario_dir: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the manifest of a run as it is to be shown: one whose process is gone without a word was interrupted.

    Args:
        scenario_dir: Directory of the run.

    Raises:
        FileNotFoundError: The run has none, as it logged nothing but records.
        LogFormatError: It is damaged.
    """
    directory = os.fspath(scenario_dir)
    found = _checked(os.path.join(directory, paths.MANIFEST))
    running = [session for session in sessions(found) if session.get("status") == RUNNING]
    if found.get("status") == RUNNING and not is_running(directory, running):
        found["status"] = INTERRUPTED
        for session in running:
            session["status"] = INTERRUPTED
    return found


def sessions(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the sessions in a manifest, which has a list of them from then on."""
    found = manifest.get("sessions")
    found = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
    manifest["sessions"] = found
    return found


def merged(before: Any, after: Any) -> Any:
    """Return what comes later, with what only the earlier one has if both are mappings."""
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        return after
    return {**before, **{name: merged(before[name], item) if name in before else item for name, item in after.items()}}


def update(directory: str, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the manifest of a run, or begin it; what another process changes at the same time is not lost.

    A damaged one is set aside with a warning.

    Args:
        directory: The run.
        change: Changes what is in the manifest: nothing, if it begins.

    Raises:
        OSError: It cannot be written; it is as before.
        ConfigError: JSON cannot hold it; it is as before.
        LogLockedError: Another process has kept it locked for seconds.
    """
    path = os.path.join(directory, paths.MANIFEST)
    while True:
        try:
            fd = os.open(path, os.O_RDWR | getattr(os, "O_CLOEXEC", 0))
        except FileNotFoundError:
            if _begun(path, change):
                return
            continue
        try:
            if _changed(fd, path, change):
                return
        finally:
            try:
                lock.release(fd)
            finally:  # also if a signal handler raised, or nobody could ever have the lock again
                os.close(fd)


def _changed(fd: int, path: str, change: Callable[[dict[str, Any]], None]) -> bool:
    """Change the manifest that is open as `fd`; return False if it is not in its place any more."""
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file", path)
    end = time.monotonic() + _WAIT_SECS
    while lock.attempt(fd) is False:
        if time.monotonic() > end:
            raise LogLockedError(f"another process has kept {path} locked for {_WAIT_SECS:.0f} s")
        time.sleep(_RETRY_SECS)
    try:
        if not os.path.samestat(os.fstat(fd), os.stat(path)):  # replaced by who had it locked
            return False
        found = _checked(path)
    except FileNotFoundError:
        return False
    except LogFormatError as error:
        _set_aside(path, error)
        return False
    change(found)
    info_files.replace(path, _encoded(found))
    return True


def _begun(path: str, change: Callable[[dict[str, Any]], None]) -> bool:
    """Write a new manifest; return False if another process was faster."""
    found: dict[str, Any] = {}
    change(found)
    draft = f"{path}.{platform.node()}-{os.getpid()}-{threading.get_ident()}.tmp"
    try:
        info_files.replace(draft, _encoded(found))
        try:
            os.link(draft, path)
        except FileExistsError:
            return False
        except OSError:
            os.rename(draft, path)  # There are no hard links; two processes at the same moment are a risk there.
    finally:
        with suppress(OSError):
            os.unlink(draft)
    info_files.sync_directory(os.path.dirname(path))
    return True


def _checked(path: str) -> dict[str, Any]:
    found = info_files.read(path)
    if not isinstance(found, dict):
        raise LogFormatError("it must hold an object", path)
    return found


def _encoded(manifest: dict[str, Any]) -> bytes:
    return info_files.encode("the manifest", manifest, strict=True) + b"\n"


def _set_aside(path: str, error: LogFormatError) -> None:
    number = 0
    while os.path.lexists(aside := f"{path}.damaged{f'-{number}' if number else ''}"):
        number += 1
    os.rename(path, aside)
    tell(f"{path} was damaged ({error.problem}); it is now {os.path.basename(aside)}, a new one is begun")


def tell(message: str) -> None:
    """Issue a `LogWarning`. Where warnings are made errors, what concerns a manifest still must not stop the logging."""
    with suppress(Exception):  # what a hook of the user raises, too
        warn(message, LogWarning)
