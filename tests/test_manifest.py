"""``run.json``: what it holds, who writes it, and what becomes of it when a process dies."""

import json
import multiprocessing
import os
import pickle
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from reading import record, signals

from l2logger import DataLogger, LogFormatError, LogWarning, liveness, lock, manifest, manifest_file
from l2logger.manifest import Manifest, status_of

SPAWN = multiprocessing.get_context("spawn")
LIMIT_SECS = 30
NEVER_PID = 2**22 + 1  # above the highest that Linux gives


@pytest.fixture
def root(tmp_path):
    directory = tmp_path / "cart-pole-1790000000-25"
    directory.mkdir()
    return str(directory)


def stored(root):
    return json.loads(Path(root, "run.json").read_text(encoding="utf-8"))


def script(root, *lines, **options):
    """Run a process that has begun the manifest, and does `lines` then."""
    code = "\n".join(
        ["import os, sys, signal", "from l2logger.manifest import *", "m = Manifest(sys.argv[1])", "m.begin()", *lines]
    )
    return subprocess.Popen([sys.executable, "-c", code, root], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)  # fmt: skip


def wait_until(is_so):
    deadline = time.monotonic() + LIMIT_SECS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def ended(root, *lines):
    process = script(root, *lines)
    process.communicate(timeout=60)
    return process.returncode


def test_it_says_what_the_run_is(root):
    """S3-3."""
    begun = Manifest(root)
    begun.begin(tags=["ablation", "ablation", "b"])
    found = stored(root)
    assert (found["run_id"], found["scenario"]) == ("cart-pole-1790000000-25", "cart-pole")
    assert (found["status"], found["tags"], found["ended"]) == ("running", ["ablation", "b"], None)
    assert {"host", "user", "pid", "python", "platform", "l2logger", "packages", "argv", "git"} <= found.keys()
    assert found["pid"] == os.getpid()
    begun.finish()


def test_times_have_an_offset(root):
    ticks = iter([1790000000.25, 1790000060.5])
    run = Manifest(root, clock=lambda: next(ticks))
    run.begin()
    run.finish()
    found = stored(root)
    started, over = (datetime.fromisoformat(found[name]) for name in ("started", "ended"))
    assert (started.timestamp(), over - started) == (1790000000.25, timedelta(seconds=60.25))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d", found["started"])


def test_beginning_again_changes_nothing(root):
    run = Manifest(root)
    run.begin(["a"])
    before = os.stat(Path(root, "run.json")).st_ino
    run.begin(["b"])
    assert os.stat(Path(root, "run.json")).st_ino == before
    run.finish()


def test_parameters_are_merged(root):
    """S2-8."""
    run = Manifest(root)
    run.begin()
    run.merge({"lr": 1, "env": {"size": 3, "wind": 0.5}})
    run.merge({"lr": 2, "env": {"size": {"x": 1}}, "more": [1, None]})
    assert stored(root)["params"] == {"lr": 2, "env": {"size": {"x": 1}, "wind": 0.5}, "more": [1, None]}
    run.finish()


def test_secrets_do_not_get_in(root):
    """F-150, F-151."""
    run = Manifest(root)
    run.begin(["Bearer abc123"])
    run.merge({"db": {"password": "hunter2"}, "url": "https://u:hunter2@h"})
    assert stored(root)["tags"] == ["Bearer [redacted]"]
    assert stored(root)["params"] == {"db": {"password": "[redacted]"}, "url": "https://[redacted]@h"}
    run.finish()


@pytest.mark.parametrize(
    ("params", "seed"),
    [
        ({"seed": 3}, 3),
        ({"env": {"seed": 4}, "ppo": {"net": {"seed": 5}}}, 4),
        ({"random_seed": 0}, 0),
        ({"seed": None, "seeds": 3}, None),
    ],
)
def test_the_seed_is_found_among_the_parameters(root, params, seed):
    """S3-3."""
    run = Manifest(root)
    run.begin()
    run.merge(params)
    assert stored(root).get("seed") == seed
    run.finish()


