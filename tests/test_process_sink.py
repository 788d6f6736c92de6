"""A sink in a process of its own, which reads the log while it is written."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from mirrors import FileSink, exp_nums, notes
from reading import files, record, rows

from l2logger import ConfigError, DataLogger, SinkWarning
from l2logger.sinks import BackgroundSink, ConsoleSink, MemorySink, ProcessSink
from l2logger.sinks.health import in_words

LIMIT_SECS = 30
TESTS = Path(__file__).parent

pytestmark = [pytest.mark.filterwarnings("ignore::l2logger.SinkWarning"), pytest.mark.slow]


def wait_until(true, what: str) -> None:
    deadline = time.monotonic() + LIMIT_SECS
    while not true():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.01)


def has_ended(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state == "Z"


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out.jsonl"


def test_everything_is_delivered_in_order_by_another_process(make, out):
    logger = make(sinks=[FileSink(out)])
    for exp_num in range(1000):
        logger.log_record(record(exp_num, reward=exp_num / 7))
    assert logger.flush()
    assert [note["reward"] for note in notes(out)] == [exp_num / 7 for exp_num in range(1000)]
    (opened,) = notes(out, "open")
    assert opened["pid"] != os.getpid()
    assert opened["scenario_dir"] == logger.scenario_dir
    (health,) = logger.health()
    assert health == ("FileSink", "ok", 1000, 0, 0, 0, None)
    logger.close()
    assert logger.health()[0].state == "closed"
    assert notes(out, "close")
    assert has_ended(opened["pid"])


def test_records_arrive_without_being_asked_for(make, out):
    logger = make(sinks=[FileSink(out)])
    logger.log_record(record(7))
    wait_until(lambda: exp_nums(out) == [7], "the record has arrived")
    logger.log_record(record(8))
    wait_until(lambda: exp_nums(out) == [7, 8], "the next one has arrived")


def test_the_training_has_no_thread_for_it(make, out):
    """F-066: Python warns of a fork beside threads."""
    before = threading.active_count()
    logger = make(sinks=[FileSink(out)])
    logger.log_record(record())
    assert logger.flush()
    assert threading.active_count() == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_records_of_forked_workers_are_in_the_same_mirror(make, out):
    """S0-31 with charts."""
    logger = make(sinks=[FileSink(out)])
    children = []
    for worker in range(3):
        child = os.fork()
        if child == 0:
            try:
                for exp_num in range(20):
                    logger.log_record(record(exp_num, worker_id=f"worker-{worker}"))
                logger.close()
            finally:
                os._exit(0)
        children.append(child)
    logger.log_record(record(0))
    for child in children:
        assert os.waitpid(child, 0)[1] == 0
    logger.close()
    assert len(notes(out, "open")) == 1
    found = sorted((note["worker_id"], note["exp_num"]) for note in notes(out))
    assert found == sorted([("worker-default", 0)] + [(f"worker-{w}", n) for w in range(3) for n in range(20)])


TRAINING = """
import os, sys, time
from mirrors import FileSink
from l2logger import DataLogger
logger = DataLogger(sys.argv[1], "run", {"metrics_columns": ["reward"]}, sinks=[FileSink(sys.argv[2])])
for exp_num in range(300):
    logger.log_record(block_num=0, block_type="train", task_name="Task_a", task_params={}, exp_num=exp_num, reward=1.0)
