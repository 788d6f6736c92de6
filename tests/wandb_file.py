"""Plain reader of the file that W&B keeps of a run, ``run-<id>.wandb``.

It is a log as LevelDB has them: blocks of 32 kB hold chunks, each a checksum, a length, a type and a part of a record, or
the whole of it. A record is a protobuf message.
"""

import json
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

_BLOCK = 2**15
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4
_MAGIC = struct.pack("<4sHB", b":W&B", 0xBEE1, 0)
_HEAD = struct.Struct("<IHB")


class Run(NamedTuple):
    """What one file says of its run, with W&B's own keys (``_step``, ``_wandb`` and such) where it puts them.

    Artifacts are messages of W&B; files are the names of those that belong to the run.
    """

    record: Any
    config: dict[str, Any]
    history: list[dict[str, Any]]
    summary: dict[str, Any]
    metrics: dict[str, Any]
    exit_code: int | None
    artifacts: list[Any]
    files: list[str]


def read(path: Path) -> Run:
    """Return what a file says, as far as it was written."""
    run = None
    config: dict[str, Any] = {}
    summary: dict[str, Any] = {}
    history, metrics, exit_code, artifacts, files = [], {}, None, [], []
    for message in messages(path):
        kind = message.WhichOneof("record_type")
        if kind == "run":
            run = message.run
            _put(config, run.config.update)
        elif kind == "config":
            _put(config, message.config.update)
        elif kind == "history":
            history.append(_put({}, message.history.item))
        elif kind == "summary":
            _put(summary, message.summary.update)
        elif kind == "metric":
            metrics[message.metric.name or message.metric.glob_name] = message.metric
        elif kind == "artifact":
            artifacts.append(message.artifact)
        elif kind == "files":
            files += [file.path for file in message.files.files]
        elif kind == "exit":
            exit_code = message.exit.exit_code
    return Run(run, config, history, summary, metrics, exit_code, artifacts, files)


def files(directory: str | Path) -> list[Path]:
    """Return the files of all W&B runs below a directory, oldest first."""
    found = {path.resolve() for path in Path(directory).rglob("run-*.wandb")}
    return sorted(found, key=lambda path: (path.stat().st_mtime_ns, path))


def messages(path: Path) -> Iterator[Any]:
    from wandb.proto.wandb_internal_pb2 import Record

    for data in _records(path.read_bytes()):
        message = Record()
        message.ParseFromString(data)
        yield message


def _records(data: bytes) -> Iterator[bytes]:
    if not data:
        return
    assert data.startswith(_MAGIC), f"no file of W&B: {data[:7]!r}"
    at, parts = len(_MAGIC), b""
    while at + _HEAD.size <= len(data):
        left = _BLOCK - at % _BLOCK
        if left < _HEAD.size:
            at += left
            continue
        checksum, length, kind = _HEAD.unpack_from(data, at)
        part = data[at + _HEAD.size : at + _HEAD.size + length]
        if len(part) < length or kind not in (_FULL, _FIRST, _MIDDLE, _LAST):
            return
        assert zlib.crc32(part, zlib.crc32(bytes([kind]))) == checksum, f"the chunk at byte {at} is damaged"
        at += _HEAD.size + length
        parts = part if kind in (_FULL, _FIRST) else parts + part
        if kind in (_FULL, _LAST):
            yield parts


def _put(into: dict[str, Any], items: Any) -> dict[str, Any]:
    for item in items:
        *outer, key = list(item.nested_key) or [item.key]
        place = into
        for name in outer:
            if not isinstance(place.get(name), dict):  # it was something else under this name
                place[name] = {}
            place = place[name]
        place[key] = json.loads(item.value_json)
    return into
