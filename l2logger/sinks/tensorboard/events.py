"""What TensorBoard is told, as the bytes of its files.

The messages are those of tensorboardX; without it, this module cannot be imported.
"""

import math
import struct
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from itertools import islice
from typing import Any, Final

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from tensorboardX.proto.event_pb2 import Event
from tensorboardX.proto.plugin_hparams_pb2 import HParamsPluginData

from l2logger import cells
from l2logger.sinks.tensorboard.checksum import masked
from l2logger.sinks.tensorboard.contents import Value
from l2logger.sinks.tensorboard.texts import MAX_ROWS, clean, flat, short

_HPARAMS_TAG: Final = "_hparams_/session_start_info"


def header(wall_time: float) -> bytes:
    """Return what a file of events begins with."""
    return _framed(Event(wall_time=wall_time, file_version="brain.Event:2"))


def encode(wall_time: float, step: int, values: Sequence[Value]) -> bytes:
    """Return one event that brings all `values`."""
    event = Event(wall_time=wall_time, step=step)
    add = event.summary.value.add
    for tag, content in values:
        if isinstance(content, float):
            add(tag=tag, simple_value=content)
        else:
            content.fill(add(tag=tag))
    return _framed(event)


def hyperparameters(wall_time: float, values: Any) -> bytes:
    """Return the event that gives a run its row in the table of hyperparameters."""
    data = HParamsPluginData()
    data.session_start_info.start_time_secs = wall_time
    for name, value in islice(flat(values), MAX_ROWS):
        parameter = data.session_start_info.hparams[clean(name)]
        if isinstance(value, bool):
            parameter.bool_value = value
        elif isinstance(value, int | float) and math.isfinite(number := cells.as_float(value)):
            parameter.number_value = number
        else:
            parameter.string_value = short(value)
    event = Event(wall_time=wall_time)
    plugin = event.summary.value.add(tag=_HPARAMS_TAG).metadata.plugin_data
    plugin.plugin_name = "hparams"
    plugin.content = data.SerializeToString()
    return _framed(event)


def last_steps(path: str) -> dict[str, int]:
    """Return the highest step of each tag in a file of events, as far as it is whole."""
    found: dict[str, int] = {}
    with suppress(DecodeError):
        for event in map(Event.FromString, _unframed(path)):
            for value in event.summary.value:
                found[value.tag] = max(event.step, found.get(value.tag, event.step))
    return found


def _unframed(path: str) -> Iterator[bytes]:
    with open(path, "rb") as file:
        while len(head := file.read(12)) == 12:
            (length,) = struct.unpack_from("<Q", head)
            if head != _frame(length) or len(data := file.read(length + 4)) < length + 4:
                return
            yield data[:length]


def _framed(event: Any) -> bytes:
    data: bytes = event.SerializeToString()
    return _frame(len(data)) + data + struct.pack("<I", masked(data))


@lru_cache(4096)
def _frame(length: int) -> bytes:
    packed = struct.pack("<Q", length)
    return packed + struct.pack("<I", masked(packed))
