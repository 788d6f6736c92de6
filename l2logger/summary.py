"""What is in a run, in numbers: blocks, regimes, tasks, workers, and the course of each metric."""

from typing import Any, Final, NamedTuple

from l2logger.log import Log
from l2logger.schema import COMPLETE, V1_1
from l2logger.sql import literal, name

BINS: Final = 32
"""Number of points in the course of a metric."""

_OF_PART: Final = 9
"""Where the numbers of the metrics begin in a row of the query."""

_NUMBERS: Final = frozenset({"BIGINT", "DOUBLE", "BOOLEAN"})


class Metric(NamedTuple):
    """The complete records' values of one column of numbers.

    Attributes:
        name: The column.
        values: How many records have a value that is a number.
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
    started: str
    ended: str


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
        started: First timestamp, None without records.
        ended: Last timestamp.
        regimes: In their order.
        tasks: By name.
        metrics: In the order of the columns.
        findings: How many things are wrong with the files.
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

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as dicts and lists, for JSON."""
        nested = {"regimes": self.regimes, "tasks": self.tasks, "metrics": self.metrics}
        return self._asdict() | {key: [each._asdict() for each in values] for key, values in nested.items()}


def summarise(log: Log) -> Summary:
    """Return the summary of all runs in a log; the log is read twice."""
    metrics = [column for column in log.columns if column not in V1_1.columns and log.types[column] in _NUMBERS]
    first, last = log.exp_nums
    width = max(last - first + 1, 1)
    complete = f"exp_status = {literal(COMPLETE)}"
    numbers = ""
    for column in metrics:
        value = f"{name(column)}::DOUBLE"
        kept = f"FILTER ({complete} AND NOT isnan({value}))"
        numbers += f", count({value}) {kept}, avg({value}) {kept}, stddev_samp({value}) {kept}, min({value}) {kept}, max({value}) {kept}"
    # One pass over the files: everything for the run as a whole, and again for each task, type of block and stretch.
    (whole, *parts) = log.connection.sql(
        f"""
        SELECT task_name, block_type, stretch, count(*), count(*) FILTER ({complete}),
            CASE WHEN grouping(stretch) = 1 THEN count(DISTINCT (run, block_num)) END,
            CASE WHEN grouping(stretch) = 1 THEN list_sort(list(DISTINCT worker_id)) END,
            min(timestamp), max(timestamp){numbers}
        FROM (SELECT *, (exp_num - {first}) * {BINS} // {width} AS stretch FROM ({log.unsorted()}))
        GROUP BY GROUPING SETS ((), (task_name, block_type, stretch)) ORDER BY grouping(stretch) DESC, stretch, task_name, block_type
        """
    ).fetchall()
    records, completed, blocks, workers, started, ended = whole[3:_OF_PART]
    return Summary(
        runs=tuple(run.name for run in log.runs),
        versions=tuple(dict.fromkeys(run.version for run in log.runs)),
        files=sum(len(run.files) for run in log.runs),
        records=records,
        incomplete=records - completed,
        blocks=blocks,
        workers=tuple(workers or ()),
        started=started,
        ended=ended,
        regimes=tuple(Regime(*row) for row in log.regimes().fetchall()),
        tasks=_tasks(parts, metrics),
        metrics=_metrics(list(whole[_OF_PART:]), parts, metrics),
        findings=len(log.findings),
    )


def _metrics(numbers: list[Any], parts: list[tuple[Any, ...]], metrics: list[str]) -> tuple[Metric, ...]:
    return tuple(
        Metric(column, *numbers[place * 5 : place * 5 + 5], course=_course(parts, _OF_PART + place * 5))
        for place, column in enumerate(metrics)
    )


def _course(parts: list[tuple[Any, ...]], place: int) -> tuple[float | None, ...]:
    """Return the mean of one metric in each stretch."""
    stretches = range(max((part[2] for part in parts), default=-1) + 1)
    return tuple(_mean([part for part in parts if part[2] == stretch], place) for stretch in stretches)


def _mean(parts: list[tuple[Any, ...]], place: int) -> float | None:
    """Return the mean of one metric in some parts together, from their numbers of values and means."""
    values = sum(part[place] for part in parts)
    return sum(part[place] * part[place + 1] for part in parts if part[place]) / values if values else None


def _tasks(parts: list[tuple[Any, ...]], metrics: list[str]) -> tuple[Task, ...]:
    tasks = []
    for task in sorted({part[0] or "" for part in parts}):
        of_task = [part for part in parts if (part[0] or "") == task]
        counts = {kind: sum(part[4] for part in of_task if part[1] == kind) for kind in ("train", "test")}
        shown = [part for part in of_task if part[1] == "test" and part[4]] or of_task
        means = {column: _mean(shown, _OF_PART + place * 5) for place, column in enumerate(metrics)}
        tasks.append(Task(task, counts["train"], counts["test"], means))
    return tuple(tasks)
