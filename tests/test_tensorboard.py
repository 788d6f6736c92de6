"""What TensorBoard finds in the files of a `TensorBoardSink`."""

import errno
import json
import math
import os
import pickle
import resource
import signal
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from reading import record
from tensorboard_reading import accumulator, curves, events, points, runs, same, texts

from l2logger.errors import ConfigError, DirectoryError, LogLockedError
from l2logger.run import RunInfo
from l2logger.signals import RECORD, Signal, freeze
from l2logger.sinks import TensorBoardSink

REWARD = "train/Task_a/reward"
LOGGER_INFO = {"metrics_columns": ["reward"], "log_format_version": "1.1"}
SCENARIO_INFO = {"author": "J. Doe", "complexity": "1-low", "optimizer": {"rate": 0.5, "nesterov": True}}


def entry(exp_num: Any = 0, **more: Any) -> Signal:
    """Return a record as a sink gets it."""
    fields = {
        "worker_id": "worker-default",
        "block_subtype": "wake",
        "exp_status": "complete",
        "timestamp": "20261121T143000.250000",
    }
    return freeze(RECORD, {**record(exp_num), **fields, "task_params": '{"gravity": 9.8}', **more})


class Runs:
    """Opens sinks for one run, whose directory is `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.board = path / "tensorboard"
        self.info = RunInfo(str(path), LOGGER_INFO, SCENARIO_INFO)
        self._sinks: list[TensorBoardSink] = []

    def open(self, *args: Any, fresh: bool = False, **options: Any) -> TensorBoardSink:
        sink = TensorBoardSink(*args, **options)
        sink.fresh = fresh
        self._sinks.append(sink)
        sink.open(self.info)
        return sink

    def log(self, *entries: Signal, **options: Any) -> None:
        sink = self.open(**options)
        for each in entries:
            sink.write(each)
        sink.close()

    def close(self) -> None:
        for sink in self._sinks:
            sink.close()


@pytest.fixture
def run(tmp_path):
    run = Runs(tmp_path / "run")
    yield run
    run.close()


def only_file(directory: Path) -> Path:
    (path,) = (path for path in directory.iterdir() if path.is_file())
    return path


def alone(script: str, *args: Any) -> subprocess.CompletedProcess[str]:
    """Run a script in a process of its own, in which this module is `t`."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    command = [sys.executable, "-c", f"import os, sys, test_tensorboard as t\n{script}", *map(str, args)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


# Curves.


def test_metrics_are_curves_by_block_type_and_task_against_exp_num(run):
    """S2-22"""
    run.log(entry(0, reward=0.5, steps=3), entry(1, reward=0.25, block_type="test", task_name="Task_b"))
    assert curves(run.board) == {
        "train/Task_a/reward": [(0, 0.5)],
        "train/Task_a/steps": [(0, 3.0)],
        "test/Task_b/reward": [(1, 0.25)],
    }


def test_all_metrics_of_a_record_are_one_event(run):
    run.log(entry(7, reward=1.0, steps=3, loss=0.5))
    (event,) = (event for event in events(only_file(run.board)) if event.step == 7)
    assert [value.simple_value for value in event.summary.value if not value.HasField("tensor")] == [1.0, 3.0, 0.5]


def test_the_time_of_a_point_is_that_of_its_record(run):
    run.log(entry())
    (point,) = accumulator(run.board).Scalars(REWARD)
    assert point.wall_time == datetime(2026, 11, 21, 14, 30, 0, 250_000).timestamp()


@pytest.mark.parametrize("timestamp", ["", None, "yesterday", "00010101T000000.000000"])
def test_a_record_without_a_time_counts_as_written_now(run, timestamp):
    before = time.time()
    run.log(entry(timestamp=timestamp))
    (point,) = accumulator(run.board).Scalars(REWARD)
    assert before <= point.wall_time <= time.time()


def test_functions_name_and_place_the_curves(run):
    run.log(
        entry(3, reward=1.0, total_steps=500),
        tag=lambda fields, metric: f"{metric}/{fields['task_name']}",
        step=lambda fields: fields["total_steps"],
    )
    assert curves(run.board)["reward/Task_a"] == [(500, 1.0)]


