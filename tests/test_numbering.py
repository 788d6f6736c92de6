"""Blocks and experiences that number themselves, across workers, processes and crashes."""

import contextlib
import json
import multiprocessing
import os
import pickle
import random
import resource
import signal
import threading
import time
import warnings
from collections import Counter
from pathlib import Path

import pytest
from children import in_child
from reading import record, rows

from l2logger import DataLogger, LogWriteError, RecordError
from l2logger.rules import validate
from l2logger.sinks import MemorySink

TASK = ("CartPole_short", {"length": 0.5})
SCENARIO = {"author": "me", "complexity": "1-low", "difficulty": "1-easy", "scenario_type": "custom"}
BLOCKS = [("train", "wake"), ("test", "wake"), ("test", "sleep"), ("train", "wake")]
LIMIT_SECS = 60

fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


def sorted_rows(logger: DataLogger, *columns: str) -> list[tuple[str, ...]]:
    """Return columns of all rows, sorted as readers do."""
    found = sorted(rows(logger.scenario_dir), key=lambda row: int(row["exp_num"]))
    return [tuple(row[column] for column in columns) for row in found]


def numbers(logger: DataLogger) -> list[int]:
    return [int(exp_num) for (exp_num,) in sorted_rows(logger, "exp_num")]


def state(logger: DataLogger) -> dict:
    return json.loads((Path(logger.scenario_dir) / "numbering.json").read_bytes())


def problems(logger: DataLogger) -> list[str]:
    return [str(finding) for finding in validate(logger.scenario_dir, strict=True).findings]


class CrashError(Exception):
    pass


@pytest.fixture
def run(make):
    return make(scenario_info=SCENARIO)


# ------------------------------------------------------------------------------------------------------------ one worker


def test_blocks_and_experiences_are_counted(run):
    for block_type, subtype in BLOCKS:
        with run.block(block_type, subtype=subtype) as block:
            for _ in range(2):
                with block.experience(*TASK) as experience:
                    experience.log(reward=1.0)
    assert sorted_rows(run, "block_num", "exp_num", "block_type", "block_subtype") == [
        ("0", "0", "train", "wake"),
        ("0", "1", "train", "wake"),
        ("1", "2", "test", "wake"),
        ("1", "3", "test", "wake"),
        ("2", "4", "test", "sleep"),
        ("2", "5", "test", "sleep"),
        ("3", "6", "train", "wake"),
        ("3", "7", "train", "wake"),
    ]
    assert problems(run) == []


def test_a_block_of_the_same_type_is_another_block(run):
    assert [run.block("train").block_num for _ in range(3)] == [0, 1, 2]


def test_the_numbers_are_known_inside(run):
    with run.block("test", subtype="sleep") as block, block.experience(*TASK) as experience:
        assert (block.block_num, block.block_type, block.block_subtype) == (0, "test", "sleep")
        assert experience.exp_num == 0


def test_all_rows_but_the_last_are_incomplete(run):
    with run.block("train") as block, block.experience(*TASK) as experience:
        for reward in range(3):
            experience.log({"reward": -1.0}, reward=float(reward))
    assert sorted_rows(run, "exp_num", "exp_status", "reward") == [
        ("0", "incomplete", "0.0"),
        ("0", "incomplete", "1.0"),
        ("0", "complete", "2.0"),
    ]


def test_an_experience_that_ends_by_an_exception_is_incomplete_and_done_again(run):
    with run.block("train") as block:
        with pytest.raises(CrashError, match="pole"), block.experience(*TASK) as experience:
            experience.log(reward=1.0)
            raise CrashError("the pole broke")
        with block.experience(*TASK) as experience:
            experience.log(reward=2.0)
        assert block.log(*TASK, reward=3.0) == 1
    assert sorted_rows(run, "exp_num", "exp_status", "reward") == [
        ("0", "incomplete", "1.0"),
        ("0", "complete", "2.0"),
        ("1", "complete", "3.0"),
    ]
    assert problems(run) == []


def test_another_task_is_another_experience(run):
    with run.block("train") as block:
        with contextlib.suppress(CrashError), block.experience(*TASK) as experience:
            experience.log(reward=1.0)
            raise CrashError
        assert block.log("CartPole_long", {}, reward=2.0) == 1
        assert block.log(*TASK, reward=2.0) == 2


def test_what_was_left_incomplete_is_not_done_again_in_the_next_block(run):
    with contextlib.suppress(CrashError), run.block("train").experience(*TASK) as experience:
        experience.log(reward=1.0)
        raise CrashError
    assert run.block("train").log(*TASK, reward=2.0) == 1


def test_an_experience_without_rows_leaves_no_trace(run):
    with run.block("train") as block:
        with block.experience(*TASK):
            pass
        with contextlib.suppress(CrashError), block.experience(*TASK):
            raise CrashError
        assert block.log(*TASK, reward=1.0) == 0
    assert numbers(run) == [0]


def test_a_row_that_is_refused_gives_its_number_back(run):
    with run.block("train") as block:
        block.log(*TASK, reward=1.0)
        with pytest.raises(RecordError, match=r"unexpected=\['loss'\]"):
            block.log(*TASK, reward=1.0, loss=1.0)
        with pytest.raises(RecordError, match="task_params must be a dict"):
            block.log("CartPole_short", 5, reward=1.0)
        assert block.log(*TASK, reward=1.0) == 1
    assert numbers(run) == [0, 1]


def test_the_exception_goes_on_though_the_row_that_is_held_is_refused(run):
    with pytest.raises(CrashError) as caught, run.block("train").experience(*TASK) as experience:
        experience.log(loss=1.0)
        raise CrashError
    assert "The last row of experience 0 was not stored: the record lacks ['reward']" in caught.value.__notes__[0]


@pytest.mark.filterwarnings("ignore:note is a list")
def test_what_is_held_is_a_snapshot(run):
    """F-031."""
    metrics, params = {"reward": 1.0, "note": ["a"]}, {"physics": {"g": 9.8}}
    with run.block("train").experience("Task_a", params) as experience:
        experience.log(metrics)
        metrics["reward"] = 2.0
        metrics["note"].append("b")
        params["physics"]["g"] = 1.6
    assert sorted_rows(run, "reward", "note", "task_params") == [("1.0", "['a']", '{"physics": {"g": 9.8}}')]


@pytest.mark.parametrize("name", ["block_num", "exp_num", "exp_status", "worker_id", "timestamp", "task_params"])
def test_what_is_counted_cannot_be_given(run, name):
    with (
        pytest.raises(RecordError, match=f"a block fills in {name}"),
        run.block("train").experience(*TASK) as experience,
    ):
        experience.log({name: 1}, reward=1.0)
    assert numbers(run) == []


def test_a_row_is_a_mapping(run):
    with pytest.raises(RecordError, match=r"a row must be a dict"), run.block("train").experience(*TASK) as experience:
        experience.log([1.0])


def test_rows_are_logged_inside(run):
    experience = run.block("train").experience(*TASK)
    with pytest.raises(RecordError, match="with block.experience"):
        experience.log(reward=1.0)
    with experience:
        experience.log(reward=1.0)
    with pytest.raises(RecordError, match="with block.experience"):
        experience.log(reward=1.0)


def test_one_experience_of_a_worker_at_a_time(run):
    block = run.block("train")
    with (
        block.experience(*TASK),
        pytest.raises(RecordError, match="experience 0 goes on, and a worker has one at a time"),
    ):
        block.log(*TASK, reward=1.0)


def test_a_block_that_ended_has_ended(run):
    with run.block("train") as block:
        pass
    with pytest.raises(RecordError, match=r"block 0 \(train wake\) has ended; begin another one"):
        block.log(*TASK, reward=1.0)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("Train",), "block_type must be 'train' or 'test', got 'Train'"),
        (("train", "nap"), "block_subtype must be 'wake' or 'sleep', got 'nap'"),
        ((None,), "block_type must be"),
    ],
)
def test_a_block_that_the_format_does_not_know_is_refused(run, given, message):
    with pytest.raises(RecordError, match=message):
        run.block(*given)
    assert not (Path(run.scenario_dir) / "numbering.json").exists()


