"""Going on with a run: after a crash, and beside other workers."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading import data_log, files, record, rows

from l2logger import (
    DataLogger,
    DirectoryError,
    LogFormatError,
    LogLockedError,
    LogWarning,
    RecordError,
    RecordWarning,
    SchemaError,
    cells,
    tail,
)

ROW = [
    "0",
    "7",
    "w0",
    "train",
    "wake",
    "Task_a",
    '{"a": "x\ny"}',
    "complete",
    "20201020T230415.363982",
    'multi\nline "q"',
]


@pytest.fixture
def ended(make):
    """A run of two workers and three blocks whose process has ended."""
    logger = make(scenario_info={"author": "me"})
    for exp_num in range(12):
        for worker in ("w0", "w1"):
            logger.log_record(record(exp_num, block_num=exp_num // 4, worker_id=worker, note="multi\nline"))
    logger.close()
    return Path(logger.scenario_dir)


def test_a_resumed_run_knows_where_it_stopped(ended):
    """S3-11."""
    logger = DataLogger.resume(ended)
    assert logger.progress == {"w0": (2, 11, True), "w1": (2, 11, True)}
    assert logger.next_exp_num == 12
    assert logger.columns[-2:] == ("note", "reward")
    assert logger.scenario_info == {"author": "me"}
    assert logger.scenario_dir == str(ended)
    assert logger.logging_base_dir == str(ended.parent)


def test_a_resumed_run_goes_on_in_its_files(ended):
    """S1-30, S3-11."""
    logger = DataLogger.resume(ended)
    logger.log_record(record(12, block_num=2, worker_id="w0", note="new"))
    logger.close()
    stored = [row for row in rows(ended) if row["worker_id"] == "w0"]
    assert [int(row["exp_num"]) for row in stored] == list(range(13))
    assert files(ended).count("w0/2-train/data-log.tsv") == 1


def test_a_resumed_run_checks_against_its_past(ended):
    """S3-11: counters, columns, regimes."""
    logger = DataLogger.resume(ended)
    with pytest.raises(RecordError, match="exp_num must never fall for a worker: 'w0' was at 11"):
        logger.log_record(record(10, block_num=2, worker_id="w0", note=""))
    with pytest.raises(SchemaError, match=r"missing=\['note'\]"):
        logger.log_record(record(12, block_num=2, worker_id="w0"))
    with pytest.warns(RecordWarning, match="complete for the second time"):
        logger.log_record(record(11, block_num=2, worker_id="w0", note=""))
    with pytest.warns(RecordWarning, match="a lower block has experience 7"):
        logger.log_record(record(3, block_num=2, worker_id="new", note=""))


def test_an_incomplete_experience_is_to_be_done_again(make):
    logger = make()
    logger.log_record(record(4, exp_status="incomplete"))
    logger.close()
    resumed = DataLogger.resume(logger.scenario_dir)
    assert resumed.progress["worker-default"] == (0, 4, False)
    assert resumed.next_exp_num == 4


@pytest.mark.parametrize("cut", [1, 2, 10, 60, 85])
def test_a_torn_row_is_kept_aside_and_its_record_can_be_logged_again(ended, cut):
    """F-059, F-075, S1-60: cut in a quoted cell, too, right behind a newline."""
    path = ended / "w0" / "2-train" / "data-log.tsv"
    whole = path.read_bytes()
    end = whole[:-1].rfind(b"\n2\t") + 1  # where the last row starts; it holds a newline itself
    path.write_bytes(whole[: end + cut])
    with pytest.warns(LogWarning, match=rf"The last {cut} bytes were no record; they were moved to .*\.torn"):
        logger = DataLogger.resume(ended)
    assert path.read_bytes() == whole[:end]
    assert path.with_name("data-log.tsv.torn").read_bytes() == whole[end : end + cut] + b"\n"
    assert logger.progress["w0"] == (2, 10, True)
    logger.log_record(record(11, block_num=2, worker_id="w0", note="multi\nline"))
    logger.close()
    assert [int(row["exp_num"]) for row in rows(ended / "w0")] == list(range(12))


@pytest.mark.parametrize("content", [b"", b"block_num\texp_n", b"block_num\texp_num\tworker_id\tblock_type\tblock"])
def test_a_file_without_a_whole_header_is_begun_anew(ended, content):
    """F-051, F-060, F-077: killed between opening the file and the first row."""
    path = ended / "w0" / "3-test" / "data-log.tsv"
    path.parent.mkdir()
    path.write_bytes(content)
    if content:
        with pytest.warns(LogWarning, match=r"moved to .*\.torn"):
            logger = DataLogger.resume(ended)
    else:
        logger = DataLogger.resume(ended)
    logger.log_record(record(12, block_num=3, block_type="test", worker_id="w0", note=""))
    assert len(rows(path.parent)) == 1


def test_a_header_alone_is_a_file_without_records(ended):
    """F-051, F-077."""
    path = ended / "w0" / "3-train" / "data-log.tsv"
    path.parent.mkdir()
    path.write_bytes((ended / "w0" / "2-train" / "data-log.tsv").read_bytes().split(b"\n")[0] + b"\n")
    logger = DataLogger.resume(ended)
    assert logger.progress["w0"] == (2, 11, True)
    logger.log_record(record(12, block_num=3, worker_id="w0", note=""))
    assert len(rows(path.parent)) == 1


def test_an_empty_worker_or_block_directory_does_no_harm(ended):
    """F-060: killed between mkdir and open."""
    (ended / "w2" / "0-train").mkdir(parents=True)
    assert set(DataLogger.resume(ended).progress) == {"w0", "w1"}


def test_a_run_without_records_can_be_resumed(make):
    """F-042."""
    logger = make()
    logger.close()
    resumed = DataLogger.resume(logger.scenario_dir)
    assert (resumed.progress, resumed.columns, resumed.next_exp_num) == ({}, None, 0)
    resumed.log_record(record(0, anything="goes"))


def test_files_with_different_columns_cannot_be_continued(ended):
    """F-051, S1-30."""
    path = ended / "w1" / "0-train" / "data-log.tsv"
    path.write_bytes(path.read_bytes().replace(b"\tnote\t", b"\tother\t"))
    with pytest.raises(SchemaError, match="such a run cannot be continued"):
        DataLogger.resume(ended)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfeb\x00l\x00\n", "not UTF-8"),
        (b"a\tb\n1\t2\n", "the header lacks the columns"),
        (b"%PDF-1.4\n\x00\x01\n", "the header lacks"),
    ],
)
def test_a_file_that_is_no_log_is_named(ended, content, message):
    """F-077, F-079."""
    path = ended / "w1" / "0-train" / "data-log.tsv"
    path.write_bytes(content)
    with pytest.raises(LogFormatError, match=message) as caught:
        DataLogger.resume(ended)
    assert caught.value.path == str(path)


def test_a_last_row_that_is_no_record_is_named(ended):
    """F-076."""
    path = ended / "w1" / "2-train" / "data-log.tsv"
    path.write_bytes(path.read_bytes() + b"one\ttwo\n")
    with pytest.raises(LogFormatError, match="a row has 2 cells, the header 11"):
        DataLogger.resume(ended)


def test_a_count_that_is_no_count_is_named(ended):
    """F-076."""
    path = ended / "w1" / "2-train" / "data-log.tsv"
    path.write_bytes(path.read_bytes().replace(b"\n2\t11\t", b"\n2\televen\t"))
    with pytest.raises(LogFormatError, match=r"\(exp_num\): expected a count, got 'eleven'"):
        DataLogger.resume(ended)


def test_links_and_pipes_are_not_followed(ended, tmp_path):
    """F-082."""
    outside = tmp_path / "outside" / "0-train"
    outside.mkdir(parents=True)
    (outside / "data-log.tsv").write_bytes(b"nothing of ours\n")
    (ended / "linked").symlink_to(outside.parent)
    (ended / "loop").symlink_to(ended)
    (ended / "w0" / "9-train").mkdir()
    (ended / "w0" / "9-train" / "data-log.tsv").symlink_to(outside / "data-log.tsv")
    (ended / "w1" / "9-train" / "data-log.tsv").mkdir(parents=True)
    (ended / "w1" / "8-train").mkdir(parents=True)
    os.mkfifo(ended / "w1" / "8-train" / "data-log.tsv")
    assert set(DataLogger.resume(ended).progress) == {"w0", "w1"}


def test_a_directory_that_is_not_there_is_named_with_both_places_tried(tmp_path, monkeypatch):
    """F-011: nothing is created; the variable is named."""
    monkeypatch.setenv("L2DATA", str(tmp_path / "data"))
    with pytest.raises(DirectoryError, match="'nowhere' and .*data/logs/nowhere.*L2DATA"):
        DataLogger.resume("nowhere")
    with pytest.raises(DirectoryError, match="no run directory"):
        DataLogger.resume(tmp_path / "no" / "where")
    assert files(tmp_path) == []
    assert not (tmp_path / "data").exists()


def test_a_bare_name_is_looked_for_below_l2data(ended, tmp_path, monkeypatch):
    """F-011, S1-39."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "logs").symlink_to(ended.parent)
    monkeypatch.setenv("L2DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    assert DataLogger.resume(ended.name).next_exp_num == 12


def test_a_trailing_slash_changes_nothing(ended):
    """S1-51."""
    assert DataLogger.resume(f"{ended}/").scenario_dir == str(ended)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "this file is missing"),
        (b"{", "not a JSON file"),
        (b"", "not a JSON file"),
        (b"[]", "must hold an object with metrics_columns"),
        (b'{"metrics_columns": ["reward"]}', "log_format_version is None"),
        (b'{"metrics_columns": ["reward"], "log_format_version": "3.0"}', "log_format_version is '3.0'"),
        (b"[" * 100_000, "not a JSON file"),
    ],
    ids=["missing", "torn", "empty", "list", "no version", "newer", "deep"],
)
def test_a_run_whose_logger_info_is_no_good_is_refused(ended, content, message):
    """F-083, F-091."""
    path = ended / "logger_info.json"
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(LogFormatError, match=message):
        DataLogger.resume(ended)


