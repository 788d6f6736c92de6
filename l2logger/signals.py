"""What flows through the pipeline: signals, frozen.

Every signal that is no record has the fields ``timestamp`` (text as in records), ``worker_id``, ``clock`` and ``step`` (what it
is plotted against: a name and a whole number, or None); ``clocks`` (whole numbers by name) if other clocks were moved, and
``context`` if other fields were bound. All of them, and what each kind has besides, are plain JSON, so that a sink gets the same live and
from a replay:

==============  ======================================================================================================
kind            fields
==============  ======================================================================================================
``metrics``     ``values``: numbers by name, NaN and the infinities among them; names are grouped by ``/``
``params``      ``params``: parameters by name, nested; later ones are merged into those before
``histogram``   ``name``, ``counts``, ``edges`` (one more), and of the values: ``count``, ``min``, ``max``, ``mean``,
                ``std``, ``nonfinite`` (how many were left out)
``image``       ``name``, ``path``, ``width``, ``height``, ``channels``, ``caption`` if there is one
``video``       ``name``, ``path``, ``width``, ``height``, ``frames``, ``fps``, ``caption`` if there is one
``figure``      ``name``, ``path``, ``width``, ``height``, ``caption`` if there is one
``array``       ``name``, ``path``, ``shape``, ``dtype``
``text``        ``name``, ``text``
``table``       ``name``, ``columns``, ``rows``
``note``        ``text``, ``level`` (``"debug"``, ``"info"``, ``"warning"`` or ``"error"``)
``description`` ``metric``, ``unit``, ``better`` (``"min"``, ``"max"`` or None)
``artifact``    ``name``, ``version``, ``type``, ``path``, ``files`` (``path``, ``nbytes``, ``sha256`` of each), ``nbytes``,
                ``digest``, ``aliases``, ``metadata``, ``metrics``
==============  ======================================================================================================

A ``path`` is relative to the run directory; the file is whole before the signal is there.
"""

import copy
from collections.abc import Mapping, Set
from types import MappingProxyType
from typing import Any, Final, NamedTuple

RECORD: Final = "record"
"""The kind of a row of the L2 log."""

METRICS: Final = "metrics"
PARAMS: Final = "params"
HISTOGRAM: Final = "histogram"
IMAGE: Final = "image"
VIDEO: Final = "video"
FIGURE: Final = "figure"
ARRAY: Final = "array"
TEXT: Final = "text"
TABLE: Final = "table"
NOTE: Final = "note"
DESCRIPTION: Final = "description"
ARTIFACT: Final = "artifact"

MEDIA: Final = frozenset({IMAGE, VIDEO, FIGURE, ARRAY})
"""Kinds whose content is a file below ``media/``."""

KINDS: Final = frozenset({RECORD, METRICS, PARAMS, HISTOGRAM, TEXT, TABLE, NOTE, DESCRIPTION, ARTIFACT}) | MEDIA
"""All kinds."""

STEP: Final = "step"
"""The usual clock."""

BASE_NBYTES: Final = 1024
"""About what a record of numbers takes."""

_NUMBERS: Final = frozenset({int, float, bool, complex, type(None)})
_FROZEN: Final = _NUMBERS | {str, bytes}


class Signal(NamedTuple):
    """One thing that was logged.

    Attributes:
        kind: What it is, such as ``"record"``.
        fields: Its content, read-only. Of a record: a value for each column, with ``task_params`` as JSON text and
            ``timestamp`` as text.
        nbytes: About how much memory it takes, for queues that have a limit.
    """

    kind: str
    fields: Mapping[str, Any]
    nbytes: int = BASE_NBYTES

    def __repr__(self) -> str:
        return f"Signal({self.kind!r}, {dict(self.fields)!r})"


def freeze(kind: str, fields: Mapping[str, Any]) -> Signal:
    """Return a signal that shares nothing changeable with `fields`, for sinks that keep it."""
    kept = {name: value if type(value) in _FROZEN else _frozen_or_text(value) for name, value in fields.items()}
    return Signal(kind, MappingProxyType(kept), BASE_NBYTES + sum(map(_nbytes, kept.values())))


def frozen(value: Any) -> Any:
    """Return a copy of a value that nobody can change: mappings are read-only, lists are tuples.

    Raises:
        Exception: It is something that cannot be copied.
    """
    kind = type(value)
    # What most values are is told by their exact type, which takes a fraction of the time.
    if kind in _FROZEN:
        return value
    if kind is dict:
        return MappingProxyType({name: each if type(each) in _FROZEN else frozen(each) for name, each in value.items()})
    if kind is list or kind is tuple:
        return tuple([each if type(each) in _FROZEN else frozen(each) for each in value])
    if isinstance(value, Mapping):
        return MappingProxyType({name: frozen(each) for name, each in value.items()})
    if isinstance(value, list | tuple):
        return tuple(map(frozen, value))
    if isinstance(value, Set):
        return frozenset(value)
    value = copy.deepcopy(value)
    if getattr(value, "shape", None) and hasattr(value, "setflags"):  # a numpy array
        value.setflags(write=False)
    return value


def thawed(value: Any) -> Any:
    """Return what was frozen in dicts and lists, as it is usually written."""
    if isinstance(value, Mapping):
        return {name: thawed(each) for name, each in value.items()}
    return [thawed(each) for each in value] if isinstance(value, tuple | list) else value


def finite(value: Any) -> Any:
    """Return a number, or the text that stands for it in JSON, which has no NaN and no infinities."""
    if isinstance(value, float) and value - value != 0:
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    return value


def _frozen_or_text(value: Any) -> Any:
    try:
        return frozen(value)
    except Exception:
        return str(value)  # what the log shows of it, too


def _nbytes(value: Any) -> int:
    """Return about how much memory a frozen value takes."""
    kind = type(value)
    if kind in _NUMBERS:
        return 0
    if kind is str:
        return len(value)
    if kind is MappingProxyType:
        return sum([_nbytes(each) for each in value.values() if type(each) not in _NUMBERS], 100)
    if kind is tuple:
        return sum([_nbytes(each) for each in value if type(each) not in _NUMBERS], 100)
    if isinstance(value, str | bytes):
        return len(value)
    if isinstance(value, Set):
        return sum(map(_nbytes, value), 100)
    nbytes = getattr(value, "nbytes", 0)  # of arrays
    return nbytes if isinstance(nbytes, int) else 0
