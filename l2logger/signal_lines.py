"""The lines of ``signals/<worker_id>.jsonl``: what was logged, and what of a line is none of it."""

import itertools
import json
import re
from types import NoneType
from typing import Any, Final, NamedTuple

from l2logger import paths, signals
from l2logger.schema import MAX_COUNT

_MAX_TRIES: Final = 100
_MAX_DEPTH: Final = 100
_SHOWN_BYTES: Final = 60

_begins = re.compile(rb'\{"kind": "[^"\\]{1,64}", "timestamp": "').finditer

_ALWAYS: Final[dict[str, tuple[type, ...]]] = {
    "timestamp": (str,),
    "worker_id": (str,),
    "clock": (str, NoneType),
    "step": (int, NoneType),
}
_NAMED: Final[dict[str, tuple[type, ...]]] = {"name": (str,)}
_FILE: Final[dict[str, tuple[type, ...]]] = {"name": (str,), "path": (str,)}
_CONTENTS: Final[dict[str, dict[str, tuple[type, ...]]]] = {
    signals.METRICS: {"values": (dict,)},
    signals.PARAMS: {"params": (dict,)},
    signals.HISTOGRAM: {**_NAMED, "counts": (list,), "edges": (list,)},
    signals.TEXT: {**_NAMED, "text": (str,)},
    signals.TABLE: {**_NAMED, "columns": (list,), "rows": (list,)},
    signals.NOTE: {"text": (str,)},
    signals.DESCRIPTION: {"metric": (str,), "unit": (str, NoneType), "better": (str, NoneType)},
    signals.ARTIFACT: {
        **_FILE,
        "version": (str,),
        "type": (str,),
        "files": (list,),
        "nbytes": (int,),
        "digest": (str,),
        "aliases": (list,),
        "metadata": (dict,),
    },
    **dict.fromkeys(signals.MEDIA, _FILE),
}
_REQUIRED: Final = {kind: tuple({**_ALWAYS, **more}.items()) for kind, more in _CONTENTS.items()}
_REQUIRED_OF_OTHERS: Final = tuple(_ALWAYS.items())

_NUMBERS: Final = frozenset({int, float})
_WORDS: Final = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}
"""What stands for the numbers that JSON does not have."""


class Line(NamedTuple):
    """What a line holds.

    Attributes:
        signal: The fields of the signal, and its ``kind``; None if there is no whole signal.
        begin: Where in the line it begins.
        problem: What is wrong with the line, or nothing.
    """

    signal: dict[str, Any] | None
    begin: int = 0
    problem: str = ""


def parse(line: bytes) -> Line:
    """Return what a line holds.

    A process that is killed in the midst of a write can leave the beginning of a line, and another one that writes the same
    file goes on behind it: then the signal is what is whole at the end.
    """
    found = _parse(line)
    if found.signal is None:
        for begin in itertools.islice((match.start() for match in _begins(line, 1)), _MAX_TRIES):
            if (signal := _parse(line[begin:]).signal) is not None:
                torn = f"a signal was not written to its end, and another one begins behind it: {_shown(line)}"
                return Line(signal, begin, torn)
    return found


def _parse(line: bytes) -> Line:
    try:
        found = _decode(line.decode())
    except (ValueError, RecursionError):
        return Line(None, 0, f"not a line of JSON: {_shown(line)}")
    if line.count(b"{") + line.count(b"[") > _MAX_DEPTH and _is_deeper(found, _MAX_DEPTH):
        return Line(None, 0, f"nested more than {_MAX_DEPTH} deep: {_shown(line)}")
    kind = found.get("kind") if isinstance(found, dict) else None
    if not isinstance(kind, str) or kind == signals.RECORD:
        return Line(None, 0, f"no signal, which is an object that begins with its kind: {_shown(line)}")
    problem = _problem(kind, found)
    return Line(None, 0, f"{kind}: {problem}") if problem else Line(found)


def _is_deeper(value: Any, levels: int) -> bool:
    inner = value.values() if type(value) is dict else value if type(value) is list else ()
    return levels < 0 or any(_is_deeper(each, levels - 1) for each in inner if type(each) in (dict, list))


def _problem(kind: str, fields: dict[str, Any]) -> str:
    """Return what is wrong with the fields of a signal, or nothing. Text that stands for a number becomes one."""
    for name, types in _REQUIRED.get(kind, _REQUIRED_OF_OTHERS):
        if type(fields.get(name, ...)) not in types:
            return _unexpected(name, fields.get(name), " or ".join(_TYPES[each] for each in types))
    step = fields["step"]
    if step is not None and not -MAX_COUNT - 1 <= step <= MAX_COUNT:
        return _unexpected("step", step, "a whole number of up to 64 bits")
    if type(clocks := fields.get("clocks", {})) is not dict or any(type(value) is not int for value in clocks.values()):
        return _unexpected("clocks", clocks, "whole numbers by name")
    if type(context := fields.get("context", {})) is not dict:
        return _unexpected("context", context, _TYPES[dict])
    if kind == signals.METRICS:
        return _number_problem(fields["values"])
    if kind in signals.MEDIA or kind == signals.ARTIFACT:
        return _path_problem(paths.ARTIFACTS if kind == signals.ARTIFACT else paths.MEDIA, fields["path"])
    return ""


def _number_problem(values: dict[str, Any]) -> str:
    for name, value in values.items():
        if type(value) not in _NUMBERS:
            if not isinstance(value, str) or value not in _WORDS:
                return _unexpected(name, value, "a number")
            values[name] = _WORDS[value]
    return ""


def _path_problem(root: str, path: str) -> str:
    first, *parts = path.split("/")
    inside = first == root and parts and not any(part in ("", ".", "..") or "\\" in part for part in parts)
    return "" if inside else _unexpected("path", path, f"a path below {root}/ in the run directory")


_TYPES: Final[dict[type, str]] = {
    str: "text",
    int: "a whole number",
    NoneType: "null",
    dict: "an object",
    list: "a list",
}


def _unexpected(name: str, value: Any, expected: str) -> str:
    shown = repr(value)
    shown = shown if len(shown) <= _SHOWN_BYTES else shown[:_SHOWN_BYTES] + "..."
    return f"{name} is {'missing' if value is None else shown}, expected {expected}"


def _shown(line: bytes) -> str:
    shown = repr(line[:_SHOWN_BYTES].decode(errors="backslashreplace"))
    return shown + "..." if len(line) > _SHOWN_BYTES else shown


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is not JSON")


_decode: Final = json.JSONDecoder(parse_constant=_refuse).decode
