"""Text of the columns behind the standard ones, for values whose types were met before.

The plain way from a value to its cell is in `l2logger.cells`. Here it is prepared once for each combination of types, so
that a record of many metrics is one formatting operation. With `orjson` installed (``pip install "l2logger[fast]"``)
it writes the numbers: Python takes 0.3 µs to find the shortest text of a double, `orjson` a tenth of that.
"""

import sys
from collections.abc import Callable
from typing import Any, Final

from l2logger import cells
from l2logger.schema import MAX_COUNT

Writer = Callable[[tuple[Any, ...]], bytes]
"""Takes the values of all extra columns and returns the rest of a line, from the tab before the first to the newline."""

Dumper = Callable[[tuple[Any, ...]], bytes]
"""Takes numbers and returns them as a JSON array, without spaces."""

_MAX_TEXT_CHARS: Final = 4096
_NUMPY_NUMBERS: Final = "biuf"
_JSON_NUMBERS: Final = frozenset({int, float})
_TO_CELLS: Final = bytes.maketrans(b"[,]", b"\t\t\n")
_ORDINARY: Final = b"0123456789-.\t\n"


def number_dumper() -> Dumper | None:
    """Return what writes numbers faster than Python does, if it is installed."""
    try:
        from orjson import dumps
    except Exception:  # not there, or not in order
        return None
    return dumps


def writer_for(values: tuple[Any, ...], dumper: Dumper | None, *, strict: bool = False) -> Writer | None:
    """Return what writes values of the same types as these, or None if their text is not that simple.

    The writer raises some exception for a value that the plain way should see instead.

    Args:
        values: The values of all extra columns.
        dumper: From `number_dumper`.
        strict: Leave integers beyond 64 bits to the plain way, which refuses them.
    """
    types = tuple(map(type, values))
    for value in values:
        if value is not None and type(value) not in (str, bool, int, float) and not _is_numpy_number(value):
            return None
    template = "".join("\t%.0s" if value is None else "\t%s" for value in values) + "\n"
    integers = [index for index, kind in enumerate(types) if kind is int]
    texts = [index for index, kind in enumerate(types) if kind is str]
    if texts or (strict and integers):
        return _careful_writer(template, texts, integers if strict else [])
    if dumper is not None and values and _JSON_NUMBERS.issuperset(types):
        return _numbers_writer(template, dumper)
    return lambda values: (template % values).encode()


def _careful_writer(template: str, texts: list[int], integers: list[int]) -> Writer:
    def write(values: tuple[Any, ...]) -> bytes:
        cells_ = list(values)
        for index in texts:
            if len(cells_[index]) > _MAX_TEXT_CHARS:
                raise ValueError("the plain way counts the bytes")
            cells_[index] = cells.quote(cells_[index])
        for index in integers:
            if abs(cells_[index]) > MAX_COUNT:
                raise ValueError("the plain way says why")
        return (template % tuple(cells_)).encode()

    return write


def _numbers_writer(template: str, dumper: Dumper) -> Writer:
    def write(values: tuple[Any, ...]) -> bytes:
        text = dumper(values).translate(_TO_CELLS)
        # Both write the shortest digits that read back as the same double, but agree on when to use an exponent only
        # from 0.0001 on, and on its form never; and JSON has no nan.
        if text.strip(_ORDINARY) or text.find(b".0000") >= 0:
            return (template % values).encode()
        return text

    return write


def _is_numpy_number(value: Any) -> bool:
    numpy = sys.modules.get("numpy")  # whose objects it cannot be otherwise
    return numpy is not None and isinstance(value, numpy.generic) and value.dtype.kind in _NUMPY_NUMBERS
