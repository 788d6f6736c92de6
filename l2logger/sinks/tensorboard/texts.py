"""Words as TensorBoard shows them: tags, and Markdown."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final
from zlib import crc32

from l2logger.diagnostics import visible
from l2logger.signals import thawed

MAX_TAG_CHARS: Final = 250
MAX_CELL_CHARS: Final = 1000
MAX_TEXT_CHARS: Final = 2**20
MAX_ROWS: Final = 200
MAX_COLUMNS: Final = 50

_NESTING: Final = 4
_MARKDOWN: Final = str.maketrans(
    {mark: f"\\{mark}" for mark in "\\`*_[]{}()#|"} | {"<": "&lt;", ">": "&gt;", "&": "&amp;"}
)


def clean(tag: Any) -> str:
    """Return a tag that TensorBoard can show and ask for: printable, and short enough for an address."""
    text = visible(str(tag))
    if len(text) <= MAX_TAG_CHARS:
        return text
    # Of two long tags, what tells them apart may be in the part that is cut off.
    return f"{text[: MAX_TAG_CHARS - 9]}~{crc32(text.encode()):08x}"


def written(text: Any) -> str:
    """Return what somebody wrote, which may be Markdown, up to `MAX_TEXT_CHARS`."""
    whole = str(text)
    return whole if len(whole) <= MAX_TEXT_CHARS else whole[:MAX_TEXT_CHARS] + " ..."


def table(values: Any) -> str:
    """Return a mapping as a table in Markdown, with the names of nested ones joined by dots."""
    return grid(("name", "value"), flat(values))


def grid(columns: Sequence[Any], rows: Iterable[Iterable[Any]]) -> str:
    """Return a table in Markdown, up to `MAX_ROWS` and `MAX_COLUMNS`."""
    names = [*columns[:MAX_COLUMNS], *["..."] * (len(columns) > MAX_COLUMNS)]
    shown = [_row(islice(row, MAX_COLUMNS)) for row in islice(rows, MAX_ROWS + 1)]
    if len(shown) > MAX_ROWS:
        shown[MAX_ROWS:] = ["| ... |" + " |" * (len(names) - 1)]
    return "\n".join((_row(names), "| --- " * len(names) + "|", *shown))


def _row(cells: Iterable[Any]) -> str:
    return "".join(f"| {escape(short(cell))} " for cell in cells) + "|"


def escape(text: Any) -> str:
    """Return text that Markdown shows as it is."""
    return visible(str(text)).translate(_MARKDOWN)


def short(value: Any) -> str:
    """Return a value as text of about `MAX_CELL_CHARS` at most."""
    text = value
    if not isinstance(value, str):
        try:
            text = json.dumps(thawed(value), default=str, ensure_ascii=False)
        except (TypeError, ValueError):  # such as keys that JSON does not have
            text = str(value)
    text = visible(text[: MAX_CELL_CHARS + 1])
    return text if len(text) <= MAX_CELL_CHARS else text[:MAX_CELL_CHARS] + " ..."


def flat(values: Any, prefix: str = "", nesting: int = _NESTING) -> Iterator[tuple[str, Any]]:
    """Yield the names and values of a mapping, and of the mappings in it."""
    if not isinstance(values, Mapping):
        yield prefix or "value", values
        return
    for key, value in values.items():
        if isinstance(value, Mapping) and value and nesting:
            yield from flat(value, f"{prefix}{key}.", nesting - 1)
        else:
            yield f"{prefix}{key}", value
