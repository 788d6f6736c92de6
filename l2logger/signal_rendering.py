"""How what was logged beside the records is shown to people: how the run is doing, its metrics, what else there is."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from l2logger.commands.terminal import count
from l2logger.diagnostics import visible
from l2logger.rendering import (
    FACT_CHARS,
    MAX_NAME,
    described,
    facts,
    listed,
    more,
    number,
    shortened,
    span,
    with_courses,
    workers,
)
from l2logger.signal_relations import flat
from l2logger.signal_summary import SignalSummary

_MAX_METRICS: Final = 40
_COMMIT_CHARS: Final = 10
_MARGIN: Final = 16
"""Columns that stand before the parameters, and behind them."""


def signals(of: SignalSummary, out: Console, *, alone: bool = False, all_metrics: bool = False) -> list[RenderableType]:
    """Return what was logged beside the records as tables, one below the other.

    Args:
        of: What was logged.
        out: Where it will be shown.
        alone: Whether there are no records, which tell the workers and the time.
        all_metrics: Show each metric, however many there are.
    """
    parts: list[RenderableType] = [_overview(of, out.width, alone)]
    shown = of.metrics if all_metrics or len(of.metrics) <= _MAX_METRICS else of.metrics[:_MAX_METRICS]
    if shown:
        lines = []
        for metric in shown:
            numbers = map(number, (metric.values, metric.last, metric.mean, metric.min, metric.max))
            lines.append([shortened(described(metric.name, of.descriptions), MAX_NAME), *numbers])
        names = ("metric", "count", "last", "mean", "min", "max", "course")
        parts += [Text(), with_courses(names, lines, [metric.course for metric in shown], out)]
    if len(shown) < len(of.metrics):
        parts.append(more(len(of.metrics) - len(shown), "metric", "--all shows them"))
    return parts


def _overview(of: SignalSummary, width: int, alone: bool) -> Table:
    told = of.manifests.values()
    kinds = ", ".join(f"{signals:,} {_noun(kind, signals)}" for kind, signals in of.kinds.items())
    artifacts = ", ".join(f"{name} ({count(versions, 'version')})" for name, versions in of.artifacts.items())
    rows = {
        "status": _counted(each.get("status") for each in told),
        "tags": ", ".join(dict.fromkeys(str(tag) for each in told for tag in each.get("tags") or ())),
        "git": _counted(_state_of_code(each.get("git")) for each in told),
        "params": shortened(_params(of), max(width - _MARGIN, MAX_NAME)),
        "signals": f"{sum(of.kinds.values()):,}: {kinds}" if of.kinds else "",
        "artifacts": artifacts,
        "workers": workers(of.workers) if alone else "",
        "time": span(of.started, of.ended) if alone and of.started else "",
    }
    grid = facts(FACT_CHARS if alone else None)
    for what, text in rows.items():
        if text:
            grid.add_row(Text(what), Text(visible(text), _STYLES.get(text, "") if what == "status" else ""))
    return grid


_STYLES: Final = {"complete": "green", "running": "cyan", "failed": "red", "interrupted": "yellow"}


def _noun(kind: str, signals: int) -> str:
    return kind if signals == 1 or kind.endswith("s") else f"{kind}s"


def _counted(words: Iterable[Any]) -> str:
    """Return what one run says, or what several say and how often."""
    counts = Counter(str(word) for word in words if word)
    if sum(counts.values()) == 1:
        return next(iter(counts))
    return listed([f"{times:,} {word}" for word, times in counts.most_common()])


def _state_of_code(git: Any) -> str:
    if not isinstance(git, Mapping) or not git.get("commit"):
        return ""
    branch = f" of {git['branch']}" if git.get("branch") else ""
    return str(git["commit"])[:_COMMIT_CHARS] + branch + (", with changes" if git.get("dirty") else "")


def _params(of: SignalSummary) -> str:
    """Return the parameters of one run; of several only how many have any."""
    if len(of.params) > 1:
        return f"of {count(len(of.params), 'run')}"
    pairs = [pair for params in of.params.values() for pair in flat(params)]
    return ", ".join(f"{name} {_value(text)}" for name, text in pairs)


def _value(text: str) -> str:
    """Return text as it is, and anything else as JSON."""
    value = json.loads(text)
    return value if isinstance(value, str) else text
