"""Values in words."""

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from l2logger import cells
from l2logger.diagnostics import visible

MAX_CHARS: Final = 200
"""No text is shown longer than this, however much room there is."""

_MAX_PLAIN: Final = 12


def number(value: Any) -> float | None:
    """Return a value as a float, if the log takes it for a number."""
    if isinstance(value, float):
        return float(value)
    found = cells.value(cells.text(value))
    if not isinstance(found, int | float):
        return None
    # Of an integer beyond all floats, the text is still a number.
    return float(str(found)) if type(found) is int else float(found)


def _number(value: Any) -> float:
    found = number(value)
    if found is None:
        raise TypeError
    return found


def _percent(value: Any) -> str:
    return f"{_number(value):.1%}"


def _ms(value: Any) -> str:
    return f"{1000 * _number(value):.1f}ms"


def _sec(value: Any) -> str:
    return f"{_number(value):.3f}s"


# Functions with names, as a sink is pickled.
FORMATS: Final[Mapping[str, Callable[[Any], str]]] = {"percent": _percent, "ms": _ms, "sec": _sec}
"""Words for formats: of a share of one, and of a time in seconds."""


def shown(text: str) -> str:
    """Return text without what a terminal would obey, and not longer than anybody reads."""
    return visible(text if len(text) <= MAX_CHARS else text[: MAX_CHARS - 1] + "…")


def plain(value: Any) -> str:
    """Return a value as it is, but without digits that only a computer reads."""
    if value is None:
        return "None"
    text = cells.text(value)
    if len(text) > _MAX_PLAIN and not isinstance(value, str) and isinstance(cells.value(text), float):
        return f"{float(text):.6g}"
    return shown(text)


def brief(value: Any) -> str:
    """Return a number with the digits that people compare; any other value as it is."""
    found = number(value)
    if found is None:
        return plain(value)
    text = cells.text(value)
    if len(text) <= 9 and "." not in text:
        return shown(text)  # a whole number, NaN, an infinity
    if not 1e-3 <= abs(found) < 1e7:
        return f"{found:.3g}"
    return f"{found:.{max(0, 3 - math.floor(math.log10(abs(found))))}f}"
