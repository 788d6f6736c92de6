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
                ``digest``, ``aliases``, ``metadata``
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

_FROZEN: Final = frozenset({str, int, float, bool, complex, bytes, type(None)})


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
    frozen = {name: value if type(value) in _FROZEN else _frozen_or_text(value) for name, value in fields.items()}
    return Signal(kind, MappingProxyType(frozen), BASE_NBYTES + sum(map(_nbytes, frozen.values())))


def _nbytes(value: Any) -> int:
    if isinstance(value, str | bytes):
        return len(value)
    if isinstance(value, Mapping):
        return sum(map(_nbytes, value.values()), 100)
    if isinstance(value, tuple | Set):
        return sum(map(_nbytes, value), 100)
    nbytes = getattr(value, "nbytes", 0)  # of arrays
    return nbytes if isinstance(nbytes, int) else 0


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