def test_a_byte_order_mark_and_a_missing_scenario_info_are_tolerated(ended):
    """F-078, F-083."""
    path = ended / "logger_info.json"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    (ended / "scenario_info.json").unlink()
    assert DataLogger.resume(ended).scenario_info == {}


def test_resuming_does_not_touch_the_info_files(ended):
    before = {name: (ended / name).stat() for name in ("logger_info.json", "scenario_info.json")}
    DataLogger.resume(ended).close()
    assert {name: (ended / name).stat() for name in before} == before


def test_a_run_of_format_1_0_is_resumed_as_such(make):
    """S1-9."""
    logger = make(format_version="1.0")
    logger.log_record(record())
    logger.close()
    resumed = DataLogger.resume(logger.scenario_dir)
    resumed.log_record(record(1))
    assert resumed.schema.version == "1.0"
    assert len(rows(logger.scenario_dir)) == 2


def test_a_run_that_is_being_written_cannot_be_resumed(make):
    """F-052: the holder is named."""
    logger = make()
    logger.log_record(record())
    with pytest.raises(LogLockedError, match=r"data-log.tsv is being written by another logger of this process"):
        DataLogger.resume(logger.scenario_dir)


def test_a_second_process_cannot_write_as_the_same_worker(make):
    """F-052: the error names the process that holds the file."""
    logger = make()
    logger.log_record(record())
    script = (
        "import sys; from l2logger import DataLogger, LogLockedError\n"
        "logger = DataLogger.join(sys.argv[1])\n"
        "fields = dict(block_num=0, block_type='train', task_name='Task_a', task_params={'gravity': 9.8}, reward=1.0)\n"
        "try: logger.log_record(fields, exp_num=1)\n"
        "except LogLockedError as error: print(error)\n"
        "logger.log_record(fields, exp_num=1, worker_id='other')\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, logger.scenario_dir], capture_output=True, text=True, check=True
    )
    assert f"is being written by process {os.getpid()};" in run.stdout
    assert len(rows(logger.scenario_dir)) == 2