def test_the_directory_is_the_one_that_was_asked_for(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sink = TensorBoardSink("elsewhere")
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    sink.open(run.info)
    sink.write(entry())
    sink.close()
    assert curves(tmp_path / "elsewhere") == {REWARD: [(0, 1.0)]}
    assert not run.path.exists()


def test_values_that_are_not_finite_stay_so(run):
    values = [math.nan, math.inf, -math.inf, 1e300, -1e300, 10**400, 1e-300]
    run.log(*(entry(number, reward=value) for number, value in enumerate(values)))
    expected = [math.nan, math.inf, -math.inf, math.inf, -math.inf, math.inf, 0.0]
    assert same(curves(run.board)[REWARD], list(enumerate(expected)))


def test_what_is_no_number_has_no_curve(run):
    run.log(entry(reward=None, note="good", when="0.5"))
    assert curves(run.board) == {"train/Task_a/when": [(0, 0.5)]}


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a/../../b", "a/../../b"),
        ("../up", "../up"),
        ("损失", "损失"),
        (None, "None"),
        ("half \ud800", "half \\ud800"),
        ("red \x1b[31m\0", "red \\x1b[31m\\x00"),
        ("two\nlines", "two\\nlines"),
    ],
)
def test_curves_have_names_that_can_be_shown(run, name, shown):
    """F-115"""
    run.log(entry(task_name=name))
    assert list(curves(run.board)) == [f"train/{shown}/reward"]


def test_very_long_names_are_cut_and_stay_different(run):
    """F-115: the page asks for a curve by an address that holds its name."""
    run.log(entry(**{"x" * 100_000: 1.0, "x" * 100_000 + "y": 2.0}), tag=lambda fields, metric: metric)
    names = [name for name in curves(run.board) if name != "reward"]
    assert [len(name) for name in names] == [250, 250]
    assert len(set(names)) == 2


@pytest.mark.parametrize("step", [2**63, -(2**63), 1.5, "3", None, 2**400])
def test_a_step_that_cannot_be_shown_is_refused_and_leaves_no_trace(run, step):
    """F-116"""
    sink = run.open()
    sink.write(entry(0))
    with pytest.raises(ValueError, match="step"):
        sink.write(entry(step, block_num=1))
    sink.write(entry(1))
    sink.close()
    assert curves(run.board)[REWARD] == [(0, 1.0), (1, 1.0)]
    assert len(texts(run.board)["block"]) == 1


def test_steps_of_64_bits_are_kept(run):
    """F-116"""
    numpy = pytest.importorskip("numpy")
    run.log(entry(-5), entry(numpy.int64(2**53 + 1)), entry(2**63 - 1))
    assert [step for step, _ in curves(run.board)[REWARD]] == [-5, 2**53 + 1, 2**63 - 1]


# Texts.


def test_blocks_and_tasks_are_texts_where_they_begin(run):
    run.log(
        entry(0),
        entry(1),
        entry(2, task_name="Task_b", task_params="{}"),
        entry(3),
        entry(4, block_num=1, block_type="test", block_subtype="sleep"),
    )
    found = texts(run.board)
    assert found["block"] == [(0, "block 0: train wake"), (4, "block 1: test sleep")]
    assert [(step, text.partition("\n")[0]) for step, text in found["task"]] == [
        (0, r"Task\_a"),
        (2, r"Task\_b"),
        (4, r"Task\_a"),
    ]
    assert "| gravity | 9.8 |" in found["task"][0][1]


@pytest.mark.parametrize("params", ["", "not { JSON", "[1, 2]", "null", None, "[" * 10_000])
def test_parameters_of_any_form_are_shown(run, params):
    run.log(entry(task_params=params))
    assert len(texts(run.board)["task"]) == 1


def test_what_is_known_of_the_run_is_shown_as_tables(run):
    run.log()
    found = texts(run.board)
    assert "| optimizer.rate | 0.5 |" in found["scenario_info"][0][1]
    assert r"| log\_format\_version | 1.1 |" in found["logger_info"][0][1]


