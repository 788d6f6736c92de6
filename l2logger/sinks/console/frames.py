"""Frames around the values of a step and around parameters.

The shapes are those of ML_Logger. The functions know of no stream: they return a text of rich, whose ``str`` is the frame without
colors. Control characters are shown as escapes.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from l2logger.sinks.console.values import plain, shown
from l2logger.sinks.console.widths import cells, centered, left

if TYPE_CHECKING:
    from rich.text import Text

_NONE: Final[Mapping[str, str]] = {}
_STEP_WIDTH: Final = 20
_NAME_WIDTH: Final = 30
_LINES: Final = 3
"""Columns that the lines of a frame take, or the one between two parameters and its blanks."""

_MIN_FRAME: Final = 20
"""In fewer columns a frame would leave no room for what is in it."""

_TITLE_STYLE: Final = "yellow"


def step(
    values: Mapping[str, Any],
    *,
    colors: Mapping[str, str] = _NONE,
    width: int | None = None,
    label: Callable[[str], str] = shown,
) -> "Text":
    """Draw the values of one step, one below the other; nothing if there are none.

    Args:
        values: What to show: text as it is, anything else as it is usually written.
        colors: Styles of rich for the values of some keys.
        width: Columns there are; None for as many as it takes.
        label: Returns how a key is shown; its underscores become blanks.

    Returns:
        The frame, with a newline at its end.
    """
    from rich.text import Text

    frame = Text()
    if not values:
        return frame
    rows = [(label(key).replace("_", " "), plain(value), colors.get(key)) for key, value in values.items()]
    if width is not None and width < _MIN_FRAME:
        for name, value, color in rows:
            frame.append(f"{name} ").append(value, color).append("\n")
        return frame
    lengths = (_longest(name for name, _, _ in rows), _longest(value for _, value, _ in rows))
    name_width, value_width = _widths(lengths, (_STEP_WIDTH, _STEP_WIDTH), width)
    above = f"╒{'═' * name_width}╤{'═' * value_width}╕\n"
    for name, value, color in rows:
        frame.append(f"{above}│{centered(name, name_width)}│")
        frame.append(centered(value, value_width), color)
        frame.append("│\n")
        above = f"├{'─' * name_width}┼{'─' * value_width}┤\n"
    return frame.append(f"╘{'═' * name_width}╧{'═' * value_width}╛\n")


def parameters(sections: Mapping[str, Mapping[str, Any]], *, width: int | None = None) -> "Text":
    """Draw parameters, one section for each group of them; nothing if there are none.

    Args:
        sections: The groups by their titles.
        width: Columns there are; None for as many as it takes.

    Returns:
        The frame, with a newline at its end.
    """
    from rich.text import Text

    frame = Text()
    if not sections:
        return frame
    groups = [
        (shown(title), [(shown(str(name)), plain(value)) for name, value in group.items()])
        for title, group in sections.items()
    ]
    if width is not None and width < _MIN_FRAME:
        for title, rows in groups:
            frame.append(title, _TITLE_STYLE).append("\n")
            frame.append("".join(f"{name} {value}\n" for name, value in rows))
        return frame
    names = [title for title, _ in groups] + [name for _, rows in groups for name, _ in rows]
    lengths = (_longest(names), _longest(value for _, rows in groups for _, value in rows))
    name_width, value_width = _widths(lengths, (_NAME_WIDTH, _STEP_WIDTH), width)
    edge = "═"
    for title, rows in groups:
        frame.append(f"{'═' * (name_width + 1)}{edge}{'═' * (value_width + 1)}\n")
        frame.append(centered(title, name_width), _TITLE_STYLE)
        frame.append(f"\n{'─' * (name_width + 1)}┬{'─' * (value_width + 1)}\n")
        frame.append("".join(f"{centered(name, name_width)} │ {left(value, value_width)}\n" for name, value in rows))
        edge = "╧"
    return frame.append(f"{'═' * (name_width + 1)}{edge}{'═' * (value_width + 1)}\n")


def _longest(texts: Iterable[str]) -> int:
    return max(map(cells, texts), default=0)


def _widths(lengths: tuple[int, int], usual: tuple[int, int], width: int | None) -> tuple[int, int]:
    """Return the widths of names and values, which grow to the longest and shrink to where they fit."""
    name, value = map(max, lengths, usual)
    if width is None or name + value + _LINES <= width:
        return name, value
    room = width - _LINES
    if sum(lengths) <= room:
        name = min(name, room - lengths[1])
    else:
        name = min(lengths[0], max(room - lengths[1], room // 2))
    return name, room - name
