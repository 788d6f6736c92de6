"""Text of the columns behind the standard ones, for values whose types were met before.

The plain way from a value to its cell is in `l2logger.cells`. Here it is prepared once for each combination of types, so
that a record of many metrics is one formatting operation. With `orjson` installed (``pip install "l2logger[fast]"``)
it writes the numbers: Python takes 0.3 µs to find the shortest text of a double, `orjson` a tenth of that.
"""

from collections.abc import Callable
from typing import Any, Final

from l2logger import cells

Writer = Callable[[tuple[Any, ...]], bytes]
"""Takes the values of all extra columns and returns the rest of a line, from the tab before the first to the newline."""

_MAX_TEXT_CHARS: Final = 4096
_NUMPY_NUMBERS: Final = "biuf"
_JSON_NUMBERS: Final = frozenset({int, float})
_TO_CELLS: Final = bytes.maketrans(b"[,]", b"\t\t\n")
_ORDINARY: Final = b"0123456789-.\t\n"


def writer_for(values: tuple[Any, ...]) -> Writer | None:
    """Return what writes values of the same types as these, or None if their text is not that simple.

    The writer raises some exception for a value that the plain way should see instead.
    """
    types = tuple(map(type, values))
    texts = [index for index, kind in enumerate(types) if kind is str]
    for value in values:
        if value is not None and type(value) not in (str, bool, int, float) and not _is_numpy_number(value):
            return None
    template = "".join("\t%.0s" if value is None else "\t%s" for value in values) + "\n"
    if texts:
        return _texts_writer(template, texts)
    if values and _JSON_NUMBERS.issuperset(types):
        return _numbers_writer(template)
    return lambda values: (template % values).encode()


def _texts_writer(template: str, texts: list[int]) -> Writer:
    def write(values: tuple[Any, ...]) -> bytes:
        cells_ = list(values)
        for index in texts:
            if len(cells_[index]) > _MAX_TEXT_CHARS:
                raise ValueError("the plain way counts the bytes")
            cells_[index] = cells.quote(cells_[index])
        return (template % tuple(cells_)).encode()

    return write


def _numbers_writer(template: str) -> Writer:
    try:
        import orjson
    except ImportError:
        return lambda values: (template % values).encode()
    dumps = orjson.dumps

    def write(values: tuple[Any, ...]) -> bytes:
        text = dumps(values).translate(_TO_CELLS)
        # Both write the shortest digits that read back as the same double, but agree on when to use an exponent only
        # from 0.0001 on, and on its form never; and JSON has no nan.
        if text.strip(_ORDINARY) or text.find(b".0000") >= 0:
            return (template % values).encode()
        return text

    return write


def _is_numpy_number(value: Any) -> bool:
    # Of the type, not of this value: an array without dimensions has the type of every other array.
    kind = type(value)
    return kind.__module__ == "numpy" and kind.__name__ != "ndarray" and value.dtype.kind in _NUMPY_NUMBERS