"""


def train(tmp_path, out, ending: str = "") -> subprocess.Popen:
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    return subprocess.Popen(
        [sys.executable, "-c", TRAINING + ending, tmp_path, out], stderr=subprocess.PIPE, text=True, env=environment
    )


@pytest.mark.parametrize("ending", ["", "logger.close()", "sys.exit(0)"], ids=["falls off", "closes", "exits"])
def test_everything_is_there_when_the_script_has_ended(tmp_path, out, ending):
    """F-063."""
    process = train(tmp_path, out, ending)
    assert process.communicate(timeout=LIMIT_SECS)[1] == ""
    assert process.returncode == 0
    assert exp_nums(out) == list(range(300))
    assert notes(out, "close")


@pytest.mark.parametrize("ending", ["os.kill(os.getpid(), 9)", "os._exit(3)", "os.abort()"])
def test_a_killed_training_is_mirrored_to_its_last_record(tmp_path, out, ending):
    """F-064, F-108: 36 to 215 of 500 were missing when W&B ran in the killed process."""
    process = train(tmp_path, out, ending)
    process.communicate(timeout=LIMIT_SECS)
    assert process.returncode != 0
    wait_until(lambda: notes(out, "close"), "the mirror has ended")
    assert exp_nums(out) == list(range(300))


def test_ctrl_c_does_not_reach_the_mirror(make, out):
    logger = make(sinks=[FileSink(out)])
    logger.log_record(record(0))
    assert logger.flush()
    mirror = notes(out, "open")[0]["pid"]
    assert os.getpgid(mirror) != os.getpgid(0)
    os.kill(mirror, signal.SIGINT)
    logger.log_record(record(1))
    logger.close()
    assert exp_nums(out) == [0, 1]
    assert len(notes(out, "open")) == 1


def test_a_killed_mirror_is_begun_again_and_goes_on_where_it_was(make, out):
    """F-102, F-107."""
    logger = make(sinks=[FileSink(out)])
    for exp_num in range(10):
        logger.log_record(record(exp_num))
    assert logger.flush()
    mirror = notes(out, "open")[0]["pid"]
    os.kill(mirror, signal.SIGKILL)
    wait_until(lambda: has_ended(mirror), "the mirror is dead")
    for exp_num in range(10, 20):
        logger.log_record(record(exp_num))
    assert logger.flush()
    assert exp_nums(out) == list(range(20))
    logger.close()
    assert logger.health()[0].state == "closed"


def test_a_mirror_killed_before_the_end_is_made_up_for_at_the_end(make, out):
    logger = make(sinks=[FileSink(out)])
    logger.log_record(record(0))
    assert logger.flush()
    mirror = notes(out, "open")[0]["pid"]
    os.kill(mirror, signal.SIGKILL)
    wait_until(lambda: has_ended(mirror), "the mirror is dead")
    logger.log_record(record(1))
    logger.close()
    assert exp_nums(out) == [0, 1]


def test_a_mirror_that_hangs_at_the_end_is_told_and_left_to_itself(make, out):
    """F-097."""
    logger = make(sinks=[ProcessSink(FileSink(out, hang="flush"), close_timeout_secs=0.5)])
    logger.log_record(record(0))
    wait_until(lambda: notes(out), "the record has arrived")
    with pytest.warns(SinkWarning, match=r"is not done after 0.5 s; its process \d+ goes on by itself"):
        logger.close()
    mirror = notes(out, "open")[0]["pid"]
    assert not has_ended(mirror)
    os.kill(mirror, signal.SIGKILL)


def test_flush_has_a_deadline(make, out):
    """F-097."""
    logger = make(sinks=[ProcessSink(FileSink(out, hang="write"), close_timeout_secs=0.2)])
    logger.log_record(record())
    wait_until(lambda: notes(out, "open"), "the mirror hangs")
    with pytest.warns(SinkWarning, match="FileSink did not flush within 0.1 s"):
        assert not logger.flush(0.1)
    begun = time.monotonic()
    logger.close()
    assert time.monotonic() - begun < 5
    assert logger.health()[0].state == "abandoned"
    os.kill(notes(out, "open")[0]["pid"], signal.SIGKILL)


def test_a_slow_mirror_goes_on_after_close_and_gets_all(make, out):
    """F-097: W&B's upload at the end does not keep the training."""
    logger = make(sinks=[ProcessSink(FileSink(out, slow_secs=0.005), close_timeout_secs=0.3)])
    for exp_num in range(300):
        logger.log_record(record(exp_num))
    with pytest.warns(SinkWarning, match="goes on by itself until everything is delivered"):
        logger.close()
    wait_until(lambda: notes(out, "close"), "the mirror has ended")
    assert exp_nums(out) == list(range(300))


@pytest.mark.parametrize("error", [ValueError("broken"), SystemExit(3), MemoryError(), KeyboardInterrupt()], ids=repr)
def test_a_record_that_fails_is_counted_and_the_rest_delivered(make, out, error):
    """F-094, F-096."""
    logger = make(sinks=[FileSink(out, fail="write", error=error, times=3)])
    for exp_num in range(10):
        logger.log_record(record(exp_num))
    logger.flush()
    (health,) = logger.health()
    assert (health.delivered, health.failed, health.last_error) == (7, 3, in_words(error))
    assert exp_nums(out) == list(range(3, 10))
    with pytest.warns(SinkWarning, match="FileSink missed 3 of 10 signals"):
        logger.close()


def test_a_mirror_that_can_never_work_says_so(make, out, capfd):
    """F-093, F-103, F-104."""
    logger = make(sinks=[FileSink(out, fail="open", error=ImportError("pip install it"))])
    logger.log_record(record())
    assert not logger.flush()
    assert logger.health()[0].state == "given up"
    assert "l2logger: pip install it; the log and the other sinks go on" in capfd.readouterr().err
    with pytest.warns(SinkWarning, match="has not got everything .*pip install it.*the log has it"):
        logger.close()


