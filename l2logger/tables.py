"""Tables of plain text."""

import unicodedata
from collections.abc import Iterable, Sequence
from itertools import zip_longest

_HEADER_ROOM = 2


def psql_table(headers: Sequence[str], rows: Iterable[Sequence[int | str | None]]) -> str:
    """Return a table as the package ``tabulate`` draws it in its format ``psql``.

    Text stays text here, also such that looks like a number; tabulate would show ``1_2`` as 12.

    Args:
        headers: Names of the columns.
        rows: Integers, which are aligned to the right, text, and None for an empty cell. A column is one of integers if
            all of its cells are.
    """
    kept = list(rows)
    cells = [["" if cell is None else str(cell).strip() for cell in row] for row in kept]
    right = [bool(kept) and all(isinstance(row[place], int) for row in kept) for place in range(len(headers))]
    widths = [
        max([_width(header) + _HEADER_ROOM, *(_width(line) for row in cells for line in row[place].splitlines())])
        for place, header in enumerate(headers)
    ]

    def line(parts: Iterable[str]) -> str:
        padded = []
        for part, width, to_right in zip(parts, widths, right, strict=True):
            blanks = " " * (width - _width(part))
            padded.append(blanks + part if to_right else part + blanks)
        return f"| {' | '.join(padded)} |"

    rule = "+".join("-" * (width + 2) for width in widths)
    body = [
        line(parts)
        for row in cells
        for parts in zip_longest(*(cell.splitlines() or [""] for cell in row), fillvalue="")
    ]
    return "\n".join([f"+{rule}+", line(headers), f"|{rule}|", *body, f"+{rule}+"])


def _width(text: str) -> int:
    """Return how many columns of a terminal a text takes: two for a wide letter, none for an accent of its own."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )
