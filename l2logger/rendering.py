"""How things are shown to people: tables, courses of metrics, and no control character that came out of a log."""

import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from rich import box
from rich.console import Console, Group, JustifyMethod, RenderableType
from rich.table import Table
from rich.text import Text

from l2logger.commands.terminal import count
from l2logger.diagnostics import visible
from l2logger.signal_summary import Description
from l2logger.summary import Regime, Summary, Task

PIPE_WIDTH: Final = 120
"""Width of a summary that does not go to a terminal."""

_BARS: Final = "▁▂▃▄▅▆▇█"
_ASCII_BARS: Final = "_.-~=*%#"
_MAX_REGIMES: Final = 40
_SHOWN_REGIMES: Final = 24
_SHOWN_TASKS: Final = 16
_SHOWN_NAMES: Final = 6
_MIN_PARAMS: Final = 12
_MIN_COURSE: Final = 8

FACT_CHARS: Final = 9
"""What the longest word for a fact takes."""

MAX_NAME: Final = 30
"""How much of a name is shown."""


def console() -> Console:
    """Return where tables go: the terminal, or a pipe, in which they are wider."""
    out = _Console(highlight=False, markup=False, emoji=False)
    if not out.is_terminal and "COLUMNS" not in os.environ:
        out.width = PIPE_WIDTH
    return out


class _Console(Console):
    def on_broken_pipe(self) -> None:
        # Rich would end the process with status 1, which is that of an invalid log.
        raise BrokenPipeError


def number(value: Any) -> str:
    """Return a number with as many digits as people compare."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "-"
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, int) or (value.is_integer() and abs(value) < 1e6):
        return f"{int(value):,}"
    if value != 0 and not 1e-3 <= abs(value) < 1e7:
        return f"{value:.3g}"
    digits = max(0, 3 - math.floor(math.log10(abs(value)))) if value else 0
    return f"{value:,.{min(digits, 4)}f}"


def numbers(values: Sequence[float | None]) -> list[str]:
    """Return the numbers of a column, with as many decimals each, so that the points stand below one another."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    greatest = max(map(abs, known), default=0.0)
    decimals = min(4, max(0, 3 - math.floor(math.log10(greatest)))) if greatest else 0
    whole = all(value.is_integer() for value in map(float, known))
    if whole or not 1e-3 <= greatest < 1e6 or any(0 < abs(value) < 10**-decimals for value in known):
        return [number(value) for value in values]
    return [
        f"{value:,.{decimals}f}" if value is not None and math.isfinite(value) else number(value) for value in values
    ]