def test_what_a_sink_prints_does_not_confuse(make, out, capfd):
    logger = make(sinks=[ProcessSink(PrintingSink(out))])
    logger.log_record(record())
    assert logger.flush()
    logger.close()
    assert logger.health()[0].delivered == 1
    assert "chatter" in capfd.readouterr().err


class PrintingSink(FileSink):
    def write(self, signal):
        print("chatter")
        os.write(1, b"more chatter\n")
        super().write(signal)


# As the child knows it: this file is imported there under its plain name.
PrintingSink.__module__ = "test_process_sink"
sys.modules.setdefault("test_process_sink", sys.modules[__name__])


def test_a_resumed_run_goes_on_in_the_mirror(make, out):
    """S3-11."""
    first = make(sinks=[FileSink(out)])
    first.log_record(record(0))
    first.close()
    second = DataLogger.resume(first.scenario_dir, sinks=[FileSink(out)])
    second.log_record(record(1))
    second.close()
    assert exp_nums(out) == [0, 1]


def test_a_joined_worker_with_the_same_mirror_doubles_nothing(make, out):
    logger = make(sinks=[FileSink(out)])
    logger.log_record(record(0))
    assert logger.flush()
    joined = DataLogger.join(logger.scenario_dir, sinks=[FileSink(out)])
    joined.log_record(record(0, worker_id="joined"))
    joined.close()
    logger.close()
    assert sorted(note["worker_id"] for note in notes(out)) == ["joined", "worker-default"]


def test_a_mirror_takes_over_when_the_first_one_ends(make, out):
    logger = make(sinks=[FileSink(out)])
    logger.log_record(record(0))
    assert logger.flush()
    joined = DataLogger.join(logger.scenario_dir, sinks=[FileSink(out)])
    logger.close()
    joined.log_record(record(0, worker_id="joined"))
    joined.close()
    assert sorted(note["worker_id"] for note in notes(out)) == ["joined", "worker-default"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_worker_that_outlives_its_parent_is_still_mirrored(tmp_path, out):
    ending = """
if os.fork() == 0:
    time.sleep(1.0)
    logger.log_record(block_num=0, block_type="train", task_name="Task_a", task_params={}, exp_num=0, reward=1.0, worker_id="late")
    os._exit(0)
os.kill(os.getpid(), 9)
"""
    process = train(tmp_path, out, ending)
    process.wait(LIMIT_SECS)
    wait_until(lambda: notes(out, "close"), "the mirror has ended")
    process.stderr.close()
    assert notes(out)[-1]["worker_id"] == "late"
    assert len(notes(out)) == 301


def test_nothing_is_in_the_run_but_the_log_and_the_place_of_the_mirror(make, out):
    logger = make(sinks=[FileSink(out)])
    logger.log_record(record())
    logger.close()
    extra = [name for name in files(logger.scenario_dir) if not name.endswith(("info.json", "data-log.tsv"))]
    assert {Path(name).parent.name for name in extra} == {"replay"}


def test_a_sink_that_cannot_be_pickled_runs_in_a_thread(make, out):
    sink = FileSink(out)
    sink.extra = lambda: None
    logger = make(sinks=[sink])
    logger.log_record(record())
    assert logger.flush()
    assert notes(out, "open")[0]["pid"] == os.getpid()
    assert len(rows(logger.scenario_dir)) == 1


def test_asked_for_outright_it_is_refused(out):
    sink = FileSink(out)
    sink.extra = lambda: None
    with pytest.raises(ConfigError, match='cannot be handed to another process.*use isolate="thread"'):
        ProcessSink(sink)


def test_a_sink_of_the_script_itself_runs_in_a_thread(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import os, sys\nfrom l2logger import DataLogger\nfrom l2logger.sinks import Sink\n"
        "class Mine(Sink):\n    isolate = 'process'\n    def write(self, signal):\n        print(os.getpid() == parent)\n"
        "parent = os.getpid()\n"
        "with DataLogger(sys.argv[1], 'run', {'metrics_columns': ['reward']}, sinks=[Mine()]) as logger:\n"
        "    logger.log_record(block_num=0, block_type='train', task_name='Task_a', task_params={}, exp_num=0, reward=1.0)\n"
    )
    result = subprocess.run([sys.executable, script, tmp_path], capture_output=True, text=True, timeout=LIMIT_SECS)
    assert (result.stdout, result.stderr) == ("True\n", "")


def test_places_to_run_can_be_mixed(make, out):
    memory, background = MemorySink(), MemorySink()
    logger = make(sinks=[memory, BackgroundSink(background), FileSink(out)])
    for exp_num in range(10):
        logger.log_record(record(exp_num))
    assert logger.flush()
    assert [health.sink for health in logger.health()] == ["MemorySink", "MemorySink", "FileSink"]
    assert len(memory.records) == len(background.records) == len(notes(out)) == 10


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs timers that signal")
def test_a_signal_handler_that_closes_in_the_midst_of_a_flush_is_served(make, out):
    """F-061: both converse with the process."""
    logger = make(sinks=[FileSink(out, slow_secs=0.5)])
    logger.log_record(record())
    before = signal.signal(signal.SIGALRM, lambda *_: logger.close())
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        logger.flush(5)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert logger.health()[0].state == "closed"
    assert exp_nums(out) == [0]


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="needs SIGSTOP")
def test_a_mirror_that_is_stopped_stops_nobody(make, out):
    """F-097: what it is asked would fill the pipe to it."""
    logger = make(sinks=[ProcessSink(FileSink(out), close_timeout_secs=0.1)])
    logger.log_record(record())
    assert logger.flush()
    mirror = notes(out, "open")[0]["pid"]
    os.kill(mirror, signal.SIGSTOP)
    try:
        for _ in range(6000):
            assert not logger.flush(0)
        logger.log_record(record(1))
        logger.close()
    finally:
        os.kill(mirror, signal.SIGCONT)
    wait_until(lambda: notes(out, "close"), "the mirror has ended")
    assert exp_nums(out) == [0, 1]


