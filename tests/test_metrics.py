"""Numbers apart from the rows of the log, and the clocks that they are plotted against."""

import json
import math
import os
import pickle
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading import files, record, rows, signals

from l2logger import DataLogger, LogWriteError, SignalError, SinkWarning
from l2logger.processors import canonical
from l2logger.signals import KINDS
from l2logger.sinks import MemorySink


class Everything(MemorySink):
    kinds = KINDS


def steps(logger, worker_id="worker-default"):
    return [(each["clock"], each["step"]) for each in signals(logger.scenario_dir, worker_id)]


def test_a_metrics_signal_is_a_line_that_any_program_can_read(logger):
    """S4-3, S2-1: dicts and keywords, their order kept."""
    logger.log_metrics({"loss": 0.5, "accuracy": 1}, step=3, lr=1e-3)
    [line] = signals(logger.scenario_dir)
    assert line.pop("timestamp").startswith("20")
    assert line == {
        "kind": "metrics",
        "worker_id": "worker-default",
        "clock": "step",
        "step": 3,
        "values": {"loss": 0.5, "accuracy": 1, "lr": 1e-3},
    }
    assert list(line["values"]) == ["loss", "accuracy", "lr"]


def test_the_later_value_of_a_name_wins_in_place(logger):
    """S2-1."""
    logger.log_metrics({"a": 1, "b": 2}, a=3)
    assert list(signals(logger.scenario_dir)[0]["values"].items()) == [("a", 3), ("b", 2)]


def test_steps_count_up_when_they_are_not_given(logger):
    """S4-3: from the highest, for each worker and clock by itself."""
    for _ in range(2):
        logger.log_metrics(a=1)
    logger.log_metrics(a=1, step=10)
    logger.log_metrics(a=1, step=4)
    logger.log_metrics(a=1)
    logger.log_metrics(a=1, clock="epoch")
    logger.bind(worker_id="w1").log_metrics(a=1)
    assert steps(logger) == [("step", 0), ("step", 1), ("step", 10), ("step", 4), ("step", 11), ("epoch", 0)]
    assert steps(logger, "w1") == [("step", 0)]


def test_late_steps_are_kept(logger):
    """S4-4."""
    for step in (5, 3, 5, -1):
        logger.log_metrics(a=step, step=step)
    assert [(each["step"], each["values"]["a"]) for each in signals(logger.scenario_dir)] == [
        (5, 5),
        (3, 3),
        (5, 5),
        (-1, -1),
    ]


def test_without_a_clock_there_is_no_step(logger):
    """S2-3: allowed; the step stays null."""
    logger.log_metrics(a=1, clock=None)
    assert steps(logger) == [(None, None)]


def test_nested_metrics_are_joined_by_slashes(logger):
    """S4-3."""
    logger.log_metrics({"actor": {"loss": 0.5, "grad": {"norm": 2}}, "critic/loss": 1.5})
    assert signals(logger.scenario_dir)[0]["values"] == {"actor/loss": 0.5, "actor/grad/norm": 2, "critic/loss": 1.5}


def test_numbers_come_from_numpy_and_torch(logger):
    torch = pytest.importorskip("torch")
    logger.log_metrics(
        {
            "float32": numpy.float32(0.1),
            "int64": numpy.int64(7),
            "array": numpy.array([2.5]),
            "tensor": torch.tensor(0.5, requires_grad=True),
            "bfloat16": torch.tensor(1.5, dtype=torch.bfloat16),
            "true": True,
        }
    )
    values = signals(logger.scenario_dir)[0]["values"]
    assert values == {"float32": 0.1, "int64": 7, "array": 2.5, "tensor": 0.5, "bfloat16": 1.5, "true": 1}
    assert type(values["true"]) is int


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "no metrics"),
        ({"a": "0.5"}, "'a' is '0.5' \\(str\\).*log_text"),
        ({"a": None}, "'a' is None"),
        ({"a": numpy.zeros(3)}, r"shape \(3,\).*log_histogram"),
        ({"a": [1]}, "'a' is \\[1\\]"),
        ({"": 1}, "the name of a metric"),
        ({"a//b": 1}, "the name of a metric"),
        ({"../a": 1}, "the name of a metric"),
        ({"a\nb": 1}, "the name of a metric"),
        ({"a" * 201: 1}, "at most 200"),
        ({("a",): 1}, "the name of a metric"),
        ({"a": 1j}, "'a' is 1j"),
        (3, "must be a dict"),
    ],
)
def test_what_is_no_metric_is_refused_and_leaves_no_trace(logger, values, words):
    with pytest.raises(SignalError, match=words):
        logger.log_metrics(values)
    assert files(logger.scenario_dir) == ["logger_info.json", "scenario_info.json"]
    logger.log_metrics(a=1)
    assert steps(logger) == [("step", 0)]


