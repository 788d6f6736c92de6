"""What every sink owes, wherever it runs: everything in order, flushed when it says so, and no harm to others.

What arrived is read back by the readers that its users have: TensorBoard's own, the records of W&B's offline file, the
characters on the screen.
"""

import csv
import itertools
import json
import math
import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import tensorboard_reading
import wandb_file
from reading import record, rows

from l2logger.replay import replay
from l2logger.sinks import (
    ConsoleSink,
    CsvSink,
    Every,
    JsonlSink,
    MemorySink,
    Only,
    Sink,
    TensorBoardSink,
    WandbSink,
)

Points = dict[str, list[tuple[int, float]]]

pytestmark = pytest.mark.filterwarnings(
    "ignore::l2logger.SinkWarning", "ignore:This process:DeprecationWarning", "ignore::DeprecationWarning:google"
)


class Case(NamedTuple):
    """A sink and how to look at what it did.

    Attributes:
        make: Makes the sink, given a directory that is its own.
        points: Reads back the steps and values of each curve, in the order in which they came.
        rel_tol: How far the values may be off: not at all, or to what 32 bits hold.
    """

    make: Callable[[Path], Sink]
    points: Callable[[Path, Sink], Points]
    rel_tol: float = 0.0


def of_rows(fields_of_all: Any) -> Points:
    points: Points = {}
    for fields in fields_of_all:
        for metric in ("reward", "loss"):
            if fields.get(metric) not in (None, ""):
                curve = f"{fields['block_type']}/{fields['task_name']}/{metric}"
                points.setdefault(curve, []).append((int(fields["exp_num"]), float(fields[metric])))
    return points


def of_jsonl(directory: Path, sink: Sink) -> Points:
    return of_rows(map(json.loads, (directory / "mirror.jsonl").read_text().splitlines()))


def of_csv(directory: Path, sink: Sink) -> Points:
    with (directory / "records.csv").open(newline="") as file:
        return of_rows(csv.DictReader(file))


def of_wandb(directory: Path, sink: Sink) -> Points:
    points: Points = {}
    for path in wandb_file.files(directory):
        for row in wandb_file.read(path).history:
            for name, value in row.items():
                if name.startswith(("train/", "test/")) and isinstance(value, int | float):
                    points.setdefault(name, []).append((row["exp_num"], float(value)))
    return points


def of_console(directory: Path, sink: Sink) -> Points:
    points: Points = {}
    columns: list[str] = []
    for line in (directory / "console.txt").read_text(encoding="utf-8").splitlines():
        words = re.split(r"\s{2,}", line.strip())
        if words[0] == "block":
            columns = words
        elif columns and re.match(r"\d+-", line):
            fields = dict(zip(columns, words, strict=False))
            for metric in ("reward", "loss"):
                if re.fullmatch(r"[-+.e\d]*\d", fields.get(metric, "")):
                    curve = f"{fields['block'].partition('-')[2]}/{fields['task_name']}/{metric}"
                    points.setdefault(curve, []).append((int(fields["exp_num"]), float(fields[metric])))
    return points


CASES = {
    "memory": Case(lambda directory: MemorySink(), lambda directory, sink: of_rows(sink.records)),
    "jsonl": Case(lambda directory: JsonlSink(directory / "mirror.jsonl"), of_jsonl),
    "csv": Case(lambda directory: CsvSink(directory / "records.csv"), of_csv),
    "tensorboard": Case(
        lambda directory: TensorBoardSink(directory),
        lambda directory, sink: tensorboard_reading.curves(directory),
        rel_tol=1e-6,
    ),
    "wandb": Case(lambda directory: WandbSink(mode="offline", project="test", dir=str(directory)), of_wandb),
    "wrapped": Case(lambda directory: Every(1, Only("*", JsonlSink(directory / "mirror.jsonl"))), of_jsonl),
}
PLACES = ("none", "thread", "process")
PAIRS = [
    pytest.param(name, place, marks=pytest.mark.slow if name == "wandb" or place == "process" else ())
    for name, place in itertools.product(CASES, PLACES)
    if (name, place) != ("memory", "process")
]
BLOCKS = (("train", "Task_a"), ("test", "Task_a"), ("train", "Task_b"))


