"""A sink that writes JSON lines."""

import json
import math
import os
from collections.abc import Mapping, Set
from typing import Any, Final

from l2logger import cells
from l2logger.line_file import LineFile
from l2logger.run import RunInfo
from l2logger.signals import KINDS, RECORD, Signal
from l2logger.sinks import mirror_file
from l2logger.sinks.health import warn_of_sink
from l2logger.sinks.sink import Sink

FILE: Final = "mirror.jsonl"
"""Default name. The file is a copy and may hold every kind of signal, so it is called neither log nor records."""

_BREAKS: Final = {code: f"\\u{code:04x}" for code in (*range(0x80, 0xA0), 0x2028, 0x2029)}
"""What JSON lets pass, but a terminal may obey, and Python's `str.splitlines` takes for the end of a line."""


class JsonlSink(Sink):
    """Write each signal as one line of JSON.

    A line is an object with the kind of the signal and its fields: ``{"kind": "record", "block_num": 0, ...}``.
    ``task_params`` is an object, arrays are lists, NaN and the infinities are null; of what JSON does not know there is the
    text. A field that is called ``kind`` itself has an underscore appended to its name.

    A line is in the file, whole, when `write` returns. Lines are appended to what is there, by any number of processes.
    What a killed one left of its last line is moved to ``<path>.torn``. A replay from the beginning begins a new file, and
    the old one is renamed to ``<path>.superseded``.

    Args:
        path: The file; ``mirror.jsonl`` in the run directory if it is not given.

    Raises:
        ConfigError: The path is not one of a file.
    """

    name = "jsonl"
    kinds = KINDS

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self._given = mirror_file.checked(path)
        self._path = ""
        self._file: LineFile | None = None

    def open(self, run: RunInfo) -> None:
        self._path = mirror_file.place(self._given, run, FILE)
        if self.fresh:
            mirror_file.supersede([self._path])
        self._file = LineFile(self._path)
        self.fresh = False

    def write(self, signal: Signal) -> None:
        data = line(signal)
        if self._file is not None and not self._file.closed and not self._file.is_in_place():
            warn_of_sink(
                f"{self._path} was deleted or replaced; the lines in it are not written again, a new file goes on"
            )
            self.close()
        if self._file is None or self._file.closed:
            self._file = LineFile(self._path)
        self._file.append(data)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def options(self) -> dict[str, Any]:
        return {} if self._given is None else {"path": self._given}


def line(signal: Signal) -> bytes:
    """Return a signal as one line."""
    fields: dict[str, Any] = {"kind": signal.kind}
    for name, value in signal.fields.items():
        # Each of kind, kind_, kind__ moves on by one, so that no two become the same.
        fields[name + "_" if name.rstrip("_") == "kind" else name] = value
    if signal.kind == RECORD and isinstance(params := fields.get("task_params"), str):
        fields["task_params"] = _parsed(params)
    try:
        text = _encode(fields)
    except Exception:
        text = "{" + ", ".join(f"{_encode(str(name))}: {_encode_mended(value)}" for name, value in fields.items()) + "}"
    if not text.isascii():
        text = text.translate(_BREAKS)
    return text.encode(errors="replace") + b"\n"


def _parsed(params: str) -> Any:
    try:
        return json.loads(params)
    except (ValueError, RecursionError):
        return params


def _plain(value: Any) -> Any:
    """Return what stands for a value that JSON does not know; things inside may be no better."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Set):
        return sorted(value, key=str)
    if type(value).__module__ == "numpy" and getattr(value, "shape", None) == ():
        # As in the log, where float32(0.1) is 0.1.
        return cells.value(cells.text(value))
    if hasattr(value, "tolist"):
        return value.tolist()
    return cells.text(value)


_encode: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=_plain).encode


def _encode_mended(value: Any) -> str:
    try:
        return _encode(_mended(value))
    except Exception:  # a circle, an abyss, or something that has no text either
        try:
            return _encode(str(value))
        except Exception:
            return _encode(f"<{type(value).__name__}>")


def _mended(value: Any) -> Any:
    """Return `value` without NaN, infinities, and keys that are not text."""
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key if isinstance(key, str) else str(key): _mended(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_mended(item) for item in value]
    return _mended(_plain(value))
