"""Whether the process of a run is alive.

A process that logs to a run shares a lock on the directory of the run for as long as it lives. The lock leaves no file, and it
dies with the process.
"""

import os
import platform
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from l2logger import lock

_TRIES: Final = 5
_PATIENT_TRIES: Final = 200
_RETRY_SECS: Final = 0.001
_QUIET_SECS: Final = 24 * 3600.0
"""After this time without a change, a run of another machine is taken for interrupted."""


def is_running(directory: str, processes: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether somebody logs to a run.

    A run of another machine, whose locks may not be seen from here, is taken for running until none of its files has changed
    for a day.

    Args:
        directory: The run.
        processes: ``host`` and ``pid`` of each that did, and did not say that it is done.
    """
    locked = _is_locked(directory)
    if locked:
        return True
    here = platform.node()
    for process in processes:
        if process.get("host", here) != here:
            if time.time() - _changed_at(directory) < _QUIET_SECS:
                return True
        elif locked is None and _is_alive(process.get("pid")):
            return True
    return False


def hold(directory: str) -> tuple[int, bool | None]:
    """Lock the directory of a run as one of those that log to it.

    Returns:
        The open directory, -1 if it cannot be opened; and whether others have it locked, None if that cannot be told.
    """
    try:
        fd = os.open(directory, os.O_RDONLY)
    except OSError:  # as always on Windows
        return -1, None
    others = others_hold(fd)
    _attempt(fd, shared=True)
    return fd, others


def others_hold(fd: int) -> bool | None:
    """Return whether others have the directory of a run locked, which is open as `fd`, and unlock it; None if it cannot be told."""
    taken = _attempt(fd, shared=False)
    lock.release(fd)
    return None if taken is None else not taken


def _is_locked(directory: str) -> bool | None:
    try:
        fd = os.open(directory, os.O_RDONLY)
    except OSError:
        return None
    try:
        return others_hold(fd)
    finally:
        os.close(fd)


def _attempt(fd: int, *, shared: bool) -> bool | None:
    # Who looks whether it is locked, is in the way of others for a moment.
    for _ in range(_PATIENT_TRIES if shared else _TRIES):
        taken = lock.attempt(fd, shared=shared)
        if taken is not False:
            return taken
        time.sleep(_RETRY_SECS)
    return False


def _is_alive(pid: Any) -> bool:
    if not isinstance(pid, int) or pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it belongs to somebody else
        return True
    return True


def _changed_at(directory: str) -> float:
    """Return when a run was last written to, in seconds since 1970."""
    latest = 0.0
    for parent, _, names in os.walk(directory):
        for path in (parent, *(os.path.join(parent, name) for name in names)):
            with suppress(OSError):
                latest = max(latest, os.stat(path).st_mtime)
    return latest