def test_format_1_0_has_no_subtypes(make):
    """S1-9."""
    run = make(format_version="1.0")
    run.block("train").log(*TASK, reward=1.0)
    assert "block_subtype" not in rows(run.scenario_dir)[0]
    with pytest.raises(RecordError, match=r"format 1\.0 has no block_subtype"):
        run.block("test", "sleep")
    run.close()
    assert DataLogger.join(run.scenario_dir).bind(worker_id="w1").block("train").block_num == 0


def test_the_bound_fields_and_the_worker_are_used(run):
    run.bind(worker_id="w1", seed=7).block("train").log(*TASK, reward=1.0)
    assert sorted_rows(run, "worker_id", "seed") == [("w1", "7")]


def test_other_signals_belong_to_block_and_experience(make):
    memory = MemorySink()
    with make(sinks=[memory]) as run:
        block = run.bind(worker_id="w1").block("train")
        block.log(*TASK, reward=1.0)
        with block.experience(*TASK) as experience:
            experience.logger.log_metrics(loss=0.5)
            block.logger.log_metrics(loss=0.25)
    inner, outer = (signal.fields for signal in memory.signals if signal.kind == "metrics")
    of_block = {"block_num": 0, "block_type": "train", "block_subtype": "wake"}
    assert (inner["worker_id"], inner["clocks"]) == ("w1", {"exp_num": 1})
    assert inner["context"] == of_block | {"task_name": "CartPole_short", "task_params": {"length": 0.5}}
    assert outer["context"] == of_block


def test_a_run_that_numbers_itself_has_no_other_file(run):
    run.log_record(record())
    run.close()
    assert {path.name for path in Path(run.scenario_dir).iterdir()} == {
        "logger_info.json", "scenario_info.json", "worker-default",
    }  # fmt: skip


def test_no_worker_has_the_name_of_the_file(run):
    with pytest.raises(RecordError, match="cannot be called 'numbering.json'"):
        run.log_record(record(worker_id="numbering.json"))


def test_numbers_given_by_hand_are_counted_on_from(run):
    run.log_record(record(5, block_num=2))
    block = run.block("train")
    assert (block.block_num, block.log("Task_a", {"gravity": 9.8}, reward=1.0)) == (3, 6)
    run.log_record(record(9, block_num=7, block_type="test"))
    block = run.block("train")
    assert (block.block_num, block.log("Task_a", {"gravity": 9.8}, reward=1.0)) == (8, 10)


# ---------------------------------------------------------------------------------------------------------- many workers


def test_another_worker_enters_the_same_block(run):
    first, second = (run.bind(worker_id=each).block("train") for each in ("w0", "w1"))
    assert [each.block_num for each in (first, second)] == [0, 0]
    assert [first.log(*TASK, reward=1.0), second.log(*TASK, reward=1.0), first.log(*TASK, reward=1.0)] == [0, 1, 2]


@pytest.mark.parametrize("given", [("test", "wake"), ("train", "sleep")])
def test_a_block_of_another_kind_is_the_next_one(run, given):
    assert run.bind(worker_id="w0").block("train").block_num == 0
    assert run.bind(worker_id="w1").block(*given).block_num == 1


def test_a_block_gets_no_more_numbers_once_the_next_has_begun(run):
    late, early = (run.bind(worker_id=each) for each in ("w0", "w1"))
    block = late.block("train")
    with block.experience(*TASK) as running:
        early.block("test").log(*TASK, reward=1.0)
        running.log(reward=1.0)
    message = r"block 0 \(train wake\) gets no more experiences, as w1 has begun block 1 \(test wake\).*multiprocessing.Barrier"
    with pytest.raises(RecordError, match=message):
        block.log(*TASK, reward=1.0)
    assert problems(run) == []


def test_a_number_that_was_not_used_stays_with_the_worker_if_there_are_later_ones(run):
    first, second = (run.bind(worker_id=each).block("train") for each in ("w0", "w1"))
    with first.experience(*TASK):
        assert second.log(*TASK, reward=1.0) == 1
    assert second.log(*TASK, reward=1.0) == 2
    assert first.log(*TASK, reward=1.0) == 0
    assert problems(run) == []


