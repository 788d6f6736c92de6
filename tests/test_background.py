"""A sink in a thread: nothing it does is felt, and what it does not get is counted."""

import os
import subprocess
import sys
import threading
import time
import weakref
from contextlib import suppress

import pytest
from reading import record, rows

from l2logger import ConfigError, DataLogger, SinkWarning
from l2logger.run import RunInfo
from l2logger.signals import Signal
from l2logger.sinks import BackgroundSink, ConsoleSink, MemorySink, Sink
from l2logger.sinks.background import OVERFLOW

# A test that is about warnings asks for them.
pytestmark = pytest.mark.filterwarnings("ignore::l2logger.SinkWarning")

LIMIT_SECS = 30


class Slow(MemorySink):
    """A sink that waits for a gate in one of its methods."""

    def __init__(self, verb: str = "write") -> None:
        super().__init__()
        self.verb = verb
        self.gate = threading.Event()
        self.arrived = threading.Event()

    def _wait(self, verb: str) -> None:
        if verb == self.verb:
            self.arrived.set()
            assert self.gate.wait(LIMIT_SECS)

    def open(self, run):
        self._wait("open")
        super().open(run)

    def write(self, signal):
        self._wait("write")
        super().write(signal)

    def flush(self):
        self._wait("flush")
        super().flush()

    def close(self):
        self._wait("close")
        super().close()


def signal(exp_num: int = 0, nbytes: int = 100) -> Signal:
    return Signal("record", {"exp_num": exp_num}, nbytes)


def exp_nums(sink: MemorySink) -> list[int]:
    return [fields["exp_num"] for fields in sink.records]


def test_everything_is_delivered_in_order_in_one_other_thread(make):
    threads = set()

    class Nosy(MemorySink):
        def write(self, signal):
            threads.add(threading.current_thread())
            super().write(signal)

    sink = Nosy()
    logger = make(sinks=[BackgroundSink(sink)])
    for exp_num in range(1000):
        logger.log_record(record(exp_num))
    assert logger.flush()
    assert exp_nums(sink) == list(range(1000))
    assert len(threads) == 1
    assert threading.main_thread() not in threads
    logger.close()
    assert sink.calls == ["open"] + ["write"] * 1000 + ["flush", "close"]


def test_a_users_sink_runs_in_a_thread_without_asking_for_it(make):
    class Mine(Sink):
        def write(self, signal):
            self.thread = threading.current_thread()

    sink = Mine()
    logger = make(sinks=[sink])
    logger.log_record(record())
    logger.close()
    assert sink.thread.name == "l2logger-Mine"
    assert not sink.thread.is_alive()


def test_no_thread_is_started_before_the_first_signal(make):
    """F-066: the parent of forked workers has none."""
    sink = MemorySink()
    before = threading.active_count()
    logger = make(sinks=[BackgroundSink(sink)])
    assert threading.active_count() == before
    assert logger.flush()
    assert logger.health()[0].state == "idle"
    logger.close()
    assert sink.calls == []


def test_flushed_means_delivered_and_flushed(make):
    sink = MemorySink()
    logger = make(sinks=[BackgroundSink(sink)])
    logger.log_record(record())
    assert logger.flush()
    assert sink.calls == ["open", "write", "flush"]


def test_flush_has_a_deadline_and_says_so_once(make):
    """F-097."""
    sink = Slow()
    logger = make(sinks=[BackgroundSink(sink)])
    logger.log_record(record())
    with pytest.warns(SinkWarning, match="Slow did not flush within 0.1 s") as caught:
        assert not logger.flush(0.1)
        assert not logger.flush(0.1)
    assert len(caught) == 1
    sink.gate.set()
    assert logger.flush()


@pytest.mark.parametrize("verb", ["open", "write", "flush", "close"])
def test_close_is_back_within_its_time_whatever_hangs(make, verb):
    """F-097."""
    sink = Slow(verb)
    logger = make(sinks=[BackgroundSink(sink, close_timeout_secs=0.2, flush_timeout_secs=0.1)])
    logger.log_record(record())
    if verb == "flush":
        with pytest.warns(SinkWarning, match="did not flush"):
            logger.flush()
    begun = time.monotonic()
    with pytest.warns(SinkWarning, match="Slow did not close within 0.2 s and is left alone"):
        logger.close()
    assert time.monotonic() - begun < 5
    assert logger.health()[0].state == "abandoned"
    logger.close()
    assert len(rows(logger.scenario_dir)) == 1
    sink.gate.set()