@pytest.mark.parametrize("step", [1.5, "1", True, 2**63, numpy.float32(1)])
def test_a_step_is_a_whole_number(logger, step):
    with pytest.raises(SignalError, match="must be a whole number"):
        logger.log_metrics(a=1, step=step)


def test_a_step_may_be_of_numpy(logger):
    logger.log_metrics(a=1, step=numpy.int64(4))
    assert steps(logger) == [("step", 4)]


@given(
    st.dictionaries(
        st.text('abc/%é"', min_size=1, max_size=8), st.floats() | st.integers(-(2**63) + 1, 2**63 - 1), min_size=1
    )
)
def test_every_number_comes_back(tmp_path_factory, values):
    """By the fast way and the plain one: the texts of both stand for the same numbers."""
    with DataLogger(tmp_path_factory.mktemp("base"), "run", {"metrics_columns": ["reward"]}) as logger:
        try:
            logger.log_metrics(values)
        except SignalError:
            return
        logger._store._signals._dump_numbers = None
        logger.log_metrics(values)
        fast, plain = (
            {name: float(value) if isinstance(value, str) else value for name, value in each["values"].items()}
            for each in signals(logger.scenario_dir)
        )
        assert repr(fast) == repr(plain) == repr(values)


def test_what_json_has_no_word_for_is_a_text(logger):
    logger.log_metrics(a=math.nan, b=math.inf, c=-math.inf, d=1e308, e=1e308)
    assert signals(logger.scenario_dir)[0]["values"] == {
        "a": "NaN",
        "b": "Infinity",
        "c": "-Infinity",
        "d": 1e308,
        "e": 1e308,
    }


def test_sums_beyond_all_floats_are_no_infinities(logger):
    logger.log_metrics(a=1e308, b=1e308)
    assert signals(logger.scenario_dir)[0]["values"] == {"a": 1e308, "b": 1e308}


def test_a_moved_clock_goes_along_with_everything(logger):
    """S3-6: several clocks, set, advanced and stamped."""
    assert logger.advance("env_steps") == 1
    assert logger.advance("env_steps", 99) == 100
    assert logger.advance("updates", to=7) == 7
    logger.log_metrics(a=1)
    logger.note("hello")
    assert [each["clocks"] for each in signals(logger.scenario_dir)] == [{"env_steps": 100, "updates": 7}] * 2


def test_a_moved_clock_gives_the_step(logger):
    """S3-6."""
    logger.advance("env_steps", 10)
    logger.log_metrics(a=1, clock="env_steps")
    logger.log_metrics(b=1, clock="env_steps")
    logger.log_text("sample", "text", clock="env_steps")
    assert steps(logger) == [("env_steps", 10)] * 3


@pytest.mark.parametrize("arguments", [("", 1), ("a", 1.5), ("a", "1"), (None, 1)])
def test_a_clock_has_a_name_and_whole_numbers(logger, arguments):
    with pytest.raises(SignalError):
        logger.advance(*arguments)


