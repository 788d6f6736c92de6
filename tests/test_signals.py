"""Parameters, words, histograms and tables, and the files that they are kept in."""

import argparse
import dataclasses
import enum
import errno
import math
import os
import sys
from pathlib import Path
from typing import NamedTuple

import numpy
import omegaconf
import pandas
import pytest
from reading import files, signals

from l2logger import DataLogger, LogWarning, LogWriteError, SignalError


@dataclasses.dataclass
class Agent:
    lr: float = 0.1
    layers: tuple[int, ...] = (64, 64)


class Color(enum.Enum):
    RED = 1


class Point(NamedTuple):
    x: int
    y: int


def fields(logger, kind):
    return [each for each in signals(logger.scenario_dir) if each["kind"] == kind]


def params(logger):
    return [each["params"] for each in fields(logger, "params")]


def test_parameters_are_stored_by_group(logger):
    """S2-8: nested, readable as JSON; one entry per call."""
    logger.log_params(agent={"lr": 0.1, "net": {"layers": [64, 64]}}, seed=None)
    logger.log_params(agent={"lr": 0.2})
    assert params(logger) == [{"agent": {"lr": 0.1, "net": {"layers": [64, 64]}}, "seed": None}, {"agent": {"lr": 0.2}}]


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        (Agent(), {"lr": 0.1, "layers": [64, 64]}),
        (argparse.Namespace(lr=0.1, name="x"), {"lr": 0.1, "name": "x"}),
        (omegaconf.OmegaConf.create({"a": 1, "b": "${a}", "c": [{"d": None}]}), {"a": 1, "b": 1, "c": [{"d": None}]}),
        ({"p": Path("a/b"), "e": Color.RED, "f": math.sqrt, "c": Agent}, None),
        ({1: True, None: "x", ("a", 1): 2}, {"1": True, "": "x", "('a', 1)": 2}),
        ({"n": numpy.float32(0.1), "a": numpy.arange(3)}, {"n": 0.1, "a": [0, 1, 2]}),
        ({"nan": math.nan, "big": 2**70, "set": {3, 1}}, {"nan": "NaN", "big": str(2**70), "set": [1, 3]}),
        ({"point": Point(1, 2)}, {"point": {"x": 1, "y": 2}}),
        ({"large": numpy.zeros((100, 100))}, {"large": "array of shape (100, 100) and type float64"}),
    ],
)
def test_a_configuration_may_come_as_anything(logger, given, stored):
    """S4-2: dict, data class, argparse Namespace, OmegaConf with its references resolved."""
    logger.log_config(given)
    if stored is None:
        stored = {"p": "a/b", "e": "RED", "f": "math.sqrt", "c": f"{__name__}.Agent"}
    assert params(logger) == [stored]


def test_an_object_has_no_address_in_its_text(logger):
    logger.log_params(env=object())
    assert params(logger) == [{"env": "<builtins.object>"}]


def test_a_configuration_that_holds_itself_ends_somewhere(logger):
    """And does not take the run down."""
    config = {"a": 1}
    config["self"] = config
    logger.log_config(config)
    assert params(logger)[0]["self"]["self"]["a"] == 1


@pytest.mark.parametrize("config", [None, 3, "lr=0.1", [], {}])
def test_a_configuration_has_names(logger, config):
    with pytest.raises(SignalError, match="parameters must be a dict"):
        logger.log_config(config)


def test_a_histogram_has_counts_and_edges(logger):
    """S2-12: counts and edges stored."""
    values = numpy.random.default_rng(7).normal(size=(10, 100))
    values[0, 0], values[0, 1] = math.nan, math.inf
    logger.log_histogram("weights", values, step=5, bins=20)
    [line] = fields(logger, "histogram")
    finite = values[numpy.isfinite(values)]
    counts, edges = numpy.histogram(finite, 20)
    assert (line["counts"], line["edges"]) == (counts.tolist(), edges.tolist())
    assert (line["count"], line["nonfinite"], line["step"]) == (998, 2, 5)
    assert (line["min"], line["max"]) == (finite.min(), finite.max())
    assert line["mean"] == pytest.approx(finite.mean())


def test_a_histogram_may_have_edges_of_its_own(logger):
    logger.log_histogram("actions", numpy.array([[0, 1], [1, 2]], dtype=numpy.int8), bins=[-0.5, 0.5, 1.5, 2.5])
    assert fields(logger, "histogram")[0]["counts"] == [1, 2, 1]


@pytest.mark.parametrize("values", [[], [math.nan], "text", [[1], [1, 2]], [None], {"a": 1}, [1j]])
def test_a_histogram_is_of_numbers(logger, values):
    with pytest.raises(SignalError, match="histogram"):
        logger.log_histogram("h", values)
    assert not signals(logger.scenario_dir)


