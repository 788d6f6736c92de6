"""One slice of the benchmark: one case, with whichever l2logger the interpreter has. Started by ``write.py``.

``measure_write.py time CASE original|ours N`` prints the times of N calls, ``measure_write.py memory N`` how much a writer grows,
both as JSON.
"""

import functools
import itertools
import json
import os
import resource
import statistics
import sys
import tempfile
import time
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

WARM_UP = 500
BLOCK = 80  # records to a block in the measurement of memory

Record = dict[str, Any]


class Case(NamedTuple):
    """What is logged.

    Attributes:
        title: For the table.
        records: Returns the records, a new dict each, as a training loop makes them.
        n: Calls in one slice; 0 for the usual number.
        arguments: Returns arguments of `DataLogger` that only l2logger 2 has.
        bound: Columns that l2logger 2 gets through `bind`, and the original in each record.
        packages: Who is measured.
        fast: With what ``l2logger[fast]`` installs; otherwise as in a plain installation.
    """

    title: str
    records: Callable[[], Iterator[Record]]
    n: int = 0
    arguments: Callable[[], Record] = dict
    bound: Record = {}  # noqa: RUF012
    packages: tuple[str, ...] = ("original", "ours")
    fast: bool = False


def standard(exp_num: int) -> Record:
    return {
        "block_num": 0,
        "exp_num": exp_num,
        "worker_id": "worker-0",
        "block_type": "train",
        "block_subtype": "wake",
        "task_name": "CartPole_long",
        "task_params": {"length": 1.0, "gravity": 9.8},
        "exp_status": "complete",
    }


def metrics(exp_num: int) -> Record:
    return {"reward": exp_num * 0.37, "episode_step_count": exp_num % 500}


def one_worker() -> Iterator[Record]:
    for i in itertools.count():
        yield {**standard(i), **metrics(i)}


def four_workers() -> Iterator[Record]:
    for i in itertools.count():
        yield {**standard(i), **metrics(i), "worker_id": f"worker-{i % 4}"}


def two_tasks() -> Iterator[Record]:
    tasks = ("CartPole_long", {"length": 1.0}), ("CartPole_short", {"length": 0.5})
    for i in itertools.count():
        name, params = tasks[i % 2]
        yield {**standard(i), **metrics(i), "task_name": name, "task_params": {**params}}


def changing_params() -> Iterator[Record]:
    for i in itertools.count():
        yield {**standard(i), **metrics(i), "task_params": {"length": i * 0.01, "gravity": 9.8}}


def nested_params() -> Iterator[Record]:
    for i in itertools.count():
        physics = {"gravity": [0.0, -9.8], "friction": {"wheel": 0.1, "pole": None}}
        yield {**standard(i), **metrics(i), "task_params": {"physics": physics, "seeds": [1, 2, 3], "fast": True}}


def twenty_metrics() -> Iterator[Record]:
    names = [f"metric_{j:02}" for j in range(18)]
    for i in itertools.count():
        yield {**standard(i), **metrics(i), **{name: i * 0.1 + j for j, name in enumerate(names)}}


def text_column() -> Iterator[Record]:
    for i in itertools.count():
        yield {**standard(i), **metrics(i), "comment": f"pole fell to the left at step {i}"}


def bound_part() -> Iterator[Record]:
    for i in itertools.count():
        yield {"exp_num": i, **metrics(i)}


def numpy_scalars(kind: str) -> Iterator[Record]:
    import numpy

    scalar = getattr(numpy, kind)
    for i in itertools.count():
        yield {**standard(i), "reward": scalar(i * 0.37), "episode_step_count": scalar(i % 500)}


def no_shortcut() -> Record:
    from l2logger.processors import canonical

    return {"processors": [*canonical(), lambda logger, kind, event: event]}


def memory_sink() -> Record:
    from l2logger.sinks import MemorySink

    return {"sinks": [MemorySink()]}