def records() -> list[dict[str, Any]]:
    """Return 60 records of three blocks; the last metric is missing now and then."""
    found = []
    for block_num, (block_type, task_name) in enumerate(BLOCKS):
        for exp_num in range(20 * block_num, 20 * block_num + 20):
            loss = None if exp_num % 5 == 4 else 1.0 / (exp_num + 1)
            fields = {"block_num": block_num, "block_type": block_type, "task_name": task_name}
            found.append(record(exp_num, reward=exp_num / 3, loss=loss, **fields))
    return found


EXPECTED = of_rows(records())


def placed(sink: Sink, place: str) -> Sink:
    sink.isolate = place
    return sink


def same(found: Points, expected: Points, *, rel_tol: float) -> bool:
    return found.keys() == expected.keys() and all(
        [step for step, _ in found[curve]] == [step for step, _ in points]
        and all(math.isclose(a, b, rel_tol=rel_tol) for (_, a), (_, b) in zip(found[curve], points, strict=True))
        for curve, points in expected.items()
    )


@pytest.fixture
def own(tmp_path):
    directory = tmp_path / "own"
    directory.mkdir()
    return directory


@pytest.mark.parametrize(("name", "place"), PAIRS)
def test_everything_arrives_in_order(make, own, name, place):
    """F-101, S4-4: every value of every record, at its step."""
    case = CASES[name]
    sink = placed(case.make(own), place)
    logger = make(sinks=[sink])
    for fields in records():
        logger.log_record(fields)
    logger.close()
    assert same(case.points(own, sink), EXPECTED, rel_tol=case.rel_tol)
    (health,) = logger.health()
    assert (health.state, health.delivered, health.missed, health.queued) == ("closed", 60, 0, 0)


@pytest.mark.parametrize(("name", "place"), PAIRS)
def test_flushed_means_that_a_reader_finds_it(make, own, name, place):
    case = CASES[name]
    sink = placed(case.make(own), place)
    logger = make(sinks=[sink])
    for fields in records():
        logger.log_record(fields)
    assert logger.flush(60)
    assert same(case.points(own, sink), EXPECTED, rel_tol=case.rel_tol)
    logger.close()
    logger.close()


@pytest.mark.parametrize(("name", "place"), PAIRS)
def test_a_replay_brings_the_same(make, tmp_path, own, name, place):
    """S4-10."""
    case = CASES[name]
    live = placed(case.make(own), place)
    logger = make(sinks=[live])
    for fields in records():
        logger.log_record(fields)
    logger.close()
    again = tmp_path / "again"
    again.mkdir()
    sink = case.make(again)
    (health,) = replay(logger.scenario_dir, [sink], start="beginning")
    assert health.delivered == 60
    assert case.points(again, sink) == case.points(own, live)


class Untold:
    """A value that can be neither pickled nor copied."""

    def __reduce__(self):
        raise TypeError

    def __deepcopy__(self, memo):
        raise TypeError

    def __str__(self):
        return "untold"


ODD = {
    "text": "words\twith\n\"odd\" 'characters' \x1b[31m",
    "thing": Untold(),
    "array": np.arange(3),
    "small": np.float32(0.1),
    "truth": True,
    "huge": 10**400,
    "not_a_number": math.nan,
    "endless": -math.inf,
    "nothing": None,
    "nested": {"a": [1, {"b": {2}}]},
}


