"""New records of a run, as they come."""

import json
import os
import threading
import warnings
from unittest import mock

import pytest
from fuzz_reader import expected
from hypothesis import given, settings
from hypothesis import strategies as st
from reading import record

from l2logger import LogWarning, followed_file, new_records
from l2logger.follow import Follower
from l2logger.legacy import RLPerformanceLogger

HEADER = "block_num\texp_num\tworker_id\tblock_type\ttask_name\ttask_params\texp_status\ttimestamp\treward\n"


def row(exp_num, worker="w", reward="1.0"):
    return f"0\t{exp_num}\t{worker}\ttrain\tTask_a\t{{}}\tcomplete\t20260101T000000.{exp_num:06d}\t{reward}\n"


def exp_nums(records):
    return [int(each.fields["exp_num"]) for each in records]


@pytest.fixture
def file(tmp_path):
    """A log file of one worker in an otherwise empty run."""
    path = tmp_path / "run" / "w" / "0-train" / "data-log.tsv"
    path.parent.mkdir(parents=True)
    (tmp_path / "run" / "logger_info.json").write_text('{"metrics_columns": ["reward"], "log_format_version": "1.0"}')
    path.write_text(HEADER)
    return path


@pytest.fixture
def follower(file):
    return Follower(file.parents[2])


def append(file, text):
    with file.open("a", encoding="utf-8", newline="") as opened:
        opened.write(text)


def test_each_record_is_handed_out_once(logger):
    follower = Follower(logger.scenario_dir)
    seen = []
    for exp_num in range(5):
        logger.log_record(record(exp_num))
        seen += exp_nums(follower.new())
    assert seen == [0, 1, 2, 3, 4]


def test_records_have_the_text_of_their_cells(logger):
    follower = Follower(logger.scenario_dir)
    logger.log_record(record(reward=0.1, note="a\tb\n", task_name="Task_A"))
    (found,) = follower.new()
    assert (found.fields["reward"], found.fields["note"], found.fields["task_name"]) == ("0.1", "a\tb\n", "task_a")
    assert found.file == os.path.join("worker-default", "0-train", "data-log.tsv")


def test_workers_that_come_later_are_found(logger):
    follower = Follower(logger.scenario_dir)
    logger.log_record(record(0, worker_id="a"))
    assert exp_nums(follower.new()) == [0]
    logger.log_record(record(1, worker_id="b"))
    logger.log_record(record(2, worker_id="b", block_num=1, block_type="test"))
    found = []
    stream = follower.follow(poll_secs=0.001)
    while len(found) < 2:
        found.append(next(stream))
    assert exp_nums(found) == [1, 2]


def test_workers_are_merged_by_time(logger):
    for exp_num in range(30):
        logger.log_record(record(exp_num, worker_id=f"w{exp_num % 3}"))
    assert exp_nums(Follower(logger.scenario_dir).new()) == list(range(30))


def test_an_unfinished_line_waits_for_its_end(file, follower):
    """F-088, S1-60."""
    append(file, row(0) + row(1)[:20])
    assert exp_nums(follower.new()) == [0]
    assert exp_nums(follower.new()) == []
    append(file, row(1)[20:])
    assert exp_nums(follower.new()) == [1]


@pytest.mark.parametrize("cut", range(1, len(HEADER), 7))
def test_an_unfinished_header_waits_for_its_end(file, follower, cut):
    """F-077."""
    file.write_text(HEADER[:cut])
    assert list(follower.new()) == []
    append(file, HEADER[cut:] + row(0))
    assert exp_nums(follower.new()) == [0]


def test_every_prefix_gives_whole_rows_only(file):
    """F-088: whatever is there of the file, what is handed out was written."""
    text = HEADER + row(0) + row(1, reward='"a ""quoted""\nline"') + row(2)
    follower = Follower(file.parents[2])
    file.write_text("")
    rewards = []
    for at in range(len(text)):
        append(file, text[at])
        rewards += [each.fields["reward"] for each in follower.new()]
    assert rewards == ["1.0", 'a "quoted"\nline', "1.0"]


def test_lines_that_are_no_records_are_warned_of_with_their_line(file, follower):
    """F-076."""
    append(file, row(0))
    list(follower.new())
    append(file, "torn\t" + row(1) + row(2))
    with pytest.warns(LogWarning, match=r"data-log\.tsv:3: 10 cells, expected 9"):
        assert exp_nums(follower.new()) == [2]