def test_a_joined_logger_goes_on_from_a_log_that_was_numbered_by_hand(run):
    run.log_record(record(4, block_num=1, worker_id="w0"))
    block = DataLogger.join(run.scenario_dir).bind(worker_id="w1").block("train")
    assert (block.block_num, block.log("Task_a", {"gravity": 9.8}, reward=1.0)) == (1, 5)
    assert DataLogger.join(run.scenario_dir).bind(worker_id="w0").block("train").block_num == 2


def test_threads_share_the_numbers(run):
    """S1-57, F-070."""

    def work(worker):
        for block_type, subtype in BLOCKS:
            with worker.block(block_type, subtype) as block:
                for _ in range(50):
                    block.log(*TASK, reward=1.0)
            end.wait(LIMIT_SECS)

    end = threading.Barrier(4)
    threads = [threading.Thread(target=work, args=[run.bind(worker_id=f"w{number}")]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert numbers(run) == list(range(4 * 4 * 50))
    assert problems(run) == []


def work(logger, experiences, end):
    """Be one worker, from the first block to the last."""
    for block_type, subtype in BLOCKS:
        with logger.block(block_type, subtype) as block:
            for number in range(experiences):
                with block.experience(*TASK) as experience:
                    for _ in range(1 + number % 2):
                        experience.log(reward=1.0)
        end.wait(LIMIT_SECS)


def let_eight_processes_log(run: DataLogger, method: str = "fork") -> None:
    """Log 200 experiences of each of eight workers, in four blocks."""
    context = multiprocessing.get_context(method)
    end = context.Barrier(8)
    processes = [context.Process(target=work, args=(run.bind(worker_id=f"w{number}"), 50, end)) for number in range(8)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 8


@pytest.mark.parametrize("method", ["fork", pytest.param("spawn", marks=pytest.mark.slow)])
def test_processes_share_the_numbers(run, method):
    """F-066, F-068: no number is there twice, none is left out."""
    let_eight_processes_log(run, method)
    complete = [row for row in rows(run.scenario_dir) if row["exp_status"] == "complete"]
    assert sorted(int(row["exp_num"]) for row in complete) == list(range(8 * 50 * len(BLOCKS)))
    assert Counter(row["block_num"] for row in complete) == dict.fromkeys("0123", 400)
    assert problems(run) == []


def test_a_pickled_block_goes_on(run):
    """F-068."""
    block = run.block("train")
    block.log(*TASK, reward=1.0)
    run.close()
    assert pickle.loads(pickle.dumps(block)).log(*TASK, reward=1.0) == 1


def test_the_file_is_changed_in_place(run):
    """Others may have it open, and wait for its lock."""
    block = run.block("train")
    path = Path(run.scenario_dir) / "numbering.json"
    before = path.stat()
    for number in range(30):
        run.bind(worker_id=f"w{number:0100}").block("train")
        block.log(*TASK, reward=1.0)
    assert path.stat().st_ino == before.st_ino
    assert path.stat().st_size > before.st_size


# ---------------------------------------------------------------------------------------------------- crashes and resuming


class InterruptError(BaseException):
    pass


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no interval timers")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_exceptions_of_a_signal_handler_leave_no_number_out_and_none_twice(run):
    """Ctrl-C that a notebook catches, or the time limit of an episode, at any moment."""

    def interrupt(*_):
        raise InterruptError

    block = run.block("train")
    before = signal.signal(signal.SIGALRM, interrupt)
    interrupts = 0
    try:
        end = time.monotonic() + 1
        while time.monotonic() < end:
            try:
                signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-5, 1e-3))
                for _ in range(5):
                    with block.experience(*TASK) as experience:
                        experience.log(reward=1.0)
                signal.setitimer(signal.ITIMER_REAL, 0)
            except InterruptError:
                interrupts += 1
            except RecordError:  # once, for one that was interrupted before it could end
                signal.setitimer(signal.ITIMER_REAL, 0)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    count = block.log(*TASK, reward=1.0) + 1
    complete = [int(num) for num, status in sorted_rows(run, "exp_num", "exp_status") if status == "complete"]
    assert interrupts > 10
    assert complete == list(range(count))
    assert problems(run) == []


@pytest.mark.parametrize("data", [b"", b'{"block": [0, "tra', b"[]", b"\0" * 1024, b'{"workers": 1, "else": 2}'])
def test_a_file_that_a_power_cut_has_torn_is_made_anew_from_the_log(run, data):
    block = run.block("train")
    for _ in range(3):
        block.log(*TASK, reward=1.0)
    (Path(run.scenario_dir) / "numbering.json").write_bytes(data)
    assert block.log(*TASK, reward=1.0) == 3
    assert run.block("train").block_num == 1


def test_an_experience_that_is_no_more_does_not_go_on(run):
    """Such as one whose context was interrupted before it was entered."""
    block = run.block("train")
    block.experience(*TASK).__enter__()
    with block.experience(*TASK) as experience:
        experience.log(reward=1.0)
    assert numbers(run) == [0]


def test_an_experience_that_cannot_end_is_complained_of_once(run):
    block = run.block("train")
    stuck = block.experience(*TASK)
    stuck.__enter__()
    with pytest.raises(RecordError, match="experience 0 goes on"):
        block.log(*TASK, reward=1.0)
    assert block.log(*TASK, reward=1.0) == 0
    assert block.log(*TASK, reward=1.0) == 1


def test_a_block_is_pickled_within_an_experience(run):
    block = run.block("train")
    with block.experience(*TASK) as experience:
        assert pickle.loads(pickle.dumps(block)).block_num == 0
        experience.log(reward=1.0)
    assert numbers(run) == [0]


def test_what_a_newer_version_has_put_into_the_file_does_no_harm(run):
    block = run.block("train")
    block.log(*TASK, reward=1.0)
    path = Path(run.scenario_dir) / "numbering.json"
    path.write_text(json.dumps(state(run) | {"next_exp_num": 7, "colour": "red"}))
    assert block.log(*TASK, reward=1.0) == 7


def test_numbers_given_by_hand_in_the_meantime_are_not_given_again(run):
    block = run.block("train")
    assert block.log(*TASK, reward=1.0) == 0
    run.log_record(record(worker_id="other", block_num=0, exp_num=1))
    assert block.log(*TASK, reward=1.0) == 2
    run.log_record(record(block_num=0, exp_num=5))
    with block.experience(*TASK):
        pass
    assert block.log(*TASK, reward=1.0) == 6


def test_a_number_that_was_released_is_not_given_below_one_by_hand(run):
    blocks = [run.bind(worker_id=f"w{number}").block("train") for number in range(2)]
    with blocks[0].experience(*TASK):
        blocks[1].log(*TASK, reward=1.0)
    assert state(run)["released"] == {"w0": 0}
    run.log_record(record(worker_id="w0", block_num=0, exp_num=5))
    assert blocks[0].log(*TASK, reward=1.0) == 6


def test_no_number_is_allocated_where_it_cannot_be_kept(run):
    block = run.block("train")
    path = Path(run.scenario_dir) / "numbering.json"
    path.unlink()
    path.mkdir()
    with pytest.raises(LogWriteError, match=r"no number was allocated.*numbering\.json"):
        block.log(*TASK, reward=1.0)
    path.rmdir()
    assert block.log(*TASK, reward=1.0) == 0


@fork
def test_a_full_disk_leaves_the_numbers_as_they_were(run):
    """F-055: the file grows beyond what is allocated for it."""
    block = run.block("train")
    block.log(*TASK, reward=1.0)
    path = Path(run.scenario_dir) / "numbering.json"
    before = path.read_bytes()

    def child():
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before), len(before)))
        with pytest.raises(LogWriteError, match="no number was allocated"):
            for number in range(250):
                run.bind(worker_id=f"w{number:010}").block("train")

    assert in_child(child) == 0
    assert len(path.read_bytes()) == len(before)
    assert state(run)["next_exp_num"] == 1
    assert block.log(*TASK, reward=1.0) == 1