def test_a_run_that_says_nothing_of_itself_has_no_tables(run):
    run.info = RunInfo(str(run.path), {}, None)
    run.log(entry())
    assert sorted(texts(run.board)) == ["block", "task"]


@pytest.mark.parametrize(
    "info", [["a", "list"], "text", 5, {"a": {1: {(2, 3): {4: {5: {(6, 7): 8}}}}}}, {"n": 10**400}]
)
def test_a_run_may_say_of_itself_what_it_likes(run, info):
    run.info = RunInfo(str(run.path), {}, info)
    run.log(entry())
    assert "scenario_info" in texts(run.board)


def test_tables_and_cells_have_an_end(run):
    run.info = RunInfo(str(run.path), {"long": "x" * 10**6}, {str(number): {"x": number} for number in range(10_000)})
    run.log()
    assert only_file(run.board).stat().st_size < 20_000


# Steps that do not rise.


def test_the_parts_of_an_experience_stay_in_one_run(run):
    run.log(entry(0), entry(1, reward=1.0), entry(1, reward=2.0), entry(1, reward=3.0), entry(2))
    assert runs(run.board) == ["."]
    assert curves(run.board)[REWARD] == [(0, 1.0), (1, 1.0), (1, 2.0), (1, 3.0), (2, 1.0)]


def test_steps_that_fall_are_kept_in_runs_in_which_they_rise(run):
    steps = [0, 1, 2, 3, 5, 6, 4, 7, 2, 8, 3]
    run.log(*(entry(step, reward=float(number)) for number, step in enumerate(steps)))
    assert runs(run.board) == [".", "late 1", "late 2"]
    for each in runs(run.board):
        found = [step for step, _ in curves(run.board, each)[REWARD]]
        assert found == sorted(set(found))
    assert points(run.board)[REWARD] == sorted((step, float(number)) for number, step in enumerate(steps))


def test_only_the_curves_that_fall_are_late(run):
    run.log(entry(5), entry(3, task_name="Task_b"), entry(4, steps=1.0))
    assert curves(run.board, "late 1") == {REWARD: [(4, 1.0)]}
    assert curves(run.board)["train/Task_a/steps"] == [(4, 1.0)]


def test_the_number_of_further_runs_is_bounded(run):
    run.log(*(entry(50 - number, reward=float(number)) for number in range(50)))
    assert len(runs(run.board)) == 10
    assert len(points(run.board)[REWARD]) == 50


def test_each_worker_is_a_run_of_its_own(run):
    run.log(entry(9), entry(3, worker_id="worker-1", reward=2.0), entry(2, worker_id="worker-1", reward=3.0))
    assert runs(run.board) == [".", "worker-1", "worker-1/late 1"]
    assert curves(run.board, "worker-1") == {REWARD: [(3, 2.0)]}
    assert "task" in texts(run.board, "worker-1")
    assert points(run.board, "worker-1") == {REWARD: [(2, 3.0), (3, 2.0)]}


@pytest.mark.parametrize("worker_id", ["..", "a/b", "/tmp/x", "", "late 1", "a\n"])
def test_no_worker_leads_out_of_the_directory(run, worker_id):
    sink = run.open()
    with pytest.raises(ValueError, match="worker_id"):
        sink.write(entry(worker_id=worker_id))
    sink.close()
    assert runs(run.board) == ["."]


def test_many_workers_need_no_file_descriptors(run):
    before = len(os.listdir("/proc/self/fd"))
    sink = run.open()
    for number in range(300):
        sink.write(entry(number, worker_id=f"worker-{number % 100}"))
    assert len(os.listdir("/proc/self/fd")) <= before + 1
    sink.close()
    assert len(os.listdir("/proc/self/fd")) == before
    assert sum(len(points(run.board, f"worker-{number}")[REWARD]) for number in range(100)) == 300


# Files.


def test_what_was_written_is_in_the_file_after_flush(run):
    sink = run.open(flush_secs=1000)
    sink.write(entry())
    assert REWARD not in curves(run.board)
    sink.flush()
    assert curves(run.board) == {REWARD: [(0, 1.0)]}