@pytest.mark.parametrize("bins", [0, 513, True, "auto", [1], [2, 1], [0, math.nan], {}, None])
def test_bins_are_a_number_or_rising_edges(logger, bins):
    with pytest.raises(SignalError, match="bins must be"):
        logger.log_histogram("h", [1, 2], bins=bins)


@pytest.mark.parametrize(
    "values",
    [
        [5.0],
        [1e308, -1e308],
        [1e-320, 0],
        [2**62] * 9,
        [1e300] * 3,
        [sys.float_info.max],
        [1.0, 1.0 + 2**-52],
        [-(2.0**60), -(2.0**60) - 256],
        numpy.full(1000, 3, dtype=numpy.uint8),
    ],
)
def test_odd_values_have_a_histogram(logger, values):
    logger.log_histogram("h", values)
    assert sum(fields(logger, "histogram")[0]["counts"]) == len(values)


def test_a_text_is_stored_as_it_is(logger):
    """S2-14: exactly."""
    text = 'line\r\n\ttab "quoted" \x00 \u2028 \U0001f600 \ud800 end'
    logger.log_text("sample", text, step=2)
    logger.note(text)
    assert fields(logger, "text")[0]["text"] == fields(logger, "note")[0]["text"] == text


@pytest.mark.parametrize("call", ["log_text", "note"])
def test_a_text_is_text(logger, call):
    arguments = ("name", 3) if call == "log_text" else (3,)
    with pytest.raises(SignalError, match="must be text, got 3"):
        getattr(logger, call)(*arguments)


@pytest.mark.parametrize(
    ("rows", "columns"),
    [
        ([{"a": 1, "b": "x"}, {"a": 2}], None),
        ([[1, "x"], [2, None]], ["a", "b"]),
        ({"a": [1, 2], "b": ["x", None]}, None),
        (pandas.DataFrame({"a": [1, 2], "b": ["x", None]}, dtype=object), None),
        (({"b": b, "a": a} for a, b in [(1, "x"), (2, None)]), ["a", "b"]),
    ],
)
def test_a_table_comes_in_many_shapes(logger, rows, columns):
    logger.log_table("results", rows, columns=columns)
    [line] = fields(logger, "table")
    assert (line["columns"], line["rows"]) == (["a", "b"], [[1, "x"], [2, None]])


@pytest.mark.parametrize(
    ("rows", "columns"),
    [
        (3, None),
        ("text", None),
        ([[1, 2]], None),
        ([[1, 2]], ["a"]),
        ([1], ["a"]),
        ({"a": [1], "b": [1, 2]}, None),
        ({"a": [1]}, ["b"]),
        ([[1]], "a"),
    ],
)
def test_a_table_is_a_table(logger, rows, columns):
    with pytest.raises(SignalError, match="the table 'results' must be"):
        logger.log_table("results", rows, columns=columns)


def test_a_huge_table_belongs_into_a_file(logger):
    with pytest.raises(SignalError, match="more than 1,000,000 cells; write a file and use log_artifact"):
        logger.log_table("results", {"a": range(1_000_001)})


def test_a_metric_can_be_described(logger):
    """S4-12."""
    logger.describe("loss", unit="nats", better="min")
    logger.describe("reward", better="max")
    assert [(each["metric"], each["unit"], each["better"]) for each in fields(logger, "description")] == [
        ("loss", "nats", "min"),
        ("reward", None, "max"),
    ]
    with pytest.raises(SignalError, match="better must be 'min' or 'max', got 'lower'"):
        logger.describe("loss", better="lower")


def test_a_note_has_step_and_time(logger):
    """S4-12."""
    logger.note("lr dropped", step=100, clock="updates")
    [line] = fields(logger, "note")
    assert (line["clock"], line["step"], line["text"]) == ("updates", 100, "lr dropped")
    assert len(line["timestamp"]) == 22


def test_a_note_has_a_level(logger):
    """S3-9: debug, info, warning, error, with the step, in a file of the run."""
    for level in ("debug", "info", "warning", "error"):
        logger.note("it happened", step=1, level=level)
    assert [(each["level"], each["step"]) for each in fields(logger, "note")] == [
        ("debug", 1),
        ("info", 1),
        ("warning", 1),
        ("error", 1),
    ]
    with pytest.raises(SignalError, match="level must be one of 'debug', 'info', 'warning', 'error', got 'loud'"):
        logger.note("it happened", level="loud")


# The files -------------------------------------------------------------------------------------------------------------


def lines_of(run):
    return Path(run.scenario_dir) / "signals" / "worker-default.jsonl"


