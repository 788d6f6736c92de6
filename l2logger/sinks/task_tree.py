"""The log directory of format 0.1: one directory for each task."""

import os
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from l2logger import cells, info_files, paths
from l2logger.append_file import AppendFile
from l2logger.diagnostics import warn
from l2logger.errors import LogWarning, LogWriteError, RecordError, SchemaError
from l2logger.file_pool import FilePool
from l2logger.signals import RECORD, Signal
from l2logger.sinks.sink import Sink

REGIME: Final = "regime"
"""The kind of a signal that says where rows go from now on: ``context`` and ``row``, a regime's row or None."""

REGIME_COLUMNS: Final = ("block_num", "regime_num", "block_type", "worker", "task_name", "params")

_FILES_OF_A_CONTEXT: Final = 2


class Context(NamedTuple):
    """Where rows go: one task of one block of one worker.

    Attributes:
        path: Names of four directories, each inside of the one before: scenario, worker, block, task.
        regime_log: Name of the file that lists the regimes of the task.
        infos: Content of files of the scenario, by name. Those that are there already are left alone.
    """

    path: tuple[str, ...]
    regime_log: str
    infos: Mapping[str, bytes]


class TaskTreeSink(Sink):
    """Write the rows of format 0.1 to the context entered last.

    When `write` returns, the row is in the kernel: killing the process loses nothing. When it raises, the row is not
    in the file, and the context is the one before.

    Args:
        root: Absolute path of the directory that nothing is written outside of.
        standard_columns: Columns that the first record of a file must bring; they come first.

    Attributes:
        context: Entered last, or None.
    """

    kinds = frozenset({REGIME, RECORD})

    def __init__(self, root: str, standard_columns: tuple[str, ...]) -> None:
        self.context: Context | None = None
        self._root = root
        self._standard_columns = standard_columns
        self._columns: dict[str, tuple[str, ...]] = {}
        self._pool = FilePool(_FILES_OF_A_CONTEXT, "never")

    def write(self, signal: Signal) -> None:
        """Store one row; a column that it lacks stays empty, unless it is the first of its file.

        Raises:
            SchemaError: It has a column that the file has not, or it is the first and lacks a standard column.
            RecordError: A value cannot be stored.
            LogWriteError: The operating system refused, or a link leads out of the root.
            LogLockedError: Another process is writing the file.
        """
        if signal.kind == REGIME:
            self._enter(signal.fields["context"], signal.fields["row"])
        else:
            assert self.context is not None
            self._append(self.context, paths.DATA_LOG, signal.fields)

    def _enter(self, context: Context, row: Mapping[str, Any] | None) -> None:
        if self.context is not None and self.context.path != context.path:
            self.close()  # so that another process can go on with the task that is left
        if row is None:
            self._make_directory(context)
        else:
            self._append(context, context.regime_log, row)
        self.context = context

    def _append(self, context: Context, name: str, row: Mapping[str, Any]) -> None:
        """Append a row to a file, after all that can be said against it has been said."""
        path = os.path.join(self._root, *context.path, name)
        file = self._open_file(path)
        columns = self._columns[path] if file else _columns_on_disk(path) or self._columns_of_first(name, row)
        if unexpected := sorted(set(row).difference(columns), key=str):
            raise SchemaError(
                f"{path} has the columns {list(columns)}, those of its first row: unexpected={unexpected}; "
                "leave them out, or log them from the first row on"
            )
        line = cells.line(columns, {name: row.get(name) for name in columns})
        if file is None:
            header = cells.header(columns)
            self._make_directory(context)
            file = self._pool.open(path, header)
            self._columns[path] = columns
        try:
            file.append(line)
        except BaseException:
            self._pool.discard(path)  # so that it is examined before it is used again
            raise

    def _open_file(self, path: str) -> AppendFile | None:
        file = self._pool.get(path)
        if file is None or file.is_in_place():
            return file
        self._pool.discard(path)
        warn(
            f"{path} was deleted, replaced or cut while it was being written; what it held is not written again, "
            "the log goes on in a new file",
            LogWarning,
        )
        return None

    def _columns_of_first(self, name: str, row: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the columns of a new file: the standard ones, then the others in the order of their code points."""
        is_data_log = name == paths.DATA_LOG
        standard = self._standard_columns if is_data_log else REGIME_COLUMNS
        if wrong := [column for column in row if not isinstance(column, str)]:
            raise SchemaError(f"column names must be text, got {wrong}")
        missing = [column for column in standard if column not in row]
        extras = sorted(set(row).difference(standard))
        unexpected = [] if is_data_log else extras
        if missing or unexpected:
            raise SchemaError(
                f"the first row of a {name} must have the columns {list(standard)}, "
                f"{'and may have more' if is_data_log else 'and no others'}: {missing=} {unexpected=}"
            )
        return (*standard, *extras)

    def _make_directory(self, context: Context) -> None:
        """Make the directory of a task, and the files of the scenario that are not there yet."""
        paths.make_dir_inside(self._root, os.path.join(self._root, *context.path))
        for name, data in context.infos.items():
            path = os.path.join(self._root, context.path[0], name)
            if os.path.exists(path):
                continue
            try:
                info_files.replace(path, data)
            except OSError as error:
                # Another worker may have been faster.
                if not os.path.exists(path):
                    raise LogWriteError(error.errno, f"{error.strerror}; the record was not stored", path) from error

    def close(self) -> None:
        """Close all files. A later row opens its file again."""
        self._columns.clear()
        self._pool.close()

    def after_fork(self) -> None:
        """Let go of the parent's files, in the child."""
        self._pool.after_fork()


def _columns_on_disk(path: str) -> tuple[str, ...] | None:
    """Return the columns of a file, or None if it is not there or has no whole header.

    Raises:
        LogWriteError: It cannot be read, so nothing is known of its columns.
    """
    if os.path.islink(path) or not os.path.isfile(path):
        return None
    try:
        with open(path, "rb") as file:
            header = file.readline()
            while header.count(b'"') % 2 and (more := file.readline()):
                header += more  # the name of a column holds a line break
    except OSError as error:
        raise LogWriteError(error.errno, f"{error.strerror}; the record was not stored", path) from error
    return tuple(cells.split(header[:-1].decode(errors="replace"))) if header.endswith(b"\n") else None


def checked_name(what: str, name: Any) -> str:
    """Return `name` as the name of one directory.

    Slashes become underscores, so that a task called ``ALE/Pong-v5`` is one directory.

    Args:
        what: What it names, for the error.
        name: Text.

    Raises:
        RecordError: It cannot name a directory inside of another.
    """
    if not isinstance(name, str) or name in ("", ".", "..") or not name.isprintable():
        raise RecordError(f"{what} names a directory, so it must be text other than '.' and '..', got {name!r}")
    if len(name.encode()) > paths.MAX_NAME_BYTES:
        raise RecordError(
            f"{what} takes {len(name.encode())} bytes, more than the {paths.MAX_NAME_BYTES} that the name of a directory "
            f"can have: {name[:40]!r}..."
        )
    return name.replace("/", "_").replace("\\", "_")
