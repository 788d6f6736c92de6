"""What the operating system knows of this process, and of those that it started, for measurements."""

import ctypes
import os
import resource
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Self

_LOOK_SECS = 0.25
_PATIENCE_SECS = 120.0
_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER of prctl(2)


def adopt_orphans() -> None:
    """Become the parent of all processes below this one whose own parent ends before them, so that they are counted."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)


def end_processes() -> None:
    """Wait until no process is left that this one started."""
    if "wandb" in sys.modules:
        sys.modules["wandb"].teardown()  # as at the exit
    give_up_at = time.monotonic() + _PATIENCE_SECS
    while time.monotonic() < give_up_at:
        try:
            ended, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not ended:
            time.sleep(0.01)
    raise SystemExit(f"processes are left after {_PATIENCE_SECS:g} s: {list(_descendants())}")


def cpu_secs() -> float:
    """Return the processor time of this process and of those below it that have ended."""
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def peak_kb(pid: str) -> int:
    """Return the most memory that a process has had, 0 where the system does not tell."""
    try:
        lines = Path("/proc", pid, "status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)


def _descendants(pid: str = "self") -> Iterator[str]:
    """Yield the processes below one, as far as the system tells."""
    with suppress(OSError):  # it has ended
        for tasks in Path("/proc", pid, "task").glob("*/children"):
            for child in tasks.read_text().split():
                yield child
                yield from _descendants(child)


class Glances(threading.Thread):
    """Look at something again and again while other things are done; once at the beginning and once at the end at least."""

    def look(self) -> None:
        raise NotImplementedError

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._done = threading.Event()

    def run(self) -> None:
        while not self._done.wait(_LOOK_SECS):
            self.look()

    def __enter__(self) -> Self:
        self.look()
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self.join()
        self.look()


class Others(Glances):
    """See how much memory other processes take that this one has started.

    Attributes:
        kb: The peak of each that was seen.
    """

    def __init__(self) -> None:
        super().__init__()
        self.kb: dict[str, int] = {}

    def look(self) -> None:
        for pid in _descendants():
            self.kb[pid] = max(self.kb.get(pid, 0), peak_kb(pid))