def test_sinks_are_closed_at_the_same_time(make):
    sinks = [Slow("close") for _ in range(10)]
    logger = make(sinks=[BackgroundSink(sink, close_timeout_secs=0.5) for sink in sinks])
    logger.log_record(record())
    begun = time.monotonic()
    with pytest.warns(SinkWarning, match="did not close"):
        logger.close()
    assert time.monotonic() - begun < 3
    for sink in sinks:
        sink.gate.set()


def test_a_sink_too_slow_to_get_all_is_still_closed_and_the_rest_counted(make):
    """F-098: the last part of the time is kept for closing."""

    class Crawling(MemorySink):
        def write(self, signal):
            time.sleep(0.02)
            super().write(signal)

    sink = Crawling()
    logger = make(sinks=[BackgroundSink(sink, close_timeout_secs=0.5)])
    for exp_num in range(200):
        logger.log_record(record(exp_num))
    with pytest.warns(SinkWarning, match="Crawling missed .* of 200 signals; the log has them all"):
        logger.close()
    (health,) = logger.health()
    assert health.state == "closed"
    assert sink.calls[-1] == "close"
    assert exp_nums(sink) == list(range(health.delivered))
    assert health.delivered + health.dropped == 200
    assert health.delivered > 0


def held(overflow: str, **options) -> tuple[BackgroundSink, Slow]:
    """Return a sink whose thread is held in its first write, with an empty queue behind it."""
    inner = Slow()
    sink = BackgroundSink(inner, overflow=overflow, **options)
    sink.open(RunInfo("somewhere", {}, {}))
    sink.write(signal(0))
    assert inner.arrived.wait(LIMIT_SECS)
    return sink, inner


@pytest.mark.parametrize(
    ("overflow", "kept"), [("drop_oldest", [0, 7, 8, 9]), ("drop_newest", [0, 1, 2, 3]), ("block", [0, 1, 2, 3])]
)
def test_a_full_queue_drops_by_its_policy_and_counts(overflow, kept):
    """F-098."""
    sink, inner = held(overflow, max_queue=3, block_secs=0.01)
    for exp_num in range(1, 10):
        sink.write(signal(exp_num))
    assert sink.health().queued == 4  # one of them is in the hands of the sink
    inner.gate.set()
    with pytest.warns(SinkWarning, match="Slow missed 6 of 10 signals"):
        sink.close()
    assert exp_nums(inner) == kept
    assert sink.health()[2:] == (4, 6, 0, 0, None)


@pytest.mark.parametrize("overflow", OVERFLOW)
def test_a_queue_is_bounded_by_bytes(overflow):
    """F-065."""
    sink, inner = held(overflow, max_bytes=1000, block_secs=0.01)
    for exp_num in range(1, 20):
        sink.write(signal(exp_num, nbytes=300))
    assert sink.health().queued == 4  # one of them is in the hands of the sink
    sink.write(signal(99, nbytes=5000))  # never fits, and throws nobody out
    assert sink.health().queued == 4  # one of them is in the hands of the sink
    inner.gate.set()
    with pytest.warns(SinkWarning, match="missed 17 of 21"):
        sink.close()


def test_block_waits_for_room():
    sink, inner = held("block", max_queue=1, block_secs=LIMIT_SECS)
    sink.write(signal(1))
    threading.Timer(0.05, inner.gate.set).start()
    sink.write(signal(2))
    sink.close()
    assert exp_nums(inner) == [0, 1, 2]


def test_block_does_not_wait_for_a_sink_that_hangs_again_and_again():
    sink, inner = held("block", max_queue=1, block_secs=0.1)
    begun = time.monotonic()
    for exp_num in range(100):
        sink.write(signal(exp_num))
    assert time.monotonic() - begun < 2
    inner.gate.set()
    with pytest.warns(SinkWarning, match="missed 99"):
        sink.close()


def test_a_large_signal_counts_with_its_size(make):
    sink = BackgroundSink(MemorySink(), max_bytes=10_000)
    logger = make(sinks=[sink])
    logger.log_record(record(0, text="x" * 20_000))
    logger.log_record(record(1, text="x"))
    assert logger.flush()
    assert (sink.health().delivered, sink.health().dropped) == (1, 1)
    with pytest.warns(SinkWarning, match="missed 1 of 2"):
        logger.close()


