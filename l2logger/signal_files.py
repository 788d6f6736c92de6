"""``signals/<worker_id>.jsonl``: what a run logs beside its records, a line each."""

import json
import os
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

from l2logger import info_files, paths
from l2logger.diagnostics import warn
from l2logger.errors import LogWarning, LogWriteError, SignalError
from l2logger.extras import number_dumper
from l2logger.line_file import LineFile
from l2logger.signal_layout import BEFORE_TIME, BEHIND_TIME
from l2logger.signals import METRICS, Signal, finite

_FIRST: Final = ("timestamp", "worker_id", "clock", "step")
_NEXT: Final = ("clocks", "context")
_IN_PLACE: Final = frozenset({*_FIRST, *_NEXT})
_MAX_OPEN: Final = 64
_SECOND_CHARS: Final = 15
"""How much of a timestamp tells the second."""

_dumps: Final = json.JSONEncoder(allow_nan=False).encode


class SignalFiles:
    """Append signals to the file of their worker, each by one ``os.write``; several processes may share a file.

    When `write` returns, the line is in the kernel. When it raises, it is not in the file.

    Args:
        fsync: When to wait for the disk, as for `l2logger.DataLogger`.
    """

    def __init__(self, fsync: str) -> None:
        self._root = ""
        self._fsync = fsync
        self._files: dict[str, LineFile] = {}
        self._checked_at: dict[str, str] = {}
        self._dump_numbers: Callable[[Any], bytes] | None = number_dumper()

    def open(self, root: str) -> None:
        """Take note of the run directory; files are made when they are needed."""
        self._root = root

    def write(self, signal: Signal) -> None:
        """Store one signal.

        Raises:
            SignalError: JSON cannot hold it.
            LogWriteError: The operating system refused.
        """
        fields = signal.fields
        line = self._line(signal.kind, fields)
        worker_id = fields["worker_id"]
        file = self._file(worker_id, fields["timestamp"][:_SECOND_CHARS])
        try:
            file.append(line)
            if self._fsync == "always":
                file.sync()
        except OSError as error:
            if error.errno is None:  # raised by a signal handler, such as a TimeoutError
                raise
            raise _refused(error, file.path) from error

    def _line(self, kind: str, fields: Mapping[str, Any]) -> bytes:
        head, behind = _head(kind, fields["worker_id"], fields["clock"])
        rest = {name: fields[name] for name in _NEXT if fields.get(name)}
        if kind == METRICS:
            values = fields["values"]
            total = sum(values.values())
            if total - total == 0 and not rest and len(fields) == len(_FIRST) + 1:
                dump = self._dump_numbers
                numbers = _template(tuple(values)) % tuple(values.values()) if dump is None else dump(values).decode()
                return f'{head}{fields["timestamp"]}{behind}{_step(fields["step"])}, "values": {numbers}}}\n'.encode()
            if total - total != 0:  # or too large a sum, which does no harm
                fields = {**fields, "values": {name: finite(value) for name, value in values.items()}}
        for name, value in fields.items():
            if name not in _IN_PLACE:
                rest[name] = value
        try:
            text = _dumps(rest)
        except (TypeError, ValueError, RecursionError) as error:
            raise SignalError(f"this {kind} cannot be stored as JSON: {error}; it was not stored") from error
        return f"{head}{fields['timestamp']}{behind}{_step(fields['step'])}, {text[1:]}\n".encode()

    def _file(self, worker_id: str, second: str) -> LineFile:
        file = self._files.get(worker_id)
        if file is not None and not file.closed:
            if self._checked_at[worker_id] == second or file.is_in_place():
                self._checked_at[worker_id] = second
                return file
            warn(
                f"{file.path} was deleted or replaced while it was being written; what it held is not written again, "
                "the signals go on in a new file",
                LogWarning,
            )
            file.close()
        directory = os.path.join(self._root, paths.SIGNALS)
        path = os.path.join(directory, f"{worker_id}.jsonl")
        paths.make_dir_inside(self._root, directory, "the signal")
        try:
            file = LineFile(path)
        except OSError as error:
            raise _refused(error, path) from error
        if self._fsync == "always":
            info_files.sync_directory(directory)
        self._files.pop(worker_id, None)
        if len(self._files) >= _MAX_OPEN:
            self._files.pop(next(iter(self._files))).close()
        self._files[worker_id] = file
        self._checked_at[worker_id] = second
        return file

    def flush(self) -> None:
        """Wait for the disk, if that was asked for.

        Raises:
            LogWriteError: The disk refused.
        """
        if self._fsync == "flush":
            for file in list(self._files.values()):
                try:
                    if not file.closed:
                        file.sync()
                except OSError as error:
                    file.close()  # The kernel reports this once; see `FilePool`.
                    raise LogWriteError(
                        error.errno, f"{error.strerror}; the last signals may not survive a power cut", file.path
                    ) from error

    def close(self) -> None:
        """Close all files; a later signal opens its file again."""
        self.flush()
        for file in list(self._files.values()):
            file.close()
        self._files.clear()

    def after_fork(self) -> None:
        """Let go of the parent's files, in the child."""
        for file in self._files.values():
            file.close(unlock=False)
        self._files.clear()


@lru_cache(1024)
def _head(kind: str, worker_id: str, clock: str | None) -> tuple[str, str]:
    """Return what stands before the time, and between the time and the step."""
    return BEFORE_TIME % _dumps(kind), BEHIND_TIME % (_dumps(worker_id), _dumps(clock))


@lru_cache(1024)
def _template(names: tuple[str, ...]) -> str:
    """Return the JSON of numbers with these names, as a format: it is faster than an encoder, and the text is the same."""
    return "{" + ", ".join(f"{_dumps(name)}: ".replace("%", "%%") + "%r" for name in names) + "}"


def _step(step: int | None) -> str:
    return "null" if step is None else str(step)


def _refused(error: OSError, path: str) -> LogWriteError:
    return LogWriteError(error.errno, f"{error.strerror or error}; the signal was not stored", path)