def die():
    os.kill(os.getpid(), signal.SIGKILL)


@fork
@pytest.mark.parametrize("held_rows", [0, 1, 3])
def test_an_experience_that_was_killed_is_done_again(run, held_rows):
    """S3-11: its rows, but for the one that was held, stay as incomplete ones."""

    def child():
        with run.block("train") as block:
            for _ in range(3):
                block.log(*TASK, reward=1.0)
            with block.experience(*TASK) as experience:
                for _ in range(held_rows):
                    experience.log(reward=-1.0)
                die()

    assert in_child(child) == -signal.SIGKILL
    resumed = DataLogger.resume(run.scenario_dir)
    with resumed.block("train") as block:
        assert block.block_num == 0
        assert [block.log(*TASK, reward=2.0) for _ in range(2)] == [3, 4]
    assert resumed.block("train").block_num == 1
    assert Counter(sorted_rows(run, "reward"))["-1.0",] == max(0, held_rows - 1)
    assert problems(resumed) == []


@fork
def test_workers_that_were_killed_get_back_their_numbers(run):
    """No number is left out, though other workers went on after the one that died first."""
    blocks = [run.bind(worker_id=f"w{number}").block("train") for number in range(3)]

    def child():
        with blocks[0].experience(*TASK), blocks[1].experience(*TASK):
            blocks[2].log(*TASK, reward=1.0)
            die()

    assert in_child(child) == -signal.SIGKILL
    resumed = DataLogger.resume(run.scenario_dir)
    blocks = [resumed.bind(worker_id=f"w{number}").block("train") for number in range(3)]
    assert [block.log(*TASK, reward=1.0) for block in reversed(blocks)] == [3, 1, 0]
    assert problems(resumed) == []


