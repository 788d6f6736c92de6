"""What an existing run has in it: enough to go on writing where it stopped."""

import os
from collections.abc import Iterator
from typing import Any, NamedTuple

from l2logger import cells, info_files, lock, paths, tail
from l2logger.errors import LogFormatError, SchemaError
from l2logger.schema import VERSIONS, Schema

_HEAD_BYTES = 2**16


class Found(NamedTuple):
    """The state of a run on disk.

    Attributes:
        columns: Columns of its log, or None if it has no records.
        rows: First and last whole row of every file, numbers as int.
    """

    columns: tuple[str, ...] | None
    rows: list[dict[str, Any]]


def read_infos(directory: str) -> tuple[Schema, dict[str, Any], Any]:
    """Return version, logger_info and scenario_info of an existing run."""
    path = os.path.join(directory, paths.LOGGER_INFO)
    try:
        logger_info = info_files.read(path)
    except FileNotFoundError as error:
        raise LogFormatError(
            "this file is missing, so the directory is not a run; give one of the directories below it, if those are runs",
            path,
        ) from error
    if not isinstance(logger_info, dict) or "metrics_columns" not in logger_info:
        raise LogFormatError("it must hold an object with metrics_columns", path)
    version = logger_info.get("log_format_version")
    if not isinstance(version, str) or version not in VERSIONS:
        raise LogFormatError(f"log_format_version is {version!r}; only {', '.join(VERSIONS)} can be continued", path)
    try:
        scenario_info = info_files.read(os.path.join(directory, paths.SCENARIO_INFO))
    except FileNotFoundError:
        scenario_info = {}
    return VERSIONS[version], logger_info, scenario_info


def examine(scenario_dir: str, schema: Schema, *, repair: bool) -> Found:
    """Read the columns and the first and last rows of a run.

    Links and anything but directories and regular files are not followed.

    Args:
        scenario_dir: Directory of the run.
        schema: Its version of the format.
        repair: Cut unfinished last lines off, which is only right if nobody is writing the run.

    Raises:
        LogFormatError: A file is not a log.
        SchemaError: Two files have different columns.
        LogLockedError: A file that should be repaired is being written.
    """
    columns: tuple[str, ...] | None = None
    rows: list[dict[str, Any]] = []
    for path in _data_logs(scenario_dir):
        found, of_file = _examine_file(path, schema, repair=repair)
        if found is None:
            continue
        if columns is not None and found != columns:
            raise SchemaError(
                f"{path} has the columns {list(found)}, another file of the run {list(columns)}; such a run cannot be continued"
            )
        columns = found
        rows += of_file
    return Found(columns, rows)


def last_row(path: str, schema: Schema) -> dict[str, Any] | None:
    """Return the last whole row of a file as `examine` does, or None if there is none."""
    try:
        _, rows = _examine_file(path, schema, repair=False)
    except FileNotFoundError:
        return None
    return rows[-1] if rows else None


def columns_of_any_file(scenario_dir: str) -> tuple[str, ...] | None:
    """Return the columns of the first file of a run that has any, for a process whose siblings may have begun it."""
    if not os.path.isdir(scenario_dir):
        return None
    for path in _data_logs(scenario_dir):
        with open(path, "rb") as file:
            if header := tail.first_row(file.fileno()):
                return _columns(header, path)
    return None


def _columns(header: bytes, path: str) -> tuple[str, ...]:
    return tuple(cells.split(_decode(header, path).removesuffix("\n")))


def _data_logs(scenario_dir: str) -> Iterator[str]:
    """Yield ``<worker>/<block>/data-log.tsv``, sorted."""
    for worker in _directories(scenario_dir):
        for block in _directories(worker):
            path = os.path.join(block, paths.DATA_LOG)
            if os.path.isfile(path) and not os.path.islink(path):
                yield path


def _directories(path: str) -> list[str]:
    with os.scandir(path) as entries:
        return sorted(entry.path for entry in entries if entry.is_dir(follow_symlinks=False))


def _examine_file(path: str, schema: Schema, *, repair: bool) -> tuple[tuple[str, ...] | None, list[dict[str, Any]]]:
    flags = (os.O_RDWR if repair else os.O_RDONLY) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    fd = os.open(path, flags)
    try:
        if repair:
            lock.take(fd, path)
        size = os.lseek(fd, 0, os.SEEK_END)
        start, end = tail.last_row(fd, size)
        if repair and end < size:
            tail.cut(fd, path, end)
        if not end:
            return None, []
        header = tail.first_row(fd)
        columns = _columns(header, path)
        if missing := [name for name in schema.columns if name not in columns]:
            raise LogFormatError(f"the header lacks the columns {missing} of format {schema.version}", path, 1)
        if start == 0:
            return columns, []
        last = _row(tail.read_at(fd, start, end - start), columns, path)
        # A first row that is longer than what is read of it is not worth more: it only sharpens a warning.
        beginning = tail.read_at(fd, len(header), min(_HEAD_BYTES, end - len(header)))
        first = beginning[: tail.row_length(beginning)]
        return columns, [_row(first, columns, path), last] if first else [last]
    finally:
        os.close(fd)


def _row(line: bytes, columns: tuple[str, ...], path: str) -> dict[str, Any]:
    found = cells.split(_decode(line, path).removesuffix("\n"))
    if len(found) != len(columns):
        raise LogFormatError(f"a row has {len(found)} cells, the header {len(columns)}: {line[:80]!r}", path)
    row: dict[str, Any] = dict(zip(columns, found, strict=True))
    for name in ("block_num", "exp_num"):
        if not row[name].isascii() or not row[name].isdigit():
            raise LogFormatError(f"expected a count, got {row[name]!r}", path, column=name)
        row[name] = int(row[name])
    return row


def _decode(line: bytes, path: str) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        raise LogFormatError(f"not UTF-8 text: {error}", path) from error