def test_descriptions_are_kept_by_metric(root):
    """S4-12."""
    run = Manifest(root)
    run.begin()
    run.describe("loss", None, "min")
    run.describe("loss", "nats", None)
    run.describe("return", "points", "max")
    assert stored(root)["descriptions"] == {
        "loss": {"better": "min", "unit": "nats"},
        "return": {"unit": "points", "better": "max"},
    }
    run.finish()


@pytest.mark.parametrize("status", ["complete", "failed", "interrupted"])
def test_the_end_is_written(root, status):
    """S4-13."""
    run = Manifest(root)
    run.begin()
    run.finish(status)
    found = manifest.read(root)
    (session,) = found["sessions"]
    assert found["status"] == session["status"] == status
    assert found["ended"] == session["ended"] is not None


def test_finishing_twice_or_without_beginning_does_nothing(root):
    """S4-13."""
    run = Manifest(root)
    run.finish("failed")
    assert os.listdir(root) == []
    run.begin()
    run.finish("complete")
    run.finish("failed")
    assert stored(root)["status"] == "complete"


def test_what_is_logged_after_the_end_goes_on_with_the_session(root):
    run = Manifest(root)
    run.begin()
    run.finish()
    run.begin()
    assert manifest.read(root)["status"] == "running"
    run.finish()
    found = stored(root)
    assert (found["status"], len(found["sessions"])) == ("complete", 1)


def test_it_is_replaced_as_a_whole(root):
    run = Manifest(root)
    run.begin()
    with open(Path(root, "run.json"), encoding="utf-8") as old:
        run.merge({"lr": 1})
        assert "params" not in json.load(old)
    assert os.listdir(root) == ["run.json"]
    run.finish()


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (None, "complete"),
        (SystemExit(), "complete"),
        (SystemExit(0), "complete"),
        (SystemExit(1), "failed"),
        (SystemExit("why"), "failed"),
        (ValueError(), "failed"),
        (KeyboardInterrupt(), "interrupted"),
    ],
    ids=repr,
)
def test_the_status_after_an_exception(error, status):
    """S4-13."""
    assert status_of(error) == status


# Processes that end without a word.


@pytest.mark.parametrize(
    ("last", "status"),
    [
        ("pass", "complete"),
        ("sys.exit()", "complete"),
        ("1 / 0", "failed"),
        ("raise KeyboardInterrupt", "interrupted"),
        ("try: 1 / 0\nexcept ZeroDivisionError: pass", "complete"),
        ("del m", "complete"),
        ("m.finish('failed')", "failed"),
    ],
)
def test_a_logger_that_nobody_closes_ends_with_its_process(root, last, status):
    """S4-13."""
    ended(root, last)
    assert stored(root)["status"] == status


def test_a_killed_run_is_shown_as_interrupted(root):
    """S4-13."""
    assert ended(root, "os.kill(os.getpid(), signal.SIGKILL)") == -signal.SIGKILL
    assert stored(root)["status"] == "running"
    found = manifest.read(root)
    assert found["status"] == found["sessions"][0]["status"] == "interrupted"


def test_a_run_that_goes_on_is_shown_as_running(root):
    process = script(root, "print(flush=True)", "input()")
    process.stdout.readline()
    assert manifest.read(root)["status"] == "running"
    process.communicate(b"\n", timeout=60)
    assert manifest.read(root)["status"] == "complete"


