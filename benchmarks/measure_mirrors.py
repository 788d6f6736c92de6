"""One slice of the benchmark of mirrors. Started by ``mirrors.py``: ``measure_mirrors.py WHAT ARGUMENTS``, in JSON, as is the answer.

Times of calls are in microseconds, all others in seconds.
"""

import gc
import json
import os
import statistics
import sys
import tempfile
import time
import warnings
from array import array
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))  # Python is started without it, and the processes of mirrors need it, too.

import mirror_sides  # noqa: E402
from measure_write import clock_ns  # noqa: E402
from mirror_sides import work  # noqa: E402
from processes import Glances, Others, adopt_orphans, cpu_secs, end_processes, peak_kb  # noqa: E402

_WARM_UP = 500

Figures = dict[str, Any]


class Course(NamedTuple):
    """How a loop went.

    Attributes:
        calls: What each call took, in nanoseconds.
        late: By how much each step began later than it was to, in nanoseconds; empty if there is no pace.
        secs: What all took.
    """

    calls: "array[int]"
    late: "array[int]"
    secs: float


def run(log: Callable[[Any], Any], records: Iterable[Any], rounds: int, per_sec: float = 0.0) -> Course:
    """Log records, with `rounds` of work before each, not more than so many in a second."""
    clock = time.perf_counter_ns
    calls, late = array("q"), array("q")
    begin = clock()
    for i, record in enumerate(records):
        if per_sec:
            due = begin + int(i * 1e9 / per_sec)
            if (early := due - clock()) > 0:
                time.sleep(early / 1e9)
            late.append(clock() - due)
        work(rounds)
        start = clock()
        log(record)
        calls.append(clock() - start)
    return Course(calls, late, (clock() - begin) / 1e9)


def summary(times: "array[int]", overhead_ns: int = 0) -> Figures:
    ordered = [(each - overhead_ns) / 1000 for each in sorted(times)]
    return {
        "mean": statistics.fmean(ordered),
        "p50": statistics.median(ordered),
        "p99": ordered[int(len(ordered) * 0.99)],
        "max": ordered[-1],
    }


def rounds_per_us() -> float:
    """Return how many rounds of work are done in a microsecond when nothing is in the way."""
    best = float("inf")
    for _ in range(300):
        start = time.perf_counter_ns()
        work(10_000)
        best = min(best, time.perf_counter_ns() - start)
    return 10_000 / (best / 1000)


def cost(case: str, n: int, rounds: int) -> Figures:
    """Measure a whole training, from its first import to when nothing of it is running any more."""
    way = mirror_sides.CASES[case].way
    mirror_sides.use(mirror_sides.CASES[case].package)
    records = list(mirror_sides.records(n))
    gc.collect()
    gc.freeze()  # The records are not of the training.
    before_kb = peak_kb("self")
    with tempfile.TemporaryDirectory() as directory:
        base = Path(directory)
        cpu = cpu_secs()
        start = time.perf_counter()
        log, close, _ = way(base)
        begin = time.perf_counter() - start
        course = run(log, records, rounds)
        closing = time.perf_counter()
        with Others() as others:
            close()
        closed = time.perf_counter()
        end_processes()
        over = time.perf_counter()
        return {
            "call": summary(course.calls, clock_ns()),
            "begin": begin,
            "loop": course.secs,
            "close": closed - closing,
            "total": over - start,
            "cpu": cpu_secs() - cpu,
            "mb": (peak_kb("self") - before_kb) / 1024,
            "others_mb": sum(others.kb.values()) / 1024,
            "arrived": mirror_sides.arrived(base),
        }


def steady(place: str, secs: float, per_sec: float, rounds: int) -> Figures:
    """Log at a steady pace to three mirrors, and see that nothing is missing."""
    n = int(secs * per_sec)
    with tempfile.TemporaryDirectory() as directory:
        base = Path(directory)
        log, close, logger = mirror_sides.mirrored(base, place)
        with Queues(logger) as queues:
            course = run(log, mirror_sides.records(n), rounds, per_sec)
        closing = time.perf_counter()
        close()
        closed = time.perf_counter()
        health = [each._asdict() for each in logger.health()]
        end_processes()
        return {
            "n": n,
            "loop": course.secs,
            "call": summary(course.calls, clock_ns()),
            "late": summary(course.late),
            "close": closed - closing,
            "queued": queues.most,
            "health": health,
            "arrived": mirror_sides.arrived(base),
        }


