"""Everything that is logged, for TensorBoard."""

import os
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

from l2logger.checks import step as checked_step
from l2logger.errors import ConfigError, DirectoryError
from l2logger.run import RunInfo
from l2logger.signals import ARTIFACT, DESCRIPTION, KINDS, NOTE, PARAMS, RECORD, TABLE, TEXT, Signal
from l2logger.sinks import numbers
from l2logger.sinks.sink import Sink
from l2logger.sinks.tensorboard.contents import Text
from l2logger.sinks.tensorboard.files import supersede
from l2logger.sinks.tensorboard.records import Records, Step, Tag, exp_num
from l2logger.sinks.tensorboard.runs import DEFAULT_WORKER, Board
from l2logger.sinks.tensorboard.summaries import Summaries
from l2logger.sinks.tensorboard.texts import table

_FLUSH_SECS: Final = 2.0
_MAX_WAITING_BYTES: Final = 2**18
_WORDS: Final = frozenset({ARTIFACT, DESCRIPTION, NOTE, PARAMS, TABLE, TEXT})
_NOWHERE: Final = (FileExistsError, NotADirectoryError, PermissionError)


class TensorBoardSink(Sink):
    """Write all signals into files that TensorBoard shows.

    All metrics of a record are one event. Blocks and tasks are texts where they begin, with the parameters of the task;
    ``scenario_info`` and ``logger_info`` are tables. Other signals stand under their own names:

    - Metrics are curves, over the steps that they were given, whatever clock these are of. What `describe` says of a metric is shown
      at the curves that begin after it, those of records too.
    - Parameters are a table, and with ``scenario_info`` the row of the run under HPARAMS. TensorBoard takes one row, so it is
      written with the first number or picture; parameters that come later are in the table only.
    - Histograms have the buckets that were logged. Images and figures are the PNG files, byte for byte. Videos are animated GIFs
      among the images, with all frames; those of more than `gif.MAX_PIXELS` (2**25 in all frames together) become smaller, then shorter.
    - Texts and notes are Markdown, tables have 200 rows at most. Of arrays and artifacts, it is told what they are and where.

    A signal without a step stands behind the last of its name: at 0, 1, 2, ... Of different kinds of signal with one name
    TensorBoard would show the first; so others have their kind behind the name, such as ``loss/histograms`` or ``rollout/videos``.

    TensorBoard has numbers of 32 bits: what is beyond them is infinite there. It shows a sample, chosen at random: 1000 points of a
    curve, ten images of a name, unless it is started with ``--samples_per_plugin scalars=0,images=0``.

    Of a curve whose steps fall TensorBoard shows a part. So each worker but ``worker-default`` is a TensorBoard run of its own,
    a directory with its name, and a value at a step that falls even so goes to a further run, ``late 1`` and so on. Of
    several values at one step, such as parts of an experience, the last is shown.

    A run that is resumed adds new files to those that are there. Needs ``pip install "l2logger[tensorboard]"``, and the
    extra ``media`` for videos; with the package crc32c as well, it takes half the time.

    Args:
        directory: Where the files go, by default ``<scenario_dir>/tensorboard``. Each run needs its own.
        tag: Names the curves of records, by default ``<block_type>/<task_name>/<metric>``.
        step: Places the values of records, by default at ``exp_num``.
        flush_secs: At most so long, signals wait for others before they are written together.
        isolate: Where a `DataLogger` runs the sink: ``"process"``, ``"thread"`` or ``"none"``.

    Raises:
        ConfigError: An argument is not what it should be.
    """

    name = "tensorboard"
    kinds = KINDS

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
        """Add a signal.

        Raises:
            ValueError: Its step or its worker is not one that TensorBoard can show, or its file is not a video.
            FileNotFoundError: Its file is not there.
            OSError: The disk refuses those before it. This one was not taken.
        """
        if self._is_forked():
            return
        assert self._board is not None
        if self._is_refused:
            self.flush()
        fields = signal.fields
        step: int | None
        if signal.kind == RECORD:
            step, values = self._records.of(fields)
        else:
            step = None if fields["step"] is None else checked_step(fields["step"])
            values = self._summaries.of(signal)
        if signal.kind not in _WORDS:
            self._add_row()
        self._board.add(fields["worker_id"], _wall_time(fields), step, values)
        if self._board.nbytes >= _MAX_WAITING_BYTES or time.monotonic() >= self._flush_at:
            # The signal was taken. If those that wait cannot be written, the next one is told.
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
        self._add_row()
        board, self._board = self._board, None
        try:
            board.flush()
            self._board = board  # whose steps are known, if it is opened again
        finally:
            board.release()

    def _begun(self, directory: str, run: RunInfo) -> Board:
        self._began_at = time.time()
        self._is_refused = False
        self._summaries = Summaries(run.scenario_dir)
        self._records = Records(self._tag, self._step, self._summaries)
        self._scenario_info: Any = run.scenario_info
        self._has_row = False
        board = Board(directory, self._events, self._events.header(self._began_at))
        infos = {"scenario_info": run.scenario_info, "logger_info": run.logger_info}
        board.add(
            DEFAULT_WORKER, self._began_at, 0, [(name, Text(table(info))) for name, info in infos.items() if info]
        )
        return board

    def _add_row(self) -> None:
        """Add the row of hyperparameters, once: of several in a run, TensorBoard takes the first."""
        if self._has_row or self._board is None:
            return
        self._has_row = True
        if row := self._summaries.parameters(self._scenario_info):
            self._board.add_to_root(self._events.hyperparameters(self._began_at, row))

    def _is_forked(self) -> bool:
        # The files belong to the parent. What waits here is written there.
        return self._pid != os.getpid()


def _local(directory: Any) -> str:
    text = os.fspath(directory) if isinstance(directory, str | os.PathLike) else None
    if not isinstance(text, str) or not text or "\0" in text or "://" in text:
        raise ConfigError(f"directory must be a path on this machine, got {directory!r}")
    return os.path.abspath(text)


def _wall_time(fields: Mapping[str, Any]) -> float:
    """Return the seconds since the epoch at which a signal was logged, by the clock of the place where this runs."""
    try:
        return datetime.fromisoformat(fields["timestamp"]).timestamp()
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        return time.time()
