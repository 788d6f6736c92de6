"""The live table, as a picture of what is known of a run."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from l2logger.sinks.console.columns import GAP, Cell, Column, append_line, lines_of, width_of
from l2logger.sinks.console.live import Course, Tally
from l2logger.sinks.console.live_metrics import MIN_HEIGHT
from l2logger.sinks.console.looks import Look
from l2logger.sinks.console.widths import cells, left

if TYPE_CHECKING:
    from rich.text import Text

_OVERHEAD: Final = 4
"""Lines around the rows for tasks or metrics."""

_USUAL_HEIGHT: Final = 40
_SHARE: Final = 3
"""Where there is not room for all, metrics beside the records get the third part."""

_MIN_BAR: Final = 5
_NOTHING: Final = ("", "")

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
    lines += _sections(tally, look, width, (height or _USUAL_HEIGHT) - 1 - len(lines))
    drawn = Text()
    for line in lines[: height - 1 if height else None]:
        append_line(drawn, line, width)
    return drawn


def _sections(tally: Tally, look: Look, width: int, room: int) -> list[list[Cell]]:
    """Return what is below the head: the tasks, and the metrics beside the records, each after an empty line."""
    wanted = tally.clocks.height(look)
    wanted += bool(wanted)
    lines: list[list[Cell]] = []
    if tally.courses:
        lines = [[], *_matrix(tally, look, width, max(room - _OVERHEAD, 1))]
        least = min(wanted, max(room // _SHARE, MIN_HEIGHT + 1))
        if len(lines) > room - least:
            lines = [[], *_matrix(tally, look, width, max(room - least - _OVERHEAD, 1))]
    metrics = tally.clocks.lines(look, width, room - len(lines) - 1) if wanted else []
    return [*lines, *([[], *metrics] if metrics else [])]


def _title(tally: Tally, now: float, width: int) -> list[Cell]:
    plural = "s" * (tally.experiences != 1)
    are_there = tally.records or not tally.clocks.count
    counts = [f"{tally.experiences:,} experience{plural}"] if are_there and not tally.total else []
    counts += [_rate(tally.rate)] if tally.rate else []
    counts += [f"{len(tally.workers):,} workers"] if len(tally.workers) > 1 else []
    told = GAP.join([*counts, _time(now - tally.started)])
    room = max(width - cells(told) - len(GAP), 0)
    return [(left(tally.title, room) if room else "", "bold"), (GAP if room else "", ""), (told, "")]


def _progress(tally: Tally, total: int, width: int) -> list[Cell]:
    done = min(1.0, tally.experiences / total)
    told = f" {tally.experiences:,} of {total:,}, {done:.0%}"
    per_sec = tally.rate * tally.experiences / tally.records if tally.records else 0.0
    if per_sec and done < 1 and not tally.over:
        told += f", {_time((total - tally.experiences) / per_sec)} left"
    room = width - cells(told)
    full = int(done * room)
    bar = [("━" * full, "green"), ("─" * (room - full), "dim")] if room >= _MIN_BAR else []
    return [*bar, (told if bar else told.strip(), "")]


def _place(tally: Tally, look: Look, fields: Mapping[str, Any]) -> list[Cell]:
    found = []
    for name, text in look.place(fields, worker=len(tally.workers) > 1).items():
        found += [(f"{name} ", "dim"), (text, look.colors.get(name, "")), (GAP, "")]
    return found[:-1]


def _matrix(tally: Tally, look: Look, width: int, rows: int) -> list[list[Cell]]:
    """Return a row for each task, or, where there are too many metrics for that, a row for each of these."""
    latest = sorted(tally.courses.values(), key=lambda course: course.last_at, reverse=True)[:rows]
    values = {course: course.values(look) for course in latest}
    names = list({name: None for each in values.values() for name in each})
    columns = _by_task([course for course in tally.courses.values() if course in values], values, names, tally, look)
    left_out = {"task": len(tally.courses) - len(latest), "metric": 0}
    if width_of(columns) > width:
        columns = _by_metric(latest, values, names[: rows - 1], look)
        while len(columns) > 3 and width_of(columns) > width:
            del columns[-2:]
        if width_of(columns) > width:
            del columns[2:]
        left_out = {"task": len(tally.courses) - len(columns) // 2, "metric": max(0, len(names) - rows + 1)}
    notes = [f"mean of the last {tally.window:,} records"] * bool(names)
    notes += [f"{number:,} more {noun}{'s' * (number > 1)}" for noun, number in left_out.items() if number]
    return [*lines_of(columns), [("; ".join(notes), "dim")]]


def _by_task(courses: list[Course], values: _Values, names: list[str], tally: Tally, look: Look) -> list[Column]:
    marks = [("> " if course is tally.current else "  ") + course.label for course in courses]
    columns = [
        Column("  task", [(mark, "bold" if mark[0] == ">" else "") for mark in marks], left),
        Column("block", [(course.kind, "") for course in courses], left),
        Column("experiences", [(f"{course.experiences:,}", "") for course in courses]),
    ]
    for name in names:
        style = look.colors.get(name, "")
        last, mean = zip(*(values[course].get(name, _NOTHING) for course in courses), strict=True)
        columns += [Column(look.label(name), [(text, style) for text in last])]
        columns += [Column("mean", [(text, style) for text in mean])]
    return columns


def _by_metric(courses: list[Course], values: _Values, names: list[str], look: Look) -> list[Column]:
    styles = ["", *(look.colors.get(name, "") for name in names)]
    columns = [Column("metric", [("experiences", ""), *((look.label(name), "") for name in names)], left)]
    for course in courses:
        pairs = [(f"{course.experiences:,}", ""), *(values[course].get(name, _NOTHING) for name in names)]
        last, mean = zip(*pairs, strict=True)
        columns += [Column(f"{course.label} {course.kind}", list(zip(last, styles, strict=True)))]
        columns += [Column("mean", list(zip(mean, styles, strict=True)))]
    return columns


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
