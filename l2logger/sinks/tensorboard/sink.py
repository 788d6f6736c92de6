"""Curves and texts for TensorBoard."""

import json
import operator
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

from l2logger.errors import ConfigError, DirectoryError
from l2logger.run import RunInfo
from l2logger.schema import MAX_COUNT
from l2logger.signals import Signal
from l2logger.sinks import numbers
from l2logger.sinks.sink import Sink
from l2logger.sinks.tensorboard.files import supersede
from l2logger.sinks.tensorboard.runs import DEFAULT_WORKER, Board, Value

Tag = Callable[[Mapping[str, Any], str], str]
"""Takes the fields of a record and the name of a metric, and returns the name of its curve."""

Step = Callable[[Mapping[str, Any]], int]
"""Takes the fields of a record and returns its place on the horizontal axis."""

_FLUSH_SECS: Final = 2.0
_MAX_WAITING_BYTES: Final = 2**18
_NOWHERE: Final = (FileExistsError, NotADirectoryError, PermissionError)


def exp_num(fields: Mapping[str, Any]) -> int:
    """Return the number of the experience that a record is of."""
    number: int = fields["exp_num"]
    return number


class TensorBoardSink(Sink):
    """Write the metrics of records as curves, and what they are about as text, into files that TensorBoard shows.

    All metrics of a record are one event. Blocks and tasks are texts where they begin, with the parameters of the task;
    ``scenario_info`` and ``logger_info`` are tables, and the former is the row of the run under HPARAMS. TensorBoard has
    numbers of 32 bits: what is beyond them is infinite there. It shows a thousand points of a curve, chosen at random, unless
    it is started with ``--samples_per_plugin scalars=0``.

    Of a curve whose steps fall TensorBoard shows a part. So each worker but ``worker-default`` is a TensorBoard run of its own,
    a directory with its name, and a value at a step that falls even so goes to a further run, ``late 1`` and so on. Of
    several parts of an experience the last is shown.

    A run that is resumed adds new files to those that are there. Needs ``pip install "l2logger[tensorboard]"``; with the
    package crc32c as well, it takes half the time.

    Args:
        directory: Where the files go, by default ``<scenario_dir>/tensorboard``. Each run needs its own.
        tag: Names the curves, by default ``<block_type>/<task_name>/<metric>``.
        step: Places the values, by default at ``exp_num``.
        flush_secs: At most so long, signals wait for others before they are written together.
        isolate: Where a `DataLogger` runs the sink: ``"process"``, ``"thread"`` or ``"none"``.

    Raises:
        ConfigError: An argument is not what it should be.
    """

    name = "tensorboard"

    def __init__(
        self,
        directory: str | os.PathLike[str] | None = None,
        *,
        tag: Tag | None = None,
        step: Step | None = None,
        flush_secs: float = _FLUSH_SECS,
        isolate: str = "process",
    ) -> None:
        for what, function in (("tag", tag), ("step", step)):
            if function is not None and not callable(function):
                raise ConfigError(f"{what} must be a function that takes the fields of a record, got {function!r}")
        if isinstance(flush_secs, bool) or not isinstance(flush_secs, int | float) or not 0 <= flush_secs < 1e9:
            raise ConfigError(f"flush_secs must be a number of seconds, 0 or more, got {flush_secs!r}")
        if isolate not in ("process", "thread", "none"):
            raise ConfigError(f"isolate must be 'process', 'thread' or 'none', got {isolate!r}")
        self.isolate = isolate
        self._directory = None if directory is None else _local(directory)
        self._tag = tag or numbers.tag
        self._step = step or exp_num
        self._flush_secs = flush_secs
        self._flush_at = 0.0
        self._is_refused = False
        self._board: Board | None = None
        self._events: Any = None
        self._told: dict[str, tuple[Any, set[str]]] = {}
        self._pid = 0

    def options(self) -> dict[str, Any]:
        options: dict[str, Any] = {}
        if self._directory is not None:
            options["directory"] = self._directory
        if self._flush_secs != _FLUSH_SECS:
            options["flush_secs"] = self._flush_secs
        return options

    def open(self, run: RunInfo) -> None:
        """Make the directory and write the first file.

        If the sink is to be `fresh`, what an earlier mirror wrote there is renamed, so that TensorBoard does not see it the
        next time that it is started.

        Raises:
            ImportError: tensorboardX is not installed, or is not in order.
            DirectoryError: The directory cannot be written.
            LogLockedError: The sink is to be fresh, but another mirror is writing there.
        """
        try:
            from l2logger.sinks.tensorboard import events
        except Exception as error:  # what an old tensorboardX raises beside a new protobuf is a TypeError
            reason = str(error).partition("\n")[0]
            problem = f'TensorBoardSink needs tensorboardX: pip install -U "l2logger[tensorboard]" ({reason})'
            raise ImportError(problem, name=getattr(error, "name", None)) from error
        directory = self._directory or os.path.join(run.scenario_dir, "tensorboard")
        self._events, self._pid = events, os.getpid()
        try:
            if self.fresh:
                supersede(directory)
            if self.fresh or self._board is None or self._board.directory != directory:
                self._board = self._begun(directory, run)
            self.flush()
            self._board.hold()
        except _NOWHERE as error:
            self._board = None
            problem = f"files for TensorBoard cannot be kept in {directory}: {error.strerror}"
            raise DirectoryError(error.errno, problem, error.filename) from error
        self.fresh = False

    def write(self, signal: Signal) -> None:
        """Add a record.

        Raises:
            ValueError: Its step or its worker is not one that TensorBoard can show.
            OSError: The disk refuses those before it. This one was not taken.
        """
        if self._is_forked():
            return
        assert self._board is not None
        if self._is_refused:
            self.flush()
        fields = signal.fields
        step = _checked_step(self._step(fields))
        clean, tag = self._events.clean, self._tag
        values: list[Value] = [(clean(tag(fields, metric)), value) for metric, value in numbers.metrics(fields).items()]
        values += self._news(fields)
        self._board.add(fields["worker_id"], _wall_time(fields), step, values)
        if self._board.nbytes >= _MAX_WAITING_BYTES or time.monotonic() >= self._flush_at:
            # The record was taken. If those that wait cannot be written, the next one is told.
            with suppress(OSError):
                self.flush()

    def flush(self) -> None:
        """Write what waits to the files.

        Raises:
            OSError: Some of it still waits.
        """
        if self._board is None or self._is_forked():
            return
        self._is_refused = True
        self._board.flush()
        self._is_refused = False
        self._flush_at = time.monotonic() + self._flush_secs

    def close(self) -> None:
        """Flush, and let a replay have the directory.

        Raises:
            OSError: Some of what was taken since the last flush could not be written; it is lost.
        """
        if self._board is None or self._is_forked():
            return
        board, self._board = self._board, None
        try:
            board.flush()
            self._board = board  # whose steps are known, if it is opened again
        finally:
            board.release()

    def _begun(self, directory: str, run: RunInfo) -> Board:
        now = time.time()
        self._told.clear()
        self._is_refused = False
        board = Board(directory, self._events.encode, self._events.header(now))
        infos = {"scenario_info": run.scenario_info, "logger_info": run.logger_info}
        board.add(DEFAULT_WORKER, now, 0, [(name, self._events.table(info)) for name, info in infos.items() if info])
        if run.scenario_info:
            board.add_to_root(self._events.hyperparameters(now, run.scenario_info))
        return board

    def _news(self, fields: Mapping[str, Any]) -> Iterator[Value]:
        """Yield texts about the block and the task of a record, where the worker begins them."""
        block = fields["block_num"], fields["block_type"], fields.get("block_subtype", "")
        task = str(fields["task_name"])
        known, tasks = self._told.get(fields["worker_id"], (None, set()))
        if known == block and task in tasks:
            return
        escape = self._events.escape
        if known != block:
            tasks = set()
            self._told[fields["worker_id"]] = block, tasks
            yield "block", "block {}: {} {}".format(*map(escape, block)).rstrip()
        tasks.add(task)
        parameters = fields["task_params"]
        with suppress(ValueError, TypeError, RecursionError):
            parameters = json.loads(parameters)
        yield "task", f"{escape(task)}\n\n{self._events.table(parameters)}"

    def _is_forked(self) -> bool:
        # The files belong to the parent. What waits here is written there.
        return self._pid != os.getpid()


def _local(directory: Any) -> str:
    text = os.fspath(directory) if isinstance(directory, str | os.PathLike) else None
    if not isinstance(text, str) or not text or "\0" in text or "://" in text:
        raise ConfigError(f"directory must be a path on this machine, got {directory!r}")
    return os.path.abspath(text)


def _checked_step(step: Any) -> int:
    try:
        number = operator.index(step)
    except TypeError:
        raise ValueError(f"a step must be a whole number, got {step!r}") from None
    if not -MAX_COUNT <= number <= MAX_COUNT:
        raise ValueError(f"a step can have 64 bits, got one of {number.bit_length()}")
    return number


def _wall_time(fields: Mapping[str, Any]) -> float:
    """Return the seconds since the epoch at which a record was written, by the clock of the place where this runs."""
    try:
        return datetime.fromisoformat(fields["timestamp"]).timestamp()
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        return time.time()