def test_what_waited_long_enough_is_written_without_being_asked(run):
    run.open(flush_secs=0).write(entry())
    assert curves(run.board) == {REWARD: [(0, 1.0)]}


def test_much_is_written_at_once(run):
    sink = run.open(flush_secs=1000)
    for number in range(10_000):
        sink.write(entry(number))
    assert len(curves(run.board)[REWARD]) > 5_000


def test_closing_twice_is_closing_once(run):
    sink = run.open()
    sink.write(entry())
    sink.close()
    sink.close()
    assert curves(run.board) == {REWARD: [(0, 1.0)]}


def test_a_sink_that_was_never_opened_can_be_closed():
    TensorBoardSink().close()


def test_a_second_sink_adds_a_file(run):
    for number in range(5):
        run.log(entry(number))
    assert len(list(run.board.iterdir())) == 5
    assert curves(run.board) == {REWARD: [(number, 1.0) for number in range(5)]}


def test_a_sink_that_is_opened_again_goes_on(run):
    sink = run.open()
    sink.write(entry(0))
    sink.close()
    sink.open(run.info)
    sink.write(entry(0, reward=2.0))
    sink.write(entry(1))
    sink.close()
    assert points(run.board) == {REWARD: [(0, 1.0), (0, 2.0), (1, 1.0)]}


def test_a_sink_can_be_opened_for_another_run(run, tmp_path):
    sink = run.open()
    sink.write(entry(5))
    sink.close()
    sink.open(RunInfo(str(tmp_path / "next"), {}, {}))
    sink.write(entry(0))
    sink.close()
    assert curves(tmp_path / "next/tensorboard") == {REWARD: [(0, 1.0)]}
    assert curves(run.board) == {REWARD: [(5, 1.0)]}


@pytest.mark.parametrize("harm", ["delete", "cut", "replace by a directory"])
def test_a_file_that_was_tampered_with_is_left_and_a_new_one_begun(run, harm):
    sink = run.open()
    sink.write(entry(0))
    sink.flush()
    path = only_file(run.board)
    if harm == "cut":
        os.truncate(path, path.stat().st_size - 3)
    else:
        path.unlink()
        run.board.rmdir() if harm == "delete" else path.mkdir()
    sink.write(entry(1))
    sink.close()
    newest = max((path for path in run.board.iterdir() if path.is_file()), key=str)
    assert [event.step for event in events(newest) if event.summary.value] == [1]


