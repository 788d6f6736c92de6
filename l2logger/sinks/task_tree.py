"""The log directory of format 0.1: one directory for each task."""

import os
from collections.abc import Mapping
from typing import Any, Final

from l2logger import cells, paths, tail
from l2logger.append_file import AppendFile
from l2logger.errors import SchemaError
from l2logger.file_pool import FilePool
from l2logger.signals import RECORD, Signal
from l2logger.sinks.sink import Sink

REGIME: Final = "regime"
"""The kind of a row that says which block and task begin."""

REGIME_COLUMNS: Final = ("block_num", "regime_num", "block_type", "worker", "task_name", "params")

_MAX_OPEN_FILES: Final = 8


class TaskTreeSink(Sink):
    """Write the rows of format 0.1 to the directory entered last.

    Args:
        root: Directory that nothing may be written outside of.
        standard_columns: Columns that the first record of a file must bring; they come first.

    Attributes:
        directory: Directory entered last, or None.
    """

    kinds = frozenset({REGIME, RECORD})

    def __init__(self, root: str, standard_columns: tuple[str, ...]) -> None:
        self.directory: str | None = None
        self._regime_log = ""
        self._root = root
        self._standard_columns = standard_columns
        self._pool = FilePool(_MAX_OPEN_FILES, "never")

    def enter(self, directory: str, regime_log: str) -> None:
        """Let all rows from now on go to `directory`, which is made.

        Args:
            directory: Where the task is logged.
            regime_log: Name of the file for rows of the kind ``"regime"``.

        Raises:
            LogWriteError: The directory cannot be made.
        """
        paths.make_dir_inside(self._root, directory)
        self.directory = directory
        self._regime_log = regime_log

    def write(self, signal: Signal) -> None:
        """Store one row; a column that it lacks stays empty, unless it is the first of its file.

        Raises:
            SchemaError: It has a column that the file has not, or it is the first and lacks a standard column.
            LogWriteError: The operating system refused.
        """
        assert self.directory is not None
        name = self._regime_log if signal.kind == REGIME else paths.DATA_LOG
        path = os.path.join(self.directory, name)
        columns = _columns_on_disk(path) or self._columns_of_first(signal)
        if unexpected := sorted(set(signal.fields).difference(columns), key=str):
            raise SchemaError(f"{path} has the columns {list(columns)}; unexpected={unexpected}")
        line = cells.line(columns, {name: signal.fields.get(name) for name in columns})
        self._append(path, cells.header(columns), line)

    def _columns_of_first(self, signal: Signal) -> tuple[str, ...]:
        standard = REGIME_COLUMNS if signal.kind == REGIME else self._standard_columns
        missing = [name for name in standard if name not in signal.fields]
        extras = sorted(set(signal.fields).difference(standard), key=str)
        if missing or (extras and signal.kind == REGIME):
            raise SchemaError(
                f"the first row of a file must have the columns {list(standard)}: missing={missing}"
                + (f" unexpected={extras}" if signal.kind == REGIME else "")
            )
        return (*standard, *extras)

    def _append(self, path: str, header: bytes, line: bytes) -> None:
        file: AppendFile | None = self._pool.get(path)
        if file is None or not file.is_in_place():
            file = self._pool.open(path, header)
        try:
            file.append(line)
        except BaseException:
            self._pool.discard(path)
            raise

    def flush(self) -> None:
        """Do nothing: each row is with the operating system when `write` returns."""

    def close(self) -> None:
        """Close all files. A later row opens its file again."""
        self._pool.close()

    def after_fork(self) -> None:
        """Let go of the parent's files, in the child."""
        self._pool.after_fork()


def _columns_on_disk(path: str) -> tuple[str, ...] | None:
    """Return the columns of a file, or None if it is not there or has no whole header."""
    try:
        fd = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    except OSError:
        return None
    try:
        data = tail.read_at(fd, 0, 2**16)
    finally:
        os.close(fd)
    header, newline, _ = data.partition(b"\n")
    return tuple(cells.split(header.decode(errors="replace"))) if newline else None


def checked_component(what: str, name: Any) -> str:
    """Return `name` as the name of one directory.

    Slashes become underscores, so that a task called ``ALE/Pong-v5`` is one directory.

    Args:
        what: What it names, for the error.
        name: Text.

    Raises:
        SchemaError: It cannot name a directory inside of another.
    """
    if not isinstance(name, str) or name in ("", ".", "..") or not name.isprintable():
        raise SchemaError(f"{what} must be text that can name a directory, got {name!r}")
    return name.replace("/", "_").replace("\\", "_")


def regime_row(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the record as a row of the kind ``"regime"``, which has these six columns and no others.

    Raises:
        SchemaError: It has others; `missing` and `unexpected` are listed.
    """
    missing = [name for name in REGIME_COLUMNS if name not in record]
    unexpected = sorted(set(record).difference(REGIME_COLUMNS), key=str)
    if missing or unexpected:
        raise SchemaError(
            f"a block row has the columns {list(REGIME_COLUMNS)}: missing={missing} unexpected={unexpected}"
        )
    return dict(record)
