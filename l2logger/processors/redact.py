"""Secrets among what is logged."""

import fnmatch
import operator
import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Final

from l2logger.errors import ConfigError
from l2logger.run import Run
from l2logger.signals import KINDS, METRICS, RECORD, TABLE

_IDENTIFIERS: Final = frozenset(
    {"aliases", "clock", "clocks", "columns", "counts", "digest", "dtype", "edges", "files", "metric", "name", "nbytes", "path", "shape", "step", "timestamp", "version", "worker_id"}
)  # fmt: skip
"""Fields that are measured, or by which a thing is found again."""


class Redact:
    """Replace secrets by ``[redacted]`` before anything is stored, or seen by a mirror.

    Parameters, metadata, and the columns of tables are judged by their names, and all text by what it looks like; see
    `l2logger.redaction`. Records are not touched: their cells and task parameters are the log. Metrics are numbers.

    Args:
        names: More names of secrets, such as ``"license"`` or ``"*_pin"``: glob patterns for a whole name, or for what stands
            after its last dot or slash; in any case.
        allow: Names, as patterns too, of what is left alone, whatever its name and its value look like.

    Raises:
        ConfigError: Something is no pattern.

    Example:
        >>> chain = [Redact(names="license") if isinstance(each, Redact) else each for each in canonical()]  # doctest: +SKIP
    """

    kinds = KINDS - {RECORD, METRICS}

    def __init__(self, names: str | Iterable[str] = (), allow: str | Iterable[str] = ()) -> None:
        self._names, self._allow = _pattern("names", names), _pattern("allow", allow)

    def __call__(self, logger: Run, kind: str, event: dict[str, Any]) -> dict[str, Any]:
        # Not for those who log nothing but records.
        from l2logger import redaction

        secret = redaction.is_secret if self._names is None and self._allow is None else self._is_secret
        find = partial(redaction.redacted, secret=secret, allowed=None if self._allow is None else self._is_allowed)
        content = {name: value for name, value in event.items() if name not in _IDENTIFIERS}
        rows = content.pop("rows", None) if kind == TABLE else None
        if (found := find(content)) is not content:
            event = {**{name: value for name, value in event.items() if name not in content}, **found}
        if rows is not None and (new := self._rows(event["columns"], rows, secret, find)) is not rows:
            event = {**event, "rows": new}
        return event

    def _is_secret(self, name: Any) -> bool:
        from l2logger.redaction import is_secret

        return (is_secret(name) or _fits(self._names, name)) and not self._is_allowed(name)

    def _is_allowed(self, name: Any) -> bool:
        return _fits(self._allow, name)

    def _rows(self, columns: Any, rows: Any, secret: Callable[[Any], bool], find: Callable[[Any], Any]) -> Any:
        """Return the rows of a table without secrets; the very same if there are none."""
        from l2logger.redaction import REDACTED, tells

        ways = [
            _same
            if self._is_allowed(column)
            # A table of tokens is one of words.
            else partial(_hidden, column, secret)
            if secret(column) and column.lower() != "token"
            else find
            for column in columns
        ]
        found = [[way(cell) for way, cell in zip(ways, row, strict=True)] for row in rows]
        for name, value in _names_and_values(columns):
            for row, new in zip(rows, found, strict=True):
                if tells(row[name], row[value], secret):
                    new[value] = REDACTED
        changed = any(any(map(operator.is_not, row, new)) for row, new in zip(rows, found, strict=True))
        return found if changed else rows


def _names_and_values(columns: Sequence[str]) -> list[tuple[int, int]]:
    """Return the places of the columns of names and of their values, if a table has these."""
    from l2logger.redaction import NAMES, VALUES

    names = [place for place, column in enumerate(columns) if column in NAMES]
    values = [place for place, column in enumerate(columns) if column in VALUES]
    return [(names[0], values[0])] if names and values else []


def _same(cell: Any) -> Any:
    return cell


def _hidden(column: str, secret: Callable[[Any], bool], cell: Any) -> Any:
    from l2logger.redaction import redacted

    return next(iter(redacted({column: cell}, secret=secret).values()))


def _pattern(what: str, patterns: str | Iterable[str]) -> "re.Pattern[str] | None":
    """Return what matches the same names as some glob patterns do, or None if there are none."""
    found = (patterns,) if isinstance(patterns, str) else tuple(patterns) if isinstance(patterns, Iterable) else (None,)
    if not all(isinstance(pattern, str) and pattern for pattern in found):
        raise ConfigError(
            f"{what} of Redact takes names, or patterns such as '*_pin' or ['license', '*_pin']; got {patterns!r}"
        )
    return re.compile("|".join(fnmatch.translate(str(pattern).lower()) for pattern in found)) if found else None


def _fits(pattern: "re.Pattern[str] | None", name: Any) -> bool:
    """Return whether a name, or what stands after its last dot or slash, is matched."""
    if pattern is None or not isinstance(name, str):
        return False
    name = name.lstrip("-").lower()
    return pattern.match(name) is not None or pattern.match(re.split(r"[./]", name)[-1]) is not None
