"""What one process says of a run in its manifest."""

import os
import re
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, Final

from l2logger import liveness, lock, manifest_file, paths, provenance
from l2logger.errors import ConfigError, LogLockedError
from l2logger.manifest_file import INTERRUPTED, RUNNING, sessions
from l2logger.redaction import redacted

Change = Callable[[dict[str, Any]], None]
"""Changes the content of a manifest."""

_is_dated: Final = re.compile(r"(.+)-\d{9,}(?:-\d+)?").fullmatch


class Session:
    """Write a manifest, as one of several processes. What goes wrong with it is a warning.

    Args:
        root: Directory of the run.
        owner: Whether this process says how the run is doing; it does so anyway if it writes the first manifest.
        clock: Returns seconds since 1970.
    """

    def __init__(self, root: str, owner: bool, clock: Callable[[], float] = time.time) -> None:
        self._root = root
        self._owner = owner
        self._clock = clock
        self._pid = os.getpid()
        self._is_open = False
        self._tags: tuple[str, ...] = ()
        self._started = ""
        self._origin: dict[str, Any] = {}
        self._directory = -1
        self._waiting: list[Change] = []

    def begin(self, tags: tuple[str, ...]) -> bool:
        """Begin the session, or go on with one that was finished; return False if it is open."""
        if self._is_open:
            return False
        self._is_open = True
        self._tags += tags
        self._directory, others = liveness.hold(self._root)
        self._owner |= not os.path.lexists(os.path.join(self._root, paths.MANIFEST))
        if not self._started:
            self._started = self._now()
            self._origin = provenance.provenance() if self._owner else {}

        def change(manifest: dict[str, Any]) -> None:
            if self._owner:
                if not others:
                    _interrupt(manifest)
                self._own(manifest).update({"ended": None, "status": RUNNING})
                manifest.update({"status": RUNNING, "ended": None, **self._origin})

        if self._owner or tags:
            self.update(change)
        return True

    def update(self, change: Change) -> None:
        """Change the manifest on disk; what could not be written is tried again with the next change.

        It is done later, if this thread is changing a manifest right now: then this is a finalizer or a signal handler.
        """
        self._waiting.append(change)
        _in_turn(self._write)

    def _write(self) -> None:
        try:
            manifest_file.update(self._root, self._change)
        except ConfigError as error:
            self._waiting.pop()
            manifest_file.tell(f"{error}; it is not in the manifest of {self._root}")
        except (OSError, LogLockedError) as error:
            manifest_file.tell(f"the manifest of {self._root} cannot be written: {error}; the logging goes on")
        else:
            self._waiting.clear()

    def finish(self, status: str) -> None:
        """Write how the run ended, if this process is the one to say so, and nobody else goes on with it.

        It is done later when `update` is.
        """
        _in_turn(partial(self._finish, status))

    def _finish(self, status: str) -> None:
        if not self._is_open or self._pid != os.getpid():
            return
        self._is_open = False
        others = liveness.others_hold(self._directory) if self._directory >= 0 else None
        now, packages = self._now(), provenance.packages()

        def change(manifest: dict[str, Any]) -> None:
            if self._owner:
                self._own(manifest).update({"ended": now, "status": status})
                if others is False:
                    _interrupt(manifest)
                manifest["packages"] = manifest_file.merged(manifest.get("packages"), packages)
                if not others or all(session.get("status") != RUNNING for session in sessions(manifest)):
                    manifest.update({"ended": now, "status": status})

        if self._owner or self._waiting:
            self._waiting.append(change)
            self._write()
        self._let_go()

    def after_fork(self) -> None:
        """Leave the session to the parent, in the child, which begins one of its own if it has something to say."""
        self._pid = os.getpid()
        self._is_open = self._owner = False
        self._started = ""
        self._waiting = []
        self._let_go(unlock=False)

    def _let_go(self, *, unlock: bool = True) -> None:
        directory, self._directory = self._directory, -1
        if directory >= 0:
            if unlock:
                lock.release(directory)
            os.close(directory)

    def _change(self, manifest: dict[str, Any]) -> None:
        if not manifest:
            manifest.update(self._beginning())
        manifest["tags"] = list(dict.fromkeys([*(manifest.get("tags") or ()), *redacted(list(self._tags))]))
        for change in self._waiting:
            change(manifest)
        manifest["sessions"] = manifest.pop("sessions", [])  # last, as it grows

    def _beginning(self) -> dict[str, Any]:
        name = os.path.basename(os.path.abspath(self._root))
        dated = _is_dated(name)
        scenario = dated[1] if dated else name
        times = {"started": self._started, "ended": None}
        return {"run_id": name, "scenario": scenario, "status": RUNNING, "tags": [], **times, **self._origin}

    def _own(self, manifest: dict[str, Any]) -> dict[str, Any]:
        """Return what the manifest says of this session."""
        key = {"started": self._started, "host": provenance.host(), "pid": self._pid}
        for session in sessions(manifest):
            if session.items() >= key.items():
                return session
        git = self._origin.get("git")
        commit = git["commit"] if isinstance(git, Mapping) else None
        own = {"started": self._started, "ended": None, "status": RUNNING, **key, "commit": commit}
        manifest["sessions"].append(own)
        return own

    def _now(self) -> str:
        return datetime.fromtimestamp(self._clock()).astimezone().isoformat(timespec="milliseconds")


def _interrupt(manifest: dict[str, Any]) -> None:
    """Say of the sessions that go on that they do not: their processes are gone."""
    for session in sessions(manifest):
        if session.get("status") == RUNNING:
            session["status"] = INTERRUPTED


class _Turn(threading.local):
    """What one thread has to do with manifests, each of which it can lock only once at a time."""

    def __init__(self) -> None:
        self.is_taken = False
        self.calls: list[Callable[[], None]] = []


_turn: Final = _Turn()


def _in_turn(call: Callable[[], None]) -> None:
    """Do something now, or after what this thread is in the midst of."""
    _turn.calls.append(call)
    if _turn.is_taken:
        return
    try:
        _turn.is_taken = True
        while _turn.calls:
            _turn.calls.pop(0)()
    finally:
        _turn.is_taken = False
