"""What TensorBoard is told, as the bytes of its files: points of curves, texts and hyperparameters.

The messages and the checksum are those of tensorboardX; without it, this module cannot be imported.
"""

import json
import math
import struct
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any, Final
from zlib import crc32

from tensorboardX.proto.event_pb2 import Event
from tensorboardX.proto.plugin_hparams_pb2 import HParamsPluginData
from tensorboardX.proto.summary_pb2 import SummaryMetadata
from tensorboardX.record_writer import masked_crc32c

from l2logger.diagnostics import visible

MAX_TAG_CHARS: Final = 250
MAX_CELL_CHARS: Final = 1000
MAX_ROWS: Final = 200

_STRING: Final = 7  # DT_STRING
_HPARAMS_TAG: Final = "_hparams_/session_start_info"
_NESTING: Final = 4
_TEXT: Final = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="text"))
_MARKDOWN: Final = str.maketrans(
    {mark: f"\\{mark}" for mark in "\\`*_[]{}()#|"} | {"<": "&lt;", ">": "&gt;", "&": "&amp;"}
)


def header(wall_time: float) -> bytes:
    """Return what a file of events begins with."""
    return _framed(Event(wall_time=wall_time, file_version="brain.Event:2"))


def encode(wall_time: float, step: int, values: Sequence[tuple[str, float | str]]) -> bytes:
    """Return one event that brings all `values`, each with its tag: a number is a point of a curve, a text is Markdown."""
    event = Event(wall_time=wall_time, step=step)
    add = event.summary.value.add
    for tag, value in values:
        if isinstance(value, str):
            text = add(tag=tag, metadata=_TEXT).tensor
            text.dtype = _STRING
            text.string_val.append(value.encode())
        else:
            add(tag=tag, simple_value=value)
    return _framed(event)


def hyperparameters(wall_time: float, values: Any) -> bytes:
    """Return the event that gives a run its row in the table of hyperparameters."""
    data = HParamsPluginData()
    data.session_start_info.start_time_secs = wall_time
    for name, value in islice(_flat(values), MAX_ROWS):
        parameter = data.session_start_info.hparams[clean(name)]
        if isinstance(value, bool):
            parameter.bool_value = value
        elif isinstance(value, int | float) and math.isfinite(number := _float(value)):
            parameter.number_value = number
        else:
            parameter.string_value = _short(value)
    event = Event(wall_time=wall_time)
    plugin = event.summary.value.add(tag=_HPARAMS_TAG).metadata.plugin_data
    plugin.plugin_name = "hparams"
    plugin.content = data.SerializeToString()
    return _framed(event)


def _float(number: float) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf


def _framed(event: Any) -> bytes:
    data: bytes = event.SerializeToString()
    return _frame(len(data)) + data + struct.pack("<I", masked_crc32c(data))


@lru_cache(4096)
def _frame(length: int) -> bytes:
    packed = struct.pack("<Q", length)
    return packed + struct.pack("<I", masked_crc32c(packed))


def clean(tag: Any) -> str:
    """Return a tag that TensorBoard can show and ask for: printable, and short enough for an address."""
    text = visible(str(tag))
    if len(text) <= MAX_TAG_CHARS:
        return text
    # Of two long tags, what tells them apart may be in the part that is cut off.
    return f"{text[: MAX_TAG_CHARS - 9]}~{crc32(text.encode()):08x}"


def table(values: Any) -> str:
    """Return a mapping as a table in Markdown, with the names of nested ones joined by dots."""
    rows = [f"| {escape(name)} | {escape(_short(value))} |" for name, value in islice(_flat(values), MAX_ROWS + 1)]
    if len(rows) > MAX_ROWS:
        rows[MAX_ROWS:] = ["| ... | |"]
    return "\n".join(("| name | value |", "| --- | --- |", *rows))


def escape(text: Any) -> str:
    """Return text that Markdown shows as it is."""
    return visible(str(text)).translate(_MARKDOWN)


def _short(value: Any) -> str:
    text = value
    if not isinstance(value, str):
        try:
            text = json.dumps(value, default=str, ensure_ascii=False)
        except (TypeError, ValueError):  # such as keys that JSON does not have
            text = str(value)
    text = visible(text[: MAX_CELL_CHARS + 1])
    return text if len(text) <= MAX_CELL_CHARS else text[:MAX_CELL_CHARS] + " ..."


def _flat(values: Any, prefix: str = "", nesting: int = _NESTING) -> Iterator[tuple[str, Any]]:
    """Yield the names and values of a mapping, and of the mappings in it."""
    if not isinstance(values, Mapping):
        yield prefix or "value", values
        return
    for key, value in values.items():
        if isinstance(value, Mapping) and value and nesting:
            yield from _flat(value, f"{prefix}{key}.", nesting - 1)
        else:
            yield f"{prefix}{key}", value
