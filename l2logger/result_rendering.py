"""How the results of queries are shown to people."""

from collections.abc import Sequence
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from l2logger.diagnostics import visible
from l2logger.rendering import shortened, table

_MAX_CELL: Final = 40


def cell(value: Any) -> str:
    """Return a value of the result of a query, as it stands in a table."""
    if value is None:
        return ""
    if isinstance(value, float):
        return repr(value)
    return visible(str(value))


def rows(columns: Sequence[str], found: Sequence[Sequence[Any]], out: Console) -> tuple[Table, list[str]]:
    """Return the rows of a result as a table, and the columns for which a terminal is too narrow.

    Those that say nothing go first: empty ones, then those that are the same in all rows, whose value is told.
    """
    numbers = [all(isinstance(row[at], int | float | None) for row in found) for at in range(len(columns))]
    texts = [[cell(row[at]) for row in found] for at in range(len(columns))]
    if out.is_terminal:
        texts = [[shortened(text, _MAX_CELL) for text in cells] for cells in texts]
    names = [visible(column) for column in columns]
    widths = [max(map(len, [name, *cells])) + 2 for name, cells in zip(names, texts, strict=True)]
    shown = list(range(len(columns)))
    left_out = dict.fromkeys(shown, "")
    if out.is_terminal:
        silent = _silent(texts)
        while len(shown) > 1 and sum(widths[at] for at in shown) > out.width:
            # The first columns say what a row is, the last ones are often the metrics.
            at = next((each for each in silent if each in shown), shown[len(shown) // 2])
            shown.remove(at)
            left_out[at] = names[at] + (f" ({texts[at][0] or 'empty'})" if at in silent else "")
    made = table(*(names[at] for at in shown), right=[names[at] for at in shown if found and numbers[at]])
    for place in range(len(found)):
        made.add_row(*(Text(texts[at][place]) for at in shown))
    if not out.is_terminal:
        out.width = max(out.width, sum(widths))
    return made, [text for text in left_out.values() if text]


def _silent(texts: Sequence[Sequence[str]]) -> list[int]:
    """Return the columns that say nothing of single rows: empty ones first, of equal rank the last ones first."""
    same = [at for at, cells in enumerate(texts) if len(cells) > 1 and len(set(cells)) == 1]
    return sorted(same, key=lambda at: (texts[at][0] != "", -at))
