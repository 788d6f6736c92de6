"""Secrets among what is logged."""

import fnmatch
import re
from collections.abc import Callable, Iterable
from typing import Any, Final

from l2logger.errors import ConfigError
from l2logger.redaction import REDACTED, is_secret, redacted, redacted_text, says_nothing
from l2logger.run import Run
from l2logger.signals import KINDS, METRICS, RECORD, TABLE

__all__ = ["Redact", "is_secret", "redacted"]

_IDENTIFIERS: Final = frozenset(
    {"aliases", "clock", "clocks", "columns", "counts", "digest", "dtype", "edges", "files", "metric", "name", "nbytes", "path", "shape", "step", "timestamp", "type", "version", "worker_id"}
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
        more, self._allowed = _matcher("names", names), _matcher("allow", allow)
        self._secret = is_secret if more is None else lambda name: is_secret(name) or more(name)

    def __call__(self, logger: Run, kind: str, event: dict[str, Any]) -> dict[str, Any]:
        content = {name: value for name, value in event.items() if name not in _IDENTIFIERS}
        rows = content.pop("rows", None) if kind == TABLE else None
        found = redacted(content, secret=self._secret, allowed=self._allowed)
        if found is not content:
            event = {**{name: value for name, value in event.items() if name not in content}, **found}
        if rows is not None and (new := self._rows(event["columns"], rows)) is not rows:
            event = {**event, "rows": new}
        return event

    def _rows(self, columns: Any, rows: Any) -> Any:
        """Return the rows of a table without secrets; the very same if there are none."""
        # A table of tokens is one of words.
        secret = [self._secret(column) and column.lower() != "token" for column in columns]
        allowed = [self._allowed is not None and self._allowed(column) for column in columns]
        ways = list(zip(secret, allowed, strict=True))
        found = [
            [cell if free else self._cell(cell, hide) for cell, (hide, free) in zip(row, ways, strict=True)]
            for row in rows
        ]
        changed = any(
            old is not new
            for before, after in zip(rows, found, strict=True)
            for old, new in zip(before, after, strict=True)
        )
        return found if changed else rows

    @staticmethod
    def _cell(cell: Any, hide: bool) -> Any:
        if cell is None or isinstance(cell, bool):
            return cell
        if hide:
            return cell if isinstance(cell, str) and says_nothing(cell) else REDACTED
        return redacted_text(cell) if isinstance(cell, str) else cell


def _matcher(what: str, patterns: str | Iterable[str]) -> Callable[[Any], bool] | None:
    """Return a function that tells whether a name fits one of some glob patterns, or None if there are none."""
    found = (patterns,) if isinstance(patterns, str) else tuple(patterns) if isinstance(patterns, Iterable) else (None,)
    if not all(isinstance(pattern, str) and pattern for pattern in found):
        raise ConfigError(
            f"{what} of Redact takes names, or patterns such as '*_pin' or ['license', '*_pin']; got {patterns!r}"
        )
    if not found:
        return None
    match = re.compile("|".join(fnmatch.translate(str(pattern).lower()) for pattern in found)).match

    def fits(name: Any) -> bool:
        if not isinstance(name, str):
            return False
        name = name.lstrip("-").lower()
        return match(name) is not None or match(re.split(r"[./]", name)[-1]) is not None

    return fits