def test_closing_lets_another_writer_in(make):
    logger = make()
    logger.log_record(record())
    logger.close()
    other = DataLogger.resume(logger.scenario_dir)
    other.log_record(record(1))
    other.close()
    logger.log_record(record(2))
    assert [row["exp_num"] for row in rows(logger.scenario_dir)] == ["0", "1", "2"]


def test_join_adds_a_worker_while_others_write(make):
    logger = make()
    logger.log_record(record(0, worker_id="w0"))
    joined = DataLogger.join(logger.scenario_dir)
    joined.log_record(record(1, worker_id="w1"))
    logger.log_record(record(2, worker_id="w0"))
    with pytest.raises(SchemaError, match=r"unexpected=\['extra'\]"):
        joined.log_record(record(3, worker_id="w1", extra=1))
    assert len(rows(logger.scenario_dir)) == 3


def test_join_leaves_the_unfinished_row_of_another_worker_alone(make):
    """It may be in the middle of its write."""
    logger = make()
    logger.log_record(record(0, worker_id="w0"))
    path = data_log(logger, "w0")
    path.write_bytes(path.read_bytes() + b"0\t1\tw0")
    DataLogger.join(logger.scenario_dir).log_record(record(1, worker_id="w1"))
    assert path.read_bytes().endswith(b"0\t1\tw0")


def test_join_goes_on_as_a_worker_that_has_ended(ended):
    logger = DataLogger.join(ended)
    with pytest.raises(RecordError, match="was at 11, got 5"):
        logger.log_record(record(5, block_num=2, worker_id="w0", note=""))
    logger.log_record(record(12, block_num=2, worker_id="w0", note=""))


def test_resume_and_join_make_the_class_they_are_called_on(ended):
    class Special(DataLogger):
        pass

    assert type(Special.resume(ended)) is Special
    assert type(Special.join(ended)) is Special


