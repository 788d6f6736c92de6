"""How what was logged looks on a console: which of it, in what words and colors. The signals stay as they are."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from l2logger.errors import ConfigError
from l2logger.patterns import Matcher
from l2logger.schema import STANDARD
from l2logger.sinks.console.values import FORMATS, plain, shown

Format = str | Callable[[Any], str]
"""One of the words of `FORMATS`, a format such as ``"{:.5f}"``, or a function that returns text."""

_LEADING: Final = ("exp_num", "block", "task_name", "worker_id")
_BLOCK: Final = frozenset({"block_num", "block_type", "block_subtype"})
_MAX_UNITS: Final = 1000
_UNFIT: Final = (TypeError, ValueError, OverflowError)
"""What a format raises on a value that it is not made for, such as text or None."""

_HUES: Final = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
COLORS: Final = (*_HUES, *(f"bright_{hue}" for hue in _HUES), "gray")
_is_hex_color: Final = re.compile("#[0-9a-fA-F]{6}").fullmatch


class Look:
    """What is shown of a signal.

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
        self._leading = tuple(key for key in _LEADING if not self.is_silent(key))
        self._units: dict[str, str] = {}
        self._ranks: dict[str, int] = {}

    def rank(self, names: Iterable[Any]) -> None:
        """Have these columns of records come first, in this order; all others come by the alphabet."""
        self._ranks = {name: rank for rank, name in enumerate(names) if isinstance(name, str)}

    def describe(self, name: str, unit: str | None) -> None:
        """Take note of the unit of a metric."""
        self._units.pop(name, None)
        if unit:
            self._units[name] = shown(unit)
        if len(self._units) > _MAX_UNITS:
            del self._units[next(iter(self._units))]

    def label(self, name: str) -> str:
        """Return how a name is shown: with the unit of the metric, if it has one."""
        return f"{shown(name)} ({unit})" if (unit := self._units.get(name)) else shown(name)

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

    def moment(self, fields: Mapping[str, Any], *, worker: bool) -> dict[str, str]:
        """Return where in the run a signal belongs that is no record: its clock and step, if it has any, and its worker.

        Args:
            fields: The signal.
            worker: Whether the worker is worth mentioning.
        """
        found = {}
        clock, step = fields.get("clock"), fields.get("step")
        if step is not None and not self.is_silent(clock or "step"):
            found[clock or "step"] = self.text(clock or "step", step)
        if worker and "worker_id" in self._leading:
            found["worker_id"] = self.text("worker_id", fields["worker_id"])
        return found

    def names(self, fields: Mapping[str, Any]) -> list[str]:
        """Return the names of the columns that are shown beside."""
        if self.only is None:
            found = [key for key in fields if key not in STANDARD]
            if last := len(self._ranks):
                found.sort(key=lambda key: (self._ranks.get(key, last), key))
        else:
            named = [key for is_meant in self._only for key in fields if is_meant(key)]
            found = list(dict.fromkeys(key for key in named if key not in STANDARD or key in self.only))
        return [key for key in found if not self.is_silent(key)]

    def chosen(self, names: Iterable[str]) -> list[str]:
        """Return which of some names of metrics beside the records, or of images and the like, are shown."""
        found = list(names)
        if self.only is not None:
            found = list(dict.fromkeys(name for is_meant in self._only for name in found if is_meant(name)))
        return [name for name in found if not self.is_silent(name)]

    def is_silent(self, key: str) -> bool:
        """Return whether something of this name is not shown."""
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
