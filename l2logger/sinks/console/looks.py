"""How the fields of a record look on a console: which of them, in what words and colors. The record stays as it is."""

import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from l2logger import cells
from l2logger.diagnostics import visible
from l2logger.errors import ConfigError
from l2logger.schema import STANDARD
from l2logger.sinks.wrapper import Matcher

Format = str | Callable[[Any], str]
"""One of the words of `FORMATS`, a format such as ``"{:.5f}"``, or a function that returns text."""

MAX_CHARS: Final = 200
"""No text is shown longer than this, however much room there is."""

_LEADING: Final = ("exp_num", "block", "task_name", "worker_id")
_BLOCK: Final = frozenset({"block_num", "block_type", "block_subtype"})
_MAX_PLAIN: Final = 12
_UNFIT: Final = (TypeError, ValueError, OverflowError)
"""What a format raises on a value that it is not made for, such as text or None."""

_HUES: Final = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
COLORS: Final = (*_HUES, *(f"bright_{hue}" for hue in _HUES), "gray")
_is_hex_color: Final = re.compile("#[0-9a-fA-F]{6}").fullmatch


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


class Look:
    """What is shown of a record.

    Args:
        only: The columns shown beside those that say where in the run the record belongs, metrics by name or glob pattern;
            None for all metrics.
        silent: Columns that are not shown, by name or glob pattern.
        formats: Formats of some columns.
        colors: Colors of some columns.

    Attributes:
        only: As given, as a list.
        silent: As given, as a list.
        colors: As given, in the words of rich.

    Raises:
        ConfigError: A format or a color is unknown, or something is no name.
    """

    def __init__(
        self,
        only: str | Iterable[str] | None = None,
        silent: str | Iterable[str] = (),
        formats: Mapping[str, Format] | None = None,
        colors: Mapping[str, str] | None = None,
    ) -> None:
        self.only = None if only is None else _names("only", only)
        self.silent = _names("silent", silent)
        self._only = [Matcher((each,)) for each in self.only or ()]
        self._formats = {key: _format(key, each) for key, each in _by_name("formats", formats).items()}
        self.colors = {key: _color(key, each) for key, each in _by_name("colors", colors).items()}
        quiet = [*self.silent, *(["block"] if _BLOCK & set(self.silent) else [])]
        self._silent = [Matcher((each,)) for each in quiet]
        self._leading = tuple(key for key in _LEADING if not self._is_silent(key))

    def place(self, fields: Mapping[str, Any], *, worker: bool) -> dict[str, str]:
        """Return where in the run a record belongs.

        Args:
            fields: The record.
            worker: Whether the worker is worth mentioning.
        """
        found = {}
        for key in self._leading:
            if key == "block":
                found[key] = self.text(key, block(fields))
            elif key != "worker_id" or worker:
                found[key] = self.text(key, fields[key])
        return found

    def names(self, fields: Mapping[str, Any]) -> list[str]:
        """Return the names of the columns that are shown beside."""
        if self.only is None:
            found = [key for key in fields if key not in STANDARD]
        else:
            named = [key for is_meant in self._only for key in fields if is_meant(key)]
            found = list(dict.fromkeys(key for key in named if key not in STANDARD or key in self.only))
        return [key for key in found if not self._is_silent(key)]

    def _is_silent(self, key: str) -> bool:
        return any(is_meant(key) for is_meant in self._silent)

    def texts(
        self, fields: Mapping[str, Any], *, worker: bool, default: Callable[[Any], str] = plain
    ) -> dict[str, str]:
        """Return all that is shown of a record, by name: its place, and the columns beside.

        Args:
            fields: The record.
            worker: Whether to name the worker.
            default: See `text`.
        """
        beside = {name: self.text(name, fields[name], default) for name in self.names(fields)}
        return self.place(fields, worker=worker) | beside

    def text(self, key: str, value: Any, default: Callable[[Any], str] = plain) -> str:
        """Return how a value is shown; one that its format is not made for is shown by `default`."""
        if key in self._formats:
            try:
                return shown(str(self._formats[key](value)))
            except _UNFIT:
                pass
        return default(value)


def block(fields: Mapping[str, Any]) -> str:
    """Return the name of the block of a record; a subtype that is not the usual one is part of it."""
    subtype = fields.get("block_subtype", "wake")
    return f"{fields['block_num']}-{fields['block_type']}" + (f"-{subtype}" if subtype != "wake" else "")


def _names(what: str, names: Any) -> list[str]:
    found = list(names) if isinstance(names, Iterable) and not isinstance(names, str) else [names]
    if not all(isinstance(name, str) for name in found):
        raise ConfigError(f"{what} must be names of columns, got {names!r}")
    return found


def _by_name(what: str, mapping: Any) -> Mapping[str, Any]:
    if mapping is None:
        return {}
    if not isinstance(mapping, Mapping) or not all(isinstance(name, str) for name in mapping):
        raise ConfigError(f"{what} must map names of columns to {what}, got {mapping!r}")
    return mapping


def _format(key: str, given: Any) -> Callable[[Any], str]:
    if isinstance(given, str) and given in FORMATS:
        return FORMATS[given]
    if isinstance(given, str) and "{" in given and any(_takes(given, value) for value in (0.5, 1, "text")):
        return given.format
    if callable(given):
        return given  # type: ignore[no-any-return]
    raise ConfigError(
        f"unknown format {given!r} of {key!r}; known are {', '.join(FORMATS)}, "
        'formats of Python such as "{:.3f}", and functions of the value that return text'
    )


def _takes(spec: str, value: object) -> bool:
    try:
        spec.format(value)
    except (AttributeError, LookupError, *_UNFIT):
        return False
    return True


def _color(key: str, given: Any) -> str:
    if isinstance(given, str) and (given in COLORS or _is_hex_color(given)):
        return "bright_black" if given == "gray" else given
    raise ConfigError(f'unknown color {given!r} of {key!r}; known are {", ".join(COLORS)} and "#rrggbb"')
