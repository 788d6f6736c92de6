"""The live table, as a picture of what is known of a run."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from l2logger.sinks.console.live import Course, Tally
from l2logger.sinks.console.looks import Look, shown
from l2logger.sinks.console.widths import cells, fitted, left, right

if TYPE_CHECKING:
    from rich.text import Text

_OVERHEAD: Final = 4
"""Lines around the rows for tasks or metrics."""

_USUAL_HEIGHT: Final = 40
_MIN_BAR: Final = 5
_MAX_LABEL: Final = 30
_MIN_NUMBER: Final = 8
_NOTHING: Final = ("", "")
_GAP: Final = "  "

_Cell = tuple[str, str]
"""A text and its style."""

_Values = Mapping[Course, Mapping[str, tuple[str, str]]]
"""The last value and the mean of each metric of each task."""


def table(tally: Tally, look: Look, now: float, *, width: int = 80, height: int | None = None) -> "Text":
    """Draw the table.

    Args:
        tally: What it shows.
        look: How values are shown.
        now: The time in seconds.
        width: Columns there are.
        height: Lines there are, one of which is left free; None for as many as are usual.

    Returns:
        The table, with a newline at its end.
    """
    from rich.text import Text

    lines = [_title(tally, now, width)]
    if tally.total:
        lines.append(_progress(tally, tally.total, width))
    if tally.latest is not None:
        lines.append(_place(tally, look, tally.latest))
    if tally.courses:
        rows = (height or _USUAL_HEIGHT) - 1 - len(lines) - _OVERHEAD
        lines += [[], *_matrix(tally, look, width, max(rows, 1))]
    drawn = Text()
    for line in lines[: height - 1 if height else None]:
        room = width
        for text, style in line:
            drawn.append(fitted(text, room), style)
            room -= min(room, cells(text))
        drawn.append("\n")
    return drawn


def _title(tally: Tally, now: float, width: int) -> list[_Cell]:
    plural = "s" * (tally.experiences != 1)
    counts = [] if tally.total else [f"{tally.experiences:,} experience{plural}"]
    counts += [_rate(tally.rate)] if tally.rate else []
    counts += [f"{len(tally.workers):,} workers"] if len(tally.workers) > 1 else []
    told = _GAP.join([*counts, _time(now - tally.started)])
    room = max(width - cells(told) - len(_GAP), 0)
    return [(left(tally.title, room) if room else "", "bold"), (_GAP if room else "", ""), (told, "")]


def _progress(tally: Tally, total: int, width: int) -> list[_Cell]:
    done = min(1.0, tally.experiences / total)
    told = f" {tally.experiences:,} of {total:,}, {done:.0%}"
    per_sec = tally.rate * tally.experiences / tally.records if tally.records else 0.0
    if per_sec and done < 1 and not tally.over:
        told += f", {_time((total - tally.experiences) / per_sec)} left"
    room = width - cells(told)
    full = int(done * room)
    bar = [("━" * full, "green"), ("─" * (room - full), "dim")] if room >= _MIN_BAR else []
    return [*bar, (told if bar else told.strip(), "")]


def _place(tally: Tally, look: Look, fields: Mapping[str, Any]) -> list[_Cell]:
    found = []
    for name, text in look.place(fields, worker=len(tally.workers) > 1).items():
        found += [(f"{name} ", "dim"), (text, look.colors.get(name, "")), (_GAP, "")]
    return found[:-1]


def _matrix(tally: Tally, look: Look, width: int, rows: int) -> list[list[_Cell]]:
    """Return a row for each task, or, where there are too many metrics for that, a row for each of these."""
    latest = sorted(tally.courses.values(), key=lambda course: course.last_at, reverse=True)[:rows]
    values = {course: course.values(look) for course in latest}
    names = list({name: None for each in values.values() for name in each})
    columns = _by_task([course for course in tally.courses.values() if course in values], values, names, tally, look)
    left_out = {"task": len(tally.courses) - len(latest), "metric": 0}
    if _width(columns) > width:
        columns = _by_metric(latest, values, names[: rows - 1], look)
        while len(columns) > 3 and _width(columns) > width:
            del columns[-2:]
        if _width(columns) > width:
            del columns[2:]
        left_out = {"task": len(tally.courses) - len(columns) // 2, "metric": max(0, len(names) - rows + 1)}
    notes = [f"mean of the last {tally.window:,} records"] * bool(names)
    notes += [f"{number:,} more {noun}{'s' * (number > 1)}" for noun, number in left_out.items() if number]
    return [*_lines(columns), [("; ".join(notes), "dim")]]


class _Column:
    """A column of the table: its cells, the first of which is its header."""

    def __init__(self, header: str, values: list[_Cell], align: Callable[[str, int], str] = right) -> None:
        self.cells = [
            (fitted(header, _MAX_LABEL), "bold"),
            *((fitted(text, _MAX_LABEL), style) for text, style in values),
        ]
        self.align = align
        # Numbers get room to change in, so that the table keeps still.
        self.width: int = max([cells(text) for text, _ in self.cells] + [_MIN_NUMBER] * (align is right))


def _by_task(courses: list[Course], values: _Values, names: list[str], tally: Tally, look: Look) -> list[_Column]:
    marks = [("> " if course is tally.current else "  ") + course.label for course in courses]
    columns = [
        _Column("  task", [(mark, "bold" if mark[0] == ">" else "") for mark in marks], left),
        _Column("block", [(course.kind, "") for course in courses], left),
        _Column("experiences", [(f"{course.experiences:,}", "") for course in courses]),
    ]
    for name in names:
        style = look.colors.get(name, "")
        last, mean = zip(*(values[course].get(name, _NOTHING) for course in courses), strict=True)
        columns += [_Column(shown(name), [(text, style) for text in last])]
        columns += [_Column("mean", [(text, style) for text in mean])]
    return columns


def _by_metric(courses: list[Course], values: _Values, names: list[str], look: Look) -> list[_Column]:
    styles = ["", *(look.colors.get(name, "") for name in names)]
    columns = [_Column("metric", [("experiences", ""), *((shown(name), "") for name in names)], left)]
    for course in courses:
        pairs = [(f"{course.experiences:,}", ""), *(values[course].get(name, _NOTHING) for name in names)]
        last, mean = zip(*pairs, strict=True)
        columns += [_Column(f"{course.label} {course.kind}", list(zip(last, styles, strict=True)))]
        columns += [_Column("mean", list(zip(mean, styles, strict=True)))]
    return columns


def _width(columns: list[_Column]) -> int:
    return sum(column.width for column in columns) + len(_GAP) * (len(columns) - 1)


def _lines(columns: list[_Column]) -> list[list[_Cell]]:
    lines = []
    for place in range(len(columns[0].cells)):
        line: list[_Cell] = []
        for column in columns:
            text, style = column.cells[place]
            line += [(_GAP, "")] * bool(line) + [(column.align(text, column.width), style)]
        lines.append(line)
    rule = [("─" * _width(columns), "dim")]
    return [lines[0], rule, *lines[1:]]


def _rate(per_sec: float) -> str:
    """Return a rate in the unit in which it is a number of a few digits."""
    for unit, secs in (("s", 1), ("min", 60), ("h", 3600)):
        if per_sec * secs >= 1 or unit == "h":
            break
    number = per_sec * secs
    return f"{number:,.0f}/{unit}" if number >= 100 else f"{number:.1f}/{unit}"


def _time(secs: float) -> str:
    """Return a time as hours, minutes and seconds, and days if it takes any."""
    days, rest = divmod(int(secs), 86400)
    return (f"{days:,} d " if days else "") + f"{rest // 3600}:{rest // 60 % 60:02}:{rest % 60:02}"