class Queues(Glances):
    """See how many signals wait for each mirror.

    Attributes:
        most: The most that were seen to wait, by the class of the sink.
    """

    def __init__(self, logger: Any) -> None:
        super().__init__()
        self.most: dict[str, int] = {}
        self._logger = logger

    def look(self) -> None:
        for each in self._logger.health():
            self.most[each.sink] = max(self.most.get(each.sink, 0), each.queued)


def isolation(way: str, n: int, rounds: int) -> dict[str, Figures]:
    """Measure logging beside a mirror that misbehaves in one of its methods; return figures by method."""
    sys.path.append(str(HERE.parent / "tests"))
    from mirror_sinks import Idle
    from test_isolation import BUDGET_SECS, VERBS, Misbehaving

    if not way:
        return {"": _beside(Idle("thread"), n, rounds, BUDGET_SECS)}
    return {verb: _beside(Misbehaving(verb, way), n, rounds, BUDGET_SECS) for verb in VERBS}


def _beside(sink: Any, n: int, rounds: int, budget_secs: float) -> Figures:
    from l2logger import DataLogger
    from l2logger.sinks import BackgroundSink, MemorySink

    direct, before, after = (MemorySink() for _ in range(3))
    guarded = BackgroundSink(sink, close_timeout_secs=budget_secs, flush_timeout_secs=budget_secs)
    sinks = [direct, BackgroundSink(before), guarded, BackgroundSink(after)]
    with tempfile.TemporaryDirectory() as base:
        logger = DataLogger(base, "bench", {"metrics_columns": ["reward"]}, sinks=sinks)
        records = mirror_sides.records(n)
        calls = run(logger.log_record, islice(records, n // 2), rounds).calls
        logger.flush(budget_secs)
        calls += run(logger.log_record, records, rounds).calls
        closing = time.perf_counter()
        logger.close()
        closed = time.perf_counter()
    return {
        "n": n,
        "call": summary(calls, clock_ns()),
        "close": closed - closing,
        "arrived": min(len(each.records) for each in (direct, before, after)),
    }


def burning(place: str, sink_rounds: int, secs: float, per_sec: float, rounds: int) -> Figures:
    """Measure logging at a steady pace beside a mirror that computes for each record."""
    from mirror_sinks import Burning

    from l2logger import DataLogger

    n = int(secs * per_sec)
    sinks = [Burning(place, sink_rounds)] if place else []
    with tempfile.TemporaryDirectory() as base:
        logger = DataLogger(base, "bench", {"metrics_columns": ["reward"]}, sinks=sinks)
        course = run(logger.log_record, mirror_sides.records(n), rounds, per_sec)
        logger.close()
        return {
            "call": summary(course.calls, clock_ns()),
            "late": summary(course.late),
            "arrived": [each.delivered for each in logger.health()],
        }


def queue(case: str, n: int) -> Figures:
    """Measure what handing over costs, with sinks that do nothing."""
    from mirror_sinks import Idle

    from l2logger import DataLogger
    from l2logger.sinks import MemorySink, Sink

    sinks: dict[str, list[Sink]] = {
        "none": [],
        "memory": [MemorySink()],
        "inline": [Idle("none")],
        "thread": [Idle("thread")],
        "threads": [Idle("thread") for _ in range(3)],
        "process": [Idle("process")],
    }
    with tempfile.TemporaryDirectory() as base:
        logger = DataLogger(base, "bench", {"metrics_columns": ["reward"]}, sinks=sinks[case])
        records = mirror_sides.records(_WARM_UP + n)
        run(logger.log_record, islice(records, _WARM_UP), 0)
        logger.flush()
        course = run(logger.log_record, records, 0)
        logger.close()
        return {"call": summary(course.calls, clock_ns()), "loop": course.secs}


SLICES = {each.__name__: each for each in (rounds_per_us, cost, steady, isolation, burning, queue)}

if __name__ == "__main__":
    warnings.simplefilter("ignore")
    os.environ["WANDB_SILENT"] = "true"
    adopt_orphans()
    what, arguments = sys.argv[1:]
    print(json.dumps(SLICES[what](**json.loads(arguments))))
    sys.stdout.flush()
    os._exit(0)  # Sinks that hang on purpose are left behind.