class Exploding(MemorySink):
    def __init__(self, error: BaseException, times: int) -> None:
        super().__init__()
        self.error, self.times = error, times

    def write(self, signal):
        if self.times:
            self.times -= 1
            raise self.error
        super().write(signal)


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), MemoryError(), GeneratorExit()], ids=repr)
def test_whatever_is_raised_in_the_thread_is_caught_there(make, error):
    """F-096."""
    sink = Exploding(error, times=2)
    logger = make(sinks=[BackgroundSink(sink)])
    with pytest.warns(SinkWarning, match="Exploding failed to write"):
        for exp_num in range(5):
            logger.log_record(record(exp_num))
        assert logger.flush()
    assert exp_nums(sink) == [2, 3, 4]
    with pytest.warns(SinkWarning, match="missed 2 of 5"):
        logger.close()


def test_after_ten_failures_signals_wait_and_are_delivered_when_it_works_again(make, monkeypatch):
    """F-094: nothing but the ten is lost by an outage."""
    monkeypatch.setattr("l2logger.sinks.guard._FIRST_PAUSE_SECS", 0.2)
    sink = Exploding(OSError("no route"), times=10)
    logger = make(sinks=[BackgroundSink(sink)])
    with pytest.warns(SinkWarning, match=r"failed to write.*no route.*opened again in 0.2 s"):
        for exp_num in range(100):
            logger.log_record(record(exp_num))
        deadline = time.monotonic() + LIMIT_SECS
        while logger.health()[0].delivered < 90 and time.monotonic() < deadline:
            logger.flush()
    assert exp_nums(sink) == list(range(10, 100))
    assert sink.calls[:3] == ["open", "close", "open"]
    with pytest.warns(SinkWarning, match="missed 10 of 100"):
        logger.close()


def test_the_summary_at_the_end_names_the_command_that_fills_the_holes(make):
    class Deaf(MemorySink):
        def write(self, signal):
            raise ValueError

    logger = make(sinks=[BackgroundSink(Deaf())])
    with pytest.warns(SinkWarning) as caught:
        logger.log_record(record())
        logger.close()
    command = f"l2logger replay {logger.scenario_dir} --to memory --from beginning"
    assert command in str(caught[-1].message)


def test_a_thread_that_dies_is_begun_again_once(make, monkeypatch):
    """F-102."""
    pause = BackgroundSink._pause

    def deadly(self):
        pause(self)
        raise SystemExit

    sink = MemorySink()
    logger = make(sinks=[BackgroundSink(sink)])
    monkeypatch.setattr(BackgroundSink, "_pause", deadly)
    with pytest.warns(SinkWarning, match="failed to run"):
        logger.log_record(record())
        assert not logger.flush()
    assert logger.health()[0].state == "dead"
    with pytest.warns(SinkWarning, match="missed 1 of 1"):
        logger.close()


def test_a_thread_that_died_once_goes_on(make, monkeypatch):
    """F-102."""
    pause = BackgroundSink._pause
    deaths = [SystemExit]

    def deadly(self):
        pause(self)
        if deaths:
            raise deaths.pop()

    sink = MemorySink()
    logger = make(sinks=[BackgroundSink(sink)])
    monkeypatch.setattr(BackgroundSink, "_pause", deadly)
    with pytest.warns(SinkWarning, match="failed to run"):
        for exp_num in range(5):
            logger.log_record(record(exp_num))
        logger.close()
    assert exp_nums(sink) == list(range(5))


def test_a_hanging_sink_shows_in_its_health(make, monkeypatch):
    """F-097."""
    monkeypatch.setattr("l2logger.sinks.guard.STUCK_SECS", 0.0)
    sink = Slow()
    logger = make(sinks=[BackgroundSink(sink)])
    logger.log_record(record())
    assert sink.arrived.wait(LIMIT_SECS)
    assert logger.health()[0].state == "stuck"
    sink.gate.set()


def test_a_slow_start_is_not_felt_and_loses_nothing(make):
    """F-106."""
    sink = Slow("open")
    logger = make(sinks=[BackgroundSink(sink)])
    for exp_num in range(500):
        logger.log_record(record(exp_num))
    assert sink.arrived.wait(LIMIT_SECS)
    assert logger.health()[0].queued == 500
    sink.gate.set()
    assert logger.flush()
    assert exp_nums(sink) == list(range(500))


