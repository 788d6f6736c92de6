"""Measure what mirrors cost, and what they deliver: ``python benchmarks/mirrors.py``, or ``make bench``.

How to read it: there are five tables, each of which ``--only`` picks.

``cost``
    A training whose steps compute for a while, holding the interpreter lock as Python code does, and bring three metrics.
    By hand: the original l2logger 1.8.2, tensorboardX's `add_scalar` for each metric, W&B's `log` (offline), and a table
    printed every 100 records, all in the loop. Ours: the same as mirrors. "Call" is what the loop waits for the logging of one
    record; "loop" the wall time of all steps, in which one sees how mirrors slow down the work beside them; "begin" and
    "close" what comes before and after; "total" the time until no process is left; "cpu" the processor time of all
    processes, W&B's service included; "MB" by how much the training grew, "other MB" the peaks of all other processes. What
    arrived is read back: the points by TensorBoard's own reader, the history from W&B's file. The loop is faster
    than W&B, so that in a thread the time for closing may not be enough for all.
    Ratios are by hand / ours: above 1, ours is cheaper. The goal for the call is 30.

``steady``
    A record each millisecond to three mirrors: does everything arrive, and how many records wait at most?

``isolation``
    Three healthy mirrors, and a fourth that does something bad in one of its methods. The goal for p99 is 100. Each healthy
    mirror has to get all records, and `close` has to be back within the budget of the bad one, 0.4 s.

``burning``
    A mirror that computes for each record: what is felt of it at a steady pace from a thread, and from a process.
    "Late" is by how much a step begins later than planned: the wait for the lock, and what a sleep takes too long.

``queue``
    What it takes to hand a record over, with sinks that do nothing and no work in between.

Each slice is a process of its own. With ``--slices``, the cases of a table take turns, and figures are medians over the
slices, but for the maximum, and for what arrived, which is the least; by hand is measured once. Calls and delays are in microseconds, without
what the clock itself takes. All takes about four minutes, half of them for the steady log; ``--seconds 5`` will do for a look.
"""

import argparse
import json
import statistics
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from mirror_sides import CASES, METRICS
from sides import HERE, environment, print_table, python

MEASURE = HERE / "measure_mirrors.py"

CALL = ("mean", "p50", "p99", "max")
SECS = ("begin", "loop", "close", "total", "cpu")
PER_SEC = 1000
PAUSE_US = 200
BURNING_US = (30, 200)
BURNING_SECS = 3
ISOLATED = 2000
QUEUED = 20_000
QUEUES = {
    "none": "no mirror",
    "memory": "a MemorySink in the calling thread",
    "inline": "one in the calling thread",
    "thread": "one in a thread (BackgroundSink)",
    "threads": "three in threads",
    "process": "one in a process (ProcessSink)",
}

Report = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what mirrors cost, and what they deliver.")
    parser.add_argument("--only", action="append", choices=TABLES, help="make only this table; may be repeated")
    parser.add_argument("--slices", type=int, default=1, help="slices of each case (default: %(default)s)")
    parser.add_argument("--records", type=int, default=20_000, help="steps of a training (default: %(default)s)")
    parser.add_argument(
        "--work", type=float, default=50.0, help="microseconds of work in a step (default: %(default)s)"
    )
    parser.add_argument("--seconds", type=float, default=60.0, help="length of the steady log (default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to this file as well")
    options = parser.parse_args()

    print(environment("tensorboardX", "wandb"), flush=True)
    options.per_us = measure("rounds_per_us")
    options.rounds = int(options.work * options.per_us)
    report: Report = {"options": {name: each for name, each in vars(options).items() if name != "json"}}
    for name in options.only or TABLES:
        title, found, rows = TABLES[name]
        report[name] = found(options)
        print(f"\n{title.format(**vars(options))}\n")
        print_table(rows(report[name]))
        print(end="", flush=True)
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n")


def measure(what: str, **arguments: Any) -> Any:
    return json.loads(python("ours", MEASURE, what, json.dumps(arguments)))


def in_turn(slices: int, what: str, cases: dict[str, Report]) -> Report:
    """Measure all cases once, then all once more; return the figures of each.

    Args:
        slices: How often.
        what: What is measured.
        cases: The arguments of each case.
    """
    found: Report = {name: [] for name in cases}
    for _ in range(slices):
        for name, arguments in cases.items():
            found[name].append(measure(what, **arguments))
    return found


def middle(slices: list[Report], *names: str) -> float:
    """Return the median of a figure, or the highest of a maximum; names lead to it."""
    values = []
    for each in slices:
        value: Any = each
        for name in names:
            value = value[name]
        values.append(value)
    found: float = max(values) if names[-1] == "max" else statistics.median(values)
    return found


def calls(slices: list[Report], figures: tuple[str, ...] = CALL, of: str = "call") -> list[str]:
    return [f"{middle(slices, of, figure):.1f}" for figure in figures]


def cost(options: Any) -> Report:
    found: Report = {name: [] for name in CASES}
    for turn in range(options.slices):
        for name, case in CASES.items():
            if not (turn and case.once):
                found[name].append(measure("cost", case=name, n=options.records, rounds=options.rounds))
    return found