def test_a_resumed_run_goes_on_counting(make):
    """S3-6, S3-11."""
    first = make()
    first.log_metrics(a=1, step=41)
    first.log_metrics(a=1, clock="epoch")
    first.advance("env_steps", 500)
    first.note('not a clock: "step": 99')
    first.close()
    with DataLogger.resume(first.scenario_dir) as logger:
        logger.log_metrics(a=1)
        logger.log_metrics(a=1, clock="epoch")
        assert logger.advance("env_steps", 1) == 501
    assert steps(logger)[-2:] == [("step", 42), ("epoch", 1)]


def test_what_is_bound_is_the_context(logger):
    block = logger.bind(worker_id="w1", block_num=2, task_name="Task_a", exp_num=5)
    block.log_metrics(a=1)
    [line] = signals(logger.scenario_dir, "w1")
    assert line["context"] == {"block_num": 2, "task_name": "Task_a"}
    assert line["clocks"] == {"exp_num": 5}


def test_a_worker_cannot_lead_out_of_the_run(logger):
    for worker_id in ("..", "a/b", "", 7, "run.json"):
        with pytest.raises(SignalError, match="worker_id"):
            logger.bind(worker_id=worker_id).log_metrics(a=1)
    assert files(logger.scenario_dir) == ["logger_info.json", "scenario_info.json"]


def test_timings_go_with_the_next_metrics(logger):
    """S3-7: seconds; nested; in total."""
    with logger.timer("update") as outer:
        for _ in range(2):
            with logger.timer("forward"):
                pass
    assert outer.secs > 0
    logger.log_metrics(loss=0.5)
    logger.log_metrics(loss=0.4)
    first, second = (each["values"] for each in signals(logger.scenario_dir))
    assert set(first) == {"time/update", "time/forward", "loss"}
    assert 0 < first["time/forward"] < first["time/update"] == outer.secs
    assert second == {"loss": 0.4}


def test_timings_that_nobody_told_are_told_at_the_end(make):
    """S3-7."""
    logger = make()
    with logger.bind(worker_id="w1").timer("evaluation"):
        pass
    logger.close()
    [line] = signals(logger.scenario_dir, "w1")
    assert list(line["values"]) == ["time/evaluation"]
    assert line["step"] is None


def test_a_refused_signal_does_not_use_up_what_was_timed(logger):
    with logger.timer("update"):
        pass
    with pytest.raises(SignalError):
        logger.log_metrics(loss="low")
    logger.log_metrics(loss=0.5)
    assert "time/update" in signals(logger.scenario_dir)[0]["values"]


def test_every_so_often(logger):
    """S3-5: each line counts for itself."""
    assert [n for n in range(7) if logger.every(3)] == [0, 3, 6]
    assert [n for n in range(4) if logger.every(3)] == [0, 3]
    assert [logger.every(2, key="both"), logger.every(2, key="both")] == [True, False]
    assert [logger.every("1h") for _ in range(3)] == [True, False, False]


def test_metrics_and_records_are_strangers(logger):
    """A row of the log is what it was; metrics do not need the metrics_columns."""
    logger.log_metrics(loss=0.5)
    logger.log_record(record())
    logger.log_metrics(loss=0.4)
    assert len(rows(logger.scenario_dir)) == 1
    assert steps(logger) == [("step", 0), ("step", 1)]


def test_sinks_get_what_is_stored(make):
    """The numbers are numbers again, and read-only."""
    memory = Everything()
    logger = make(sinks=[memory])
    given = {"loss": math.nan, "n": numpy.int64(3)}
    logger.log_metrics(given, step=1)
    given["n"] = 4
    [signal] = memory.signals
    assert signal.kind == "metrics"
    assert repr(dict(signal.fields["values"])) == "{'loss': nan, 'n': 3}"
    with pytest.raises(TypeError):
        signal.fields["values"]["n"] = 5


def test_a_sink_that_takes_records_gets_nothing_else(make):
    class Records(MemorySink):
        kinds = frozenset({"record"})

    memory = Records()
    logger = make(sinks=[memory])
    logger.log_metrics(a=1)
    logger.note("hello")
    logger.log_record(record())
    assert [signal.kind for signal in memory.signals] == ["record"]