def test_what_came_is_flushed_when_nothing_comes_any_more(make, monkeypatch):
    """F-114: a sink without a clock of its own would keep the end of a burst to itself."""
    monkeypatch.setattr("l2logger.sinks.background._FLUSH_SECS", 0.01)
    sink = MemorySink()
    logger = make(sinks=[BackgroundSink(sink)])
    logger.log_record(record())
    deadline = time.monotonic() + LIMIT_SECS
    while "flush" not in sink.calls and time.monotonic() < deadline:
        time.sleep(0.001)
    assert sink.calls == ["open", "write", "flush"]


def test_a_sink_may_close_its_own_logger(make):
    class Rude(MemorySink):
        def write(self, signal):
            super().write(signal)
            logger.close()

    sink = Rude()
    logger = make(sinks=[BackgroundSink(sink)])
    logger.log_record(record())
    deadline = time.monotonic() + LIMIT_SECS
    while "close" not in sink.calls and time.monotonic() < deadline:
        time.sleep(0.001)
    assert sink.calls == ["open", "write", "close"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_is_silent_and_the_parent_keeps_everything(make):
    """F-066, F-067, F-111: with the thread held in a write, and signals in the queue."""
    inner = Slow()
    logger = make(sinks=[BackgroundSink(inner)])
    for exp_num in range(10):
        logger.log_record(record(exp_num))
    assert inner.arrived.wait(LIMIT_SECS)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            for exp_num in range(5):
                logger.log_record(record(exp_num, worker_id="child"))
            assert logger.flush(5.0)
            assert logger.health()[0].state == "silent"
            logger.close()
            assert inner.calls == ["open"]
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    inner.gate.set()
    logger.close()
    assert exp_nums(inner) == list(range(10))
    assert len(rows(logger.scenario_dir)) == 15


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.slow
def test_a_thousand_forks_hang_nobody(make):
    """F-066."""
    sink = MemorySink()
    logger = make(sinks=[BackgroundSink(sink)])
    for exp_num in range(1000):
        logger.log_record(record(exp_num))
        child = os.fork()
        if child == 0:
            try:
                logger.log_record(record(exp_num, worker_id=f"child-{exp_num % 8}"))
                logger.close()
            finally:
                os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
    logger.close()
    assert exp_nums(sink) == list(range(1000))


UNCLOSED = """
import sys, time
from l2logger import DataLogger
from l2logger.sinks import Sink

class Late(Sink):
    def open(self, run):
        self.file = open(sys.argv[2], "a")
    def write(self, signal):
        time.sleep(0.001)
        self.file.write(f"{signal.fields['exp_num']}\\n")
    def close(self):
        self.file.close()

def main():
    logger = DataLogger(sys.argv[1], "run", {"metrics_columns": ["reward"]}, sinks=[Late()])
    for exp_num in range(200):
        logger.log_record(block_num=0, block_type="train", task_name="Task_a", task_params={}, exp_num=exp_num, reward=1.0)
    return logger
"""


@pytest.mark.parametrize(
    "end",
    ["logger = main()", "logger = main()\nraise SystemExit(0)", "main()"],
    ids=["falls off the end", "exits", "nobody holds it"],
)
def test_what_is_queued_is_delivered_though_nobody_closes(tmp_path, end):
    """F-063."""
    out = tmp_path / "out"
    result = subprocess.run(
        [sys.executable, "-c", UNCLOSED + end, tmp_path, out], capture_output=True, text=True, timeout=LIMIT_SECS
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert out.read_text().split() == [str(number) for number in range(200)]


@pytest.mark.slow
@pytest.mark.parametrize("method", ["spawn", "forkserver", "fork"])
def test_a_process_of_multiprocessing_delivers_what_is_queued(tmp_path, method):
    """F-063, F-069: such a process runs no exit hooks."""
    out = tmp_path / "out"
    script = tmp_path / "script.py"
    ending = f"""
if __name__ == "__main__":
    import multiprocessing
    process = multiprocessing.get_context({method!r}).Process(target=main)
    process.start()
    process.join()
    raise SystemExit(process.exitcode)
"""
    script.write_text(UNCLOSED + ending)
    result = subprocess.run(
        [sys.executable, script, tmp_path, out], capture_output=True, text=True, timeout=2 * LIMIT_SECS
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert out.read_text().split() == [str(number) for number in range(200)]


def test_a_hanging_sink_does_not_keep_the_interpreter(tmp_path):
    """F-063, F-097."""
    script = (
        "import sys, time\nfrom l2logger import DataLogger\nfrom l2logger.sinks import BackgroundSink, Sink\n"
        "class Hung(Sink):\n    def write(self, signal):\n        time.sleep(1000)\n"
        "logger = DataLogger(sys.argv[1], 'run', {'metrics_columns': ['reward']}, sinks=[BackgroundSink(Hung(), close_timeout_secs=0.3)])\n"
        "logger.log_record(block_num=0, block_type='train', task_name='Task_a', task_params={}, exp_num=0, reward=1.0)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script, tmp_path], capture_output=True, text=True, timeout=LIMIT_SECS
    )
    assert result.returncode == 0
    assert "Hung did not close within 0.3 s" in result.stderr


def test_a_logger_that_nobody_holds_lets_its_mirrors_end(tmp_path):
    sink = MemorySink()
    logger = DataLogger(tmp_path, "run", {"metrics_columns": ["reward"]}, sinks=[BackgroundSink(sink)])
    logger.log_record(record())
    gone = weakref.ref(logger)
    del logger
    import gc

    gc.collect()
    assert gone() is None
    deadline = time.monotonic() + LIMIT_SECS
    while "close" not in sink.calls and time.monotonic() < deadline:
        time.sleep(0.001)
    assert sink.calls == ["open", "write", "close"]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"overflow": "spill"}, "overflow must be one of 'drop_oldest', 'drop_newest', 'block', got 'spill'"),
        ({"max_queue": 0}, "max_queue must be a whole number of at least 1, got 0"),
        ({"max_bytes": 1.5}, "max_bytes must be a whole number"),
        ({"close_timeout_secs": -1}, "close_timeout_secs must be a number of seconds, 0 or more, got -1"),
        ({"flush_timeout_secs": "soon"}, "flush_timeout_secs must be a number of seconds"),
        ({"block_secs": float("nan")}, "block_secs must be a number of seconds"),
        ({"block_secs": float("inf")}, "block_secs must be a number of seconds"),
    ],
    ids=str,
)
def test_a_wrong_setting_is_refused(options, problem):
    with pytest.raises(ConfigError) as caught:
        BackgroundSink(MemorySink(), **options)
    assert problem in str(caught.value)


