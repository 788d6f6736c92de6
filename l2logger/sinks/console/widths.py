"""Text in the cells of a terminal, of which a character may take two, or none."""

from typing import Final

_ELLIPSIS: Final = "…"


def cells(text: str) -> int:
    """Return how many cells a text takes."""
    from rich.cells import cell_len

    return cell_len(text)


def fitted(text: str, width: int) -> str:
    """Return a text that takes no more than `width` cells; an ellipsis stands for what was cut off."""
    if cells(text) <= width:
        return text
    from rich.cells import set_cell_size

    return set_cell_size(text, width - 1) + _ELLIPSIS if width > 0 else ""


def left(text: str, width: int) -> str:
    """Return a text that takes `width` cells, with blanks behind it."""
    text = fitted(text, width)
    return text + " " * (width - cells(text))


def right(text: str, width: int) -> str:
    """Return a text that takes `width` cells, with blanks before it."""
    text = fitted(text, width)
    return " " * (width - cells(text)) + text


def centered(text: str, width: int) -> str:
    """Return a text that takes `width` cells, with blanks around it; the odd one stands behind."""
    text = fitted(text, width)
    blanks = width - cells(text)
    return " " * (blanks // 2) + text + " " * (blanks - blanks // 2)
