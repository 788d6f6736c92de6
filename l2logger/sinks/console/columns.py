"""Tables of aligned columns."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from l2logger.sinks.console.widths import cells, fitted, right

if TYPE_CHECKING:
    from rich.text import Text

GAP: Final = "  "

_MAX_LABEL: Final = 30
_MIN_NUMBER: Final = 8

Cell = tuple[str, str]
"""A text and its style."""


class Column:
    """A column of a table: its cells, the first of which is its header.

    Args:
        header: Its name.
        values: The cells below.
        align: Brings a text to a width.

    Attributes:
        cells: All cells, none of which is longer than anybody reads.
        width: How many cells of the terminal it takes.
    """

    def __init__(self, header: str, values: Iterable[Cell], align: Callable[[str, int], str] = right) -> None:
        self.cells = [(fitted(text, _MAX_LABEL), style) for text, style in ((header, "bold"), *values)]
        self.align = align
        # Numbers get room to change in, so that a table that is drawn again keeps still.
        self.width: int = max([cells(text) for text, _ in self.cells] + [_MIN_NUMBER] * (align is right))


def width_of(columns: list[Column]) -> int:
    """Return how wide a table is."""
    return sum(column.width for column in columns) + len(GAP) * (len(columns) - 1)


def lines_of(columns: list[Column]) -> list[list[Cell]]:
    """Return the lines of a table, with a rule below the headers; a column that is shorter than others ends earlier."""
    lines = []
    for place in range(max(len(column.cells) for column in columns)):
        line: list[Cell] = []
        for column in columns:
            text, style = column.cells[place] if place < len(column.cells) else ("", "")
            line += [(GAP, "")] * bool(line) + [(column.align(text, column.width), style)]
        lines.append(line)
    return [lines[0], [("─" * width_of(columns), "dim")], *lines[1:]]


def append_line(drawn: "Text", line: Iterable[Cell], width: int | None) -> None:
    """Append a line of cells to a text, as far as there is room.

    Args:
        drawn: The text.
        line: The cells.
        width: Columns of the terminal there are; None for as many as it takes.
    """
    room = width
    for text, style in line:
        drawn.append(text if room is None else fitted(text, room), style)
        room = None if room is None else room - min(room, cells(text))
    drawn.append("\n")