def test_a_torn_line_is_set_aside(make):
    """F-060 for signals: what a killed process left is no line, and nothing is appended to it."""
    first = make()
    first.note("one")
    first.close()
    with lines_of(first).open("ab") as file:
        file.write(b'{"kind": "note", "tex')
    with DataLogger.resume(first.scenario_dir) as logger, pytest.warns(LogWarning, match="torn"):
        logger.note("two")
    assert [each["text"] for each in fields(first, "note")] == ["one", "two"]
    assert Path(f"{lines_of(first)}.torn").read_bytes() == b'{"kind": "note", "tex\n'


@pytest.mark.parametrize("failure", [errno.ENOSPC, errno.EIO])
def test_a_refused_write_leaves_no_trace(logger, monkeypatch, failure):
    """F-045 for signals: the caller hears of it, and the next signal is taken."""
    logger.note("one")
    write = os.write

    def fail(fd, data):
        raise OSError(failure, os.strerror(failure))

    monkeypatch.setattr(os, "write", fail)
    with pytest.raises(LogWriteError, match="the signal was not stored"):
        logger.note("two")
    monkeypatch.setattr(os, "write", write)
    logger.note("three")
    assert [each["text"] for each in fields(logger, "note")] == ["one", "three"]


def test_half_a_line_is_taken_back(logger, monkeypatch):
    """A disk that fills up in the midst of a line."""
    logger.note("one")
    write = os.write
    full = []

    def half(fd, data):
        if full:
            raise OSError(errno.ENOSPC, "full")
        full.append(True)
        return write(fd, data[:10])

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(LogWriteError):
        logger.note("two")
    monkeypatch.setattr(os, "write", write)
    assert [each["text"] for each in fields(logger, "note")] == ["one"]
    logger.note("three")
    assert [each["text"] for each in fields(logger, "note")] == ["one", "three"]


def test_a_refused_signal_is_not_counted(logger, monkeypatch):
    logger.log_metrics(a=1)
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", lambda fd, data: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            logger.log_metrics(a=1)
    logger.log_metrics(a=1)
    assert [each["step"] for each in signals(logger.scenario_dir)] == [0, 1]


def test_a_deleted_file_is_noticed_and_begun_anew(make):
    ticks = iter(range(1_600_000_000, 1_600_000_100))
    from l2logger.processors import canonical

    logger = make(processors=canonical(clock=lambda: next(ticks)))
    logger.note("one")
    lines_of(logger).unlink()
    with pytest.warns(LogWarning, match="was deleted or replaced"):
        logger.note("two")
    assert [each["text"] for each in fields(logger, "note")] == ["two"]


def test_signals_never_leave_the_run(make, tmp_path):
    """F-010 for signals: through a link that leads out."""
    logger = make()
    (Path(logger.scenario_dir) / "signals").symlink_to(tmp_path)
    with pytest.raises(LogWriteError, match="outside"):
        logger.note("one")
    assert not list(tmp_path.glob("*.jsonl"))


@pytest.mark.parametrize("fsync", ["flush", "always"])
def test_signals_get_to_the_disk_when_asked_for(make, monkeypatch, fsync):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda fd: synced.append(os.readlink(f"/proc/self/fd/{fd}")))
    logger = make(fsync=fsync)
    logger.note("one")
    if fsync == "flush":
        assert str(lines_of(logger)) not in synced
        logger.flush()
    assert str(lines_of(logger)) in synced


def test_many_workers_take_few_descriptors(logger):
    for worker in range(200):
        logger.bind(worker_id=f"w{worker}").note("hello")
    own = [
        os.readlink(f"/proc/self/fd/{fd}")
        for fd in os.listdir("/proc/self/fd")
        if os.path.lexists(f"/proc/self/fd/{fd}")
    ]
    assert sum(path.startswith(logger.scenario_dir) and path.endswith(".jsonl") for path in own) <= 64
    assert len([name for name in files(logger.scenario_dir) if name.endswith(".jsonl")]) == 200


def test_two_loggers_share_the_file_of_a_worker(make):
    """Another process of the run may log as the same worker: lines are whole."""
    first = make()
    second = DataLogger.join(first.scenario_dir)
    for _ in range(50):
        first.note("first")
        second.note("second")
    second.close()
    assert [each["text"] for each in fields(first, "note")] == ["first", "second"] * 50


def test_a_run_without_records_needs_no_names_of_columns(tmp_path):
    with DataLogger(tmp_path, "run") as logger:
        logger.log_metrics(a=1)
    with DataLogger.resume(logger.scenario_dir) as logger:
        logger.log_metrics(a=1)
    assert [each["step"] for each in signals(logger.scenario_dir)] == [0, 1]