def test_a_log_of_the_original_can_be_resumed(tmp_path):
    """S1-30, S1-55."""
    import shutil

    golden = Path(__file__).parent / "golden" / "runs" / "many_workers_and_blocks" / "run"
    run = shutil.copytree(golden, tmp_path / "run-1")
    logger = DataLogger.resume(run)
    assert logger.progress["w3"] == (5, 59, True)
    fields = {"block_num": 5, "block_type": "test", "task_name": "Task_a", "task_params": {"gravity": 9.8, "length": 5}}
    logger.log_record(fields, exp_num=60, worker_id="w3", reward=1.0)
    assert len(rows(run)) == 241


@given(st.lists(st.lists(st.text(), min_size=3, max_size=3), min_size=1, max_size=5), st.data())
def test_wherever_a_file_is_cut_all_rows_before_are_found(tmp_path_factory, table, data):
    """S1-60, F-059: every cut position, any text."""
    encoded = []
    for row in table:
        try:
            encoded.append(("\t".join(map(cells.quote, row)) + "\n").encode())
        except UnicodeEncodeError:
            return
    whole = b"a\tb\tc\n" + b"".join(encoded)
    cut = data.draw(st.integers(0, len(whole)))
    ends = [0, 6]
    for line in encoded:
        ends.append(ends[-1] + len(line))
    path = tmp_path_factory.getbasetemp() / "cut.tsv"
    path.write_bytes(whole[:cut])
    fd = os.open(path, os.O_RDONLY)
    try:
        start, end = tail.last_row(fd, cut)
    finally:
        os.close(fd)
    expected = max(each for each in ends if each <= cut)
    assert (start, end) == (ends[ends.index(expected) - 1] if expected else 0, expected)


def test_the_end_of_a_large_file_is_found_without_and_with_reading_it(tmp_path):
    """A last row longer than what is read first, and newlines inside of quotes over chunk borders."""
    header = b"a\tb\n"
    long = b'1\t"' + b"x\n" * 2**20 + b'"\n'
    for rows_ in ([long], [long, b"1\t2\n"], [b"1\t2\n", long], [long, long]):
        path = tmp_path / "large.tsv"
        path.write_bytes(header + b"".join(rows_) + b'9\t"torn\n')
        fd = os.open(path, os.O_RDONLY)
        size = path.stat().st_size
        assert tail.last_row(fd, size) == (size - 8 - len(rows_[-1]), size - 8)
        os.close(fd)


def test_infos_of_a_run_are_json(make):
    logger = make()
    assert json.loads((Path(logger.scenario_dir) / "logger_info.json").read_text())["metrics_columns"] == ["reward"]


def test_a_first_row_longer_than_what_is_read_of_it(make):
    """Cut in a quoted cell, at a newline inside of it: it is not taken for a row."""
    logger = make()
    for exp_num in range(3):
        logger.log_record(record(exp_num, note="a line\n" * 20_000))
    logger.close()
    assert DataLogger.resume(logger.scenario_dir).next_exp_num == 3


@pytest.mark.parametrize(
    "names", [["a\nb", 'q"t', "t\tb"], [f"metric_number_{number:06}" for number in range(4000)]], ids=["odd", "many"]
)
def test_a_run_of_odd_or_many_columns_can_be_continued(make, names):
    """F-034: a header of more than one line, and one of more than one piece."""
    logger = make()
    logger.log_record(record(0, **dict.fromkeys(names, 1)))
    logger.close()
    again = DataLogger.resume(logger.scenario_dir)
    again.log_record(record(1, **dict.fromkeys(names, 1)))
    assert again.columns == logger.columns
    assert len(rows(logger.scenario_dir)) == 2


def test_wrong_options_are_refused_before_anything_is_repaired(ended):
    """F-014."""
    path = ended / "w0" / "2-train" / "data-log.tsv"
    path.write_bytes(path.read_bytes() + b"2\t12\tw0")
    with pytest.raises(ValueError, match="fsync must be one of"):
        DataLogger.resume(ended, fsync="sometimes")
    assert path.read_bytes().endswith(b"2\t12\tw0")


def test_a_torn_row_is_not_kept_through_a_link(ended, tmp_path):
    """F-010: nothing outside of the run is touched."""
    (tmp_path / "precious").write_text("precious")
    path = ended / "w0" / "2-train" / "data-log.tsv"
    path.write_bytes(path.read_bytes() + b"2\t12\tw0")
    path.with_name("data-log.tsv.torn").symlink_to(tmp_path / "precious")
    with pytest.raises(DirectoryError):
        DataLogger.resume(ended)
    assert (tmp_path / "precious").read_text() == "precious"
