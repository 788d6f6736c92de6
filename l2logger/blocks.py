"""Blocks and experiences that number themselves.

    with logger.block("train") as block:
        for params in curriculum:
            with block.experience("CartPole_short", params) as experience:
                ...
                experience.log(reward=21.0)

Several workers of a run, in threads, forked children or processes that joined it, do the same side by side, each with a
``worker_id`` of its own: they share the numbers (see `l2logger.numbering`). They must only wait for one another at the end of
each block.
"""

import copy
import threading
import weakref
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from l2logger.artifact_methods import ArtifactMethods
from l2logger.errors import LogFormatError, RecordError
from l2logger.experiences import Experience
from l2logger.handle import Handle
from l2logger.media_methods import MediaMethods
from l2logger.numbering import Numbering, incomplete_experience
from l2logger.schema import COMPLETE, V1_1
from l2logger.signal_methods import SignalMethods

if TYPE_CHECKING:
    from l2logger.bound import BoundLogger
    from l2logger.l2logger import DataLogger


class BlockMethods(Handle):
    """Blocks that number themselves."""

    __slots__ = ()

    def bind(self, **fields: Any) -> "BoundLogger":
        """Return a light handle that adds `fields` to each record."""
        raise NotImplementedError

    def block(self, block_type: str, subtype: str = "wake") -> "Block":
        """Begin the next block, or enter the present one.

        The numbers of blocks and experiences are counted for all workers of the run together. If the newest block is of this
        type and subtype, and this worker was not in it yet, it is the one: another worker began it. Otherwise the next
        one begins, and the one before is over for all workers: they get no more numbers in it, so
        have them wait for one another between two blocks. In a run that was opened with `DataLogger.resume`, a worker goes on with
        the newest block if it is of this type and subtype. A worker that is started again while others go on must have a new
        ``worker_id``.

        Args:
            block_type: ``"train"`` or ``"test"``.
            subtype: ``"wake"`` or ``"sleep"``.

        Raises:
            RecordError: The format does not know such a block.
            LogWriteError: The numbers cannot be kept.

        Example:
            >>> with logger.block("train") as block:  # doctest: +SKIP
            ...     with block.experience("CartPole_short", {"length": 0.5}) as experience:
            ...         experience.log(reward=21.0)
        """
        return Block(self.bind(), block_type, subtype)


class Block(SignalMethods, MediaMethods, ArtifactMethods):
    """One block, as one worker takes part in it. Made by `block`; it need not be used as a context.

    Metrics, images and so on that are logged by it have it as their context.

    Args:
        to: The run, with a ``worker_id`` and whatever else goes into each record.
        block_type: As in the log.
        block_subtype: As in the log.

    Attributes:
        block_num: Its number.
        logger: The run with the block bound, for metrics, images and so on.
    """

    def __init__(self, to: "BoundLogger", block_type: str, block_subtype: str) -> None:
        given = {"block_type": block_type, "block_subtype": block_subtype}
        for name, word in given.items():
            words = V1_1.vocabularies[name]
            if not isinstance(word, str) or word not in words:
                raise RecordError(f"{name} must be {' or '.join(map(repr, sorted(words, reverse=True)))}, got {word!r}")
        if "block_subtype" not in to.run.schema.columns and given.pop("block_subtype") != "wake":
            raise RecordError(
                f"format {to.run.schema.version} has no block_subtype, every block is wake; got {block_subtype!r}"
            )
        worker_id = to._worker_id()
        self._numbering = Numbering(to.run, worker_id)
        self._id = self._numbering.enter_block(block_type, block_subtype)
        self.block_num = self._id.block_num
        self.logger = to.bind(block_num=self.block_num, **given)
        self._again = incomplete_experience(to.run, worker_id, self.block_num)
        self._open: weakref.ref[Experience] | None = None
        self._over = False
        self._beginning: set[int] = set()  # threads whose last experience has not come to a regular end

    @property
    def run(self) -> "DataLogger":
        return self.logger.run

    def _context(self) -> dict[str, Any]:
        return self.logger._context()

    @property
    def block_type(self) -> str:
        """``"train"`` or ``"test"``."""
        return self._id.block_type

    @property
    def block_subtype(self) -> str:
        """``"wake"`` or ``"sleep"``."""
        return self._id.block_subtype

    def experience(self, task_name: str, task_params: Mapping[str, Any] | None = None) -> Experience:
        """Return a context for one experience, in which its rows are logged.

        An experience that ended by an exception, or by the end of its process, is to be done again: the worker's next one
        in this block, if it is of the same task, has the same number.

        Args:
            task_name: ``<task>_<variant>``.
            task_params: What is special about the task; anything JSON can hold.
        """
        return Experience(self, task_name, {} if task_params is None else copy.deepcopy(task_params))

    def log(self, task_name: str, task_params: Mapping[str, Any] | None = None, **metrics: Any) -> int:
        """Log an experience that is over, in one row, and return its number, which it gets now.

        Any number of experiences may go on at a time if each is logged like this, at its end.

        Args:
            task_name: ``<task>_<variant>``.
            task_params: What is special about the task.
            **metrics: Values by column.

        Raises:
            RecordError: The record breaks a rule, or the block is over.
            LogWriteError: The operating system refused the write.
        """
        with Experience(self, task_name, {} if task_params is None else task_params) as experience:
            experience.log(metrics)
        return experience.exp_num

    def _begin(self, experience: "Experience") -> int:
        if self._over:
            raise RecordError(f"block {self._id} has ended; begin another one with block(...)")
        thread = threading.get_ident()
        # Nobody has an experience any more that was interrupted before its context was entered.
        if self._open is not None and (going_on := self._open()) is not None:
            if going_on.thread == thread:
                self._open = None  # A signal handler may have interrupted its end. Whether it did is not to be seen, so this is said once.
            raise RecordError(
                f"experience {going_on.exp_num} goes on, and a worker has one at a time; end it first, or use Block.log for "
                "experiences that go on side by side, or give each thread a block of its own: logger.bind(worker_id=...).block(...). "
                "If an exception out of a signal handler has cut it short, just begin the next one again"
            )
        interrupted = thread in self._beginning
        self._beginning.add(thread)
        again = self._again[0] if self._again and self._again[1] == experience.task_name else None
        return self._numbering.allocate(self._id, again, interrupted=interrupted)

    def _end(self, experience: "Experience", status: str | None, *, interrupted: bool) -> None:
        """Take note of what the last row of an experience says, None if it has no row.

        Args:
            experience: The experience.
            status: Of the row, as far as it is known.
            interrupted: What became of a further row is not known.
        """
        exp_num = experience.exp_num
        if interrupted:
            with suppress(OSError, LogFormatError):
                logged = self._numbering.last_logged(self._id)
                status = logged[1] if logged is not None and logged[0] == exp_num else status
        redone = self._again is not None and self._again[0] == exp_num
        if status is None:
            if not redone:
                self._numbering.release(self._id, exp_num)
        else:
            self._again = None if status == COMPLETE else (exp_num, experience.task_name)
        self._beginning.discard(threading.get_ident())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over = True

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_open": None, "_beginning": set()}  # which is up to this process

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._id} of {self.logger.run.scenario_dir!r}>"