def test_positions_lead_on_in_another_process(logger):
    for exp_num in range(3):
        logger.log_record(record(exp_num))
    first = Follower(logger.scenario_dir)
    stream = first.new()
    next(stream)
    next(stream)
    kept = json.dumps(first.positions)
    assert exp_nums(Follower(logger.scenario_dir, json.loads(kept)).new()) == [2]


def test_a_row_that_is_longer_than_what_is_read_at_once(file, follower):
    append(file, row(0, reward="x" * 300_000) + row(1))
    assert exp_nums(follower.new()) == [0, 1]


def test_a_file_that_was_replaced_is_read_from_its_beginning(file, follower):
    append(file, row(0) + row(1))
    list(follower.new())
    other = file.with_name("other")
    other.write_text(HEADER + row(7))
    other.replace(file)
    with pytest.warns(LogWarning, match="replaced"):
        assert exp_nums(follower.new()) == [7]


def test_what_is_appended_to_a_file_that_was_cut_is_new(file, follower):
    append(file, row(0) + row(1))
    list(follower.new())
    file.write_text(HEADER + row(0))
    with pytest.warns(LogWarning, match="was cut"):
        assert list(follower.new()) == []
    append(file, row(5))
    assert exp_nums(follower.new()) == [5]


def test_a_file_that_is_deleted_ends_quietly(file, follower):
    append(file, row(0))
    list(follower.new())
    file.unlink()
    assert list(follower.new()) == []


@pytest.mark.parametrize("count", [0, 1, 2, 7, 50])
def test_last_gives_the_last_records_of_all_workers(logger, count):
    for exp_num in range(40):
        logger.log_record(record(exp_num, worker_id=f"w{exp_num % 3}", note="x" * exp_num))
    follower = Follower(logger.scenario_dir)
    assert exp_nums(follower.last(count)) == list(range(40))[max(40 - count, 0) :]
    assert list(follower.new()) == []
    logger.log_record(record(40, note=""))
    assert exp_nums(follower.new()) == [40]


def test_last_is_not_misled_by_text_that_looks_like_rows(file, follower):
    looks_like_rows = '"' + row(8) * 40 + '"'
    append(file, row(0) + row(1, reward=looks_like_rows))
    assert exp_nums(follower.last(3)) == [0, 1]


def test_last_leaves_an_unfinished_line_for_later(file, follower):
    """F-075."""
    append(file, row(0) + row(1)[:-1])
    assert exp_nums(follower.last(5)) == [0]
    append(file, "\n")
    assert exp_nums(follower.new()) == [1]


def test_follow_ends_when_it_is_told_to(logger):
    logger.log_record(record())
    assert exp_nums(Follower(logger.scenario_dir).follow(stop=lambda: True)) == [0]