def cost_rows(report: Report) -> Iterator[list[str]]:
    yield ["", "call", *[""] * len(CALL), *SECS, "MB", "other MB", "arrived"]
    yield ["", *CALL, "mean from-to", *["secs"] * len(SECS), "", "", "log", "curves", "history", "tables"]
    for name, case in CASES.items():
        slices = report[name]
        means = [each["call"]["mean"] for each in slices]
        row = [case.title, *calls(slices), f"{min(means):.1f}-{max(means):.1f}"]
        row += [f"{middle(slices, each):.2f}" for each in SECS]
        row += [f"{middle(slices, each):.0f}" for each in ("mb", "others_mb")]
        least = {each: min(one["arrived"][each] for one in slices) for each in slices[0]["arrived"]}
        yield row + [f"{least[each]:,}" if each in least else "" for each in ("log", "tensorboard", "wandb", "console")]
    for name in ("threads", "processes"):
        ratios = [ratio(report, name, "call", figure) for figure in CALL]
        yield [f"by hand / {name}", *ratios, "", *(ratio(report, name, figure) for figure in SECS)]


def ratio(report: Report, name: str, *figure: str) -> str:
    ours = middle(report[name], *figure)
    return f"{middle(report['by_hand'], *figure) / ours:.1f}x" if ours > 0 else ""


def steady(options: Any) -> Report:
    arguments = {"secs": options.seconds, "per_sec": PER_SEC, "rounds": options.rounds}
    return {place: measure("steady", place=place, **arguments) for place in ("thread", "process")}


def steady_rows(report: Report) -> Iterator[list[str]]:
    yield ["", "call", "", "", "late", "", "loop", "close", "mirror", "arrived", "delivered", "missed", "most waiting"]
    yield ["", "p50", "p99", "max", "p99", "max", "secs", "secs"]
    for place, found in report.items():
        row = [f"W&B and TensorBoard in a {place}", *calls([found], CALL[1:]), *calls([found], CALL[2:], "late")]
        row += [f"{found['loop']:.1f}", f"{found['close']:.2f}"]
        arrived = {"ConsoleSink": "console", "TensorBoardSink": "tensorboard", "WandbSink": "wandb"}
        for each in found["health"]:
            expected = found["n"] * (len(METRICS) if each["sink"] == "TensorBoardSink" else 1)
            read = f"{found['arrived'][arrived[each['sink']]]:,}"
            read += f" of {expected:,}" if each["sink"] != "ConsoleSink" else " tables"
            missed = each["dropped"] + each["failed"]
            waiting = found["queued"].get(each["sink"], 0)
            yield [*row, each["sink"], read, f"{each['delivered']:,}", f"{missed:,}", f"{waiting:,}"]
            row = [""] * len(row)


def isolation(options: Any) -> Report:
    arguments = {"n": ISOLATED, "rounds": int(PAUSE_US * options.per_us)}
    ways = ("", *json.loads(python("ours", "-c", WAYS)))
    return {way: [measure("isolation", way=way, **arguments) for _ in range(options.slices)] for way in ways}


WAYS = (
    f"import sys; sys.path.append({str(HERE.parent / 'tests')!r})\n"
    "import json, test_isolation\n"
    "print(json.dumps(list(test_isolation.WAYS)))"
)


def isolation_rows(report: Report) -> Iterator[list[str]]:
    yield ["", "in", "call", "", "", "close", "least that a healthy"]
    yield ["", "", *CALL[1:], "secs", "mirror got"]
    for way, slices in report.items():
        for verb in slices[0]:
            of_verb = [each[verb] for each in slices]
            least = min(each["arrived"] for each in of_verb)
            close = f"{middle(of_verb, 'close'):.2f}"
            words = [way, verb] if way else ["a mirror that does nothing", ""]
            yield [*words, *calls(of_verb, CALL[1:]), close, f"{least:,} of {of_verb[0]['n']:,}"]


def burning(options: Any) -> Report:
    usual = {"secs": BURNING_SECS, "per_sec": PER_SEC, "rounds": options.rounds}
    cases = {"no mirror": {"place": "", "sink_rounds": 0, **usual}}
    for us in BURNING_US:
        for place in ("thread", "process"):
            arguments = {"place": place, "sink_rounds": int(us * options.per_us), **usual}
            cases[f"a mirror of {us} us in a {place}"] = arguments
    return in_turn(options.slices, "burning", cases)


def burning_rows(report: Report) -> Iterator[list[str]]:
    yield ["", "call", "", "", "", "late", "", "", ""]
    yield ["", *CALL, *CALL]
    for name, slices in report.items():
        yield [name, *calls(slices), *calls(slices, of="late")]


def queue(options: Any) -> Report:
    return in_turn(max(3, options.slices), "queue", {case: {"case": case, "n": QUEUED} for case in QUEUES})


def queue_rows(report: Report) -> Iterator[list[str]]:
    yield ["", *CALL]
    for case, slices in report.items():
        yield [QUEUES[case], *calls(slices)]


TABLES: dict[str, tuple[str, Callable[[Any], Report], Callable[[Report], Iterator[list[str]]]]] = {
    "cost": ("cost: {records:,} steps with {work:g} us of work each", cost, cost_rows),
    "steady": (f"steady: {PER_SEC:,} records a second for {{seconds:g}} s", steady, steady_rows),
    "isolation": (f"isolation: {ISOLATED:,} records with {PAUSE_US} us of work before each", isolation, isolation_rows),
    "burning": (
        f"burning: {PER_SEC:,} records a second for {BURNING_SECS} s, {{work:g}} us of work before each",
        burning,
        burning_rows,
    ),
    "queue": (f"queue: {QUEUED:,} records, one after the other", queue, queue_rows),
}

if __name__ == "__main__":
    main()
