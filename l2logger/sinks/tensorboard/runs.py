"""The directories that TensorBoard takes for runs, and what goes to which.

Within a run the steps of a curve must not fall: the loader that TensorBoard uses by default takes a step that does for the
sign of a restart, and forgets what came at this step or later. At equal steps it shows the last value, which suits an
experience that is logged in parts.
"""

import os
import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, Protocol

from l2logger import lock
from l2logger.schema import MAX_COUNT, V1_1, WORKER_ID
from l2logger.sinks.tensorboard.contents import GROUPS, Value
from l2logger.sinks.tensorboard.files import EventFile, event_files


class Format(Protocol):
    """How events stand in a file; `l2logger.sinks.tensorboard.events` is one."""

    def encode(self, wall_time: float, step: int, values: Sequence[Value], /) -> bytes:
        """Return one event that brings all values."""

    def last_steps(self, path: str, /) -> dict[str, int]:
        """Return the highest step of each tag in a file."""


MAX_LANES: Final = 10
DEFAULT_WORKER: Final = V1_1.defaults["worker_id"]

_is_worker_id = re.compile(rf"(?!\.\.?\Z){WORKER_ID}").fullmatch
_BEFORE_ALL: Final = -(2**63) - 1


class Lanes:
    """The runs of TensorBoard that show what one worker logs: its directory, and ``late 1``, ``late 2`` ... in it.

    A value whose step falls within its curve goes to the first lane in which it does not. There are `MAX_LANES`; what falls
    further goes to the last one all the same.

    Args:
        directory: Of the worker.
        format: Makes the events.
        header: What files begin with.
        root: See `EventFile`.
    """

    def __init__(self, directory: str, format: Format, header: bytes, *, root: bool = False) -> None:
        self._directory = directory
        self._format = format
        self._header = header
        self.files = [EventFile(directory, header, root=root)]
        self._last_steps: list[dict[str, int]] = [{}]
        self._groups: dict[str, str] = {}
        self._earlier: dict[str, int] | None = None

    def add(self, wall_time: float, step: int | None, values: Sequence[Value]) -> list[tuple[EventFile, int]]:
        """Add values of one step, as one event for each lane that takes some.

        Args:
            wall_time: When they were logged, in seconds since the epoch.
            step: Where they stand; None for behind the last that have their tags.
            values: What to add.

        Returns:
            The files that got something, and how many bytes.
        """
        values = [(self._own_tag(tag, GROUPS[type(content)]), content) for tag, content in values]
        if step is None:
            step = min(MAX_COUNT, 1 + max((self._last_step(tag) for tag, _ in values), default=-1))
        touched = []
        depth = 0
        while values:
            if depth == len(self.files):
                # A space is in no worker_id, so this is no worker's directory.
                self.files.append(EventFile(os.path.join(self._directory, f"late {depth}"), self._header))
                self._last_steps.append({})
            last_steps = self._last_steps[depth]
            depth += 1
            on_time, late = [], []
            for value in values:
                if last_steps.get(value[0], _BEFORE_ALL) <= step or depth == MAX_LANES:
                    last_steps[value[0]] = step
                    on_time.append(value)
                else:
                    late.append(value)
            if on_time:
                file = self.files[depth - 1]
                event = self._format.encode(wall_time, step, on_time)
                file.add(event)
                touched.append((file, len(event)))
            values = late
        return touched

    def _own_tag(self, tag: str, group: str) -> str:
        """Return the tag, or another one if something of another group has it."""
        return tag if self._groups.setdefault(tag, group) == group else self._own_tag(f"{tag}/{group}", group)

    def _last_step(self, tag: str) -> int:
        """Return the highest step of a tag, in the files of earlier sinks as well; -1 if there is none."""
        if self._earlier is None:
            self._earlier = {}
            own = {file.path for file in self.files}
            for path in event_files(self._directory):
                if path not in own:
                    for name, step in self._format.last_steps(path).items():
                        self._earlier[name] = max(step, self._earlier.get(name, step))
        known = [steps[tag] for steps in (self._earlier, self._last_steps[0]) if tag in steps]
        return max(known, default=-1)


class Board:
    """The files of one mirror: those of ``worker-default`` in its directory, those of each other worker in one below.

    Args:
        directory: Of the mirror.
        format: Makes the events.
        header: What files begin with.

    Attributes:
        directory: As given.
        nbytes: How much waits to be written.
    """

    def __init__(self, directory: str, format: Format, header: bytes) -> None:
        self.directory = directory
        self.nbytes = 0
        self._format = format
        self._header = header
        self._workers = {DEFAULT_WORKER: Lanes(directory, format, header, root=True)}
        self._root = self._workers[DEFAULT_WORKER].files[0]
        self._unwritten: set[EventFile] = {self._root}
        self._lock = -1

    def add(self, worker_id: str, wall_time: float, step: int | None, values: Sequence[Value]) -> None:
        """Add values of one step of a worker, as in `Lanes.add`.

        Raises:
            ValueError: That is no name for a worker, and could lead out of the directory.
        """
        lanes = self._workers.get(worker_id)
        if lanes is None:
            if not isinstance(worker_id, str) or not _is_worker_id(worker_id):
                raise ValueError(f"worker_id must match {WORKER_ID}, got {worker_id!r}")
            lanes = Lanes(os.path.join(self.directory, worker_id), self._format, self._header)
            self._workers[worker_id] = lanes
        for file, nbytes in lanes.add(wall_time, step, values):
            self._unwritten.add(file)
            self.nbytes += nbytes

    def add_to_root(self, event: bytes) -> None:
        """Add what concerns the whole run."""
        self._root.add(event)
        self._unwritten.add(self._root)
        self.nbytes += len(event)

    def flush(self) -> None:
        """Write what waits.

        Raises:
            OSError: Some of it is not written, and waits for the next time; the rest is.
        """
        failure: OSError | None = None
        for file in list(self._unwritten):
            try:
                file.flush()
            except OSError as error:
                failure = failure or error
            else:
                self._unwritten.discard(file)
        self.nbytes = sum(file.nbytes for file in self._unwritten)
        if failure is not None:
            raise failure

    def hold(self) -> None:
        """Keep others from superseding these files, until `release`."""
        self.release()
        with suppress(FileNotFoundError):  # deleted meanwhile; there is nothing to supersede
            self._lock = os.open(self._root.path, os.O_RDWR | getattr(os, "O_CLOEXEC", 0))
            lock.take(self._lock, self._root.path)

    def release(self) -> None:
        """Let others supersede these files."""
        if self._lock >= 0:
            descriptor, self._lock = self._lock, -1
            lock.release(descriptor)
            os.close(descriptor)
