"""Threads, forks, pickles, signals, reloads: one logger in all of them."""

import copy
import gc
import importlib
import json
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path
from unittest import mock

import pytest
from children import in_child
from reading import data_log, record, rows

import l2logger.l2logger
from l2logger import DataLogger, LogLockedError, RecordError
from l2logger.processors import canonical
from l2logger.sinks import MemorySink

fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


def test_threads_share_a_logger(logger):
    """S1-57, F-070: each row whole, the order of each thread kept."""

    def work(worker):
        for exp_num in range(500):
            logger.log_record(record(exp_num, worker_id=f"w{worker}", note="x" * worker))

    threads = [threading.Thread(target=work, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for worker in range(8):
        stored = rows(Path(logger.scenario_dir) / f"w{worker}")
        assert [int(row["exp_num"]) for row in stored] == list(range(500))


def test_threads_share_a_worker(logger):
    """S1-57, F-070."""
    lock = threading.Lock()
    counter = iter(range(4000))

    def work():
        while True:
            with lock:
                exp_num = next(counter, None)
                if exp_num is None:
                    return
                logger.log_record(record(exp_num))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [int(row["exp_num"]) for row in rows(logger.scenario_dir)] == list(range(4000))


@fork
@pytest.mark.parametrize("used_before", [False, True])
def test_forked_children_share_a_logger(make, used_before):
    """S0-31, F-066, F-067, F-069: the documented pattern, one worker id each; nothing is closed at the end."""
    logger = make()
    if used_before:
        logger.log_record(record(0, worker_id="parent"))

    def work(worker):
        for exp_num in range(200):
            logger.log_record(record(exp_num, worker_id=f"w{worker}"))

    context = multiprocessing.get_context("fork")
    children = [context.Process(target=work, args=[number]) for number in range(8)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [0] * 8
    for worker in range(8):
        stored = rows(Path(logger.scenario_dir) / f"w{worker}")
        assert [int(row["exp_num"]) for row in stored] == list(range(200))
    logger.log_record(record(1, worker_id="parent"))


@fork
def test_a_child_may_write_as_the_worker_of_its_parent(logger):
    """F-067: no row is lost or torn, though both append to one file."""
    logger.log_record(record(0, note="parent" * 100))

    def work():
        for exp_num in range(1, 300):
            logger.log_record(record(exp_num, note="child" * 100))

    pid = os.fork()
    if pid == 0:
        try:
            work()
            os._exit(0)
        finally:
            os._exit(1)
    for exp_num in range(1, 300):
        logger.log_record(record(exp_num, note="parent" * 100))
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    stored = rows(logger.scenario_dir)
    assert len(stored) == 599
    for note, first in (("parent", 0), ("child", 1)):
        assert [int(row["exp_num"]) for row in stored if row["note"] == note * 100] == list(range(first, 300))


@fork
def test_a_child_that_outlives_its_parents_file_keeps_nobody_out(logger):
    """The lock of a file stays with the process that opened it."""
    logger.log_record(record(0))
    ready, done = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(ready[1], b"x")
        os.read(done[0], 1)
        os._exit(0)
    os.read(ready[0], 1)
    logger.close()
    logger.log_record(record(1))
    os.write(done[1], b"x")
    os.waitpid(pid, 0)
    assert len(rows(logger.scenario_dir)) == 2


@pytest.mark.slow
@fork
def test_a_fork_while_the_lock_is_held_does_not_hang_the_child(make):
    """F-066: another thread is in the middle of a record; 200 forks."""
    logger = make(processors=[*canonical(), lambda logger, kind, event: time.sleep(0.0001) or event])
    stop = threading.Event()

    def work():
        exp_num = 0
        while not stop.is_set():
            logger.log_record(record(exp_num := exp_num + 1, worker_id="thread"))

    thread = threading.Thread(target=work)
    thread.start()
    try:
        for number in range(200):
            assert in_child(lambda number=number: logger.log_record(record(0, worker_id=f"child{number}"))) == 0
    finally:
        stop.set()
        thread.join()
    assert len([row for row in rows(logger.scenario_dir) if row["worker_id"] != "thread"]) == 200


@fork
def test_mirrors_are_silent_in_a_child(make):
    """F-111, F-117: they belong to the parent."""
    sink = MemorySink()
    logger = make(sinks=[sink])

    def work():
        logger.log_record(record(0, worker_id="child"))
        logger.flush()
        logger.close()
        assert sink.calls == ["open"]
        assert logger.health()[0].state == "silent"

    assert in_child(work) == 0
    assert len(rows(logger.scenario_dir)) == 1
    logger.log_record(record(0))
    assert len(sink.records) == 1


@fork
def test_siblings_must_agree_on_the_columns(logger):
    """S1-23: in other processes as well, or the run could not be continued."""
    assert in_child(lambda: logger.log_record(record(0, worker_id="first"))) == 0

    def work():
        with pytest.raises(RecordError, match=r"unexpected=\['extra'\]"):
            logger.log_record(record(0, worker_id="second", extra=1))

    assert in_child(work) == 0


def log_as(logger, worker: str) -> None:
    for exp_num in range(50):
        logger.log_record(record(exp_num, worker_id=worker))


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_children_that_get_a_pickle_write_the_same_run(logger, method):
    """F-068: also after the first record, where the original cannot be pickled."""
    logger.log_record(record(0))
    context = multiprocessing.get_context(method)
    children = [context.Process(target=log_as, args=[logger, f"w{number}"]) for number in range(2)]
    for child in children:
        child.start()
    for child in children:
        child.join(60)
    assert [child.exitcode for child in children] == [0, 0]
    assert len(rows(logger.scenario_dir)) == 101


@pytest.mark.parametrize("state", ["new", "used", "closed"])
@pytest.mark.parametrize("how", ["pickle", "deepcopy", "copy"])
def test_a_logger_can_be_copied_at_any_time(make, state, how):
    """F-068: files and mirrors stay, columns and counters go along."""
    logger = make(sinks=[MemorySink()], scenario_info={"a": 1})
    if state != "new":
        logger.log_record(record(7))
    if state == "closed":
        logger.close()
    copier = {"pickle": lambda each: pickle.loads(pickle.dumps(each)), "deepcopy": copy.deepcopy, "copy": copy.copy}[
        how
    ]
    twin = copier(logger)
    assert (twin.scenario_dir, twin.columns, twin.progress) == (logger.scenario_dir, logger.columns, logger.progress)
    assert (twin.logger_info, twin.scenario_info, twin.health()) == (logger.logger_info, {"a": 1}, [])
    twin.log_record(record(8, worker_id="twin"))
    assert len(rows(logger.scenario_dir)) == (1 if state == "new" else 2)


def test_a_bound_logger_can_be_pickled(logger):
    bound = pickle.loads(pickle.dumps(logger.bind(worker_id="w7")))
    bound.log_record({name: value for name, value in record().items() if name != "worker_id"})
    assert rows(logger.scenario_dir)[0]["worker_id"] == "w7"


def test_a_twin_in_the_same_file_is_refused(logger):
    """F-052."""
    logger.log_record(record(0))
    twin = pickle.loads(pickle.dumps(logger))
    with pytest.raises(LogLockedError, match="another logger of this process"):
        twin.log_record(record(1))


def test_a_logger_survives_the_reload_of_its_module(logger):
    """As in a notebook: old loggers go on, pickle, and fork."""
    logger.log_record(record(0))
    old_class = type(logger)
    try:
        importlib.reload(l2logger.l2logger)
        logger.log_record(record(1))
        logger.close()
        twin = pickle.loads(pickle.dumps(logger))
        assert type(twin) is l2logger.l2logger.DataLogger is not old_class
        twin.log_record(record(2))
        twin.close()
        assert len(rows(logger.scenario_dir)) == 3
    finally:
        l2logger.l2logger.DataLogger = old_class


def test_methods_can_be_patched(logger):
    """DataLogger is a plain class, so clients' tests replace what they like."""
    with mock.patch("l2logger.l2logger.DataLogger.log_record") as log_record:
        logger.log_record({"a": 1})
        logger.bind(b=2).log_record(c=3)
    assert log_record.call_args_list == [mock.call({"a": 1}), mock.call({"b": 2, "c": 3})]
    fake = mock.create_autospec(DataLogger, instance=True)
    fake.log_record({"a": 1})
    fake.log_record.assert_called_once()
    with mock.patch.object(l2logger.l2logger, "DataLogger") as cls:
        from l2logger import l2logger as module

        module.DataLogger("logs", "run", {})
        cls.assert_called_once_with("logs", "run", {})


def test_subclasses_see_every_record(tmp_path):
    """A bound logger goes through the method that a subclass overrides."""

    class Counting(DataLogger):
        count = 0

        def log_record(self, record=None, /, **fields):
            self.count += 1
            super().log_record(record, **fields)

    logger = Counting(tmp_path, "run", {"metrics_columns": ["reward"]})
    logger.bind(reward=1.0).log_record(record())
    assert logger.count == 1


def run(script: str, *args: str, **options) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-c", script, *args], capture_output=True, text=True, timeout=60, **options)


SCRIPT = """
import os, signal, sys, threading, time
from l2logger import DataLogger
logger = DataLogger(sys.argv[1], "run", {"metrics_columns": ["reward"]})
def log(exp_num, **more):
    logger.log_record(block_num=0, block_type="train", task_name="Task_a", task_params={}, exp_num=exp_num, reward=1.0, **more)
log(0)
"""


@pytest.mark.parametrize(
    ("ending", "code"),
    [
        ("", 0),
        ("sys.exit(3)", 3),
        ("os._exit(4)", 4),
        ("os.abort()", -signal.SIGABRT),
        ("os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
        ("os.kill(os.getpid(), signal.SIGTERM); time.sleep(9)", -signal.SIGTERM),
        ("1 / 0", 1),
        ("os.execv('/bin/true', ['true'])", 0),
        ("signal.setitimer(signal.ITIMER_REAL, 0.05); time.sleep(9)", -signal.SIGALRM),
        ("import faulthandler; faulthandler._sigsegv()", -signal.SIGSEGV),
    ],
    ids=lambda value: value.split("(")[0] or "end" if isinstance(value, str) else "",
)
def test_every_way_to_end_leaves_the_row(tmp_path, ending, code):
    """F-059, F-061, F-063, F-064: nothing is closed, no exit hook is needed."""
    result = run(SCRIPT + ending, str(tmp_path))
    assert result.returncode == code, result.stderr
    assert len(rows(tmp_path)) == 1


def test_a_logger_can_be_used_while_the_interpreter_shuts_down(tmp_path):
    """F-063."""
    ending = """
import atexit
class Late:
    def __del__(self): log(3)
late = Late()
atexit.register(log, 1)
atexit.register(logger.close)
threading.Thread(target=lambda: (time.sleep(0.05), log(0, exp_status="incomplete"))).start()
"""
    result = run(SCRIPT + ending, str(tmp_path))
    assert (result.returncode, result.stderr) == (0, "")
    assert [row["exp_num"] for row in rows(tmp_path)] == ["0", "0", "1", "3"]


def test_ctrl_c_at_any_moment_leaves_whole_rows_and_a_usable_logger(tmp_path):
    """F-062: 300 times at random moments; each record is stored once or not at all."""
    ending = """
import random
random.seed(7)
def interrupt():
    raise KeyboardInterrupt
signal.signal(signal.SIGALRM, lambda *args: interrupt())
stored, exp_num, interrupts = [], 1, 0
while interrupts < 300:
    try:
        signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-5, 1e-3))
        while True:
            log(exp_num, worker_id=f"w{exp_num % 3}")
            stored.append(exp_num)
            exp_num += 1
    except KeyboardInterrupt:
        interrupts += 1
        exp_num += 1
signal.setitimer(signal.ITIMER_REAL, 0)
log(exp_num)
import json
print(json.dumps(stored))
"""
    result = run(SCRIPT + ending, str(tmp_path))
    assert (result.returncode, result.stderr) == (0, "")
    acknowledged = json.loads(result.stdout)
    stored = [int(row["exp_num"]) for row in rows(tmp_path) if row["worker_id"] != "worker-default"]
    assert len(stored) == len(set(stored))
    assert set(acknowledged) <= set(stored)
    assert len(stored) - len(acknowledged) <= 300


def test_a_signal_handler_that_logs_is_refused_or_stored_without_a_deadlock(tmp_path):
    """F-071."""
    ending = """
refused = stored = 0
def handler(*args):
    global refused, stored
    try:
        log(0, worker_id="handler", exp_status="incomplete")
        stored += 1
    except RuntimeError as error:
        assert "signal handler" in str(error)
        refused += 1
signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
for exp_num in range(1, 20000):
    log(exp_num)
signal.setitimer(signal.ITIMER_REAL, 0)
print(refused, stored)
"""
    result = run(SCRIPT + ending, str(tmp_path))
    assert (result.returncode, result.stderr) == (0, "")
    refused, stored = map(int, result.stdout.split())
    assert refused > 0
    by_handler = [row for row in rows(tmp_path) if row["worker_id"] == "handler"]
    assert len(by_handler) == stored
    assert len(rows(tmp_path)) == stored + 20000


def test_a_signal_handler_that_closes_gets_its_wish_after_the_record(make):
    """F-061: the usual handler, in the middle of a record."""
    sink = MemorySink()
    logger = make(sinks=[sink], processors=[lambda logger, kind, event: logger.close() or event, *canonical()])
    logger.log_record(record())
    assert len(rows(logger.scenario_dir)) == 1
    assert sink.calls == ["open", "write", "close"]


def test_a_paused_process_goes_on(logger):
    """F-073: nothing here waits on a clock."""
    logger.log_record(record(0))
    pid = os.getpid()
    if os.fork() == 0:
        time.sleep(0.2)
        os.kill(pid, signal.SIGCONT)
        os._exit(0)
    os.kill(pid, signal.SIGSTOP)
    logger.log_record(record(1))
    os.wait()
    assert len(rows(logger.scenario_dir)) == 2


def test_a_forgotten_logger_closes_its_files(tmp_path):
    logger = DataLogger(tmp_path, "run", {"metrics_columns": ["reward"]})
    logger.log_record(record())
    path = str(data_log(logger))
    gone = weakref.ref(logger)
    del logger
    gc.collect()
    assert gone() is None
    if Path("/proc/self/fd").exists():
        assert path not in [os.path.realpath(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd")]


def test_files_are_not_inherited_by_other_programs(logger):
    """O_CLOEXEC."""
    logger.log_record(record())
    script = "import os; print([os.path.realpath(f'/proc/self/fd/{fd}') for fd in os.listdir('/proc/self/fd')])"
    assert "data-log.tsv" not in run(script, close_fds=False).stdout


@pytest.mark.slow
def test_memory_stays_flat(make):
    """F-058, F-065: 6,000 rows, 600 blocks, 100 workers; a bounded number of open files."""
    import tracemalloc

    logger = make()

    def work(first, last):
        for exp_num in range(first, last):
            logger.log_record(record(exp_num, block_num=exp_num // 10, worker_id=f"w{exp_num % 100}"))

    work(0, 2_000)
    tracemalloc.start()
    try:
        work(2_000, 4_000)
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        work(4_000, 6_000)
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert grown < 50_000


@pytest.mark.parametrize("where", ["processor", "text"])
def test_running_out_of_memory_leaves_the_state(make, where):
    """F-065."""

    class Hungry:
        def __str__(self):
            raise MemoryError

    def starve(logger, kind, event):
        if event["reward"] == 0 and where == "processor":
            raise MemoryError
        return event

    logger = make(processors=[*canonical(), starve])
    with pytest.raises((MemoryError, RecordError)):
        logger.log_record(record(5, reward=0 if where == "processor" else Hungry()))
    logger.log_record(record(0))
    assert len(rows(logger.scenario_dir)) == 1