def _fill(directory: str) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, resource.RLIM_INFINITY))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    sink = TensorBoardSink(flush_secs=0)
    sink.open(RunInfo(directory, {}, {}))
    accepted = [number for number in range(300) if _takes(sink, number)]
    assert 100 < len(accepted) < 200
    assert [event.step for event in events(only_file(Path(directory, "tensorboard")))][1:] == accepted[:-1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert _takes(sink, 300)
    sink.close()
    print(*accepted, 300)


def _takes(sink: TensorBoardSink, number: int) -> bool:
    try:
        sink.write(entry(number))
    except OSError as error:
        return not (error.errno in (errno.EFBIG, errno.ENOSPC) and error.filename)
    return True


def test_a_full_disk_raises_and_nothing_that_was_taken_is_lost(tmp_path):
    """F-113"""
    done = alone("t._fill(sys.argv[1])", tmp_path)
    assert done.returncode == 0, done.stderr
    accepted = [int(number) for number in done.stdout.split()]
    assert [step for step, _ in curves(tmp_path / "tensorboard")[REWARD]] == accepted


def test_memory_is_bounded_while_the_disk_is_full(run, monkeypatch):
    """F-113"""
    sink = run.open(flush_secs=1000)
    monkeypatch.setattr(os, "write", _no_space)
    accepted = sum(_takes(sink, number) for number in range(10_000))
    monkeypatch.undo()
    sink.close()
    assert 1_000 < accepted < 9_000
    assert len(curves(run.board)[REWARD]) == accepted


def test_closing_on_a_full_disk_is_an_error_and_the_sink_can_be_opened_again(run, monkeypatch):
    """F-113: what was taken since the last flush may come again, so it is not kept."""
    sink = run.open(flush_secs=1000)
    sink.write(entry(0))
    sink.flush()
    sink.write(entry(1))
    monkeypatch.setattr(os, "write", _no_space)
    with pytest.raises(OSError, match="No space"):
        sink.close()
    with pytest.raises(OSError, match="No space"):
        sink.open(run.info)
    monkeypatch.undo()
    sink.open(run.info)
    sink.write(entry(1))
    sink.close()
    assert runs(run.board) == ["."]
    assert curves(run.board) == {REWARD: [(0, 1.0), (1, 1.0)]}
    assert all(path.stat().st_size for path in run.board.iterdir())


def _no_space(descriptor: int, data: bytes) -> int:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _log_until_killed(directory: str) -> None:
    sink = TensorBoardSink(flush_secs=0.2)
    sink.open(RunInfo(directory, {}, {}))
    number = 0
    while True:
        sink.write(entry(number))
        print(number, time.monotonic(), flush=True)
        number += 1
        time.sleep(0.001)


def test_a_kill_loses_the_last_moments_at_most(tmp_path):
    """F-114"""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    script = "import sys, test_tensorboard as t; t._log_until_killed(sys.argv[1])"
    command = [sys.executable, "-c", script, str(tmp_path)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        written = [process.stdout.readline() for _ in range(800)]
        process.kill()
        written += process.stdout.readlines()
    times = {int(number): float(at) for number, at in (line.split() for line in written)}
    found = curves(tmp_path / "tensorboard")[REWARD]
    assert found == [(number, 1.0) for number in range(len(found))]
    assert times[max(times)] - times[len(found) - 1] < 1.0


def test_half_an_event_at_the_end_is_passed_over(run, tmp_path):
    """F-114"""
    run.log(*(entry(number) for number in range(3)))
    data = only_file(run.board).read_bytes()
    last = len(data) - 45
    for end in range(last, len(data), 7):
        torn = tmp_path / f"torn-{end}"
        torn.mkdir()
        (torn / only_file(run.board).name).write_bytes(data[:end])
        assert curves(torn)[REWARD][:2] == [(0, 1.0), (1, 1.0)]


@pytest.mark.parametrize("place", ["a file", "below a file", "not writable"])
def test_a_directory_that_cannot_be_is_an_error_at_once(run, tmp_path, monkeypatch, place):
    """F-112"""
    (tmp_path / "file").write_text("")
    directory = tmp_path / ("file" if place == "a file" else "file/below")
    if place == "not writable":
        directory = tmp_path / "locked"
        monkeypatch.setattr(os, "makedirs", _refused)
    sink = TensorBoardSink(directory)
    with pytest.raises(DirectoryError, match=str(directory)):
        sink.open(RunInfo(str(run.path), {}, {}))
    sink.close()


def _refused(path: str, *_: Any, **__: Any) -> None:
    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)


def test_a_directory_whose_parents_are_missing_is_made(run):
    """F-112"""
    run.open(run.path / "a/b/c").close()
    assert (run.path / "a/b/c").is_dir()


def test_a_forked_child_leaves_the_files_alone(run):
    """F-117"""
    sink = run.open(flush_secs=1000)
    sink.write(entry(0))
    child = os.fork()
    if not child:
        try:
            for number in range(5_000):
                sink.write(entry(number, reward=-1.0))
            sink.flush()
            sink.close()
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    sink.write(entry(1))
    sink.close()
    assert curves(run.board) == {REWARD: [(0, 1.0), (1, 1.0)]}


# A mirror that begins anew.


def test_a_fresh_mirror_hides_what_an_earlier_one_wrote(run):
    run.log(entry(0, reward=9.0), entry(0, reward=9.0), entry(1, worker_id="w", reward=9.0))
    run.log(entry(0), fresh=True)
    assert runs(run.board) == ["."]
    assert curves(run.board) == {REWARD: [(0, 1.0)]}


def test_what_is_hidden_is_still_there(run):
    run.log(entry(0), entry(0), entry(1, worker_id="w"))
    before = sorted(path.read_bytes() for path in run.board.rglob("events.*"))
    run.log(fresh=True)
    assert sorted(path.read_bytes() for path in run.board.rglob("superseded.*")) == before


def test_a_fresh_mirror_leaves_files_of_others_alone(run):
    for other in ("events.out.tfevents.1795229218.host", "notes.txt", "x/events.out.tfevents.1795229218.host.0.v2"):
        (run.board / other).parent.mkdir(parents=True, exist_ok=True)
        (run.board / other).write_text("")
    other = Runs(run.path)
    other.log(entry(0), entry(0), entry(0, worker_id="w"), directory=run.board / "other")
    before = sorted(run.board.rglob("*"))
    run.log(entry(0), fresh=True)
    assert set(before) <= set(run.board.rglob("*"))
    assert not list(run.board.rglob("superseded*"))


def test_a_mirror_that_is_at_work_is_not_superseded(run):
    sink = run.open()
    with pytest.raises(LogLockedError, match="goes on"):
        run.open(fresh=True)
    sink.close()
    run.open(fresh=True)
    assert len(list(run.board.glob("superseded*"))) == 1


def test_a_fresh_mirror_that_is_opened_again_keeps_its_own_files(run):
    sink = run.open(fresh=True)
    sink.write(entry(0))
    sink.close()
    sink.open(run.info)
    sink.close()
    assert curves(run.board) == {REWARD: [(0, 1.0)]}


def test_a_mirror_that_is_told_to_begin_anew_again_does(run):
    sink = run.open(fresh=True)
    sink.write(entry(0))
    sink.close()
    sink.fresh = True
    sink.open(run.info)
    sink.write(entry(0))
    sink.close()
    assert points(run.board) == {REWARD: [(0, 1.0)]}


# Construction.


@pytest.mark.parametrize(
    "options",
    [
        {"directory": ""},
        {"directory": 5},
        {"directory": b"here"},
        {"directory": "s3://bucket/run"},
        {"directory": "nul\0"},
        {"tag": "reward"},
        {"step": 3},
        {"flush_secs": -1},
        {"flush_secs": math.nan},
        {"flush_secs": "2"},
        {"flush_secs": True},
        {"isolate": "cloud"},
    ],
)
def test_a_wrong_argument_is_an_error_at_once(options):
    with pytest.raises(ConfigError, match=next(iter(options))):
        TensorBoardSink(**options)


def test_a_sink_can_be_handed_to_another_process(run):
    sink = pickle.loads(pickle.dumps(TensorBoardSink(run.path / "there", flush_secs=5)))
    sink.open(run.info)
    sink.close()
    assert runs(run.path / "there") == ["."]


def test_options_are_those_that_were_given(tmp_path):
    assert TensorBoardSink().options() == {}
    sink = TensorBoardSink(tmp_path, flush_secs=5, tag=lambda fields, metric: metric)
    assert TensorBoardSink(**json.loads(json.dumps(sink.options()))).options() == sink.options()
    assert sink.options() == {"directory": str(tmp_path), "flush_secs": 5}


def test_without_tensorboardx_it_says_what_to_install(tmp_path):
    """F-103"""
    done = alone("sys.modules['tensorboardX'] = None\nt._open_in_vain(sys.argv[1])", tmp_path)
    assert done.stdout.startswith(
        'TensorBoardSink needs tensorboardX: pip install -U "l2logger[tensorboard]" (No module'
    )


def test_a_tensorboardx_that_is_out_of_order_is_told_in_one_line(tmp_path):
    """F-103"""
    (tmp_path / "tensorboardX").mkdir()
    (tmp_path / "tensorboardX/__init__.py").write_text("raise TypeError('Descriptors cannot be created.\\nAnd so on')")
    done = alone("sys.path.insert(0, sys.argv[1])\nt._open_in_vain(sys.argv[1])", tmp_path)
    assert done.stdout.splitlines()[0].endswith("(Descriptors cannot be created.)")


def _open_in_vain(directory: str) -> None:
    try:
        TensorBoardSink().open(RunInfo(directory, {}, {}))
    except ImportError as error:
        print(error)
    assert not os.path.exists(os.path.join(directory, "tensorboard"))