def test_what_is_no_sink_is_refused():
    with pytest.raises(ConfigError, match="a sink must be"):
        BackgroundSink(print)


def test_one_sink_in_two_running_loggers_is_refused(make):
    sink = MemorySink()
    first = make(sinks=[sink])
    with pytest.raises(ConfigError, match="this MemorySink is in use by another logger; make one for each"):
        make(sinks=[sink])
    first.close()
    make(sinks=[sink]).log_record(record())
    assert len(sink.records) == 1


def test_an_unknown_place_to_run_is_refused(make):
    class Odd(MemorySink):
        isolate = "cloud"

    with pytest.raises(ConfigError, match="isolate must be one of 'thread', 'process', 'none', got 'cloud'"):
        make(sinks=[Odd()])


def test_dropped_loggers_leave_nothing_behind(tmp_path):
    import gc

    from l2logger.sinks import fan_out

    before = len(fan_out._open)
    for _ in range(5):
        logger = DataLogger(tmp_path, "run", {"metrics_columns": ["reward"]}, sinks=[BackgroundSink(MemorySink())])
        logger.log_record(record())
        del logger
        gc.collect()
    deadline = time.monotonic() + LIMIT_SECS
    while not all(each.has_ended() for each in fan_out._open if each._is_ending) and time.monotonic() < deadline:
        time.sleep(0.01)
    with DataLogger(tmp_path, "run", {"metrics_columns": ["reward"]}, sinks=[MemorySink()]):
        assert len(fan_out._open) <= before + 1


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a terminal")
def test_a_terminal_that_is_stopped_is_not_felt(make):
    """F-120: as by Ctrl-S, nobody takes what is written, and the write of the console hangs."""
    master, slave = os.openpty()
    with open(slave, "w", encoding="utf-8") as terminal:
        sink = ConsoleSink(style="frame", every=1, stream=terminal)
        logger = make(sinks=[BackgroundSink(sink, close_timeout_secs=0.3, max_queue=500)])
        for exp_num in range(3000):
            logger.log_record(record(exp_num))
        with pytest.warns(SinkWarning, match="ConsoleSink did not close within 0.3 s"):
            logger.close()
        (health,) = logger.health()
        assert health.delivered + health.dropped == 3000
        assert len(rows(logger.scenario_dir)) == 3000
        os.set_blocking(master, False)
        deadline = time.monotonic() + LIMIT_SECS
        while not logger._mirrors._members[0].is_over() and time.monotonic() < deadline:
            with suppress(BlockingIOError):
                os.read(master, 2**16)  # the terminal goes on, and lets the thread come to its end
    os.close(master)