def test_a_training_with_thousands_of_open_files_converses(make, out):
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 2000:
        pytest.skip("no more than a thousand files can be open")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2000), hard))
    opened = [os.open(os.devnull, os.O_RDONLY) for _ in range(1100)]
    try:
        logger = make(sinks=[FileSink(out)])
        logger.log_record(record())
        assert logger.flush()
        logger.close()
    finally:
        for fd in opened:
            os.close(fd)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert exp_nums(out) == [0]


def test_what_a_joined_worker_logs_while_the_first_mirror_closes_is_delivered(tmp_path, make, out):
    """Its own mirror finds the place taken, and the other has had its last look."""
    logger = make(sinks=[FileSink(out, close_secs=1.5)])
    logger.log_record(record(0))
    assert logger.flush()
    joined = DataLogger.join(logger.scenario_dir, sinks=[FileSink(out, close_secs=1.5)])
    closing = threading.Thread(target=logger.close)
    closing.start()
    wait_until(lambda: notes(out, "closing"), "the first mirror is about to close")
    joined.log_record(record(0, worker_id="joined"))
    joined.close()
    closing.join()
    wait_until(lambda: len(notes(out)) == 2, "both records have arrived")
    assert [note["worker_id"] for note in notes(out)] == ["worker-default", "joined"]


def test_a_script_without_a_guard_does_not_start_mirrors_of_mirrors(tmp_path, out):
    script = tmp_path / "train.py"
    script.write_text(
        "import sys\nfrom l2logger import DataLogger\nfrom mirrors import FileSink\n"
        f"class Mine(FileSink):\n    pass\nlogger = DataLogger({str(tmp_path)!r}, 'run', {{'metrics_columns': ['reward']}}, sinks=[Mine({str(out)!r})])\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), str(tmp_path)])}
    result = subprocess.run(
        [sys.executable, "-c", "import train"], capture_output=True, text=True, timeout=LIMIT_SECS, env=environment
    )
    assert result.returncode == 0
    assert "put what the script does below" in result.stderr


def test_several_threads_may_ask_at_once(make, out):
    logger = make(sinks=[FileSink(out)])
    logger.log_record(record())
    assert logger.flush()
    slow = []

    def ask():
        for _ in range(50):
            begun = time.monotonic()
            logger.health()
            slow.append(time.monotonic() - begun)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(slow) == 200
    assert sum(secs > 0.9 for secs in slow) == 0  # which is how long it waits for an answer that does not come


def test_a_mirror_that_cannot_remember_its_place_delivers_once(make, out, tmp_path):
    logger = make(sinks=[FileSink(out)])
    Path(logger.scenario_dir, "replay").write_text("a file where the directory should be")
    for exp_num in range(5):
        logger.log_record(record(exp_num))
    logger.close()
    assert exp_nums(out) == list(range(5))


def test_the_console_in_a_process_shows_everything_once(make, capfd):
    sink = ConsoleSink(style="line", every=1)
    sink.isolate = "process"
    logger = make(sinks=[sink])
    for exp_num in range(5):
        logger.log_record(record(exp_num))
    logger.close()
    assert capfd.readouterr().err.count("Task_a") == 5
