"""Numbers of blocks and experiences that all workers of a run share.

Readers sort the whole log by ``exp_num`` and then want ``block_num`` never to fall. So there is one count of experiences for
all workers, and a block gets no more of them once a later one has begun. How far both are is kept in ``numbering.json`` in
the run directory, changed in place and under a lock: threads, forked children and loggers that joined the run go on from
one another. A run that numbers its records itself has no such file.

It looks like this, with ``allocated`` for the last number that each worker got in this block, and ``released`` for those
it did not use and will get again::

    {"block": [3, "train", "wake"], "workers": ["w0", "w1"], "next_exp_num": 58, "allocated": {"w0": 56, "w1": 57}, "released": {}}
"""

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from l2logger import lock, paths, recovery
from l2logger.append_file import FLAGS
from l2logger.errors import LogWriteError, RecordError
from l2logger.processors.order import Position
from l2logger.schema import V1_1

if TYPE_CHECKING:
    from l2logger.l2logger import DataLogger

_T = TypeVar("_T")

_FLAGS: Final = FLAGS & ~os.O_APPEND
_BYTES: Final = 1024
"""How long the file is at first. Within this nothing is allocated any more, so a full disk cannot tear it."""

_KEYS: Final = ("block", "workers", "next_exp_num", "allocated", "released")

_WAKE: Final = V1_1.defaults["block_subtype"]


class BlockId(NamedTuple):
    """What tells a block from the others."""

    block_num: int
    block_type: str
    block_subtype: str

    def __str__(self) -> str:
        return f"{self.block_num} ({self.block_type} {self.block_subtype})"


