"""Nested content, such as the state of an optimizer, as arrays by name and JSON that tells where each of them belongs.

Values of JSON and lists are as they are in the JSON, and what it does not have is an object with one key:

- ``{"array": name}``: the name is the path to the array as a JSON pointer without its first slash (RFC 6901: ``~1`` is
  a slash, ``~0`` a tilde), with ``~2`` and so on behind it where two paths read alike;
- ``{"dict": [[key, value], ...]}`` and ``{"tuple": [value, ...]}``;
- ``{"float": "nan"}``, ``"inf"`` and ``"-inf"``.
"""

import itertools
import math
from collections.abc import Mapping
from typing import Any, Final

from l2logger.errors import SignalError

_ARRAY: Final = "array"
_DICT: Final = "dict"
_TUPLE: Final = "tuple"
_FLOAT: Final = "float"
_MAX_DEPTH: Final = 100


def is_array(value: Any) -> bool:
    """Return whether this is an array or a scalar of numpy, torch, jax or the like."""
    return hasattr(value, "dtype") and hasattr(value, "shape")


def taken_apart(value: Any, arrays: dict[str, Any], *, reserved: str = "") -> Any:
    """Return content as JSON, without its arrays.

    Args:
        value: Arrays, text, numbers, truth values and None, in mappings with text or whole numbers for keys, lists and
            tuples.
        arrays: Gets each array by its name.
        reserved: A name that no array may have.

    Raises:
        SignalError: Something is none of these, or nested too deeply.
    """
    return _taken_apart(value, (), arrays, reserved)


def _taken_apart(value: Any, path: tuple[str, ...], arrays: dict[str, Any], reserved: str) -> Any:
    if is_array(value):
        pointer = "/".join(part.replace("~", "~0").replace("/", "~1") for part in path)
        others = (f"{pointer}~{number}" for number in itertools.count(2))
        name = next(each for each in itertools.chain((pointer,), others) if each != reserved and each not in arrays)
        arrays[name] = value
        return {_ARRAY: name}
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else {_FLOAT: str(float(value))}
    if len(path) > _MAX_DEPTH:
        raise SignalError("this is nested too deeply, or something in it holds itself")
    if isinstance(value, Mapping):
        pairs = [(_checked_key(key), item) for key, item in value.items()]
        return {_DICT: [[key, _taken_apart(item, (*path, str(key)), arrays, reserved)] for key, item in pairs]}
    if isinstance(value, list | tuple):
        items = [_taken_apart(item, (*path, str(index)), arrays, reserved) for index, item in enumerate(value)]
        return items if isinstance(value, list) else {_TUPLE: items}
    hint = "; save its state_dict()" if callable(getattr(value, "state_dict", None)) else ""
    raise SignalError(
        f"{'/'.join(path)!r} is of the type {type(value).__name__}, which cannot be saved; there can be arrays, text, "
        f"numbers, True, False and None, in mappings, lists and tuples{hint}"
    )


def _checked_key(key: Any) -> str | int:
    if isinstance(key, str):
        return str.__str__(key)
    if isinstance(key, int) and not isinstance(key, bool):
        return int(key)
    raise SignalError(f"arrays are saved by names that are text or whole numbers, got {key!r} ({type(key).__name__})")


def put_together(tree: Any, arrays: Mapping[str, Any]) -> Any:
    """Return the content that `taken_apart` was given.

    Raises:
        KeyError, TypeError, ValueError, RecursionError: This is no such JSON, or an array is missing.
    """
    if isinstance(tree, list):
        return [put_together(each, arrays) for each in tree]
    if not isinstance(tree, dict):
        return tree
    ((kind, content),) = tree.items()
    if kind == _ARRAY:
        return arrays[content]
    if kind == _DICT:
        return {key: put_together(each, arrays) for key, each in content}
    if kind == _TUPLE:
        return tuple(put_together(each, arrays) for each in content)
    if kind == _FLOAT:
        return float(content)
    raise ValueError(f"{kind!r} is nothing that content consists of")
