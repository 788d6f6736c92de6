"""Anything that describes an experiment, as what JSON can hold."""

import sys
from collections.abc import Callable, Iterable, Mapping, Set
from typing import Any, Final

from l2logger import cells
from l2logger.errors import L2LoggerError, SignalError
from l2logger.host import number_on_host, to_host
from l2logger.schema import MAX_COUNT
from l2logger.signals import finite

_MAX_DEPTH: Final = 50
_MAX_ARRAY: Final = 1000
"""Larger arrays are no parameters; of them there is the shape."""


def plain(value: Any) -> Any:
    """Return a value as text, numbers, truth values and None in lists and dicts with text for keys.

    Data classes, classes of attrs, named tuples, ``argparse.Namespace`` and sections of OmegaConf, whose references are
    resolved, become dicts; enumerations, paths, functions, classes and whatever else become text. NaN and the infinities
    are text, which JSON lacks.

    Raises:
        SignalError: A section of OmegaConf cannot be resolved.
    """
    return _plain(value, _MAX_DEPTH)


def resolved(value: Any, refusal: type[L2LoggerError] = SignalError) -> Any:
    """Return a section of OmegaConf as a dict or list with its references resolved, and other things as they are.

    Args:
        value: Anything.
        refusal: What is raised if the section lacks a value, or refers to one that there is not.
    """
    omegaconf = sys.modules.get("omegaconf")  # without which it can be none of its sections
    if omegaconf is None or not omegaconf.OmegaConf.is_config(value):
        return value
    try:
        return omegaconf.OmegaConf.to_container(value, resolve=True, throw_on_missing=True)
    except omegaconf.errors.OmegaConfBaseException as error:
        reason = str(error).partition("\n")[0]
        raise refusal(f"the configuration cannot be resolved: {error.full_key}: {reason}") from error


def _plain(value: Any, depth: int) -> Any:
    if value is None or type(value) in (str, bool):
        return value
    if isinstance(value, bool | str):
        return bool(value) if isinstance(value, bool) else str.__str__(value)
    if isinstance(value, int):
        return int(value) if abs(value) <= MAX_COUNT else _digits(int(value))
    if isinstance(value, float):
        return finite(float(value))
    if depth == 0:
        return "..."
    found = _opened(value)
    if isinstance(found, Mapping):
        return {_key(key): _plain(item, depth - 1) for key, item in found.items()}
    if isinstance(found, list | tuple):
        return [_plain(item, depth - 1) for item in found]
    if isinstance(found, Set):
        return sorted((_plain(item, depth - 1) for item in found), key=str)
    return _array_or_text(found, depth)


def _opened(value: Any) -> Any:
    """Return a mapping or list in the place of what is one in another dress."""
    value = resolved(value)
    if isinstance(value, type):
        return value
    names: Iterable[str] | None = getattr(value, "__dataclass_fields__", None) or getattr(value, "_fields", None)
    if names is None and hasattr(value, "__attrs_attrs__"):
        names = [field.name for field in value.__attrs_attrs__]
    if names is not None:
        return {name: getattr(value, name) for name in names if hasattr(value, name)}
    if type(value).__name__ == "Namespace":
        return vars(value)
    return value


def _digits(number: int) -> str:
    try:
        return str(number)
    except ValueError:  # of more digits than Python writes
        return hex(number)


def _key(key: Any) -> str:
    return key if isinstance(key, str) else cells.text(key)


def _array_or_text(value: Any, depth: int) -> Any:
    number = number_on_host(value)
    if number is not value:
        return _plain(number, depth)
    array = to_host(value)
    if hasattr(array, "tolist") and hasattr(array, "shape"):
        if array.size <= _MAX_ARRAY:
            return _plain(array.tolist(), depth - 1)
        return f"array of shape {tuple(array.shape)} and type {array.dtype}"
    return _text(value)


def _text(value: Any) -> str:
    if isinstance(value, Callable) and hasattr(value, "__qualname__"):  # type: ignore[arg-type]
        # Its usual text holds an address, which differs from run to run.
        return f"{value.__module__}.{value.__qualname__}"
    if hasattr(value, "name") and hasattr(type(value), "__members__"):  # an enumeration
        return str(value.name)
    try:
        text = str(value)
    except Exception:
        text = ""
    if not text or " at 0x" in text:
        return f"<{type(value).__module__}.{type(value).__qualname__}>"
    return text