class State:
    """How far the run is.

    Args:
        block: Number, type and subtype of the newest block, if there is one.
        workers: Those that have been in it.
        next_exp_num: What the next experience gets.
        allocated: The last number each worker got in the newest block.
        released: Numbers of the newest block that a worker got and did not use, one for each worker at most.
    """

    def __init__(
        self,
        block: Sequence[Any] | None = None,
        workers: Iterable[str] = (),
        next_exp_num: int = 0,
        allocated: Mapping[str, int] = MappingProxyType({}),
        released: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        self.block = None if block is None else BlockId(*block)
        self.workers = list(workers)
        self.next_exp_num = next_exp_num
        self.allocated = dict(allocated)
        self.released = dict(released)

    @classmethod
    def decode(cls, data: bytes) -> "State | None":
        """Return what the file says, or None if it says nothing; a newer version may have put more into it."""
        try:
            found = json.loads(data)
            return cls(*(found[key] for key in _KEYS))
        except (AttributeError, KeyError, TypeError, ValueError):
            return None

    def encode(self) -> bytes:
        """Return what the file is to say."""
        values = (self.block, self.workers, self.next_exp_num, self.allocated, self.released)
        return json.dumps(dict(zip(_KEYS, values, strict=True))).encode()

    def see(self, block: BlockId, worker_id: str, exp_num: int) -> None:
        """Take note of a record that is in the log."""
        self.next_exp_num = max(self.next_exp_num, exp_num + 1)
        if self.block is None or block.block_num > self.block.block_num:
            self.begin(block)
        if block == self.block and worker_id not in self.workers:
            self.workers.append(worker_id)

    def begin(self, block: BlockId) -> BlockId:
        """Take a block for the newest one, which nobody is in yet."""
        self.block, self.workers, self.allocated, self.released = block, [], {}, {}
        return block


class Numbering:
    """The numbers of a run, for one of its workers.

    Args:
        run: The run.
        worker_id: The worker.
    """

    def __init__(self, run: "DataLogger", worker_id: str) -> None:
        self._run = run
        self._worker_id = worker_id

    def enter_block(self, block_type: str, block_subtype: str) -> BlockId:
        """Return the newest block, if it is such a block and new to the worker; otherwise the next one, which begins now."""
        positions = _positions(self._run)
        own = positions[self._worker_id].exp_num if self._worker_id in positions else -1

        def enter(state: State) -> BlockId:
            known = state.block.block_num if state.block else -1
            for worker_id, position in positions.items():  # what was numbered by hand
                state.next_exp_num = max(state.next_exp_num, position.exp_num + 1)
                if position.block_num > known:
                    _, kind, subtype, _ = position.regime
                    state.see(BlockId(position.block_num, kind, subtype or _WAKE), worker_id, position.exp_num)
            newest = state.block
            last = state.next_exp_num - 1
            if newest is not None and state.allocated.get(self._worker_id) == last > own:
                # Only an experience that was interrupted, and of which its block has not heard, is not in the log.
                state.next_exp_num -= not self._has_logged(newest, last)
            if newest is None or newest[1:] != (block_type, block_subtype) or self._worker_id in state.workers:
                newest = state.begin(BlockId(newest.block_num + 1 if newest else 0, block_type, block_subtype))
            state.workers.append(self._worker_id)
            return newest

        return _change(self._run, enter)

    def allocate(self, block: BlockId, again: int | None = None, *, interrupted: bool = False) -> int:
        """Return the number of the worker's next experience in `block`.

        Args:
            block: The block that the worker is in.
            again: A number the worker has had in this block before and is to get once more.
            interrupted: The worker may have had a number without having heard of it, and gets that once more if nothing
                of it is in the log.

        Raises:
            RecordError: A later block has begun.
        """
        logged = {worker_id: position.exp_num for worker_id, position in _positions(self._run).items()}
        own = logged.get(self._worker_id, -1)

        def allocate(state: State) -> int:
            if state.block is None or state.block.block_num < block.block_num:  # the file was lost
                state.begin(block)
                state.workers = [self._worker_id]
            if state.block != block:
                raise RecordError(
                    f"block {block} gets no more experiences, as {state.workers[0] if state.workers else 'a worker'} has begun block "
                    f"{state.block}, and in a log sorted by exp_num the blocks must not mix. Let all workers wait for one another at "
                    "the end of each block, for instance at a multiprocessing.Barrier"
                )
            if again is not None and again >= own:
                return again
            last = state.allocated.get(self._worker_id, -1)
            if interrupted and last > own and not self._has_logged(block, last):
                return last
            state.next_exp_num = max(state.next_exp_num, 1 + max(logged.values(), default=-1))  # numbered by hand
            exp_num = state.released.pop(self._worker_id, -1)
            if exp_num <= own:
                exp_num = state.next_exp_num
            state.next_exp_num = max(state.next_exp_num, exp_num + 1)
            state.allocated[self._worker_id] = exp_num
            return exp_num

        return _change(self._run, allocate)

    def release(self, block: BlockId, exp_num: int) -> None:
        """Take back a number that was not used: it is the next to be allocated, or if there are later ones, to this worker."""

        def release(state: State) -> None:
            if state.block == block:
                state.allocated.pop(self._worker_id, None)
                if state.next_exp_num == exp_num + 1:
                    state.next_exp_num = exp_num
                else:
                    state.released[self._worker_id] = exp_num

        _change(self._run, release)

    def _has_logged(self, block: BlockId, exp_num: int) -> bool:
        row = self.last_logged(block)
        return row is not None and row[0] >= exp_num

    def last_logged(self, block: BlockId) -> tuple[int, str] | None:
        """Return number and status of the worker's last row in a block, as its file says."""
        path = paths.data_log(self._run.root, self._worker_id, block.block_num, block.block_type)
        row = recovery.last_row(path, self._run.schema)
        return None if row is None else (row["exp_num"], row["exp_status"])


def incomplete_experience(run: "DataLogger", worker_id: str, block_num: int) -> tuple[int, str] | None:
    """Return number and task of the experience of a block that a worker has begun to log and is to do again, if there is one."""
    last = _positions(run).get(worker_id)
    if last is None or last.complete or last.block_num != block_num:
        return None
    return last.exp_num, last.regime[-1]


def resume(run: "DataLogger") -> None:
    """Let the workers of a run whose processes have ended go on where they were.

    Each may enter the newest block again, and gets back the number allocated to it if nothing of that experience was logged.
    """
    if not os.path.exists(_path(run)):
        return
    logged = {worker_id: position.exp_num for worker_id, position in _positions(run).items()}

    def clear(state: State) -> None:
        state.workers = []
        state.released |= {each: exp_num for each, exp_num in state.allocated.items() if exp_num > logged.get(each, -1)}
        state.allocated = {}
        unused = {exp_num: worker_id for worker_id, exp_num in state.released.items()}
        while state.next_exp_num - 1 in unused:
            state.next_exp_num -= 1
            del state.released[unused[state.next_exp_num]]

    _change(run, clear)


def _positions(run: "DataLogger") -> dict[str, Position]:
    with run._pipeline.hold():
        return {worker_id: position for order in run._orders() for worker_id, position in order.positions.items()}


def _path(run: "DataLogger") -> str:
    return os.path.join(run.root, paths.NUMBERING)


def _change(run: "DataLogger", change: Callable[[State], _T]) -> _T:
    """Change the present state while others wait, and return what `change` does.

    The file is opened each time, because forked children share a lock on one that their parent has opened.
    """
    path = _path(run)
    file = None
    try:
        try:
            file = lock.LockFile(path, _FLAGS)
        except OSError as error:
            if error.errno is None:  # raised by a signal handler, such as a TimeoutError
                raise
            raise LogWriteError(error.errno, f"{error.strerror}; no number was allocated", path) from error
        fd = file.fileno()
        lock.wait(fd)
        before = os.read(fd, os.fstat(fd).st_size)
        state = State.decode(before) or _from_log(run)
        result = change(state)
        _write(fd, path, before, state.encode())
        return result
    finally:  # as a context manager could not: it may be interrupted before it has begun, and before it ends
        if file is not None:
            file.close()


def _write(fd: int, path: str, before: bytes, after: bytes) -> None:
    """Write at one stroke, and no less than was there, so that a kill leaves the one or the other."""
    data = after.ljust(max(len(before), _BYTES) - 1) + b"\n"
    try:
        os.lseek(fd, 0, os.SEEK_SET)
        if os.write(fd, data) < len(data):
            raise OSError(None, "the disk is full")
    except OSError as error:
        with suppress(OSError):
            os.lseek(fd, 0, os.SEEK_SET)
            os.write(fd, before)
            os.ftruncate(fd, len(before))
        raise LogWriteError(error.errno, f"{error.strerror}; no number was allocated", path) from error


def _from_log(run: "DataLogger") -> State:
    """Return the state of a run that was numbered otherwise so far, or that is new."""
    state = State()
    for row in recovery.examine(run.root, run.schema, repair=False).rows:
        block = BlockId(row["block_num"], row["block_type"], row.get("block_subtype") or _WAKE)
        state.see(block, row["worker_id"], row["exp_num"])
    return state