def test_nothing_is_lost_or_doubled_while_a_thread_writes(logger):
    """F-088."""
    follower = Follower(logger.scenario_dir)
    done = threading.Event()

    def write():
        for exp_num in range(500):
            logger.log_record(record(exp_num, worker_id=f"w{exp_num % 2}", block_num=exp_num // 100))
        done.set()

    thread = threading.Thread(target=write)
    thread.start()
    found = []
    while not done.is_set():
        found += exp_nums(follower.new())
    thread.join()
    found += exp_nums(follower.new())
    assert sorted(found) == list(range(500))


def test_records_of_0_1_know_their_worker_block_and_task(tmp_path):
    """S0-27."""
    logger = RLPerformanceLogger(tmp_path, ["reward"])
    entered = {"block_num": 3, "regime_num": 0, "block_type": "test", "worker": "w", "task_name": "T_a", "params": "[]"}
    logger.write_new_regime(entered, "old")
    logger.write_to_data_log({"block_num": 3, "regime_num": 0, "exp_num": 5, "status": "Done", "reward": 1})
    logger.close_logs()
    (found,) = Follower(tmp_path / "old").new()
    shown = {name: found.fields[name] for name in ("worker_id", "block_type", "task_name", "block_subtype")}
    assert shown == {"worker_id": "w", "block_type": "test", "task_name": "t_a", "block_subtype": "wake"}


def test_more_files_than_can_be_open_at_once(tmp_path):
    import resource

    for number in range(300):
        directory = tmp_path / f"w{number}" / "0-train"
        directory.mkdir(parents=True)
        (directory / "data-log.tsv").write_text(HEADER + row(number, f"w{number}"))
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (128, limits[1]))
    try:
        assert exp_nums(Follower(tmp_path).new()) == list(range(300))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


# What a file may hold


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("run") / "data-log.tsv"


FRAGMENTS = (
    b"0\t1\tx\n",
    b"0\t",
    b"1",
    b"\t",
    b"\n",
    b'"',
    b'""',
    b"\r",
    b'a"b',
    "\u2028☃".encode(),
    b"\xff",
    b"\0",
    b" ",
)


@settings(max_examples=200, deadline=None)
@given(
    parts=st.lists(st.sampled_from(FRAGMENTS) | st.just(b'0\t2\t"a ""b""\nc"\n'), max_size=40), size=st.integers(1, 80)
)
def test_whatever_is_in_a_file_the_rows_are_those_of_a_plain_reader(scratch, parts, size):
    """F-076, F-089: also if rows and lines that are none lie across the pieces that are read at a time."""
    data = b"block_num\texp_num\tnote\n" + b"".join(parts)
    scratch.write_bytes(data)
    with mock.patch.object(followed_file, "_CHUNK_BYTES", size), warnings.catch_warnings():
        warnings.simplefilter("ignore", LogWarning)
        found = list(Follower(scratch.parent).new())
    rows = [[each.fields[name] for name in ("block_num", "exp_num", "note")] for each in found]
    assert rows == [cells for _, cells in expected(data).rows]
    assert [each.end for each in found] == expected(data).ends


@pytest.fixture
def many(tmp_path):
    """60 files of one worker, one after the other in time, and one of another worker that lies beside them all."""
    for block in range(60):
        path = tmp_path / "w" / f"{block}-train" / "data-log.tsv"
        path.parent.mkdir(parents=True)
        path.write_text(HEADER + row(2 * block) + row(2 * block + 1))
    beside = tmp_path / "v" / "0-train" / "data-log.tsv"
    beside.parent.mkdir(parents=True)
    beside.write_text(
        HEADER + "".join(row(120 + each).replace(f".{120 + each:06}", f".{each:06}") for each in range(120))
    )
    return tmp_path


def test_many_files_are_merged_by_time(many):
    found = list(Follower(many).new())
    assert [each.timestamp for each in found] == sorted(each.timestamp for each in found)
    assert sorted(exp_nums(found)) == list(range(240))


def test_a_file_is_read_when_its_time_has_come(many):
    """However many files a run has, few of them are in memory."""
    follower = Follower(many)
    read = []
    piece = new_records.RecordPiece

    def noticed(path, start, limit):
        if limit == followed_file._CHUNK_BYTES:
            read.append(path)
        return piece(path, start, limit)

    with mock.patch.object(new_records, "RecordPiece", noticed):
        stream = follower.new()
        next(stream)
    assert len(read) < 3


def test_a_file_is_known_again_after_a_copy_took_its_place(file, follower):
    """As rsync leaves it."""
    append(file, row(0) + row(1))
    assert exp_nums(follower.new()) == [0, 1]
    other = file.with_name("other")
    other.write_text(file.read_text() + row(2))
    other.replace(file)
    assert exp_nums(follower.new()) == [2]


def test_names_of_tasks_can_be_had_as_they_are_stored(file):
    append(file, row(0))
    (found,) = Follower(file.parents[2], as_stored=True).new()
    assert found.fields["task_name"] == "Task_a"


def test_what_is_behind_is_told_in_bytes_and_records(file, follower):
    append(file, row(0) + row(1))
    assert (follower.behind(), follower.waiting()) == (len(HEADER + row(0) + row(1)), 2)
    list(follower.new())
    assert (follower.behind(), follower.waiting()) == (0, 0)
    append(file, row(2))
    assert (follower.behind(), follower.waiting()) == (len(row(2)), 1)


def test_many_records_behind_are_counted_by_a_part_of_them(file, follower):
    append(file, "".join(row(exp_num) for exp_num in range(40_000)))
    assert follower.waiting() == pytest.approx(40_000, rel=0.01)