def sparkline(course: Sequence[float | None], *, ascii_only: bool = False) -> str:
    """Return one character for each value, the higher the greater; a blank where there is none."""
    bars = _ASCII_BARS if ascii_only else _BARS
    values = [value if value is not None and math.isfinite(value) else None for value in course]
    known = [value for value in values if value is not None]
    if not known:
        return ""
    low, high = min(known), max(known)
    if math.isinf(high - low):
        return sparkline([None if value is None else value / 4 for value in values], ascii_only=ascii_only)
    if low == high:
        return "".join(" " if value is None else bars[len(bars) // 2 - 1] for value in values)
    highest = len(bars) - 1
    return "".join(" " if value is None else bars[round((value - low) / (high - low) * highest)] for value in values)


def table(*columns: str, right: Iterable[str] = ()) -> Table:
    """Return an empty table.

    Args:
        columns: Its headers.
        right: Which of them are of numbers.
    """
    made = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False, pad_edge=False, header_style="bold")
    for column in columns:
        justify: JustifyMethod = "right" if column in right else "left"
        made.add_column(Text(visible(column)), justify=justify, no_wrap=True, overflow="ellipsis")
    return made


def summary(of: Summary, out: Console, *, all_regimes: bool = False) -> RenderableType:
    """Return a summary as tables below one another.

    Args:
        of: The summary.
        out: Where it will be shown.
        all_regimes: Show each regime, however many there are.
    """
    parts: list[RenderableType] = [_overview(of)]
    if of.metrics:
        parts += ["", _metrics(of, out)]
    if of.tasks:
        parts += ["", *_tasks(of)]
    if of.regimes:
        parts += ["", *_regimes(of, out.width, all_regimes)]
    return Group(*(Text(part) if isinstance(part, str) else part for part in parts))


def _overview(of: Summary) -> Table:
    is_alone = not of.records and of.signals is not None
    grid = facts(FACT_CHARS if is_alone else None)
    versions = ", ".join(version or "not said" for version in of.versions)
    incomplete = f", {of.incomplete:,} of them incomplete" if of.incomplete else ""
    blocks = f"{count(of.blocks, 'block')}, {count(len(of.regimes), 'regime')}, {count(len(of.tasks), 'task')}"
    rows = {
        "run" if len(of.runs) == 1 else f"{len(of.runs):,} runs": listed(of.runs),
        "format": versions,
        "records": "none",
    }
    if not is_alone:
        rows |= {
            "records": f"{of.records:,}{incomplete}, in {count(of.files, 'file')}",
            "in": blocks,
            "workers": workers(of.workers),
            "time": span(of.started, of.ended),
        }
    if of.findings:
        rows["wrong"] = f"{count(of.findings, 'thing')}; `l2logger validate` lists all"
    for what, text in rows.items():
        style = "yellow" if what == "wrong" else "bold" if what == "run" else ""
        grid.add_row(Text(what), Text(visible(text), style))
    return grid


def facts(least: int | None = None) -> Table:
    """Return an empty table of facts, for what each is, in at least so many columns, and for what it says."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True, min_width=least)
    grid.add_column(overflow="fold")
    return grid


def workers(names: Sequence[str]) -> str:
    """Return the names of some workers, and how many they are."""
    return f"{len(names):,}: {listed(names)}" if len(names) > 1 else listed(names)


def listed(names: Sequence[str]) -> str:
    """Return names behind one another, as far as anybody reads them."""
    more = f" ... and {len(names) - _SHOWN_NAMES:,} more" if len(names) > _SHOWN_NAMES else ""
    return ", ".join(names[:_SHOWN_NAMES]) + more


def span(started: str | None, ended: str | None) -> str:
    """Return the time from one timestamp to another."""
    return f"{moment(started or '')} to {moment(ended or '')}" if started else "-"


def moment(timestamp: str) -> str:
    """Return a timestamp of a log as people write it, or as it is if it has another form."""
    day, _, time = timestamp.partition("T")
    if len(day) == 8 and len(time) == 13 and day.isdecimal() and time[:6].isdecimal():
        return f"{day[:4]}-{day[4:6]}-{day[6:]} {time[:2]}:{time[2:4]}:{time[4:6]}"
    return timestamp


def _metrics(of: Summary, out: Console) -> Table:
    names = ("metric", "mean", "std", "min", "max", "course")
    lines = []
    for metric in of.metrics:
        numbers = map(number, (metric.mean, metric.std, metric.min, metric.max))
        unit = described(metric.name, of.signals.descriptions if of.signals else {})
        lines.append([shortened(unit, MAX_NAME), *numbers])
    return with_courses(names, lines, [metric.course for metric in of.metrics], out)


def described(metric: str, descriptions: Mapping[str, Description]) -> str:
    """Return the name of a metric with its unit, if that is known."""
    unit = descriptions[metric].unit if metric in descriptions else None
    return visible(f"{metric} ({unit})" if unit else metric)


def with_courses(
    names: Sequence[str], lines: Sequence[Sequence[str]], courses: Sequence[Sequence[float | None]], out: Console
) -> Table:
    """Return a table of metrics whose last column is their course, as fine as there is room for.

    Args:
        names: Of all columns.
        lines: The other cells of each metric, its name first.
        courses: Of each metric.
        out: Where it will be shown.
    """
    room = out.width - sum(max(map(len, cells)) + 2 for cells in zip(names, *lines, strict=False))
    shown = table(*names, right=names[1:-1])
    for cells, course in zip(lines, courses, strict=True):
        line = sparkline(_coarser(course, max(room, _MIN_COURSE)), ascii_only=out.options.ascii_only)
        shown.add_row(Text(cells[0], "bold"), *map(Text, cells[1:]), Text(line, "green"))
    return shown


def _coarser(course: Sequence[float | None], most: int) -> list[float | None]:
    """Return a course of at most so many points, by taking the means of neighbours."""
    step = -(-len(course) // most)
    points: list[float | None] = []
    for place in range(0, len(course), max(step, 1)):
        values = [value for value in course[place : place + step] if value is not None]
        points.append(sum(values) / len(values) if values else None)
    return points


def _tasks(of: Summary) -> list[RenderableType]:
    # Two metrics are what 80 columns hold.
    metrics = [metric.name for metric in of.metrics][:2]
    shown = table("task", "train", "test", *metrics, right=("train", "test", *metrics))
    tasks = of.tasks[:_SHOWN_TASKS]
    columns = [numbers([task.metrics.get(metric) for task in tasks]) for metric in metrics]
    for task, *means in zip(tasks, *columns, strict=True):
        shown.add_row(*_task(task, means))
    if len(of.tasks) <= _SHOWN_TASKS:
        return [shown]
    hint = 'l2logger query RUN "SELECT task_name, count(*) FROM records GROUP BY ALL"'
    return [shown, more(len(of.tasks) - _SHOWN_TASKS, "task", hint)]


def _task(task: Task, means: Sequence[str]) -> list[Text]:
    cells = [shortened(visible(task.name), MAX_NAME), f"{task.train:,}", f"{task.test:,}", *means]
    return [Text(cell) for cell in cells]


def _regimes(of: Summary, width: int, all_of_them: bool) -> list[RenderableType]:
    # One metric is what 80 columns hold.
    metrics = tuple(of.regimes[0].means or ())[:1]
    right = ("regime", "block", "length", *metrics)
    names = (*(("run",) if len(of.runs) > 1 else ()), "regime", "block", "type", "task", "length", *metrics, "params")
    total, half = len(of.regimes), _SHOWN_REGIMES // 2
    cut = 0 if all_of_them or total <= _MAX_REGIMES else total - _SHOWN_REGIMES
    shown = [*of.regimes[:half], *of.regimes[half + cut :]] if cut else list(of.regimes)
    columns = [numbers([(regime.means or {}).get(metric) for regime in shown]) for metric in metrics]
    lines = [_regime(regime, means)[-len(names) :] for regime, *means in zip(shown, *columns, strict=True)]
    # The parameters get what is left, so they are last.
    room = width - sum(max(map(len, cells)) + 2 for cells in list(zip(names, *lines, strict=True))[:-1])
    regimes = table(*names, right=right)
    for place, (regime, cells) in enumerate(zip(shown, lines, strict=True)):
        if cut and place == half:
            regimes.add_row(*(Text("...", "dim") for _ in names))
        cells[-1] = shortened(cells[-1], max(room, _MIN_PARAMS))
        style = "cyan" if regime.block_subtype == "sleep" else "bold" if regime.block_type == "train" else ""
        regimes.add_row(*map(Text, cells), style=style)
    return [regimes, more(cut, "regime", "--all shows them")] if cut else [regimes]


def _regime(regime: Regime, means: Sequence[str]) -> list[str]:
    kind = f"{regime.block_type} {regime.block_subtype}" if regime.block_subtype != "wake" else regime.block_type
    params = _params(regime.task_params or "")
    if regime.params_count > 1:
        params = f"{regime.params_count:,} kinds, first {params}"
    name, length = shortened(regime.task_name or "", MAX_NAME), f"{regime.length:,}"
    cells = [regime.run, str(regime.regime_num), str(regime.block_num), kind or "", name, length, *means, params]
    return [visible(text) for text in cells]


def shortened(text: str, width: int) -> str:
    """Return text that takes no more than `width` characters."""
    return text if len(text) <= width else text[: max(width - 3, 0)] + "..."


def _params(text: str) -> str:
    """Return parameters without the punctuation of JSON, if they are an object."""
    try:
        params = json.loads(text)
    except ValueError:
        return text
    if not isinstance(params, dict):
        return text
    return ", ".join(f"{name} {each if isinstance(each, str) else json.dumps(each)}" for name, each in params.items())


def more(number: int, noun: str, hint: str) -> Text:
    """Return a line that says how many things are not shown, and what shows them."""
    return Text(f"{count(number, f'more {noun}')}; {hint}", "dim")