@pytest.mark.parametrize(("name", "place"), PAIRS)
@pytest.mark.filterwarnings("ignore:.*a cell of the log holds one number or text")
def test_odd_values_do_no_harm(make, own, name, place):
    """F-109, F-116: what a sink cannot show it leaves out; it takes the record."""
    case = CASES[name]
    sink = placed(case.make(own), place)
    logger = make(sinks=[sink])
    for exp_num in range(3):
        logger.log_record(record(exp_num, **ODD))
    assert logger.flush(60)
    (health,) = logger.health()
    assert (health.delivered, health.missed, health.last_error) == (3, 0, None)
    assert case.points(own, sink)["train/Task_a/reward"] == [(0, 1.0), (1, 1.0), (2, 1.0)]


@pytest.mark.parametrize(("name", "place"), PAIRS)
def test_steps_that_fall_are_kept(make, own, name, place):
    """S4-4: a worker that is behind the others."""
    case = CASES[name]
    sink = placed(case.make(own), place)
    logger = make(sinks=[sink])
    for exp_num in (5, 6, 7):
        logger.log_record(record(exp_num, worker_id="ahead"))
        logger.log_record(record(exp_num - 4, worker_id="behind"))
    logger.close()
    if name == "tensorboard":
        found = [
            points for run in tensorboard_reading.runs(own) for points in tensorboard_reading.curves(own, run).values()
        ]
        steps = [step for points in found for step, _ in points]
        assert sorted(steps) == [1, 2, 3, 5, 6, 7]
    else:
        assert [step for step, _ in case.points(own, sink)["train/Task_a/reward"]] == [5, 1, 6, 2, 7, 3]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize(("name", "place"), PAIRS)
def test_a_forked_child_neither_hangs_nor_disturbs(make, own, name, place):
    """F-066, F-111, F-117."""
    case = CASES[name]
    sink = placed(case.make(own), place)
    logger = make(sinks=[sink])
    for fields in records()[:30]:
        logger.log_record(fields)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            logger.log_record(record(0, worker_id="child", loss=0.0, block_type="train", task_name="Task_c"))
            logger.flush(5)
            logger.close()
            status = 0
        finally:
            os._exit(status)
    deadline = time.monotonic() + 60
    while not (ended := os.waitpid(child, os.WNOHANG))[0]:
        assert time.monotonic() < deadline, "the child hangs"
        time.sleep(0.01)
    assert ended[1] == 0
    for fields in records()[30:]:
        logger.log_record(fields)
    logger.close()
    found = case.points(own, sink)
    # A mirror that follows the files has what the child wrote as well.
    of_child = {curve: found.pop(curve) for curve in list(found) if "Task_c" in curve}
    assert bool(of_child) == (place == "process" and name != "tensorboard")
    assert same(found, EXPECTED, rel_tol=case.rel_tol)
    assert len(rows(logger.scenario_dir)) == 61


@pytest.mark.parametrize("name", [param for param in CASES if param not in ("memory", "wandb")])
@pytest.mark.parametrize("place", PLACES)
def test_a_sink_that_cannot_write_where_it_should_harms_nobody(make, tmp_path, name, place):
    """F-093, F-112."""
    blocked = tmp_path / "blocked"
    blocked.write_text("a file, where a directory is needed")
    healthy = MemorySink()
    logger = make(sinks=[placed(CASES[name].make(blocked / "deep"), place), healthy])
    for fields in records():
        logger.log_record(fields)
    assert not logger.flush(5)
    logger.close()
    assert len(healthy.records) == len(rows(logger.scenario_dir)) == 60
    (health, _) = logger.health()
    assert health.delivered == 0
    assert "blocked" in str(health.last_error)


@pytest.mark.parametrize("place", ["none", "thread"])
def test_the_console_shows_every_record(make, own, place):
    """S2-4: as many digits as the eye wants."""
    with (own / "console.txt").open("w", encoding="utf-8") as stream:
        sink = placed(ConsoleSink(style="line", every=1, stream=stream), place)
        logger = make(sinks=[sink])
        for fields in records():
            logger.log_record(fields)
        assert logger.flush(10)
        assert same(of_console(own, sink), EXPECTED, rel_tol=1e-3)
        logger.close()
