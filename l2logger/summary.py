"""What is in a run, in numbers: blocks, regimes, tasks, workers, the course of each metric, and what else was logged."""

from typing import Any, NamedTuple

from l2logger.log import Log
from l2logger.moments import BINS, Moments, course, mean, moments, moments_sql, stretch_sql, together
from l2logger.regimes import regimes
from l2logger.schema import COMPLETE, V1_1
from l2logger.signal_summary import SignalSummary, summarise_signals
from l2logger.sql import literal, name
from l2logger.tally import in_slices

__all__ = ["BINS", "Metric", "Regime", "SignalSummary", "Summary", "Task", "summarise"]


class Metric(NamedTuple):
    """The complete records' values of one column of numbers.

    Attributes:
        name: The column.
        values: How many of them are finite numbers; only these are looked at.
        mean: Their mean.
        std: Their standard deviation, with ``n - 1`` in the denominator; None for fewer than two values.
        min: The least of them.
        max: The greatest of them.
        course: Means over up to `BINS` equal stretches of ``exp_num``, None where there is no value.
    """

    name: str
    values: int
    mean: float | None
    std: float | None
    min: float | None
    max: float | None
    course: tuple[float | None, ...]


class Task(NamedTuple):
    """What was done with one task.

    Attributes:
        name: The task.
        train: Complete records in training blocks.
        test: Complete records in evaluation blocks.
        metrics: Mean of each metric in evaluation blocks, or in training blocks if there are no others.
    """

    name: str
    train: int
    test: int
    metrics: dict[str, float | None]


class Regime(NamedTuple):
    """One regime; the attributes are the columns of `l2logger.read.regimes`."""

    run: str
    regime_num: int
    block_num: int
    block_type: str
    block_subtype: str
    task_name: str
    task_params: str | None
    params_count: int
    workers: int
    length: int
    first_exp_num: int
    last_exp_num: int
    started: str | None
    ended: str | None
    means: dict[str, float | None] | None


class Summary(NamedTuple):
    """What is in a run.

    Attributes:
        runs: Names of the runs that were read.
        versions: Versions of the format they have.
        files: Number of log files.
        records: Number of records.
        incomplete: How many of them are not complete.
        blocks: Number of different blocks.
        workers: Names of the workers, sorted.
        started: First timestamp, None if there is none.
        ended: Last timestamp.
        regimes: In their order.
        tasks: By name.
        metrics: Those that a run lists, then all other columns of numbers.
        findings: How many things are wrong with the files.
        signals: What was logged beside the records, and how the runs are doing; None if they have nothing of that.
    """

    runs: tuple[str, ...]
    versions: tuple[str, ...]
    files: int
    records: int
    incomplete: int
    blocks: int
    workers: tuple[str, ...]
    started: str | None
    ended: str | None
    regimes: tuple[Regime, ...]
    tasks: tuple[Task, ...]
    metrics: tuple[Metric, ...]
    findings: int
    signals: SignalSummary | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as dicts and lists, for JSON."""
        return self._asdict() | {
            "regimes": [each._asdict() for each in self.regimes],
            "tasks": [each._asdict() for each in self.tasks],
            "metrics": [each._asdict() for each in self.metrics],
            "signals": self.signals and self.signals.as_dict(),
        }


def summarise(log: Log, on_bad_rows: str = "warn") -> Summary:
    """Return the summary of all runs in a log; the log is read twice.

    Args:
        log: What to read.
        on_bad_rows: What to do about what is no signal, as for `l2logger.signal_log.SignalLog`.
    """
    metrics = list(dict.fromkeys((*log.metrics, *log.numbers)))
    parts = _parts(log, metrics)
    stretches = range(1 + max((part.stretch for part in parts), default=-1))
    return Summary(
        runs=tuple(run.name for run in log.runs),
        versions=tuple(dict.fromkeys(run.version for run in log.runs)),
        files=sum(len(run.files) for run in log.runs),
        records=sum(part.records for part in parts),
        incomplete=sum(part.records - part.complete for part in parts),
        blocks=len({(part.run, part.block_num) for part in parts}),
        workers=tuple(sorted({part.worker_id for part in parts})),
        started=min((part.started for part in parts if part.started), default=None),
        ended=max((part.ended for part in parts if part.ended), default=None),
        regimes=tuple(Regime(*row) for row in regimes(log).fetchall()),
        tasks=tuple(_task(task, [part for part in parts if part.task_name == task], metrics) for task in _tasks(parts)),
        metrics=tuple(
            _metric(
                column, [[part.metrics[place] for part in parts if part.stretch == stretch] for stretch in stretches]
            )
            for place, column in enumerate(metrics)
        ),
        findings=len(log.findings),
        signals=summarise_signals(log.runs, log.connection, on_bad_rows),
    )


class _Part(NamedTuple):
    """Records of one worker, block and task, and of one stretch of ``exp_num``."""

    run: str
    block_num: int
    worker_id: str
    task_name: str
    block_type: str
    stretch: int
    records: int
    complete: int
    started: str
    ended: str
    metrics: list[Moments]


def _parts(log: Log, metrics: list[str]) -> list[_Part]:
    """Read the log once, in as many parts as all figures of a summary can be put together from."""
    first, last = log.exp_nums
    complete = f"exp_status = {literal(COMPLETE)}"
    parts: dict[tuple[Any, ...], _Part] = {}
    for columns in in_slices(metrics) if metrics else [[]]:
        values = [f"try_cast({name(log.shown[column])} AS DOUBLE)" for column in columns]
        figures = "".join(f", {moments_sql(value, complete)}" for value in values)
        rows = log.connection.sql(
            f"""
            SELECT run, block_num, coalesce(worker_id, ''), coalesce(task_name, ''), coalesce(block_type, ''),
                {stretch_sql("exp_num", first, last)},
                count(*), count(*) FILTER ({complete}), coalesce(min(timestamp), ''), coalesce(max(timestamp), ''){figures}
            FROM ({log.unsorted((*V1_1.columns, *columns))}) GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY ALL
            """
        ).fetchall()
        for row in rows:
            part = parts.setdefault(row[:6], _Part._make((*row[:10], [])))
            part.metrics.extend(moments(*row[place : place + 5]) for place in range(10, len(row), 5))
    return list(parts.values())


def _tasks(parts: list[_Part]) -> list[str]:
    return sorted({part.task_name for part in parts})


def _task(task: str, parts: list[_Part], metrics: list[str]) -> Task:
    complete = {kind: sum(part.complete for part in parts if part.block_type == kind) for kind in ("train", "test")}
    shown = [part for part in parts if part.block_type == "test"] if complete["test"] else parts
    means = {column: mean(part.metrics[place] for part in shown) for place, column in enumerate(metrics)}
    return Task(task, complete["train"], complete["test"], means)


def _metric(column: str, stretches: list[list[Moments]]) -> Metric:
    found = together(moments for stretch in stretches for moments in stretch)
    values, mean, _, least, greatest = found
    if not values:
        return Metric(column, 0, None, None, None, None, course(stretches))
    return Metric(column, values, mean, found.std, least, greatest, course(stretches))