ALWAYS_THE_SAME = {name: value for name, value in standard(0).items() if name != "exp_num"}
CASES = {
    "one_worker": Case("one worker, 11 columns", one_worker),
    "four_workers": Case("four workers in turn", four_workers),
    "twenty_metrics": Case("twenty metric columns", twenty_metrics),
    "one_worker_fast": Case("one worker, l2logger[fast]", one_worker, fast=True),
    "twenty_metrics_fast": Case("twenty metrics, l2logger[fast]", twenty_metrics, fast=True),
    "nested_params": Case("nested task_params", nested_params),
    "float64": Case("metrics are numpy.float64", functools.partial(numpy_scalars, "float64")),
    "float32": Case("metrics are numpy.float32", functools.partial(numpy_scalars, "float32")),
    "text": Case("with a column of text", text_column),
    "bind": Case("ours through bind()", bound_part, bound=ALWAYS_THE_SAME),
    "two_tasks": Case("two tasks in turn, one worker", two_tasks),
    "changing_params": Case("task_params new each time", changing_params),
    "own_processor": Case("ours with one more processor", one_worker, arguments=no_shortcut),
    "memory_sink": Case("ours with a MemorySink", one_worker, arguments=memory_sink),
    "fsync": Case('fsync="always"', one_worker, 100, lambda: {"fsync": "always"}, packages=("ours",)),
    "floor": Case("os.write of the same line", one_worker, packages=("ours",)),
}


def clock_ns() -> int:
    """Return what two calls of the clock with nothing in between seem to take."""
    clock = time.perf_counter_ns
    return int(statistics.median(-(clock() - clock()) for _ in range(10_000)))


def timed(log: Callable[[Any], Any], records: Iterator[Any], n: int) -> "array[int]":
    clock = time.perf_counter_ns
    times = array("q", bytes(8 * n))
    for i in range(n):
        record = next(records)
        start = clock()
        log(record)
        times[i] = clock() - start
    return times


def measure_time(case: Case, package: str, n: int) -> dict[str, float]:
    if not case.fast:
        sys.modules["orjson"] = None  # type: ignore[assignment]
    from l2logger import l2logger

    records = case.records()
    with tempfile.TemporaryDirectory() as base:
        arguments = case.arguments() if package == "ours" else {}
        logger = l2logger.DataLogger(base, "bench", {"metrics_columns": ["reward"]}, **arguments)
        log = logger.log_record
        if case.bound and package == "ours":
            log = logger.bind(**case.bound).log_record
        elif case.bound:
            records = ({**case.bound, **record} for record in records)
        if case is CASES["floor"]:
            log(next(records))
            log, records = by_hand(logger.scenario_dir)
        timed(log, records, min(WARM_UP, n))
        times = timed(log, records, n)
        logger.close()
    overhead = clock_ns()
    ordered = [(each - overhead) / 1000 for each in sorted(times)]
    return {
        "p50": statistics.median(ordered),
        "p99": ordered[int(n * 0.99)],
        "mean": statistics.fmean(ordered),
        "clock": overhead / 1000,
    }


def by_hand(scenario_dir: str) -> tuple[Callable[[bytes], int], Iterator[bytes]]:
    """Return what writes a line, and the last line of the log over and over."""
    (path,) = Path(scenario_dir).rglob("data-log.tsv")
    line = path.read_bytes().splitlines(keepends=True)[-1]
    fd = os.open(path.with_name("by-hand.tsv"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    return functools.partial(os.write, fd), itertools.repeat(line)


def resident_kb() -> int:
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024
    except OSError:  # not Linux: the highest so far
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 if sys.platform == "darwin" else 1)


def measure_memory(n: int) -> dict[str, int]:
    """Write n records in many blocks; return the memory after a tenth of them and after all."""
    from l2logger import l2logger

    first = max(n // 10, 1)
    with tempfile.TemporaryDirectory() as base:
        logger = l2logger.DataLogger(base, "bench", {"metrics_columns": ["reward"]})
        for i, record in enumerate(itertools.islice(one_worker(), n), 1):
            record["block_num"] = i // BLOCK
            logger.log_record(record)
            if i == first:
                before = resident_kb()
        after = resident_kb()
        logger.close()
    return {"first": first, "first_kb": before, "last": n, "last_kb": after}


if __name__ == "__main__":
    verb, *rest = sys.argv[1:]
    if verb == "memory":
        print(json.dumps(measure_memory(int(rest[0]))))
    else:
        name, package, n = rest
        print(json.dumps(measure_time(CASES[name], package, int(n))))