def test_a_processor_may_say_which_kinds_it_takes(make):
    class Doubled:
        kinds = frozenset({"metrics"})

        def __call__(self, logger, kind, event):
            event["values"] = {name: 2 * value for name, value in event["values"].items()}
            return event

    logger = make(processors=[*canonical(), Doubled()])
    logger.log_metrics(a=1)
    logger.log_record(record())
    logger.note("hello")
    assert signals(logger.scenario_dir)[0]["values"] == {"a": 2}


def test_a_dropped_signal_leaves_no_trace(make):
    import structlog

    def drop(logger, kind, event):
        raise structlog.DropEvent

    logger = make(processors=[*canonical(), drop])
    logger.log_metrics(a=1)
    assert not signals(logger.scenario_dir)


def test_a_pickled_logger_goes_on(logger):
    logger.log_metrics(a=1)
    copy = pickle.loads(pickle.dumps(logger))
    copy.log_metrics(a=1)
    copy.close()
    assert steps(logger) == [("step", 0), ("step", 1)]


def test_logging_works_after_close(logger):
    logger.log_metrics(a=1)
    logger.close()
    logger.log_metrics(a=1)
    assert steps(logger) == [("step", 0), ("step", 1)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_forked_children_share_the_file_of_a_worker(logger):
    """Whole lines, whoever writes them."""
    logger.log_metrics(who=-1, step=0)
    children = []
    for child in range(4):
        pid = os.fork()
        if pid == 0:
            for step in range(200):
                logger.log_metrics(who=child, step=step)
            os._exit(0)
        children.append(pid)
    assert all(os.waitpid(pid, 0)[1] == 0 for pid in children)
    found = [(each["values"]["who"], each["step"]) for each in signals(logger.scenario_dir)]
    assert sorted(found) == sorted([(-1, 0), *((child, step) for child in range(4) for step in range(200))])


def test_a_killed_process_loses_nothing_that_it_logged(tmp_path):
    script = """
import os, signal, sys
from l2logger import DataLogger
logger = DataLogger(sys.argv[1], "run", {"metrics_columns": ["reward"]})
for step in range(1000):
    logger.log_metrics(a=step / 7)
os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    [run] = Path(tmp_path).iterdir()
    assert [each["values"]["a"] for each in signals(run)] == [step / 7 for step in range(1000)]


def test_a_run_without_metrics_has_no_other_files(logger):
    """DESIGN, rule 4."""
    logger.log_record(record())
    logger.close()
    assert files(logger.scenario_dir) == [
        "logger_info.json",
        "scenario_info.json",
        "worker-default/0-train/data-log.tsv",
    ]


def test_the_line_is_plain_json(logger):
    """Also with names that JSON and formats have to quote."""
    logger.log_metrics({'100% "é"': 0.5})
    logger._store._signals._dump_numbers = None
    logger.log_metrics({'100% "é"': 0.5})
    path = Path(logger.scenario_dir) / "signals" / "worker-default.jsonl"
    assert [list(json.loads(line)["values"]) for line in path.read_text().splitlines()] == [['100% "é"']] * 2


def test_a_resumed_run_has_the_last_values_of_moved_clocks(make):
    """S3-6: of all workers; a bound exp_num is not one of them, and neither is what is called clocks among the parameters."""
    first = make()
    for _ in range(3):
        first.advance("env_steps", 4)
        first.bind(exp_num=7).log_metrics(a=1)
    first.log_params(clocks={"gpu": "1.5GHz"})
    first.advance('a}b"c', 2)
    first.bind(worker_id="w1").note("the last")
    first.close()
    with DataLogger.resume(first.scenario_dir) as logger:
        logger.bind(worker_id="w9").log_metrics(a=1, clock="env_steps")
        assert logger.advance('a}b"c') == 3
    [line] = signals(first.scenario_dir, "w9")
    assert (line["step"], line["clocks"]) == (12, {"env_steps": 12, 'a}b"c': 2})


def test_integers_beyond_64_bits_are_floats_every_time(logger):
    for _ in range(2):
        logger.log_metrics(a=10**30, b=10**400, c=-(10**5000), d=1)
    assert [each["values"] for each in signals(logger.scenario_dir)] == [
        {"a": 1e30, "b": "Infinity", "c": "-Infinity", "d": 1}
    ] * 2


def test_nested_numbers_come_from_numpy_too(logger):
    """S4-3."""
    logger.log_metrics({"val": {"loss": numpy.float32(0.5), "deep": {"n": numpy.int64(3)}}})
    assert signals(logger.scenario_dir)[0]["values"] == {"val/loss": 0.5, "val/deep/n": 3}


def test_a_logger_that_is_closed_by_a_signal_handler_is_closed_when_the_signal_is_whole(make):
    """F-061 for signals, with something timed that waits."""
    memory = Everything()
    logger = make(sinks=[memory])

    class Slow(float):
        def __float__(self):
            logger.close()
            return 1.0

    with logger.timer("update"):
        pass
    logger.log_metrics(x=Slow(2))
    assert memory.calls[-1] == "close"
    assert [list(each["values"]) for each in signals(logger.scenario_dir)] == [["time/update", "x"]]


def test_what_was_timed_cannot_keep_a_run_open(make):
    memory = Everything()
    logger = make(sinks=[memory])
    logger.log_metrics(a=1)
    with logger.timer("update"):
        pass
    logger._store._signals.close()
    lines = Path(logger.scenario_dir) / "signals" / "worker-default.jsonl"
    lines.unlink()
    lines.mkdir()
    with pytest.raises(LogWriteError):
        logger.close()
    assert memory.calls[-1] == "close"
    assert json.loads((Path(logger.scenario_dir) / "run.json").read_bytes())["status"] == "complete"
    lines.rmdir()


@pytest.mark.parametrize("call", ["flush", "close"])
def test_a_signal_handler_may_flush_and_close_at_any_moment(make, call):
    """F-061: also while the encoder, which needs the same lock, has something to deliver."""
    logger = make()
    image = numpy.zeros((50, 50, 3), numpy.uint8)
    calls = []

    def handler(*_):
        calls.append(getattr(logger, call)())
        signal.setitimer(signal.ITIMER_REAL, 1e-4 * (1 + len(calls) % 7))

    before = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 1e-4)
        logged = 0
        while len(calls) < 200:
            logger.log_metrics(a=1)
            if logged % 30 == 0:
                logger.log_image("x", image, step=logged)
            logged += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    logger.close()
    found = signals(logger.scenario_dir)
    assert sum(each["kind"] == "metrics" for each in found) == logged
    assert sum(each["kind"] == "image" for each in found) == len(range(0, logged, 30))


def test_threads_share_one_encoder(logger):
    """What each of them logs first is there when the run is flushed."""
    barrier = threading.Barrier(8)
    image = numpy.zeros((200, 200, 3), numpy.uint8)

    def log(name):
        barrier.wait()
        logger.log_image(name, image)

    threads = [threading.Thread(target=log, args=(f"i{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert logger.flush()
    assert len(signals(logger.scenario_dir)) == 8


def test_what_has_no_step_belongs_to_the_last_metrics(logger):
    """S2-3: on the same clock; without a clock, or before any metrics, the step is null."""
    logger.note("before")
    logger.log_metrics(a=1, step=5)
    logger.note("at")
    logger.note("elsewhere", clock="epoch")
    logger.note("over time", clock=None)
    assert [each["step"] for each in signals(logger.scenario_dir)] == [None, 5, 5, None, None]


def test_a_handle_may_have_a_step(logger):
    """S3-6: for an evaluation that logs many things."""
    handle = logger.bind(step=3, clock="epoch", block_num=1)
    handle.log_metrics(a=1)
    handle.note("hello")
    handle.log_metrics(a=2, step=4)
    handle.log_metrics(a=3, clock="updates")
    assert [(each["clock"], each["step"]) for each in signals(logger.scenario_dir)] == [
        ("epoch", 3),
        ("epoch", 3),
        ("epoch", 4),
        ("updates", 3),
    ]
    assert signals(logger.scenario_dir)[0]["context"] == {"block_num": 1}


@pytest.mark.parametrize("name", ["global_step", "commit", "values", "data", "metrics"])
def test_a_keyword_of_another_logger_is_no_metric(logger, name):
    with pytest.raises(SignalError, match=f"would be a metric called '{name}'"):
        logger.log_metrics({"loss": 1}, **{name: 3})
    logger.log_metrics({name: 3})
    assert len(signals(logger.scenario_dir)) == 1


def test_every_place_in_the_code_counts_for_itself(logger):
    """S3-5: also two on one line; another interval begins anew."""
    found = [(logger.every(2), logger.every(3)) for _ in range(6)]
    assert found == [(True, True), (False, False), (True, False), (False, True), (True, False), (False, False)]
    assert [logger.every(pace) for pace in (2, 2, 4, 4, 4, 4, 4)] == [True, False, True, False, False, False, True]
    assert [logger.every(20 / 10, key="quotient"), logger.every(numpy.int64(2), key="quotient")] == [True, False]


@pytest.mark.parametrize("interval", [0, -1, 2.5, True, None, "often", [2], math.nan])
def test_an_interval_is_a_number_or_a_time(logger, interval):
    with pytest.raises(SignalError, match="every takes a number of calls, such as 10, or a time, such as '2s'; got"):
        logger.every(interval)


def test_a_timer_decorates_functions(logger):
    """S3-7."""

    @logger.timer("update")
    def update():
        return 3

    assert update() == 3
    logger.log_metrics(loss=1)
    assert "time/update" in signals(logger.scenario_dir)[0]["values"]


def test_a_clock_is_moved_or_set(logger):
    with pytest.raises(SignalError, match="not both; got n=5 and to=10"):
        logger.advance("env_steps", 5, to=10)


def test_what_is_logged_after_close_is_told_once_if_there_are_mirrors(make):
    """The run has it, the mirrors do not."""
    logger = make(sinks=[Everything()])
    logger.log_metrics(a=1)
    logger.close()
    with pytest.warns(SinkWarning, match=r"this metrics was logged after close\(\): it is stored in the run") as told:
        logger.log_metrics(a=1)
        logger.log_metrics(a=1)
    assert len(told) == 1
    assert steps(logger) == [("step", 0), ("step", 1), ("step", 2)]


def test_parameters_may_be_one_mapping(logger):
    logger.log_params({"lr": 0.1, "seed": 1}, seed=2)
    assert signals(logger.scenario_dir)[0]["params"] == {"lr": 0.1, "seed": 2}


def test_a_block_logs_metrics_with_itself_as_the_context(logger):
    with logger.block("train") as block:
        block.log_metrics(loss=1)
    assert signals(logger.scenario_dir)[0]["context"] == {
        "block_num": 0,
        "block_type": "train",
        "block_subtype": "wake",
    }


def test_a_name_that_is_there_twice_is_refused(logger):
    with pytest.raises(SignalError, match="the metric 'a/b' is there twice"):
        logger.log_metrics({"a/b": 1, "a": {"b": 2}})


def test_metrics_that_hold_themselves_are_refused(logger):
    values = {}
    values["self"] = values
    with pytest.raises(SignalError, match="without an end"):
        logger.log_metrics(values)


@pytest.mark.parametrize("clock", [[], 3, "", "a//b"])
def test_the_name_of_a_clock_is_text(logger, clock):
    with pytest.raises(SignalError, match="the name of a clock"):
        logger.log_metrics(a=1, clock=clock)


def test_a_resumed_run_goes_on_counting_after_a_change_of_directory(tmp_path, monkeypatch):
    """F-011 for clocks: a run that was opened by a relative path."""
    monkeypatch.chdir(tmp_path)
    with DataLogger("logs", "run") as first:
        first.log_metrics(a=1, step=41)
    with DataLogger.resume(first.scenario_dir) as logger:
        monkeypatch.chdir("/")
        logger.log_metrics(a=1)
    monkeypatch.chdir(tmp_path)
    assert steps(logger) == [("step", 41), ("step", 42)]
