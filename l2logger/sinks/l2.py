"""The canonical sink: the L2 log directory."""

import os
from typing import Any, Final

from l2logger import cells, info_files, paths, recovery
from l2logger.append_file import AppendFile
from l2logger.diagnostics import warn
from l2logger.errors import ConfigError, LogWarning, LogWriteError, SchemaError
from l2logger.file_pool import FilePool
from l2logger.run import Run
from l2logger.signals import Signal

FSYNC: Final = ("never", "flush", "always")


class L2Sink:
    """Write records to ``<worker_id>/<block_num>-<block_type>/data-log.tsv`` below the run directory.

    When `write` returns, the row is in the kernel: killing the process loses nothing. When it raises, the row is not
    in the file. Unlike a mirror, it lets its errors reach the caller.

    It is not a `Sink` like the others, which learn of a run only from outside: it is a part of the run.

    Args:
        fsync: When to wait for the disk: ``"never"``, on ``"flush"`` and close, or ``"always"``, for each record.
        max_open_files: So many files stay open; when workers alternate, theirs are not reopened.

    Attributes:
        columns: Columns of the log in the order of the file, or None before the first record has fixed them.
    """

    def __init__(self, *, fsync: str = "never", max_open_files: int = 64) -> None:
        if fsync not in FSYNC:
            raise ConfigError(f"fsync must be one of {', '.join(map(repr, FSYNC))}, got {fsync!r}")
        if max_open_files < 1:
            raise ConfigError(f"max_open_files must be at least 1, got {max_open_files}")
        self.columns: tuple[str, ...] | None = None
        self._names: frozenset[str] = frozenset()
        self._run: Run | None = None
        self._root = ""
        self._fsync = fsync
        self._pool = FilePool(max_open_files, fsync)

    def open(self, run: Run) -> None:
        self._run = run
        self._root = os.path.abspath(run.scenario_dir)  # so that a later chdir does not split the log

    def write(self, signal: Signal) -> None:
        """Store one record.

        Raises:
            SchemaError: It lacks a column of the log, has one too many, or the file has others.
            RecordError: A value cannot be stored.
            LogWriteError: The operating system refused.
            LogLockedError: Another process is writing the file.
        """
        self.store(signal)

    def store(self, signal: Signal) -> AppendFile:
        """Do what `write` does, and return the file that the row went to."""
        fields = signal.fields
        columns = self._columns_of(fields)
        line = cells.line(columns, fields)
        timestamp = fields["timestamp"]
        file = self.file(fields["worker_id"], fields["block_num"], fields["block_type"], timestamp, columns)
        file.append(line)
        file.used_at = timestamp
        if columns is not self.columns:
            self.columns, self._names = columns, frozenset(columns)
        return file

    def _columns_of(self, fields: Any) -> tuple[str, ...]:
        if self.columns is not None and fields.keys() == self._names:
            return self.columns
        assert self._run is not None
        try:
            columns = self.columns or recovery.columns_of_any_file(self._root)
        except OSError as error:
            problem = f"{error.strerror}; the record was not stored"
            raise LogWriteError(error.errno, problem, error.filename) from error
        expected = set(columns or self._run.schema.columns)
        missing = sorted(expected.difference(fields))
        unexpected = sorted(set(fields).difference(expected), key=str) if columns else []
        if missing or unexpected:
            raise SchemaError(f"the record does not fit the log: missing={missing} unexpected={unexpected}")
        if columns:
            return columns
        return self._run.schema.order(set(fields))

    def file(
        self, worker_id: str, block_num: int, block_type: str, timestamp: str, columns: tuple[str, ...] | None = None
    ) -> AppendFile:
        """Return the open file of a block of a worker, looking once a second whether it is still in its place.

        Args:
            worker_id: Of the record.
            block_num: Of the record.
            block_type: Of the record.
            timestamp: Of the record.
            columns: Of the record, if they are not the columns of the log yet.
        """
        path = paths.data_log(self._root, worker_id, block_num, block_type)
        file = self._pool.get(path)
        second = timestamp[:-7]
        if file is not None and file.checked_at != second and not file.is_in_place():
            file = None
            self._pool.discard(path)
            warn(
                f"{path} was deleted, replaced or cut while it was being written; what it held is not written again, "
                "the log goes on in a new file",
                LogWarning,
            )
        if file is None:
            header = cells.header(columns or self.columns or ())
            self._make_directory(os.path.dirname(path))
            file = self._pool.open(path, header)
            if self._fsync == "always":
                self._sync_directories(os.path.dirname(path))
        file.checked_at = second
        return file

    def _make_directory(self, directory: str) -> None:
        assert self._run is not None
        infos = (os.path.join(self._root, name) for name in (paths.LOGGER_INFO, paths.SCENARIO_INFO))
        vanished = not all(map(os.path.exists, infos))
        paths.make_dir_inside(self._root, directory)
        if not vanished:
            return
        try:
            self._run.write_info_files()
        except OSError as error:
            problem = f"{error.strerror}, so the deleted run cannot be begun anew; the record was not stored"
            raise LogWriteError(error.errno, problem, self._root) from error
        warn(f"{self._root} was deleted while it was being written; its info files are written again", LogWarning)

    def _sync_directories(self, block_dir: str) -> None:
        """Wait until the names of a new file and its directories are on the disk, as its rows will be."""
        for directory in (block_dir, os.path.dirname(block_dir), self._root):
            info_files.sync_directory(directory)

    def flush(self) -> None:
        """Wait for the disk, if that was asked for.

        Raises:
            LogWriteError: The disk refused.
        """
        self._pool.sync()

    def close(self) -> None:
        """Close all files. A later record opens its file again."""
        self._pool.close()

    def after_fork(self) -> None:
        """Let go of the parent's files, in the child."""
        self._pool.after_fork()