def test_readers_are_not_in_the_way_of_one_another(root):
    process = script(root, "os.kill(os.getpid(), signal.SIGKILL)")
    process.communicate(timeout=60)
    found = []
    threads = [threading.Thread(target=lambda: found.append(manifest.read(root)["status"])) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["interrupted"] * 20


def test_an_orphaned_child_of_another_kind_does_not_keep_the_run_alive(root):
    """A program that the run has started, and that outlives it, does not inherit the lock."""
    process = script(
        root,
        "import subprocess",
        "print(subprocess.Popen(['sleep', '60'], stdout=subprocess.DEVNULL).pid, flush=True)",
        "os.kill(os.getpid(), signal.SIGKILL)",
    )
    sleeper = int(process.stdout.readline())
    try:
        process.wait(60)
        assert manifest.read(root)["status"] == "interrupted"
    finally:
        os.kill(sleeper, signal.SIGKILL)
        process.communicate(timeout=60)


def write_manifest(root, **fields):
    Path(root, "run.json").write_text(json.dumps({"status": "running", **fields}), encoding="utf-8")


def test_a_run_of_another_machine_is_running_until_it_is_quiet_for_a_day(root):
    session = {"status": "running", "host": "elsewhere", "pid": NEVER_PID}
    write_manifest(root, sessions=[session])
    assert manifest.read(root)["status"] == "running"
    for path in (root, Path(root, "run.json")):
        os.utime(path, (1, 1))
    assert manifest.read(root)["status"] == "interrupted"


@pytest.mark.parametrize(
    ("pid", "status"), [(os.getpid(), "running"), (NEVER_PID, "interrupted"), (None, "interrupted")]
)
def test_where_there_are_no_locks_the_process_tells(root, monkeypatch, pid, status):
    monkeypatch.setattr(lock, "attempt", lambda fd, shared=False: None)
    write_manifest(root, sessions=[{"status": "running", "host": liveness.platform.node(), "pid": pid}])
    assert manifest.read(root)["status"] == status


@pytest.mark.parametrize("sessions", [None, 5, [], [5, None]], ids=repr)
def test_odd_sessions_are_no_trouble(root, sessions):
    write_manifest(root, sessions=sessions)
    assert manifest.read(root)["status"] == "interrupted"


def test_a_run_without_manifest_has_none(root):
    with pytest.raises(FileNotFoundError):
        manifest.read(root)


@pytest.mark.parametrize("content", ["", "{", "[]", "\x00" * 100])
def test_a_damaged_manifest_is_said_to_be_so(root, content):
    Path(root, "run.json").write_text(content)
    with pytest.raises(LogFormatError, match=r"run\.json"):
        manifest.read(root)


# Several processes.


def test_a_run_that_is_gone_on_with_has_several_sessions(root):
    """S3-11."""
    ended(root, "m.merge({'lr': 1})", "os.kill(os.getpid(), signal.SIGKILL)")
    again = Manifest(root)
    again.begin(["b"])
    found = manifest.read(root)
    assert [session["status"] for session in found["sessions"]] == ["interrupted", "running"]
    assert (found["status"], found["pid"], found["params"]) == ("running", os.getpid(), {"lr": 1})
    again.finish()
    found = stored(root)
    assert [session["status"] for session in found["sessions"]] == ["interrupted", "complete"]
    assert (found["status"], found["run_id"]) == ("complete", "cart-pole-1790000000-25")
    assert found["sessions"][0]["started"] == found["started"] < found["sessions"][1]["started"]


def test_who_joins_does_not_say_how_the_run_is_doing(root):
    run, joined = Manifest(root), Manifest(root, owner=False)
    run.begin()
    joined.begin(["b"])
    joined.merge({"lr": 1})
    joined.finish("failed")
    found = stored(root)
    assert (found["status"], len(found["sessions"])) == ("running", 1)
    assert (found["tags"], found["params"]) == (["b"], {"lr": 1})
    run.finish()
    assert stored(root)["status"] == "complete"


def test_a_run_goes_on_as_long_as_one_of_its_owners(root):
    """A worker that joined may be the first to log something; it is done before the others."""
    first, run = Manifest(root, owner=False), Manifest(root)
    first.begin()
    run.begin()
    first.finish()
    assert [session["status"] for session in stored(root)["sessions"]] == ["complete", "running"]
    assert stored(root)["status"] == "running"
    run.finish("failed")
    assert stored(root)["status"] == "failed"


def test_a_session_that_is_collected_while_the_manifest_is_changed_ends_after_that(root):
    """The lock is this thread's own: to wait for it in a finalizer would be for ever."""
    ticks = iter(range(1790000000, 1790000010))
    run, other = (Manifest(root, clock=lambda: next(ticks)) for _ in range(2))
    run.begin()
    other.begin()
    held = [other]
    del other
    begin = time.monotonic()
    run._session.update(lambda found: held.clear())
    assert time.monotonic() - begin < 2
    assert [session["status"] for session in stored(root)["sessions"]] == ["running", "complete"]
    run.finish()
    assert stored(root)["status"] == "complete"


def test_a_signal_handler_may_log_to_the_run_while_the_manifest_is_changed(root):
    """With a logger of its own."""
    run, other = Manifest(root), Manifest(root, owner=False)
    run.begin()

    def change(found):
        found["first"] = True
        other.begin()
        other.merge({"lr": 1})
        assert "params" not in stored(root)

    run._session.update(change)
    assert (stored(root)["first"], stored(root)["params"]) == (True, {"lr": 1})
    run.finish()


def test_a_pickled_logger_leaves_it_to_the_original_how_the_run_is_doing(make):
    """As in the workers of a pool, one for each task."""
    logger = make(tags=["a"])
    pickled = pickle.dumps(logger)
    before = os.stat(Path(logger.scenario_dir, "run.json")).st_ino
    for number in range(3):
        pickle.loads(pickled).log_metrics(loss=number)
    assert os.stat(Path(logger.scenario_dir, "run.json")).st_ino == before
    pickle.loads(pickled).log_params(lr=1)
    found = stored(logger.scenario_dir)
    assert (found["status"], found["tags"], found["params"], len(found["sessions"])) == ("running", ["a"], {"lr": 1}, 1)


def test_what_is_logged_in_the_midst_of_garbage_hangs_nobody(make):
    """Loggers that nobody holds any more are collected at any moment, also while the manifest is locked."""
    logger = make()
    pickled = pickle.dumps(logger)
    begin = time.monotonic()
    for number in range(60):
        pickle.loads(pickled).log_params({f"p{number}": number})
    assert time.monotonic() - begin < LIMIT_SECS
    assert len(stored(logger.scenario_dir)["params"]) == 60


def merge_many(root, name):
    joined = Manifest(root, owner=False)
    joined.begin()
    for number in range(30):
        joined.merge({name: {str(number): number}})
    joined.finish()


@pytest.mark.slow
def test_no_update_of_another_process_is_lost(root):
    run = Manifest(root)
    run.begin()
    processes = [SPAWN.Process(target=merge_many, args=(root, f"worker-{n}")) for n in range(3)]
    for process in processes:
        process.start()
    merge_many(root, "main")
    for process in processes:
        process.join(60)
    found = stored(root)["params"]
    assert {name: len(group) for name, group in found.items()} == dict.fromkeys(
        ["main", *(f"worker-{n}" for n in range(3))], 30
    )
    run.finish()


@pytest.mark.slow
def test_the_first_manifest_of_several_at_once_is_not_overwritten(root):
    processes = [SPAWN.Process(target=merge_many, args=(root, f"worker-{n}")) for n in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert {name: len(group) for name, group in stored(root)["params"].items()} == {f"worker-{n}": 30 for n in range(4)}
    assert os.listdir(root) == ["run.json"]


def test_a_forked_child_does_not_end_the_run(root):
    run = Manifest(root)
    run.begin()
    pid = os.fork()
    if not pid:
        run.after_fork()
        run.begin()
        run.merge({"child": 1})
        run.finish("failed")
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    found = manifest.read(root)
    assert (found["status"], found["params"], len(found["sessions"])) == ("running", {"child": 1}, 1)
    run.finish()
    assert stored(root)["status"] == "complete"


def test_a_forked_child_that_outlives_the_run_does_not_keep_it_alive(root):
    process = script(
        root,
        "os.set_blocking(0, True)",
        "if not os.fork():",
        "    m.after_fork(); print(flush=True); os.read(0, 1); os._exit(0)",
        "os.kill(os.getpid(), signal.SIGKILL)",
    )
    process.stdout.readline()
    process.wait(60)
    assert manifest.read(root)["status"] == "interrupted"
    process.communicate(b"\n", timeout=60)


def test_a_child_that_leaves_by_sys_exit_does_not_end_the_run(root):
    process = script(root, "if not os.fork(): sys.exit(0)", "os.wait()", "print(read(sys.argv[1])['status'])")
    assert process.communicate(timeout=60)[0] == b"running\n"


def test_a_forked_child_that_goes_on_keeps_the_run_alive(make):
    """F-066: it is known to be there as soon as it logs anything, and not only with its first parameters."""
    logger = make()
    told, tell = os.pipe()
    end, stay = os.pipe()
    parent = os.fork()
    if not parent:
        logger.log_metrics(loss=0.5)
        if not os.fork():
            os.close(stay)
            logger.bind(worker_id="child").log_metrics(loss=0.25)
            os.write(tell, b"x")
            os.read(end, 1)
            os._exit(0)
        signal.pause()
    os.read(told, 1)
    before = os.stat(Path(logger.scenario_dir, "run.json")).st_ino
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    assert manifest.read(logger.scenario_dir)["status"] == "running"
    os.write(stay, b"x")
    wait_until(lambda: manifest.read(logger.scenario_dir)["status"] == "interrupted")
    assert os.stat(Path(logger.scenario_dir, "run.json")).st_ino == before


def test_who_has_nothing_to_say_does_not_write_the_manifest(root):
    run, joined = Manifest(root), Manifest(root, owner=False)
    run.begin()
    before = os.stat(Path(root, "run.json")).st_ino
    joined.begin()
    joined.finish()
    assert os.stat(Path(root, "run.json")).st_ino == before
    run.finish()


def log_one(logger, loss):
    logger.bind(worker_id=f"w{loss}").log_metrics(loss=loss)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.filterwarnings("ignore:This process.*fork:DeprecationWarning")
def test_children_of_multiprocessing_say_that_they_are_done(make, method):
    """Also one that was the first to log something; most of them leave without the hooks of atexit."""
    logger = make()
    context = multiprocessing.get_context(method)
    for number in range(2):
        child = context.Process(target=log_one, args=(logger, number))
        child.start()
        child.join(60)
        assert child.exitcode == 0
    found = stored(logger.scenario_dir)
    assert [session["status"] for session in found["sessions"]] == ["complete"]
    logger.log_metrics(loss=0.5)
    logger.close()
    found = stored(logger.scenario_dir)
    assert [found["status"], *(session["status"] for session in found["sessions"])] == ["complete"] * 3


def test_a_session_that_left_without_a_word_is_not_running_when_the_last_one_ends(root):
    """Such as a child that was the first to log something, beside its parent, and was killed."""
    process = script(root, "print(flush=True)", "input()", "os.kill(os.getpid(), signal.SIGKILL)")
    process.stdout.readline()
    run = Manifest(root)
    run.begin()
    process.communicate(b"\n", timeout=60)
    run.finish()
    assert [session["status"] for session in stored(root)["sessions"]] == ["interrupted", "complete"]
    assert stored(root)["status"] == "complete"


AT_EXIT = """
import atexit, sys
def late():
    print("late", flush=True)
    logger.log_metrics(loss=0.5)
    logger.log_params(lr=1)
atexit.register(late)
from l2logger import DataLogger
logger = DataLogger(sys.argv[1], "run", {"metrics_columns": ["reward"]})
"""


@pytest.mark.parametrize(
    ("before", "status"),
    [
        ("", "complete"),
        ("logger.log_metrics(loss=1)", "complete"),
        ("logger.log_metrics(loss=1); logger.close()", "complete"),
        ("logger.log_metrics(loss=1); logger.close(); 1 / 0", "failed"),
    ],
)
def test_what_is_logged_by_a_late_hook_of_the_end_leaves_no_run_that_goes_on(before, status, tmp_path):
    """After all others, even those of weakref, have been called."""
    done = subprocess.run([sys.executable, "-c", AT_EXIT + before, str(tmp_path)], capture_output=True, timeout=60)
    assert done.stdout == b"late\n"
    [run] = tmp_path.iterdir()
    found = stored(run)
    assert (found["status"], found["params"]) == (status, {"lr": 1}), done.stderr


# Trouble.


@pytest.mark.parametrize("content", ["", "{", "[]", '{"params": '])
def test_a_damaged_manifest_is_set_aside(root, content):
    run = Manifest(root)
    run.begin(["a"])
    Path(root, "run.json").write_text(content)
    with pytest.warns(LogWarning, match=r"was damaged .*run\.json\.damaged"):
        run.merge({"lr": 1})
    found = stored(root)
    assert (found["status"], found["params"], found["tags"], found["pid"]) == ("running", {"lr": 1}, ["a"], os.getpid())
    assert Path(root, "run.json.damaged").read_text() == content
    run.finish()
    assert stored(root)["status"] == "complete"


def test_nothing_that_was_set_aside_is_overwritten(root):
    for number in range(2):
        Path(root, "run.json").write_text(str(number))
        with pytest.warns(LogWarning):
            manifest_file.update(root, lambda found: None)
    assert Path(root, "run.json.damaged").read_text() == "0"
    assert Path(root, "run.json.damaged-1").read_text() == "1"


def test_a_deleted_manifest_is_begun_anew(root):
    run = Manifest(root)
    run.begin(["a"])
    os.unlink(Path(root, "run.json"))
    run.finish()
    found = stored(root)
    assert (found["status"], found["tags"], len(found["sessions"])) == ("complete", ["a"], 1)


def test_what_could_not_be_written_is_written_later(root):
    run = Manifest(root)
    os.mkdir(Path(root, "run.json"))
    with pytest.warns(LogWarning, match="cannot be written: .*; the logging goes on"):
        run.begin(["a"])
    with pytest.warns(LogWarning, match="cannot be written"):
        run.merge({"lr": 1})
    os.rmdir(Path(root, "run.json"))
    run.merge({"gamma": 1})
    found = stored(root)
    assert (found["params"], found["status"], found["tags"]) == ({"lr": 1, "gamma": 1}, "running", ["a"])
    run.finish()


def test_a_run_directory_that_is_gone_is_a_warning(root):
    run = Manifest(root)
    run.begin()
    os.unlink(Path(root, "run.json"))
    os.rmdir(root)
    with pytest.warns(LogWarning, match="cannot be written"):
        run.finish()


def test_where_warnings_are_errors_it_stops_the_logging_no_more(logger):
    """As in this test."""
    os.mkdir(Path(logger.scenario_dir, "run.json"))
    logger.log_metrics(loss=0.5)
    logger.log_params(lr=1)
    os.rmdir(Path(logger.scenario_dir, "run.json"))
    Path(logger.scenario_dir, "run.json").write_text("{")
    logger.log_params(gamma=1)
    assert [signal["kind"] for signal in signals(logger.scenario_dir)] == ["metrics", "params", "params"]
    assert stored(logger.scenario_dir)["params"] == {"lr": 1, "gamma": 1}


def test_what_is_no_file_is_left_alone(root):
    os.mkfifo(Path(root, "run.json"))
    run = Manifest(root)
    with pytest.warns(LogWarning, match="not a regular file"):
        run.begin()
    with pytest.warns(LogWarning, match="not a regular file"):
        run.finish()


def test_what_json_does_not_have_is_a_warning(root):
    run = Manifest(root)
    run.begin()
    with pytest.warns(LogWarning, match="cannot be written as JSON"):
        run.merge({"lr": float("nan")})
    run.merge({"gamma": 1})
    assert stored(root)["params"] == {"gamma": 1}
    run.finish()


def test_a_process_that_keeps_the_manifest_locked_does_not_stop_the_logging(root, monkeypatch):
    run = Manifest(root)
    run.begin()
    monkeypatch.setattr(manifest_file, "_WAIT_SECS", 0.0)
    with open(Path(root, "run.json"), "r+b") as file:
        lock.take(file.fileno(), "run.json")
        with pytest.warns(LogWarning, match="has kept .* locked"):
            run.merge({"lr": 1})
    run.merge({"gamma": 1})
    assert stored(root)["params"] == {"lr": 1, "gamma": 1}
    run.finish()


def test_where_there_are_no_hard_links_it_is_written_all_the_same(root, monkeypatch):
    def link(source, target):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    run = Manifest(root)
    run.begin()
    run.finish()
    assert (stored(root)["status"], os.listdir(root)) == ("complete", ["run.json"])


# By way of a logger.


def test_a_run_of_nothing_but_records_has_no_manifest(logger):
    logger.log_record(record())
    logger.close()
    assert "run.json" not in os.listdir(logger.scenario_dir)


def test_tags_are_there_from_the_beginning(make):
    assert stored(make(tags=["ablation"]).scenario_dir)["tags"] == ["ablation"]


@pytest.mark.parametrize(
    ("error", "status"),
    [(None, "complete"), (ValueError, "failed"), (KeyboardInterrupt, "interrupted"), (SystemExit, "complete")],
)
def test_how_a_with_block_is_left_is_how_the_run_ends(make, error, status):
    """S4-13."""
    logger = make()
    with suppress(BaseException), logger:
        logger.log_metrics(loss=0.5)
        if error:
            raise error
    logger.close()
    assert manifest.read(logger.scenario_dir)["status"] == status


def test_parameters_and_descriptions_get_there(logger):
    """S2-8, S4-12."""
    logger.log_params(lr=0.5, env={"seed": 3, "api_key": "hunter2"})
    logger.log_params(env={"wind": 1})
    logger.describe("loss", better="min")
    found = stored(logger.scenario_dir)
    assert found["params"] == {"lr": 0.5, "env": {"seed": 3, "api_key": "[redacted]", "wind": 1}}
    assert (found["seed"], found["descriptions"]) == (3, {"loss": {"better": "min"}})


def test_a_worker_that_joins_and_a_child_add_to_the_manifest(logger):
    logger.log_metrics(loss=0.5)
    with DataLogger.join(logger.scenario_dir) as joined:
        joined.bind(worker_id="w1").log_params(joined=1)
    pid = os.fork()
    if not pid:
        logger.bind(worker_id="w2").log_params(child=1)
        logger.close()
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    found = manifest.read(logger.scenario_dir)
    assert (found["status"], found["params"], len(found["sessions"])) == ("running", {"joined": 1, "child": 1}, 1)
    logger.close()
    assert manifest.read(logger.scenario_dir)["status"] == "complete"


def test_a_run_that_is_resumed_is_running_again(logger):
    """S3-11."""
    logger.log_metrics(loss=0.5)
    logger.close()
    with DataLogger.resume(logger.scenario_dir) as again:
        again.log_metrics(loss=0.25)
        assert manifest.read(logger.scenario_dir)["status"] == "running"
    found = manifest.read(logger.scenario_dir)
    assert (found["status"], len(found["sessions"])) == ("complete", 2)


def test_two_runs_in_one_process_do_not_know_of_each_other(make):
    first, second = make(), make()
    first.log_params(lr=1)
    second.log_params(lr=2)
    first.close()
    assert [manifest.read(each.scenario_dir)["status"] for each in (first, second)] == ["complete", "running"]
