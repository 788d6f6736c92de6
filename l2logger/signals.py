"""What flows through the pipeline: signals, frozen."""

import copy
from collections.abc import Mapping, Set
from types import MappingProxyType
from typing import Any, Final

RECORD: Final = "record"
"""The kind of a row of the L2 log."""

_FROZEN: Final = frozenset({str, int, float, bool, complex, bytes, type(None)})


class Signal:
    """One thing that was logged.

    Attributes:
        kind: What it is, such as ``"record"``.
        fields: Its content, read-only. Of a record: a value for each column, with ``task_params`` as JSON text and
            ``timestamp`` as text.
    """

    __slots__ = ("fields", "kind")

    kind: str
    fields: Mapping[str, Any]

    def __init__(self, kind: str, fields: Mapping[str, Any]) -> None:
        self.kind = kind
        self.fields = fields

    def __repr__(self) -> str:
        return f"Signal({self.kind!r}, {dict(self.fields)!r})"


def freeze(kind: str, fields: Mapping[str, Any]) -> Signal:
    """Return a signal that shares nothing changeable with `fields`, for sinks that keep it."""
    return Signal(
        kind,
        MappingProxyType(
            {name: value if type(value) in _FROZEN else _frozen_or_text(value) for name, value in fields.items()}
        ),
    )


def _frozen_or_text(value: Any) -> Any:
    try:
        return _frozen(value)
    except Exception:
        return str(value)  # what the log shows of it, too


def _frozen(value: Any) -> Any:
    if type(value) in _FROZEN:
        return value
    if isinstance(value, Mapping):
        return MappingProxyType({key: _frozen(item) for key, item in value.items()})
    if isinstance(value, list | tuple):
        return tuple(map(_frozen, value))
    if isinstance(value, Set):
        return frozenset(value)
    value = copy.deepcopy(value)
    if getattr(value, "shape", None) and hasattr(value, "setflags"):  # a numpy array
        value.setflags(write=False)
    return value