LATE_WORKERS = """
import sys, threading, time
from concurrent.futures import ThreadPoolExecutor
from l2logger import DataLogger
from l2logger.sinks import Sink

class Lines(Sink):
    def open(self, run):
        self.file = open(sys.argv[2], "a")
    def write(self, signal):
        self.file.write(f"{signal.fields['exp_num']}\\n")
    def close(self):
        self.file.close()

logger = DataLogger(sys.argv[1], "run", {"metrics_columns": ["reward"]}, sinks=[Lines()])

def log(exp_num):
    logger.log_record(block_num=0, block_type="train", task_name="Task_a", task_params={}, exp_num=exp_num, reward=1.0)

def train(first):
    for exp_num in range(first, first + 10):
        time.sleep(0.02)
        log(exp_num)

log(0)
"""


@pytest.mark.parametrize(
    "ending",
    ["threading.Thread(target=train, args=(1,)).start()", "ThreadPoolExecutor().submit(train, 1)"],
    ids=["thread", "pool"],
)
def test_mirrors_outlive_the_threads_that_log_when_the_script_has_ended(tmp_path, ending):
    """F-063."""
    out = tmp_path / "out"
    command = [sys.executable, "-c", LATE_WORKERS + ending, tmp_path, out]
    result = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_SECS)
    assert (result.returncode, result.stderr) == (0, "")
    assert out.read_text().split() == [str(number) for number in range(11)]


def test_a_close_that_was_interrupted_can_be_made_up_for(make, monkeypatch):
    """F-062."""
    sink = Slow()
    logger = make(sinks=[BackgroundSink(sink)])
    logger.log_record(record())
    join = threading.Thread.join

    def interrupted(self, timeout=None):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "join", interrupted)
        with pytest.raises(KeyboardInterrupt):
            logger.close()
    assert join is threading.Thread.join
    sink.gate.set()
    logger.close()
    assert sink.calls == ["open", "write", "close"]
    assert logger.health()[0].state == "closed"


def test_a_thread_that_cannot_be_started_is_told_and_tried_again(make, monkeypatch):
    sink = MemorySink()
    logger = make(sinks=[BackgroundSink(sink)])

    def impossible(self):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", impossible)
        with pytest.warns(SinkWarning, match="MemorySink failed to start: RuntimeError: can't start new thread"):
            logger.log_record(record(0))
    logger.log_record(record(1))
    logger.close()
    assert exp_nums(sink) == [0, 1]


def test_what_no_thread_could_deliver_is_delivered_by_close(make, monkeypatch):
    """F-063: Python 3.12.0 to 3.12.2 start no thread once the main thread has ended."""
    sink = MemorySink()
    logger = make(sinks=[BackgroundSink(sink)])

    def impossible(self):
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", impossible)
    for exp_num in range(3):
        logger.log_record(record(exp_num))
    logger.close()
    assert exp_nums(sink) == [0, 1, 2]
    assert sink.calls[-1] == "close"
    assert logger.health()[0][1:5] == ("closed", 3, 0, 0)


def test_an_error_that_has_no_words_is_counted(make):
    class MuteError(Exception):
        def __str__(self):
            raise ValueError

    sink = Exploding(MuteError(), times=1)
    logger = make(sinks=[BackgroundSink(sink)])
    for exp_num in range(3):
        logger.log_record(record(exp_num))
    assert logger.flush()
    assert (logger.health()[0].failed, logger.health()[0].last_error) == (1, "MuteError")


def test_a_failed_construction_sets_its_sinks_free(make, tmp_path):
    sink = MemorySink()
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        DataLogger(tmp_path / "file", "run", {"metrics_columns": ["reward"]}, sinks=[sink])
    make(sinks=[sink]).log_record(record())
    assert len(sink.records) == 1


@pytest.mark.parametrize("timeout", [-1, float("nan"), float("inf"), "soon"], ids=str)
def test_a_flush_for_no_time_at_all_is_refused(make, timeout):
    with pytest.raises(ConfigError, match="timeout_secs must be a number of seconds"):
        make(sinks=[MemorySink()]).flush(timeout)