@fork
def test_the_numbers_of_workers_that_do_not_come_back_go_to_others(run):
    block = run.bind(worker_id="gone").block("train")
    run.log_record(record(worker_id="here"))
    run.close()

    def child():
        with block.experience(*TASK):
            die()

    assert in_child(child) == -signal.SIGKILL
    resumed = DataLogger.resume(run.scenario_dir)
    assert resumed.bind(worker_id="new").block("train").log("Task_a", {"gravity": 9.8}, reward=1.0) == 1


def test_a_resumed_run_that_was_not_killed_goes_on(run):
    """S3-11: a block of the same kind goes on with the newest one, one of another kind begins."""
    run.block("train").log(*TASK, reward=1.0)
    run.close()
    resumed = DataLogger.resume(run.scenario_dir)
    block = resumed.block("train")
    assert (block.block_num, block.log(*TASK, reward=1.0)) == (0, 1)
    resumed.close()
    block = DataLogger.resume(run.scenario_dir).block("test")
    assert (block.block_num, block.log(*TASK, reward=1.0)) == (1, 2)


def test_resuming_a_run_that_numbers_itself_makes_no_file(run):
    run.log_record(record())
    run.close()
    DataLogger.resume(run.scenario_dir).close()
    assert not (Path(run.scenario_dir) / "numbering.json").exists()


def kill_and_resume(run: DataLogger, kills: int, seed: int) -> int:
    """Let two workers draw and log until they are killed, again and again; return how many experiences are complete."""
    chance = random.Random(seed)
    for _ in range(kills):
        pids = []
        for worker in ("w0", "w1"):
            pid = os.fork()
            if pid == 0:
                block = run.bind(worker_id=worker).block("train")
                while True:
                    with block.experience(*TASK) as experience:
                        experience.log(reward=1.0)
                        experience.log(reward=2.0)
            pids.append(pid)
        with contextlib.suppress(TimeoutError):
            threading.Event().wait(chance.uniform(0.005, 0.05))  # the moment of the kill is left to chance
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a row may be torn, and is set aside
            run = DataLogger.resume(run.scenario_dir)
    return sum(row["exp_status"] == "complete" for row in rows(run.scenario_dir))


@fork
@pytest.mark.slow
def test_no_kill_spoils_the_log(run):
    """S3-11: whatever instant two workers are killed in, 60 times, no number is doubled and none is left out."""
    assert kill_and_resume(run, kills=60, seed=0) > 100
    resumed = DataLogger.resume(run.scenario_dir)
    for worker in ("w0", "w1"):
        resumed.bind(worker_id=worker).block("train").log(*TASK, reward=1.0)
    assert problems(resumed) == []
    complete = [int(row["exp_num"]) for row in rows(run.scenario_dir) if row["exp_status"] == "complete"]
    assert sorted(complete) == list(range(len(complete)))
